#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/protocol.h"
#include "tools/denshi/args.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"
#include "tools/denshi/prompt.h"
#include "tools/denshi/spool.h"

/* How often one who sits at a terminal is shown what somebody else has left, and how
 * long another one's update is waited for. */
#define TRIES_MAX 5
#define WAIT_S 300
#define HISTORY_LIMIT 20

static const struct column changes[] = {
	{DEN_TAG_ACTION, COLUMN_WORD, "action", DEN_CLI_LABEL_ACTION},
	{DEN_TAG_LOGIN, COLUMN_TEXT, "login", DEN_CLI_LABEL_LOGIN},
	{DEN_TAG_ATTRIBUTE, COLUMN_WORD, "attribute", DEN_CLI_LABEL_ATTRIBUTE},
	{DEN_TAG_BEFORE, COLUMN_LIST, "before", DEN_CLI_LABEL_BEFORE},
	{DEN_TAG_AFTER, COLUMN_LIST, "after", DEN_CLI_LABEL_AFTER},
};

static const struct column history[] = {
	{DEN_TAG_SERIAL, COLUMN_NUMBER, "serial", DEN_CLI_LABEL_SERIAL},
	{DEN_TAG_TIME, COLUMN_TIME, "time", DEN_CLI_LABEL_TIME},
	{DEN_TAG_LOGIN, COLUMN_TEXT, "login", DEN_CLI_LABEL_MASTER},
	{DEN_TAG_STATE, COLUMN_HIDDEN, "state", DEN_OK},
	{DEN_TAG_TEXT, COLUMN_LINES, "changes", DEN_CLI_LABEL_CHANGES},
};

static const char *number_text(char buf[24], uint64_t n)
{
	snprintf(buf, 24, "%" PRIu64, n);
	return buf;
}

/* -- history -------------------------------------------------------------------------- */

/* A rescue has the serial of the update before it. */
static int is_same_update(const json_t *last, const struct den_message *row)
{
	const char *by = den_message_string(row, DEN_TAG_LOGIN), *then = json_string_value(json_object_get(last, "login"));
	json_t *time = output_time(den_message_number(row, DEN_TAG_TIME, 0));
	int is = (uint64_t)json_integer_value(json_object_get(last, "serial")) == den_message_number(row, DEN_TAG_SERIAL, 0) &&
		json_equal(json_object_get(last, "time"), time) && strcmp(then ? then : "", by ? by : "") == 0;

	json_decref(time);
	return is;
}

/* A large update comes in several rows; it is one. */
static int history_row(void *context, const struct den_message *row)
{
	struct listing *listing = context;
	size_t n = json_array_size(listing->rows), cursor = 0, len;
	json_t *last = n ? json_array_get(listing->rows, n - 1) : NULL;
	const char *value;
	uint16_t tag;

	if (!last || !is_same_update(last, row))
		return listing_row(listing, row);
	while (den_message_next(row, &cursor, &tag, &value, &len))
		if (tag == DEN_TAG_TEXT)
			json_array_append_new(json_object_get(last, "changes"), json_stringn(value, len));
	return 0;
}

static int option_number(struct cli *cli, const struct args *args, enum option o, int otherwise, int *n)
{
	*n = args->option[o] ? args_number(args->option[o]) : otherwise;
	return *n >= 0 ? CLI_DONE : refuse(cli, DEN_CLI_USAGE_NUMBER, args->option[o]);
}

static int show_history(struct cli *cli, const struct args *args)
{
	struct listing listing = LISTING(history);
	struct den_message *request, *reply;
	int limit, before, status = option_number(cli, args, OPT_LIMIT, HISTORY_LIMIT, &limit);
	uint64_t next;
	char text[24];

	if (status == CLI_DONE)
		status = option_number(cli, args, OPT_BEFORE, 0, &before);
	if (status != CLI_DONE)
		return status;
	request = ask_new(DEN_OP_UPDATE_HISTORY);
	den_message_add_number(request, DEN_TAG_NUMBER, (uint64_t)limit);
	den_message_add_number(request, DEN_TAG_SERIAL, (uint64_t)before);
	reply = ask(cli, request, history_row, &listing);
	status = ask_refused(cli, reply);
	if (status == CLI_DONE)
		listing_print(cli, &listing);
	next = den_message_number(reply, DEN_TAG_SERIAL, 0);
	if (status == CLI_DONE && next && !cli->json)
		say(cli, stdout, DEN_CLI_HISTORY_MORE, number_text(text, next));
	listing_done(&listing);
	den_message_free(reply);
	return status;
}

/* -- running ------------------------------------------------------------------------------ */

struct progress {
	struct cli *cli;
	uint64_t users;
	int in_force, shown;
};

static void end_progress(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = 0;
}

/* A large update tells how far it is, and when it is in force. */
static int progress_row(void *context, const struct den_message *row)
{
	struct progress *p = context;
	uint64_t serial = den_message_number(row, DEN_TAG_SERIAL, 0);
	char done[24], all[24], text[DEN_TEXT_MAX];
	const char *args[] = {number_text(done, den_message_number(row, DEN_TAG_NUMBER, 0)),
		number_text(all, p->users)};

	if (p->cli->json)
		return 0;
	if (serial && !p->in_force) {
		char number[24];

		end_progress(p);
		say(p->cli, stdout, DEN_CLI_UPDATE_IN_FORCE, number_text(number, serial));
		fflush(stdout);
		p->in_force = 1;
	}
	if (isatty(STDERR_FILENO)) {
		den_text_format(text, sizeof(text), p->cli->lang,
			serial ? DEN_CLI_UPDATE_SWEEPING : DEN_CLI_UPDATE_PROGRESS, args, 2);
		fprintf(stderr, "\r\033[K%s", text);
		p->shown = 1;
	}
	return 0;
}

