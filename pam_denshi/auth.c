#include <security/pam_ext.h>
#include <string.h>

#include "core/client.h"
#include "core/secret.h"
#include "pam_denshi/conv.h"
#include "pam_denshi/phases.h"
#include "pam_denshi/prove.h"
#include "pam_denshi/result.h"

/* One user, one name: what later modules and the program see is the stored form (R-ID-1). */
static int settle_name(struct denpam_call *call)
{
	const void *name = NULL;

	if (pam_get_item(call->pamh, PAM_USER, &name) != PAM_SUCCESS || !name)
		return PAM_USER_UNKNOWN;
	if (strcmp(name, call->login) == 0)
		return PAM_SUCCESS;
	return pam_set_item(call->pamh, PAM_USER, call->login);
}

/* A name that nobody has is asked for its password like any other (R-LOCK-4); where a
 * certificate is demanded, it has none, like anybody who shows none. */
static int begin_unknown(struct denpam_call *call, enum den_code code)
{
	if (strcmp(call->args.certificate, "required") == 0)
		return denpam_refuse_as(call, code, DEN_CERT_NONE_SHOWN, call->login);
	return PAM_SUCCESS;
}

/* The certificate (R-LOGIN-2): refused, no password is asked and nothing counts. */
static int begin(struct denpam_call *call)
{
	struct den_message *request = denpam_request(call, DEN_OP_BEGIN);
	struct den_message *reply;
	int result;

	denpam_add_certificate(call, request);
	if (request && denpam_can_prove(call))
		den_message_add_number(request, DEN_TAG_PROVER, 1);
	reply = denpam_ask_denshid(call, request);
	switch (reply ? den_message_kind(reply) : DEN_INTERNAL) {
	case DEN_OK:
		denpam_say_reasons(call, reply);
		result = PAM_SUCCESS;
		break;
	case DEN_PROOF_WANTED:
		result = denpam_prove(call, reply);
		break;
	case DEN_UNKNOWN_USER:
	case DEN_LOGIN_UNKNOWN:
	case DEN_NOT_IN_FORCE:
		result = begin_unknown(call, (enum den_code)den_message_kind(reply));
		break;
	default:
		result = denpam_refuse(call, reply);
	}
	den_message_free(reply);
	return result;
}

/*
 * One password, from an earlier module or from the user. try_first_pass takes an
 * earlier one where there is one, and never asks for a second: each is one of
 * six attempts.
 */
static int get_password(struct denpam_call *call, struct den_secret *password)
{
	int result = PAM_AUTHTOK_RECOVERY_ERR;

	if (call->args.use_first_pass || call->args.try_first_pass)
		result = denpam_earlier_secret(call, PAM_AUTHTOK, password);
	if (result != PAM_AUTHTOK_RECOVERY_ERR)
		return result;
	if (call->args.use_first_pass)
		return denpam_refuse_code(call, DEN_LOGIN_UNKNOWN, NULL);
	return denpam_ask_secret(call, DEN_ASK_PASSWORD, password);
}

static int check_password(struct denpam_call *call, const struct den_secret *password)
{
	struct den_message *request = denpam_request(call, DEN_OP_AUTH);
	struct den_message *reply;
	int result;

	if (request)
		den_message_add(request, DEN_TAG_PASSWORD, den_secret_bytes(password),
			den_secret_len(password));
	reply = denpam_ask_denshid(call, request);
	if (reply && den_message_kind(reply) == DEN_OK)
		result = pam_set_item(call->pamh, PAM_AUTHTOK, den_secret_bytes(password));
	else
		result = denpam_refuse(call, reply);
	den_message_free(reply);
	return result;
}

int denpam_authenticate(struct denpam_call *call)
{
	struct den_secret *password = NULL;
	int result = settle_name(call);

	if (result == PAM_SUCCESS)
		result = begin(call);
	if (result != PAM_SUCCESS)
		return result;
	password = den_secret_new();
	if (!password)
		return PAM_BUF_ERR;
	result = get_password(call, password);
	if (result != PAM_SUCCESS)
		goto out;
	/* No guess at all; to a directory, an empty password is a login as nobody (RFC 4513,
	 * 5.1.2). */
	if (den_secret_len(password) == 0)
		result = denpam_refuse_code(call, DEN_LOGIN_UNKNOWN, NULL);
	else
		result = check_password(call, password);
out:
	den_secret_free(password);
	return result;
}

/*
 * Not PAM_IGNORE: where pam_denshi alone answers for a user, a stack of nothing but
 * PAM_IGNORE fails. And not only after denpam_authenticate: sshd with a public key
 * sets credentials without it; it is the account phase that lets nobody past.
 */
int denpam_set_credentials(struct denpam_call *call)
{
	return denpam_result(call->phase, DEN_OK);
}
