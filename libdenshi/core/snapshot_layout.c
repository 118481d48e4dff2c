/*
 * Writer of the snapshot: sorts what was collected and lays the file's image out in memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/snapshot_write-internal.h"

/* Other hash seeds to try where one fills a chain of buckets. */
#define SEEDS 64u

/* On the average, of DEN_SNAP_SLOTS: more would make the index smaller and chains longer. */
#define KEYS_PER_BUCKET 6u

/* What one den_snapshot_builder_image() works with; records are numbers in the order of IDs. */
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
	return den_snap_pad(sizeof(struct den_snap_group) + strlen(g->name) + 1 + g->members_size,
			    4);
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
