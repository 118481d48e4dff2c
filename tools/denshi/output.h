/*
 * What the commands print: tables (libsmartcols, which knows how wide Japanese
 * is), label and value, JSON. A row is kept as a JSON object, of which the table
 * is a view; so `--json` and the table can't tell different things (R-ALL-8).
 */
#ifndef DENSHI_CLI_OUTPUT_H
#define DENSHI_CLI_OUTPUT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "core/wire.h"
#include "tools/denshi/cli.h"

enum column_kind {
	COLUMN_TEXT,
	COLUMN_WORD,   /* one of protocol.h's fixed words; translated in tables only */
	COLUMN_NUMBER, /* u64 */
	COLUMN_TIME,   /* u64, seconds since 1970; in JSON as 2026-04-01T00:00:00Z */
	COLUMN_LIST,   /* every field with this tag */
	COLUMN_LINES,  /* the same, a line each; only as the last column */
	COLUMN_HIDDEN, /* text, in JSON only */
	COLUMN_HIDDEN_LIST,
	COLUMN_HIDDEN_NUMBER,
};

struct column {
	uint16_t tag;
	enum column_kind kind;
	const char *key;
	enum den_code heading;
};

struct listing {
	const struct column *columns;
	size_t count;
	json_t *rows; /* array of objects */
};

#define LISTING(columns_) {.columns = (columns_), .count = sizeof(columns_) / sizeof(*(columns_))}

/* Sets up the locale (column widths) and the memory of JSON objects, which is wiped. */
void output_start(void);

/* Prints that there is no memory, and ends the program. */
_Noreturn void output_no_memory(void);

/* A den_client_row; context is the struct listing. */
int listing_row(void *context, const struct den_message *row);
void listing_done(struct listing *listing);

/* The listing as a table with headings, or as a JSON array. */
void listing_print(struct cli *cli, const struct listing *listing);

/* A long one in parts, whose columns are at least so wide; the first has the headings. */
void listing_print_part(struct cli *cli, const struct listing *listing, const size_t *widths, int first);
/* Widens the widths of the visible columns to what the row, and the headings, need. */
void listing_widen(const struct cli *cli, const struct listing *listing, const json_t *row, size_t *widths);

/* Label and value of one row, hidden and absent ones left out; no JSON. */
void listing_print_pairs(struct cli *cli, const struct listing *listing, size_t row);

/* A reply's fields as an object, keys as in protocol.h but lower case. */
json_t *output_reply(const struct den_message *reply);

/* A time as it is in JSON: ISO 8601, UTC; null where it is none. The caller's. */
json_t *output_time(uint64_t seconds);

/* Prints an object to standard output and drops it. */
void output_json(json_t *object);

/* A fixed word of protocol.h in the reader's language; the word itself where it's unknown. */
const char *output_word(const struct cli *cli, const char *word);

/* Prints text, with control characters as `?`: nothing from elsewhere drives the terminal. */
void output_safe(FILE *stream, const char *text);

/* A table of `columns` headed columns (DEN_OK: no heading); cells row by row, in
 * the order of the columns. */
void output_table(struct cli *cli, const enum den_code *headings, size_t columns,
	const char *const *cells, size_t rows);

#endif
