#include "slapd_argon2id/hash.h"

#include <argon2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SALT_BYTES 16
#define HASH_BYTES 32
#define LANES_MAX 64

int pwhash_cost_check(const struct pwhash_cost *cost)
{
	return cost->lanes >= 1 && cost->lanes <= LANES_MAX && cost->passes >= 1 && cost->passes <= 1000 &&
			cost->memory_kib >= 8 * cost->lanes && cost->memory_kib <= UINT32_C(4194304)
		? 0
		: -1;
}

/* Up to 256 bytes come whole or not at all once the pool is ready: getrandom(2). */
static int entropy(void *bytes, size_t n)
{
	return getrandom(bytes, n, 0) == (ssize_t)n ? 0 : -1;
}

enum pwhash_result pwhash_make(char out[PWHASH_SIZE], const struct pwhash_cost *cost,
	const void *password, size_t len)
{
	unsigned char salt[SALT_BYTES];

	if (len > PWHASH_PASSWORD_MAX || pwhash_cost_check(cost) != 0 || entropy(salt, sizeof(salt)) != 0)
		return PWHASH_FAILED;
	return argon2id_hash_encoded(cost->passes, cost->memory_kib, cost->lanes, password, len, salt,
		       sizeof(salt), HASH_BYTES, out, PWHASH_SIZE) == ARGON2_OK
		? PWHASH_OK
		: PWHASH_FAILED;
}

/* -- verifying -------------------------------------------------------------------------- */

static const struct kind {
	const char *prefix;
	argon2_type type;
} kinds[] = {{"$argon2id$", Argon2_id}, {"$argon2i$", Argon2_i}, {"$argon2d$", Argon2_d}};

static const struct kind *kind_of(const char *hash)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(hash, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
			return &kinds[i];
	return NULL;
}

/* The number after `name` at *at, which moves behind it and the one byte that follows. */
static int take_number(const char **at, const char *name, char after, uint32_t *number)
{
	const char *p = *at;
	uint64_t n = 0;

	if (strncmp(p, name, strlen(name)) != 0)
		return -1;
	p += strlen(name);
	if (*p < '1' || *p > '9')
		return -1;
	for (; *p >= '0' && *p <= '9' && n <= UINT32_MAX; p++)
		n = n * 10 + (uint64_t)(*p - '0');
	if (n > UINT32_MAX || *p != after)
		return -1;
	*number = (uint32_t)n;
	*at = p + 1;
	return 0;
}

/* The cost that a hash names; the version before it is libargon2's to judge. */
static int read_cost(const char *hash, const struct kind *kind, struct pwhash_cost *cost)
{
	const char *at = hash + strlen(kind->prefix);

	if (strncmp(at, "v=", 2) == 0) {
		at = strchr(at, '$');
		if (!at++)
			return -1;
	}
	return take_number(&at, "m=", ',', &cost->memory_kib) == 0 &&
			take_number(&at, "t=", ',', &cost->passes) == 0 &&
			take_number(&at, "p=", '$', &cost->lanes) == 0
		? 0
		: -1;
}

static int is_costly(const struct pwhash_cost *cost, const struct pwhash_cost *most)
{
	uint64_t work = (uint64_t)cost->memory_kib * cost->passes;

	return work > (uint64_t)most->memory_kib * most->passes || cost->lanes > most->lanes;
}

enum pwhash_result pwhash_verify(const char *hash, size_t nhash, const struct pwhash_cost *most,
	const void *password, size_t len)
{
	char text[PWHASH_SIZE];
	const struct kind *kind;
	struct pwhash_cost cost;
	enum pwhash_result result = PWHASH_FORM;

	while (nhash && hash[nhash - 1] == '\0')
		nhash--;
	if (nhash >= sizeof(text) || memchr(hash, '\0', nhash))
		return PWHASH_FORM;
	memcpy(text, hash, nhash);
	text[nhash] = '\0';
	kind = kind_of(text);
	if (!kind || read_cost(text, kind, &cost) != 0)
		result = PWHASH_FORM;
	else if (is_costly(&cost, most))
		result = PWHASH_COSTLY;
	else if (len > PWHASH_PASSWORD_MAX)
		result = PWHASH_FAILED;
	else
		switch (argon2_verify(text, password, len, kind->type)) {
		case ARGON2_OK: result = PWHASH_OK; break;
		case ARGON2_VERIFY_MISMATCH: result = PWHASH_WRONG; break;
		case ARGON2_MEMORY_ALLOCATION_ERROR:
		case ARGON2_THREAD_FAIL: result = PWHASH_FAILED; break;
		default: result = PWHASH_FORM;
		}
	explicit_bzero(text, sizeof(text));
	return result;
}
