#include "tools/denshi/sheet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/csv.h"
#include "core/name.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"

#define SIZE_MAX_MIB 256
/* Of one row: no rule allows so much, and a message has room for several. */
#define ROW_MAX 4096
#define AUTHORITY_MAX 128

/* The first line names the columns: as we write them, or as the manual's screens do. */
static const struct {
	const char *name, *japanese;
	enum den_code code; /* what denshid says of a wrong one */
	int needed;
} columns[SHEET_COLUMNS] = {
	[SHEET_LOGIN] = {"login", "ログインID", DEN_OK, 1}, /* its message has it already */
	[SHEET_NAME] = {"name", "ユーザ名", DEN_FIELD_NAME, 1},
	[SHEET_MAIL] = {"mail", "メールアドレス", DEN_FIELD_MAIL, 1},
	[SHEET_LANGUAGE] = {"language", "言語", DEN_FIELD_LANGUAGE, 0},
	[SHEET_ROLE] = {"role", "区分", DEN_FIELD_ROLE, 0},
	[SHEET_AUTHORITIES] = {"authorities", "権限", DEN_OK, 0},
	[SHEET_ACCOUNTS] = {"accounts", "口座", DEN_OK, 0},
	[SHEET_PASSWORD] = {"password", "初回ログインパスワード", DEN_OK, 0}, /* never shown */
	[SHEET_CERTIFICATE] = {"certificate", "電子証明書", DEN_FIELD_CERTIFICATE, 0},
};

const char *sheet_column_name(enum sheet_column column)
{
	return columns[column].name;
}

/* -- errors ---------------------------------------------------------------------------- */

static char *copy(const char *text)
{
	char *same = text ? strdup(text) : NULL;

	if (text && !same)
		output_no_memory();
	return same;
}

void sheet_wrong(struct sheet *sheet, size_t line, enum den_code code, const char *sentence, const char *found)
{
	struct sheet_error *more = reallocarray(sheet->error, sheet->errors + 1, sizeof(*more));

	if (!more)
		output_no_memory();
	sheet->error = more;
	more[sheet->errors] = (struct sheet_error){.line = line,
		.number = sheet->errors,
		.code = code,
		.sentence = copy(sentence),
		.found = copy(found)};
	sheet->errors++;
}

