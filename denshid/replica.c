#include "denshid/replica.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "denshid/anchor.h"
#include "denshid/base.h"
#include "denshid/log.h"
#include "denshid/published.h"
#include "denshid/trust.h"
#include "denshid/versions.h"
#include "directory/schema.h"
#include "directory/writer.h"

/* How often a host that follows another server looks whether the first one is back. */
#define RETURN_MS 15000
#define FOLLOW_MS 2000 /* between two looks at who the writer is */
#define ACCEPT_SIZE (sizeof(((struct den_config *)0)->snapshot) + 8)

/* What denshi.conf may change while denshid runs. */
struct settings {
	uint32_t flags;
	uint32_t uid_floor, gid_floor;
	unsigned max_drop;
};

struct replica {
	const char *path; /* of the snapshot */
	const struct dendir_site *site;
	struct view *view;
	struct trust *trust;
	struct settings settings;
	struct base base;
	struct versions *versions; /* what the base doesn't have */
	struct dendir_cookie cookie;
	int64_t serial;	 /* the pointer; -1: not seen yet */
	int64_t written; /* serial of the base; -1: none */
	int64_t refused; /* serial that was told of: a mass drop, or an older one; -1: none */
	int64_t accepted; /* by an administrator, until it is written; -1: none */
	size_t told;	 /* entries, in the refresh that goes on */
	int refreshed;	 /* what comes now is told as it happens */
	int whole;	 /* the directory told everything since the base was written */
	int changed;	 /* something in force is another than in the base */
	int anew;	 /* what is known won't do: everything is to be asked for */
	struct dendir *d; /* while watching */
	int64_t looked_ms;	/* when it was last looked whether the first server is back */
	int64_t followed_ms;	/* and who the writer is */
	pthread_mutex_t lock; /* of the two below */
	struct settings wanted;
	int reload;
};

static struct settings settings_of(const struct den_config *c)
{
	return (struct settings){
		.flags = c->enumerate ? 0 : DEN_SNAPSHOT_NO_ENUMERATION,
		.uid_floor = c->uid_floor,
		.gid_floor = c->gid_floor,
		.max_drop = c->max_drop,
	};
}

/* -- the base ----------------------------------------------------------------------------- */

/* Nothing is known any more: the next watch asks for everything. The old base is still what
 * a mass drop is measured by. */
static void begin_anew(struct replica *r)
{
	versions_free(r->versions);
	r->versions = versions_new();
	if (!r->versions)
		log_fatal("no memory");
	r->cookie.text[0] = '\0';
	r->serial = -1;
	r->whole = 1;
	r->anew = 0;
}

/* Goes on from where the snapshot stands, if that is of the same settings. */
static void resume(struct replica *r)
{
	struct den_snapshot_meta meta;
	const void *cookie;
	size_t size;

	begin_anew(r);
	r->written = -1;
	if (base_open(&r->base, r->path) != 0)
		return;
	den_snapshot_meta(r->base.snapshot, &meta);
	r->written = (int64_t)meta.serial;
	/* It may have ended before that was done. */
	anchor_serial(r->written);
	r->changed = meta.flags != r->settings.flags;
	if (meta.uid_floor != r->settings.uid_floor || meta.gid_floor != r->settings.gid_floor ||
		den_snapshot_cookie(r->base.snapshot, &cookie, &size) != 0 || size >= sizeof(r->cookie.text))
		return;
	memcpy(r->cookie.text, cookie, size);
	r->cookie.text[size] = '\0';
	r->serial = r->written;
	r->whole = 0;
}

/* -- the snapshot ------------------------------------------------------------------------- */

/* What was asked for anew when the next snapshot is written must have come since its cookie: so
 * with versions that wait for their serial, it stays where it was before them. */
static void give_cookie(const struct replica *r, struct den_snapshot_frame *frame)
{
	const struct version *v;

	frame->cookie = r->cookie.text;
	frame->cookie_size = strlen(r->cookie.text);
	for (size_t i = 0; (v = versions_at(r->versions, i)); i++)
		if (!v->gone && v->serial > r->serial) {
			if (!r->base.snapshot ||
				den_snapshot_cookie(r->base.snapshot, &frame->cookie, &frame->cookie_size) != 0)
				frame->cookie_size = 0;
			return;
		}
}

