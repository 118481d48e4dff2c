/*
 * What denshid itself knows of the published state: the snapshot in force, shared
 * by the replica, which replaces it, and the workers, which look up in it.
 * Thread rule: every function may be called by any thread.
 */
#ifndef DENSHI_DENSHID_VIEW_H
#define DENSHI_DENSHID_VIEW_H

#include <stdint.h>

#include "core/loginid.h"
#include "core/snapshot.h"
#include "core/text.h"

struct view;

/* The snapshot at path, where there is a good one already: a host goes on with it
 * while the directory is down (R-ALL-1). NULL without memory. */
struct view *view_new(const char *path);

/* Reads the file again, after the replica has written it. */
void view_reload(struct view *v);

struct view_user {
	char login[DEN_LOGIN_ID_SIZE];
	char lang[3];
	uint32_t uid, flags; /* DEN_USER_* */
};

/* 1 and *user where the user is in force. */
int view_user_by_login(struct view *v, const char *login, struct view_user *user);
int view_user_by_uid(struct view *v, uint32_t uid, struct view_user *user);

/* 1 where the user holds the authority now (R-AUTH-8). */
int view_has_authority(struct view *v, const char *login, const char *authority, int64_t now);

/* 0 where there is no snapshot. */
int view_meta(struct view *v, struct den_snapshot_meta *meta, size_t *users);

/* The organisation's language, as the replica last read it; "" at first. */
void view_set_language(struct view *v, const char *lang);
void view_language(struct view *v, char lang[3]);

/* A serial of the directory that isn't put in force here, and why (DEN_SNAPSHOT_*); DEN_OK: none. */
void view_set_refused(struct view *v, enum den_code why, int64_t serial);
enum den_code view_refused(struct view *v, int64_t *serial);

/* The directory's clock, as it showed in something that was written just now. It is carried on with a
 * clock that nobody sets (CLOCK_BOOTTIME), whatever becomes of the host's own. */
void view_set_time(struct view *v, int64_t directory);
/* What it shows now; `otherwise` (the host's clock) where nothing was learned yet. */
int64_t view_time(struct view *v, int64_t otherwise);

/* Whether the replica's connection to the directory stands. */
void view_set_up(struct view *v, int up);
int view_is_up(struct view *v);

/* Waits until a serial that the directory has is in force here too, until until_ms (den_now_ms) at the
 * latest; not where it is known that it won't be for now: it was refused, or the directory can't be
 * followed. */
void view_await(struct view *v, int64_t serial, int64_t until_ms);

#endif
