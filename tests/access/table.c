#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/access/matrix.h"

#define WORDS 16

static void *more(void *list, size_t count, size_t size)
{
	void *longer = reallocarray(list, count + 1, size);

	if (!longer)
		give_up("no memory");
	memset((char *)longer + count * size, 0, size);
	return longer;
}

int list_has(const char *list, const char *name)
{
	char word[128];
	int found = 0;

	while (list && *list) {
		size_t len = strcspn(list, ",");
		int excepts = *list == '-' && len > 1;

		snprintf(word, sizeof(word), "%.*s", (int)len - excepts, list + excepts);
		if (fnmatch(word, name, FNM_CASEFOLD) == 0) {
			if (excepts)
				return 0;
			found = 1;
		}
		list += len + (list[len] == ',');
	}
	return found;
}

/* -- the lines ------------------------------------------------------------------------------- */

static void read_identity(struct table *t, char **w, size_t n)
{
	struct identity *i = t->identities = more(t->identities, t->nidentities, sizeof(*i));

	i += t->nidentities++;
	i->name = w[1];
	i->how = w[2];
	i->argument = n > 3 ? w[3] : NULL;
}

static void read_target(struct table *t, char **w, size_t n)
{
	struct target *g = t->targets = more(t->targets, t->ntargets, sizeof(*g));

	g += t->ntargets++;
	g->name = w[1];
	g->dn = w[2];
	for (size_t i = 3; i < n; i++) {
		if (strncmp(w[i], "without=", 8) == 0)
			g->without = w[i] + 8;
		else if (strncmp(w[i], "keep=", 5) == 0)
			g->keep = w[i] + 5;
		else if (strncmp(w[i], "skip=", 5) == 0)
			g->skip = w[i] + 5;
		else if (strcmp(w[i], "parent") == 0)
			g->is_parent = 1;
		else if (strcmp(w[i], "reader") == 0)
			g->is_for_reader = 1;
		else if (strcmp(w[i], "pair") == 0)
			g->is_of_pair = 1;
		else if (strcmp(w[i], "lasting") == 0)
			g->is_lasting = 1;
		else if (strcmp(w[i], "fixed") == 0)
			g->is_fixed = 1;
		else
			give_up("target %s: what is %s?", g->name, w[i]);
	}
}

static void read_kind(struct table *t, char **w, size_t n)
{
	struct kind *k = t->kinds = more(t->kinds, t->nkinds, sizeof(*k));

	k += t->nkinds++;
	k->name = w[1];
	k->rdn = w[2];
	k->classes = w[3];
	for (size_t i = 4; i < n && i < 8; i++)
		k->fixed[i - 4] = w[i];
}

static void put_value(struct value **list, size_t *count, char **w, size_t n)
{
	struct value *v = *list = more(*list, *count, sizeof(*v));

	v += (*count)++;
	v->attribute = w[1];
	for (size_t i = 2; i < n && v->count < VALUES; i++)
		v->values[v->count++] = w[i];
}

static void read_value(struct table *t, char **w, size_t n)
{
	put_value(&t->values, &t->nvalues, w, n);
}

static void read_variant(struct table *t, char **w, size_t n)
{
	put_value(&t->variants, &t->nvariants, w, n);
}

static void read_operational(struct table *t, char **w, size_t n)
{
	(void)n;
	t->operational = w[1];
}

static void read_foreign(struct table *t, char **w, size_t n)
{
	(void)n;
	t->foreign = w[1];
}

static struct row *add_row(struct table *t, char *word)
{
	struct row *r = t->rows = more(t->rows, t->nrows, sizeof(*r));

	r += t->nrows++;
	r->word = word;
	r->part = t->part;
	return r;
}

static void read_allow(struct table *t, char **w, size_t n)
{
	struct row *r = add_row(t, w[0]);

	r->first = w[1];
	r->identities = w[2];
	r->attributes = w[3];
	/* Rights may stand apart for the eye: "rsc +-". */
	if (asprintf(&r->rights, "%s%s%s", w[4], n > 5 ? w[5] : "", n > 6 ? w[6] : "") < 0)
		give_up("no memory");
}

static void read_new(struct table *t, char **w, size_t n)
{
	struct row *r = add_row(t, w[0]);

	r->first = w[1];
	r->second = w[2];
	r->identities = w[3];
	r->attributes = n > 4 ? w[4] : NULL;
}

static void read_move(struct table *t, char **w, size_t n)
{
	struct row *r = add_row(t, w[0]);

	(void)n;
	r->first = w[1];
	r->second = w[2];
	r->identities = w[3];
}

