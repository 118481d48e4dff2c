#include "core/protocol.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/args.h"
#include "tools/denshi/output.h"

static const struct column columns[] = {
	{DEN_TAG_ORG, COLUMN_TEXT, "organisation", DEN_CLI_LABEL_ORG},
	{DEN_TAG_HOST, COLUMN_TEXT, "host", DEN_CLI_LABEL_HOST},
	{DEN_TAG_STATE, COLUMN_WORD, "directory", DEN_CLI_LABEL_DIRECTORY},
	{DEN_TAG_SERIAL, COLUMN_NUMBER, "serial", DEN_CLI_LABEL_SERIAL},
	{DEN_TAG_TIME, COLUMN_TIME, "snapshot", DEN_CLI_LABEL_SNAPSHOT},
	{DEN_TAG_LOGIN, COLUMN_TEXT, "login", DEN_CLI_LABEL_LOGIN},
	{DEN_TAG_ROLE, COLUMN_WORD, "role", DEN_CLI_LABEL_ROLE},
	{DEN_TAG_PENDING_COUNT, COLUMN_NUMBER, "pending_count", DEN_CLI_LABEL_PENDING},
};

/* The policy's deviations and other warnings (R-ALL-7), a line each. */
static void print_warnings(struct cli *cli, const struct den_message *reply, json_t *object)
{
	char sentence[DEN_TEXT_MAX];
	json_t *list = json_array();
	size_t cursor = 0;
	enum den_code code;

	while ((code = den_client_next_reason(reply, &cursor, sentence, cli->lang)) != DEN_OK) {
		json_array_append_new(list,
			json_pack("{ss ss}", "code", den_code_name(code), "message", sentence));
		if (cli->json)
			continue;
		output_safe(stdout, sentence);
		printf(" [%s]\n", den_code_name(code));
	}
	json_object_set_new(object, "warnings", list);
}

int cli_status(struct cli *cli, const struct args *args)
{
	struct listing listing = LISTING(columns);
	struct den_message *reply = ask(cli, ask_new(DEN_OP_STATUS), NULL, NULL);
	int status = ask_refused(cli, reply);

	(void)args;
	if (status == CLI_DONE) {
		listing_row(&listing, reply);
		if (!cli->json)
			listing_print_pairs(cli, &listing, 0);
		print_warnings(cli, reply, json_array_get(listing.rows, 0));
		if (cli->json)
			output_json(json_incref(json_array_get(listing.rows, 0)));
		ask_say_pending(cli, reply);
	}
	listing_done(&listing);
	den_message_free(reply);
	return status;
}
