#include "denshid/replica.h"

#include <errno.h>
#include <pthread.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/snapshot_write.h"
#include "denshid/log.h"
#include "directory/schema.h"
#include "directory/version.h"

/* A refresh that would drop more than this share of the users isn't believed:
 * consumers that did have emptied hosts. */
#define DROP_PERCENT_MAX 50
#define DROP_USERS_MIN 20
#define BACKOFF_MS_FIRST 100
#define BACKOFF_MS_LAST 5000
/* How often a host that follows another server looks whether the first one is back. */
#define RETURN_MS 30000

/* One entry of ou=published: a version of a user or a group. */
struct version {
	unsigned char uuid[16]; /* first: the tree's key */
	struct dendir_version v;
};

struct replica {
	const struct den_config *config;
	const struct dendir_site *site;
	struct view *view;
	void *versions; /* tsearch(3) */
	int64_t serial; /* the pointer; -1: not seen yet */
	int64_t written; /* serial of the snapshot that this process wrote; -1: none */
	int refreshed;
	const struct dendir *d; /* while watching */
	int64_t looked_ms;	/* when it was last looked whether the first server is back */
};

/* -- the versions ---------------------------------------------------------------------- */

static int by_uuid(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

static void version_free(void *p)
{
	struct version *v = p;

	dendir_user_done(&v->v.user);
	free(v);
}

static void drop(struct replica *r, const unsigned char *uuid)
{
	struct version **found = tfind(uuid, &r->versions, by_uuid), *v;

	if (!found)
		return;
	v = *found;
	tdelete(uuid, &r->versions, by_uuid);
	version_free(v);
}

static void put(struct replica *r, const unsigned char *uuid, struct dendir_entry *e)
{
	struct version *v = calloc(1, sizeof(*v));

	/* During a refresh, changed entries come as added ones: what was there goes. */
	drop(r, uuid);
	if (!v)
		return;
	memcpy(v->uuid, uuid, sizeof(v->uuid));
	if (dendir_version_read(&v->v, e) != 0) {
		log_warn("replica: %s is malformed and ignored", dendir_entry_dn(e));
		free(v);
	} else if (!tsearch(v, &r->versions, by_uuid)) {
		version_free(v);
	}
}

/* -- the snapshot ------------------------------------------------------------------------- */

struct collected {
	const struct replica *replica;
	const struct version **list;
	size_t n;
	int failed;
};

static void collect(const void *node, VISIT which, void *context)
{
	const struct version *v = *(const struct version *const *)node;
	struct collected *c = context;
	const struct version **list;

	if ((which != postorder && which != leaf) || v->v.serial > c->replica->serial || c->failed)
		return;
	list = reallocarray(c->list, c->n + 1, sizeof(*list));
	if (!list) {
		c->failed = 1;
		return;
	}
	c->list = list;
	list[c->n++] = v;
}

static const char *key_of(const struct version *v)
{
	return v->v.is_group ? v->v.user.name : v->v.user.login;
}

/* Groups first, then by name; of one name the highest serial first. */
static int in_order(const void *a, const void *b)
{
	const struct version *x = *(const struct version *const *)a, *y = *(const struct version *const *)b;
	int n;

	if (x->v.is_group != y->v.is_group)
		return y->v.is_group - x->v.is_group;
	n = strcmp(key_of(x), key_of(y));
	return n ? n : x->v.serial < y->v.serial ? 1 : x->v.serial > y->v.serial ? -1 : 0;
}

static int add_user(struct den_snapshot_builder *b, const struct dendir_user *u)
{
	struct den_snapshot_user s = {
		.name = u->login,
		.gecos = u->name,
		.dir = u->home,
		.shell = u->shell,
		.mail = *u->mail ? u->mail : NULL,
		.uid = (uint32_t)u->uid,
		.gid = (uint32_t)u->gid,
	};
	int rc;

	snprintf(s.lang, sizeof(s.lang), "%s", u->lang);
	if (dendir_user_is_master(u))
		s.flags |= DEN_USER_MASTER;
	if (dendir_user_is_approver(u))
		s.flags |= DEN_USER_APPROVER;
	if (strcmp(u->state, "suspended") == 0)
		s.flags |= DEN_USER_SUSPENDED;
	rc = den_snapshot_builder_add_user(b, &s);
	for (size_t i = 0; rc == 0 && i < u->nauthorities; i++) {
		rc = den_snapshot_builder_add_membership(b, u->login, u->authorities[i], 0);
		/* An authority whose group is gone from the catalogue gives nothing. */
		if (rc == -ENOENT)
			rc = 0;
	}
	return rc;
}

/* Puts what is in force into b; *users counts. 0 or -errno. */
static int build(struct replica *r, struct den_snapshot_builder *b, size_t *users)
{
	struct collected c = {.replica = r};
	const struct version *last = NULL;
	int rc = 0;

	*users = 0;
	twalk_r(r->versions, collect, &c);
	if (c.n)
		qsort(c.list, c.n, sizeof(*c.list), in_order);
	for (size_t i = 0; i < c.n; i++) {
		const struct version *v = c.list[i];

		if (last && last->v.is_group == v->v.is_group && strcmp(key_of(last), key_of(v)) == 0)
			continue;
		last = v;
		if (strcmp(v->v.user.state, "removed") == 0)
			continue;
		if (v->v.is_group)
			rc = den_snapshot_builder_add_group(b, v->v.user.name, (uint32_t)v->v.user.gid);
		else
			rc = add_user(b, &v->v.user);
		/* One bad entry must not keep all others from being published. */
		if (rc != 0 && rc != -ENOMEM)
			log_warn("replica: %s can't be published: %s", key_of(v), strerror(-rc));
		if (rc == -ENOMEM)
			break;
		*users += !v->v.is_group && rc == 0;
		rc = 0;
	}
	free(c.list);
	return c.failed ? -ENOMEM : rc;
}

static int too_many_gone(struct replica *r, size_t users)
{
	struct den_snapshot_meta meta;
	size_t before;

	return view_meta(r->view, &meta, &before) && before >= DROP_USERS_MIN &&
		users * 100 < before * (100 - DROP_PERCENT_MAX);
}

static void publish(struct replica *r)
{
	struct den_snapshot_meta meta = {
		.serial = (uint64_t)r->serial,
		.created = time(NULL),
		.flags = r->config->enumerate ? 0 : DEN_SNAPSHOT_NO_ENUMERATION,
		.uid_floor = r->config->uid_floor,
		.gid_floor = r->config->gid_floor,
	};
	struct den_snapshot_builder *b;
	size_t users = 0;
	int rc;

	if (!r->refreshed || r->serial < 0)
		return;
	b = den_snapshot_builder_new(&meta);
	rc = b ? build(r, b, &users) : -ENOMEM;
	if (rc == 0 && too_many_gone(r, users)) {
		log_warn("replica: serial %lld would leave %zu users, less than half of what is in force: "
			 "refused; to accept it, remove %s and restart denshid",
			(long long)r->serial, users, r->config->snapshot);
		den_snapshot_builder_free(b);
		return;
	}
	if (rc == 0)
		rc = den_snapshot_builder_write(b, r->config->snapshot);
	den_snapshot_builder_free(b);
	if (rc != 0) {
		log_warn("snapshot %s can't be written: %s; the old one stays in force", r->config->snapshot,
			strerror(-rc));
		return;
	}
	r->written = r->serial;
	view_reload(r->view);
	log_info("serial %lld is in force: %zu users", (long long)r->serial, users);
}

/* -- watching -------------------------------------------------------------------------------- */

static int on_changed(void *context, const unsigned char *uuid, struct dendir_entry *e)
{
	struct replica *r = context;

	if (strcmp(dendir_entry_string(e, "cn"), DENDIR_POINTER_CN) == 0) {
		r->serial = dendir_entry_number(e, "denshiSerial", -1);
		/* It is also written by who is about to run an update. */
		if (r->serial != r->written)
			publish(r);
	} else if (*dendir_entry_string(e, "denshiSerial")) {
		put(r, uuid, e);
	}
	return 0;
}

static int on_gone(void *context, const unsigned char *uuid)
{
	drop(context, uuid);
	return 0;
}

static int on_refreshed(void *context)
{
	struct replica *r = context;

	r->refreshed = 1;
	view_set_up(r->view, 1);
	publish(r);
	return 0;
}

/* The hosts come back to the server that their list begins with. */
static int first_is_back(struct replica *r)
{
	int64_t now_ms = dendir_now_ms();

	if (dendir_is_at_first(r->d) || now_ms - r->looked_ms < RETURN_MS)
		return 0;
	r->looked_ms = now_ms;
	return dendir_first_answers(r->site);
}

/* Once a second: a snapshot that couldn't be written (disk full) is tried again. */
static int on_idle(void *context)
{
	struct replica *r = context;

	if (r->refreshed && r->written != r->serial)
		publish(r);
	return first_is_back(r);
}

static void watch_once(struct replica *r, struct dendir *d)
{
	const struct dendir_watcher watcher = {
		.changed = on_changed,
		.gone = on_gone,
		.refreshed = on_refreshed,
		.idle = on_idle,
		.context = r,
	};
	struct dendir_policy policy;
	unsigned found;
	char base[DENDIR_DN_SIZE];

	r->d = d;
	r->looked_ms = dendir_now_ms();
	if (dendir_check_schema(d, &found) == DEN_DIRECTORY_NEWER) {
		log_warn("replica: the directory has schema version %u, this denshid knows versions up to %d: "
			 "what is in force stays as it is; install the newer denshi here",
			found, DENDIR_SCHEMA_VERSION);
		return;
	}
	if (dendir_policy_read(d, &policy) == DEN_OK)
		view_set_language(r->view, policy.lang);
	dendir_watch(d, dendir_dn(base, d, "ou=published"), "(objectClass=*)", dendir_version_attributes, &watcher);
}

static void *run(void *context)
{
	struct replica *r = context;
	unsigned backoff_ms = BACKOFF_MS_FIRST;
	char why[DENDIR_WHY_SIZE] = "";
	int told = 0;

	for (;;) {
		struct dendir *d = NULL;

		r->refreshed = 0;
		r->serial = -1;
		if (dendir_open_any(&d, r->site, why) == DEN_OK) {
			told = 0;
			log_debug("replica: follows %s", dendir_uri(d));
			watch_once(r, d);
			snprintf(why, sizeof(why), "%s: %s", dendir_uri(d), dendir_diagnostic(d));
			if (r->refreshed)
				backoff_ms = BACKOFF_MS_FIRST;
		}
		view_set_up(r->view, 0);
		if (!told++)
			log_warn("the directory can't be reached (%s): lookups go on from the snapshot", why);
		dendir_close(d);
		tdestroy(r->versions, version_free);
		r->versions = NULL;
		nanosleep(&(struct timespec){.tv_sec = backoff_ms / 1000, .tv_nsec = backoff_ms % 1000 * 1000000L},
			NULL);
		backoff_ms = backoff_ms * 2 > BACKOFF_MS_LAST ? BACKOFF_MS_LAST : backoff_ms * 2;
	}
	return NULL;
}

int replica_start(const struct den_config *config, const struct dendir_site *site, struct view *view)
{
	struct replica *r = calloc(1, sizeof(*r));
	pthread_t thread;

	if (!r)
		return -1;
	r->config = config;
	r->site = site;
	r->view = view;
	r->serial = r->written = -1;
	if (pthread_create(&thread, NULL, run, r) != 0) {
		free(r);
		return -1;
	}
	pthread_detach(thread);
	return 0;
}
