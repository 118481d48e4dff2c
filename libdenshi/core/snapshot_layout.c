/*
 * Writer of the snapshot: lays the file out. The first reading of the source measures, the second
 * one writes each user where it belongs. What users come to out of order, the indexes before them
 * and the groups and origins behind them, is kept in memory until all are through.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/snapshot_write-internal.h"

/* Other hash seeds to try where one fills a chain of buckets. */
#define SEEDS 64u

/* On the average, of DEN_SNAP_SLOTS: more would make the index smaller and chains longer. */
#define KEYS_PER_BUCKET 7u

#define RECORDS_MAX (1u << 24)
#define BUFFER_SIZE 65536u

/* How long a key waits for its bucket to come into the cache. */
#define WAITING 16u

struct group {
	char *name;
	uint32_t gid;
	uint32_t members;
	uint32_t members_size;
	uint32_t dated;
	uint32_t offset;	/* in the file */
	uint32_t name_at;	/* where the next member's name goes, in the file */
	uint32_t dated_at;
	struct den_snapshot_origin origin;
};

struct by_gid {
	uint32_t gid;		/* 0: free */
	uint32_t number;
};

/* Lengths of a user's strings, and what follows from them. */
struct lengths {
	size_t name, dir, gecos, shell, mail;
	bool in_dir;
	size_t record;		/* padded */
};

/* A reference on its way into an index. */
struct waiting {
	enum den_snap_index index;
	uint32_t ref;
	uint64_t hash;
};

struct layout {
	const struct den_snapshot_source *source;
	const struct den_snap_sink *sink;
	struct den_snap_header header;
	struct group *groups;
	size_t group_room;
	struct by_gid *by_gid;	/* a hash table */
	uint32_t by_gid_mask;
	size_t user_sizes;
	uint8_t *head;		/* the indexes */
	uint8_t *tail;		/* groups, cookie, origins */
	uint8_t *buffer;	/* users on their way */
	size_t buffered;
	uint32_t user_at;	/* where the buffer begins, in the file */
	struct waiting waiting[WAITING];
	size_t waited;		/* how many came to wait, ever */
	unsigned int full;	/* the indexes that found no place for a key, a bit each */
};

/* ---- reading ---- */

static struct lengths lengths_of(const struct den_snapshot_user *u)
{
	struct lengths l = {
		.name = strlen(u->name),
		.dir = u->dir ? strlen(u->dir) : 0,
		.gecos = u->gecos ? strlen(u->gecos) : 0,
		.shell = u->shell ? strlen(u->shell) : 0,
		.mail = u->mail ? strlen(u->mail) : 0,
	};

	l.in_dir = l.dir >= l.name && memcmp(u->dir + l.dir - l.name, u->name, l.name) == 0;
	l.record = den_snap_pad(sizeof(struct den_snap_user) + u->gid_count * 4 +
				u->dated_count * DEN_SNAP_DATED_GID_SIZE + (u->until ? 8 : 0) +
				l.dir + l.gecos + l.shell + 3 + (l.in_dir ? 0 : l.name + 1) +
				(l.mail ? l.mail + 1 : 0) + u->extra_size, 4);
	return l;
}

static struct group *group_of(const struct layout *l, uint32_t gid)
{
	uint32_t at = (uint32_t)den_snap_hash_id(gid, 0) & l->by_gid_mask;

	for (; l->by_gid[at].gid != 0; at = (at + 1) & l->by_gid_mask)
		if (l->by_gid[at].gid == gid)
			return &l->groups[l->by_gid[at].number];
	return NULL;
}

static int add_group(struct layout *l, const struct den_snapshot_group *in,
		     const struct den_snapshot_origin *origin)
{
	struct group *g;

	if (in->gid == 0 ||
	    (l->header.groups > 0 && l->groups[l->header.groups - 1].gid >= in->gid))
		return -EINVAL;
	if (l->header.groups >= RECORDS_MAX)
		return -E2BIG;
	if (l->header.groups == l->group_room) {
		size_t room = l->group_room ? l->group_room * 2 : 64;

		g = reallocarray(l->groups, room, sizeof *g);
		if (g == NULL)
			return -ENOMEM;
		l->groups = g;
		l->group_room = room;
	}
	g = &l->groups[l->header.groups];
	*g = (struct group){ .name = strdup(in->name), .gid = in->gid, .origin = *origin };
	if (g->name == NULL)
		return -ENOMEM;
	l->header.groups++;
	return 0;
}

