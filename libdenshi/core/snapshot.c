/*
 * Reader of the snapshot. Everything in the file is somebody else's word: what a read depends on is
 * copied out first, then checked, then used.
 */
#include "core/snapshot.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/snapshot-internal.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* The copy made before it is the one that gets used: nothing is read a second time. */
#define read_once() __asm__ volatile("" ::: "memory")

/* ---- names and IDs ---- */

static inline bool is_letter_or_digit(unsigned char c)
{
	return (unsigned char)(c - 'a') < 26 || (unsigned char)(c - '0') < 10;
}

uint64_t den_snap_hash_name(const char *name, size_t max, uint32_t seed, size_t *len)
{
	uint64_t hash = seed, word = 0;
	size_t i;

	for (i = 0; name[i] != '\0'; i++) {
		unsigned char c = (unsigned char)name[i];

		if (unlikely(i == max || !(is_letter_or_digit(c) || c == '-' || c == '.'))) {
			*len = 0;
			return 0;
		}
		word |= (uint64_t)c << (i % 8 * 8);
		if (i % 8 == 7) {
			hash = den_snap_step(hash, word);
			word = 0;
		}
	}
	*len = i;
	return den_snap_finish(den_snap_step(hash, word));
}

/* Sixteen bytes at once, on whatever vectors the machine has. */
typedef unsigned char bytes16 __attribute__((vector_size(16)));
typedef uint64_t words16 __attribute__((vector_size(16)));

static inline uint64_t load_le64(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof word);
	return le64toh(word);
}

/* A login ID as two words, in which no byte is read that isn't its own. */
struct user_key {
	size_t len;
	uint64_t first;
	uint64_t rest;
};

/* The bytes of a name behind the first eight, LEN being 8 to 15. */
static inline uint64_t rest_of(const char *name, size_t len)
{
	return load_le64(name + len - 8) >> 1 >> (127 - 8 * len);
}

/*
 * R-ID-1, without a loop: sets KEY to the LEN bytes at NAME, of which none is zero, and says
 * whether they are a login ID.
 */
static inline bool user_key(const char *name, size_t len, struct user_key *key)
{
	const uint64_t dash = (uint64_t)'-' << 8;
	words16 halves;
	bytes16 c, fine;

	_Static_assert(DEN_SNAPSHOT_USER_NAME_MIN == 8 && DEN_SNAPSHOT_USER_NAME_MAX < 16,
		       "two words hold all that may be one");
	if (len - DEN_SNAPSHOT_USER_NAME_MIN >
	    DEN_SNAPSHOT_USER_NAME_MAX - DEN_SNAPSHOT_USER_NAME_MIN)
		return false;
	key->len = len;
	key->first = load_le64(name);
	key->rest = rest_of(name, len);
	if ((key->first & 0xffff) != ('d' | dash))
		return false;
	/* the '-' has been looked at: something that is fine stands for it */
	c = (bytes16)(words16){ key->first ^ dash ^ (uint64_t)'a' << 8, key->rest };
	fine = (bytes16)(c - 'a' < 26) | (bytes16)(c - '0' < 10) | (bytes16)(c == 0);
	halves = (words16)fine;
	return (halves[0] & halves[1]) == UINT64_MAX;
}

/* What den_snap_hash_name() makes of the same name. */
static inline uint64_t hash_user_key(const struct user_key *key, uint32_t seed)
{
	return den_snap_finish(den_snap_step(den_snap_step(seed, key->first), key->rest));
}

/* Whether KEY is of the name that begins at NAME and is as long. */
static inline bool same_user_key(const char *name, const struct user_key *key)
{
	return ((load_le64(name) ^ key->first) | (rest_of(name, key->len) ^ key->rest)) == 0;
}

/* Its length, or 0 if it is no login ID. */
static size_t user_name_len(const char *name)
{
	size_t len = strnlen(name, DEN_SNAPSHOT_USER_NAME_MAX + 1);
	struct user_key key;

	return user_key(name, len, &key) ? len : 0;
}

