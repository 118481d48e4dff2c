#include "tools/denshi/output.h"

#include <langinfo.h>
#include <libsmartcols/libsmartcols.h>
#include <locale.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "core/protocol.h"
#include "tools/denshi/ask.h"

#define TIME_SIZE 32
#define ISO_TIME "%Y-%m-%dT%H:%M:%SZ"

_Noreturn void output_no_memory(void)
{
	fputs("denshi: out of memory\n", stderr);
	exit(CLI_REFUSED);
}

/* A generated password passes through JSON objects (R-ALL-4). */
static void wiping_free(void *memory)
{
	if (memory)
		explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}

void output_start(void)
{
	json_set_alloc_funcs(malloc, wiping_free);
	if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
}

void output_safe(FILE *stream, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	for (; *p; p++) {
		int c1 = p[0] == 0xC2 && p[1] >= 0x80 && p[1] <= 0x9F;

		if (c1)
			p++;
		fputc(c1 || (*p < 0x20 && *p != '\n') || *p == 0x7F ? '?' : *p, stream);
	}
}

/* -- words --------------------------------------------------------------------- */

static const struct {
	const char *word;
	enum den_code code;
} words[] = {
	{"master", DEN_CLI_WORD_MASTER},
	{"general", DEN_CLI_WORD_GENERAL},
	{"registered", DEN_CLI_WORD_REGISTERED},
	{"published", DEN_CLI_WORD_PUBLISHED},
	{"changed", DEN_CLI_WORD_CHANGED},
	{"suspended", DEN_CLI_WORD_SUSPENDED},
	{"active", DEN_CLI_WORD_ACTIVE},
	{"removed", DEN_CLI_WORD_REMOVED},
	{"none", DEN_CLI_WORD_NONE},
	{"initial", DEN_CLI_WORD_INITIAL},
	{"set", DEN_CLI_WORD_SET},
	{"locked", DEN_CLI_WORD_LOCKED},
	{"expired", DEN_CLI_WORD_EXPIRED},
	{"withdrawn", DEN_CLI_WORD_WITHDRAWN},
	{"granted", DEN_CLI_WORD_GRANTED},
	{"requested", DEN_CLI_WORD_REQUESTED},
	{"issued", DEN_CLI_WORD_ISSUED},
	{"revoked", DEN_CLI_WORD_REVOKED},
	{"refused", DEN_CLI_WORD_REFUSED},
	{"pending", DEN_CLI_WORD_PENDING},
	{"approved", DEN_CLI_WORD_APPROVED},
	{"rejected", DEN_CLI_WORD_REJECTED},
	{"used", DEN_CLI_WORD_USED},
	{"use", DEN_CLI_WORD_USE},
	{"maker", DEN_CLI_WORD_MAKER},
	{"approver", DEN_CLI_WORD_APPROVER},
	{"account", DEN_CLI_WORD_ACCOUNT},
	{"add", DEN_CLI_WORD_ADD},
	{"change", DEN_CLI_WORD_CHANGE},
	{"remove", DEN_CLI_WORD_REMOVE},
	{"grant", DEN_CLI_WORD_GRANT},
	{"finish", DEN_CLI_WORD_FINISH},
	{"up", DEN_CLI_WORD_UP},
	{"down", DEN_CLI_WORD_DOWN},
	{"login", DEN_CLI_LABEL_LOGIN},
	{"name", DEN_CLI_LABEL_NAME},
	{"mail", DEN_CLI_LABEL_MAIL},
	{"role", DEN_CLI_LABEL_ROLE},
	{"language", DEN_CLI_LABEL_LANGUAGE},
	{"authority", DEN_CLI_LABEL_AUTHORITY},
	{"state", DEN_CLI_LABEL_STATE},
	{"certificate", DEN_CLI_LABEL_CERTIFICATE},
	/* The directory's names of the same, in the lines of a user update. */
	{"cn", DEN_CLI_LABEL_NAME},
	{"displayName", DEN_CLI_LABEL_NAME},
	{"preferredLanguage", DEN_CLI_LABEL_LANGUAGE},
	{"denshiRole", DEN_CLI_LABEL_ROLE},
	{"denshiAuthority", DEN_CLI_LABEL_AUTHORITY},
	{"denshiState", DEN_CLI_LABEL_STATE},
};

