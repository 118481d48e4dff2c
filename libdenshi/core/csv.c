#include "core/csv.h"

#include <string.h>

static const char byte_order_mark[] = "\xEF\xBB\xBF";

void den_csv_start(struct den_csv *csv, char *buf, size_t len)
{
	*csv = (struct den_csv){.at = buf, .end = buf + len, .line = 1};
	*csv->end = '\0';
	if (len >= 3 && memcmp(buf, byte_order_mark, 3) == 0)
		csv->at += 3;
}

/* Bytes of the line end at p: 0 where there is none. */
static size_t line_end(const struct den_csv *csv, const char *p)
{
	if (p < csv->end && p[0] == '\n')
		return 1;
	return csv->end - p >= 2 && p[0] == '\r' && p[1] == '\n' ? 2 : 0;
}

static int ends_field(const struct den_csv *csv, const char *p)
{
	return p == csv->end || *p == ',' || line_end(csv, p);
}

/* Goes on behind the line that `from` is in. */
static enum den_csv_result skip_line(struct den_csv *csv, char *from, enum den_csv_result why)
{
	char *lf = memchr(from, '\n', (size_t)(csv->end - from)), *next = lf ? lf + 1 : csv->end;

	for (; csv->at < next; csv->at++)
		csv->line += *csv->at == '\n';
	return why;
}

/* The closing quote of the field that opens at p; NULL where there is none. */
static char *closing_quote(const struct den_csv *csv, char *p)
{
	for (p++; p < csv->end; p++)
		if (*p == '"') {
			if (p + 1 == csv->end || p[1] != '"')
				return p;
			p++;
		}
	return NULL;
}

/* Halves the doubled quotes of from..to, and counts its lines. */
static void unquote(struct den_csv *csv, char *from, const char *to)
{
	char *out = from;

	for (const char *in = from; in < to; in++) {
		csv->line += *in == '\n';
		in += *in == '"';
		*out++ = *in;
	}
	*out = '\0';
}

/* The field at csv->at; behind it csv->at is at what ends it, told by *end (NUL: the input's end). */
static enum den_csv_result take_quoted(struct den_csv *csv, char **field, char *end)
{
	char *open = csv->at, *close = closing_quote(csv, open);

	if (!close)
		return skip_line(csv, open, DEN_CSV_OPEN_QUOTE);
	if (memchr(open, '\0', (size_t)(close - open)))
		return skip_line(csv, close, DEN_CSV_NUL);
	/* One that was forgotten finds its end in another row: the rows between aren't lost. */
	if (!ends_field(csv, close + 1))
		return skip_line(csv, open,
			memchr(open, '\n', (size_t)(close - open)) ? DEN_CSV_OPEN_QUOTE : DEN_CSV_AFTER_QUOTE);
	*field = open + 1;
	*end = close + 1 == csv->end ? '\0' : close[1];
	unquote(csv, open + 1, close);
	csv->at = close + 1;
	return DEN_CSV_ROW;
}

static enum den_csv_result take_plain(struct den_csv *csv, char **field, char *end)
{
	char *p = csv->at;

	for (; !ends_field(csv, p); p++) {
		if (*p == '"')
			return skip_line(csv, p, DEN_CSV_STRAY_QUOTE);
		if (!*p)
			return skip_line(csv, p, DEN_CSV_NUL);
	}
	*field = csv->at;
	*end = p == csv->end ? '\0' : *p;
	csv->at = p;
	return DEN_CSV_ROW;
}

enum den_csv_result den_csv_next(struct den_csv *csv, struct den_csv_row *row)
{
	char end = ',';

	for (size_t n; (n = line_end(csv, csv->at)); csv->line++)
		csv->at += n;
	row->line = csv->line;
	row->n = 0;
	if (csv->at == csv->end)
		return DEN_CSV_END;
	while (end == ',') {
		size_t ending;
		enum den_csv_result r;

		if (row->n == DEN_CSV_FIELDS_MAX)
			return skip_line(csv, csv->at, DEN_CSV_FIELDS);
		r = csv->at < csv->end && *csv->at == '"' ? take_quoted(csv, &row->field[row->n], &end)
							  : take_plain(csv, &row->field[row->n], &end);
		if (r != DEN_CSV_ROW)
			return r;
		row->n++;
		ending = line_end(csv, csv->at);
		csv->line += ending != 0;
		/* It is read: now it may become the end of the string before it. */
		*csv->at = '\0';
		if (csv->at < csv->end)
			csv->at += ending ? ending : 1;
	}
	return DEN_CSV_ROW;
}
