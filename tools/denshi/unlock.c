#include <string.h>

#include "core/protocol.h"
#include "tools/denshi/args.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"
#include "tools/denshi/passwords.h"
#include "tools/denshi/prompt.h"

static const struct column columns[] = {
	{DEN_TAG_LOGIN, COLUMN_TEXT, "login", DEN_CLI_LABEL_LOGIN},
	{DEN_TAG_NAME, COLUMN_TEXT, "name", DEN_CLI_LABEL_NAME},
	{DEN_TAG_STATE, COLUMN_WORD, "state", DEN_CLI_LABEL_STATE},
	{DEN_TAG_ATTEMPTS, COLUMN_NUMBER, "attempts", DEN_CLI_LABEL_ATTEMPTS},
	{DEN_TAG_APPROVAL_STATE, COLUMN_WORD, "approval", DEN_CLI_LABEL_APPROVAL},
	{DEN_TAG_RECORD, COLUMN_LINES, "records", DEN_CLI_LABEL_RECORDS},
};

/* Who failed, when and where, before anything is freed (R-LOCK-6). */
static int show_attempts(struct cli *cli, const char *login)
{
	struct listing listing = LISTING(columns);
	struct den_message *request = ask_new(DEN_OP_USER_LIST), *reply;
	int status;

	den_message_add_string(request, DEN_TAG_LOGIN, login);
	reply = ask(cli, request, listing_row, &listing);
	status = ask_refused(cli, reply);
	if (status == CLI_DONE && json_array_size(listing.rows) == 0)
		status = refuse(cli, DEN_UNKNOWN_USER, login);
	if (status == CLI_DONE && !cli->json)
		listing_print_pairs(cli, &listing, 0);
	listing_done(&listing);
	den_message_free(reply);
	return status;
}

static int ask_initial(struct cli *cli, const struct args *args, struct den_secret **initial)
{
	int approval = args->option[OPT_APPROVAL] != NULL;

	if (args->option[OPT_GENERATE])
		return password_generate(cli, initial);
	return prompt_new_secret(cli, approval ? DEN_ASK_INITIAL_APPROVAL : DEN_ASK_INITIAL,
		approval ? DEN_ASK_INITIAL_APPROVAL_AGAIN : DEN_ASK_INITIAL_AGAIN, initial);
}

static int unlock(struct cli *cli, const struct args *args, const struct den_secret *initial,
	const struct den_secret *approval)
{
	struct den_message *request = ask_new(DEN_OP_UNLOCK), *reply;

	den_message_add_string(request, DEN_TAG_LOGIN, args->operand[0]);
	den_message_add_string(request, DEN_TAG_KIND,
		args->option[OPT_APPROVAL] ? "approval" : "login");
	ask_add_secret(request, DEN_TAG_APPROVAL_PASSWORD, approval);
	ask_add_secret(request, DEN_TAG_INITIAL, initial);
	reply = ask(cli, request, NULL, NULL);
	/* Shown once, and only where it is in force. */
	if (args->option[OPT_GENERATE] && !den_message_string(reply, DEN_TAG_PASSWORD))
		ask_add_secret(reply, DEN_TAG_PASSWORD, initial);
	return ask_finish(cli, reply, DEN_UNLOCKED, args->operand[0]);
}

int cli_unlock(struct cli *cli, const struct args *args)
{
	struct den_secret *initial = NULL, *approval = NULL;
	int status = show_attempts(cli, args->operand[0]);

	if (status == CLI_DONE)
		status = ask_initial(cli, args, &initial);
	if (status == CLI_DONE)
		status = prompt_secret(cli, DEN_ASK_APPROVAL, &approval);
	if (status == CLI_DONE)
		status = unlock(cli, args, initial, approval);
	den_secret_free(initial);
	den_secret_free(approval);
	return status;
}