bool den_snapshot_is_user_name(const char *name)
{
	return user_name_len(name) != 0;
}

static inline bool is_word(const char *p, size_t len, const char *word, size_t word_len)
{
	return len == word_len && memcmp(p, word, word_len) == 0;
}

/* R-AUTH-6: d-..., BUSINESS.use, BUSINESS.maker, BUSINESS.approver, acct.ACCOUNT. */
static bool group_rule(const char *name, size_t len)
{
	size_t dots = 0, dot = 0, rest;
	const char *p;

	for (size_t i = 0; i < len; i++) {
		if (name[i] == '.') {
			dots++;
			dot = i;
		}
	}
	if (len > 2 && name[0] == 'd' && name[1] == '-')
		return dots == 0;
	if (dots != 1 || !is_letter_or_digit((unsigned char)name[0]))
		return false;
	p = name + dot + 1;
	rest = len - dot - 1;
	return is_word(p, rest, "use", 3) || is_word(p, rest, "maker", 5) ||
	       is_word(p, rest, "approver", 8) ||
	       (is_word(name, dot, "acct", 4) && is_letter_or_digit((unsigned char)*p));
}

bool den_snapshot_is_group_name(const char *name)
{
	size_t len;

	den_snap_hash_name(name, DEN_SNAPSHOT_GROUP_NAME_MAX, 0, &len);
	return group_rule(name, len);
}

bool den_snapshot_is_id(uint32_t id, uint32_t floor)
{
	/* 65534 is nobody; 65535 and 4294967295 are -1 to somebody */
	return id >= DEN_SNAPSHOT_ID_FLOOR && id >= floor && id != 65534 && id != 65535 &&
	       id != UINT32_MAX;
}

/* Whether SIZE bytes hold nothing but what member names and their NULs are made of. */
static bool members_clean(const char *p, size_t size)
{
	bytes16 fine = ~(bytes16){ 0 }, c;
	uint64_t half[2];
	size_t i;

	for (i = 0; i + sizeof c <= size; i += sizeof c) {
		memcpy(&c, p + i, sizeof c);
		fine &= (bytes16)(c - 'a' < 26) | (bytes16)(c - '0' < 10) | (bytes16)(c == '-') |
			(bytes16)(c == 0);
	}
	memcpy(half, &fine, sizeof half);
	if (~(half[0] & half[1]) != 0)
		return false;
	for (; i < size; i++)
		if (!is_letter_or_digit((unsigned char)p[i]) && p[i] != '-' && p[i] != '\0')
			return false;
	return true;
}

/* Near the end of the buffer, where no whole words may be read. */
static __attribute__((noinline)) size_t last_member_len(const char *p, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (p[i] == '\0')
			return user_name_len(p);
	return 0;
}

static inline uint64_t repeat(unsigned char c)
{
	return c * (uint64_t)0x0101010101010101u;
}

/* The high bit of the lowest byte that is zero; above it there may be false ones. */
static inline uint64_t zero_bytes(uint64_t word)
{
	return (word - repeat(1)) & ~word & repeat(0x80);
}

/*
 * Together with members_clean() the rule of R-ID-1, without a loop: "d-" at first, no other '-',
 * and the NUL behind 8 to 14 characters.
 */
size_t den_snapshot_member_len(const char *p, size_t size)
{
	uint64_t first, second, nul;

	_Static_assert(DEN_SNAPSHOT_USER_NAME_MIN == 8 && DEN_SNAPSHOT_USER_NAME_MAX < 16,
		       "the second word holds all that may be the end");
	if (unlikely(size < 16))
		return last_member_len(p, size);
	first = load_le64(p);
	second = load_le64(p + 8);
	nul = zero_bytes(second);
	nul &= -nul;
	if ((first & 0xff) != 'd' || zero_bytes(first) != 0 ||
	    zero_bytes(first ^ repeat('-')) != 0x8000 || nul == 0 ||
	    (zero_bytes(second ^ repeat('-')) & (nul - 1)) != 0)
		return 0;
	size = 8 + (size_t)__builtin_ctzll(nul) / 8;
	return size <= DEN_SNAPSHOT_USER_NAME_MAX ? size : 0;
}

