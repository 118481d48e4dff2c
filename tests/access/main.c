#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/access/matrix.h"

static const char usage[] =
	"usage: access-matrix TABLE URI [TARGETS]\n"
	"  Compares each cell of the table with what the directory at URI does. Root, inside\n"
	"  tests/sandbox. TARGETS: a list as in the table, for a part of it, and\n"
	"  without an end to the wrong cells that are shown.\n";

void give_up(const char *format, ...)
{
	va_list ap;

	fflush(stdout);
	va_start(ap, format);
	fprintf(stderr, "access-matrix: ");
	vfprintf(stderr, format, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	exit(2);
}

static void connect_all(struct matrix *m)
{
	struct table *t = &m->table;

	if (!t->nidentities || strcmp(t->identities[0].name, "root") != 0)
		give_up("the first identity is root");
	for (size_t i = 0; i < t->nidentities; i++)
		directory_connect(&t->identities[i], m->uri);
	m->root = t->identities[0].ld;
	m->wrong = calloc(t->nidentities * t->ntargets, sizeof(*m->wrong));
	if (!m->wrong)
		give_up("no memory");
	schema_load(m->root);
}

/* A row that allows nothing anywhere is a mistake of whoever wrote it. */
static size_t unused_rows(const struct table *t)
{
	size_t count = 0;

	for (size_t i = 0; i < t->nrows; i++)
		if (!t->rows[i].used) {
			printf("line %d of the table names no cell\n", t->rows[i].line);
			count++;
		}
	return count;
}

static void compare_target(struct matrix *m, size_t k)
{
	static void (*const parts[])(struct matrix *, const struct target *) = {cells_entry, cells_new, cells_move,
		cells_attributes};
	struct timespec from, to;
	const size_t cells = m->cells;

	m->target = k;
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		parts[i](m, &m->table.targets[k]);
	clock_gettime(CLOCK_MONOTONIC, &to);
	printf("%-20s %6zu cells %6.2f s\n", m->table.targets[k].name, m->cells - cells,
		(double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
	fflush(stdout);
}

/* The same server when another one is the writer; everybody has bound before. */
static void hand_over(struct matrix *m)
{
	struct berval other = {.bv_len = 14, .bv_val = (char *)"other.example."};
	struct berval *values[] = {&other, NULL};

	root_set(m->root, "cn=writer,o=acme", "denshiWriter", values);
	m->table.reader = 1;
}

/* Counts the pairs of target and identity by whether one of their cells is wrong. */
static void compare(struct matrix *m, const char *targets, size_t *right, size_t *wrong)
{
	struct table *t = &m->table;

	memset(m->wrong, 0, t->nidentities * t->ntargets * sizeof(*m->wrong));
	for (size_t k = 0; k < t->ntargets; k++) {
		if ((targets && !list_has(targets, t->targets[k].name)) || (t->reader && !t->targets[k].is_for_reader))
			continue;
		compare_target(m, k);
		for (size_t i = 0; i < t->nidentities; i++)
			*(m->wrong[k * t->nidentities + i] ? wrong : right) += 1;
	}
}

int main(int argc, char **argv)
{
	struct matrix m = {.password = PASSWORD, .shown = 300};
	size_t right = 0, wrong = 0;

	if (argc < 3 || argc > 4) {
		fputs(usage, stderr);
		return 2;
	}
	table_read(&m.table, argv[1]);
	m.uri = argv[2];
	if (argc == 4)
		m.shown = SIZE_MAX;
	connect_all(&m);
	compare(&m, argv[3], &right, &wrong);
	printf("-- where another server is the writer\n");
	hand_over(&m);
	compare(&m, argv[3], &right, &wrong);
	if (argc == 3)
		wrong += unused_rows(&m.table);
	printf("%zu cells, %zu of them allowed, %zu wrong\n", m.cells, m.allowed, m.failed);
	printf("%zu passed, %zu failed\n", right, wrong);
	return wrong != 0;
}
