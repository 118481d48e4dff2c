/*
 * Writer of the snapshot: collects, sorts, lays the image out in memory and puts it into force.
 */
#include "core/snapshot_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/snapshot-internal.h"

/* Other hash seeds to try where one fills a chain of buckets. */
#define SEEDS 64u

/* Keys per ten places of an index: more would make it smaller and chains longer. */
#define KEYS_PER_BUCKET 6u

#define RECORDS_MAX (1u << 24)

struct user {
	struct den_snap_user record;
	char *bytes;		/* strings, mail and extra as the record has them */
	size_t bytes_size;
	int64_t until;
	uint32_t name_at;	/* in bytes */
	uint32_t offset;	/* in the image */
};

struct group {
	char *name;
	uint32_t gid;
	uint32_t members;
	uint32_t members_size;
	uint32_t dated;
	uint32_t offset;	/* in the image */
};

struct membership {
	uint32_t user;		/* number of */
	uint32_t group;
	int64_t until;
};

/* A growing array; `size` of one is known to its users. */
struct list {
	void *at;
	size_t count;
	size_t room;
};

/* A hash table of numbers + 1, open addressing, never more than half full. */
struct table {
	uint32_t *slot;
	size_t room;
	size_t count;
};

struct den_snapshot_builder {
	struct den_snapshot_meta meta;
	struct list users;
	struct list groups;
	struct list memberships;
	struct table index[DEN_SNAP_INDEXES];
	uint8_t *cookie;
	size_t cookie_size;
};

/* ---- containers ---- */

static void *list_add(struct list *l, size_t size)
{
	if (l->count == l->room) {
		size_t more = l->room ? l->room * 2 : 64;
		void *at = reallocarray(l->at, more, size);

		if (at == NULL)
			return NULL;
		l->at = at;
		l->room = more;
	}
	return memset((char *)l->at + l->count * size, 0, size);
}

static struct user *user_no(const struct den_snapshot_builder *b, size_t i)
{
	return (struct user *)b->users.at + i;
}

static struct group *group_no(const struct den_snapshot_builder *b, size_t i)
{
	return (struct group *)b->groups.at + i;
}

static const char *user_name(const struct user *u)
{
	return u->bytes + u->name_at;
}

/* The key of record I in an index: either a name or an ID. */
static const char *key_name(const struct den_snapshot_builder *b, enum den_snap_index x, size_t i)
{
	return x == DEN_SNAP_BY_USER_NAME ? user_name(user_no(b, i)) : group_no(b, i)->name;
}

static uint32_t key_id(const struct den_snapshot_builder *b, enum den_snap_index x, size_t i)
{
	return x == DEN_SNAP_BY_UID ? user_no(b, i)->record.uid : group_no(b, i)->gid;
}

static bool by_name(enum den_snap_index x)
{
	return x == DEN_SNAP_BY_USER_NAME || x == DEN_SNAP_BY_GROUP_NAME;
}

static uint64_t hash_key(enum den_snap_index x, const char *name, uint32_t id, uint32_t seed)
{
	size_t len;

	return by_name(x) ? den_snap_hash_name(name, DEN_SNAPSHOT_GROUP_NAME_MAX, seed, &len) :
			    den_snap_hash_id(id, seed);
}

static uint64_t hash_of(const struct den_snapshot_builder *b, enum den_snap_index x, size_t i,
			uint32_t seed)
{
	return by_name(x) ? hash_key(x, key_name(b, x, i), 0, seed) :
			    hash_key(x, NULL, key_id(b, x, i), seed);
}

/* The place of a key in a table: that of its record, or the free one where it would go. */
static uint32_t *table_slot(const struct den_snapshot_builder *b, enum den_snap_index x,
			    const char *name, uint32_t id)
{
	const struct table *t = &b->index[x];
	size_t at = hash_key(x, name, id, 0) & (t->room - 1);

	for (;; at = (at + 1) & (t->room - 1)) {
		uint32_t n = t->slot[at];

		if (n == 0 || (by_name(x) ? strcmp(key_name(b, x, n - 1), name) == 0 :
					    key_id(b, x, n - 1) == id))
			return &t->slot[at];
	}
}