/* ---- open and close ---- */

static int check_sections(const struct den_snap_header *h)
{
	uint64_t at = sizeof *h;

	for (size_t i = 0; i < DEN_SNAP_SECTIONS; i++) {
		const struct den_snap_section *x = &h->section[i];

		if (x->offset != at || x->size > h->file_size - at)
			return -EBADMSG;
		if (i < DEN_SNAP_INDEXES && x->size % sizeof(struct den_snap_bucket))
			return -EBADMSG;
		at = den_snap_pad(at + x->size, DEN_SNAP_ALIGN);
		if (at > h->file_size)
			return -EBADMSG;
	}
	return at == h->file_size ? 0 : -EBADMSG;
}

static int check_header(struct den_snap_header *h, size_t size)
{
	uint32_t sum = h->sum;

	if (memcmp(h->magic, DEN_SNAP_MAGIC, sizeof h->magic) != 0)
		return -EBADMSG;
	if (h->byte_order != DEN_SNAP_BYTE_ORDER || h->version != DEN_SNAPSHOT_VERSION)
		return -EPROTONOSUPPORT;
	if (h->header_size != sizeof *h || h->file_size != size)
		return -EBADMSG;
	h->sum = 0;
	h->superseded = 0;
	if (den_snap_sum((const uint8_t *)h, sizeof *h, h->salt, 0) != sum)
		return -EBADMSG;
	return check_sections(h);
}

static int open_bytes(const void *data, size_t size, struct den_snapshot **snap)
{
	struct den_snapshot *s;
	int r;

	if (size < sizeof s->header)
		return -EBADMSG;
	if (size > DEN_SNAPSHOT_SIZE_MAX)
		return -EFBIG;
	s = calloc(1, sizeof *s);
	if (s == NULL)
		return -ENOMEM;
	s->base = data;
	s->size = size;
	memcpy(&s->header, data, sizeof s->header);
	read_once();
	r = check_header(&s->header, size);
	if (r < 0) {
		free(s);
		return r;
	}
	s->uid_floor = s->header.uid_floor;
	s->gid_floor = s->header.gid_floor;
	*snap = s;
	return 0;
}

int den_snapshot_open_memory(const void *data, size_t size, struct den_snapshot **snap)
{
	if ((uintptr_t)data % 8 != 0)
		return -EINVAL;
	return open_bytes(data, size, snap);
}

/*
 * Whether the folder of PATH is OWNER's, and nobody else's to write. By hand, as each function of
 * libc that the module asks for costs every process that loads it.
 */
static int check_folder(const char *path, uid_t owner)
{
	char folder[PATH_MAX] = ".";
	size_t end = 0;
	struct stat st;

	for (size_t i = 0; path[i] != '\0'; i++) {
		if (i + 1 >= sizeof folder)
			return -ENAMETOOLONG;
		if (path[i] == '/')
			end = i + 1;
	}
	if (end > 0) {
		memcpy(folder, path, end);
		folder[end] = '\0';
	}
	if (stat(folder, &st) < 0)
		return -errno;
	return st.st_uid == owner && !(st.st_mode & (S_IWGRP | S_IWOTH)) ? 0 : -EPERM;
}

static int check_file(const char *path, const struct stat *st)
{
	if (!S_ISREG(st->st_mode) || (st->st_mode & (S_IWGRP | S_IWOTH)))
		return -EPERM;
	if (st->st_size < (off_t)sizeof(struct den_snap_header))
		return -EBADMSG;
	if (st->st_size > (off_t)DEN_SNAPSHOT_SIZE_MAX)
		return -EFBIG;
	return st->st_uid == 0 ? 0 : check_folder(path, st->st_uid);
}

