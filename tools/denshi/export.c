/* denshi user export: what user import takes (R-ALL-8), without passwords. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/protocol.h"
#include "tools/denshi/args.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"
#include "tools/denshi/sheet.h"

#define ACCOUNT "acct."

static const struct column columns[] = {
	{DEN_TAG_LOGIN, COLUMN_TEXT, "login", DEN_OK},
	{DEN_TAG_NAME, COLUMN_TEXT, "name", DEN_OK},
	{DEN_TAG_MAIL, COLUMN_TEXT, "mail", DEN_OK},
	{DEN_TAG_LANG, COLUMN_TEXT, "language", DEN_OK},
	{DEN_TAG_ROLE, COLUMN_TEXT, "role", DEN_OK},
	{DEN_TAG_AUTHORITY, COLUMN_LIST, "authorities", DEN_OK},
	{DEN_TAG_CERTIFICATE, COLUMN_TEXT, "certificate", DEN_OK},
};

static const char *member(const json_t *row, const char *key)
{
	const char *value = json_string_value(json_object_get(row, key));

	return value ? value : "";
}

/* A field in quotes where it must be (RFC 4180), and where a blank at an end may get lost. */
static void write_field(FILE *out, const char *text)
{
	size_t len = strlen(text);

	if (!strpbrk(text, ",\"\r\n") && (!len || (text[0] != ' ' && text[len - 1] != ' '))) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

/* Those that are accounts, without what says so; or the others. */
static void write_authorities(FILE *out, const json_t *list, int accounts)
{
	int first = 1;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *authority = json_string_value(json_array_get(list, i));
		int is_account = strncmp(authority, ACCOUNT, strlen(ACCOUNT)) == 0;

		if (is_account != accounts)
			continue;
		fprintf(out, "%s%s", first ? "" : " ", authority + (accounts ? strlen(ACCOUNT) : 0));
		first = 0;
	}
}

static void write_user(FILE *out, const json_t *row)
{
	const json_t *authorities = json_object_get(row, "authorities");

	for (int i = 0; i < SHEET_COLUMNS; i++) {
		if (i)
			fputc(',', out);
		if (i == SHEET_AUTHORITIES || i == SHEET_ACCOUNTS)
			write_authorities(out, authorities, i == SHEET_ACCOUNTS);
		else if (i != SHEET_PASSWORD)
			write_field(out, member(row, sheet_column_name((enum sheet_column)i)));
	}
	fputc('\n', out);
}

/* Looked up once: a sort asks for it 17 times where there are 100,000 users. */
struct ordered {
	const char *login;
	const json_t *row;
};

static int by_login(const void *a, const void *b)
{
	return strcmp(((const struct ordered *)a)->login, ((const struct ordered *)b)->login);
}

static void write_sheet(FILE *out, const json_t *rows)
{
	size_t n = json_array_size(rows);
	struct ordered *order = calloc(n + 1, sizeof(*order));

	if (!order)
		output_no_memory();
	for (size_t i = 0; i < n; i++)
		order[i] = (struct ordered){member(json_array_get(rows, i), "login"), json_array_get(rows, i)};
	qsort(order, n, sizeof(*order), by_login);
	for (int i = 0; i < SHEET_COLUMNS; i++)
		fprintf(out, "%s%s", i ? "," : "", sheet_column_name((enum sheet_column)i));
	fputc('\n', out);
	for (size_t i = 0; i < n; i++)
		write_user(out, order[i].row);
	free(order);
}

/* To a file of its own, which is not overwritten: it is a list of people. */
static int write_file(struct cli *cli, const char *name, const json_t *rows)
{
	char number[24];
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
	int failed = !out;

	if (fd < 0 && errno == EEXIST)
		return refuse(cli, DEN_CLI_FILE_EXISTS, name);
	if (out) {
		write_sheet(out, rows);
		failed = fflush(out) != 0 || fsync(fd) != 0;
		failed |= fclose(out) != 0;
	}
	if (failed) {
		int status = refuse(cli, DEN_CLI_CSV_FILE, name, strerror(errno));

		if (fd >= 0)
			unlink(name);
		return status;
	}
	snprintf(number, sizeof(number), "%zu", json_array_size(rows));
	if (cli->json)
		output_json(json_pack("{ss ss sI}", "code", "ok", "file", name, "users", (json_int_t)json_array_size(rows)));
	else
		say(cli, stdout, DEN_CLI_EXPORTED, number, name);
	return CLI_DONE;
}

int cli_user_export(struct cli *cli, const struct args *args)
{
	struct listing listing = LISTING(columns);
	struct den_message *reply;
	int status;

	listing.rows = json_array();
	reply = ask(cli, ask_new(DEN_OP_USER_EXPORT), listing_row, &listing);
	status = ask_refused(cli, reply);
	if (status == CLI_DONE && args->operands)
		status = write_file(cli, args->operand[0], listing.rows);
	else if (status == CLI_DONE && cli->json)
		output_json(json_incref(listing.rows));
	else if (status == CLI_DONE)
		write_sheet(stdout, listing.rows);
	listing_done(&listing);
	den_message_free(reply);
	return status;
}
