#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/access/matrix.h"

/* Who tries everything again where there are two servers; the yardsticks first. */
#define AT_A_PAIR "root,anonymous,peer"

static const char usage[] =
	"usage: access-matrix [--pair] TABLE URI [TARGETS]\n"
	"  Compares each cell of the table with what the directory at URI does. Root, inside\n"
	"  tests/sandbox. --pair: it is one of two servers. TARGETS: a list as in the table, for a part of it, and\n"
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
static size_t unused_rows(const struct table *t, int pair)
{
	size_t count = 0;

	for (size_t i = 0; i < t->nrows; i++)
		if (!t->rows[i].used && (t->rows[i].part == PART_PAIR) == pair) {
			printf("line %d of the table names no cell\n", t->rows[i].line);
			count++;
		}
	return count;
}

static void compare_target(struct matrix *m, size_t k)
{
	static void (*const parts[])(struct matrix *, const struct target *) = {cells_entry, cells_guesses, cells_new,
		cells_move, cells_attributes};
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
	m->table.part = PART_READER;
}

static int is_tried(const struct table *t, const struct target *on)
{
	if (on->is_of_pair)
		return t->part == PART_PAIR;
	return t->part != PART_READER || on->is_for_reader;
}

/* Counts the identities by whether one of their cells at the target is wrong. */
static void compare_by_all(struct matrix *m, size_t k, size_t *right, size_t *wrong)
{
	const size_t n = m->table.nidentities;

	memset(&m->wrong[k * n], 0, n * sizeof(*m->wrong));
	compare_target(m, k);
	for (size_t i = 0; i < n; i++)
		*(m->wrong[k * n + i] ? wrong : right) += 1;
}

static void compare(struct matrix *m, const char *targets, size_t *right, size_t *wrong)
{
	const struct table *t = &m->table;

	for (size_t k = 0; k < t->ntargets; k++)
		if ((!targets || list_has(targets, t->targets[k].name)) && is_tried(t, &t->targets[k]))
			compare_by_all(m, k, right, wrong);
}

static void on_single(struct matrix *m, const char *targets, size_t *right, size_t *wrong)
{
	compare(m, targets, right, wrong);
	printf("-- where another server is the writer\n");
	hand_over(m);
	compare(m, targets, right, wrong);
}

/* What only two servers have, by everybody; all else by the other server. */
static void on_pair(struct matrix *m, const char *targets, size_t *right, size_t *wrong)
{
	struct table *t = &m->table;
	size_t kept = 0;

	t->part = PART_PAIR;
	for (size_t k = 0; k < t->ntargets; k++)
		if (t->targets[k].is_of_pair && (!targets || list_has(targets, t->targets[k].name)))
			compare_by_all(m, k, right, wrong);
	printf("-- the other server, everywhere\n");
	for (size_t i = 0; i < t->nidentities; i++)
		if (list_has(AT_A_PAIR, t->identities[i].name))
			t->identities[kept++] = t->identities[i];
	t->nidentities = kept;
	compare(m, targets, right, wrong);
}

int main(int argc, char **argv)
{
	struct matrix m = {.password = PASSWORD, .shown = 300};
	int pair = argc > 1 && strcmp(argv[1], "--pair") == 0;
	char **words = argv + 1 + pair;
	size_t right = 0, wrong = 0;

	if (argc - pair < 3 || argc - pair > 4) {
		fputs(usage, stderr);
		return 2;
	}
	table_read(&m.table, words[0]);
	m.uri = words[1];
	if (words[2])
		m.shown = SIZE_MAX;
	connect_all(&m);
	(pair ? on_pair : on_single)(&m, words[2], &right, &wrong);
	if (!words[2])
		wrong += unused_rows(&m.table, pair);
	printf("%zu cells, %zu of them allowed, %zu wrong\n", m.cells, m.allowed, m.failed);
	printf("%zu passed, %zu failed\n", right, wrong);
	return wrong != 0;
}