static int write_snapshot(struct replica *r, size_t *users)
{
	struct den_snapshot_frame frame = {
		.meta = {
			.serial = (uint64_t)r->serial,
			.created = time(NULL),
			.flags = r->settings.flags,
			.uid_floor = r->settings.uid_floor,
			.gid_floor = r->settings.gid_floor,
		},
	};
	struct published p = {
		.base = &r->base,
		.versions = r->versions,
		.serial = (uint32_t)r->serial,
		.uid_floor = r->settings.uid_floor,
		.gid_floor = r->settings.gid_floor,
		.max_drop = r->accepted == r->serial ? 100 : r->settings.max_drop,
		.whole = r->whole,
	};
	struct den_snapshot_source source;
	int rc = published_begin(&p);

	if (rc != 0)
		return rc;
	give_cookie(r, &frame);
	source = published_source(&p);
	rc = den_snapshot_write(r->path, &frame, &source);
	*users = p.users;
	published_done(&p);
	return rc;
}

static char *accept_path(const struct replica *r, char path[ACCEPT_SIZE])
{
	snprintf(path, ACCEPT_SIZE, "%s.accept", r->path);
	return path;
}

/* `denshi snapshot accept` leaves the serial it was given beside the snapshot: for once, and for
 * that serial only. */
static int is_accepted(const struct replica *r)
{
	char path[ACCEPT_SIZE], text[24] = "", *end;
	int fd = open(accept_path(r, path), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int accepted = 0;

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) > 0)
		accepted = strtoimax(text, &end, 10) == r->serial && end != text;
	close(fd);
	if (unlink(path) != 0 && errno != ENOENT) {
		log_warn("%s can't be removed: %s; it is not heeded", path, strerror(errno));
		return 0;
	}
	if (!accepted)
		log_warn("%s is not for serial %lld and was removed", path, (long long)r->serial);
	return accepted;
}

static void refuse_nothing(struct replica *r)
{
	r->refused = r->accepted = -1;
	view_set_refused(r->view, DEN_OK, 0);
}

/* The snapshot that was just written takes the place of the one before, and of the versions that
 * went into it. */
static void rebase(struct replica *r)
{
	char path[ACCEPT_SIZE];

	base_close(&r->base);
	if (base_open(&r->base, r->path) != 0) {
		r->anew = 1;
		return;
	}
	(void)unlink(accept_path(r, path));
	versions_forget(r->versions, (uint32_t)r->serial);
	r->written = r->serial;
	refuse_nothing(r);
	r->whole = r->changed = 0;
}

static void refuse_drop(struct replica *r, size_t users)
{
	r->refused = r->serial;
	view_set_refused(r->view, DEN_SNAPSHOT_DROP, r->serial);
	log_warn("replica: serial %lld would leave %zu of %zu users, and no more than %u %% may go at once "
		 "(max_drop): refused, the snapshot stays. If that is meant: denshi snapshot accept %lld",
		(long long)r->serial, users, r->base.users, r->settings.max_drop, (long long)r->serial);
}

/* A server that lags behind the one before, most likely: what was revoked would be in force again. */
static void refuse_older(struct replica *r)
{
	r->refused = r->serial;
	view_set_refused(r->view, DEN_SNAPSHOT_BEHIND, r->serial);
	log_warn("replica: %s is at serial %lld, and %lld is in force here: refused until it has caught up. If the "
		 "directory was restored from a backup: denshi snapshot accept %lld",
		dendir_uri(r->d), (long long)r->serial, (long long)r->written, (long long)r->serial);
}

static int is_refused(struct replica *r)
{
	if (r->accepted == r->serial)
		return 0;
	if (r->refused == r->serial && is_accepted(r))
		r->accepted = r->serial;
	else if (r->refused != r->serial && r->serial < r->written)
		refuse_older(r);
	return r->refused == r->serial && r->accepted != r->serial;
}

static void publish(struct replica *r)
{
	size_t users = 0;
	int rc;

	if (!r->refreshed || r->serial < 0 || r->anew || is_refused(r))
		return;
	rc = write_snapshot(r, &users);
	if (rc == -ESTALE || rc == -EBADMSG) {
		r->anew = 1;
	} else if (rc == -ECANCELED) {
		refuse_drop(r, users);
	} else if (rc != 0) {
		log_warn("snapshot %s can't be written: %s; the old one stays in force", r->path, strerror(-rc));
	} else {
		rebase(r);
		view_reload(r->view);
		anchor_serial(r->serial);
		log_info("serial %lld is in force: %zu users", (long long)r->serial, users);
	}
}

