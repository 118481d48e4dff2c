/*
 * Comma-separated values (RFC 4180), read where they lie: a row's fields are
 * NUL-terminated strings within the caller's own buffer, so that a password in it
 * is copied nowhere, and wiping the buffer wipes all.
 *
 * Lines end with LF or CRLF, the last one may end without; a field in quotes may
 * hold commas, doubled quotes and line ends. A byte order mark (UTF-8) at the
 * beginning and empty lines are skipped. What the text means (UTF-8, a name, a
 * number) is the caller's to check.
 */
#ifndef DENSHI_CORE_CSV_H
#define DENSHI_CORE_CSV_H

#include <stddef.h>

#define DEN_CSV_FIELDS_MAX 32

struct den_csv {
	char *at, *end;
	size_t line; /* number of the line at `at`, from 1 */
};

struct den_csv_row {
	size_t line; /* where it begins */
	size_t n;
	char *field[DEN_CSV_FIELDS_MAX];
};

enum den_csv_result {
	DEN_CSV_ROW,
	DEN_CSV_END,
	/* What is wrong with the row; the next call goes on behind it. */
	DEN_CSV_STRAY_QUOTE, /* a quote within a field that doesn't begin with one */
	DEN_CSV_AFTER_QUOTE, /* something between the closing quote and the comma */
	DEN_CSV_OPEN_QUOTE,  /* the closing quote is missing; goes on with the next line */
	DEN_CSV_NUL,	     /* a NUL byte */
	DEN_CSV_FIELDS,	     /* more than DEN_CSV_FIELDS_MAX fields */
};

/* Begins with len bytes at buf, which are changed by reading. buf[len] must be
 * there too: the end of the last field is written to it. */
void den_csv_start(struct den_csv *csv, char *buf, size_t len);

/* The next row. After a result that is no DEN_CSV_ROW only row->line holds. */
enum den_csv_result den_csv_next(struct den_csv *csv, struct den_csv_row *row);

#endif
