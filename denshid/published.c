#include "denshid/published.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "denshid/log.h"

/* A few users more or less are no reason to disbelieve the directory. */
#define DROP_USERS_MIN 20
#define EXTRA_MAX 65535
/* So many of those that can't be published are named in the log, the others counted. */
#define WITHHELD_NAMED 5
/* After so many users of the base, the pages read are given back. */
#define LET_GO_EVERY 16384

/* The version of a name that is in force, if it counts. */
struct winner {
	const struct version *v;
	int withheld; /* its name has nothing in the snapshot */
};

struct group {
	const char *name;
	uint32_t gid;
	struct den_snapshot_origin origin;
};

struct reading {
	struct winner *users; /* by uid */
	size_t nusers;
	struct group *groups; /* by gid */
	size_t ngroups;
	uint32_t *by_name;	/* of groups: a hash table of numbers + 1 */
	size_t by_name_room;
	uint32_t *authorities; /* gid of each of the versions' authorities; 0: none */
	uint32_t *moved;       /* uids of the base whose names have another one now */
	size_t nmoved;
	size_t withheld;
	int regrouped; /* names or gids of groups aren't the base's any more */
	/* where the reading stands */
	size_t group, winner;
	struct den_snapshot_user in_base; /* the next of the base, where pending */
	uint32_t pos;
	size_t number; /* of the base's users read */
	int pending, passes;
	size_t vanished; /* users of the base that are gone, and nobody says why */
	int group_vanished;
	uint32_t *gids; /* of the user last read */
	size_t gid_room;
	char *extra; /* its authorities without a group, each with its NUL */
};

/* -- the version in force of each name ------------------------------------------------------ */

static size_t hash_name(const char *name)
{
	uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3u;
	return (size_t)(h ^ h >> 32);
}

static size_t room_for(size_t n)
{
	size_t room = 64;

	while (room < n * 2)
		room *= 2;
	return room;
}

static int is_group(const struct version *v)
{
	return v->kind == VERSION_GROUP;
}

/* Puts v among the winners, or leaves it, as its serial says. */
static void compete(struct winner *winners, size_t *n, uint32_t *slot, size_t room, const struct version *v)
{
	size_t at = hash_name(version_name(v)) & (room - 1);

	for (; slot[at]; at = (at + 1) & (room - 1)) {
		struct winner *w = &winners[slot[at] - 1];

		if (is_group(w->v) != is_group(v) || strcmp(version_name(w->v), version_name(v)) != 0)
			continue;
		if (w->v->serial < v->serial)
			w->v = v;
		return;
	}
	winners[*n].v = v;
	slot[at] = (uint32_t)++*n;
}

static uint32_t id_of(const struct version *v)
{
	return is_group(v) ? v->gid : v->uid;
}

/* Users first; of one ID the higher serial first. */
static int by_id(const void *a, const void *b)
{
	const struct version *x = ((const struct winner *)a)->v, *y = ((const struct winner *)b)->v;

	if (is_group(x) != is_group(y))
		return is_group(x) - is_group(y);
	if (id_of(x) != id_of(y))
		return id_of(x) < id_of(y) ? -1 : 1;
	return x->serial > y->serial ? -1 : x->serial < y->serial;
}

static int find_winners(const struct published *p, struct winner **winners, size_t *n)
{
	size_t most = 0, room;
	const struct version *v;
	uint32_t *slot;

	while (versions_at(p->versions, most))
		most++;
	room = room_for(most);
	*n = 0;
	*winners = calloc(most + 1, sizeof(**winners));
	slot = calloc(room, sizeof(*slot));
	for (size_t i = 0; *winners && slot && (v = versions_at(p->versions, i)); i++)
		if (!v->gone && v->serial <= p->serial)
			compete(*winners, n, slot, room, v);
	if (*winners && slot && *n)
		qsort(*winners, *n, sizeof(**winners), by_id);
	most = *winners && slot;
	free(slot);
	return most ? 0 : -ENOMEM;
}

/* -- users --------------------------------------------------------------------------------- */

static void plain_user(struct den_snapshot_user *user, const struct version *v)
{
	const char *name = version_name(v);

	*user = (struct den_snapshot_user){
		.name = name,
		.gecos = name + v->gecos,
		.dir = name + v->dir,
		.shell = name + v->shell,
		.uid = v->uid,
		.gid = v->gid,
		.flags = v->flags,
		.lang = {v->lang[0], v->lang[1], '\0'},
	};
}

