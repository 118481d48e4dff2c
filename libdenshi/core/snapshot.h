/*
 * The snapshot: a host's immutable file of the published state, read by NSS.
 *
 * This comment is the format's document; docs/snapshot.md has the picture. Whoever changes the
 * format changes DEN_SNAPSHOT_VERSION. The structures are in snapshot-internal.h.
 *
 * Life of a file
 *	It is written aside, fsynced and renamed into place, and never changed again but for one
 *	word, `superseded`. The writer sets it to 1 just before the rename and to 2 just after it: a
 *	writer that dies in between leaves no reader behind that would never look again. Readers
 *	poll that word in their mapping, so a lookup costs no system call. The file is never
 *	truncated while it may be mapped.
 *
 * Layout
 *	All numbers are in the byte order of the host that wrote the file. Sections begin at
 *	multiples of 64, in this order, without overlap; an offset counts from the beginning of the
 *	file. Records begin at multiples of 4 and are padded with zeros to the next one.
 *
 *	header (256 bytes)
 *		  0  char magic[8]	"DenSnap\n"
 *		  8  u32 byte_order	0x01020304
 *		 12  u32 version	2
 *		 16  u32 header_size	256
 *		 20  u32 sum		of the header, `sum` and `superseded` taken as zero
 *		 24  u32 superseded	0 in force; 1 about to be replaced; 2 replaced
 *		 28  u32 flags		DEN_SNAPSHOT_NO_ENUMERATION
 *		 32  u64 file_size	in bytes; a file of another size is damaged
 *		 40  u64 serial		of the user update in force
 *		 48  i64 created	seconds since the epoch
 *		 56  u64 salt		of all sums of this file
 *		 64  u32 uid_floor, 68 u32 gid_floor
 *		 72  u32 users, 76 u32 groups		how many
 *		 80  8 sections of { u32 offset, u32 size }: user names, uids, group names,
 *		     gids (the four indexes), user records, group records, cookie, origins
 *		144  u32 hash_seed[4]	of the four indexes
 *		160  u32 cookie_sum, origins_sum, zeros up to 256
 *
 *	index: an array of buckets of 64 bytes, one cache line each
 *		u32 sum; u8 tag[12]; u32 ref[12]
 *		A key hashes to 64 bits: the upper 32 choose the bucket, the lower 8 are the tag.
 *		ref is the record's offset / 4, or 0 for a free place; places are filled from the
 *		first on. Bit 31 of ref[11] says that keys of this bucket went on to the next one (at
 *		most 8 further).
 *
 *	user record, sorted by uid
 *		u32 sum, uid, gid; u16 flags, groups, dated, extra; char lang[2]; u8 name, dir,
 *		gecos, shell (lengths without the NUL), mail, layout
 *		u32 gids[groups]; { u32 gid, i64 until } dated[]; i64 until, if layout has bit 0
 *		dir NUL gecos NUL shell NUL, name NUL unless layout has bit 1: then the name is the
 *		end of dir
 *		mail NUL, if mail isn't 0; extra bytes
 *
 *	group record, sorted by gid
 *		u32 sum, gid, members, members_size, dated; u8 name; u8 zero[3]
 *		name NUL; members_size bytes: the members' names, each with its NUL
 *		at the next multiple of 4: { i64 until, char name[16] } dated[]
 *
 *	cookie: bytes that belong to the writer
 *
 *	origins, empty or one for each user and then each group record, in their order:
 *		u8 uuid[16]; u32 serial
 *
 * A user's groups and a group's members are within the record, so a lookup touches a bucket and a
 * record, about two cache misses at any size, and initgroups costs its answer. Memberships with an
 * end (R-AUTH-8) stand apart from the others: where there is none, no clock is read.
 *
 * What is checked when
 *	A sum over the whole file at each open would cost every new process milliseconds for the
 *	sake of one lookup. So the header has a sum, checked at open together with the bounds of all
 *	sections; every bucket and every record has one, checked by the lookup that uses it (some
 *	nanoseconds, the bytes being needed anyway); den_snapshot_verify() checks all there is. Each
 *	sum is seeded with the file's salt and the place, so that a piece of another file or another
 *	place does not pass. Sums find damage; they are no defence against an owner of the file, who
 *	could write any. What holds even then: no read outside of the mapping, no id below the
 *	floors, no name that isn't denshi's.
 *
 * Errors are negative errno values: -ENOENT not found, -EBADMSG damaged. No function logs, blocks
 * or keeps state beyond its handle; a handle may be used by many threads at once.
 */