const char *output_word(const struct cli *cli, const char *word)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(words[i].word, word) == 0)
			return den_text(cli->lang, words[i].code);
	return word;
}

/* -- rows ---------------------------------------------------------------------- */

static json_t *text_value(const char *value, size_t len)
{
	json_t *text = json_stringn(value, len);

	/* jansson takes UTF-8 only; what isn't has no business in a listing. */
	return text ? text : json_string("?");
}

json_t *output_time(uint64_t seconds)
{
	char text[TIME_SIZE];
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(text, sizeof(text), ISO_TIME, &tm))
		return json_null();
	return json_string(text);
}

static json_t *field_value(enum column_kind kind, const char *value, size_t len)
{
	uint64_t n;

	if ((kind != COLUMN_NUMBER && kind != COLUMN_TIME && kind != COLUMN_HIDDEN_NUMBER) || len != sizeof(n))
		return text_value(value, len);
	memcpy(&n, value, sizeof(n));
	return kind == COLUMN_TIME ? output_time(n) : json_integer((json_int_t)n);
}

static int is_list(const struct column *column)
{
	return column->kind == COLUMN_LIST || column->kind == COLUMN_LINES || column->kind == COLUMN_HIDDEN_LIST;
}

static int is_hidden(const struct column *column)
{
	return column->kind == COLUMN_HIDDEN || column->kind == COLUMN_HIDDEN_LIST || column->kind == COLUMN_HIDDEN_NUMBER;
}

static void put_field(json_t *object, const struct column *column, const char *value, size_t len)
{
	json_t *list;

	if (!is_list(column)) {
		if (!json_object_get(object, column->key))
			json_object_set_new(object, column->key,
				field_value(column->kind, value, len));
		return;
	}
	list = json_object_get(object, column->key);
	json_array_append_new(list, text_value(value, len));
}

static json_t *object_of(const struct den_message *m, const struct column *columns, size_t count,
	int whole)
{
	json_t *object = json_object();
	size_t cursor = 0, len;
	const char *value;
	uint16_t tag;

	if (!object)
		output_no_memory();
	for (size_t i = 0; i < count && whole; i++)
		if (is_list(&columns[i]))
			json_object_set_new(object, columns[i].key, json_array());
	while (den_message_next(m, &cursor, &tag, &value, &len))
		for (size_t i = 0; i < count; i++)
			if (columns[i].tag == tag) {
				if (is_list(&columns[i]) &&
					!json_object_get(object, columns[i].key))
					json_object_set_new(object, columns[i].key, json_array());
				put_field(object, &columns[i], value, len);
			}
	return object;
}

int listing_row(void *context, const struct den_message *row)
{
	struct listing *listing = context;

	if (!listing->rows)
		listing->rows = json_array();
	json_array_append_new(listing->rows,
		object_of(row, listing->columns, listing->count, 1));
	return 0;
}

void listing_done(struct listing *listing)
{
	json_decref(listing->rows);
	listing->rows = NULL;
}