/* One bad entry must not keep all others from being published. */
static void check_winner(const struct published *p, struct winner *w, const struct winner *before)
{
	struct den_snapshot_user user;
	int rc = 0;

	if (w->v->kind == VERSION_REMOVED)
		return;
	if (is_group(w->v)) {
		if (!den_snapshot_is_group_name(version_name(w->v)) ||
			!den_snapshot_is_id(w->v->gid, p->gid_floor))
			rc = -EINVAL;
	} else {
		plain_user(&user, w->v);
		rc = den_snapshot_check_user(&user, p->uid_floor, p->gid_floor);
	}
	if (rc == 0 && before && is_group(before->v) == is_group(w->v) && id_of(before->v) == id_of(w->v) &&
		before->v->kind != VERSION_REMOVED)
		rc = -EEXIST;
	w->withheld = rc != 0;
	if (rc != 0 && p->reading->withheld++ < WITHHELD_NAMED)
		log_warn("replica: %s can't be published: %s", version_name(w->v), strerror(-rc));
}

/* A name that has another uid than in the base is not to be there twice. */
static int find_moved(const struct published *p)
{
	struct reading *r = p->reading;

	for (size_t i = 0; !p->whole && p->base->snapshot && i < r->nusers; i++) {
		struct den_snapshot_user found;
		uint32_t *moved;

		if (den_snapshot_user_by_name(p->base->snapshot, version_name(r->users[i].v), &found) != 0 ||
			found.uid == r->users[i].v->uid)
			continue;
		moved = reallocarray(r->moved, r->nmoved + 1, sizeof(*moved));
		if (!moved)
			return -ENOMEM;
		r->moved = moved;
		r->moved[r->nmoved++] = found.uid;
	}
	return 0;
}

static int has_moved(const struct reading *r, uint32_t uid)
{
	for (size_t i = 0; i < r->nmoved; i++)
		if (r->moved[i] == uid)
			return 1;
	return 0;
}

/* -- groups -------------------------------------------------------------------------------- */

static int by_gid(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return x->gid < y->gid ? -1 : x->gid > y->gid;
}

static int index_groups(struct reading *r)
{
	r->by_name_room = room_for(r->ngroups);
	r->by_name = calloc(r->by_name_room, sizeof(*r->by_name));
	if (!r->by_name)
		return -ENOMEM;
	for (size_t i = 0; i < r->ngroups; i++) {
		size_t at = hash_name(r->groups[i].name) & (r->by_name_room - 1);

		while (r->by_name[at])
			at = (at + 1) & (r->by_name_room - 1);
		r->by_name[at] = (uint32_t)i + 1;
	}
	return 0;
}

/* 0: there is no such group. */
static uint32_t gid_of(const struct reading *r, const char *name)
{
	size_t at = hash_name(name) & (r->by_name_room - 1);

	for (; r->by_name[at]; at = (at + 1) & (r->by_name_room - 1))
		if (strcmp(r->groups[r->by_name[at] - 1].name, name) == 0)
			return r->groups[r->by_name[at] - 1].gid;
	return 0;
}

static void add_group(struct reading *r, const char *name, uint32_t gid, const unsigned char *uuid, uint32_t serial)
{
	struct group *g = &r->groups[r->ngroups++];

	*g = (struct group){.name = name, .gid = gid, .origin.serial = serial};
	memcpy(g->origin.uuid, uuid, 16);
}

/* The groups of the base that stay: those without a winner of their name. */
static int add_base_groups(struct published *p, const struct winner *winners, size_t n)
{
	struct reading *r = p->reading;
	const struct base *b = p->base;
	struct den_snapshot_group g;
	uint32_t pos = 0;
	int rc;

	for (size_t i = b->users; (rc = den_snapshot_next_group(b->snapshot, &pos, &g)) == 0; i++) {
		const struct den_snapshot_origin *o = &b->origins[i];
		int replaced = 0;

		for (size_t k = 0; k < n && !replaced; k++)
			replaced = winners[k].v->gid == g.gid || strcmp(version_name(winners[k].v), g.name) == 0;
		if (!replaced && b->state[i] & BASE_GONE) {
			r->group_vanished = 1;
			continue;
		}
		if (!replaced)
			add_group(r, g.name, g.gid, o->uuid, o->serial);
	}
	return rc == -ENOENT ? 0 : rc;
}

/* Whether a group that is told anew is as it was. */
static int same_as_in_base(const struct published *p, const struct version *v)
{
	struct den_snapshot_group g;

	return p->base->snapshot && den_snapshot_group_by_name(p->base->snapshot, version_name(v), &g) == 0 &&
		g.gid == v->gid;
}

static int merge_groups(struct published *p, const struct winner *winners, size_t n)
{
	struct reading *r = p->reading;
	size_t in_base = p->base->snapshot && !p->whole ? p->base->records - p->base->users : 0;
	size_t same = 0;
	int rc;

	r->groups = calloc(in_base + n + 1, sizeof(*r->groups));
	if (!r->groups)
		return -ENOMEM;
	rc = in_base ? add_base_groups(p, winners, n) : 0;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		const struct version *v = winners[i].v;

		if (winners[i].withheld)
			continue;
		same += (size_t)same_as_in_base(p, v);
		add_group(r, version_name(v), v->gid, v->uuid, v->serial);
	}
	r->regrouped = same != n || r->ngroups != in_base;
	if (r->ngroups)
		qsort(r->groups, r->ngroups, sizeof(*r->groups), by_gid);
	return rc == 0 ? index_groups(r) : rc;
}