#ifndef DENSHI_CORE_SNAPSHOT_H
#define DENSHI_CORE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define DEN_SNAPSHOT_VERSION 2u
#ifndef DEN_SNAPSHOT_PATH
#define DEN_SNAPSHOT_PATH "/var/lib/denshi/snapshot"
#endif
#define DEN_SNAPSHOT_SIZE_MAX (1u << 30)

/* No uid or gid below it is ever returned, whatever the file says. */
#define DEN_SNAPSHOT_ID_FLOOR 1000u

/* Lengths without the NUL. */
#define DEN_SNAPSHOT_USER_NAME_MIN 8u
#define DEN_SNAPSHOT_USER_NAME_MAX 14u
#define DEN_SNAPSHOT_GROUP_NAME_MAX 63u
#define DEN_SNAPSHOT_STRING_MAX 255u

/* Flags of the file. */
#define DEN_SNAPSHOT_NO_ENUMERATION 0x1u

/* Flags of a user; the snapshot carries them, it doesn't act on them. */
#define DEN_USER_MASTER 0x1u
#define DEN_USER_SUSPENDED 0x2u
#define DEN_USER_APPROVER 0x4u

enum den_snapshot_superseded {
	DEN_SNAPSHOT_IN_FORCE = 0,
	DEN_SNAPSHOT_REPLACING = 1,
	DEN_SNAPSHOT_REPLACED = 2,
};

struct den_snapshot;

struct den_snapshot_meta {
	uint64_t serial;	/* of the user update in force (R-UPD-2) */
	int64_t created;	/* seconds since the epoch */
	uint32_t flags;
	uint32_t uid_floor;	/* raised to DEN_SNAPSHOT_ID_FLOOR where lower */
	uint32_t gid_floor;
};

/*
 * A user. The writer takes it, the reader gives it; its pointers then point into the snapshot and
 * live as long as that is open. Members below the line are set by the reader only.
 */
struct den_snapshot_user {
	const char *name;
	const char *gecos;
	const char *dir;
	const char *shell;
	const char *mail;	/* NULL: none */
	const void *extra;	/* the writer's own bytes */
	size_t extra_size;	/* up to 65535 */
	int64_t until;		/* seconds since the epoch; 0: no end */
	uint32_t uid;
	uint32_t gid;
	uint32_t flags;		/* below 65536 */
	char lang[3];		/* "ja", "en", or "" for none */
	/* ---- */
	size_t name_len;
	size_t strings_size;	/* dir, gecos, shell and name are in so many bytes from dir on */
	const uint32_t *gids;	/* groups without an end, in ascending order */
	size_t gid_count;
	size_t dated_count;	/* groups with one: den_snapshot_user_dated() */
	const uint8_t *dated;
};

struct den_snapshot_group {
	const char *name;	/* followed, after its NUL, by members_size bytes */
	size_t name_len;
	const char *members;	/* names of the members without an end, each with its NUL */
	size_t members_size;
	size_t member_count;
	size_t dated_count;	/* members with one: den_snapshot_group_dated() */
	const uint8_t *dated;
	uint32_t gid;
};

/* A membership that ends (R-AUTH-8). */
struct den_snapshot_dated {
	int64_t until;		/* seconds since the epoch */
	uint32_t gid;
	size_t name_len;
	char name[16];		/* the member's, from den_snapshot_group_dated() only */
};

/*
 * Whether NAME can be a login ID (R-ID-1) or a denshi group (R-AUTH-6). This is the one place that
 * decides about case: login IDs are stored in lower case, and a name with a capital letter is
 * nobody's here. Comparing without regard to case is for those who take a typed login ID and
 * lower it before; to NSS, two spellings of one user would be two owners of one file.
 */
bool den_snapshot_is_user_name(const char *name);
bool den_snapshot_is_group_name(const char *name);

/* Whether a user or a group may have this ID under FLOOR, as the file or the writer gives it. */
bool den_snapshot_is_id(uint32_t id, uint32_t floor);

/*
 * Opens the snapshot at PATH; the caller closes it. No descriptor stays open.
 *
 * The file must be a regular one, no symbolic link, writable by its owner only, and belong to root
 * or to whoever owns the directory it lies in, which then mustn't be writable by others either.
 * Returns -EPERM when it isn't so, -EBADMSG when the header is damaged, -EPROTONOSUPPORT for
 * another version or byte order, -EFBIG above DEN_SNAPSHOT_SIZE_MAX, or what the system says.
 */
int den_snapshot_open(const char *path, struct den_snapshot **snap);

