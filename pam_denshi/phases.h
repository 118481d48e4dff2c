/*
 * The worker of each entry point, for users who are denshi's. Each returns PAM_*,
 * and has told the user and the log why where that isn't PAM_SUCCESS.
 */
#ifndef DENSHI_PAM_PHASES_H
#define DENSHI_PAM_PHASES_H

#include "pam_denshi/call.h"

/* Certificate, then login password (R-LOGIN-1, R-LOGIN-2). auth.c */
int denpam_authenticate(struct denpam_call *call);

/* denshi has no credentials to set. auth.c */
int denpam_set_credentials(struct denpam_call *call);

/* May they, and what is still to do (R-FIRST-1); with `approve`, R-APP-3. account.c */
int denpam_check_account(struct denpam_call *call);

/* An approved request is there, and used up (R-APP-3). approve.c */
int denpam_use_approval(struct denpam_call *call);

/* Asks OP_ACCOUNT and remembers what is pending; PAM_SUCCESS with *pending, a set of
 * DEN_PENDING_*, or a refusal. account.c */
int denpam_ask_pending(struct denpam_call *call, uint64_t *pending);

/* Both passwords, both passes of pam_chauthtok(3) (R-FIRST-1, R-APW-2). password.c */
int denpam_change_passwords(struct denpam_call *call);

/* The session, with its messages and its token (R-LOGOUT-1, R-APW-4). session.c */
int denpam_open_session(struct denpam_call *call);
int denpam_close_session(struct denpam_call *call);

#endif
