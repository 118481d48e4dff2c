/*
 * Credentials: the one place where a password is checked (R-LOCK-2), set and
 * unlocked. A credential is an entry with userPassword and six slots, the values
 * 1 to 6 of denshiAttempt. The server's denshi-guard takes one for each bind, before
 * the password is looked at, and a right one frees those that were taken when its own
 * was (slapd-denshi-guard(5)). 7 is the seal, a master's, while an initial password is made.
 */
#ifndef DENSHI_DIRECTORY_CREDENTIAL_H
#define DENSHI_DIRECTORY_CREDENTIAL_H

#include "directory/connection.h"

#define DENDIR_ATTEMPTS 6
#define DENDIR_SEAL 7

enum dendir_credential { DENDIR_LOGIN, DENDIR_APPROVAL };

/*
 * The proof of a right password: a connection under the credential's own
 * identity. dendir_proof_free takes NULL and closes it.
 */
struct dendir_proof;
struct dendir *dendir_proof_connection(struct dendir_proof *proof);
void dendir_proof_free(struct dendir_proof *proof);

/* Attempts that failed, and the latest one's record without its slot ("TIME HOST SERVICE RHOST"). */
struct dendir_failures {
	unsigned count;
	char latest[160];
};

/* Who tries, for the attempt's record (R-LOCK-6). */
struct dendir_attempt {
	struct dendir_failures *before; /* not NULL: filled with those that this one met */
	const char *login;   /* stored form */
	const char *service; /* PAM service or command */
	const char *rhost;   /* "" where unknown */
};

/*
 * Checks a password of `which` credential of attempt->login. d is the host's
 * connection. On DEN_OK *proof, unless proof is NULL, is the caller's to free; the
 * slots are free when the server has taken the next operation there. Otherwise:
 *   DEN_LOGIN_WRONG, DEN_APPROVAL_WRONG    *left attempts are left (maybe 0: it is locked now)
 *   DEN_LOGIN_LOCKED, DEN_APPROVAL_LOCKED  nothing was evaluated
 *   DEN_LOGIN_UNKNOWN, DEN_APPROVAL_NONE   there is no such credential
 *   DEN_BUSY   nothing was evaluated: six others were all the time
 *   DEN_DIRECTORY_DOWN   nothing was evaluated, or the answer was lost; a slot that was
 *                        taken stays so (the safe side)
 */
enum den_code dendir_credential_check(struct dendir *d, enum dendir_credential which,
	const struct dendir_attempt *attempt, const struct den_secret *password, struct dendir_proof **proof,
	unsigned *left);

/* The cost of a wrong password, for a login ID that nobody has (R-LOCK-4): asks
 * the directory nothing about it. */
void dendir_credential_decoy(struct dendir *d, const struct den_secret *password);

/* What is known of a credential without checking it. */
struct dendir_credential_state {
	int exists;
	unsigned taken;	    /* slots, 0 to 6; 6 where it is locked, by the server too, or six are in flight */
	int must_change;    /* an initial password */
	int64_t changed;    /* time of the last change, 0: unknown */
	unsigned nrecords;
	char records[DENDIR_ATTEMPTS][160]; /* "TIME HOST SERVICE RHOST", oldest first */
};
enum den_code dendir_credential_state(struct dendir *d, enum dendir_credential which, const char *login,
	struct dendir_credential_state *state);

/*
 * DEN_OK, or it is locked (DEN_LOGIN_LOCKED, DEN_APPROVAL_LOCKED). Six attempts that are in flight are
 * no lock: until it is known what becomes of them it waits, a second at most.
 */
enum den_code dendir_credential_is_open(struct dendir *d, enum dendir_credential which, const char *login);

/*
 * Sets the proven credential's password; the mark of an initial one goes in the same
 * operation. DEN_PW_IS_CURRENT where the server says that an initial one would stay.
 */
enum den_code dendir_credential_change(struct dendir_proof *proof, const struct den_secret *password);

/* A master's first approval password, made under their own login identity (R-APW-2). */
enum den_code dendir_approval_create_own(struct dendir_proof *login, const struct den_secret *password);

/*
 * What makes the password that an entry has an initial one (R-FIRST-1), for a Modify under a
 * master's approval identity: pwdReset, which only the server takes away again, with a
 * change of the password; and a policy under which the same password is no change.
 */
void dendir_mark_initial(struct dendir_mods *m, const struct dendir *d, enum dendir_credential which);

/*
 * Under a master's approval identity: a new initial password; then all slots, records and
 * the server's own lock are cleared, and the password marked as initial, in one operation
 * (R-LOCK-5). Ended before that one, the credential is locked, whatever it was. For
 * DENDIR_APPROVAL it is made where there is none (R-AUTH-5).
 */
enum den_code dendir_credential_reset(struct dendir *master, enum dendir_credential which, const char *login,
	const struct den_secret *initial);

/* Under a master's approval identity: the approval credential goes (R-AUTH-5). */
enum den_code dendir_approval_disable(struct dendir *master, const char *login);

#endif