static int read_groups(struct layout *l)
{
	struct den_snapshot_origin origin = { 0 };
	struct den_snapshot_group g;
	uint32_t room = 64;
	int r;

	while ((r = l->source->next_group(l->source->context, &g, &origin)) == 0) {
		r = add_group(l, &g, &origin);
		if (r < 0)
			return r;
	}
	if (r != -ENOENT)
		return r;
	while (room < l->header.groups * 2)
		room *= 2;
	l->by_gid = calloc(room, sizeof *l->by_gid);
	if (l->by_gid == NULL)
		return -ENOMEM;
	l->by_gid_mask = room - 1;
	for (uint32_t i = 0; i < l->header.groups; i++) {
		uint32_t at = (uint32_t)den_snap_hash_id(l->groups[i].gid, 0) & l->by_gid_mask;

		while (l->by_gid[at].gid != 0)
			at = (at + 1) & l->by_gid_mask;
		l->by_gid[at] = (struct by_gid){ l->groups[i].gid, i };
	}
	return 0;
}

/* Calls EACH for every user, from the first one on. */
static int each_user(struct layout *l, int (*each)(struct layout *, const struct den_snapshot_user *,
						   const struct den_snapshot_origin *))
{
	struct den_snapshot_origin origin = { 0 };
	struct den_snapshot_user u;
	uint32_t last = 0;
	int r;

	l->source->rewind(l->source->context);
	while ((r = l->source->next_user(l->source->context, &u, &origin)) == 0) {
		if (u.uid <= last)
			return -EINVAL;
		last = u.uid;
		r = each(l, &u, &origin);
		if (r < 0)
			return r;
	}
	return r == -ENOENT ? 0 : r;
}

static uint32_t dated_gid(const struct den_snapshot_user *u, size_t i)
{
	return den_snap_load32(u->dated + i * DEN_SNAP_DATED_GID_SIZE);
}

static int measure_user(struct layout *l, const struct den_snapshot_user *u,
			const struct den_snapshot_origin *origin)
{
	struct lengths len = lengths_of(u);
	struct group *g;

	(void)origin;
	if (l->header.users >= RECORDS_MAX || u->gid_count > UINT16_MAX ||
	    u->dated_count > UINT16_MAX)
		return -E2BIG;
	l->header.users++;
	l->user_sizes += len.record;
	for (size_t i = 0; i < u->gid_count; i++) {
		g = group_of(l, u->gids[i]);
		if (g == NULL)
			return -EINVAL;
		g->members++;
		g->members_size += (uint32_t)len.name + 1;
	}
	for (size_t i = 0; i < u->dated_count; i++) {
		g = group_of(l, dated_gid(u, i));
		if (g == NULL)
			return -EINVAL;
		g->dated++;
	}
	return 0;
}

/* ---- places ---- */

/* Sets the section numbered NO to SIZE bytes at *AT and moves *AT behind it. */
static void place(struct layout *l, size_t no, uint64_t *at, uint64_t size)
{
	l->header.section[no].offset = (uint32_t)*at;
	l->header.section[no].size = (uint32_t)size;
	*at = den_snap_pad(*at + size, DEN_SNAP_ALIGN);
}

static void place_groups(struct layout *l, uint64_t *at)
{
	uint64_t end = *at;

	for (uint32_t i = 0; i < l->header.groups; i++) {
		struct group *g = &l->groups[i];

		g->offset = (uint32_t)end;
		end += den_snap_pad(sizeof(struct den_snap_group) + strlen(g->name) + 1 +
				    g->members_size, 4);
		g->dated_at = (uint32_t)end;
		end += (uint64_t)g->dated * DEN_SNAP_DATED_NAME_SIZE;
	}
	place(l, DEN_SNAP_GROUPS, at, end - *at);
}

