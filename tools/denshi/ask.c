#include "tools/denshi/ask.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/protocol.h"
#include "tools/denshi/output.h"
#include "tools/denshi/remote.h"

/* Only to learn the language of the first prompt: not worth a long wait. */
#define LANGUAGE_TIMEOUT_MS 1000

struct den_message *ask_new(unsigned int op)
{
	struct den_message *m = den_message_new((uint16_t)op);

	if (!m)
		output_no_memory();
	return m;
}

void ask_add_secret(struct den_message *request, unsigned int tag, const struct den_secret *secret)
{
	if (secret)
		den_message_add(request, (uint16_t)tag, den_secret_bytes(secret),
			den_secret_len(secret));
}

static void learn_language(struct cli *cli, const struct den_message *reply)
{
	const char *name = den_message_string(reply, DEN_TAG_LANG);

	if (!cli->lang_known && name)
		cli->lang = den_lang_from_name(name);
}

/* The longest that an operation takes. */
static int patience_ms(const struct den_message *request)
{
	switch (den_message_kind(request)) {
	case DEN_OP_UPDATE_SHOW:
	case DEN_OP_UPDATE_RUN:
	case DEN_OP_UPDATE_HISTORY:
	case DEN_OP_LOG:
		return DEN_TIMEOUT_UPDATE_MS;
	default:
		return DEN_TIMEOUT_COMMAND_MS;
	}
}

struct den_message *ask(struct cli *cli, struct den_message *request, den_client_row *row,
	void *context)
{
	struct den_message *reply = cli->remote ? remote_call(cli->remote, request, patience_ms(request)) :
		den_client_call(NULL, request, patience_ms(request), row, context);

	den_message_free(request);
	if (!reply)
		output_no_memory();
	learn_language(cli, reply);
	return reply;
}

void ask_language(struct cli *cli)
{
	struct den_message *request, *reply;

	if (cli->lang_known)
		return;
	request = ask_new(DEN_OP_STATUS);
	reply = den_client_call(NULL, request, LANGUAGE_TIMEOUT_MS, NULL, NULL);
	den_message_free(request);
	if (reply)
		learn_language(cli, reply);
	den_message_free(reply);
}

static int status_of(enum den_code code)
{
	switch (code) {
	case DEN_OK:
	case DEN_NOTHING_TO_CHANGE:
	case DEN_PASSWORD_CHANGED:
	case DEN_APPROVAL_CHANGED:
	case DEN_UPDATE_NOT_DUE:
	case DEN_UPDATE_DONE:
	case DEN_AUTHORITY_DONE:
	case DEN_CATALOGUE_DONE:
	case DEN_REQUEST_MADE:
	case DEN_APPROVED:
	case DEN_APPROVED_PARTLY:
	case DEN_WITHDRAWN:
	case DEN_LOG_SOUND:
	case DEN_APPROVAL_USED:
	case DEN_APPROVAL_STANDS:
	case DEN_ALLOWED:
	case DEN_REJECTED:
	case DEN_UNLOCKED:
	case DEN_UNLOCKED_APPROVAL:
	case DEN_LOGOUT_BUSINESS:
	case DEN_LOGOUT_LOGIN:
		return CLI_DONE;
	case DEN_DAEMON_DOWN:
	case DEN_DAEMON_LOST:
	case DEN_DIRECTORY_DOWN:
	case DEN_BUSY:
		return CLI_DOWN;
	case DEN_CLI_USAGE_OPTION:
	case DEN_CLI_USAGE_VALUE:
	case DEN_CLI_USAGE_UNWANTED:
	case DEN_CLI_USAGE_TWICE:
	case DEN_CLI_USAGE_COMMAND:
	case DEN_CLI_USAGE_MISSING:
	case DEN_CLI_USAGE_EXTRA:
	case DEN_CLI_USAGE_DESCRIPTOR:
	case DEN_CLI_USAGE_NUMBER:
	case DEN_CLI_USAGE_TOGETHER:
	case DEN_CLI_NO_TERMINAL:
		return CLI_USAGE;
	default:
		return CLI_REFUSED;
	}
}

static void print_refusal(const char *sentence, enum den_code code)
{
	fputs("denshi: ", stderr);
	output_safe(stderr, sentence);
	fprintf(stderr, " [%s]\n", den_code_name(code));
}

int refuse_with(struct cli *cli, enum den_code code, const char *const *args, size_t nargs)
{
	char sentence[DEN_TEXT_MAX];

	fflush(stdout);
	den_text_format(sentence, sizeof(sentence), cli->lang, code, args + 1, nargs);
	print_refusal(sentence, code);
	if (cli->json)
		output_json(json_pack("{ss ss}", "code", den_code_name(code), "message", sentence));
	return status_of(code);
}

