/* The group database. */
#include <errno.h>

#include "nss_denshi/cursor.h"
#include "nss_denshi/mapping.h"
#include "nss_denshi/nss_denshi.h"
#include "nss_denshi/pack.h"
#include "nss_denshi/result.h"

static struct nss_denshi_cursor cursor;

enum nss_status _nss_denshi_getgrnam_r(const char *name, struct group *gr, char *buf, size_t size,
				       int *errnop)
{
	const struct den_snapshot *snap;
	struct den_snapshot_group group;
	int r;

	if (!den_snapshot_is_group_name(name))
		return nss_denshi_result(-ENOENT, errnop);
	snap = nss_denshi_enter(NULL, &r);
	if (snap == NULL)
		return nss_denshi_result(r, errnop);
	r = den_snapshot_group_by_name(snap, name, &group);
	if (r == 0)
		r = nss_denshi_pack_group(snap, &group, gr, buf, size);
	nss_denshi_leave();
	return nss_denshi_result(r, errnop);
}

enum nss_status _nss_denshi_getgrgid_r(gid_t gid, struct group *gr, char *buf, size_t size,
				       int *errnop)
{
	const struct den_snapshot *snap;
	struct den_snapshot_group group;
	int r;

	if (!den_snapshot_is_id(gid, DEN_SNAPSHOT_ID_FLOOR))
		return nss_denshi_result(-ENOENT, errnop);
	snap = nss_denshi_enter(NULL, &r);
	if (snap == NULL)
		return nss_denshi_result(r, errnop);
	r = den_snapshot_group_by_gid(snap, gid, &group);
	if (r == 0)
		r = nss_denshi_pack_group(snap, &group, gr, buf, size);
	nss_denshi_leave();
	return nss_denshi_result(r, errnop);
}

static enum nss_status begin(void)
{
	nss_denshi_cursor_reset(&cursor);
	return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_denshi_setgrent(int stayopen)
{
	(void)stayopen;
	return begin();
}

enum nss_status _nss_denshi_endgrent(void)
{
	return begin();
}

/* The first group in SNAP behind the cursor; *POS is then behind that group. */
static int next_group(const struct den_snapshot *snap, uint64_t generation, uint32_t *pos,
		      struct den_snapshot_group *group)
{
	struct den_snapshot_meta meta;
	int r;

	den_snapshot_meta(snap, &meta);
	if (meta.flags & DEN_SNAPSHOT_NO_ENUMERATION)
		return -ENOENT;
	*pos = nss_denshi_cursor_place(&cursor, generation);
	do {
		r = den_snapshot_next_group(snap, pos, group);
	} while (r == 0 && group->gid <= nss_denshi_cursor_last(&cursor));
	return r;
}

enum nss_status _nss_denshi_getgrent_r(struct group *gr, char *buf, size_t size, int *errnop)
{
	const struct den_snapshot *snap;
	struct den_snapshot_group group;
	uint64_t generation;
	uint32_t pos;
	int r;

	snap = nss_denshi_enter(&generation, &r);
	if (snap == NULL)
		return nss_denshi_result(r, errnop);
	r = next_group(snap, generation, &pos, &group);
	if (r == 0)
		r = nss_denshi_pack_group(snap, &group, gr, buf, size);
	nss_denshi_leave();
	if (r == 0)
		nss_denshi_cursor_move(&cursor, generation, pos, group.gid);
	return nss_denshi_result(r, errnop);
}