/* Gives every section and group its place. */
static int place_all(struct layout *l, size_t cookie_size)
{
	struct den_snap_header *h = &l->header;
	uint64_t at = sizeof *h, records = (uint64_t)h->users + h->groups;

	for (size_t x = 0; x < DEN_SNAP_INDEXES; x++) {
		uint64_t n = x < DEN_SNAP_BY_GROUP_NAME ? h->users : h->groups;

		place(l, x, &at, (n + KEYS_PER_BUCKET - 1) / KEYS_PER_BUCKET *
				 sizeof(struct den_snap_bucket));
	}
	place(l, DEN_SNAP_USERS, &at, l->user_sizes);
	if (at > DEN_SNAPSHOT_SIZE_MAX)
		return -E2BIG;
	place_groups(l, &at);
	place(l, DEN_SNAP_COOKIE, &at, cookie_size);
	place(l, DEN_SNAP_ORIGINS, &at,
	      l->source->has_origins ? records * sizeof(struct den_snapshot_origin) : 0);
	if (at > DEN_SNAPSHOT_SIZE_MAX)
		return -E2BIG;
	h->file_size = at;
	return 0;
}

/* Where the byte at OFFSET of the file is kept until it is written: an index, or behind users. */
static uint8_t *at_head(const struct layout *l, uint32_t offset)
{
	return l->head + (offset - sizeof l->header);
}

static uint8_t *at_tail(const struct layout *l, uint32_t offset)
{
	return l->tail + (offset - l->header.section[DEN_SNAP_GROUPS].offset);
}

static void put_sum(const struct layout *l, uint8_t *p, uint32_t offset, size_t size)
{
	uint32_t sum = den_snap_sum(p + 4, size - 4, l->header.salt, offset);

	memcpy(p, &sum, sizeof sum);
}

/* ---- indexes ---- */

/*
 * Puts one reference into an index; false where the chain of full buckets gets too long. As long
 * as an index is filled, the place of a bucket's sum tells how many references it has.
 */
static bool put_ref(struct den_snap_bucket *buckets, uint32_t count, uint64_t hash, uint32_t ref)
{
	uint32_t at = den_snap_home(hash, count);

	for (uint32_t chain = 0; chain <= DEN_SNAP_CHAIN_MAX; chain++) {
		struct den_snap_bucket *bucket = &buckets[at];

		if (bucket->sum < DEN_SNAP_SLOTS) {
			bucket->tag[bucket->sum] = (uint8_t)hash;
			bucket->ref[bucket->sum++] = ref;
			return true;
		}
		bucket->ref[DEN_SNAP_SLOTS - 1] |= DEN_SNAP_MORE;
		if (++at == count)
			at = 0;
	}
	return false;
}

static struct den_snap_bucket *buckets_of(const struct layout *l, enum den_snap_index x,
					   uint32_t *count)
{
	const struct den_snap_section *section = &l->header.section[x];

	*count = section->size / (uint32_t)sizeof(struct den_snap_bucket);
	return (struct den_snap_bucket *)at_head(l, section->offset);
}

static void end_waiting(struct layout *l, const struct waiting *w)
{
	uint32_t count;
	struct den_snap_bucket *buckets = buckets_of(l, w->index, &count);

	if (!put_ref(buckets, count, w->hash, w->ref))
		l->full |= 1u << w->index;
}

static void end_all_waiting(struct layout *l)
{
	for (size_t i = 0; i < l->waited && i < WAITING; i++)
		end_waiting(l, &l->waiting[i]);
	l->waited = 0;
}