int den_snapshot_open(const char *path, struct den_snapshot **snap)
{
	void *map = MAP_FAILED;
	size_t size = 0;
	struct stat st;
	int fd, r;

	/* O_NONBLOCK: a FIFO in its place must not hold anybody up */
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno == ELOOP ? -EPERM : -errno;
	if (fstat(fd, &st) < 0) {
		r = -errno;
		goto out;
	}
	r = check_file(path, &st);
	if (r < 0)
		goto out;
	size = (size_t)st.st_size;
	map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		r = -errno;
		goto out;
	}
	r = open_bytes(map, size, snap);
	if (r < 0)
		goto out;
	(*snap)->mapped = true;
	(*snap)->dev = st.st_dev;
	(*snap)->ino = st.st_ino;
out:
	if (r < 0 && map != MAP_FAILED)
		munmap(map, size);
	close(fd);
	return r;
}

void den_snapshot_close(struct den_snapshot *snap)
{
	if (snap == NULL)
		return;
	if (snap->mapped)
		munmap((void *)(uintptr_t)snap->base, snap->size);
	free(snap);
}

void den_snapshot_meta(const struct den_snapshot *snap, struct den_snapshot_meta *meta)
{
	*meta = (struct den_snapshot_meta){
		.serial = snap->header.serial,
		.created = snap->header.created,
		.flags = snap->header.flags,
		.uid_floor = snap->header.uid_floor,
		.gid_floor = snap->header.gid_floor,
	};
}

size_t den_snapshot_user_count(const struct den_snapshot *snap)
{
	return snap->header.users;
}

size_t den_snapshot_group_count(const struct den_snapshot *snap)
{
	return snap->header.groups;
}

const uint32_t *den_snapshot_superseded(const struct den_snapshot *snap)
{
	return (const uint32_t *)(snap->base + offsetof(struct den_snap_header, superseded));
}

bool den_snapshot_same_file(const struct den_snapshot *a, const struct den_snapshot *b)
{
	return a->mapped && b->mapped && a->dev == b->dev && a->ino == b->ino;
}

int den_snapshot_cookie(const struct den_snapshot *snap, const void **cookie, size_t *size)
{
	const struct den_snap_section *x = &snap->header.section[DEN_SNAP_COOKIE];
	const uint8_t *p = snap->base + x->offset;

	if (x->size == 0)
		return -ENOENT;
	if (den_snap_sum(p, den_snap_pad(x->size, 4), snap->header.salt, x->offset) !=
	    snap->header.cookie_sum)
		return -EBADMSG;
	*cookie = p;
	*size = x->size;
	return 0;
}

/* ---- records ---- */

/*
 * How many bytes of SECTION there are from OFFSET on; 0 if no record can begin there.
 */
static inline size_t room(const struct den_snapshot *s, enum den_snap_section_no section,
			  uint32_t offset)
{
	const struct den_snap_section *x = &s->header.section[section];

	if (offset % 4 != 0 || offset < x->offset || offset - x->offset >= x->size)
		return 0;
	return x->size - (offset - x->offset);
}

/* The strings of a user from P on, each checked to end where the record says it does. */
static inline bool take_strings(const struct den_snap_user *r, const char *p,
				struct den_snapshot_user *u)
{
	bool in_dir = r->layout & DEN_SNAP_USER_NAME_IN_DIR;

	u->dir = p;
	u->gecos = u->dir + r->dir + 1;
	u->shell = u->gecos + r->gecos + 1;
	p = u->shell + r->shell + 1;
	if (in_dir) {
		if (r->name > r->dir)
			return false;
		u->name = u->gecos - 1 - r->name;
	} else {
		u->name = p;
		p += r->name + 1;
	}
	u->strings_size = (size_t)(p - u->dir);
	u->name_len = r->name;
	if (u->gecos[-1] != '\0' || u->shell[-1] != '\0' || u->shell[r->shell] != '\0' ||
	    p[-1] != '\0')
		return false;
	u->mail = NULL;
	if (r->mail != 0) {
		u->mail = p;
		p += r->mail + 1;
		if (p[-1] != '\0')
			return false;
	}
	u->extra = p;
	u->extra_size = r->extra;
	return true;
}

