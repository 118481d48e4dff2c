/*
 * What only the writer of the next snapshot reads in this one. Apart from the reader, so that the
 * NSS module goes without it.
 */
#include <errno.h>
#include <sys/mman.h>

#include "core/snapshot-internal.h"
#include "core/snapshot.h"

_Static_assert(sizeof(struct den_snapshot_origin) == 20, "the format's origin");

int den_snapshot_origins(const struct den_snapshot *snap, const struct den_snapshot_origin **origins,
			 size_t *count)
{
	const struct den_snap_section *x = &snap->header.section[DEN_SNAP_ORIGINS];
	uint64_t want = (uint64_t)snap->header.users + snap->header.groups;

	if (x->size == 0)
		return -ENOENT;
	if (x->size != want * sizeof **origins ||
	    den_snap_sum(snap->base + x->offset, x->size, snap->header.salt, x->offset) !=
		    snap->header.origins_sum)
		return -EBADMSG;
	*origins = (const struct den_snapshot_origin *)(snap->base + x->offset);
	*count = want;
	return 0;
}

void den_snapshot_let_go(const struct den_snapshot *snap)
{
	if (snap->mapped)
		madvise((void *)(uintptr_t)snap->base, snap->size, MADV_DONTNEED);
}