/* -- beginning ------------------------------------------------------------------------------- */

static int number_authorities(struct published *p)
{
	struct reading *r = p->reading;
	size_t n = versions_authorities(p->versions);

	r->authorities = calloc(n + 1, sizeof(*r->authorities));
	r->extra = malloc(EXTRA_MAX);
	if (!r->authorities || !r->extra)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		r->authorities[i] = gid_of(r, versions_authority(p->versions, (uint32_t)i));
	return 0;
}

int published_begin(struct published *p)
{
	struct reading *r = p->reading = calloc(1, sizeof(*r));
	size_t n;
	int rc;

	if (!r)
		return -ENOMEM;
	rc = find_winners(p, &r->users, &n);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		check_winner(p, &r->users[i], i > 0 && !r->users[i - 1].withheld ? &r->users[i - 1] : NULL);
		r->nusers += !is_group(r->users[i].v);
	}
	if (r->withheld > WITHHELD_NAMED)
		log_warn("replica: %zu more can't be published", r->withheld - WITHHELD_NAMED);
	if (rc == 0)
		rc = merge_groups(p, r->users + r->nusers, n - r->nusers);
	if (rc == 0)
		rc = number_authorities(p);
	if (rc == 0)
		rc = find_moved(p);
	if (rc != 0)
		published_done(p);
	return rc;
}

void published_done(struct published *p)
{
	struct reading *r = p->reading;

	if (!r)
		return;
	free(r->users);
	free(r->groups);
	free(r->by_name);
	free(r->authorities);
	free(r->moved);
	free(r->gids);
	free(r->extra);
	free(r);
	p->reading = NULL;
}

/* -- reading --------------------------------------------------------------------------------- */