/* Reads the user at OFFSET, whoever it is, and sets *SIZE to the size of the record. */
static inline int read_user(const struct den_snapshot *s, uint32_t offset,
			    struct den_snapshot_user *u, size_t *size)
{
	size_t left = room(s, DEN_SNAP_USERS, offset), numbers, strings;
	const uint8_t *p = s->base + offset;
	struct den_snap_user r;

	if (unlikely(left < sizeof r))
		return -EBADMSG;
	memcpy(&r, p, sizeof r);
	read_once();
	numbers = sizeof r + (size_t)r.groups * 4 + (size_t)r.dated * DEN_SNAP_DATED_GID_SIZE +
		  (r.layout & DEN_SNAP_USER_HAS_UNTIL ? 8 : 0);
	strings = (size_t)r.dir + r.gecos + r.shell + 3 +
		  (r.layout & DEN_SNAP_USER_NAME_IN_DIR ? 0 : (size_t)r.name + 1) +
		  (r.mail ? (size_t)r.mail + 1 : 0) + r.extra;
	*size = den_snap_pad(numbers + strings, 4);
	if (unlikely(*size > left || !den_snap_sum_right(s, offset, *size, r.sum) ||
		     !take_strings(&r, (const char *)p + numbers, u)))
		return -EBADMSG;
	u->uid = r.uid;
	u->gid = r.gid;
	u->flags = r.flags;
	u->lang[0] = r.lang[0];
	u->lang[1] = r.lang[1];
	u->lang[2] = '\0';
	u->gids = (const uint32_t *)(p + sizeof r);
	u->gid_count = r.groups;
	u->dated = p + sizeof r + (size_t)r.groups * 4;
	u->dated_count = r.dated;
	u->until = 0;
	if (r.layout & DEN_SNAP_USER_HAS_UNTIL)
		memcpy(&u->until, p + numbers - 8, 8);
	return 0;
}

/* R-ID-2: whether this user is denshi's to return. */
static inline bool user_admitted(const struct den_snapshot *s, const struct den_snapshot_user *u)
{
	return den_snapshot_is_id(u->uid, s->uid_floor) && den_snapshot_is_id(u->gid, s->gid_floor);
}

/* The same of a group as read_user() of a user. */
static int read_group(const struct den_snapshot *s, uint32_t offset, struct den_snapshot_group *g,
		      size_t *size)
{
	size_t left = room(s, DEN_SNAP_GROUPS, offset), names;
	const uint8_t *p = s->base + offset;
	struct den_snap_group r;

	if (left < sizeof r)
		return -EBADMSG;
	memcpy(&r, p, sizeof r);
	read_once();
	if (r.members_size > left || r.dated > left / DEN_SNAP_DATED_NAME_SIZE ||
	    r.members > r.members_size / (DEN_SNAPSHOT_USER_NAME_MIN + 1))
		return -EBADMSG;
	names = den_snap_pad(sizeof r + (size_t)r.name + 1 + r.members_size, 4);
	*size = names + (size_t)r.dated * DEN_SNAP_DATED_NAME_SIZE;
	if (*size > left || !den_snap_sum_right(s, offset, *size, r.sum))
		return -EBADMSG;
	g->gid = r.gid;
	g->name = (const char *)p + sizeof r;
	g->name_len = r.name;
	g->members = g->name + r.name + 1;
	g->members_size = r.members_size;
	g->member_count = r.members;
	g->dated = p + names;
	g->dated_count = r.dated;
	if (g->name[r.name] != '\0' || !members_clean(g->members, r.members_size))
		return -EBADMSG;
	return 0;
}

