#include "denshid/refused.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "crypto/digest.h"

#define PLACES 256
#define SALT_SIZE 32

struct place {
	int64_t until_ms; /* 0: free */
	unsigned left;
	unsigned char name[DENCRYPT_DIGEST_SIZE], guess[DENCRYPT_DIGEST_SIZE];
};

struct refused {
	pthread_mutex_t lock;
	size_t next; /* the place to be written next: the oldest */
	unsigned char salt[SALT_SIZE];
	struct place places[PLACES];
};

struct refused *refused_new(void)
{
	struct refused *r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (r == MAP_FAILED)
		return NULL;
	if (mlock(r, sizeof(*r)) != 0 || madvise(r, sizeof(*r), MADV_DONTDUMP) != 0 ||
		dencrypt_random(r->salt, sizeof(r->salt)) != DENCRYPT_OK ||
		pthread_mutex_init(&r->lock, NULL) != 0) {
		munmap(r, sizeof(*r));
		return NULL;
	}
	return r;
}

/* Salted; a guess with its name before it, so that two users' equal ones don't look alike. */
static int digest(const struct refused *r, const char *name, const struct den_secret *guess,
	unsigned char out[DENCRYPT_DIGEST_SIZE])
{
	struct dencrypt_digest *d = NULL;
	int ok = dencrypt_digest_new(&d) == DENCRYPT_OK &&
		dencrypt_digest_add(d, r->salt, sizeof(r->salt)) == DENCRYPT_OK &&
		dencrypt_digest_add(d, name, strlen(name) + 1) == DENCRYPT_OK &&
		dencrypt_digest_add(d, den_secret_bytes(guess), den_secret_len(guess)) == DENCRYPT_OK &&
		dencrypt_digest_end(d, out) == DENCRYPT_OK;

	dencrypt_digest_free(d);
	return ok ? 0 : -1;
}

int refused_lately(struct refused *r, const char *name, const struct den_secret *guess, int64_t now_ms,
	unsigned *left)
{
	unsigned char wanted[DENCRYPT_DIGEST_SIZE];
	int found = 0;

	if (!r || digest(r, name, guess, wanted) != 0)
		return 0;
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < PLACES && !found; i++)
		if (r->places[i].until_ms > now_ms && memcmp(r->places[i].guess, wanted, sizeof(wanted)) == 0) {
			*left = r->places[i].left;
			found = 1;
		}
	pthread_mutex_unlock(&r->lock);
	explicit_bzero(wanted, sizeof(wanted));
	return found;
}

int refused_last(struct refused *r, const char *name, int64_t now_ms, unsigned *left)
{
	unsigned char wanted[DENCRYPT_DIGEST_SIZE];
	int found = 0;

	if (!r || digest(r, name, NULL, wanted) != 0)
		return 0;
	pthread_mutex_lock(&r->lock);
	/* All places of a name have the same count. */
	for (size_t i = 0; i < PLACES && !found; i++)
		if (r->places[i].until_ms > now_ms && memcmp(r->places[i].name, wanted, sizeof(wanted)) == 0) {
			*left = r->places[i].left;
			found = 1;
		}
	pthread_mutex_unlock(&r->lock);
	return found;
}

/* Of one name: other guesses were made since, and the count that is told is theirs, too. */
static void tell_left(struct refused *r, const unsigned char name[DENCRYPT_DIGEST_SIZE], unsigned left)
{
	for (size_t i = 0; i < PLACES; i++)
		if (r->places[i].until_ms && memcmp(r->places[i].name, name, DENCRYPT_DIGEST_SIZE) == 0)
			r->places[i].left = left;
}

void refused_remember(struct refused *r, const char *name, const struct den_secret *guess, int64_t now_ms,
	unsigned left)
{
	struct place fresh = {.until_ms = now_ms + REFUSED_WITHIN_MS, .left = left};

	if (!r || digest(r, name, NULL, fresh.name) != 0 || digest(r, name, guess, fresh.guess) != 0)
		return;
	pthread_mutex_lock(&r->lock);
	tell_left(r, fresh.name, left);
	r->places[r->next] = fresh;
	r->next = (r->next + 1) % PLACES;
	pthread_mutex_unlock(&r->lock);
	explicit_bzero(&fresh, sizeof(fresh));
}

void refused_forget(struct refused *r, const char *name)
{
	unsigned char wanted[DENCRYPT_DIGEST_SIZE];

	if (!r || digest(r, name, NULL, wanted) != 0)
		return;
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < PLACES; i++)
		if (r->places[i].until_ms && memcmp(r->places[i].name, wanted, sizeof(wanted)) == 0)
			explicit_bzero(&r->places[i], sizeof(r->places[i]));
	pthread_mutex_unlock(&r->lock);
}

void refused_sweep(struct refused *r, int64_t now_ms)
{
	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < PLACES; i++)
		if (r->places[i].until_ms && r->places[i].until_ms <= now_ms)
			explicit_bzero(&r->places[i], sizeof(r->places[i]));
	pthread_mutex_unlock(&r->lock);
}