static void rewind_users(void *context)
{
	struct reading *r = ((struct published *)context)->reading;

	((struct published *)context)->users = 0;
	r->winner = r->number = r->vanished = 0;
	r->pos = 0;
	r->pending = 0;
	r->passes++;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Collects the groups of one user. */
struct membership {
	struct reading *r;
	size_t gids, extra;
};

static int make_room(struct reading *r, size_t n)
{
	uint32_t *gids;

	if (n <= r->gid_room)
		return 0;
	gids = reallocarray(r->gids, n, sizeof(*gids));
	if (!gids)
		return -ENOMEM;
	r->gids = gids;
	r->gid_room = n;
	return 0;
}

/* An authority whose group isn't there gives nothing, until it is. */
static void join(struct membership *m, uint32_t gid, const char *name)
{
	size_t size = strlen(name) + 1;

	if (gid) {
		m->r->gids[m->gids++] = gid;
	} else if (m->extra + size <= EXTRA_MAX) {
		memcpy(m->r->extra + m->extra, name, size);
		m->extra += size;
	}
}

static void give_groups(struct den_snapshot_user *user, const struct membership *m)
{
	uint32_t *gids = m->r->gids;
	size_t n = 0;

	if (m->gids > 1)
		qsort(gids, m->gids, sizeof(*gids), by_number);
	for (size_t i = 0; i < m->gids; i++)
		if (n == 0 || gids[i] != gids[n - 1])
			gids[n++] = gids[i];
	user->gids = gids;
	user->gid_count = n;
	user->extra = m->r->extra;
	user->extra_size = m->extra;
	user->dated_count = 0;
}

static int user_of_version(struct published *p, const struct version *v, struct den_snapshot_user *user)
{
	struct membership m = {.r = p->reading};

	if (make_room(m.r, v->nauthorities) != 0)
		return -ENOMEM;
	plain_user(user, v);
	for (size_t i = 0; i < v->nauthorities; i++)
		join(&m, m.r->authorities[v->authorities[i]], versions_authority(p->versions, v->authorities[i]));
	give_groups(user, &m);
	return 0;
}

/* What a user of the base is in now that groups came, went or changed their numbers. */
static int regroup(struct published *p, struct den_snapshot_user *user)
{
	struct membership m = {.r = p->reading};
	const char *name = user->extra, *end = name + user->extra_size;
	struct den_snapshot_group g;

	if (make_room(m.r, user->gid_count + user->extra_size) != 0)
		return -ENOMEM;
	for (; name < end && memchr(name, '\0', (size_t)(end - name)); name += strlen(name) + 1)
		join(&m, gid_of(m.r, name), name);
	for (size_t i = 0; i < user->gid_count; i++) {
		if (den_snapshot_group_by_gid(p->base->snapshot, user->gids[i], &g) != 0)
			return -EBADMSG;
		join(&m, gid_of(m.r, g.name), g.name);
	}
	give_groups(user, &m);
	return 0;
}

/* The next user of the base: 1 there is one, 0 there is none, or -errno. */
static int look_at_base(struct published *p)
{
	struct reading *r = p->reading;
	int rc;

	if (r->pending || p->whole || !p->base->snapshot)
		return r->pending;
	rc = den_snapshot_next_user(p->base->snapshot, &r->pos, &r->in_base);
	if (rc == -ENOENT)
		return r->number == p->base->users ? 0 : -EBADMSG;
	if (rc < 0 || r->number == p->base->users)
		return -EBADMSG;
	if (r->number++ % LET_GO_EVERY == 0)
		den_snapshot_let_go(p->base->snapshot);
	r->pending = 1;
	return 1;
}

static const struct den_snapshot_origin *base_origin(const struct published *p)
{
	return &p->base->origins[p->reading->number - 1];
}

static int base_is_gone(const struct published *p)
{
	return p->base->state[p->reading->number - 1] & BASE_GONE;
}

/* Two under one uid: who was there first stays, unless it is the same user, changed. */
static int base_wins(const struct published *p, const struct winner *w)
{
	const struct reading *r = p->reading;

	if (base_is_gone(p))
		return 0;
	if (strcmp(r->in_base.name, version_name(w->v)) == 0)
		return base_origin(p)->serial > w->v->serial;
	if (r->passes == 1 && w->v->kind != VERSION_REMOVED)
		log_warn("replica: %s can't be published: %s has its uid %u", version_name(w->v), r->in_base.name,
			w->v->uid);
	return 1;
}

/* What is to become of the user of the base: 1 it is told, 0 it isn't, or -errno. */
static int take_from_base(struct published *p, struct den_snapshot_user *user, struct den_snapshot_origin *origin)
{
	struct reading *r = p->reading;
	int rc;

	r->pending = 0;
	if (has_moved(r, r->in_base.uid))
		return 0;
	if (base_is_gone(p)) {
		r->vanished++;
		return 0;
	}
	*user = r->in_base;
	*origin = *base_origin(p);
	rc = r->regrouped ? regroup(p, user) : 0;
	return rc == 0 ? 1 : rc;
}

static int take_winner(struct published *p, struct den_snapshot_user *user, struct den_snapshot_origin *origin)
{
	const struct winner *w = &p->reading->users[p->reading->winner++];
	int rc;

	if (w->withheld || w->v->kind == VERSION_REMOVED)
		return 0;
	origin->serial = w->v->serial;
	memcpy(origin->uuid, w->v->uuid, 16);
	rc = user_of_version(p, w->v, user);
	return rc == 0 ? 1 : rc;
}

/* Known failures of other consumers emptied hosts: what the first reading has found is looked at. */
static int end_of_users(const struct published *p)
{
	size_t before = p->base->users;

	if (p->reading->passes > 1)
		return -ENOENT;
	if (!p->whole && (p->reading->vanished > 0 || p->reading->group_vanished))
		return -ESTALE;
	if (before >= DROP_USERS_MIN && p->users * 100 < before * (100 - p->max_drop))
		return -ECANCELED;
	return -ENOENT;
}

static int next_user(void *context, struct den_snapshot_user *user, struct den_snapshot_origin *origin)
{
	struct published *p = context;
	struct reading *r = p->reading;

	for (;;) {
		const struct winner *w = r->winner < r->nusers ? &r->users[r->winner] : NULL;
		int rc = look_at_base(p);

		if (rc < 0)
			return rc;
		if (!rc && !w)
			return end_of_users(p);
		if (rc && w && w->v->uid == r->in_base.uid) {
			if (base_wins(p, w))
				r->winner++;
			else
				r->pending = 0;
			continue;
		}
		rc = rc && (!w || r->in_base.uid < w->v->uid) ? take_from_base(p, user, origin) :
								take_winner(p, user, origin);
		p->users += rc == 1;
		if (rc != 0)
			return rc == 1 ? 0 : rc;
	}
}

static int next_group(void *context, struct den_snapshot_group *group, struct den_snapshot_origin *origin)
{
	struct reading *r = ((struct published *)context)->reading;
	const struct group *g;

	if (r->group == r->ngroups)
		return -ENOENT;
	g = &r->groups[r->group++];
	*group = (struct den_snapshot_group){.name = g->name, .gid = g->gid};
	*origin = g->origin;
	return 0;
}

struct den_snapshot_source published_source(struct published *p)
{
	return (struct den_snapshot_source){
		.rewind = rewind_users,
		.next_user = next_user,
		.next_group = next_group,
		.context = p,
		.has_origins = 1,
	};
}
