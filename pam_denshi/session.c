#include <security/pam_ext.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "core/client.h"
#include "pam_denshi/conv.h"
#include "pam_denshi/phases.h"
#include "pam_denshi/result.h"

#define TOKEN_VARIABLE "DENSHI_SESSION"

/* In the handle for closing, in the session's environment for the commands. */
static int keep_token(struct denpam_call *call, const struct den_message *reply)
{
	const char *token = den_message_string_or_empty(reply, DEN_TAG_TOKEN);
	struct denpam_memory *memory = denpam_memory(call);
	char variable[sizeof(TOKEN_VARIABLE) + 1 + DENPAM_TOKEN_SIZE];
	size_t len = strlen(token);
	int result;

	if (len == 0 || len >= DENPAM_TOKEN_SIZE || !memory)
		return denpam_refuse_code(call, DEN_INTERNAL, "session token");
	memcpy(memory->token, token, len + 1);
	snprintf(variable, sizeof(variable), TOKEN_VARIABLE "=%s", token);
	result = pam_putenv(call->pamh, variable);
	explicit_bzero(variable, sizeof(variable));
	return result;
}

int denpam_open_session(struct denpam_call *call)
{
	struct den_message *request = denpam_request(call, DEN_OP_SESSION_OPEN);
	struct den_message *reply = denpam_ask_denshid(call, request);
	int result;

	if (reply && den_message_kind(reply) == DEN_OK)
		result = keep_token(call, reply);
	else
		result = denpam_refuse(call, reply);
	/* Expiry, waiting requests, failures since the last login (R-APW-4, R-APP-6, R-LOCK-6). */
	if (result == PAM_SUCCESS)
		denpam_say_reasons(call, reply);
	den_message_free(reply);
	return result;
}

int denpam_close_session(struct denpam_call *call)
{
	struct denpam_memory *memory = denpam_memory(call);
	struct den_message *request, *reply;
	int result = PAM_SUCCESS;

	/* Opened by nobody, or by another process: nothing of ours to end. */
	if (!memory || !memory->token[0])
		return denpam_result(call->phase, DEN_OK);
	request = denpam_request(call, DEN_OP_SESSION_CLOSE);
	if (request)
		den_message_add_string(request, DEN_TAG_TOKEN, memory->token);
	reply = denpam_ask_denshid(call, request);
	if (!reply || den_message_kind(reply) != DEN_OK)
		result = denpam_refuse(call, reply);
	den_message_free(reply);
	explicit_bzero(memory->token, sizeof(memory->token));
	(void)pam_putenv(call->pamh, TOKEN_VARIABLE);
	return result;
}
