#include "core/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {DEN_BINDING_NAMES};

#define NAMES (sizeof(names) / sizeof(names[0]))

struct text {
	char *buf;
	size_t size, used;
};

static void add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *t, const char *format, ...)
{
	va_list ap;
	int n;

	if (t->used >= t->size)
		return;
	va_start(ap, format);
	n = vsnprintf(t->buf + t->used, t->size - t->used, format, ap);
	va_end(ap);
	t->used = n < 0 ? t->size : t->used + (size_t)n;
}

/* A name, a blank, the value; also where the value is empty. */
size_t den_request_canonical(char *buf, size_t size, const struct den_request *r)
{
	struct text t = {.buf = buf, .size = size};
	char amount[DEN_AMOUNT_SIZE];

	add(&t, "denshi-request-2\nid %s\nmaker %s\nbusiness %s\naccount %s\n", r->id, r->maker, r->business, r->account);
	add(&t, "amount %s\nneed %u\n", den_amount_format(amount, &r->amount), r->need);
	add(&t, "requested %lld\nexpires %lld\n", (long long)r->requested, (long long)r->expires);
	if (*r->attachment.digest)
		add(&t, "attachment %llu %s %s\n", (unsigned long long)r->attachment.size, r->attachment.digest,
			r->attachment.name);
	for (const char *line = r->bindings; *line;) {
		size_t len = strcspn(line, "\n");

		add(&t, "binding %.*s\n", (int)len, line);
		line += len + (line[len] == '\n');
	}
	add(&t, "from %s\nsubject %s\n", r->session, r->subject);
	return t.used < size ? t.used : 0;
}

size_t den_decision_text(char *buf, size_t size, const struct den_request *r, const struct den_decision *d, int64_t at,
	const char *reason)
{
	struct text t = {.buf = buf, .size = size};

	add(&t, DEN_DECISION_TEXT_BEGINS "request %s\ndigest %s\n", r->id, r->digest);
	add(&t, "decision %s\nby %s\nat %lld\nreason %s\n", d->word, d->by, (long long)at, reason);
	return t.used < size ? t.used : 0;
}

/* -- bindings --------------------------------------------------------------------------- */

static int is_name(const char *binding, size_t len)
{
	for (size_t i = 0; i < NAMES; i++)
		if (strlen(names[i]) == len && memcmp(names[i], binding, len) == 0)
			return 1;
	return 0;
}

/* The line of a name; NULL: none. */
static const char *find(const char *bindings, const char *name, size_t len)
{
	for (const char *line = bindings; *line;) {
		size_t n = strcspn(line, "\n");

		if (n > len && line[len] == '=' && memcmp(line, name, len) == 0)
			return line;
		line += n + (line[n] == '\n');
	}
	return NULL;
}

int den_bindings_add(char bindings[DEN_BINDINGS_SIZE], const char *binding)
{
	size_t name = strcspn(binding, "="), len = strlen(binding), used = strlen(bindings);
	char *at = bindings;

	if (!is_name(binding, name) || binding[name] != '=' || find(bindings, binding, name))
		return -1;
	if (len >= DEN_BINDING_SIZE || used + len + 2 > DEN_BINDINGS_SIZE ||
		!den_subject_is_valid(binding + name + 1, len - name - 1))
		return -1;
	/* Names differ, so their order is that of the lines. */
	while (*at && strncmp(at, binding, name + 1) < 0) {
		at += strcspn(at, "\n");
		at += *at == '\n';
	}
	memmove(at + len + 1, at, used - (size_t)(at - bindings) + 1);
	memcpy(at, binding, len);
	at[len] = '\n';
	return 0;
}

int den_bindings_get(const char *bindings, const char *name, char *buf)
{
	size_t len = strlen(name);
	const char *line = find(bindings, name, len);

	buf[0] = '\0';
	if (!line)
		return 0;
	line += len + 1;
	snprintf(buf, DEN_BINDING_SIZE, "%.*s", (int)strcspn(line, "\n"), line);
	return 1;
}

const char *den_bindings_differ(const char *bindings, const char *facts, char name[16])
{
	name[0] = '\0';
	for (const char *line = bindings; *line;) {
		size_t len = strcspn(line, "\n"), key = strcspn(line, "=");
		const char *fact = key < len ? find(facts, line, key) : NULL;

		if (!fact || strcspn(fact, "\n") != len || memcmp(fact, line, len) != 0) {
			snprintf(name, 16, "%.*s", (int)(key < len ? key : len), line);
			return *name ? name : "?";
		}
		line += len + (line[len] == '\n');
	}
	return name;
}

/* -- commands ------------------------------------------------------------------------------ */

static int is_plain_word(const char *word)
{
	size_t len = strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/:=@%+,");

	return len > 0 && word[len] == '\0';
}

static void add_quoted(struct text *t, const char *word)
{
	add(t, "'");
	for (; *word; word++) {
		if (*word == '\'')
			add(t, "'\\''");
		else
			add(t, "%c", *word);
	}
	add(t, "'");
}

int den_command_text(char *buf, size_t size, const char *const *words, size_t n)
{
	struct text t = {.buf = buf, .size = size};

	buf[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		if (i)
			add(&t, " ");
		if (is_plain_word(words[i]))
			add(&t, "%s", words[i]);
		else
			add_quoted(&t, words[i]);
	}
	return n > 0 && t.used < size && den_subject_is_valid(buf, t.used) ? 0 : -1;
}
