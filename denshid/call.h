/*
 * One request being answered, and what every operation is made of: who asks, what
 * they may, the directory, the reply. Operations are functions of this shape, one
 * file a subject; dispatch.c has the table.
 *
 * An operation returns the code of the final reply and has put arguments and
 * fields into it with call_arg and den_message_add_*. What it doesn't understand
 * it refuses.
 */
#ifndef DENSHI_DENSHID_CALL_H
#define DENSHI_DENSHID_CALL_H

#include <sys/types.h>

#include "config/config.h"
#include "core/password.h"
#include "core/protocol.h"
#include "core/wire.h"
#include "denshid/view.h"
#include "directory/credential.h"

/* What all workers share. */
struct denshid {
	const struct den_config *config;
	const struct dendir_site *site;
	struct view *view;
	struct proofs *proofs;
	struct pace *pace;
	struct refused *refused;   /* NULL: nothing is remembered */
	struct standing *standing; /* approvals that were found good */
	uid_t services[8]; /* who may use approvals, beside root */
	size_t nservices;
	char sessions[128]; /* folder of the open sessions (session.h) */
	char last[256];	    /* folder of the last logins (last.h); "": none are kept */
};

struct call {
	const struct denshid *shared;
	struct dendir **pooled;	     /* this worker's connection to the directory, kept between calls */
	int fd;			     /* of the one who asks */
	const struct den_message *in;
	struct den_message *out;     /* the final reply */
	uid_t uid;		     /* of the one who asks, from the kernel */
	struct view_user peer;	     /* the same as a user in force; login "" where it isn't one */
	int64_t now;		     /* seconds since the epoch */
	char lang[3];		     /* see call_language */
	int is_conversation;	     /* the caller may have sent more than was read: see dispatch.c */
	int reads;		     /* the operation only reads: any server will do */
	int64_t in_force;	     /* serial that this call has put in force; 0: none */
	int64_t deadline_ms;	     /* CLOCK_MONOTONIC: the answer must be there by then */
};

typedef enum den_code operation(struct call *c);

/* -- fields of the request; "" where missing ---------------------------------------- */

const char *call_string(const struct call *c, enum den_tag tag);
/* The LOGIN field as a stored login ID; NULL where it isn't one. */
const char *call_login(struct call *c, char login[DEN_LOGIN_ID_SIZE]);
/* A field that is a password, as a new secret (NULL without memory). Missing: empty. */
struct den_secret *call_secret(const struct call *c, enum den_tag tag);
/* Whether DRY_RUN is asked for. */
int call_dry_run(const struct call *c);

/* "en" or "ja": that of whom the request is about, or of the one who asks (R-ALL-2). */
const char *call_language(struct call *c);

/* -- the reply ---------------------------------------------------------------------------- */

