#include "crypto/chain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum dencrypt_result dencrypt_chain_digest(char hex[DENCRYPT_DIGEST_HEX_SIZE], const char *before, uint64_t number,
	int64_t time, const char *text)
{
	char line[DENCRYPT_CHAIN_LINE];
	int n = snprintf(line, sizeof(line), "%s %" PRIu64 " %" PRId64 " %s", before, number, time, text);

	return n > 0 && (size_t)n < sizeof(line) ? dencrypt_sha256_hex(line, (size_t)n, hex) : DENCRYPT_TOO_BIG;
}

enum dencrypt_result dencrypt_record_parse(char *line, struct dencrypt_record *r)
{
	int at = 0;

	if (sscanf(line, "%" SCNu64 " %" SCNd64 " %64[0-9a-f] %n", &r->number, &r->time, r->digest, &at) != 3 || !at ||
		strlen(r->digest) != DENCRYPT_DIGEST_HEX_SIZE - 1)
		return DENCRYPT_MALFORMED;
	line[strcspn(line, "\n")] = '\0';
	r->text = line + at;
	return DENCRYPT_OK;
}

void dencrypt_chain_next(struct dencrypt_chain *c, char *line, struct dencrypt_record *r)
{
	char digest[DENCRYPT_DIGEST_HEX_SIZE];

	if (dencrypt_record_parse(line, r) != DENCRYPT_OK) {
		*r = (struct dencrypt_record){.number = ++c->number, .text = "?"};
		return;
	}
	r->fits = r->number == c->number + 1 &&
		dencrypt_chain_digest(digest, c->digest, r->number, r->time, r->text) == DENCRYPT_OK &&
		strcmp(digest, r->digest) == 0;
	c->number = r->number;
	memcpy(c->digest, r->digest, sizeof(c->digest));
}

/* -- verifying ----------------------------------------------------------------------------- */

void dencrypt_anchor_head(struct dencrypt_anchor *a, const char *head)
{
	a->number = 0;
	a->digest[0] = '\0';
	(void)sscanf(head, "%" SCNu64 ":%64[0-9a-f]", &a->number, a->digest);
}

enum dencrypt_result dencrypt_verify_anchor(struct dencrypt_verification *v, const struct dencrypt_anchor *a)
{
	struct dencrypt_anchor *more = reallocarray(v->anchors, v->n + 1, sizeof(*more));

	if (!more)
		return DENCRYPT_NO_MEMORY;
	v->anchors = more;
	more[v->n++] = *a;
	v->updates += a->serial != 0;
	v->last_update = a->serial > v->last_update ? a->serial : v->last_update;
	return DENCRYPT_OK;
}

static int by_number(const void *a, const void *b)
{
	const struct dencrypt_anchor *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* Those up to this number. */
static void compare(struct dencrypt_verification *v, uint64_t number, const char *digest)
{
	while (!v->unfit && v->next < v->n && v->anchors[v->next].number <= number) {
		const struct dencrypt_anchor *a = &v->anchors[v->next++];

		if (a->number != number || strcmp(a->digest, digest) != 0)
			v->unfit = a;
	}
}

/* All anchors are there. */
static void begin(struct dencrypt_verification *v)
{
	if (v->n)
		qsort(v->anchors, v->n, sizeof(*v->anchors), by_number);
	compare(v, 0, DENCRYPT_CHAIN_NONE);
}

void dencrypt_verify_record(struct dencrypt_verification *v, const struct dencrypt_record *r)
{
	if (v->records++ == 0)
		begin(v);
	if (!r->fits && !v->broken)
		v->broken = r->number;
	compare(v, r->number, r->digest);
}

enum dencrypt_verdict dencrypt_verify_end(struct dencrypt_verification *v)
{
	if (v->records == 0)
		begin(v);
	/* Those that are beyond the end. */
	if (!v->unfit && v->next < v->n)
		v->unfit = &v->anchors[v->next];
	return v->broken ? DENCRYPT_CHAIN_BROKEN : v->unfit ? DENCRYPT_CHAIN_UNFIT : DENCRYPT_CHAIN_SOUND;
}

void dencrypt_verification_done(struct dencrypt_verification *v)
{
	free(v->anchors);
	*v = (struct dencrypt_verification){0};
}
