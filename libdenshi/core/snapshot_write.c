/*
 * Writer of the snapshot: collects what goes into it. snapshot_layout.c makes the bytes,
 * snapshot_replace.c puts them into force.
 */
#include "core/snapshot_write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/snapshot_write-internal.h"

#define RECORDS_MAX (1u << 24)

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

int den_snapshot_builder_write(struct den_snapshot_builder *b, const char *path)
{
	void *image;
	size_t size;
	int r;

	r = den_snapshot_builder_image(b, &image, &size);
	if (r < 0)
		return r;
	r = den_snap_put_into_force(path, image, size);
	free(image);
	return r;
}