static void read_reader(struct table *t, char **w, size_t n)
{
	(void)w, (void)n;
	t->part = PART_READER;
}

static void read_pair(struct table *t, char **w, size_t n)
{
	(void)w, (void)n;
	t->part = PART_PAIR;
}

static const struct {
	const char *word;
	size_t least;
	void (*read)(struct table *t, char **w, size_t n);
} lines[] = {{"identity", 3, read_identity}, {"target", 3, read_target}, {"kind", 4, read_kind},
	{"value", 3, read_value}, {"variant", 3, read_variant}, {"operational", 2, read_operational},
	{"foreign", 2, read_foreign}, {"allow", 5, read_allow}, {"new", 4, read_new}, {"move", 4, read_move},
	{"reader:", 1, read_reader}, {"pair:", 1, read_pair}};

static void read_line(struct table *t, char *line, int number)
{
	char *w[WORDS], *rest = NULL;
	size_t n = 0;

	line[strcspn(line, "\n")] = '\0';
	if (*line == '#')
		return;
	for (char *word = strtok_r(line, " \t", &rest); word && *word != '#' && n < WORDS;
		word = strtok_r(NULL, " \t", &rest))
		w[n++] = word;
	if (n == 0)
		return;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (strcmp(w[0], lines[i].word) != 0)
			continue;
		if (n < lines[i].least)
			give_up("line %d: %s wants more words", number, w[0]);
		lines[i].read(t, w, n);
		if (t->nrows)
			t->rows[t->nrows - 1].line += t->rows[t->nrows - 1].line ? 0 : number;
		return;
	}
	give_up("line %d: what is %s?", number, w[0]);
}

void table_read(struct table *t, const char *path)
{
	FILE *in = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	memset(t, 0, sizeof(*t));
	if (!in)
		give_up("%s: %s", path, strerror(errno));
	for (int number = 1; getline(&line, &size, in) > 0; number++) {
		char *copy = strdup(line);

		if (!copy)
			give_up("no memory");
		read_line(t, copy, number); /* the words stay in use */
	}
	free(line);
	fclose(in);
	t->part = PART_WRITER;
}

/* -- what it allows ------------------------------------------------------------------------------- */

static const char *parent_of(const char *dn)
{
	const char *comma = strchr(dn, ',');

	return comma ? comma + 1 : "";
}

static int is_named(const char *identities, const struct identity *who, const char *dn)
{
	if (list_has(identities, who->name))
		return 1;
	if (!*who->dn)
		return 0;
	return (strcasecmp(who->dn, dn) == 0 && list_has(identities, "@self")) ||
		(strcasecmp(who->dn, parent_of(dn)) == 0 && list_has(identities, "@above")) ||
		(strcasecmp(parent_of(who->dn), dn) == 0 && list_has(identities, "@below"));
}

static struct row *use(struct row *r)
{
	r->used = 1;
	return r;
}

static int is_row(const struct table *t, const struct row *r, const char *word)
{
	int counts = r->part == t->part || (r->part == PART_WRITER && t->part == PART_PAIR);

	return counts && strcmp(r->word, word) == 0;
}

/* What is done to the whole entry is never meant by a pattern. */
static int is_meant(const char *list, const char *attribute)
{
	return strcmp(attribute, "entry") == 0 ? strcmp(list, "entry") == 0 : list_has(list, attribute);
}

struct row *table_attribute(struct table *t, const struct target *on, const struct identity *who,
	const char *attribute, char right)
{
	for (size_t i = 0; i < t->nrows; i++) {
		struct row *r = &t->rows[i];

		if (is_row(t, r, "allow") && strchr(r->rights, right) && list_has(r->first, on->name) &&
			is_named(r->identities, who, on->dn) && is_meant(r->attributes, attribute))
			return use(r);
	}
	return NULL;
}

struct row *table_new(struct table *t, const struct kind *kind, const struct target *under,
	const struct identity *who, const char *extra)
{
	for (size_t i = 0; i < t->nrows; i++) {
		struct row *r = &t->rows[i];

		if (is_row(t, r, "new") && list_has(r->first, kind->name) &&
			list_has(r->second, under->name) && is_named(r->identities, who, under->dn) &&
			(!extra || list_has(r->attributes, extra)))
			return use(r);
	}
	return NULL;
}

struct row *table_move(struct table *t, const struct target *on, const struct target *under,
	const struct identity *who)
{
	for (size_t i = 0; i < t->nrows; i++) {
		struct row *r = &t->rows[i];

		if (is_row(t, r, "move") && list_has(r->first, on->name) &&
			list_has(r->second, under->name) && is_named(r->identities, who, on->dn))
			return use(r);
	}
	return NULL;
}