/* -- watching -------------------------------------------------------------------------------- */

/* What is known of this entry counts no more. */
static void forget(struct replica *r, const unsigned char *uuid)
{
	struct version *v = versions_find(r->versions, uuid);
	int64_t number = base_find(&r->base, uuid);

	if (v) {
		v->gone = 1;
		r->changed |= v->serial <= r->serial;
	}
	if (number >= 0) {
		r->changed |= !(r->base.state[number] & BASE_GONE);
		r->base.state[number] |= BASE_GONE;
	}
}

static void take_version(struct replica *r, const unsigned char *uuid, struct dendir_entry *e)
{
	struct dendir_version told;

	/* Changed entries come as added ones: what was there goes. */
	forget(r, uuid);
	if (dendir_version_read(&told, e) != 0 || told.serial > UINT32_MAX) {
		log_warn("replica: %s is malformed and ignored", dendir_entry_dn(e));
		return;
	}
	r->changed |= told.serial <= r->serial;
	if (versions_put(r->versions, uuid, &told) != 0) {
		log_warn("replica: no memory");
		r->anew = 1;
	}
	dendir_user_done(&told.user);
}

static int on_changed(void *context, const unsigned char *uuid, struct dendir_entry *e)
{
	struct replica *r = context;

	r->told += !r->refreshed;
	if (strcmp(dendir_entry_string(e, "cn"), DENDIR_POINTER_CN) == 0) {
		r->serial = dendir_entry_number(e, "denshiSerial", -1);
		/* It is also written by who is about to run an update. */
		if (r->serial != r->written)
			publish(r);
	} else if (*dendir_entry_string(e, "denshiSerial")) {
		take_version(r, uuid, e);
	}
	return r->anew;
}

static int on_gone(void *context, const unsigned char *uuid)
{
	forget(context, uuid);
	return 0;
}

static int on_present(void *context, const unsigned char *uuid)
{
	struct replica *r = context;
	struct version *v = versions_find(r->versions, uuid);
	int64_t number = base_find(&r->base, uuid);

	if (v)
		v->marked = 1;
	if (number >= 0)
		r->base.state[number] |= BASE_MARKED;
	return 0;
}

static void drop_others(struct replica *r)
{
	r->changed |= base_drop_unmarked(&r->base) > 0;
	r->changed |= versions_drop_unmarked(r->versions, (uint32_t)r->serial) > 0;
}

static int on_refreshed(void *context, int others_gone)
{
	struct replica *r = context;

	if (others_gone)
		drop_others(r);
	log_info("replica: %s serial %lld, %zu entries were told", r->whole ? "begins at" : "goes on from",
		(long long)r->serial, r->told);
	r->changed |= r->whole;
	r->refreshed = 1;
	view_set_up(r->view, 1);
	if (r->changed || r->serial != r->written)
		publish(r);
	return r->anew;
}

static void take_settings(struct replica *r)
{
	struct settings old = r->settings;
	int due;

	pthread_mutex_lock(&r->lock);
	due = r->reload;
	r->reload = 0;
	if (due)
		r->settings = r->wanted;
	pthread_mutex_unlock(&r->lock);
	if (!due)
		return;
	/* Who was below the old floors is not in the base. */
	r->anew |= old.uid_floor != r->settings.uid_floor || old.gid_floor != r->settings.gid_floor;
	r->changed |= old.flags != r->settings.flags;
	r->refused = -1;
}

/* The hosts come back to the server that their list begins with. */
static int first_is_back(struct replica *r)
{
	int64_t now_ms = den_now_ms();

	if (dendir_is_at_first(r->d) || now_ms - r->looked_ms < RETURN_MS)
		return 0;
	r->looked_ms = now_ms;
	return dendir_first_answers(r->site);
}

/* Which of several servers is the writer, as the one that is watched knows it. 1 where that
 * doesn't answer: another one may. */
