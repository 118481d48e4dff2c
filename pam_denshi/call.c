#include "pam_denshi/call.h"

#include <errno.h>
#include <locale.h>
#include <security/pam_ext.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "core/client.h"
#include "pam_denshi/conv.h"
#include "pam_denshi/result.h"

#define MEMORY_NAME "pam_denshi"

static void memory_free(pam_handle_t *pamh, void *data, int status)
{
	(void)pamh;
	(void)status;
	if (data)
		explicit_bzero(data, sizeof(struct denpam_memory));
	free(data);
}

struct denpam_memory *denpam_memory(struct denpam_call *call)
{
	const void *found = NULL;
	struct denpam_memory *memory;

	if (pam_get_data(call->pamh, MEMORY_NAME, &found) == PAM_SUCCESS && found) {
		memory = (struct denpam_memory *)(uintptr_t)found;
		/* sudo asks about one user and opens the session of another. */
		if (strcmp(memory->login, call->login) == 0)
			return memory;
	}
	memory = calloc(1, sizeof(*memory));
	if (!memory)
		return NULL;
	memcpy(memory->login, call->login, sizeof(memory->login));
	if (pam_set_data(call->pamh, MEMORY_NAME, memory, memory_free) != PAM_SUCCESS) {
		free(memory);
		return NULL;
	}
	return memory;
}

/* "C.UTF-8" says how characters are coded, and nothing of a language. */
static int names_a_language(const char *locale)
{
	return locale && *locale && strcmp(locale, "POSIX") != 0 &&
		!(locale[0] == 'C' && (locale[1] == '\0' || locale[1] == '.'));
}

/*
 * R-ALL-2: the locale's language where there is one, else the user's in the
 * directory. Whose locale is it, though? login, su and sudo call setlocale(3)
 * under the user's environment. sshd, cron and nginx don't before they ask PAM;
 * what stands in their environment is the machine's default, put there by the
 * service manager. So it is the program that is asked (a query: nothing is set);
 * then denshid; and the environment is what is left where denshid said nothing.
 */
static enum den_lang language(struct denpam_call *call)
{
	const char *locale = setlocale(LC_MESSAGES, NULL);
	struct denpam_memory *memory;

	if (names_a_language(locale))
		return den_lang_from_name(locale);
	memory = denpam_memory(call);
	if (memory && memory->has_lang)
		return memory->lang;
	return den_lang_from_environment(NULL);
}

static void learn_language(struct denpam_call *call, const struct den_message *reply)
{
	const char *name = den_message_string(reply, DEN_TAG_LANG);
	struct denpam_memory *memory = name ? denpam_memory(call) : NULL;

	if (!memory)
		return;
	memory->has_lang = 1;
	memory->lang = den_lang_from_name(name);
	call->lang = language(call);
}

static const char *item(struct denpam_call *call, int which)
{
	const void *value = NULL;

	return pam_get_item(call->pamh, which, &value) == PAM_SUCCESS ? value : NULL;
}

struct den_message *denpam_request(struct denpam_call *call, enum den_op op)
{
	struct den_message *m = den_message_new((uint16_t)op);

	if (!m)
		return NULL;
	den_message_add_string(m, DEN_TAG_LOGIN, call->login);
	den_message_add_string(m, DEN_TAG_SERVICE, item(call, PAM_SERVICE));
	den_message_add_string(m, DEN_TAG_RHOST, item(call, PAM_RHOST));
	den_message_add_string(m, DEN_TAG_TTY, item(call, PAM_TTY));
	return m;
}

void denpam_add_certificate(struct denpam_call *call, struct den_message *request)
{
	struct denpam_memory *memory = denpam_memory(call);

	if (!request)
		return;
	den_message_add_string(request, DEN_TAG_CERTIFICATE, call->args.certificate);
	if (strcmp(call->args.certificate, "off") != 0)
		den_message_add_string(request, DEN_TAG_AUTH_INFO,
			pam_getenv(call->pamh, "SSH_AUTH_INFO_0"));
	if (strcmp(call->args.certificate, "off") != 0 && memory && memory->has_proof)
		den_message_add(request, DEN_TAG_CHALLENGE, memory->proof, sizeof(memory->proof));
}

struct den_message *denpam_ask_denshid(struct denpam_call *call, struct den_message *request)
{
	struct den_message *reply;

	if (!request)
		return NULL;
	reply = den_client_call(call->args.socket, request, DEN_TIMEOUT_LOGIN_MS, NULL, NULL);
	if (reply && call->args.debug)
		pam_syslog(call->pamh, LOG_DEBUG, "operation %u: %s", den_message_kind(request),
			den_code_name((enum den_code)den_message_kind(reply)));
	den_message_free(request);
	if (reply)
		learn_language(call, reply);
	return reply;
}

/* A name that the directory may not know may be a password, typed a line too early: it
 * isn't logged. */
static int name_is_known(enum den_code code)
{
	return code != DEN_UNKNOWN_USER && code != DEN_LOGIN_UNKNOWN && code != DEN_NOT_IN_FORCE &&
		code != DEN_DAEMON_DOWN && code != DEN_DAEMON_LOST && code != DEN_MODULE_ARGUMENT && code != DEN_BUSY &&
		code != DEN_PASSWORD_IMPOSSIBLE;
}