static bool group_admitted(const struct den_snapshot *s, const struct den_snapshot_group *g)
{
	return den_snapshot_is_id(g->gid, s->gid_floor);
}

/* ---- lookups ---- */

/* Whether the record at OFFSET is the one for KEY, and so read into OUT: 1, 0 or -EBADMSG. */
typedef int match_fn(const struct den_snapshot *s, uint32_t offset, const void *key, void *out);

static int user_has_name(const struct den_snapshot *s, uint32_t offset, const void *key, void *out)
{
	const struct user_key *wanted = key;
	struct den_snapshot_user *u = out;
	size_t size;
	int r = read_user(s, offset, u, &size);

	return unlikely(r < 0) ? r : u->name_len == wanted->len && same_user_key(u->name, wanted);
}

static int user_has_uid(const struct den_snapshot *s, uint32_t offset, const void *key, void *out)
{
	struct den_snapshot_user *u = out;
	size_t size;
	int r = read_user(s, offset, u, &size);

	return r < 0 ? r : u->uid == *(const uint32_t *)key;
}

/* By hand, as check_folder(). */
static bool same_string(const char *a, const char *b)
{
	for (; *a == *b; a++, b++)
		if (*a == '\0')
			return true;
	return false;
}

static int group_has_name(const struct den_snapshot *s, uint32_t offset, const void *key, void *out)
{
	struct den_snapshot_group *g = out;
	size_t size;
	int r = read_group(s, offset, g, &size);

	return r < 0 ? r : same_string(g->name, key);
}

static int group_has_gid(const struct den_snapshot *s, uint32_t offset, const void *key, void *out)
{
	struct den_snapshot_group *g = out;
	size_t size;
	int r = read_group(s, offset, g, &size);

	return r < 0 ? r : g->gid == *(const uint32_t *)key;
}

/* A bit for each place in a bucket whose tag is TAG, at 8 times its number. */
static inline void places_of(const struct den_snap_bucket *b, uint8_t tag, uint64_t found[2])
{
	uint64_t low = repeat(0x7f), word[2];

	_Static_assert(sizeof b->tag == 12, "two words hold the tags");
	word[0] = le64toh(den_snap_load64(b->tag));
	word[1] = le32toh(den_snap_load32(b->tag + 8));
	for (size_t i = 0; i < 2; i++) {
		word[i] ^= repeat(tag);
		found[i] = ~(((word[i] & low) + low) | word[i] | low);
	}
	found[1] &= UINT32_MAX;
}

/*
 * Walks one bucket: 0 found, -ENOENT not in this index, -EAGAIN look in the next bucket, -EBADMSG.
 * Without a branch for each place: which of them it is can't be foreseen.
 */
static inline __attribute__((always_inline)) int
find_in_bucket(const struct den_snapshot *s, uint32_t offset, uint8_t tag, match_fn *match,
	       const void *key, void *out)
{
	const struct den_snap_bucket *b = (const struct den_snap_bucket *)(s->base + offset);
	uint64_t found[2];

	if (unlikely(!den_snap_sum_right(s, offset, sizeof *b, b->sum)))
		return -EBADMSG;
	places_of(b, tag, found);
	for (size_t half = 0; half < 2; half++) {
		for (; found[half] != 0; found[half] &= found[half] - 1) {
			size_t i = half * 8 + (size_t)__builtin_ctzll(found[half]) / 8;
			uint32_t ref = b->ref[i] & ~DEN_SNAP_MORE;
			int r;

			if (ref == 0)
				return -ENOENT;
			if (ref > DEN_SNAPSHOT_SIZE_MAX / 4)
				return -EBADMSG;
			r = match(s, ref * 4, key, out);
			if (r != 0)
				return r < 0 ? r : 0;
		}
	}
	return b->ref[DEN_SNAP_SLOTS - 1] & DEN_SNAP_MORE ? -EAGAIN : -ENOENT;
}