/* Makes room for one more key. */
static int table_reserve(struct den_snapshot_builder *b, enum den_snap_index x)
{
	struct table *t = &b->index[x];
	struct table bigger = { .room = t->room ? t->room * 2 : 256 };

	if (t->room != 0 && t->count < t->room / 2)
		return 0;
	bigger.slot = calloc(bigger.room, sizeof *bigger.slot);
	if (bigger.slot == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->room; i++) {
		size_t at;

		if (t->slot[i] == 0)
			continue;
		at = hash_of(b, x, t->slot[i] - 1, 0) & (bigger.room - 1);
		while (bigger.slot[at] != 0)
			at = (at + 1) & (bigger.room - 1);
		bigger.slot[at] = t->slot[i];
	}
	bigger.count = t->count;
	free(t->slot);
	*t = bigger;
	return 0;
}

static int table_check_new(struct den_snapshot_builder *b, enum den_snap_index x, const char *name,
			   uint32_t id)
{
	int r = table_reserve(b, x);

	if (r < 0)
		return r;
	return *table_slot(b, x, name, id) == 0 ? 0 : -EEXIST;
}

static void table_add(struct den_snapshot_builder *b, enum den_snap_index x, const char *name,
		      uint32_t id, size_t number)
{
	*table_slot(b, x, name, id) = (uint32_t)number + 1;
	b->index[x].count++;
}

/* ---- collecting ---- */

struct den_snapshot_builder *den_snapshot_builder_new(const struct den_snapshot_meta *meta)
{
	struct den_snapshot_builder *b = calloc(1, sizeof *b);

	if (b == NULL)
		return NULL;
	b->meta = *meta;
	if (b->meta.uid_floor < DEN_SNAPSHOT_ID_FLOOR)
		b->meta.uid_floor = DEN_SNAPSHOT_ID_FLOOR;
	if (b->meta.gid_floor < DEN_SNAPSHOT_ID_FLOOR)
		b->meta.gid_floor = DEN_SNAPSHOT_ID_FLOOR;
	return b;
}

void den_snapshot_builder_free(struct den_snapshot_builder *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->users.count; i++)
		free(user_no(b, i)->bytes);
	for (size_t i = 0; i < b->groups.count; i++)
		free(group_no(b, i)->name);
	free(b->users.at);
	free(b->groups.at);
	free(b->memberships.at);
	for (size_t i = 0; i < DEN_SNAP_INDEXES; i++)
		free(b->index[i].slot);
	free(b->cookie);
	free(b);
}

int den_snapshot_builder_set_cookie(struct den_snapshot_builder *b, const void *cookie, size_t size)
{
	uint8_t *copy = NULL;

	if (size > DEN_SNAPSHOT_SIZE_MAX / 2)
		return -E2BIG;
	if (size > 0) {
		copy = malloc(size);
		if (copy == NULL)
			return -ENOMEM;
		memcpy(copy, cookie, size);
	}
	free(b->cookie);
	b->cookie = copy;
	b->cookie_size = size;
	return 0;
}

int den_snapshot_builder_add_group(struct den_snapshot_builder *b, const char *name, uint32_t gid)
{
	struct group *g;
	int r;

	if (!den_snapshot_is_group_name(name) || !den_snapshot_is_id(gid, b->meta.gid_floor))
		return -EINVAL;
	if (b->groups.count >= RECORDS_MAX)
		return -E2BIG;
	r = table_check_new(b, DEN_SNAP_BY_GROUP_NAME, name, 0);
	if (r == 0)
		r = table_check_new(b, DEN_SNAP_BY_GID, NULL, gid);
	if (r < 0)
		return r;
	g = list_add(&b->groups, sizeof *g);
	if (g == NULL)
		return -ENOMEM;
	g->name = strdup(name);
	if (g->name == NULL)
		return -ENOMEM;
	g->gid = gid;
	b->groups.count++;
	table_add(b, DEN_SNAP_BY_GROUP_NAME, name, 0, b->groups.count - 1);
	table_add(b, DEN_SNAP_BY_GID, NULL, gid, b->groups.count - 1);
	return 0;
}