/* The same over SIZE bytes at DATA (aligned to 8), which the caller keeps until the close. */
int den_snapshot_open_memory(const void *data, size_t size, struct den_snapshot **snap);

/* Accepts NULL. */
void den_snapshot_close(struct den_snapshot *snap);

void den_snapshot_meta(const struct den_snapshot *snap, struct den_snapshot_meta *meta);
size_t den_snapshot_user_count(const struct den_snapshot *snap);
size_t den_snapshot_group_count(const struct den_snapshot *snap);

/* The word to poll, and whether two handles are of one and the same file. */
const uint32_t *den_snapshot_superseded(const struct den_snapshot *snap);
bool den_snapshot_same_file(const struct den_snapshot *a, const struct den_snapshot *b);

/* The writer's bytes, as given to den_snapshot_builder_set_cookie(); -ENOENT: none. */
int den_snapshot_cookie(const struct den_snapshot *snap, const void **cookie, size_t *size);

/* The directory's entry that a record was made of, for whoever writes the next snapshot. */
struct den_snapshot_origin {
	uint8_t uuid[16];
	uint32_t serial;	/* of the user update that made the entry */
};

/*
 * Those of all users by ascending uid, then of all groups by ascending gid; -ENOENT: the writer
 * gave none. Checks their sum, so it takes as long as reading them does.
 */
int den_snapshot_origins(const struct den_snapshot *snap, const struct den_snapshot_origin **origins,
			 size_t *count);

/*
 * The pages of the mapping that were read are no longer counted as this process's memory; whoever
 * reads on gets them back from the page cache.
 */
void den_snapshot_let_go(const struct den_snapshot *snap);

/* Lookups: 0, -ENOENT or -EBADMSG. A name that isn't denshi's is not found. */
int den_snapshot_user_by_name(const struct den_snapshot *snap, const char *name,
			      struct den_snapshot_user *user);
int den_snapshot_user_by_uid(const struct den_snapshot *snap, uint32_t uid,
			     struct den_snapshot_user *user);
int den_snapshot_group_by_name(const struct den_snapshot *snap, const char *name,
			       struct den_snapshot_group *group);
int den_snapshot_group_by_gid(const struct den_snapshot *snap, uint32_t gid,
			      struct den_snapshot_group *group);

/*
 * All users by ascending uid, all groups by ascending gid: *POS is 0 at first and is moved behind
 * the one returned. -ENOENT at the end. After -EBADMSG there is no going on.
 */
int den_snapshot_next_user(const struct den_snapshot *snap, uint32_t *pos,
			   struct den_snapshot_user *user);
int den_snapshot_next_group(const struct den_snapshot *snap, uint32_t *pos,
			    struct den_snapshot_group *group);

/* Whether a membership or a user with this end is over at NOW; 0 means no end. */
static inline bool den_snapshot_ended(int64_t until, int64_t now)
{
	return until != 0 && until <= now;
}

/* The I-th of dated_count memberships, ended or not: 0 or -EBADMSG. */
int den_snapshot_user_dated(const struct den_snapshot *snap, const struct den_snapshot_user *user,
			    size_t i, struct den_snapshot_dated *dated);
int den_snapshot_group_dated(const struct den_snapshot *snap,
			     const struct den_snapshot_group *group, size_t i,
			     struct den_snapshot_dated *dated);

/*
 * Puts up to MAX gids of the groups that USER is in at NOW into GIDS. Returns how many there are,
 * which may be more, or -EBADMSG.
 */
ssize_t den_snapshot_user_groups(const struct den_snapshot *snap,
				 const struct den_snapshot_user *user, int64_t now, uint32_t *gids,
				 size_t max);

/*
 * Calls EACH with the name of every member that GROUP has at NOW, until one call returns other
 * than 0, which is then returned. Otherwise 0 or -EBADMSG.
 */
int den_snapshot_group_members(const struct den_snapshot *snap,
			       const struct den_snapshot_group *group, int64_t now,
			       int (*each)(const char *name, void *arg), void *arg);

/*
 * The length of the name at the beginning of SIZE bytes of a group's members, or 0 if there is no
 * login ID (R-ID-1).
 */
size_t den_snapshot_member_len(const char *p, size_t size);

/*
 * Checks every byte: all sums, that each user and group is found by its name and ID, in order and
 * once, that members and groups exist on both sides, and that what is unused is zero. 0 or
 * -EBADMSG. Takes some hundred milliseconds for 100,000 users: for denshid and the administrator,
 * not for NSS.
 */
int den_snapshot_verify(const struct den_snapshot *snap);

#endif