static inline __attribute__((always_inline)) int
find(const struct den_snapshot *s, enum den_snap_index index, uint64_t hash, match_fn *match,
     const void *key, void *out)
{
	const struct den_snap_section *x = &s->header.section[index];
	uint32_t count = x->size / (uint32_t)sizeof(struct den_snap_bucket);
	uint32_t at = den_snap_home(hash, count);
	int r;

	if (count == 0)
		return -ENOENT;
	for (uint32_t chain = 0; chain <= DEN_SNAP_CHAIN_MAX; chain++) {
		r = find_in_bucket(s, x->offset + at * (uint32_t)sizeof(struct den_snap_bucket),
				   (uint8_t)hash, match, key, out);
		if (likely(r != -EAGAIN))
			return r;
		if (++at == count)
			at = 0;
	}
	return -EBADMSG;
}

int den_snapshot_user_by_name(const struct den_snapshot *snap, const char *name,
			      struct den_snapshot_user *user)
{
	struct user_key key;
	int r;

	if (!user_key(name, strnlen(name, DEN_SNAPSHOT_USER_NAME_MAX + 1), &key))
		return -ENOENT;
	r = find(snap, DEN_SNAP_BY_USER_NAME,
		 hash_user_key(&key, snap->header.hash_seed[DEN_SNAP_BY_USER_NAME]), user_has_name,
		 &key, user);
	if (r == 0 && !user_admitted(snap, user))
		r = -ENOENT;
	return r;
}

int den_snapshot_user_by_uid(const struct den_snapshot *snap, uint32_t uid,
			     struct den_snapshot_user *user)
{
	uint64_t hash = den_snap_hash_id(uid, snap->header.hash_seed[DEN_SNAP_BY_UID]);
	int r;

	if (!den_snapshot_is_id(uid, snap->uid_floor))
		return -ENOENT;
	r = find(snap, DEN_SNAP_BY_UID, hash, user_has_uid, &uid, user);
	if (r == 0 && (!user_admitted(snap, user) || !den_snapshot_is_user_name(user->name)))
		r = -ENOENT;
	return r;
}

int den_snapshot_group_by_name(const struct den_snapshot *snap, const char *name,
			       struct den_snapshot_group *group)
{
	uint64_t hash;
	size_t len;
	int r;

	hash = den_snap_hash_name(name, DEN_SNAPSHOT_GROUP_NAME_MAX,
				  snap->header.hash_seed[DEN_SNAP_BY_GROUP_NAME], &len);
	if (!group_rule(name, len))
		return -ENOENT;
	r = find(snap, DEN_SNAP_BY_GROUP_NAME, hash, group_has_name, name, group);
	if (r == 0 && !group_admitted(snap, group))
		r = -ENOENT;
	return r;
}

int den_snapshot_group_by_gid(const struct den_snapshot *snap, uint32_t gid,
			      struct den_snapshot_group *group)
{
	uint64_t hash = den_snap_hash_id(gid, snap->header.hash_seed[DEN_SNAP_BY_GID]);
	int r;

	if (!den_snapshot_is_id(gid, snap->gid_floor))
		return -ENOENT;
	r = find(snap, DEN_SNAP_BY_GID, hash, group_has_gid, &gid, group);
	if (r == 0 && !den_snapshot_is_group_name(group->name))
		r = -ENOENT;
	return r;
}

/* ---- all of them ---- */

/* Where to go on in SECTION: 0 with *OFFSET, or -ENOENT at its end. */
static int walk(const struct den_snapshot *s, enum den_snap_section_no section, uint32_t pos,
		uint32_t *offset)
{
	const struct den_snap_section *x = &s->header.section[section];

	*offset = pos == 0 ? x->offset : pos;
	return *offset == x->offset + x->size ? -ENOENT : 0;
}

int den_snapshot_next_user(const struct den_snapshot *snap, uint32_t *pos,
			   struct den_snapshot_user *user)
{
	uint32_t offset;
	size_t size;
	int r;

