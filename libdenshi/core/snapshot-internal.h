/*
 * What the reader and the writer of the snapshot share: the structures of the format described in
 * snapshot.h, hashes and sums.
 */
#ifndef DENSHI_CORE_SNAPSHOT_INTERNAL_H
#define DENSHI_CORE_SNAPSHOT_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#define DEN_SNAP_MAGIC "DenSnap\n"
#define DEN_SNAP_BYTE_ORDER 0x01020304u
#define DEN_SNAP_ALIGN 64u
#define DEN_SNAP_SLOTS 12u
#define DEN_SNAP_CHAIN_MAX 8u
#define DEN_SNAP_MORE 0x80000000u

#define DEN_SNAP_USER_HAS_UNTIL 0x1u
#define DEN_SNAP_USER_NAME_IN_DIR 0x2u
#define DEN_SNAP_DATED_GID_SIZE 12u
#define DEN_SNAP_DATED_NAME_SIZE 24u

enum den_snap_index {
	DEN_SNAP_BY_USER_NAME,
	DEN_SNAP_BY_UID,
	DEN_SNAP_BY_GROUP_NAME,
	DEN_SNAP_BY_GID,
	DEN_SNAP_INDEXES,
};

enum den_snap_section_no {
	DEN_SNAP_USERS = DEN_SNAP_INDEXES,
	DEN_SNAP_GROUPS,
	DEN_SNAP_COOKIE,
	DEN_SNAP_ORIGINS,
	DEN_SNAP_SECTIONS,
};

struct den_snap_section {
	uint32_t offset;
	uint32_t size;
};

struct den_snap_header {
	char magic[8];
	uint32_t byte_order;
	uint32_t version;
	uint32_t header_size;
	uint32_t sum;
	uint32_t superseded;
	uint32_t flags;
	uint64_t file_size;
	uint64_t serial;
	int64_t created;
	uint64_t salt;
	uint32_t uid_floor;
	uint32_t gid_floor;
	uint32_t users;
	uint32_t groups;
	struct den_snap_section section[DEN_SNAP_SECTIONS];
	uint32_t hash_seed[DEN_SNAP_INDEXES];
	uint32_t cookie_sum;
	uint32_t origins_sum;
	uint8_t zero[88];
};

struct den_snap_bucket {
	uint32_t sum;
	uint8_t tag[DEN_SNAP_SLOTS];
	uint32_t ref[DEN_SNAP_SLOTS];
};

struct den_snap_user {
	uint32_t sum;
	uint32_t uid;
	uint32_t gid;
	uint16_t flags;
	uint16_t groups;
	uint16_t dated;
	uint16_t extra;
	char lang[2];
	uint8_t name;
	uint8_t dir;
	uint8_t gecos;
	uint8_t shell;
	uint8_t mail;
	uint8_t layout;
};

struct den_snap_group {
	uint32_t sum;
	uint32_t gid;
	uint32_t members;
	uint32_t members_size;
	uint32_t dated;
	uint8_t name;
	uint8_t zero[3];
};

_Static_assert(sizeof(struct den_snap_header) == 256, "the format's header");
_Static_assert(sizeof(struct den_snap_bucket) == 64, "the format's bucket");
_Static_assert(sizeof(struct den_snap_user) == 28, "the format's user record");
_Static_assert(sizeof(struct den_snap_group) == 24, "the format's group record");

/* One step of hashes and sums: given the word a bijection of the state, and the reverse. */
static inline uint64_t den_snap_step(uint64_t state, uint64_t word)
{
	state = (state ^ word) * 0x9e3779b97f4a7c15u;
	return state << 29 | state >> 35;
}

static inline uint64_t den_snap_finish(uint64_t state)
{
	state ^= state >> 32;
	state *= 0xd6e8feb86659fd93u;
	return state ^ state >> 32;
}

static inline uint64_t den_snap_load64(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof w);
	return w;
}

static inline uint32_t den_snap_load32(const uint8_t *p)
{
	uint32_t w;

	memcpy(&w, p, sizeof w);
	return w;
}

/* The 128-bit product of A and B, folded. */
static inline uint64_t den_snap_fold(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
	uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
	uint64_t low = al * bl, m1 = ah * bl, m2 = al * bh;
	uint64_t middle = (low >> 32) + (uint32_t)m1 + (uint32_t)m2;

	return (middle << 32 | (uint32_t)low) ^
	       (ah * bh + (m1 >> 32) + (m2 >> 32) + (middle >> 32));
#endif
}

/*
 * The sum of SIZE bytes, a multiple of 4. Each 16 bytes are multiplied with each other under a key
 * of their place: no multiplication waits for another one, and none for the next 16 bytes.
 */
static inline uint32_t den_snap_sum(const uint8_t *p, size_t size, uint64_t salt, uint32_t place)
{
	uint64_t key = salt ^ (uint64_t)place * 0xd6e8feb86659fd93u, sum = size;

	for (; size >= 16; p += 16, size -= 16) {
		sum ^= den_snap_fold(den_snap_load64(p) ^ key,
				     den_snap_load64(p + 8) ^ 0xa0761d6478bd642fu);
		key += 0x9e3779b97f4a7c15u;
	}
	if (size >= 8) {
		sum ^= den_snap_fold(den_snap_load64(p) ^ key, 0xe7037ed1a0b428dbu);
		key += 0x9e3779b97f4a7c15u;
		p += 8;
		size -= 8;
	}
	if (size >= 4)
		sum ^= den_snap_fold(den_snap_load32(p) ^ key, 0x8ebc6af09c88c6e3u);
	return (uint32_t)(den_snap_fold(sum, 0x589965cc75374cc3u) >> 32);
}

static inline uint64_t den_snap_hash_id(uint32_t id, uint32_t seed)
{
	return den_snap_finish(den_snap_step(seed, id));
}

/* The bucket, of COUNT, where a key with this hash belongs. */
static inline uint32_t den_snap_home(uint64_t hash, uint32_t count)
{
	return (uint32_t)(((hash >> 32) * count) >> 32);
}

static inline size_t den_snap_pad(size_t n, size_t align)
{
	return (n + align - 1) & ~(align - 1);
}

struct den_snapshot {
	const uint8_t *base;
	size_t size;
	struct den_snap_header header;	/* the checked copy */
	uint32_t uid_floor;
	uint32_t gid_floor;
	bool mapped;
	dev_t dev;
	ino_t ino;
};

/* Whether the SIZE bytes at OFFSET are whole: a sum, and what it is of. */
static inline bool den_snap_sum_right(const struct den_snapshot *s, uint32_t offset, size_t size,
				      uint32_t sum)
{
	return den_snap_sum(s->base + offset + 4, size - 4, s->header.salt, offset) == sum;
}

/*
 * Hashes NAME, which may have up to MAX lower-case letters, digits, '-' and '.'. Sets *LEN to its
 * length, or to 0 if it is anything else.
 */
uint64_t den_snap_hash_name(const char *name, size_t max, uint32_t seed, size_t *len);

#endif