#define WRONG(cli, sheet, line, code, ...) \
	wrong_with(cli, sheet, line, code, (const char *const[]){NULL, ##__VA_ARGS__}, \
		sizeof((const char *const[]){NULL, ##__VA_ARGS__}) / sizeof(char *) - 1)
static void wrong_with(struct cli *cli, struct sheet *sheet, size_t line, enum den_code code,
	const char *const *args, size_t n)
{
	char sentence[DEN_TEXT_MAX];

	den_text_format(sentence, sizeof(sentence), cli->lang, code, args + 1, n);
	sheet_wrong(sheet, line, code, sentence, NULL);
}

static int compare_lines(const void *line, const void *user)
{
	size_t a = *(const size_t *)line, b = ((const struct sheet_user *)user)->line;

	return a < b ? -1 : a > b;
}

void sheet_wrong_field(struct sheet *sheet, size_t line, enum den_code code, const char *sentence)
{
	const struct sheet_user *user =
		sheet->n ? bsearch(&line, sheet->user, sheet->n, sizeof(*user), compare_lines) : NULL;
	const char *found = NULL;

	for (size_t i = 0; user && i < SHEET_COLUMNS; i++)
		if (columns[i].code != DEN_OK && columns[i].code == code)
			found = user->field[i];
	sheet_wrong(sheet, line, code, sentence, found);
}

static int by_line(const void *a, const void *b)
{
	const struct sheet_error *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

static void print_error(struct cli *cli, const struct sheet *sheet, const struct sheet_error *e)
{
	char line[24];

	snprintf(line, sizeof(line), "%zu", e->line);
	if (e->found)
		say(cli, stderr, DEN_CLI_IMPORT_LINE_FOUND, sheet->name, line, e->sentence, e->found);
	else
		say(cli, stderr, DEN_CLI_IMPORT_LINE, sheet->name, line, e->sentence);
}

static json_t *errors_json(const struct sheet *sheet)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sheet->errors; i++) {
		const struct sheet_error *e = &sheet->error[i];

		json_array_append_new(list,
			json_pack("{sI ss ss* ss*}", "line", (json_int_t)e->line, "code", den_code_name(e->code),
				"message", e->sentence, "found", e->found));
	}
	return list;
}

int sheet_refuse(struct cli *cli, struct sheet *sheet, enum den_code last, const char *registered)
{
	char number[24];

	if (sheet->errors)
		qsort(sheet->error, sheet->errors, sizeof(*sheet->error), by_line);
	snprintf(number, sizeof(number), "%zu", sheet->errors);
	if (cli->json) {
		output_json(json_pack("{ss so}", "code", den_code_name(last), "errors", errors_json(sheet)));
		return CLI_REFUSED;
	}
	for (size_t i = 0; i < sheet->errors; i++)
		print_error(cli, sheet, &sheet->error[i]);
	return refuse(cli, last, number, sheet->name, registered);
}

/* -- the first line ------------------------------------------------------------------------ */

/* Which column a heading names; blanks and case don't count. SHEET_COLUMNS for none. */
static enum sheet_column column_named(const char *heading)
{
	char plain[64];
	size_t n = 0;

	for (const char *p = heading; *p && n + 1 < sizeof(plain); p++)
		if (*p != ' ')
			plain[n++] = *p >= 'A' && *p <= 'Z' ? (char)(*p + 'a' - 'A') : *p;
	plain[n] = '\0';
	for (int i = 0; i < SHEET_COLUMNS; i++)
		if (strcmp(plain, columns[i].name) == 0 || strcasecmp(plain, columns[i].japanese) == 0)
			return (enum sheet_column)i;
	return SHEET_COLUMNS;
}

/* which[i] is the column of field i. 0, or -1: told. */
static int read_heading(struct cli *cli, struct sheet *sheet, const struct den_csv_row *row,
	enum sheet_column which[DEN_CSV_FIELDS_MAX])
{
	char allowed[256] = "";
	int seen[SHEET_COLUMNS + 1] = {0};
	size_t before = sheet->errors;

	for (int i = 0; i < SHEET_COLUMNS; i++)
		snprintf(allowed + strlen(allowed), sizeof(allowed) - strlen(allowed), "%s%s", i ? ", " : "",
			columns[i].name);
	for (size_t i = 0; i < row->n; i++) {
		which[i] = column_named(row->field[i]);
		if (which[i] == SHEET_COLUMNS)
			WRONG(cli, sheet, row->line, DEN_CLI_CSV_COLUMN, row->field[i], allowed);
		else if (seen[which[i]]++)
			WRONG(cli, sheet, row->line, DEN_CLI_CSV_COLUMN_TWICE, row->field[i]);
	}
	for (int i = 0; i < SHEET_COLUMNS; i++)
		if (columns[i].needed && !seen[i])
			WRONG(cli, sheet, row->line, DEN_CLI_CSV_COLUMN_MISSING, columns[i].name);
	return sheet->errors == before ? 0 : -1;
}

/* -- the users --------------------------------------------------------------------------------- */

static int is_row_right(struct cli *cli, struct sheet *sheet, const struct den_csv_row *row, size_t wanted)
{
	char n[24], w[24];
	size_t size = 0;

	for (size_t i = 0; i < row->n; i++) {
		size += strlen(row->field[i]);
		if (!den_is_utf8(row->field[i], strlen(row->field[i]))) {
			WRONG(cli, sheet, row->line, DEN_CLI_CSV_NOT_UTF8);
			return 0;
		}
	}
	snprintf(n, sizeof(n), "%zu", row->n);
	snprintf(w, sizeof(w), "%zu", wanted);
	if (row->n != wanted)
		WRONG(cli, sheet, row->line, DEN_CLI_CSV_FIELDS, n, w);
	snprintf(w, sizeof(w), "%d", ROW_MAX);
	if (size > ROW_MAX)
		WRONG(cli, sheet, row->line, DEN_CLI_CSV_TOO_LONG, w);
	return row->n == wanted && size <= ROW_MAX;
}

static void add_user(struct sheet *sheet, const struct den_csv_row *row, const enum sheet_column *which)
{
	struct sheet_user *u;

	/* Room for more, twice as much each time. */
	if ((sheet->n & (sheet->n - 1)) == 0) {
		u = reallocarray(sheet->user, sheet->n ? 2 * sheet->n : 1, sizeof(*u));
		if (!u)
			output_no_memory();
		sheet->user = u;
	}
	u = &sheet->user[sheet->n++];
	*u = (struct sheet_user){.line = row->line};
	for (size_t i = 0; i < SHEET_COLUMNS; i++)
		u->field[i] = "";
	for (size_t i = 0; i < row->n; i++)
		u->field[which[i]] = row->field[i];
	(void)den_login_id_parse(u->login, u->field[SHEET_LOGIN], strlen(u->field[SHEET_LOGIN]));
	sheet->has_passwords |= *u->field[SHEET_PASSWORD] && strcmp(u->field[SHEET_PASSWORD], SHEET_GENERATE) != 0;
}

static void read_rows(struct cli *cli, struct sheet *sheet)
{
	static const enum den_code codes[] = {
		[DEN_CSV_STRAY_QUOTE] = DEN_CLI_CSV_STRAY_QUOTE,
		[DEN_CSV_AFTER_QUOTE] = DEN_CLI_CSV_AFTER_QUOTE,
		[DEN_CSV_OPEN_QUOTE] = DEN_CLI_CSV_OPEN_QUOTE,
		[DEN_CSV_NUL] = DEN_CLI_CSV_NUL,
		[DEN_CSV_FIELDS] = DEN_CLI_CSV_FIELDS,
	};
	enum sheet_column which[DEN_CSV_FIELDS_MAX];
	enum den_csv_result result;
	struct den_csv csv;
	struct den_csv_row row;
	size_t wanted = 0;

	den_csv_start(&csv, sheet->bytes, sheet->size);
	while ((result = den_csv_next(&csv, &row)) != DEN_CSV_END) {
		if (result != DEN_CSV_ROW) {
			WRONG(cli, sheet, row.line, codes[result], "32+", "9");
		} else if (!wanted) {
			wanted = row.n;
			/* Without the columns nothing can be said of the rows. */
			if (read_heading(cli, sheet, &row, which) != 0)
				return;
		} else if (is_row_right(cli, sheet, &row, wanted)) {
			add_user(sheet, &row, which);
		}
	}
}

static int by_login(const void *a, const void *b)
{
	const struct sheet_user *const *x = a, *const *y = b;
	int order = strcmp((*x)->login, (*y)->login);

	return order ? order : (*x)->line < (*y)->line ? -1 : 1;
}

/* Nobody is created twice, in whatever case or form the ID is written. */
static void find_twins(struct cli *cli, struct sheet *sheet)
{
	const struct sheet_user **order = calloc(sheet->n + 1, sizeof(*order));
	char line[24];

	if (!order)
		output_no_memory();
	for (size_t i = 0; i < sheet->n; i++)
		order[i] = &sheet->user[i];
	qsort(order, sheet->n, sizeof(*order), by_login);
	for (size_t i = 1; i < sheet->n; i++) {
		if (!*order[i]->login || strcmp(order[i]->login, order[i - 1]->login) != 0)
			continue;
		snprintf(line, sizeof(line), "%zu", order[i - 1]->line);
		WRONG(cli, sheet, order[i]->line, DEN_CLI_CSV_SAME, order[i]->login, line);
	}
	free(order);
}

/* -- the file ---------------------------------------------------------------------------------- */

/* All of it, with one byte more for the end of the last field. 0, or an errno (EFBIG). */
static int slurp(struct sheet *sheet, int fd, struct stat *st)
{
	ssize_t n = 1;

	if (fstat(fd, st) != 0)
		return errno;
	if (!S_ISREG(st->st_mode))
		return EINVAL;
	if (st->st_size > (off_t)SIZE_MAX_MIB << 20)
		return EFBIG;
	sheet->bytes = malloc((size_t)st->st_size + 1);
	if (!sheet->bytes)
		output_no_memory();
	while (n > 0 && sheet->size < (size_t)st->st_size) {
		n = read(fd, sheet->bytes + sheet->size, (size_t)st->st_size - sheet->size);
		if (n < 0 && errno != EINTR)
			return errno;
		if (n > 0)
			sheet->size += (size_t)n;
		else if (n < 0)
			n = 1;
	}
	return 0;
}

int sheet_read(struct cli *cli, struct sheet *sheet, const char *name)
{
	char limit[24];
	struct stat st = {0};
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY), error;

	*sheet = (struct sheet){.name = name};
	error = fd < 0 ? errno : slurp(sheet, fd, &st);
	if (fd >= 0)
		close(fd);
	snprintf(limit, sizeof(limit), "%d", SIZE_MAX_MIB);
	if (error == EFBIG)
		return refuse(cli, DEN_CLI_CSV_TOO_LARGE, name, limit);
	if (error)
		return refuse(cli, DEN_CLI_CSV_FILE, name, strerror(error));
	read_rows(cli, sheet);
	find_twins(cli, sheet);
	if (!sheet->n && !sheet->errors)
		return refuse(cli, DEN_CLI_CSV_EMPTY, name);
	if (sheet->has_passwords && (st.st_mode & (S_IRGRP | S_IROTH)))
		say(cli, stderr, DEN_CLI_CSV_READABLE, name);
	return CLI_DONE;
}

void sheet_done(struct sheet *sheet)
{
	if (sheet->bytes)
		explicit_bzero(sheet->bytes, sheet->size);
	free(sheet->bytes);
	free(sheet->user);
	for (size_t i = 0; i < sheet->errors; i++) {
		free(sheet->error[i].sentence);
		free(sheet->error[i].found);
	}
	free(sheet->error);
	*sheet = (struct sheet){.name = NULL};
}

/* -- authorities ------------------------------------------------------------------------------- */

static void each_word(const char *cell, const char *prefix, sheet_each_authority *each, void *context)
{
	char authority[AUTHORITY_MAX];

	while (*(cell += strspn(cell, SHEET_BLANKS))) {
		size_t len = strcspn(cell, SHEET_BLANKS);

		/* Longer than any: cut, it is unknown all the same. */
		snprintf(authority, sizeof(authority), "%s%.*s", prefix, (int)(len > AUTHORITY_MAX ? AUTHORITY_MAX : len),
			cell);
		each(context, authority);
		cell += len;
	}
}

void sheet_authorities(const struct sheet_user *user, sheet_each_authority *each, void *context)
{
	each_word(user->field[SHEET_AUTHORITIES], "", each, context);
	each_word(user->field[SHEET_ACCOUNTS], "acct.", each, context);
}
