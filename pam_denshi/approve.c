/* The demand for an approval (R-APP-3): one that was given before, or by somebody who stands by. */
#include <security/pam_ext.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#include "core/client.h"
#include "core/duration.h"
#include "core/request.h"
#include "core/secret.h"
#include "pam_denshi/conv.h"
#include "pam_denshi/phases.h"
#include "pam_denshi/result.h"

static const char *item(struct denpam_call *call, int which)
{
	const void *value = NULL;

	return pam_get_item(call->pamh, which, &value) == PAM_SUCCESS && value ? value : "";
}

/* What isn't known is left out, and then equals nothing. */
static void add_fact(struct den_message *request, const char *name, const char *value)
{
	char fact[1024];
	int n = snprintf(fact, sizeof(fact), "%s=%s", name, value);

	if (*value && n > 0 && (size_t)n < sizeof(fact) && den_subject_is_valid(value, strlen(value)))
		den_message_add_string(request, DEN_TAG_FACT, fact);
}

/* NULL: no memory. */
static struct den_message *demand(struct denpam_call *call, enum den_op op)
{
	struct den_message *request = denpam_request(call, op);
	const struct denpam_args *args = &call->args;

	if (!request)
		return NULL;
	den_message_add_string(request, DEN_TAG_BUSINESS, args->business);
	den_message_add_string(request, DEN_TAG_ACCOUNT, args->account);
	den_message_add_string(request, DEN_TAG_APPROVER, args->approver);
	den_message_add_string(request, DEN_TAG_MATCH, args->match);
	if (args->need)
		den_message_add_number(request, DEN_TAG_NEED, (uint64_t)(args->need[0] - '0'));
	if (args->within)
		den_message_add_number(request, DEN_TAG_WITHIN, (uint64_t)den_duration_parse(args->within));
	add_fact(request, "user", item(call, PAM_USER));
	add_fact(request, "ruser", item(call, PAM_RUSER));
	add_fact(request, "rhost", item(call, PAM_RHOST));
	add_fact(request, "tty", item(call, PAM_TTY));
	add_fact(request, "service", item(call, PAM_SERVICE));
	return request;
}

static int is_given(const struct den_message *reply)
{
	switch (reply ? den_message_kind(reply) : DEN_INTERNAL) {
	case DEN_APPROVAL_USED:
	case DEN_APPROVAL_STANDS:
	case DEN_ALLOWED:
		return 1;
	default:
		return 0;
	}
}

static int accept(struct denpam_call *call, const struct den_message *reply)
{
	char sentence[DEN_TEXT_MAX];

	pam_syslog(call->pamh, LOG_INFO, "%s: %s", call->login, den_client_sentence(sentence, DEN_LANG_EN, reply));
	denpam_say_info(call, den_client_sentence(sentence, call->lang, reply));
	return denpam_result(call->phase, (enum den_code)den_message_kind(reply));
}

/* Never what a stack might take for "somebody else's user", or for a password to change. */
static int refuse(struct denpam_call *call, const struct den_message *reply)
{
	int result = denpam_refuse(call, reply);

	return result == PAM_USER_UNKNOWN || result == PAM_NEW_AUTHTOK_REQD ? PAM_PERM_DENIED : result;
}

/* -- on the spot ------------------------------------------------------------------------ */

/* A terminal, and somebody at it. Others (sshd's password method, cron, nginx, PostgreSQL) have
 * none, or answer every question with the user's own password. */
static int has_terminal(struct denpam_call *call)
{
	const char *tty = item(call, PAM_TTY);
	struct stat st;
	char path[256];

	if (call->flags & PAM_SILENT || !*tty || strstr(tty, ".."))
		return 0;
	snprintf(path, sizeof(path), "%s%.200s", tty[0] == '/' ? "" : "/dev/", tty);
	return strncmp(path, "/dev/", 5) == 0 && stat(path, &st) == 0 && S_ISCHR(st.st_mode);
}

/* What can be helped by an approval that is given now. */
static int lacks_approval(const struct den_message *reply)
{
	switch (reply ? den_message_kind(reply) : DEN_INTERNAL) {
	case DEN_APPROVAL_MISSING:
	case DEN_APPROVAL_PENDING:
	case DEN_REQUEST_EXPIRED:
	case DEN_REQUEST_ELSEWHERE:
	case DEN_REQUEST_UNBOUND:
		return 1;
	default:
		return 0;
	}
}

static int ask_approver(struct denpam_call *call, struct den_message *request)
{
	struct den_secret *password = den_secret_new();
	char login[64], subject[256];
	int result = password ? denpam_ask_line(call, DEN_ASK_APPROVER, login, sizeof(login)) : PAM_BUF_ERR;

	if (result == PAM_SUCCESS)
		result = denpam_ask_secret(call, DEN_ASK_APPROVAL, password);
	/* No guess at all. */
	if (result == PAM_SUCCESS && den_secret_len(password) == 0)
		result = PAM_PERM_DENIED;
	if (result == PAM_SUCCESS) {
		snprintf(subject, sizeof(subject), "%.60s: %.60s, %.60s", item(call, PAM_SERVICE), item(call, PAM_USER),
			item(call, PAM_TTY));
		den_message_add_string(request, DEN_TAG_SUBJECT, subject);
		den_message_add_string(request, DEN_TAG_DECIDED_BY, login);
		den_message_add(request, DEN_TAG_APPROVAL_PASSWORD, den_secret_bytes(password), den_secret_len(password));
	}
	den_secret_free(password);
	return result;
}

static int approve_now(struct denpam_call *call, const struct den_message *why)
{
	struct den_message *request = demand(call, DEN_OP_APPROVAL_SPOT), *reply;
	char sentence[DEN_TEXT_MAX];
	int result;

	denpam_say_info(call, den_client_sentence(sentence, call->lang, why));
	result = request ? ask_approver(call, request) : PAM_BUF_ERR;
	if (result != PAM_SUCCESS) {
		den_message_free(request);
		return result == PAM_BUF_ERR ? result : PAM_PERM_DENIED;
	}
	reply = denpam_ask_denshid(call, request);
	result = is_given(reply) ? accept(call, reply) : refuse(call, reply);
	den_message_free(reply);
	return result;
}

/* The directory marks the request as used before it says so. */
int denpam_use_approval(struct denpam_call *call)
{
	struct den_message *reply = denpam_ask_denshid(call, demand(call, DEN_OP_APPROVAL_USE));
	int result;

	if (is_given(reply))
		result = accept(call, reply);
	else if (call->args.prompt && lacks_approval(reply) && has_terminal(call))
		result = approve_now(call, reply);
	else
		result = refuse(call, reply);
	den_message_free(reply);
	return result;
}