void say_with(struct cli *cli, FILE *stream, enum den_code code, const char *const *args,
	size_t nargs)
{
	char sentence[DEN_TEXT_MAX];

	den_text_format(sentence, sizeof(sentence), cli->lang, code, args + 1, nargs);
	output_safe(stream, sentence);
	fputc('\n', stream);
	/* It may have been a generated password (R-ALL-4). */
	explicit_bzero(sentence, sizeof(sentence));
}

/* A reply in JSON: code, sentence, reasons, and every field it may carry. */
static void print_reply_json(struct cli *cli, const struct den_message *reply)
{
	char sentence[DEN_TEXT_MAX];
	json_t *object = output_reply(reply), *reasons = json_array();
	size_t cursor = 0;
	enum den_code code;

	den_client_sentence(sentence, cli->lang, reply);
	json_object_set_new(object, "code",
		json_string(den_code_name((enum den_code)den_message_kind(reply))));
	json_object_set_new(object, "message", json_string(sentence));
	while ((code = den_client_next_reason(reply, &cursor, sentence, cli->lang)) != DEN_OK)
		json_array_append_new(reasons,
			json_pack("{ss ss}", "code", den_code_name(code), "message", sentence));
	json_object_set_new(object, "reasons", reasons);
	output_json(object);
}

int ask_refused(struct cli *cli, const struct den_message *reply)
{
	enum den_code code = (enum den_code)den_message_kind(reply), reason;
	int status = status_of(code);
	char sentence[DEN_TEXT_MAX];
	size_t cursor = 0;

	if (status == CLI_DONE)
		return CLI_DONE;
	fflush(stdout);
	print_refusal(den_client_sentence(sentence, cli->lang, reply), code);
	while ((reason = den_client_next_reason(reply, &cursor, sentence, cli->lang)) != DEN_OK) {
		fputs("  ", stderr);
		output_safe(stderr, sentence);
		fprintf(stderr, " [%s]\n", den_code_name(reason));
	}
	if (cli->json)
		print_reply_json(cli, reply);
	return status;
}

void ask_say_pending(struct cli *cli, const struct den_message *reply)
{
	char number[24];
	size_t len;
	uint64_t n;

	if (cli->json || !den_message_bytes(reply, DEN_TAG_PENDING_COUNT, &len))
		return;
	n = den_message_number(reply, DEN_TAG_PENDING_COUNT, 0);
	snprintf(number, sizeof(number), "%" PRIu64, n > DEN_COUNTED_MAX ? DEN_COUNTED_MAX : n);
	if (n > DEN_COUNTED_MAX)
		say(cli, stdout, DEN_UPDATE_DUE_MANY, number);
	else
		say(cli, stdout, n ? DEN_UPDATE_DUE : DEN_UPDATE_NOT_DUE, number);
}

static void print_done(struct cli *cli, const struct den_message *reply, enum den_code done,
	const char *arg)
{
	const char *generated = den_message_string(reply, DEN_TAG_PASSWORD);
	char sentence[DEN_TEXT_MAX];

	if (den_message_kind(reply) == DEN_OK) {
		say(cli, stdout, done, arg);
	} else {
		output_safe(stdout, den_client_sentence(sentence, cli->lang, reply));
		fputc('\n', stdout);
	}
	if (generated)
		say(cli, stdout, DEN_CLI_GENERATED, generated);
	ask_say_pending(cli, reply);
}

int ask_finish(struct cli *cli, struct den_message *reply, enum den_code done, const char *arg)
{
	int status = ask_refused(cli, reply);

	if (status == CLI_DONE && cli->json)
		print_reply_json(cli, reply);
	else if (status == CLI_DONE)
		print_done(cli, reply, done, arg);
	den_message_free(reply);
	return status;
}

int ask_who(struct cli *cli, char login[DEN_LOGIN_ID_SIZE])
{
	struct den_message *reply = ask(cli, ask_new(DEN_OP_STATUS), NULL, NULL);
	const char *found = den_message_string_or_empty(reply, DEN_TAG_LOGIN);
	int status = ask_refused(cli, reply);

	if (status != CLI_DONE || den_login_id_parse(login, found, strlen(found)) != 0)
		login[0] = '\0';
	den_message_free(reply);
	return status;
}

const char *ask_token(void)
{
	const char *token = getenv("DENSHI_SESSION");

	return token && *token ? token : NULL;
}