/* Index X finds the record at OFFSET by its name, or its ID where that is NULL. */
static void index_record(struct layout *l, enum den_snap_index x, const char *name, uint32_t id,
			 uint32_t offset)
{
	struct waiting *w = &l->waiting[l->waited % WAITING];
	uint32_t count, seed = l->header.hash_seed[x];
	struct den_snap_bucket *buckets = buckets_of(l, x, &count);
	size_t len;

	if (l->waited++ >= WAITING)
		end_waiting(l, w);
	*w = (struct waiting){
		.index = x,
		.ref = offset / 4,
		.hash = name ? den_snap_hash_name(name, DEN_SNAPSHOT_GROUP_NAME_MAX, seed, &len) :
			       den_snap_hash_id(id, seed),
	};
	__builtin_prefetch(&buckets[den_snap_home(w->hash, count)], 1);
}

static void sum_indexes(const struct layout *l)
{
	for (size_t x = 0; x < DEN_SNAP_INDEXES; x++) {
		const struct den_snap_section *section = &l->header.section[x];

		for (uint32_t at = 0; at < section->size; at += (uint32_t)sizeof(struct den_snap_bucket))
			put_sum(l, at_head(l, section->offset + at), section->offset + at,
				sizeof(struct den_snap_bucket));
	}
}

/* ---- records ---- */

static int flush(struct layout *l)
{
	int r = l->buffered ? l->sink->put(l->sink->context, l->user_at, l->buffer, l->buffered) : 0;

	l->user_at += (uint32_t)l->buffered;
	l->buffered = 0;
	return r;
}

static uint8_t *append(uint8_t *at, const void *bytes, size_t size)
{
	if (size > 0)
		memcpy(at, bytes, size);
	return at + size;
}

static uint8_t *append_string(uint8_t *at, const char *s, size_t len)
{
	at = append(at, s, len);
	*at++ = '\0';
	return at;
}

static void encode_user(uint8_t *p, const struct den_snapshot_user *u, const struct lengths *len)
{
	uint8_t *end = p + len->record;
	struct den_snap_user record = {
		.uid = u->uid,
		.gid = u->gid,
		.flags = (uint16_t)u->flags,
		.groups = (uint16_t)u->gid_count,
		.dated = (uint16_t)u->dated_count,
		.extra = (uint16_t)u->extra_size,
		.lang = { u->lang[0], u->lang[0] ? u->lang[1] : '\0' },
		.name = (uint8_t)len->name,
		.dir = (uint8_t)len->dir,
		.gecos = (uint8_t)len->gecos,
		.shell = (uint8_t)len->shell,
		.mail = (uint8_t)len->mail,
		.layout = (uint8_t)((u->until ? DEN_SNAP_USER_HAS_UNTIL : 0) |
				    (len->in_dir ? DEN_SNAP_USER_NAME_IN_DIR : 0)),
	};

	p = append(p, &record, sizeof record);
	p = append(p, u->gids, u->gid_count * 4);
	p = append(p, u->dated, u->dated_count * DEN_SNAP_DATED_GID_SIZE);
	p = append(p, &u->until, u->until ? 8 : 0);
	p = append_string(p, u->dir, len->dir);
	p = append_string(p, u->gecos, len->gecos);
	p = append_string(p, u->shell, len->shell);
	if (!len->in_dir)
		p = append_string(p, u->name, len->name);
	if (len->mail > 0)
		p = append_string(p, u->mail, len->mail);
	p = append(p, u->extra, u->extra_size);
	memset(p, 0, (size_t)(end - p));
}

/* Puts U's name into its groups. */
static void join_groups(const struct layout *l, const struct den_snapshot_user *u, size_t len)
{
	for (size_t i = 0; i < u->gid_count; i++) {
		struct group *g = group_of(l, u->gids[i]);

		memcpy(at_tail(l, g->name_at), u->name, len + 1);
		g->name_at += (uint32_t)len + 1;
	}
	for (size_t i = 0; i < u->dated_count; i++) {
		struct group *g = group_of(l, dated_gid(u, i));
		uint8_t *p = at_tail(l, g->dated_at);

		memcpy(p, u->dated + i * DEN_SNAP_DATED_GID_SIZE + 4, 8);
		memcpy(p + 8, u->name, len);
		g->dated_at += DEN_SNAP_DATED_NAME_SIZE;
	}
}