/* A string of a passwd line: what would break the line is refused. */
static int check_string(const char *s, size_t *len)
{
	*len = strlen(s);
	if (*len > DEN_SNAPSHOT_STRING_MAX)
		return -ENAMETOOLONG;
	for (size_t i = 0; i < *len; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f || s[i] == ':')
			return -EINVAL;
	return 0;
}

static bool lang_ok(const char lang[3])
{
	if (lang[0] == '\0')
		return true;
	return lang[0] >= 'a' && lang[0] <= 'z' && lang[1] >= 'a' && lang[1] <= 'z' &&
	       lang[2] == '\0';
}

static char *append(char *at, const void *bytes, size_t size)
{
	if (size > 0)
		memcpy(at, bytes, size);
	return at + size;
}

/* Fills U's record and bytes, but for what depends on its groups. */
static int encode_user(struct user *u, const struct den_snapshot_user *in)
{
	const char *s[] = { in->dir ?: "", in->gecos ?: "", in->shell ?: "", in->mail ?: "" };
	size_t len[4], name_len = strlen(in->name);
	bool in_dir;
	char *p;
	int r;

	for (size_t i = 0; i < 4; i++) {
		r = check_string(s[i], &len[i]);
		if (r < 0)
			return r;
	}
	in_dir = len[0] >= name_len && strcmp(s[0] + len[0] - name_len, in->name) == 0;
	u->bytes_size = len[0] + len[1] + len[2] + 3 + (in_dir ? 0 : name_len + 1) +
			(len[3] ? len[3] + 1 : 0) + in->extra_size;
	u->bytes = p = malloc(u->bytes_size);
	if (p == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < 3; i++)
		p = append(p, s[i], len[i] + 1);
	u->name_at = in_dir ? (uint32_t)(len[0] - name_len) : (uint32_t)(p - u->bytes);
	if (!in_dir)
		p = append(p, in->name, name_len + 1);
	if (len[3] > 0)
		p = append(p, s[3], len[3] + 1);
	append(p, in->extra, in->extra_size);
	u->until = in->until;
	u->record = (struct den_snap_user){
		.uid = in->uid,
		.gid = in->gid,
		.flags = in->flags,
		.extra = (uint16_t)in->extra_size,
		.lang = { in->lang[0], in->lang[0] ? in->lang[1] : '\0' },
		.name = (uint8_t)name_len,
		.dir = (uint8_t)len[0],
		.gecos = (uint8_t)len[1],
		.shell = (uint8_t)len[2],
		.mail = (uint8_t)len[3],
		.layout = (uint8_t)((in->until ? DEN_SNAP_USER_HAS_UNTIL : 0) |
				    (in_dir ? DEN_SNAP_USER_NAME_IN_DIR : 0)),
	};
	return 0;
}

int den_snapshot_builder_add_user(struct den_snapshot_builder *b,
				  const struct den_snapshot_user *user)
{
	struct user *u;
	int r;

	if (!den_snapshot_is_user_name(user->name) || user->until < 0 || !lang_ok(user->lang) ||
	    !den_snapshot_is_id(user->uid, b->meta.uid_floor) ||
	    !den_snapshot_is_id(user->gid, b->meta.gid_floor))
		return -EINVAL;
	if (b->users.count >= RECORDS_MAX || user->extra_size > UINT16_MAX)
		return -E2BIG;
	r = table_check_new(b, DEN_SNAP_BY_USER_NAME, user->name, 0);
	if (r == 0)
		r = table_check_new(b, DEN_SNAP_BY_UID, NULL, user->uid);
	if (r < 0)
		return r;
	u = list_add(&b->users, sizeof *u);
	if (u == NULL)
		return -ENOMEM;
	r = encode_user(u, user);
	if (r < 0)
		return r;
	b->users.count++;
	table_add(b, DEN_SNAP_BY_USER_NAME, user->name, 0, b->users.count - 1);
	table_add(b, DEN_SNAP_BY_UID, NULL, user->uid, b->users.count - 1);
	return 0;
}