void call_arg(struct call *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Drops what the reply holds so far. -1 without memory: the reply stays as it is. */
int call_start_over(struct call *c);
/* One more reason of a refusal, with one argument (NULL: none). */
void call_reason(struct call *c, enum den_code code, const char *arg);
/* Sends a row at once (DEN_MORE) and frees it. -1 where nobody reads any more: the caller
 * stops, for a worker is waiting. */
int call_row(struct call *c, struct den_message *row);

/* -- the directory --------------------------------------------------------------------------- */

/* The host's own connection, ready for use: at the writer, or for an operation that only
 * reads at the first server that answers. NULL and DEN_DIRECTORY_DOWN in *code. */
struct dendir *call_directory(struct call *c, enum den_code *code);
/* Logs what the directory said and puts it into the reply. Returns code. */
enum den_code call_refused(struct call *c, struct dendir *d, enum den_code code);

/* -- who asks, and their passwords -------------------------------------------------------------- */

/* DEN_OK where a user in force, not suspended, asks; or that is a master. */
enum den_code call_needs_user(struct call *c);
enum den_code call_needs_master(struct call *c);
/* DEN_OK for root (PAM modules of login services) and for the user `login` themself. */
enum den_code call_needs_root_or(struct call *c, const char *login);

/* The same, and for services that are named in the configuration. */
enum den_code call_needs_service_or(struct call *c, const char *login);

/*
 * The one way to a password's check from here (R-LOCK-2): the directory reserves, evaluates,
 * records. What can be nobody's password is refused without that. proof may be NULL, and
 * so may left, the attempts that are left after a wrong one. The code's arguments are in
 * the reply.
 */
enum den_code call_check_password(struct call *c, enum dendir_credential which, const char *login,
	const char *service, const struct den_secret *password, struct dendir_proof **proof,
	unsigned *left);

/* The approval password of the one who asks (field APPROVAL_PASSWORD): that they
 * have one, not initial, not expired, and right. */
enum den_code call_approve(struct call *c, struct dendir_proof **proof);
/* The same of somebody who is asked on the spot, in a service. */
enum den_code call_approve_as(struct call *c, const char *login, const char *service, struct dendir_proof **proof);

/* The organisation's password rules (R-PW-2); those of `densai` where it names none that is known. */
const struct den_password_policy *call_password_policy(struct dendir *d);

/* Days before an approval password's end that login warns (R-APW-4). */
#define APPROVAL_WARNING_DAYS 14
#define DAY_S 86400
/* Days within which a granted certificate must be acquired (R-CERT-1). */
#define GRANT_DAYS 30
/* When an approval password of that age ends, by the organisation's policy; INT64_MAX: never. */
int64_t call_approval_end(struct dendir *d, int64_t changed);
/* Date as people read it: YYYY-MM-DD, UTC. */
char *call_date(char buf[16], int64_t t);

/* -- operations, by file --------------------------------------------------------------------------- */

/* login.c */
operation login_begin, login_auth, login_account, login_passwd;
/* proof.c */
operation login_prove;
/* session.c */
operation session_open, session_close, session_logout;
/* status.c */
operation status_show;
/* user.c */
operation user_create, user_change, user_delete, user_list, user_suspend, user_unlock;
/* import.c, export.c */
operation user_import, user_export;
/* certificate.c */
operation certificate_grant, certificate_list, certificate_granted, certificate_request, certificate_fetch,
	certificate_renew, certificate_revoke, certificate_ssh_keys;
/* update.c */
operation update_show, update_run, update_history;
/* authority.c */
operation authority_list, authority_show, authority_change;
/* catalogue.c */
operation catalogue_change;
/* request.c */
operation request_new, request_list, request_withdraw;
/* record.c */
operation record_list;
/* approval.c */
operation request_decide, approval_use, approval_on_the_spot;

/* How a client's certificate is proven; certificate.c. */
enum den_code certificate_check_login(struct call *c, const char *login);
/* That there is a good one on record, whoever proved it. */
enum den_code certificate_check_record(struct call *c, const char *login);
/* PROVE's BYTES and SIGNATURE over its CHALLENGE. */
enum den_code certificate_check_proof(struct call *c, const char *login);

/* State of the user's newest grant or certificate, as CERT_LIST has it, "none", or ""
 * where it can't be told; certificate.c. */
/* When the certificate on record ends, where it is good and can be renewed by now; otherwise 0. */
int64_t certificate_end_near(struct call *c, const char *login);
const char *certificate_state(struct call *c, struct dendir *d, const char *login);

/* Adds PENDING_COUNT to the reply (R-UPD-3); update.c. */
void update_add_pending(struct call *c, struct dendir *d);

/* Runs an update under the approval identity that was proven, and tells what came of it:
 * arguments of a refusal, SERIAL where it is in force; update.c. */
struct dendir_update;
enum den_code update_execute(struct call *c, struct dendir_update *u, struct dendir_proof *proof, int64_t *serial);

/* Runs a request and fills c->out; dispatch.c. */
void dispatch(struct call *c);
/* How long an operation may take, in ms. */
int dispatch_patience_ms(uint16_t op);

#endif