/* Exactly what was shown: denshid refuses where the digest is no longer that of the change. */
static int run(struct cli *cli, const char *filter, const struct den_message *shown, enum den_code *code)
{
	struct progress progress = {.cli = cli, .users = den_message_number(shown, DEN_TAG_PENDING_COUNT, 0)};
	struct den_secret *approval = NULL;
	struct den_message *request, *reply;
	int status = prompt_secret(cli, DEN_ASK_APPROVAL, &approval);

	if (status != CLI_DONE)
		return status;
	request = ask_new(DEN_OP_UPDATE_RUN);
	den_message_add_string(request, DEN_TAG_FILTER, filter);
	den_message_add_string(request, DEN_TAG_DIGEST, den_message_string(shown, DEN_TAG_DIGEST));
	ask_add_secret(request, DEN_TAG_APPROVAL_PASSWORD, approval);
	den_secret_free(approval);
	reply = ask(cli, request, progress_row, &progress);
	end_progress(&progress);
	*code = (enum den_code)den_message_kind(reply);
	return ask_finish(cli, reply, DEN_UPDATE_DONE, NULL);
}

/* -- showing --------------------------------------------------------------------------------- */

static void say_how_many(struct cli *cli, const char *filter, uint64_t n)
{
	char text[24];

	if (n)
		say(cli, stdout, DEN_UPDATE_DUE, number_text(text, n));
	else if (filter && *filter)
		say(cli, stdout, DEN_CLI_UPDATE_NO_MATCH, filter);
	else
		say(cli, stdout, DEN_UPDATE_NOT_DUE);
}

static void print_changes(struct cli *cli, struct spool *rows, const char *filter, const struct den_message *shown,
	int alone)
{
	/* With the update itself to follow, that is the one answer. */
	if (cli->json && alone)
		spool_print_json(rows, output_reply(shown), "changes");
	if (cli->json)
		return;
	spool_print(rows);
	if (alone)
		say_how_many(cli, filter, den_message_number(shown, DEN_TAG_PENDING_COUNT, 0));
}

static struct den_message *ask_changes(struct cli *cli, const char *filter, struct spool *rows)
{
	struct den_message *request = ask_new(DEN_OP_UPDATE_SHOW);

	den_message_add_string(request, DEN_TAG_FILTER, filter);
	return ask(cli, request, spool_row, rows);
}

/* Shows what is pending and puts it into force. *code: what denshid said last. */
static int show_and_run(struct cli *cli, const struct args *args, enum den_code *code)
{
	const char *filter = args->operands ? args->operand[0] : NULL;
	struct spool rows = SPOOL(cli, changes);
	struct den_message *shown = ask_changes(cli, filter, &rows);
	int status, pending, alone;

	*code = (enum den_code)den_message_kind(shown);
	status = ask_refused(cli, shown);
	if (status == CLI_DONE)
		status = spool_end(&rows);
	pending = den_message_number(shown, DEN_TAG_PENDING_COUNT, 0) > 0;
	alone = args->option[OPT_DRY_RUN] || !pending;
	if (status == CLI_DONE)
		print_changes(cli, &rows, filter, shown, alone);
	if (status == CLI_DONE && args->option[OPT_DRY_RUN])
		status = pending ? CLI_REFUSED : CLI_DONE;
	else if (status == CLI_DONE && pending)
		status = run(cli, filter, shown, code);
	spool_done(&rows);
	den_message_free(shown);
	return status;
}

/* -- who came second --------------------------------------------------------------------------- */

static int drop_row(void *context, const struct den_message *row)
{
	(void)context;
	(void)row;
	return 0;
}

/* Until the update that is in the way has ended, or its runner is found dead. */
static void wait_for_other(struct cli *cli)
{
	enum den_code code = DEN_UPDATE_RUNNING;

	for (int waited = 0; code == DEN_UPDATE_RUNNING && waited < WAIT_S; waited++) {
		struct den_message *reply;

		nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
		reply = ask(cli, ask_new(DEN_OP_UPDATE_SHOW), drop_row, NULL);
		code = (enum den_code)den_message_kind(reply);
		den_message_free(reply);
	}
}

/* A script is told by status and code; a person is shown what is pending now. */
static int is_overtaken(const struct cli *cli, const struct args *args, int status, enum den_code code)
{
	return status == CLI_REFUSED && cli->password_fd < 0 && !cli->json && !args->option[OPT_DRY_RUN] &&
		(code == DEN_UPDATE_CHANGED_MEANWHILE || code == DEN_UPDATE_RUNNING);
}

int cli_user_update(struct cli *cli, const struct args *args)
{
	enum den_code code = DEN_OK;
	int status;

	if (args->option[OPT_HISTORY] || args->option[OPT_LIMIT] || args->option[OPT_BEFORE])
		return show_history(cli, args);
	status = show_and_run(cli, args, &code);
	for (int tries = 1; tries < TRIES_MAX && is_overtaken(cli, args, status, code); tries++) {
		if (code == DEN_UPDATE_RUNNING)
			wait_for_other(cli);
		say(cli, stdout, DEN_CLI_UPDATE_AGAIN);
		status = show_and_run(cli, args, &code);
	}
	return status;
}
