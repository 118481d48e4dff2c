#include "denshid/view.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "denshid/log.h"

struct view {
	pthread_rwlock_t lock;
	const char *path;
	struct den_snapshot *snapshot;
	char lang[3];
	int up;
	enum den_code why_refused;
	int64_t refused;
	int64_t ahead; /* of the directory's clock before CLOCK_BOOTTIME; 0: unknown */
	pthread_mutex_t news_lock;
	pthread_cond_t news; /* the snapshot is another one, a serial was refused, or the replica's connection changed */
};

struct view *view_new(const char *path)
{
	struct view *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	pthread_rwlock_init(&v->lock, NULL);
	pthread_mutex_init(&v->news_lock, NULL);
	pthread_cond_init(&v->news, NULL);
	v->path = path;
	view_reload(v);
	return v;
}

static void tell_news(struct view *v)
{
	pthread_mutex_lock(&v->news_lock);
	pthread_cond_broadcast(&v->news);
	pthread_mutex_unlock(&v->news_lock);
}

void view_reload(struct view *v)
{
	struct den_snapshot *fresh = NULL, *old;
	int rc = den_snapshot_open(v->path, &fresh);

	if (rc < 0) {
		if (rc != -ENOENT)
			log_warn("snapshot %s can't be read: %s", v->path, strerror(-rc));
		return;
	}
	pthread_rwlock_wrlock(&v->lock);
	old = v->snapshot;
	v->snapshot = fresh;
	pthread_rwlock_unlock(&v->lock);
	den_snapshot_close(old);
	tell_news(v);
}

static void copy_user(struct view_user *to, const struct den_snapshot_user *from)
{
	snprintf(to->login, sizeof(to->login), "%s", from->name);
	snprintf(to->lang, sizeof(to->lang), "%s", from->lang);
	to->uid = from->uid;
	to->flags = from->flags;
}

int view_user_by_login(struct view *v, const char *login, struct view_user *user)
{
	struct den_snapshot_user found;
	int known = 0;

	pthread_rwlock_rdlock(&v->lock);
	if (v->snapshot && den_snapshot_user_by_name(v->snapshot, login, &found) == 0) {
		copy_user(user, &found);
		known = 1;
	}
	pthread_rwlock_unlock(&v->lock);
	return known;
}

int view_user_by_uid(struct view *v, uint32_t uid, struct view_user *user)
{
	struct den_snapshot_user found;
	int known = 0;

	pthread_rwlock_rdlock(&v->lock);
	if (v->snapshot && den_snapshot_user_by_uid(v->snapshot, uid, &found) == 0) {
		copy_user(user, &found);
		known = 1;
	}
	pthread_rwlock_unlock(&v->lock);
	return known;
}

static int holds(const struct den_snapshot *s, const char *login, const char *authority, int64_t now)
{
	struct den_snapshot_user user;
	struct den_snapshot_group group;
	uint32_t gids[1024];
	ssize_t n;

	if (den_snapshot_user_by_name(s, login, &user) != 0 ||
		den_snapshot_group_by_name(s, authority, &group) != 0)
		return 0;
	n = den_snapshot_user_groups(s, &user, now, gids, sizeof(gids) / sizeof(gids[0]));
	for (ssize_t i = 0; i < n && i < (ssize_t)(sizeof(gids) / sizeof(gids[0])); i++)
		if (gids[i] == group.gid)
			return 1;
	return 0;
}

int view_has_authority(struct view *v, const char *login, const char *authority, int64_t now)
{
	int has;

	pthread_rwlock_rdlock(&v->lock);
	has = v->snapshot && holds(v->snapshot, login, authority, now);
	pthread_rwlock_unlock(&v->lock);
	return has;
}

int view_meta(struct view *v, struct den_snapshot_meta *meta, size_t *users)
{
	int known;

	pthread_rwlock_rdlock(&v->lock);
	known = v->snapshot != NULL;
	if (known) {
		den_snapshot_meta(v->snapshot, meta);
		*users = den_snapshot_user_count(v->snapshot);
	}
	pthread_rwlock_unlock(&v->lock);
	return known;
}

void view_set_language(struct view *v, const char *lang)
{
	pthread_rwlock_wrlock(&v->lock);
	snprintf(v->lang, sizeof(v->lang), "%.2s", lang);
	pthread_rwlock_unlock(&v->lock);
}

void view_language(struct view *v, char lang[3])
{
	pthread_rwlock_rdlock(&v->lock);
	memcpy(lang, v->lang, 3);
	pthread_rwlock_unlock(&v->lock);
}

void view_set_refused(struct view *v, enum den_code why, int64_t serial)
{
	pthread_rwlock_wrlock(&v->lock);
	v->why_refused = why;
	v->refused = serial;
	pthread_rwlock_unlock(&v->lock);
	tell_news(v);
}

enum den_code view_refused(struct view *v, int64_t *serial)
{
	enum den_code why;

	pthread_rwlock_rdlock(&v->lock);
	why = v->why_refused;
	*serial = v->refused;
	pthread_rwlock_unlock(&v->lock);
	return why;
}

static int64_t boot_time(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec;
}

void view_set_time(struct view *v, int64_t directory)
{
	if (directory <= 0)
		return;
	pthread_rwlock_wrlock(&v->lock);
	v->ahead = directory - boot_time();
	pthread_rwlock_unlock(&v->lock);
}

int64_t view_time(struct view *v, int64_t otherwise)
{
	int64_t now;

	pthread_rwlock_rdlock(&v->lock);
	now = v->ahead ? v->ahead + boot_time() : otherwise;
	pthread_rwlock_unlock(&v->lock);
	return now;
}

void view_set_up(struct view *v, int up)
{
	pthread_rwlock_wrlock(&v->lock);
	v->up = up;
	pthread_rwlock_unlock(&v->lock);
	tell_news(v);
}

int view_is_up(struct view *v)
{
	int up;

	pthread_rwlock_rdlock(&v->lock);
	up = v->up;
	pthread_rwlock_unlock(&v->lock);
	return up;
}

/* Nothing more is to be waited for. */
static int is_settled(struct view *v, int64_t serial)
{
	struct den_snapshot_meta meta;
	int64_t refused;
	size_t users;

	return !view_is_up(v) || view_refused(v, &refused) != DEN_OK ||
		(view_meta(v, &meta, &users) && (int64_t)meta.serial >= serial);
}

void view_await(struct view *v, int64_t serial, int64_t until_ms)
{
	const struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
	int rc = 0;

	pthread_mutex_lock(&v->news_lock);
	while (rc == 0 && !is_settled(v, serial))
		rc = pthread_cond_clockwait(&v->news, &v->news_lock, CLOCK_MONOTONIC, &until);
	pthread_mutex_unlock(&v->news_lock);
}
