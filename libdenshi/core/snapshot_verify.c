/*
 * The thorough check of a snapshot, for denshid and the administrator. Apart from the reader, so
 * that the NSS module goes without it.
 */
#include "core/snapshot.h"

#include <errno.h>
#include <string.h>

#include "core/snapshot-internal.h"

static bool all_zero(const struct den_snapshot *s, uint64_t from, uint64_t to)
{
	for (; from < to; from++)
		if (s->base[from] != 0)
			return false;
	return true;
}

/* The gaps between the sections, every bucket's sum, and how many references there are. */
static int verify_index(const struct den_snapshot *s, enum den_snap_index index, size_t records)
{
	const struct den_snap_section *x = &s->header.section[index];
	size_t refs = 0;

	for (uint32_t at = 0; at < x->size; at += (uint32_t)sizeof(struct den_snap_bucket)) {
		struct den_snap_bucket b;

		memcpy(&b, s->base + x->offset + at, sizeof b);
		if (!den_snap_sum_right(s, x->offset + at, sizeof b, b.sum))
			return -EBADMSG;
		for (size_t i = 0; i < DEN_SNAP_SLOTS; i++)
			refs += (b.ref[i] & ~DEN_SNAP_MORE) != 0;
	}
	return refs == records ? 0 : -EBADMSG;
}

static int verify_gaps(const struct den_snapshot *s)
{
	for (size_t i = 0; i < DEN_SNAP_SECTIONS; i++) {
		const struct den_snap_section *x = &s->header.section[i];
		uint64_t end = (uint64_t)x->offset + x->size;

		if (!all_zero(s, end, den_snap_pad(end, DEN_SNAP_ALIGN)))
			return -EBADMSG;
	}
	return 0;
}

static int verify_user(const struct den_snapshot *s, const struct den_snapshot_user *u)
{
	struct den_snapshot_user same;
	struct den_snapshot_group g;
	struct den_snapshot_dated d;
	size_t i;

	if (den_snapshot_user_by_name(s, u->name, &same) != 0 || same.dir != u->dir ||
	    den_snapshot_user_by_uid(s, u->uid, &same) != 0 || same.dir != u->dir)
		return -EBADMSG;
	for (i = 0; i < u->gid_count; i++)
		if ((i > 0 && u->gids[i] <= u->gids[i - 1]) ||
		    den_snapshot_group_by_gid(s, u->gids[i], &g) != 0)
			return -EBADMSG;
	for (i = 0; i < u->dated_count; i++)
		if (den_snapshot_user_dated(s, u, i, &d) < 0 ||
		    den_snapshot_group_by_gid(s, d.gid, &g) != 0)
			return -EBADMSG;
	return 0;
}

static int verify_users(const struct den_snapshot *s, uint64_t *memberships)
{
	struct den_snapshot_user u;
	uint32_t pos = 0, last = 0;
	size_t n = 0;
	int r;

	while ((r = den_snapshot_next_user(s, &pos, &u)) == 0) {
		if (u.uid <= last)
			return -EBADMSG;
		last = u.uid;
		n++;
		*memberships += u.gid_count + u.dated_count;
		r = verify_user(s, &u);
		if (r < 0)
			return r;
	}
	return r == -ENOENT && n == s->header.users ? 0 : -EBADMSG;
}

struct verify_members {
	const struct den_snapshot *snap;
	uint32_t gid;
	uint64_t count;
};

static int verify_member(const char *name, void *arg)
{
	struct verify_members *v = arg;
	struct den_snapshot_dated d;
	struct den_snapshot_user u;

	v->count++;
	if (den_snapshot_user_by_name(v->snap, name, &u) != 0)
		return -EBADMSG;
	for (size_t i = 0; i < u.gid_count; i++)
		if (u.gids[i] == v->gid)
			return 0;
	for (size_t i = 0; i < u.dated_count; i++)
		if (den_snapshot_user_dated(v->snap, &u, i, &d) == 0 && d.gid == v->gid)
			return 0;
	return -EBADMSG;
}

static int verify_groups(const struct den_snapshot *s, uint64_t memberships)
{
	struct verify_members v = { .snap = s };
	struct den_snapshot_group g, same;
	uint32_t pos = 0, last = 0;
	size_t n = 0;
	int r;

	while ((r = den_snapshot_next_group(s, &pos, &g)) == 0) {
		if (g.gid <= last)
			return -EBADMSG;
		last = g.gid;
		n++;
		if (den_snapshot_group_by_name(s, g.name, &same) != 0 || same.name != g.name ||
		    den_snapshot_group_by_gid(s, g.gid, &same) != 0 || same.name != g.name)
			return -EBADMSG;
		v.gid = g.gid;
		r = den_snapshot_group_members(s, &g, INT64_MIN, verify_member, &v);
		if (r < 0)
			return r;
	}
	return r == -ENOENT && n == s->header.groups && v.count == memberships ? 0 : -EBADMSG;
}

int den_snapshot_verify(const struct den_snapshot *snap)
{
	const struct den_snapshot_origin *origins;
	uint64_t memberships = 0;
	const void *cookie;
	size_t size;
	int r;

	for (int i = 0; i < DEN_SNAP_INDEXES; i++) {
		r = verify_index(snap, (enum den_snap_index)i,
				 i < DEN_SNAP_BY_GROUP_NAME ? snap->header.users :
							      snap->header.groups);
		if (r < 0)
			return r;
	}
	r = verify_gaps(snap);
	if (r == 0)
		r = verify_users(snap, &memberships);
	if (r == 0)
		r = verify_groups(snap, memberships);
	if (r == 0)
		r = den_snapshot_cookie(snap, &cookie, &size);
	if (r == 0 || r == -ENOENT)
		r = den_snapshot_origins(snap, &origins, &size);
	return r == -ENOENT ? 0 : r;
}