static void put_origin(const struct layout *l, size_t number, const struct den_snapshot_origin *origin)
{
	if (l->source->has_origins)
		memcpy(at_tail(l, l->header.section[DEN_SNAP_ORIGINS].offset +
				  (uint32_t)(number * sizeof *origin)), origin, sizeof *origin);
}

static int put_user(struct layout *l, const struct den_snapshot_user *u,
		    const struct den_snapshot_origin *origin)
{
	struct lengths len = lengths_of(u);
	uint32_t offset;
	int r;

	if (l->buffered + len.record > BUFFER_SIZE) {
		r = flush(l);
		if (r < 0)
			return r;
	}
	offset = l->user_at + (uint32_t)l->buffered;
	encode_user(l->buffer + l->buffered, u, &len);
	put_sum(l, l->buffer + l->buffered, offset, len.record);
	l->buffered += len.record;
	index_record(l, DEN_SNAP_BY_USER_NAME, u->name, 0, offset);
	index_record(l, DEN_SNAP_BY_UID, NULL, u->uid, offset);
	join_groups(l, u, len.name);
	put_origin(l, l->header.users++, origin);
	return 0;
}

/* All users, and the members of all groups. Done again with another seed while an index is full. */
static int put_users(struct layout *l)
{
	const struct den_snap_section *indexes = l->header.section;
	uint32_t users = l->header.users;
	int r;

	l->full = 0;
	l->user_at = l->header.section[DEN_SNAP_USERS].offset;
	l->header.users = 0;
	memset(l->head, 0, indexes[DEN_SNAP_BY_GROUP_NAME].offset - sizeof l->header);
	for (uint32_t i = 0; i < l->header.groups; i++) {
		struct group *g = &l->groups[i];
		size_t names = sizeof(struct den_snap_group) + strlen(g->name) + 1;

		g->name_at = g->offset + (uint32_t)names;
		g->dated_at = g->offset + (uint32_t)den_snap_pad(names + g->members_size, 4);
	}
	r = each_user(l, put_user);
	end_all_waiting(l);
	if (r == 0)
		r = flush(l);
	/* a source that isn't the same every time */
	if (r == 0 && l->header.users != users)
		r = -EINVAL;
	l->header.users = users;
	return r;
}

static void put_group(struct layout *l, const struct group *g)
{
	size_t len = strlen(g->name);
	uint8_t *p = at_tail(l, g->offset);
	struct den_snap_group record = {
		.gid = g->gid,
		.members = g->members,
		.members_size = g->members_size,
		.dated = g->dated,
		.name = (uint8_t)len,
	};

	memcpy(p, &record, sizeof record);
	memcpy(p + sizeof record, g->name, len + 1);
	put_sum(l, p, g->offset,
		den_snap_pad(sizeof record + len + 1 + g->members_size, 4) +
			(size_t)g->dated * DEN_SNAP_DATED_NAME_SIZE);
	index_record(l, DEN_SNAP_BY_GROUP_NAME, g->name, 0, g->offset);
	index_record(l, DEN_SNAP_BY_GID, NULL, g->gid, g->offset);
}

static void put_groups(struct layout *l)
{
	uint32_t at = l->header.section[DEN_SNAP_BY_GROUP_NAME].offset;

	l->full = 0;
	memset(at_head(l, at), 0, l->header.section[DEN_SNAP_USERS].offset - at);
	for (uint32_t i = 0; i < l->header.groups; i++) {
		put_group(l, &l->groups[i]);
		put_origin(l, l->header.users + i, &l->groups[i].origin);
	}
	end_all_waiting(l);
}

/* Other seeds for the indexes that were full; -E2BIG where there are none left. */
static int next_seeds(struct layout *l)
{
	for (size_t x = 0; x < DEN_SNAP_INDEXES; x++)
		if (l->full & 1u << x && ++l->header.hash_seed[x] > SEEDS)
			return -E2BIG;
	return 0;
}

