/*
 * CSV as it comes from a spreadsheet: every row lies within the buffer, lines only grow, and what
 * was read, written again by the rules, reads the same.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The row in quotes; returns its length. out is large enough: every byte may double. */
static size_t write_row(char *out, const struct den_csv_row *row)
{
	size_t used = 0;

	for (size_t i = 0; i < row->n; i++) {
		if (i)
			out[used++] = ',';
		out[used++] = '"';
		for (const char *p = row->field[i]; *p; p++) {
			if (*p == '"')
				out[used++] = '"';
			out[used++] = *p;
		}
		out[used++] = '"';
	}
	return used;
}

static void check_again(const struct den_csv_row *row, size_t size)
{
	char *copy = malloc(2 * size + 4 * DEN_CSV_FIELDS_MAX + 1);
	struct den_csv csv;
	struct den_csv_row again;

	if (!copy)
		abort();
	den_csv_start(&csv, copy, write_row(copy, row));
	if (den_csv_next(&csv, &again) != DEN_CSV_ROW || again.n != row->n)
		abort();
	for (size_t i = 0; i < row->n; i++)
		if (strcmp(row->field[i], again.field[i]) != 0)
			abort();
	if (den_csv_next(&csv, &again) != DEN_CSV_END)
		abort();
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *buf = malloc(size + 1);
	struct den_csv csv;
	struct den_csv_row row;
	enum den_csv_result r;
	size_t line = 0;

	if (!buf)
		return 0;
	memcpy(buf, data, size);
	den_csv_start(&csv, buf, size);
	while ((r = den_csv_next(&csv, &row)) != DEN_CSV_END) {
		if (row.line <= line || (r == DEN_CSV_ROW && row.n == 0))
			abort();
		line = row.line;
		for (size_t i = 0; r == DEN_CSV_ROW && i < row.n; i++)
			if (row.field[i] < buf || row.field[i] > buf + size)
				abort();
		if (r == DEN_CSV_ROW)
			check_again(&row, size);
	}
	free(buf);
	return 0;
}