static int number_of(const struct den_snapshot_builder *b, enum den_snap_index x, const char *name,
		     uint32_t *number)
{
	uint32_t slot = b->index[x].room ? *table_slot(b, x, name, 0) : 0;

	if (slot == 0)
		return -ENOENT;
	*number = slot - 1;
	return 0;
}

int den_snapshot_builder_add_membership(struct den_snapshot_builder *b, const char *user,
					const char *group, int64_t until)
{
	uint32_t user_number, group_number;
	struct membership *m;
	int r;

	if (!den_snapshot_is_user_name(user) || !den_snapshot_is_group_name(group) || until < 0)
		return -EINVAL;
	r = number_of(b, DEN_SNAP_BY_USER_NAME, user, &user_number);
	if (r == 0)
		r = number_of(b, DEN_SNAP_BY_GROUP_NAME, group, &group_number);
	if (r < 0)
		return r;
	m = list_add(&b->memberships, sizeof *m);
	if (m == NULL)
		return -ENOMEM;
	*m = (struct membership){ .user = user_number, .group = group_number, .until = until };
	b->memberships.count++;
	return 0;
}

/* ---- laying out ---- */

/* What one den_snapshot_builder_image() works with: numbers of records in the order of their IDs. */
struct layout {
	struct den_snapshot_builder *b;
	uint32_t *users;
	uint32_t *groups;
	struct membership *by_user;	/* sorted by uid, those without an end first, then by gid */
	struct membership *by_group;	/* sorted by gid, those without an end first, then by uid */
	size_t memberships;
	struct den_snap_header header;
	uint8_t *image;
};

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_users(const void *a, const void *b, void *builder)
{
	return compare(user_no(builder, *(const uint32_t *)a)->record.uid,
		       user_no(builder, *(const uint32_t *)b)->record.uid);
}

static int compare_groups(const void *a, const void *b, void *builder)
{
	return compare(group_no(builder, *(const uint32_t *)a)->gid,
		       group_no(builder, *(const uint32_t *)b)->gid);
}

/* Pairs together, the longest one first. */
static int compare_pairs(const void *a, const void *b)
{
	const struct membership *x = a, *y = b;
	int r = compare(x->user, y->user);

	if (r == 0)
		r = compare(x->group, y->group);
	if (r == 0)
		r = compare((uint64_t)y->until - 1, (uint64_t)x->until - 1);
	return r;
}

static int compare_by_user(const void *a, const void *b, void *builder)
{
	const struct membership *x = a, *y = b;
	int r = compare_users(&x->user, &y->user, builder);

	if (r == 0)
		r = compare(x->until != 0, y->until != 0);
	return r ? r : compare_groups(&x->group, &y->group, builder);
}

static int compare_by_group(const void *a, const void *b, void *builder)
{
	const struct membership *x = a, *y = b;
	int r = compare_groups(&x->group, &y->group, builder);

	if (r == 0)
		r = compare(x->until != 0, y->until != 0);
	return r ? r : compare_users(&x->user, &y->user, builder);
}

static uint32_t *sorted_numbers(struct den_snapshot_builder *b, size_t count,
				int (*cmp)(const void *, const void *, void *))
{
	uint32_t *numbers = reallocarray(NULL, count + 1, sizeof *numbers);

	if (numbers == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++)
		numbers[i] = (uint32_t)i;
	qsort_r(numbers, count, sizeof *numbers, cmp, b);
	return numbers;
}

