/* denshi log: the audit records of this host (R-ALL-3). */
#include <string.h>
#include <time.h>

#include "core/duration.h"
#include "core/protocol.h"
#include "tools/denshi/args.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"

static const struct column columns[] = {
	{DEN_TAG_NUMBER, COLUMN_NUMBER, "number", DEN_CLI_LABEL_NUMBER},
	{DEN_TAG_TIME, COLUMN_TIME, "time", DEN_CLI_LABEL_TIME},
	{DEN_TAG_RECORD, COLUMN_TEXT, "record", DEN_CLI_LABEL_RECORD},
};

/* A day of the local calendar, or a length of time until now; -1 for neither. */
static int64_t since_of(const char *text)
{
	int64_t seconds = den_duration_parse(text);
	struct tm tm = {.tm_isdst = -1};
	const char *end;

	if (seconds > 0)
		return (int64_t)time(NULL) - seconds;
	end = strptime(text, "%Y-%m-%d", &tm);
	return end && !*end ? (int64_t)mktime(&tm) : -1;
}

int cli_log(struct cli *cli, const struct args *args)
{
	struct listing listing = LISTING(columns);
	const char *since = args->option[OPT_SINCE];
	int64_t from = since ? since_of(since) : 0;
	struct den_message *request, *reply;
	struct cli told;
	int status;

	if (args->operands || args->option[OPT_HOST])
		return cli_log_copy(cli, args);
	if (from < 0)
		return refuse(cli, DEN_CLI_USAGE_NUMBER, since);
	request = ask_new(DEN_OP_LOG);
	den_message_add_string(request, DEN_TAG_LOGIN, args->option[OPT_USER]);
	if (from > 0)
		den_message_add_number(request, DEN_TAG_TIME, (uint64_t)from);
	if (args->option[OPT_VERIFY])
		den_message_add_number(request, DEN_TAG_DRY_RUN, 1);
	reply = ask(cli, request, listing_row, &listing);
	told = *cli;
	if (args->option[OPT_VERIFY])
		return ask_finish(cli, reply, DEN_OK, NULL);
	/* What there is, also where the chain is broken: that is told behind it, but not in the JSON. */
	if (json_array_size(listing.rows) > 0) {
		listing_print(cli, &listing);
		told.json = 0;
	}
	fflush(stdout);
	status = ask_refused(&told, reply);
	if (status == CLI_DONE && json_array_size(listing.rows) == 0)
		listing_print(cli, &listing);
	listing_done(&listing);
	den_message_free(reply);
	return status;
}