static int put_all(struct layout *l)
{
	int r;

	do {
		r = put_users(l);
	} while (r == 0 && l->full && (r = next_seeds(l)) == 0);
	while (r == 0) {
		put_groups(l);
		if (!l->full)
			break;
		r = next_seeds(l);
	}
	return r;
}

/* ---- all of it ---- */

static uint32_t sum_of_section(const struct layout *l, enum den_snap_section_no no)
{
	const struct den_snap_section *x = &l->header.section[no];

	return x->size ? den_snap_sum(at_tail(l, x->offset), den_snap_pad(x->size, 4),
				      l->header.salt, x->offset) : 0;
}

static int write_rest(struct layout *l, const struct den_snapshot_frame *frame)
{
	struct den_snap_header *h = &l->header;
	const struct den_snap_sink *sink = l->sink;
	uint32_t tail = h->section[DEN_SNAP_GROUPS].offset;
	int r;

	append(at_tail(l, h->section[DEN_SNAP_COOKIE].offset), frame->cookie, frame->cookie_size);
	h->cookie_sum = sum_of_section(l, DEN_SNAP_COOKIE);
	h->origins_sum = sum_of_section(l, DEN_SNAP_ORIGINS);
	h->sum = den_snap_sum((const uint8_t *)h, sizeof *h, h->salt, 0);
	sum_indexes(l);
	r = sink->put(sink->context, sizeof *h, l->head,
		      h->section[DEN_SNAP_USERS].offset - sizeof *h);
	if (r == 0)
		r = sink->put(sink->context, tail, l->tail, h->file_size - tail);
	if (r == 0)
		r = sink->put(sink->context, 0, h, sizeof *h);
	return r;
}

static int begin(struct layout *l)
{
	const struct den_snap_section *x = l->header.section;

	l->head = malloc(x[DEN_SNAP_USERS].offset - sizeof l->header + 1);
	l->tail = calloc(1, l->header.file_size - x[DEN_SNAP_GROUPS].offset + 1);
	/* the longest record fits, though hardly any is longer than what is flushed at once */
	l->buffer = malloc(BUFFER_SIZE + UINT16_MAX * (4 + DEN_SNAP_DATED_GID_SIZE + 1) +
			   8 * DEN_SNAPSHOT_STRING_MAX);
	if (l->head == NULL || l->tail == NULL || l->buffer == NULL)
		return -ENOMEM;
	return l->sink->begin(l->sink->context, l->header.file_size);
}

static struct den_snap_header new_header(const struct den_snapshot_meta *meta)
{
	return (struct den_snap_header){
		.magic = DEN_SNAP_MAGIC,
		.byte_order = DEN_SNAP_BYTE_ORDER,
		.version = DEN_SNAPSHOT_VERSION,
		.header_size = sizeof(struct den_snap_header),
		.flags = meta->flags,
		.serial = meta->serial,
		.created = meta->created,
		.salt = den_snap_finish(den_snap_step(meta->serial + 1, (uint64_t)meta->created)),
		.uid_floor = meta->uid_floor,
		.gid_floor = meta->gid_floor,
		.hash_seed = { 1, 1, 1, 1 },
	};
}

int den_snap_lay_out(const struct den_snapshot_frame *frame,
		     const struct den_snapshot_source *source, const struct den_snap_sink *sink)
{
	struct layout l = { .source = source, .sink = sink, .header = new_header(&frame->meta) };
	int r;

	r = frame->cookie_size > DEN_SNAPSHOT_SIZE_MAX / 2 ? -E2BIG : read_groups(&l);
	if (r == 0)
		r = each_user(&l, measure_user);
	if (r == 0)
		r = place_all(&l, frame->cookie_size);
	if (r == 0)
		r = begin(&l);
	if (r == 0)
		r = put_all(&l);
	if (r == 0)
		r = write_rest(&l, frame);
	for (uint32_t i = 0; i < l.header.groups; i++)
		free(l.groups[i].name);
	free(l.groups);
	free(l.by_gid);
	free(l.head);
	free(l.tail);
	free(l.buffer);
	return r;
}
