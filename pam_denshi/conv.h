/*
 * The conversation with the user, in the call's language. A service may have none
 * (cron), or want silence (PAM_SILENT): then nothing is said, and asking fails.
 */
#ifndef DENSHI_PAM_CONV_H
#define DENSHI_PAM_CONV_H

#include "core/secret.h"
#include "pam_denshi/call.h"

/* A refusal, with its stable name behind it (R-ALL-6): `sentence [name]`. */
void denpam_say_error(struct denpam_call *call, enum den_code code, const char *sentence);

/* Information; not with `quiet`. */
void denpam_say_info(struct denpam_call *call, const char *sentence);
void denpam_say_info_code(struct denpam_call *call, enum den_code code);
/* Each of a reply's CODE fields. */
void denpam_say_reasons(struct denpam_call *call, const struct den_message *reply);

/*
 * Asks for a password without echo; the answer is wiped everywhere but in secret.
 * PAM_SUCCESS; PAM_CONV_ERR where nobody answers; a refusal, which the user has
 * been told, where the answer is longer than a password may be.
 */
int denpam_ask_secret(struct denpam_call *call, enum den_code prompt, struct den_secret *secret);

/* A line that may be seen, of at most size bytes. PAM_CONV_ERR where nobody answers, or too much. */
int denpam_ask_line(struct denpam_call *call, enum den_code prompt, char *line, size_t size);

/* PAM_AUTHTOK or PAM_OLDAUTHTOK, as an earlier module left it: as above, and
 * PAM_AUTHTOK_RECOVERY_ERR where there is none. */
int denpam_earlier_secret(struct denpam_call *call, int which, struct den_secret *secret);

#endif
