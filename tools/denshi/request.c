#include <stdlib.h>
#include <string.h>

#include "core/protocol.h"
#include "tools/denshi/args.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"
#include "tools/denshi/prompt.h"

static const struct column list_columns[] = {
	{DEN_TAG_ID, COLUMN_TEXT, "id", DEN_CLI_LABEL_ID},
	{DEN_TAG_STATE, COLUMN_WORD, "state", DEN_CLI_LABEL_STATE},
	{DEN_TAG_BUSINESS, COLUMN_TEXT, "business", DEN_CLI_LABEL_BUSINESS},
	{DEN_TAG_ACCOUNT, COLUMN_TEXT, "account", DEN_CLI_LABEL_ACCOUNT},
	{DEN_TAG_MAKER, COLUMN_TEXT, "maker", DEN_CLI_LABEL_MAKER},
	{DEN_TAG_TIME, COLUMN_TIME, "time", DEN_CLI_LABEL_TIME},
	{DEN_TAG_EXPIRES, COLUMN_TIME, "expires", DEN_CLI_LABEL_EXPIRES},
	{DEN_TAG_HOST, COLUMN_HIDDEN, "host", DEN_CLI_LABEL_HOST},
	{DEN_TAG_DIGEST, COLUMN_HIDDEN, "digest", DEN_CLI_LABEL_DIGEST},
	{DEN_TAG_DECIDED_BY, COLUMN_TEXT, "decided_by", DEN_CLI_LABEL_DECIDED_BY},
	{DEN_TAG_REASON, COLUMN_HIDDEN, "reason", DEN_CLI_LABEL_REASON},
	{DEN_TAG_SUBJECT, COLUMN_TEXT, "subject", DEN_CLI_LABEL_SUBJECT},
};

/* Everything that counts, before the approval password is asked for (R-APP-1, R-APP-2). */
static const struct column decide_columns[] = {
	{DEN_TAG_ID, COLUMN_TEXT, "id", DEN_CLI_LABEL_ID},
	{DEN_TAG_BUSINESS, COLUMN_TEXT, "business", DEN_CLI_LABEL_BUSINESS},
	{DEN_TAG_ACCOUNT, COLUMN_TEXT, "account", DEN_CLI_LABEL_ACCOUNT},
	{DEN_TAG_SUBJECT, COLUMN_TEXT, "subject", DEN_CLI_LABEL_SUBJECT},
	{DEN_TAG_MAKER, COLUMN_TEXT, "maker", DEN_CLI_LABEL_MAKER},
	{DEN_TAG_TIME, COLUMN_TIME, "time", DEN_CLI_LABEL_TIME},
	{DEN_TAG_HOST, COLUMN_TEXT, "host", DEN_CLI_LABEL_HOST},
	{DEN_TAG_EXPIRES, COLUMN_TIME, "expires", DEN_CLI_LABEL_EXPIRES},
	{DEN_TAG_DIGEST, COLUMN_TEXT, "digest", DEN_CLI_LABEL_DIGEST},
	{DEN_TAG_STATE, COLUMN_WORD, "state", DEN_CLI_LABEL_STATE},
	{DEN_TAG_DECIDED_BY, COLUMN_TEXT, "decided_by", DEN_CLI_LABEL_DECIDED_BY},
	{DEN_TAG_REASON, COLUMN_TEXT, "reason", DEN_CLI_LABEL_REASON},
};

int cli_request(struct cli *cli, const struct args *args)
{
	struct den_message *request = ask_new(DEN_OP_REQUEST_NEW);

	den_message_add_string(request, DEN_TAG_BUSINESS, args->operand[0]);
	den_message_add_string(request, DEN_TAG_ACCOUNT, args->option[OPT_ACCOUNT]);
	den_message_add_string(request, DEN_TAG_SUBJECT, args->option[OPT_SUBJECT]);
	if (args->option[OPT_DRY_RUN])
		den_message_add_number(request, DEN_TAG_DRY_RUN, 1);
	return ask_finish(cli, ask(cli, request, NULL, NULL), DEN_CLI_WOULD_REQUEST, NULL);
}

