#include "tools/denshi-directory/digests.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "directory/version.h"
#include "directory/writer.h"

struct entry {
	char *dn; /* as in LDIF: "dn: uid=..." or "dn:: base64" */
	unsigned char digest[DENCRYPT_DIGEST_SIZE];
};

struct digests {
	struct entry *entries;
	size_t n, room;
	/* the entry that is being read */
	char **lines;
	size_t nlines, lines_room;
};

struct digests *digests_new(void)
{
	return calloc(1, sizeof(struct digests));
}

static void drop_lines(struct digests *d)
{
	for (size_t i = 0; i < d->nlines; i++) {
		explicit_bzero(d->lines[i], strlen(d->lines[i]));
		free(d->lines[i]);
	}
	d->nlines = 0;
}

void digests_free(struct digests *d)
{
	if (!d)
		return;
	drop_lines(d);
	free(d->lines);
	for (size_t i = 0; i < d->n; i++)
		free(d->entries[i].dn);
	free(d->entries);
	free(d);
}

/* Room for one more of n things in *list. */
static int reserve(void *list, size_t *room, size_t n, size_t size)
{
	size_t wanted = *room ? 2 * *room : 64;
	void *bigger;

	if (n < *room)
		return 0;
	bigger = reallocarray(*(void **)list, wanted, size);
	if (!bigger)
		return -1;
	*(void **)list = bigger;
	*room = wanted;
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int by_dn(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->dn, ((const struct entry *)b)->dn);
}

/* The order of attributes and values means nothing. */
static int digest_lines(struct digests *d, unsigned char out[DENCRYPT_DIGEST_SIZE])
{
	struct dencrypt_digest *digest = NULL;
	int result = dencrypt_digest_new(&digest) == DENCRYPT_OK ? 0 : -1;

	qsort(d->lines, d->nlines, sizeof(*d->lines), by_text);
	for (size_t i = 0; result == 0 && i < d->nlines; i++)
		/* with the NUL, which ends it */
		if (dencrypt_digest_add(digest, d->lines[i], strlen(d->lines[i]) + 1) != DENCRYPT_OK)
			result = -1;
	if (result == 0 && dencrypt_digest_end(digest, out) != DENCRYPT_OK)
		result = -1;
	dencrypt_digest_free(digest);
	return result;
}

static int end_entry(struct digests *d)
{
	struct entry *e;

	if (d->nlines == 0)
		return 0;
	if (reserve(&d->entries, &d->room, d->n, sizeof(*d->entries)) != 0)
		return -1;
	e = &d->entries[d->n];
	e->dn = strdup(d->lines[0]);
	if (!e->dn || digest_lines(d, e->digest) != 0) {
		free(e->dn);
		return -1;
	}
	d->n++;
	drop_lines(d);
	return 0;
}

/* Lines that are not compared, within entries whose DN begins so. */
static const struct {
	const char *dn, *attribute;
} ignored[] = {
	{"dn:", "contextCSN: "},
	{"dn: " DENDIR_DN_POINTER ",", "entryCSN: "},
	{"dn: " DENDIR_DN_WRITER ",", "denshiWriter: "},
};

static int is_ignored(const struct digests *d, const char *line)
{
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]) && d->nlines > 0; i++)
		if (strncmp(line, ignored[i].attribute, strlen(ignored[i].attribute)) == 0 &&
			strncmp(d->lines[0], ignored[i].dn, strlen(ignored[i].dn)) == 0)
			return 1;
	return 0;
}

int digests_add(struct digests *d, const char *line, size_t len)
{
	if (len > 0 && line[len - 1] == '\n')
		len--;
	if (len == 0)
		return end_entry(d);
	if (line[0] == '#' || is_ignored(d, line))
		return 0;
	if (reserve(&d->lines, &d->lines_room, d->nlines, sizeof(*d->lines)) != 0)
		return -1;
	d->lines[d->nlines] = strndup(line, len);
	return d->lines[d->nlines++] ? 0 : -1;
}

size_t digests_count(const struct digests *d)
{
	return d->n;
}

size_t digests_compare(struct digests *a, struct digests *b, digests_each *each, void *context)
{
	size_t i = 0, k = 0, different = 0;

	if (a->n)
		qsort(a->entries, a->n, sizeof(*a->entries), by_dn);
	if (b->n)
		qsort(b->entries, b->n, sizeof(*b->entries), by_dn);
	while (i < a->n || k < b->n) {
		int order = i == a->n ? 1 : k == b->n ? -1 : by_dn(&a->entries[i], &b->entries[k]);

		if (order == 0 && memcmp(a->entries[i].digest, b->entries[k].digest, DENCRYPT_DIGEST_SIZE) != 0) {
			each(context, DIGESTS_DIFFER, a->entries[i].dn);
			different++;
		} else if (order != 0) {
			each(context, order < 0 ? DIGESTS_ONLY_A : DIGESTS_ONLY_B,
				order < 0 ? a->entries[i].dn : b->entries[k].dn);
			different++;
		}
		i += order <= 0;
		k += order >= 0;
	}
	return different;
}
