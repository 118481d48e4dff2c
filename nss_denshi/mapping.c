#include "nss_denshi/mapping.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "nss_denshi/result.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* How long not to try again: after a failure, and while the file is just being replaced. */
#define RETRY_FAILED_MS 1000u
#define RETRY_REPLACING_MS 10u

/*
 * Counters; threads beyond that many share them. One bit each in `waits_for`. With more, the
 * module's data would take a further page, which every process that loads it would pay for.
 */
#define STRIPES 32u

struct mapping {
	struct den_snapshot *snap;
	const uint32_t *superseded;
	uint64_t generation;
	uint32_t waits_for;	/* retired: the stripes not yet seen empty since */
	struct mapping *next;	/* retired */
};

/* How many threads are in, a cache line each. */
static struct {
	_Alignas(64) atomic_uint in;
} stripes[STRIPES];

static _Atomic(struct mapping *) current;
static _Atomic(struct mapping *) retired;
static atomic_uint_fast64_t retry_at_ms;	/* no opening before; 0: any time */
static atomic_int last_failure;			/* what is told until then */

static unsigned int my_stripe(void)
{
	static atomic_uint next;
	static NSS_DENSHI_THREAD unsigned int mine;	/* plus 1 */

	/* not the neighbour of the thread before: caches fetch lines in pairs */
	if (unlikely(mine == 0))
		mine = atomic_fetch_add_explicit(&next, 3, memory_order_relaxed) % STRIPES + 1;
	return mine - 1;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	/* the vdso answers; ticks are fine enough */
	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void hold_off(unsigned int ms)
{
	atomic_store(&retry_at_ms, now_ms() + ms);
}

/* In a forked child the other threads are gone, however far in they were. */
static void forget_threads(void)
{
	for (size_t i = 0; i < STRIPES; i++)
		atomic_store_explicit(&stripes[i].in, 0, memory_order_relaxed);
}

static void watch_forks(void)
{
	static atomic_flag done = ATOMIC_FLAG_INIT;

	if (!atomic_flag_test_and_set(&done))
		pthread_atfork(NULL, NULL, forget_threads);
}

static void free_mapping(struct mapping *m)
{
	den_snapshot_close(m->snap);
	free(m);
}

static void push_retired(struct mapping *m)
{
	m->next = atomic_load(&retired);
	while (!atomic_compare_exchange_weak(&retired, &m->next, m))
		;
}

/*
 * Frees those retired mappings that nobody can have in hand any more. `current` was changed before
 * they were put here, and a thread counts itself in before it reads `current`: so whoever is
 * counted in a stripe after it was seen empty once has read the newer one.
 */
static void sweep(void)
{
	struct mapping *m = atomic_exchange(&retired, NULL), *next;
	uint32_t empty = 0;

	if (m == NULL)
		return;
	for (size_t i = 0; i < STRIPES; i++)
		if (atomic_load(&stripes[i].in) == 0)
			empty |= (uint32_t)1 << i;
	for (; m != NULL; m = next) {
		next = m->next;
		m->waits_for &= ~empty;
		if (m->waits_for == 0)
			free_mapping(m);
		else
			push_retired(m);
	}
}

/* Puts M, or NULL, in the place of SEEN, if that is still current. */
static bool replace(struct mapping *seen, struct mapping *m)
{
	if (!atomic_compare_exchange_strong(&current, &seen, m))
		return false;
	if (seen != NULL) {
		seen->waits_for = UINT32_MAX;
		push_retired(seen);
	}
	return true;
}

static int open_mapping(struct mapping **m)
{
	static atomic_uint_fast64_t generation;
	struct mapping *made = calloc(1, sizeof *made);
	int r;

	if (made == NULL)
		return -ENOMEM;
	r = den_snapshot_open(DEN_SNAPSHOT_PATH, &made->snap);
	if (r < 0) {
		free(made);
		return r;
	}
	made->superseded = den_snapshot_superseded(made->snap);
	made->generation = atomic_fetch_add(&generation, 1) + 1;
	*m = made;
	return 0;
}

/* What tells about this process and not about the file. */
static bool out_of_resources(int r)
{
	return r == -EMFILE || r == -ENFILE || r == -ENOMEM || r == -EAGAIN || r == -EINTR;
}

/*
 * There is no mapping, or SEEN is superseded: opens the file anew, unless it is too early for
 * that. If there is no sound file any more, nothing stays current, for what was in force is known
 * to be so no longer; only a process short of descriptors or memory goes on with what it has.
 */
static void refresh(struct mapping *seen)
{
	uint64_t retry_at = atomic_load(&retry_at_ms);
	struct mapping *m;
	int r;

	if (atomic_load(&current) != seen || (retry_at != 0 && now_ms() < retry_at))
		return;
	watch_forks();
	r = open_mapping(&m);
	if (r == 0 && seen != NULL && den_snapshot_same_file(seen->snap, m->snap)) {
		free_mapping(m);
		hold_off(RETRY_REPLACING_MS);
	} else if (r == 0) {
		atomic_store(&retry_at_ms, 0);
		if (!replace(seen, m))
			free_mapping(m);
	} else {
		atomic_store(&last_failure, r);
		hold_off(RETRY_FAILED_MS);
		if (seen != NULL && !out_of_resources(r))
			replace(seen, NULL);
	}
}

static int failure(void)
{
	int r = atomic_load(&last_failure);

	/* -ENOENT would say that the user isn't there, -ENOMEM that this lookup may be repeated */
	return r == -EBADMSG || r == -EPERM ? r : -NSS_DENSHI_NO_SNAPSHOT;
}

const struct den_snapshot *nss_denshi_enter(uint64_t *generation, int *r)
{
	atomic_uint *in = &stripes[my_stripe()].in;
	struct mapping *m;

	atomic_fetch_add(in, 1);
	m = atomic_load(&current);
	if (unlikely(m == NULL || __atomic_load_n(m->superseded, __ATOMIC_RELAXED) != 0)) {
		int saved = errno;

		refresh(m);
		errno = saved;
		m = atomic_load(&current);
		if (m == NULL) {
			atomic_fetch_sub(in, 1);
			*r = failure();
			return NULL;
		}
	}
	if (generation != NULL)
		*generation = m->generation;
	return m->snap;
}

void nss_denshi_leave(void)
{
	atomic_fetch_sub_explicit(&stripes[my_stripe()].in, 1, memory_order_release);
	if (unlikely(atomic_load_explicit(&retired, memory_order_relaxed) != NULL)) {
		int saved = errno;

		sweep();
		errno = saved;
	}
}
