#include "pam_denshi/result.h"

#include <security/pam_modules.h>
#include <stddef.h>

static const struct {
	unsigned phases;
	enum den_code code;
	int result;
} rows[] = {
	{DENPAM_AUTH | DENPAM_ACCOUNT | DENPAM_PASSWORD | DENPAM_SESSION, DEN_OK, PAM_SUCCESS},
	{DENPAM_ACCOUNT, DEN_APPROVAL_USED, PAM_SUCCESS},
	{DENPAM_ACCOUNT, DEN_APPROVAL_STANDS, PAM_SUCCESS},
	{DENPAM_ACCOUNT, DEN_ALLOWED, PAM_SUCCESS},
	{DENPAM_ACCOUNT, DEN_FIRST_CHANGE_NEEDED, PAM_NEW_AUTHTOK_REQD},
	{DENPAM_ACCOUNT, DEN_LOGIN_EXPIRED, PAM_NEW_AUTHTOK_REQD},
	{DENPAM_ACCOUNT, DEN_APPROVAL_INITIAL, PAM_NEW_AUTHTOK_REQD},

	/* So that the application stops asking: no further guess can be right. */
	{DENPAM_AUTH, DEN_LOGIN_LOCKED, PAM_MAXTRIES},

	/*
	 * Only in auth: there, every module's unavailability leads to a refusal or to another
	 * module's password. In account, profiles written for other directories say
	 * authinfo_unavail=ignore, which would let everybody in.
	 */
	{DENPAM_AUTH, DEN_DIRECTORY_DOWN, PAM_AUTHINFO_UNAVAIL},
	{DENPAM_AUTH, DEN_DIRECTORY_FULL, PAM_AUTHINFO_UNAVAIL},
	{DENPAM_AUTH, DEN_DAEMON_DOWN, PAM_AUTHINFO_UNAVAIL},
	{DENPAM_AUTH, DEN_DAEMON_LOST, PAM_AUTHINFO_UNAVAIL},
	{DENPAM_AUTH, DEN_BUSY, PAM_AUTHINFO_UNAVAIL},
	{DENPAM_PASSWORD, DEN_DIRECTORY_DOWN, PAM_TRY_AGAIN},
	{DENPAM_PASSWORD, DEN_DIRECTORY_FULL, PAM_TRY_AGAIN},
	{DENPAM_PASSWORD, DEN_DAEMON_DOWN, PAM_TRY_AGAIN},
	{DENPAM_PASSWORD, DEN_DAEMON_LOST, PAM_TRY_AGAIN},
	{DENPAM_PASSWORD, DEN_BUSY, PAM_TRY_AGAIN},

	/* Not in auth: su and login show pam_strerror, and an unknown name is told apart from a
	 * wrong password by it. There the default, PAM_AUTH_ERR, stands for both. */
	{DENPAM_ACCOUNT | DENPAM_PASSWORD, DEN_UNKNOWN_USER, PAM_USER_UNKNOWN},
	{DENPAM_ACCOUNT | DENPAM_PASSWORD, DEN_LOGIN_UNKNOWN, PAM_USER_UNKNOWN},
	{DENPAM_ACCOUNT | DENPAM_PASSWORD, DEN_NOT_IN_FORCE, PAM_USER_UNKNOWN},

	{DENPAM_PASSWORD, DEN_LOGIN_WRONG, PAM_AUTH_ERR},
	{DENPAM_PASSWORD, DEN_APPROVAL_WRONG, PAM_AUTH_ERR},
	{DENPAM_PASSWORD, DEN_LOGIN_LOCKED, PAM_PERM_DENIED},
	{DENPAM_PASSWORD, DEN_APPROVAL_LOCKED, PAM_PERM_DENIED},
	{DENPAM_PASSWORD, DEN_SUSPENDED, PAM_PERM_DENIED},
	{DENPAM_PASSWORD, DEN_NOT_PERMITTED, PAM_PERM_DENIED},
	{DENPAM_PASSWORD, DEN_ROOT_CHANGES_NOTHING, PAM_PERM_DENIED},

	/* A mistake of the administrator's, which is the same in every phase (R-ALL-5). */
	{DENPAM_AUTH | DENPAM_ACCOUNT | DENPAM_PASSWORD | DENPAM_SESSION, DEN_MODULE_ARGUMENT,
		PAM_SERVICE_ERR},
};

static int refusal(enum denpam_phase phase)
{
	switch (phase) {
	case DENPAM_AUTH:
		return PAM_AUTH_ERR;
	case DENPAM_PASSWORD:
		return PAM_AUTHTOK_ERR;
	case DENPAM_SESSION:
		return PAM_SESSION_ERR;
	case DENPAM_ACCOUNT:
		break;
	}
	return PAM_PERM_DENIED;
}

int denpam_result(enum denpam_phase phase, enum den_code code)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].code == code && (rows[i].phases & phase))
			return rows[i].result;
	return refusal(phase);
}

int denpam_result_prelim(enum den_code code)
{
	int result = denpam_result(DENPAM_PASSWORD, code);

	return result == PAM_SUCCESS || result == PAM_USER_UNKNOWN || result == PAM_SERVICE_ERR ||
		code == DEN_ROOT_CHANGES_NOTHING ? result : PAM_TRY_AGAIN;
}
