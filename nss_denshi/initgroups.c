/* The groups of a user: as long a work as the answer. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "nss_denshi/mapping.h"
#include "nss_denshi/nss_denshi.h"
#include "nss_denshi/pack.h"
#include "nss_denshi/result.h"

/* Makes room for MORE gids behind *START: 1 there is, 0 there is some, up to the limit; -ENOMEM. */
static int make_room(size_t more, const long *start, long *size, gid_t **groups, long limit)
{
	size_t want = (size_t)*start + more;
	gid_t *larger;

	if (want <= (size_t)*size)
		return 1;
	if (limit > 0 && want > (size_t)limit)
		want = (size_t)limit;
	if (want > (size_t)*size) {
		larger = want > SIZE_MAX / sizeof *larger ? NULL :
							    realloc(*groups, want * sizeof *larger);
		if (larger == NULL)
			return -ENOMEM;
		*groups = larger;
		*size = (long)want;
	}
	return 0;
}

static int add_groups(const struct den_snapshot *snap, const struct den_snapshot_user *user,
		      gid_t primary, long *start, long *size, gid_t **groups, long limit)
{
	int64_t now = user->dated_count > 0 ? nss_denshi_now() : 0;
	size_t most = user->gid_count + user->dated_count, n = 0;
	ssize_t have;
	gid_t *at;
	int r;

	r = make_room(most, start, size, groups, limit);
	if (r < 0)
		return r;
	at = *groups + *start;
	have = den_snapshot_user_groups(snap, user, now, at, (size_t)(*size - *start));
	if (have < 0)
		return (int)have;
	if (have > *size - *start)
		have = *size - *start;
	for (ssize_t i = 0; i < have; i++)
		if (at[i] != primary)
			at[n++] = at[i];
	*start += (long)n;
	return 0;
}

enum nss_status _nss_denshi_initgroups_dyn(const char *user, gid_t group, long *start, long *size,
					   gid_t **groups, long limit, int *errnop)
{
	const struct den_snapshot *snap;
	struct den_snapshot_user found;
	int r;

	if (user[0] != 'd' || user[1] != '-')
		return nss_denshi_result(-ENOENT, errnop);
	snap = nss_denshi_enter(NULL, &r);
	if (snap == NULL)
		return nss_denshi_result(r, errnop);
	r = den_snapshot_user_by_name(snap, user, &found);
	if (r == 0)
		r = add_groups(snap, &found, group, start, size, groups, limit);
	nss_denshi_leave();
	return nss_denshi_result(r, errnop);
}