/* Of each pair the longest grant stays. */
static void drop_repeated(struct list *l)
{
	struct membership *m = l->at;
	size_t n = 0;

	if (l->count == 0)
		return;
	qsort(m, l->count, sizeof *m, compare_pairs);
	for (size_t i = 0; i < l->count; i++)
		if (n == 0 || m[i].user != m[n - 1].user || m[i].group != m[n - 1].group)
			m[n++] = m[i];
	l->count = n;
}

static int sort_all(struct layout *l)
{
	struct den_snapshot_builder *b = l->b;
	size_t n;

	drop_repeated(&b->memberships);
	l->memberships = n = b->memberships.count;
	l->users = sorted_numbers(b, b->users.count, compare_users);
	l->groups = sorted_numbers(b, b->groups.count, compare_groups);
	l->by_user = reallocarray(NULL, n + 1, sizeof *l->by_user);
	l->by_group = reallocarray(NULL, n + 1, sizeof *l->by_group);
	if (!l->users || !l->groups || !l->by_user || !l->by_group)
		return -ENOMEM;
	if (n > 0) {
		memcpy(l->by_user, b->memberships.at, n * sizeof *l->by_user);
		memcpy(l->by_group, b->memberships.at, n * sizeof *l->by_group);
		qsort_r(l->by_user, n, sizeof *l->by_user, compare_by_user, b);
		qsort_r(l->by_group, n, sizeof *l->by_group, compare_by_group, b);
	}
	return 0;
}

/* Counts the memberships of every user and group. */
static int count_memberships(struct layout *l)
{
	for (size_t i = 0; i < l->b->users.count; i++)
		user_no(l->b, i)->record.groups = user_no(l->b, i)->record.dated = 0;
	for (size_t i = 0; i < l->b->groups.count; i++) {
		struct group *g = group_no(l->b, i);

		g->members = g->members_size = g->dated = 0;
	}
	for (size_t i = 0; i < l->memberships; i++) {
		struct user *u = user_no(l->b, l->by_user[i].user);
		struct group *g = group_no(l->b, l->by_user[i].group);
		uint16_t *count = l->by_user[i].until ? &u->record.dated : &u->record.groups;

		if (*count == UINT16_MAX)
			return -E2BIG;
		++*count;
		if (l->by_user[i].until) {
			g->dated++;
		} else {
			g->members++;
			g->members_size += u->record.name + 1u;
		}
	}
	return 0;
}

static size_t user_size(const struct user *u)
{
	return den_snap_pad(sizeof u->record + (size_t)u->record.groups * 4 +
				    (size_t)u->record.dated * DEN_SNAP_DATED_GID_SIZE +
				    (u->until ? 8 : 0) + u->bytes_size, 4);
}

static size_t group_names_size(const struct group *g)
{
	return den_snap_pad(sizeof(struct den_snap_group) + strlen(g->name) + 1 + g->members_size, 4);
}

/* Sets the section numbered NO to SIZE bytes at *AT and moves *AT behind it. */
static void place(struct layout *l, size_t no, uint64_t *at, uint64_t size)
{
	l->header.section[no].offset = (uint32_t)*at;
	l->header.section[no].size = (uint32_t)size;
	*at = den_snap_pad(*at + size, DEN_SNAP_ALIGN);
}

/* Gives every section and record its place. */
static int place_all(struct layout *l)
{
	const struct den_snapshot_builder *b = l->b;
	uint64_t at = sizeof l->header, end;

	for (size_t x = 0; x < DEN_SNAP_INDEXES; x++) {
		uint64_t n = x < DEN_SNAP_BY_GROUP_NAME ? b->users.count : b->groups.count;

		place(l, x, &at, (n + KEYS_PER_BUCKET - 1) / KEYS_PER_BUCKET *
				 sizeof(struct den_snap_bucket));
	}
	end = at;
	for (size_t i = 0; i < b->users.count; i++) {
		struct user *u = user_no(b, l->users[i]);

		u->offset = (uint32_t)end;
		end += user_size(u);
	}
	place(l, DEN_SNAP_USERS, &at, end - at);
	end = at;
	for (size_t i = 0; i < b->groups.count; i++) {
		struct group *g = group_no(b, l->groups[i]);

		g->offset = (uint32_t)end;
		end += group_names_size(g) + (uint64_t)g->dated * DEN_SNAP_DATED_NAME_SIZE;
	}
	place(l, DEN_SNAP_GROUPS, &at, end - at);
	place(l, DEN_SNAP_COOKIE, &at, b->cookie_size);
	if (at > DEN_SNAPSHOT_SIZE_MAX)
		return -E2BIG;
	l->header.file_size = at;
	return 0;
}

