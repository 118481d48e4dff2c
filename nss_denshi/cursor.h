/*
 * Where the process stands in an enumeration, whichever of its threads goes on with it. The cursor
 * names the last ID returned, and has a hint of where the next record is: when the snapshot is
 * replaced in the meantime the enumeration goes on in the new one, and whoever is in both is
 * returned exactly once. So no mapping is held for it, and a thread may end, or a process fork, in
 * the middle. glibc calls one at a time; for all others the two words are whole, each by itself.
 */
#ifndef DENSHI_NSS_CURSOR_H
#define DENSHI_NSS_CURSOR_H

#include <stdatomic.h>
#include <stdint.h>

struct nss_denshi_cursor {
	_Atomic uint64_t hint;	/* lower half of a mapping's generation, and the place in it */
	_Atomic uint32_t last;	/* ID; none is 0 */
};

static inline void nss_denshi_cursor_reset(struct nss_denshi_cursor *c)
{
	atomic_store_explicit(&c->hint, 0, memory_order_relaxed);
	atomic_store_explicit(&c->last, 0, memory_order_relaxed);
}

/* The place to go on from in the mapping of this generation; 0: from its beginning. */
static inline uint32_t nss_denshi_cursor_place(const struct nss_denshi_cursor *c, uint64_t generation)
{
	uint64_t hint = atomic_load_explicit(&c->hint, memory_order_relaxed);

	return hint >> 32 == (uint32_t)generation ? (uint32_t)hint : 0;
}

static inline uint32_t nss_denshi_cursor_last(const struct nss_denshi_cursor *c)
{
	return atomic_load_explicit(&c->last, memory_order_relaxed);
}

static inline void nss_denshi_cursor_move(struct nss_denshi_cursor *c, uint64_t generation,
					  uint32_t place, uint32_t last)
{
	atomic_store_explicit(&c->last, last, memory_order_relaxed);
	atomic_store_explicit(&c->hint, generation << 32 | place, memory_order_relaxed);
}

#endif