int cli_requests(struct cli *cli, const struct args *args)
{
	struct listing listing = LISTING(list_columns);
	struct den_message *request = ask_new(DEN_OP_REQUEST_LIST), *reply;
	int status;

	if (!!args->option[OPT_MINE] + !!args->option[OPT_TO_APPROVE] + !!args->option[OPT_ALL] > 1) {
		den_message_free(request);
		return refuse(cli, DEN_CLI_USAGE_TOGETHER, "--mine, --to-approve, --all");
	}
	den_message_add_string(request, DEN_TAG_WHICH,
		args->option[OPT_MINE] ? "mine" : args->option[OPT_TO_APPROVE] ? "to-approve" : "all");
	reply = ask(cli, request, listing_row, &listing);
	status = ask_refused(cli, reply);
	if (status == CLI_DONE)
		listing_print(cli, &listing);
	listing_done(&listing);
	den_message_free(reply);
	return status;
}

/* -- approve, reject -------------------------------------------------------------------- */

static const char *member(const json_t *row, const char *key)
{
	const char *value = json_string_value(json_object_get(row, key));

	return value ? value : "";
}

/* Adds the request's row to the listing, and shows it. */
static int show_request(struct cli *cli, struct listing *listing, const char *id)
{
	size_t before = json_array_size(listing->rows);
	struct den_message *request = ask_new(DEN_OP_REQUEST_LIST), *reply;
	int status;

	den_message_add_string(request, DEN_TAG_WHICH, "all");
	den_message_add_string(request, DEN_TAG_ID, id);
	reply = ask(cli, request, listing_row, listing);
	status = ask_refused(cli, reply);
	den_message_free(reply);
	if (status != CLI_DONE)
		return status;
	if (json_array_size(listing->rows) != before + 1)
		return refuse(cli, DEN_REQUEST_UNKNOWN, id);
	if (!cli->json) {
		if (before > 0)
			fputc('\n', stdout);
		listing_print_pairs(cli, listing, before);
	}
	return CLI_DONE;
}

static int decide(struct cli *cli, const json_t *row, const char *decision, const char *reason,
	const struct den_secret *approval)
{
	struct den_message *request = ask_new(DEN_OP_REQUEST_DECIDE);

	den_message_add_string(request, DEN_TAG_ID, member(row, "id"));
	den_message_add_string(request, DEN_TAG_DIGEST, member(row, "digest"));
	den_message_add_string(request, DEN_TAG_DECISION, decision);
	den_message_add_string(request, DEN_TAG_REASON, reason);
	den_message_add_string(request, DEN_TAG_TOKEN, ask_token());
	ask_add_secret(request, DEN_TAG_APPROVAL_PASSWORD, approval);
	return ask_finish(cli, ask(cli, request, NULL, NULL), DEN_OK, NULL);
}

/* Shows all, asks the approval password once, decides in turn. The first refusal ends it: a wrong
 * password tried on every request would lock the approver out. */
static int decide_all(struct cli *cli, const struct args *args, const char *decision,
	const char *reason)
{
	struct listing listing = LISTING(decide_columns);
	struct den_secret *approval = NULL;
	int status = CLI_DONE, i;

	for (i = 0; i < args->operands && status == CLI_DONE; i++)
		status = show_request(cli, &listing, args->operand[i]);
	if (status == CLI_DONE)
		status = prompt_secret(cli, DEN_ASK_APPROVAL, &approval);
	if (status != CLI_DONE)
		goto out;
	for (i = 0; i < args->operands && status == CLI_DONE; i++)
		status = decide(cli, json_array_get(listing.rows, (size_t)i), decision, reason,
			approval);
	for (; i < args->operands; i++)
		say(cli, stderr, DEN_CLI_NOT_DECIDED, args->operand[i]);
out:
	listing_done(&listing);
	den_secret_free(approval);
	return status;
}

int cli_approve(struct cli *cli, const struct args *args)
{
	return decide_all(cli, args, "approved", NULL);
}

int cli_reject(struct cli *cli, const struct args *args)
{
	/* No password for what is sure to be refused (R-APP-5). */
	if (!args->option[OPT_REASON] || !*args->option[OPT_REASON])
		return refuse(cli, DEN_REASON_NEEDED);
	return decide_all(cli, args, "rejected", args->option[OPT_REASON]);
}
