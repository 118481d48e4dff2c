/*
 * What the collecting and the laying out of a snapshot share: the builder's guts.
 */
#ifndef DENSHI_CORE_SNAPSHOT_WRITE_INTERNAL_H
#define DENSHI_CORE_SNAPSHOT_WRITE_INTERNAL_H

#include "core/snapshot-internal.h"
#include "core/snapshot_write.h"

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

static inline struct user *user_no(const struct den_snapshot_builder *b, size_t i)
{
	return (struct user *)b->users.at + i;
}

static inline struct group *group_no(const struct den_snapshot_builder *b, size_t i)
{
	return (struct group *)b->groups.at + i;
}

static inline const char *user_name(const struct user *u)
{
	return u->bytes + u->name_at;
}

/* The key of record I in an index: either a name or an ID. */
static inline const char *key_name(const struct den_snapshot_builder *b, enum den_snap_index x,
				   size_t i)
{
	return x == DEN_SNAP_BY_USER_NAME ? user_name(user_no(b, i)) : group_no(b, i)->name;
}

static inline uint32_t key_id(const struct den_snapshot_builder *b, enum den_snap_index x, size_t i)
{
	return x == DEN_SNAP_BY_UID ? user_no(b, i)->record.uid : group_no(b, i)->gid;
}

static inline bool by_name(enum den_snap_index x)
{
	return x == DEN_SNAP_BY_USER_NAME || x == DEN_SNAP_BY_GROUP_NAME;
}

static inline uint64_t hash_key(enum den_snap_index x, const char *name, uint32_t id, uint32_t seed)
{
	size_t len;

	return by_name(x) ? den_snap_hash_name(name, DEN_SNAPSHOT_GROUP_NAME_MAX, seed, &len) :
			    den_snap_hash_id(id, seed);
}

static inline uint64_t hash_of(const struct den_snapshot_builder *b, enum den_snap_index x,
			       size_t i, uint32_t seed)
{
	return by_name(x) ? hash_key(x, key_name(b, x, i), 0, seed) :
			    hash_key(x, NULL, key_id(b, x, i), seed);
}

/*
 * Puts the SIZE bytes at IMAGE into force at PATH, as den_snapshot_builder_write() says; that one
 * has made them.
 */
int den_snap_put_into_force(const char *path, const void *image, size_t size);

#endif
