/*
 * pam_denshi: the entry points. They only translate; the work is in auth.c,
 * account.c, password.c and session.c, the words in conv.c, the codes in
 * result.c. It runs inside other people's programs: no thread, no mutable global,
 * no signal, no descriptor left open (DESIGN).
 */
#include <security/pam_modules.h>

#include "pam_denshi/call.h"
#include "pam_denshi/phases.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return denpam_call(pamh, flags, DENPAM_AUTH, argc, argv, denpam_authenticate);
}

EXPORT int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return denpam_call(pamh, flags, DENPAM_AUTH, argc, argv, denpam_set_credentials);
}

EXPORT int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return denpam_call(pamh, flags, DENPAM_ACCOUNT, argc, argv, denpam_check_account);
}

EXPORT int pam_sm_chauthtok(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return denpam_call(pamh, flags, DENPAM_PASSWORD, argc, argv, denpam_change_passwords);
}

EXPORT int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return denpam_call(pamh, flags, DENPAM_SESSION, argc, argv, denpam_open_session);
}

EXPORT int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return denpam_call(pamh, flags, DENPAM_SESSION, argc, argv, denpam_close_session);
}
