/* What the snapshot has, put into the structures and the buffers of callers. */
#ifndef DENSHI_NSS_PACK_H
#define DENSHI_NSS_PACK_H

#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "core/snapshot.h"

/* What memberships that end are measured by: seconds since the epoch. */
static inline int64_t nss_denshi_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return now.tv_sec;
}

/* 0, or -ERANGE where SIZE bytes are too few; BUF and PW are then as good as untouched. */
int nss_denshi_pack_user(const struct den_snapshot_user *user, struct passwd *pw, char *buf,
			 size_t size);

/* The same; also -EBADMSG for a damaged list of members. */
int nss_denshi_pack_group(const struct den_snapshot *snap, const struct den_snapshot_group *group,
			  struct group *gr, char *buf, size_t size);

#endif
