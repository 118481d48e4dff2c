/*
 * Builder of a snapshot: collects what goes into it, in any order, and is then the source that
 * snapshot_layout.c reads.
 */
#include "core/snapshot_write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/snapshot_write-internal.h"

#define RECORDS_MAX (1u << 24)

struct user {
	struct den_snapshot_user user;	/* strings and extra are in `bytes` */
	char *bytes;
};

struct group {
	char *name;
	uint32_t gid;
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

/* Where a reading of the builder stands; records are numbers in the order of IDs. */
struct reading {
	uint32_t *users;
	uint32_t *groups;
	size_t user;		/* the next */
	size_t group;
	size_t membership;
	uint32_t *gids;		/* of the user last read */
	uint8_t *dated;
};

struct den_snapshot_builder {
	struct den_snapshot_frame frame;
	struct list users;
	struct list groups;
	struct list memberships;
	struct table index[DEN_SNAP_INDEXES];
	struct reading reading;
};

static inline struct user *user_no(const struct den_snapshot_builder *b, size_t i)
{
	return (struct user *)b->users.at + i;
}

static inline struct group *group_no(const struct den_snapshot_builder *b, size_t i)
{
	return (struct group *)b->groups.at + i;
}

static inline struct membership *membership_no(const struct den_snapshot_builder *b, size_t i)
{
	return (struct membership *)b->memberships.at + i;
}

/* The key of record I in an index: either a name or an ID. */
static inline const char *key_name(const struct den_snapshot_builder *b, enum den_snap_index x,
				   size_t i)
{
	return x == DEN_SNAP_BY_USER_NAME ? user_no(b, i)->user.name : group_no(b, i)->name;
}

static inline uint32_t key_id(const struct den_snapshot_builder *b, enum den_snap_index x, size_t i)
{
	return x == DEN_SNAP_BY_UID ? user_no(b, i)->user.uid : group_no(b, i)->gid;
}

static inline bool by_name(enum den_snap_index x)
{
	return x == DEN_SNAP_BY_USER_NAME || x == DEN_SNAP_BY_GROUP_NAME;
}

static inline uint64_t hash_key(enum den_snap_index x, const char *name, uint32_t id)
{
	size_t len;

	return by_name(x) ? den_snap_hash_name(name, DEN_SNAPSHOT_GROUP_NAME_MAX, 0, &len) :
			    den_snap_hash_id(id, 0);
}

static inline uint64_t hash_of(const struct den_snapshot_builder *b, enum den_snap_index x, size_t i)
{
	return by_name(x) ? hash_key(x, key_name(b, x, i), 0) : hash_key(x, NULL, key_id(b, x, i));
}

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

/* The place of a key in a table: that of its record, or the free one where it would go. */
static uint32_t *table_slot(const struct den_snapshot_builder *b, enum den_snap_index x,
			    const char *name, uint32_t id)
{
	const struct table *t = &b->index[x];
	size_t at = hash_key(x, name, id) & (t->room - 1);

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
		at = hash_of(b, x, t->slot[i] - 1) & (bigger.room - 1);
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
	b->frame.meta = *meta;
	if (meta->uid_floor < DEN_SNAPSHOT_ID_FLOOR)
		b->frame.meta.uid_floor = DEN_SNAPSHOT_ID_FLOOR;
	if (meta->gid_floor < DEN_SNAPSHOT_ID_FLOOR)
		b->frame.meta.gid_floor = DEN_SNAPSHOT_ID_FLOOR;
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
	free((void *)(uintptr_t)b->frame.cookie);
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
	free((void *)(uintptr_t)b->frame.cookie);
	b->frame.cookie = copy;
	b->frame.cookie_size = size;
	return 0;
}

int den_snapshot_builder_add_group(struct den_snapshot_builder *b, const char *name, uint32_t gid)
{
	struct group *g;
	int r;

	if (!den_snapshot_is_group_name(name) || !den_snapshot_is_id(gid, b->frame.meta.gid_floor))
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
static int check_string(const char *s)
{
	size_t len = strlen(s);

	if (len > DEN_SNAPSHOT_STRING_MAX)
		return -ENAMETOOLONG;
	for (size_t i = 0; i < len; i++)
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

/* A copy of S, a NULL one being empty, at *AT, which is moved behind its NUL. */
static const char *copy_string(char **at, const char *s)
{
	size_t size = s ? strlen(s) + 1 : 1;
	char *copy = *at;

	memcpy(copy, s ? s : "", size);
	*at += size;
	return copy;
}

static size_t string_size(const char *s)
{
	return s ? strlen(s) + 1 : 1;
}

static int copy_user(struct user *to, const struct den_snapshot_user *from)
{
	char *at = malloc(string_size(from->name) + string_size(from->dir) +
			  string_size(from->gecos) + string_size(from->shell) +
			  string_size(from->mail) + from->extra_size);

	if (at == NULL)
		return -ENOMEM;
	to->bytes = at;
	to->user = *from;
	to->user.name = copy_string(&at, from->name);
	to->user.dir = copy_string(&at, from->dir);
	to->user.gecos = copy_string(&at, from->gecos);
	to->user.shell = copy_string(&at, from->shell);
	to->user.mail = copy_string(&at, from->mail);
	if (from->extra_size > 0)
		memcpy(at, from->extra, from->extra_size);
	to->user.extra = at;
	return 0;
}

int den_snapshot_check_user(const struct den_snapshot_user *user, uint32_t uid_floor,
			    uint32_t gid_floor)
{
	const char *const strings[] = { user->dir, user->gecos, user->shell, user->mail };

	if (!den_snapshot_is_user_name(user->name) || user->until < 0 || !lang_ok(user->lang) ||
	    !den_snapshot_is_id(user->uid, uid_floor) || !den_snapshot_is_id(user->gid, gid_floor))
		return -EINVAL;
	if (user->extra_size > UINT16_MAX || user->flags > UINT16_MAX)
		return -E2BIG;
	for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
		int r = strings[i] ? check_string(strings[i]) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

int den_snapshot_builder_add_user(struct den_snapshot_builder *b,
				  const struct den_snapshot_user *user)
{
	struct user *u;
	int r;

	r = den_snapshot_check_user(user, b->frame.meta.uid_floor, b->frame.meta.gid_floor);
	if (r < 0)
		return r;
	if (b->users.count >= RECORDS_MAX)
		return -E2BIG;
	r = table_check_new(b, DEN_SNAP_BY_USER_NAME, user->name, 0);
	if (r == 0)
		r = table_check_new(b, DEN_SNAP_BY_UID, NULL, user->uid);
	if (r < 0)
		return r;
	u = list_add(&b->users, sizeof *u);
	if (u == NULL)
		return -ENOMEM;
	r = copy_user(u, user);
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

/* ---- the builder as a source ---- */

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_users(const void *a, const void *b, void *builder)
{
	return compare(user_no(builder, *(const uint32_t *)a)->user.uid,
		       user_no(builder, *(const uint32_t *)b)->user.uid);
}

static int compare_groups(const void *a, const void *b, void *builder)
{
	return compare(group_no(builder, *(const uint32_t *)a)->gid,
		       group_no(builder, *(const uint32_t *)b)->gid);
}

/* By uid, then by gid; pairs together, the longest one first. */
static int compare_memberships(const void *a, const void *b, void *builder)
{
	const struct membership *x = a, *y = b;
	int r = compare_users(&x->user, &y->user, builder);

	if (r == 0)
		r = compare_groups(&x->group, &y->group, builder);
	if (r == 0)
		r = compare((uint64_t)y->until - 1, (uint64_t)x->until - 1);
	return r;
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

	for (size_t i = 0; i < l->count; i++)
		if (n == 0 || m[i].user != m[n - 1].user || m[i].group != m[n - 1].group)
			m[n++] = m[i];
	l->count = n;
}

static void end_reading(struct den_snapshot_builder *b)
{
	free(b->reading.users);
	free(b->reading.groups);
	free(b->reading.gids);
	free(b->reading.dated);
	b->reading = (struct reading){ 0 };
}

static int begin_reading(struct den_snapshot_builder *b)
{
	struct reading *r = &b->reading;

	if (b->memberships.count > 0)
		qsort_r(b->memberships.at, b->memberships.count, sizeof(struct membership),
			compare_memberships, b);
	drop_repeated(&b->memberships);
	r->users = sorted_numbers(b, b->users.count, compare_users);
	r->groups = sorted_numbers(b, b->groups.count, compare_groups);
	r->gids = reallocarray(NULL, b->groups.count + 1, sizeof *r->gids);
	r->dated = reallocarray(NULL, b->groups.count + 1, DEN_SNAP_DATED_GID_SIZE);
	return r->users && r->groups && r->gids && r->dated ? 0 : -ENOMEM;
}

static void rewind_users(void *context)
{
	struct den_snapshot_builder *b = context;

	b->reading.user = b->reading.membership = 0;
}

static int next_user(void *context, struct den_snapshot_user *user,
		     struct den_snapshot_origin *origin)
{
	struct den_snapshot_builder *b = context;
	struct reading *at = &b->reading;
	uint32_t number;

	(void)origin;
	if (at->user == b->users.count)
		return -ENOENT;
	number = at->users[at->user++];
	*user = user_no(b, number)->user;
	user->gids = at->gids;
	user->dated = at->dated;
	user->gid_count = user->dated_count = 0;
	for (; at->membership < b->memberships.count &&
	       membership_no(b, at->membership)->user == number; at->membership++) {
		const struct membership *m = membership_no(b, at->membership);
		uint8_t *dated = at->dated + user->dated_count * DEN_SNAP_DATED_GID_SIZE;

		if (m->until == 0) {
			at->gids[user->gid_count++] = group_no(b, m->group)->gid;
			continue;
		}
		memcpy(dated, &group_no(b, m->group)->gid, 4);
		memcpy(dated + 4, &m->until, 8);
		user->dated_count++;
	}
	return 0;
}

static int next_group(void *context, struct den_snapshot_group *group,
		      struct den_snapshot_origin *origin)
{
	struct den_snapshot_builder *b = context;
	const struct group *g;

	(void)origin;
	if (b->reading.group == b->groups.count)
		return -ENOENT;
	g = group_no(b, b->reading.groups[b->reading.group++]);
	*group = (struct den_snapshot_group){ .name = g->name, .gid = g->gid };
	return 0;
}

static struct den_snapshot_source source_of(struct den_snapshot_builder *b)
{
	return (struct den_snapshot_source){
		.rewind = rewind_users,
		.next_user = next_user,
		.next_group = next_group,
		.context = b,
	};
}

int den_snapshot_builder_write(struct den_snapshot_builder *b, const char *path)
{
	struct den_snapshot_source source = source_of(b);
	int r = begin_reading(b);

	if (r == 0)
		r = den_snapshot_write(path, &b->frame, &source);
	end_reading(b);
	return r;
}

/* ---- into memory ---- */

struct image {
	uint8_t *bytes;
	size_t size;
};

static int begin_image(void *context, size_t size)
{
	struct image *image = context;

	image->bytes = calloc(1, size);
	image->size = size;
	return image->bytes ? 0 : -ENOMEM;
}

static int put_into_image(void *context, size_t at, const void *bytes, size_t size)
{
	struct image *image = context;

	memcpy(image->bytes + at, bytes, size);
	return 0;
}

int den_snapshot_builder_image(struct den_snapshot_builder *b, void **image, size_t *size)
{
	struct image made = { 0 };
	struct den_snap_sink sink = { begin_image, put_into_image, &made };
	struct den_snapshot_source source = source_of(b);
	int r = begin_reading(b);

	if (r == 0)
		r = den_snap_lay_out(&b->frame, &source, &sink);
	end_reading(b);
	if (r < 0) {
		free(made.bytes);
		return r;
	}
	*image = made.bytes;
	*size = made.size;
	return 0;
}