	do {
		r = walk(snap, DEN_SNAP_USERS, *pos, &offset);
		if (r == 0)
			r = read_user(snap, offset, user, &size);
		if (r < 0)
			return r;
		*pos = offset + (uint32_t)size;
	} while (!user_admitted(snap, user) || !den_snapshot_is_user_name(user->name));
	return 0;
}

int den_snapshot_next_group(const struct den_snapshot *snap, uint32_t *pos,
			    struct den_snapshot_group *group)
{
	uint32_t offset;
	size_t size;
	int r;

	do {
		r = walk(snap, DEN_SNAP_GROUPS, *pos, &offset);
		if (r == 0)
			r = read_group(snap, offset, group, &size);
		if (r < 0)
			return r;
		*pos = offset + (uint32_t)size;
	} while (!group_admitted(snap, group) || !den_snapshot_is_group_name(group->name));
	return 0;
}

/* ---- memberships ---- */

int den_snapshot_user_dated(const struct den_snapshot *snap, const struct den_snapshot_user *user,
			    size_t i, struct den_snapshot_dated *dated)
{
	const uint8_t *p = user->dated + i * DEN_SNAP_DATED_GID_SIZE;

	if (i >= user->dated_count)
		return -EBADMSG;
	*dated = (struct den_snapshot_dated){ .gid = den_snap_load32(p) };
	memcpy(&dated->until, p + 4, 8);
	/* "no end" has no place here: better over than endless */
	if (dated->until == 0 || !den_snapshot_is_id(dated->gid, snap->gid_floor))
		return -EBADMSG;
	return 0;
}

int den_snapshot_group_dated(const struct den_snapshot *snap,
			     const struct den_snapshot_group *group, size_t i,
			     struct den_snapshot_dated *dated)
{
	const uint8_t *p = group->dated + i * DEN_SNAP_DATED_NAME_SIZE;

	(void)snap;
	if (i >= group->dated_count)
		return -EBADMSG;
	dated->gid = group->gid;
	memcpy(&dated->until, p, 8);
	memcpy(dated->name, p + 8, sizeof dated->name);
	dated->name[sizeof dated->name - 1] = '\0';
	dated->name_len = user_name_len(dated->name);
	return dated->until != 0 && dated->name_len != 0 ? 0 : -EBADMSG;
}

ssize_t den_snapshot_user_groups(const struct den_snapshot *snap,
				 const struct den_snapshot_user *user, int64_t now, uint32_t *gids,
				 size_t max)
{
	struct den_snapshot_dated dated;
	size_t n = 0;

	for (size_t i = 0; i < user->gid_count; i++) {
		uint32_t gid = user->gids[i];

		if (!den_snapshot_is_id(gid, snap->gid_floor))
			continue;
		if (n++ < max)
			gids[n - 1] = gid;
	}
	for (size_t i = 0; i < user->dated_count; i++) {
		int r = den_snapshot_user_dated(snap, user, i, &dated);

		if (r < 0)
			return r;
		if (!den_snapshot_ended(dated.until, now) && n++ < max)
			gids[n - 1] = dated.gid;
	}
	return (ssize_t)n;
}

int den_snapshot_group_members(const struct den_snapshot *snap,
			       const struct den_snapshot_group *group, int64_t now,
			       int (*each)(const char *name, void *arg), void *arg)
{
	const char *p = group->members, *end = p + group->members_size;
	struct den_snapshot_dated dated;
	int r = 0;

	for (size_t i = 0; i < group->member_count && r == 0; i++) {
		size_t len = den_snapshot_member_len(p, (size_t)(end - p));

		if (len == 0)
			return -EBADMSG;
		r = each(p, arg);
		p += len + 1;
	}
	if (r == 0 && p != end)
		return -EBADMSG;
	for (size_t i = 0; i < group->dated_count && r == 0; i++) {
		r = den_snapshot_group_dated(snap, group, i, &dated);
		if (r == 0 && !den_snapshot_ended(dated.until, now))
			r = each(dated.name, arg);
	}
	return r;
}