static void put_sum(const struct layout *l, uint32_t offset, size_t size)
{
	uint32_t sum = den_snap_sum(l->image + offset + 4, size - 4, l->header.salt, offset);

	memcpy(l->image + offset, &sum, sizeof sum);
}

/* Memberships from M on are U's first, then others'. Returns how many are U's. */
static size_t put_user(const struct layout *l, const struct user *u, const struct membership *m)
{
	size_t n = (size_t)u->record.groups + u->record.dated;
	uint8_t *p = l->image + u->offset;

	memcpy(p, &u->record, sizeof u->record);
	p += sizeof u->record;
	for (size_t i = 0; i < n; i++) {
		memcpy(p, &group_no(l->b, m[i].group)->gid, 4);
		p += 4;
		if (m[i].until) {
			memcpy(p, &m[i].until, 8);
			p += 8;
		}
	}
	if (u->until) {
		memcpy(p, &u->until, 8);
		p += 8;
	}
	memcpy(p, u->bytes, u->bytes_size);
	put_sum(l, u->offset, user_size(u));
	return n;
}

static size_t put_group(const struct layout *l, const struct group *g, const struct membership *m)
{
	size_t name_len = strlen(g->name), n = (size_t)g->members + g->dated;
	size_t names = group_names_size(g);
	uint8_t *p = l->image + g->offset;
	struct den_snap_group record = {
		.gid = g->gid,
		.members = g->members,
		.members_size = g->members_size,
		.dated = g->dated,
		.name = (uint8_t)name_len,
	};

	memcpy(p, &record, sizeof record);
	p += sizeof record;
	memcpy(p, g->name, name_len + 1);
	p += name_len + 1;
	for (size_t i = 0; i < n; i++) {
		const struct user *u = user_no(l->b, m[i].user);

		if (i == g->members)
			p = l->image + g->offset + names;
		if (m[i].until) {
			memcpy(p, &m[i].until, 8);
			memcpy(p + 8, user_name(u), u->record.name);
			p += DEN_SNAP_DATED_NAME_SIZE;
		} else {
			memcpy(p, user_name(u), u->record.name + 1u);
			p += u->record.name + 1u;
		}
	}
	put_sum(l, g->offset, names + (size_t)g->dated * DEN_SNAP_DATED_NAME_SIZE);
	return n;
}

/* Puts one reference into an index; false where the chain of full buckets gets too long. */
static bool put_ref(struct den_snap_bucket *buckets, uint32_t count, uint64_t hash, uint32_t ref)
{
	uint32_t at = den_snap_home(hash, count);

	for (uint32_t chain = 0; chain <= DEN_SNAP_CHAIN_MAX; chain++) {
		struct den_snap_bucket *bucket = &buckets[at];

		for (size_t i = 0; i < DEN_SNAP_SLOTS; i++) {
			if (bucket->ref[i] != 0)
				continue;
			bucket->tag[i] = (uint16_t)hash;
			bucket->ref[i] = ref;
			return true;
		}
		bucket->ref[DEN_SNAP_SLOTS - 1] |= DEN_SNAP_MORE;
		if (++at == count)
			at = 0;
	}
	return false;
}

