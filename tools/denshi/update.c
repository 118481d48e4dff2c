#include "core/protocol.h"
#include "tools/denshi/args.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"
#include "tools/denshi/prompt.h"

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
	{DEN_TAG_TEXT, COLUMN_LINES, "changes", DEN_CLI_LABEL_CHANGES},
};

static int show_history(struct cli *cli)
{
	struct listing listing = LISTING(history);
	struct den_message *reply =
		ask(cli, ask_new(DEN_OP_UPDATE_HISTORY), listing_row, &listing);
	int status = ask_refused(cli, reply);

	if (status == CLI_DONE)
		listing_print(cli, &listing);
	listing_done(&listing);
	den_message_free(reply);
	return status;
}

/* Exactly what was shown: denshid refuses where the digest is no longer that of the change. */
static int run(struct cli *cli, const char *filter, const char *digest)
{
	struct den_secret *approval = NULL;
	struct den_message *request;
	int status = prompt_secret(cli, DEN_ASK_APPROVAL, &approval);

	if (status != CLI_DONE)
		return status;
	request = ask_new(DEN_OP_UPDATE_RUN);
	den_message_add_string(request, DEN_TAG_FILTER, filter);
	den_message_add_string(request, DEN_TAG_DIGEST, digest);
	ask_add_secret(request, DEN_TAG_APPROVAL_PASSWORD, approval);
	den_secret_free(approval);
	return ask_finish(cli, ask(cli, request, NULL, NULL), DEN_UPDATE_DONE, NULL);
}

static void print_changes(struct cli *cli, const struct listing *listing,
	const struct den_message *shown, int alone)
{
	json_t *object;

	if (!cli->json) {
		if (json_array_size(listing->rows) > 0)
			listing_print(cli, listing);
		if (alone)
			ask_say_pending(cli, shown);
		return;
	}
	/* With the update itself to follow, that is the one answer. */
	if (!alone)
		return;
	object = output_reply(shown);
	json_object_set(object, "changes", listing->rows);
	output_json(object);
}

int cli_user_update(struct cli *cli, const struct args *args)
{
	const char *filter = args->operands ? args->operand[0] : NULL;
	struct listing listing = LISTING(changes);
	struct den_message *request, *shown;
	int status, pending, alone;

	if (args->option[OPT_HISTORY])
		return show_history(cli);
	listing.rows = json_array();
	request = ask_new(DEN_OP_UPDATE_SHOW);
	den_message_add_string(request, DEN_TAG_FILTER, filter);
	shown = ask(cli, request, listing_row, &listing);
	status = ask_refused(cli, shown);
	pending = json_array_size(listing.rows) > 0;
	alone = args->option[OPT_DRY_RUN] || !pending;
	if (status == CLI_DONE)
		print_changes(cli, &listing, shown, alone);
	if (status == CLI_DONE && args->option[OPT_DRY_RUN])
		status = pending ? CLI_REFUSED : CLI_DONE;
	else if (status == CLI_DONE && pending)
		status = run(cli, filter, den_message_string(shown, DEN_TAG_DIGEST));
	listing_done(&listing);
	den_message_free(shown);
	return status;
}
