#include "tools/denshi/spool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/denshi/ask.h"

/* Rows in memory at a time. */
#define ROWS_MAX 256

/* -- to the file: a row of JSON is a line ------------------------------------------------- */

static void note_error(struct spool *spool)
{
	if (!spool->error)
		spool->error = errno ? errno : EIO;
}

static void write_rows(struct spool *spool)
{
	const json_t *row;
	size_t i;

	json_array_foreach(spool->listing.rows, i, row) {
		listing_widen(spool->cli, &spool->listing, row, spool->widths);
		if (json_dumpf(row, spool->file, JSON_COMPACT) != 0 || fputc('\n', spool->file) == EOF)
			note_error(spool);
	}
	json_array_clear(spool->listing.rows);
}

int spool_row(void *context, const struct den_message *row)
{
	struct spool *spool = context;

	if (spool->error)
		return 0;
	listing_row(&spool->listing, row);
	if (json_array_size(spool->listing.rows) <= ROWS_MAX)
		return 0;
	if (!spool->file && !(spool->file = tmpfile()))
		note_error(spool);
	if (spool->file)
		write_rows(spool);
	return 0;
}

int spool_end(struct spool *spool)
{
	if (spool->file && !spool->error) {
		write_rows(spool);
		if (fflush(spool->file) != 0)
			note_error(spool);
		rewind(spool->file);
	}
	return spool->error ? refuse(spool->cli, DEN_CLI_NO_SPOOL, strerror(spool->error)) : CLI_DONE;
}

void spool_done(struct spool *spool)
{
	if (spool->file)
		fclose(spool->file);
	spool->file = NULL;
	listing_done(&spool->listing);
}

/* -- and from it ----------------------------------------------------------------------------- */

/* The next rows, at most ROWS_MAX; 0 at the end. */
static size_t read_rows(struct spool *spool)
{
	char *line = NULL;
	size_t size = 0, n = 0;
	ssize_t len;

	json_array_clear(spool->listing.rows);
	while (n < ROWS_MAX && (len = getline(&line, &size, spool->file)) > 0) {
		if (json_array_append_new(spool->listing.rows, json_loadb(line, (size_t)len, 0, NULL)) != 0)
			output_no_memory();
		n++;
	}
	free(line);
	return n;
}

void spool_print(struct spool *spool)
{
	if (!spool->file && json_array_size(spool->listing.rows) > 0)
		listing_print(spool->cli, &spool->listing);
	for (int first = 1; spool->file && read_rows(spool) > 0; first = 0)
		listing_print_part(spool->cli, &spool->listing, spool->widths, first);
}

/* Its members, open for one more. */
static void open_object(const json_t *object)
{
	char *text = json_dumps(object, JSON_INDENT(2));
	char *end = text ? strrchr(text, '\n') : NULL;

	if (!end)
		output_no_memory();
	printf("%.*s,\n", (int)(end - text), text);
	free(text);
}

static void print_rows(struct spool *spool)
{
	const char *between = "";
	const json_t *row;
	size_t i;

	while (read_rows(spool) > 0)
		json_array_foreach(spool->listing.rows, i, row) {
			printf("%s\n    ", between);
			json_dumpf(row, stdout, 0);
			between = ",";
		}
}

void spool_print_json(struct spool *spool, json_t *object, const char *key)
{
	if (!object)
		output_no_memory();
	if (!spool->file) {
		json_object_set_new(object, key, spool->listing.rows ? json_incref(spool->listing.rows) : json_array());
		output_json(object);
		return;
	}
	open_object(object);
	printf("  \"%s\": [", key);
	print_rows(spool);
	puts("\n  ]\n}");
	json_decref(object);
}