static const struct column reply_fields[] = {
	{DEN_TAG_LOGIN, COLUMN_LIST, "login", DEN_OK},
	{DEN_TAG_NAME, COLUMN_TEXT, "name", DEN_OK},
	{DEN_TAG_MAIL, COLUMN_TEXT, "mail", DEN_OK},
	{DEN_TAG_ROLE, COLUMN_TEXT, "role", DEN_OK},
	{DEN_TAG_PASSWORD, COLUMN_TEXT, "password", DEN_OK},
	{DEN_TAG_PENDING_COUNT, COLUMN_NUMBER, "pending_count", DEN_OK},
	{DEN_TAG_SERIAL, COLUMN_NUMBER, "serial", DEN_OK},
	{DEN_TAG_TIME, COLUMN_TIME, "time", DEN_OK},
	{DEN_TAG_STATE, COLUMN_TEXT, "state", DEN_OK},
	{DEN_TAG_ORG, COLUMN_TEXT, "organisation", DEN_OK},
	{DEN_TAG_HOST, COLUMN_TEXT, "host", DEN_OK},
	{DEN_TAG_ID, COLUMN_TEXT, "id", DEN_OK},
	{DEN_TAG_DIGEST, COLUMN_TEXT, "digest", DEN_OK},
	{DEN_TAG_APPROVER, COLUMN_TEXT, "approver", DEN_OK},
	{DEN_TAG_NUMBER, COLUMN_NUMBER, "number", DEN_OK},
	{DEN_TAG_BEFORE, COLUMN_LIST, "before", DEN_OK},
	{DEN_TAG_AFTER, COLUMN_LIST, "after", DEN_OK},
};

json_t *output_reply(const struct den_message *reply)
{
	json_t *object = object_of(reply, reply_fields,
		sizeof(reply_fields) / sizeof(*reply_fields), 0);
	json_t *login = json_object_get(object, "login");

	if (login && json_array_size(login) == 1)
		json_object_set(object, "login", json_array_get(login, 0));
	return object;
}

void output_json(json_t *object)
{
	if (!object)
		output_no_memory();
	json_dumpf(object, stdout, JSON_INDENT(2));
	fputc('\n', stdout);
	json_decref(object);
}

/* -- tables -------------------------------------------------------------------- */

static char *copy(const char *text)
{
	char *s = strdup(text);

	if (!s)
		output_no_memory();
	return s;
}

static char *time_cell(const char *iso)
{
	char text[TIME_SIZE];
	struct tm tm = {0};
	time_t t;

	if (!strptime(iso, ISO_TIME, &tm))
		return copy(iso);
	t = timegm(&tm);
	if (!localtime_r(&t, &tm) || !strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm))
		return copy(iso);
	return copy(text);
}

static char *list_cell(const json_t *list, const char *between)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		output_no_memory();
	for (size_t i = 0; i < json_array_size(list); i++)
		fprintf(out, "%s%s", i ? between : "", json_string_value(json_array_get(list, i)));
	if (fclose(out) != 0)
		output_no_memory();
	return text;
}

/* What a person sees of a value; the caller's to free. */
static char *cell(const struct cli *cli, const struct column *column, const json_t *row)
{
	const json_t *value = json_object_get(row, column->key);
	char number[24];

	if (json_is_array(value))
		return list_cell(value, column->kind == COLUMN_LINES ? "\n" : " ");
	if (json_is_integer(value)) {
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
		return copy(number);
	}
	if (!json_is_string(value))
		return copy("");
	if (column->kind == COLUMN_TIME)
		return time_cell(json_string_value(value));
	if (column->kind == COLUMN_WORD)
		return copy(output_word(cli, json_string_value(value)));
	return copy(json_string_value(value));
}

/* Lines within the last column: by its own newlines where it has some, else by width. */
static void wrap_last(struct libscols_column *column, const char *const *cells, size_t columns,
	size_t rows)
{
	for (size_t i = 0; i < rows; i++)
		if (cells[i * columns + columns - 1] && strchr(cells[i * columns + columns - 1], '\n')) {
			scols_column_set_safechars(column, "\n");
			scols_column_set_wrapfunc(column, scols_wrapnl_chunksize,
				scols_wrapnl_nextchunk, NULL);
			return;
		}
}

/* widths: NULL, or how wide each column is at least. */
static void print_cells(struct cli *cli, const enum den_code *headings, const size_t *widths, int headed,
	size_t columns, const char *const *cells, size_t rows)
{
	struct libscols_table *table = scols_new_table();
	struct libscols_column *last = NULL;

	if (!table)
		output_no_memory();
	scols_table_enable_minout(table, 1);
	scols_table_set_column_separator(table, "  ");
	for (size_t i = 0; i < columns; i++) {
		last = scols_table_new_column(table,
			headings[i] == DEN_OK ? "" : den_text(cli->lang, headings[i]),
			widths ? (double)widths[i] : 0, i + 1 == columns ? SCOLS_FL_WRAP : 0);
		if (!last)
			output_no_memory();
	}
	wrap_last(last, cells, columns, rows);
	scols_table_enable_noheadings(table, !headed);
	for (size_t i = 0; i < rows; i++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);

		for (size_t k = 0; line && k < columns; k++)
			scols_line_set_data(line, k, cells[i * columns + k]);
	}
	fflush(stdout);
	scols_print_table(table);
	scols_unref_table(table);
}

