/*
 * One call of libpam into the module: whom it is about, with which arguments, in
 * which language; and the asking of denshid. Nothing outlives it but what is kept
 * in the handle's data.
 *
 * Thread rule: one thread at a time per PAM handle, as libpam's own.
 */
#ifndef DENSHI_PAM_CALL_H
#define DENSHI_PAM_CALL_H

#include <security/pam_modules.h>
#include <stdint.h>

#include "core/loginid.h"
#include "core/protocol.h"
#include "core/text.h"
#include "core/wire.h"
#include "pam_denshi/args.h"

struct denpam_call {
	pam_handle_t *pamh;
	int flags;
	enum denpam_phase phase;
	struct denpam_args args;
	char login[DEN_LOGIN_ID_SIZE]; /* stored form (R-ID-1) */
	enum den_lang lang;
};

#define DENPAM_TOKEN_SIZE 128
#define DENPAM_CHALLENGE_SIZE 32

/* Kept in the handle from one phase to the next, for one user. */
struct denpam_memory {
	char login[DEN_LOGIN_ID_SIZE];
	int has_lang, has_pending;
	enum den_lang lang;
	uint64_t pending; /* DEN_PENDING_* */
	char token[DENPAM_TOKEN_SIZE]; /* "": no session is open */
	int has_proof;
	unsigned char proof[DENPAM_CHALLENGE_SIZE]; /* the challenge that was answered (prove.h) */
};

/*
 * Every entry point: PAM_IGNORE for users who aren't denshi's (R-ID-2) before
 * anything else, also before the arguments are looked at: a mistake in them may
 * not shut root out. Then worker, whose return code it returns. errno is kept.
 */
int denpam_call(pam_handle_t *pamh, int flags, enum denpam_phase phase, int argc, const char **argv,
	int (*worker)(struct denpam_call *call));

/* The memory of this call's user; empty where there was none. NULL: no memory. The handle's. */
struct denpam_memory *denpam_memory(struct denpam_call *call);

/* A request with LOGIN, SERVICE, RHOST and TTY. NULL: no memory. */
struct den_message *denpam_request(struct denpam_call *call, enum den_op op);

/* Adds CERTIFICATE, and sshd's account of what was shown (AUTH_INFO), or what was proven on the
 * terminal (CHALLENGE). */
void denpam_add_certificate(struct denpam_call *call, struct den_message *request);

/* Asks, frees request (which may be NULL), learns the language. NULL: no memory. The caller
 * frees the reply. */
struct den_message *denpam_ask_denshid(struct denpam_call *call, struct den_message *request);

/* Tells the user and the log why not, and gives the phase's return code (not PAM_SUCCESS:
 * where reply was no refusal, it is one all the same). reply may be NULL: no memory. */
int denpam_refuse(struct denpam_call *call, const struct den_message *reply);

/* The same for a code of the module's own. arg may be NULL. */
int denpam_refuse_code(struct denpam_call *call, enum den_code code, const char *arg);

/* The same, where the log is told the code and the user another one: `shown`, whose return code it
 * is. */
int denpam_refuse_as(struct denpam_call *call, enum den_code code, enum den_code shown,
	const char *arg);

#endif