static int follow_writer(struct replica *r)
{
	int64_t now_ms = den_now_ms();

	if (!strchr(r->site->uri, ' ') || now_ms - r->followed_ms < FOLLOW_MS)
		return 0;
	r->followed_ms = now_ms;
	return dendir_follow_update(r->d) == DEN_DIRECTORY_DOWN;
}

/* Once a second: what couldn't be written (disk full) is tried again. */
static int on_idle(void *context)
{
	struct replica *r = context;

	take_settings(r);
	trust_look(r->trust, r->d);
	/* It has caught up. */
	if (r->refused >= 0 && r->refused < r->written && r->serial >= r->written)
		refuse_nothing(r);
	if (r->refreshed && (r->changed || r->written != r->serial))
		publish(r);
	return r->anew || follow_writer(r) || first_is_back(r);
}

static enum den_code watch_once(struct replica *r, struct dendir *d)
{
	const struct dendir_watcher watcher = {
		.changed = on_changed,
		.gone = on_gone,
		.present = on_present,
		.refreshed = on_refreshed,
		.idle = on_idle,
		.context = r,
	};
	struct dendir_policy policy;
	char base[DENDIR_DN_SIZE];
	enum den_code code;
	unsigned found;

	r->d = d;
	r->looked_ms = den_now_ms();
	trust_look(r->trust, d);
	if (dendir_check_schema(d, &found) == DEN_DIRECTORY_NEWER) {
		log_warn("replica: the directory has schema version %u, this denshid knows versions up to %d: "
			 "what is in force stays as it is; install the newer denshi here",
			found, DENDIR_SCHEMA_VERSION);
		return DEN_DIRECTORY_NEWER;
	}
	if (dendir_policy_read(d, &policy) == DEN_OK)
		view_set_language(r->view, policy.lang);
	versions_unmark(r->versions);
	base_unmark(&r->base);
	code = dendir_watch(d, dendir_dn(base, d, "ou=published"), "(objectClass=*)", dendir_version_attributes,
		&r->cookie, &watcher);
	/* It may be the cookie that the server doesn't take: a restored directory is older. */
	r->anew |= code == DEN_DIRECTORY_REFUSED;
	return code;
}

static void *run(void *context)
{
	struct replica *r = context;
	unsigned backoff_ms = DEN_BACKOFF_MS_FIRST;
	char why[DENDIR_WHY_SIZE] = "";
	int told = 0;

	resume(r);
	for (;;) {
		struct dendir *d = NULL;
		enum den_code code;

		r->refreshed = 0;
		r->told = 0;
		take_settings(r);
		if (r->anew || !*r->cookie.text)
			begin_anew(r);
		code = dendir_open_any(&d, r->site, why);
		if (code == DEN_OK) {
			told = 0;
			log_debug("replica: follows %s", dendir_uri(d));
			code = watch_once(r, d);
			snprintf(why, sizeof(why), "%s: %s", dendir_uri(d), dendir_diagnostic(d));
		}
		if (r->refreshed)
			backoff_ms = DEN_BACKOFF_MS_FIRST;
		if (code != DEN_OK) {
			view_set_up(r->view, 0);
			if (!told++)
				log_warn("the directory can't be reached (%s): lookups go on from the snapshot", why);
		}
		dendir_close(d);
		den_sleep_ms(backoff_ms);
		backoff_ms = den_backoff_after(backoff_ms);
	}
	return NULL;
}

struct replica *replica_start(const struct den_config *config, const struct dendir_site *site, struct view *view)
{
	struct replica *r = calloc(1, sizeof(*r));
	pthread_t thread;

	if (!r)
		return NULL;
	r->path = config->snapshot;
	r->site = site;
	r->view = view;
	r->trust = trust_new(config);
	r->settings = settings_of(config);
	r->serial = r->written = r->refused = r->accepted = -1;
	pthread_mutex_init(&r->lock, NULL);
	if (!r->trust || pthread_create(&thread, NULL, run, r) != 0) {
		free(r->trust);
		free(r);
		return NULL;
	}
	pthread_detach(thread);
	return r;
}

void replica_reload(struct replica *r, const struct den_config *config)
{
	pthread_mutex_lock(&r->lock);
	r->wanted = settings_of(config);
	r->reload = 1;
	pthread_mutex_unlock(&r->lock);
}