void output_table(struct cli *cli, const enum den_code *headings, size_t columns,
	const char *const *cells, size_t rows)
{
	int headed = 0;

	for (size_t i = 0; i < columns; i++)
		headed |= headings[i] != DEN_OK;
	print_cells(cli, headings, NULL, headed, columns, cells, rows);
}

static void free_cells(char **cells, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(cells[i]);
	free(cells);
}

static size_t width_of(const char *text)
{
	size_t width = 0, len;
	mbstate_t state = {0};
	wchar_t c;

	for (; (len = mbrtowc(&c, text, MB_CUR_MAX, &state)) - 1 < (size_t)-3; text += len)
		width += wcwidth(c) > 0 ? (size_t)wcwidth(c) : 0;
	return width;
}

static void widen(size_t *width, const char *text)
{
	size_t needed = width_of(text);

	*width = needed > *width ? needed : *width;
}

void listing_widen(const struct cli *cli, const struct listing *listing, const json_t *row, size_t *widths)
{
	for (size_t k = 0; k < listing->count; k++) {
		char *text;

		if (is_hidden(&listing->columns[k]))
			continue;
		text = cell(cli, &listing->columns[k], row);
		widen(widths, den_text(cli->lang, listing->columns[k].heading));
		widen(widths++, text);
		free(text);
	}
}

void listing_print_part(struct cli *cli, const struct listing *listing, const size_t *widths, int first)
{
	size_t rows = json_array_size(listing->rows), shown = 0, n = 0;
	char **cells = calloc(rows * listing->count + 1, sizeof(*cells));
	enum den_code *headings = calloc(listing->count, sizeof(*headings));

	if (!cells || !headings)
		output_no_memory();
	for (size_t k = 0; k < listing->count; k++)
		if (!is_hidden(&listing->columns[k]))
			headings[shown++] = listing->columns[k].heading;
	for (size_t i = 0; i < rows; i++)
		for (size_t k = 0; k < listing->count; k++)
			if (!is_hidden(&listing->columns[k]))
				cells[n++] = cell(cli, &listing->columns[k],
					json_array_get(listing->rows, i));
	print_cells(cli, headings, widths, first, shown, (const char *const *)cells, rows);
	free_cells(cells, n);
	free(headings);
}

void listing_print(struct cli *cli, const struct listing *listing)
{
	if (cli->json)
		output_json(listing->rows ? json_incref(listing->rows) : json_array());
	else if (json_array_size(listing->rows) == 0)
		say(cli, stdout, DEN_CLI_NOTHING_LISTED);
	else
		listing_print_part(cli, listing, NULL, 1);
}

void listing_print_pairs(struct cli *cli, const struct listing *listing, size_t row)
{
	static const enum den_code no_headings[2] = {DEN_OK, DEN_OK};
	const json_t *object = json_array_get(listing->rows, row);
	char **cells = calloc(2 * listing->count + 1, sizeof(*cells));
	size_t n = 0;

	if (!cells)
		output_no_memory();
	for (size_t k = 0; k < listing->count; k++) {
		const struct column *column = &listing->columns[k];
		const json_t *value = json_object_get(object, column->key);

		if (is_hidden(column) || !value ||
			(json_is_array(value) && json_array_size(value) == 0))
			continue;
		cells[n++] = copy(den_text(cli->lang, column->heading));
		cells[n++] = cell(cli, column, object);
	}
	output_table(cli, no_headings, 2, (const char *const *)cells, n / 2);
	free_cells(cells, n);
}
