#include "core/protocol.h"
#include "tools/denshi/args.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"
#include "tools/denshi/prompt.h"

static const struct column columns[] = {
	{DEN_TAG_LOGIN, COLUMN_TEXT, "login", DEN_CLI_LABEL_LOGIN},
	{DEN_TAG_STATE, COLUMN_WORD, "state", DEN_CLI_LABEL_STATE},
	{DEN_TAG_EXPIRES, COLUMN_TIME, "expires", DEN_CLI_LABEL_EXPIRES},
	{DEN_TAG_SERIAL_HEX, COLUMN_TEXT, "certificate_serial", DEN_CLI_LABEL_CERT_SERIAL},
	{DEN_TAG_ID, COLUMN_HIDDEN, "id", DEN_CLI_LABEL_ID},
};

static const struct column details[] = {
	{DEN_TAG_LOGIN, COLUMN_TEXT, "login", DEN_CLI_LABEL_LOGIN},
	{DEN_TAG_STATE, COLUMN_WORD, "state", DEN_CLI_LABEL_STATE},
	{DEN_TAG_REASON, COLUMN_TEXT, "reason", DEN_CLI_LABEL_REASON},
	{DEN_TAG_TIME, COLUMN_TIME, "begins", DEN_CLI_LABEL_BEGINS},
	{DEN_TAG_EXPIRES, COLUMN_TIME, "expires", DEN_CLI_LABEL_EXPIRES},
	{DEN_TAG_SERIAL_HEX, COLUMN_TEXT, "certificate_serial", DEN_CLI_LABEL_CERT_SERIAL},
	{DEN_TAG_DIGEST, COLUMN_TEXT, "sha256", DEN_CLI_LABEL_FINGERPRINT},
	{DEN_TAG_ID, COLUMN_HIDDEN, "id", DEN_CLI_LABEL_ID},
};

static struct den_message *grant_request(const struct args *args, int dry_run)
{
	struct den_message *request = ask_new(DEN_OP_CERT_GRANT);

	for (int i = 0; i < args->operands; i++)
		den_message_add_string(request, DEN_TAG_LOGIN, args->operand[i]);
	if (dry_run)
		den_message_add_number(request, DEN_TAG_DRY_RUN, 1);
	return request;
}

/* 電子証明書管理: choose the users, see them, confirm (R-CERT-1). */
int cli_cert_grant(struct cli *cli, const struct args *args)
{
	struct den_message *checked = ask(cli, grant_request(args, 1), NULL, NULL);
	int status = ask_refused(cli, checked);

	if (status == CLI_DONE && !cli->json) {
		say(cli, stdout, DEN_CLI_GRANT_TO);
		for (int i = 0; i < args->operands; i++)
			printf("  %s\n", args->operand[i]);
	}
	if (status == CLI_DONE && args->option[OPT_DRY_RUN])
		return ask_finish(cli, checked, DEN_CLI_WOULD_STORE, NULL);
	den_message_free(checked);
	if (status == CLI_DONE && !args->option[OPT_YES])
		status = prompt_confirm(cli, DEN_CLI_CONFIRM_STORE);
	if (status != CLI_DONE)
		return status;
	return ask_finish(cli, ask(cli, grant_request(args, 0), NULL, NULL), DEN_CLI_GRANTED, NULL);
}

int cli_cert_list(struct cli *cli, const struct args *args)
{
	struct listing listing = LISTING(columns);
	struct den_message *request = ask_new(DEN_OP_CERT_LIST), *reply;
	int status;

	if (args->operands)
		den_message_add_string(request, DEN_TAG_LOGIN, args->operand[0]);
	reply = ask(cli, request, listing_row, &listing);
	status = ask_refused(cli, reply);
	if (status == CLI_DONE)
		listing_print(cli, &listing);
	listing_done(&listing);
	den_message_free(reply);
	return status;
}

/* Of the newest: the certificate on record, or what there is of one. */
int cli_cert_show(struct cli *cli, const struct args *args)
{
	struct listing listing = LISTING(details);
	struct den_message *request = ask_new(DEN_OP_CERT_LIST), *reply;
	size_t n;
	int status;

	den_message_add_string(request, DEN_TAG_LOGIN, args->operand[0]);
	reply = ask(cli, request, listing_row, &listing);
	status = ask_refused(cli, reply);
	n = json_array_size(listing.rows);
	if (status == CLI_DONE && n == 0)
		status = refuse(cli, DEN_GRANT_NONE, args->operand[0]);
	else if (status == CLI_DONE && cli->json)
		output_json(json_incref(json_array_get(listing.rows, n - 1)));
	else if (status == CLI_DONE)
		listing_print_pairs(cli, &listing, n - 1);
	listing_done(&listing);
	den_message_free(reply);
	return status;
}

int cli_cert_revoke(struct cli *cli, const struct args *args)
{
	struct den_secret *approval = NULL;
	struct den_message *request;
	int status;

	/* No password for what is sure to be refused (R-CERT-4). */
	if (!args->option[OPT_REASON] || !*args->option[OPT_REASON])
		return refuse(cli, DEN_CLI_REVOKE_REASON);
	status = prompt_secret(cli, DEN_ASK_APPROVAL, &approval);
	if (status != CLI_DONE)
		return status;
	request = ask_new(DEN_OP_CERT_REVOKE);
	den_message_add_string(request, DEN_TAG_LOGIN, args->operand[0]);
	den_message_add_string(request, DEN_TAG_REASON, args->option[OPT_REASON]);
	ask_add_secret(request, DEN_TAG_APPROVAL_PASSWORD, approval);
	den_secret_free(approval);
	return ask_finish(cli, ask(cli, request, NULL, NULL), DEN_CLI_REVOKED, args->operand[0]);
}
