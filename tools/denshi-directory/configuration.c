#include "tools/denshi-directory/configuration.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/denshi-directory/slap.h"

struct list {
	char **lines;
	size_t n, room;
};

struct configuration {
	char set[PATH_MAX];
	struct list exact; /* as it is */
	struct list plain; /* without numbers */
	char *dn; /* while it is read */
};

static void list_done(struct list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->lines[i]);
	free(l->lines);
}

void configuration_free(struct configuration *c)
{
	if (!c)
		return;
	list_done(&c->exact);
	list_done(&c->plain);
	free(c->dn);
	free(c);
}

/* Takes line over. */
static int list_add(struct list *l, char *line)
{
	size_t room = l->room ? 2 * l->room : 256;
	char **bigger;

	if (!line)
		return -1;
	if (l->n == l->room) {
		bigger = reallocarray(l->lines, room, sizeof(*bigger));
		if (!bigger) {
			free(line);
			return -1;
		}
		l->lines = bigger;
		l->room = room;
	}
	l->lines[l->n++] = line;
	return 0;
}

/* -- reading -------------------------------------------------------------------------------- */

/* What slapd keeps about each entry. */
static int is_kept_by_slapd(const char *line)
{
	static const char *const names[] = {"structuralObjectClass:", "entryUUID:", "creatorsName:",
		"createTimestamp:", "entryCSN:", "modifiersName:", "modifyTimestamp:", "contextCSN:"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(line, names[i], strlen(names[i])) == 0)
			return 1;
	return 0;
}

/* text, with its set's path as SET. To be freed. */
static char *without_set(const struct configuration *c, const char *text)
{
	const char *at = strstr(text, c->set);
	char *made = NULL;

	if (!at)
		return strdup(text);
	if (asprintf(&made, "%.*sSET%s", (int)(at - text), text, at + strlen(c->set)) < 0)
		return NULL;
	return made;
}

/* text without its numbers in braces. To be freed. */
static char *without_numbers(const char *text)
{
	char *made = strdup(text), *to = made;

	while (made && *text) {
		size_t digits = *text == '{' ? strspn(text + 1, "-0123456789") : 0;

		if (digits && text[digits + 1] == '}')
			text += digits + 2;
		else
			*to++ = *text++;
	}
	if (made)
		*to = '\0';
	return made;
}

static int add_value(struct configuration *c, const char *line)
{
	char *whole = NULL, *exact;

	if (asprintf(&whole, "%s\t%s", c->dn, line) < 0)
		return -1;
	exact = without_set(c, whole);
	free(whole);
	if (!exact || list_add(&c->plain, without_numbers(exact)) != 0) {
		free(exact);
		return -1;
	}
	return list_add(&c->exact, exact);
}

static int take_line(struct configuration *c, char *line)
{
	if (strncmp(line, "dn: ", 4) == 0) {
		free(c->dn);
		c->dn = strdup(line + 4);
		return c->dn ? 0 : -1;
	}
	if (!*line || *line == '#' || is_kept_by_slapd(line))
		return 0;
	return c->dn ? add_value(c, line) : -1;
}

static int on_line(void *context, const char *line, size_t len)
{
	char *copy = strndup(line, len > 0 && line[len - 1] == '\n' ? len - 1 : len);
	int result = copy ? take_line(context, copy) : -1;

	free(copy);
	return result;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct configuration *configuration_read(const struct run *r, const char *set)
{
	struct configuration *c = calloc(1, sizeof(*c));

	if (!c) {
		fail_file(r, set);
		return NULL;
	}
	snprintf(c->set, sizeof(c->set), "%s", set);
	if (slap_read(r, set, 0, on_line, c) != 0) {
		configuration_free(c);
		return NULL;
	}
	qsort(c->exact.lines, c->exact.n, sizeof(char *), by_text);
	qsort(c->plain.lines, c->plain.n, sizeof(char *), by_text);
	return c;
}

/* -- comparing -------------------------------------------------------------------------------- */

int configuration_equal(const struct configuration *a, const struct configuration *b)
{
	if (a->exact.n != b->exact.n)
		return 0;
	for (size_t i = 0; i < a->exact.n; i++)
		if (strcmp(a->exact.lines[i], b->exact.lines[i]) != 0)
			return 0;
	return 1;
}

static void tell(configuration_each *each, void *context, char sign, const char *whole)
{
	char *dn = strdup(whole), *tab = dn ? strchr(dn, '\t') : NULL;

	if (tab) {
		*tab = '\0';
		each(context, sign, dn, tab + 1);
	}
	free(dn);
}

void configuration_compare(const struct configuration *a, const struct configuration *b,
	configuration_each *each, void *context)
{
	size_t i = 0, k = 0;

	while (i < a->plain.n || k < b->plain.n) {
		int order = i == a->plain.n ? 1 :
			k == b->plain.n	    ? -1 :
					      strcmp(a->plain.lines[i], b->plain.lines[k]);

		if (order < 0)
			tell(each, context, '-', a->plain.lines[i]);
		else if (order > 0)
			tell(each, context, '+', b->plain.lines[k]);
		i += order <= 0;
		k += order >= 0;
	}
}

/* -- facts ---------------------------------------------------------------------------------------- */

/* What stands in the first line that has it after `before`, up to one of the characters of `end`. */
static int find_text(const struct configuration *c, const char *before, const char *end, char *buf, size_t size)
{
	for (size_t i = 0; i < c->exact.n; i++) {
		const char *at = strstr(c->exact.lines[i], before);
		size_t len;

		if (!at)
			continue;
		at += strlen(before);
		len = strcspn(at, end);
		if (len == 0 || len >= size)
			return -1;
		memcpy(buf, at, len);
		buf[len] = '\0';
		return 0;
	}
	return -1;
}

int configuration_facts(const struct configuration *c, struct configuration_facts *f)
{
	char m[16], t[16], number[16] = "";

	memset(f, 0, sizeof(*f));
	if (find_text(c, ",cn=peercred,cn=external,cn=auth cn=", ",", f->host, sizeof(f->host)) != 0 ||
		find_text(c, "argon2 m=", " ", m, sizeof(m)) + find_text(c, "argon2id m=", " ", m, sizeof(m)) == -2 ||
		find_text(c, " t=", " ", t, sizeof(t)) != 0)
		return -1;
	/* Before there was a writer, there was one server. */
	if (find_text(c, CONFIG_SERVER_BEFORE, "]", f->server, sizeof(f->server)) != 0)
		memcpy(f->server, f->host, sizeof(f->server));
	if (find_text(c, "}rid=001 provider=", " ", f->peer_uri, sizeof(f->peer_uri)) == 0 &&
		(find_text(c, "to * by dn.exact=\"cn=", ",", f->peer, sizeof(f->peer)) != 0 ||
			find_text(c, "olcServerID: ", " ", number, sizeof(number)) != 0))
		return -1;
	f->number = (unsigned)strtoul(number, NULL, 10);
	f->memory_kib = (unsigned)strtoul(m, NULL, 10);
	f->passes = (unsigned)strtoul(t, NULL, 10);
	return f->memory_kib && f->passes ? 0 : -1;
}
