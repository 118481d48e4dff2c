/* The passwd database. */
#include <errno.h>

#include "nss_denshi/cursor.h"
#include "nss_denshi/mapping.h"
#include "nss_denshi/nss_denshi.h"
#include "nss_denshi/pack.h"
#include "nss_denshi/result.h"

static struct nss_denshi_cursor cursor;

enum nss_status _nss_denshi_getpwnam_r(const char *name, struct passwd *pw, char *buf, size_t size,
				       int *errnop)
{
	const struct den_snapshot *snap;
	struct den_snapshot_user user;
	int r;

	/* R-ID-2: nobody else's lookups so much as touch the snapshot */
	if (name[0] != 'd' || name[1] != '-')
		return nss_denshi_result(-ENOENT, errnop);
	snap = nss_denshi_enter(NULL, &r);
	if (snap == NULL)
		return nss_denshi_result(r, errnop);
	r = den_snapshot_user_by_name(snap, name, &user);
	if (r == 0)
		r = nss_denshi_pack_user(&user, pw, buf, size);
	nss_denshi_leave();
	return nss_denshi_result(r, errnop);
}

enum nss_status _nss_denshi_getpwuid_r(uid_t uid, struct passwd *pw, char *buf, size_t size,
				       int *errnop)
{
	const struct den_snapshot *snap;
	struct den_snapshot_user user;
	int r;

	if (!den_snapshot_is_id(uid, DEN_SNAPSHOT_ID_FLOOR))
		return nss_denshi_result(-ENOENT, errnop);
	snap = nss_denshi_enter(NULL, &r);
	if (snap == NULL)
		return nss_denshi_result(r, errnop);
	r = den_snapshot_user_by_uid(snap, uid, &user);
	if (r == 0)
		r = nss_denshi_pack_user(&user, pw, buf, size);
	nss_denshi_leave();
	return nss_denshi_result(r, errnop);
}

static enum nss_status begin(void)
{
	nss_denshi_cursor_reset(&cursor);
	return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_denshi_setpwent(int stayopen)
{
	(void)stayopen;
	return begin();
}

enum nss_status _nss_denshi_endpwent(void)
{
	return begin();
}

/* The first user in SNAP behind the cursor; *POS is then behind that user. */
static int next_user(const struct den_snapshot *snap, uint64_t generation, uint32_t *pos,
		     struct den_snapshot_user *user)
{
	struct den_snapshot_meta meta;
	int r;

	den_snapshot_meta(snap, &meta);
	if (meta.flags & DEN_SNAPSHOT_NO_ENUMERATION)
		return -ENOENT;
	*pos = nss_denshi_cursor_place(&cursor, generation);
	do {
		r = den_snapshot_next_user(snap, pos, user);
	} while (r == 0 && user->uid <= nss_denshi_cursor_last(&cursor));
	return r;
}

enum nss_status _nss_denshi_getpwent_r(struct passwd *pw, char *buf, size_t size, int *errnop)
{
	const struct den_snapshot *snap;
	struct den_snapshot_user user;
	uint64_t generation;
	uint32_t pos;
	int r;

	snap = nss_denshi_enter(&generation, &r);
	if (snap == NULL)
		return nss_denshi_result(r, errnop);
	r = next_user(snap, generation, &pos, &user);
	if (r == 0)
		r = nss_denshi_pack_user(&user, pw, buf, size);
	nss_denshi_leave();
	if (r == 0)
		nss_denshi_cursor_move(&cursor, generation, pos, user.uid);
	return nss_denshi_result(r, errnop);
}