static bool fill_index(const struct layout *l, enum den_snap_index x, uint32_t seed)
{
	const struct den_snap_section *section = &l->header.section[x];
	struct den_snap_bucket *buckets = (struct den_snap_bucket *)(l->image + section->offset);
	uint32_t count = section->size / (uint32_t)sizeof *buckets;
	bool users = x < DEN_SNAP_BY_GROUP_NAME;
	size_t n = users ? l->b->users.count : l->b->groups.count;

	memset(buckets, 0, section->size);
	for (size_t i = 0; i < n; i++) {
		uint32_t offset = users ? user_no(l->b, i)->offset : group_no(l->b, i)->offset;

		if (!put_ref(buckets, count, hash_of(l->b, x, i, seed), offset / 4))
			return false;
	}
	return true;
}

static int put_index(struct layout *l, enum den_snap_index x)
{
	const struct den_snap_section *section = &l->header.section[x];
	uint32_t seed = 1;

	while (!fill_index(l, x, seed))
		if (++seed > SEEDS)
			return -E2BIG;
	l->header.hash_seed[x] = seed;
	for (uint32_t at = 0; at < section->size; at += (uint32_t)sizeof(struct den_snap_bucket))
		put_sum(l, section->offset + at, sizeof(struct den_snap_bucket));
	return 0;
}

static void put_header(struct layout *l)
{
	const struct den_snap_section *cookie = &l->header.section[DEN_SNAP_COOKIE];

	if (cookie->size > 0)
		l->header.cookie_sum = den_snap_sum(l->image + cookie->offset,
						    den_snap_pad(cookie->size, 4), l->header.salt,
						    cookie->offset);
	l->header.sum = den_snap_sum((const uint8_t *)&l->header, sizeof l->header, l->header.salt,
				     0);
	memcpy(l->image, &l->header, sizeof l->header);
}

static int put_all(struct layout *l)
{
	const struct den_snapshot_builder *b = l->b;
	const struct membership *m = l->by_user;
	int r;

	for (size_t i = 0; i < b->users.count; i++)
		m += put_user(l, user_no(b, l->users[i]), m);
	m = l->by_group;
	for (size_t i = 0; i < b->groups.count; i++)
		m += put_group(l, group_no(b, l->groups[i]), m);
	if (b->cookie_size > 0)
		memcpy(l->image + l->header.section[DEN_SNAP_COOKIE].offset, b->cookie,
		       b->cookie_size);
	for (int x = 0; x < DEN_SNAP_INDEXES; x++) {
		r = put_index(l, (enum den_snap_index)x);
		if (r < 0)
			return r;
	}
	put_header(l);
	return 0;
}

static void begin_header(struct layout *l)
{
	const struct den_snapshot_meta *meta = &l->b->meta;

	l->header = (struct den_snap_header){
		.magic = DEN_SNAP_MAGIC,
		.byte_order = DEN_SNAP_BYTE_ORDER,
		.version = DEN_SNAPSHOT_VERSION,
		.header_size = sizeof l->header,
		.flags = meta->flags,
		.serial = meta->serial,
		.created = meta->created,
		.salt = den_snap_finish(den_snap_step(meta->serial + 1, (uint64_t)meta->created)),
		.uid_floor = meta->uid_floor,
		.gid_floor = meta->gid_floor,
		.users = (uint32_t)l->b->users.count,
		.groups = (uint32_t)l->b->groups.count,
	};
}

int den_snapshot_builder_image(struct den_snapshot_builder *b, void **image, size_t *size)
{
	struct layout l = { .b = b };
	int r;

	begin_header(&l);
	r = sort_all(&l);
	if (r == 0)
		r = count_memberships(&l);
	if (r == 0)
		r = place_all(&l);
	if (r < 0)
		goto out;
	l.image = calloc(1, l.header.file_size);
	if (l.image == NULL) {
		r = -ENOMEM;
		goto out;
	}
	r = put_all(&l);
	if (r < 0)
		goto out;
	*image = l.image;
	*size = l.header.file_size;
	l.image = NULL;
out:
	free(l.users);
	free(l.groups);
	free(l.by_user);
	free(l.by_group);
	free(l.image);
	return r;
}

