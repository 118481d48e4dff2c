#include <security/pam_ext.h>
#include <string.h>
#include <syslog.h>

#include "core/client.h"
#include "pam_denshi/conv.h"
#include "pam_denshi/phases.h"
#include "pam_denshi/result.h"

int denpam_ask_pending(struct denpam_call *call, uint64_t *pending)
{
	struct den_message *request = denpam_request(call, DEN_OP_ACCOUNT);
	struct den_message *reply;
	struct denpam_memory *memory;
	int result;

	denpam_add_certificate(call, request);
	reply = denpam_ask_denshid(call, request);
	/* No NUMBER at all isn't "nothing to do": all bits, which no change can clear. */
	*pending = reply ? den_message_number(reply, DEN_TAG_NUMBER, UINT64_MAX) : UINT64_MAX;
	memory = denpam_memory(call);
	if (!memory) {
		result = PAM_BUF_ERR;
	} else if (reply && den_message_kind(reply) == DEN_OK && *pending != UINT64_MAX) {
		memory->has_pending = 1;
		memory->pending = *pending;
		result = PAM_SUCCESS;
	} else {
		result = denpam_refuse(call, reply);
	}
	den_message_free(reply);
	return result;
}

/* What libpam's caller is told to change is said by the password phase; a service that demands
 * an approval has none, and says it here. */
static int pending_change(struct denpam_call *call, uint64_t pending)
{
	enum den_code code =
		pending & DEN_PENDING_LOGIN ? DEN_FIRST_CHANGE_NEEDED :
		pending & DEN_PENDING_EXPIRED ? DEN_LOGIN_EXPIRED : DEN_APPROVAL_INITIAL;

	if (call->args.approve)
		return denpam_refuse_code(call, code, NULL);
	pam_syslog(call->pamh, LOG_INFO, "%s has to change a password first", call->login);
	return denpam_result(call->phase, code);
}

/* With `approve` the account itself is checked too, and before: an approval is used up by who may
 * go on (R-APP-2). */
int denpam_check_account(struct denpam_call *call)
{
	uint64_t pending;
	int result;

	/* Who asks for another's account is logged in already. */
	if (strcmp(call->args.of, "ruser") == 0)
		return denpam_use_approval(call);
	result = denpam_ask_pending(call, &pending);
	if (result != PAM_SUCCESS)
		return result;
	if (pending)
		return pending_change(call, pending);
	return call->args.approve ? denpam_use_approval(call) : PAM_SUCCESS;
}