static void log_refusal(struct denpam_call *call, enum den_code code, const char *detail)
{
	if (name_is_known(code))
		pam_syslog(call->pamh, LOG_NOTICE, "refused %s [%s]", call->login,
			den_code_name(code));
	else
		pam_syslog(call->pamh, LOG_NOTICE, "refused [%s]%s%s", den_code_name(code),
			detail ? " " : "", detail ? detail : "");
}

int denpam_refuse_as(struct denpam_call *call, enum den_code code, enum den_code shown,
	const char *arg)
{
	char sentence[DEN_TEXT_MAX];
	int result = denpam_result(call->phase, shown);

	log_refusal(call, code, NULL);
	den_text_format(sentence, sizeof(sentence), call->lang, shown, &arg, arg ? 1 : 0);
	denpam_say_error(call, shown, sentence);
	return result == PAM_SUCCESS ? denpam_result(call->phase, DEN_INTERNAL) : result;
}

int denpam_refuse_code(struct denpam_call *call, enum den_code code, const char *arg)
{
	return denpam_refuse_as(call, code, code, arg);
}

int denpam_refuse(struct denpam_call *call, const struct den_message *reply)
{
	enum den_code code = reply ? (enum den_code)den_message_kind(reply) : DEN_INTERNAL;
	char sentence[DEN_TEXT_MAX];

	if (!reply) {
		pam_syslog(call->pamh, LOG_CRIT, "no memory");
		return PAM_BUF_ERR;
	}
	/* A user may not learn from a refusal which names exist; the log may. */
	if (call->phase == DENPAM_AUTH && (code == DEN_UNKNOWN_USER || code == DEN_NOT_IN_FORCE))
		return denpam_refuse_as(call, code, DEN_LOGIN_UNKNOWN, NULL);
	/* A success that wasn't what was asked for is none. */
	if (denpam_result(call->phase, code) == PAM_SUCCESS)
		return denpam_refuse_code(call, DEN_INTERNAL, "unexpected answer");
	log_refusal(call, code,
		code == DEN_DAEMON_DOWN || code == DEN_DAEMON_LOST ? den_client_sentence(sentence, DEN_LANG_EN, reply) : NULL);
	denpam_say_error(call, code, den_client_sentence(sentence, call->lang, reply));
	return denpam_result(call->phase, code);
}

static int bad_argument(struct denpam_call *call, const struct denpam_args_error *error)
{
	const char *service = item(call, PAM_SERVICE);

	pam_syslog(call->pamh, LOG_ERR, "service %s, argument %.128s: found %.128s; allowed: %s",
		service ? service : "?", error->argument, error->found, error->allowed);
	return denpam_refuse_code(call, DEN_MODULE_ARGUMENT, error->argument);
}

/* In auth, libpam asks for the name where the application gave none. */
static int user_name(pam_handle_t *pamh, enum denpam_phase phase, const char **name)
{
	const void *value = NULL;
	int result;

	if (phase == DENPAM_AUTH)
		return pam_get_user(pamh, name, NULL);
	result = pam_get_item(pamh, PAM_USER, &value);
	*name = value;
	return result;
}

static int call_for(struct denpam_call *call, const char *name, int argc, const char **argv,
	int (*worker)(struct denpam_call *call))
{
	struct denpam_args_error error;

	int valid = den_login_id_parse(call->login, name, strlen(name)) == 0;

	call->lang = language(call);
	if (!valid) {
		/* Begins with d-, but nobody can have it: no need to ask. */
		(void)denpam_refuse_code(call, DEN_LOGIN_UNKNOWN, NULL);
		return PAM_USER_UNKNOWN;
	}
	if (denpam_args_parse(&call->args, call->phase, argc, argv, &error) != 0)
		return bad_argument(call, &error);
	return worker(call);
}

/* Whom the call is about: with of=ruser who asks for another's account, su(1)'s caller. */
static int whom(struct denpam_call *call, int argc, const char **argv, const char **name)
{
	if (call->phase != DENPAM_ACCOUNT || !denpam_args_of_ruser(argc, argv))
		return user_name(call->pamh, call->phase, name);
	*name = item(call, PAM_RUSER);
	return *name && **name ? PAM_SUCCESS : PAM_PERM_DENIED;
}

int denpam_call(pam_handle_t *pamh, int flags, enum denpam_phase phase, int argc, const char **argv,
	int (*worker)(struct denpam_call *call))
{
	struct denpam_call call = {.pamh = pamh, .flags = flags, .phase = phase};
	int kept = errno, result;
	const char *name = NULL;

	result = whom(&call, argc, argv, &name);
	if (result == PAM_PERM_DENIED)
		pam_syslog(pamh, LOG_ERR, "of=ruser, and the service doesn't say who asks");
	else if (result == PAM_SUCCESS && name)
		result = den_login_id_is_ours(name) ?
			call_for(&call, name, argc, argv, worker) : PAM_IGNORE;
	else if (result != PAM_CONV_AGAIN)
		result = PAM_USER_UNKNOWN;
	else
		result = PAM_INCOMPLETE;
	errno = kept;
	return result;
}