/* ---- putting into force ---- */

static int write_bytes(int fd, const uint8_t *p, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

/* The new file, complete and on disk under the name ASIDE; on errors there is none. */
static int write_aside(int dir, const char *aside, const void *image, size_t size)
{
	int fd, r;

	if (unlinkat(dir, aside, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(dir, aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_bytes(fd, image, size);
	/* whatever the umask: every process reads it */
	if (r == 0 && fchmod(fd, 0644) < 0)
		r = -errno;
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir, aside, 0);
	return r;
}

/* The file to be replaced, open for marking; -ENOENT if there is none or it is no snapshot. */
static int open_old(int dir, const char *name)
{
	struct den_snap_header h;
	struct stat st;
	int fd;

	fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno == ELOOP || errno == EISDIR || errno == ENXIO ? -ENOENT : -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    pread(fd, &h, sizeof h, 0) == (ssize_t)sizeof h &&
	    memcmp(h.magic, DEN_SNAP_MAGIC, sizeof h.magic) == 0)
		return fd;
	close(fd);
	return -ENOENT;
}

static int mark(int fd, uint32_t superseded)
{
	off_t at = offsetof(struct den_snap_header, superseded);

	if (fd < 0)
		return 0;
	if (pwrite(fd, &superseded, sizeof superseded, at) != (ssize_t)sizeof superseded)
		return errno ? -errno : -EIO;
	return 0;
}

/*
 * Renames ASIDE to NAME. The old file is marked before that as well: were it not, a writer killed
 * just behind the rename would leave readers with a file that has lost its name, never to be
 * marked by anybody.
 */
static int put_into_force(int dir, const char *aside, const char *name)
{
	int old = open_old(dir, name), r;

	r = old < 0 && old != -ENOENT ? old : 0;
	if (r == 0)
		r = mark(old, DEN_SNAPSHOT_REPLACING);
	if (r == 0 && renameat(dir, aside, dir, name) < 0)
		r = -errno;
	if (r == 0) {
		mark(old, DEN_SNAPSHOT_REPLACED);
		/* the file is in force for every reader, so this failure takes nothing back */
		fsync(dir);
	} else {
		mark(old, DEN_SNAPSHOT_IN_FORCE);
		unlinkat(dir, aside, 0);
	}
	if (old >= 0)
		close(old);
	return r;
}

/* Opens the folder of PATH and sets *NAME to the rest. */
static int open_folder(const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	char *folder;
	int dir;

	*name = slash ? slash + 1 : path;
	if (**name == '\0')
		return -EINVAL;
	folder = slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (folder == NULL)
		return -ENOMEM;
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		dir = -errno;
	free(folder);
	return dir;
}

/*
 * Holds other writers off until the descriptor is closed. The lock is on a file of its own that only
 * the writer can open: on the folder, or the snapshot, any local user could take it.
 */
static int lock(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
	int r;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	r = errno == EWOULDBLOCK ? -EBUSY : -errno;
	close(fd);
	return r;
}

int den_snapshot_builder_write(struct den_snapshot_builder *b, const char *path)
{
	char *aside = NULL, *lock_name = NULL;
	int dir, locked = -1, r;
	void *image = NULL;
	const char *name;
	size_t size;

	dir = open_folder(path, &name);
	if (dir < 0)
		return dir;
	if (asprintf(&aside, "%s.new", name) < 0 || asprintf(&lock_name, "%s.lock", name) < 0) {
		r = -ENOMEM;
		goto out;
	}
	r = locked = lock(dir, lock_name);
	if (r < 0)
		goto out;
	r = den_snapshot_builder_image(b, &image, &size);
	if (r == 0)
		r = write_aside(dir, aside, image, size);
	if (r == 0)
		r = put_into_force(dir, aside, name);
out:
	free(aside);
	free(lock_name);
	free(image);
	if (locked >= 0)
		close(locked);
	close(dir);
	return r;
}
