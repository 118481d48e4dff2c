/*
 * Rows of any number in bounded memory. The first are a listing; where there are more, all
 * go to a file without a name, and are read back to be printed: denshid isn't kept
 * waiting by who reads them page by page. What is secret doesn't belong here.
 */
#ifndef DENSHI_CLI_SPOOL_H
#define DENSHI_CLI_SPOOL_H

#include <stdio.h>

#include "tools/denshi/output.h"

#define SPOOL_COLUMNS_MAX 8

struct spool {
	struct cli *cli;
	struct listing listing; /* the rows at hand */
	FILE *file;		/* NULL: those are all */
	size_t widths[SPOOL_COLUMNS_MAX];
	int error; /* errno of what went wrong with the file; the rows aren't all there */
};

#define SPOOL(cli_, columns_) {.cli = (cli_), .listing = LISTING(columns_)}

/* A den_client_row; context is the struct spool. */
int spool_row(void *context, const struct den_message *row);
/* CLI_DONE, or the exit status where rows are missing, the reason printed. */
int spool_end(struct spool *spool);
void spool_done(struct spool *spool);

/* The rows as a table with headings; nothing where there are none. */
void spool_print(struct spool *spool);
/* The object with the rows as its member `key`; drops it. It has members already. */
void spool_print_json(struct spool *spool, json_t *object, const char *key);

#endif
