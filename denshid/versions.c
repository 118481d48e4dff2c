#include "denshid/versions.h"

#include <stdlib.h>
#include <string.h>

#include "core/snapshot.h"

#define CHUNK_SIZE (256u * 1024)

/* Versions lie one behind the other in chunks, which go back to the system as a whole. */
struct chunk {
	struct chunk *next;
	size_t used;
	_Alignas(8) char bytes[];
};

/* A hash table, open addressing, at most half full. */
struct names {
	char **list;
	uint32_t *slot; /* number + 1 */
	size_t count, room;
};

struct versions {
	struct chunk *chunks;
	struct version **list; /* in the order of their coming */
	uint32_t *slot;	       /* by uuid: number in the list + 1 */
	size_t count, room;
	struct names authorities;
};

struct versions *versions_new(void)
{
	return calloc(1, sizeof(struct versions));
}

static void free_chunks(struct chunk *c)
{
	for (struct chunk *next; c; c = next) {
		next = c->next;
		free(c);
	}
}

static void free_names(struct names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->list[i]);
	free(n->list);
	free(n->slot);
	*n = (struct names){0};
}

void versions_free(struct versions *vs)
{
	if (!vs)
		return;
	free_chunks(vs->chunks);
	free(vs->list);
	free(vs->slot);
	free_names(&vs->authorities);
	free(vs);
}

/* -- authorities' names ---------------------------------------------------------------- */

static size_t hash_name(const char *name)
{
	uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3u;
	return (size_t)(h ^ h >> 32);
}

static int grow_names(struct names *n)
{
	size_t room = n->room ? n->room * 2 : 128;
	char **list = reallocarray(n->list, room / 2, sizeof(*list));
	uint32_t *slot;

	if (!list)
		return -1;
	n->list = list;
	slot = calloc(room, sizeof(*slot));
	if (!slot)
		return -1;
	for (size_t i = 0; i < n->count; i++) {
		size_t at = hash_name(n->list[i]) & (room - 1);

		while (slot[at])
			at = (at + 1) & (room - 1);
		slot[at] = (uint32_t)i + 1;
	}
	free(n->slot);
	n->slot = slot;
	n->room = room;
	return 0;
}

/* The number of a name, a new one where it is new; -1 without memory. */
static int64_t number_of(struct names *n, const char *name)
{
	size_t at;

	if (n->count * 2 >= n->room && grow_names(n) != 0)
		return -1;
	for (at = hash_name(name) & (n->room - 1); n->slot[at]; at = (at + 1) & (n->room - 1))
		if (strcmp(n->list[n->slot[at] - 1], name) == 0)
			return n->slot[at] - 1;
	n->list[n->count] = strdup(name);
	if (!n->list[n->count])
		return -1;
	n->slot[at] = (uint32_t)++n->count;
	return (int64_t)n->count - 1;
}

const char *versions_authority(const struct versions *vs, uint32_t number)
{
	return vs->authorities.list[number];
}

size_t versions_authorities(const struct versions *vs)
{
	return vs->authorities.count;
}

/* -- the list -------------------------------------------------------------------------- */

static size_t hash_uuid(const unsigned char *uuid)
{
	uint64_t a, b;

	memcpy(&a, uuid, 8);
	memcpy(&b, uuid + 8, 8);
	a = (a ^ b >> 29) * 0x9e3779b97f4a7c15u;
	return (size_t)(a ^ a >> 32 ^ b);
}

static uint32_t *slot_of(const struct versions *vs, const unsigned char *uuid)
{
	size_t at = hash_uuid(uuid) & (vs->room - 1);

	while (vs->slot[at] && memcmp(vs->list[vs->slot[at] - 1]->uuid, uuid, 16) != 0)
		at = (at + 1) & (vs->room - 1);
	return &vs->slot[at];
}

static int grow(struct versions *vs)
{
	size_t room = vs->room ? vs->room * 2 : 256;
	struct version **list = reallocarray(vs->list, room / 2, sizeof(*list));
	uint32_t *slot = calloc(room, sizeof(*slot));

	if (list)
		vs->list = list;
	if (!list || !slot) {
		free(slot);
		return -1;
	}
	free(vs->slot);
	vs->slot = slot;
	vs->room = room;
	for (size_t i = 0; i < vs->count; i++)
		*slot_of(vs, vs->list[i]->uuid) = (uint32_t)i + 1;
	return 0;
}

static void *take(struct chunk **chunks, size_t size)
{
	struct chunk *c = *chunks;

	size = (size + 7) & ~(size_t)7;
	if (!c || c->used + size > CHUNK_SIZE) {
		c = malloc(sizeof(*c) + (size > CHUNK_SIZE ? size : CHUNK_SIZE));
		if (!c)
			return NULL;
		c->used = 0;
		c->next = *chunks;
		*chunks = c;
	}
	c->used += size;
	return c->bytes + c->used - size;
}

static char *strings_of(const struct version *v)
{
	return (char *)(uintptr_t)(v->authorities + v->nauthorities);
}

const char *version_name(const struct version *v)
{
	return strings_of(v);
}

static size_t size_of(const struct version *v)
{
	const char *s = strings_of(v);

	return (size_t)(s + v->shell + strlen(s + v->shell) + 1 - (const char *)v);
}

static uint16_t flags_of(const struct dendir_user *u)
{
	return (uint16_t)((dendir_user_is_master(u) ? DEN_USER_MASTER : 0) |
		(dendir_user_is_approver(u) ? DEN_USER_APPROVER : 0) |
		(strcmp(u->state, "suspended") == 0 ? DEN_USER_SUSPENDED : 0));
}

static enum version_kind kind_of(const struct dendir_version *told)
{
	if (told->is_group)
		return VERSION_GROUP;
	return strcmp(told->user.state, "removed") == 0 ? VERSION_REMOVED : VERSION_USER;
}

static struct version *encode(struct versions *vs, const unsigned char *uuid, const struct dendir_version *told)
{
	const struct dendir_user *u = &told->user;
	const char *strings[] = {told->is_group ? u->name : u->login, told->is_group ? "" : u->name, u->home, u->shell};
	size_t at[5] = {0};
	struct version *v;

	for (size_t i = 0; i < 4; i++)
		at[i + 1] = at[i] + strlen(strings[i]) + 1;
	v = take(&vs->chunks, sizeof(*v) + u->nauthorities * sizeof(uint32_t) + at[4]);
	if (!v)
		return NULL;
	*v = (struct version){
		.serial = (uint32_t)told->serial,
		.uid = (uint32_t)u->uid,
		.gid = (uint32_t)u->gid,
		.flags = flags_of(u),
		.nauthorities = (uint16_t)u->nauthorities,
		.gecos = (uint16_t)at[1],
		.dir = (uint16_t)at[2],
		.shell = (uint16_t)at[3],
		.kind = (uint8_t)kind_of(told),
		.marked = 1,
		.lang = {u->lang[0], u->lang[0] ? u->lang[1] : '\0'},
	};
	memcpy(v->uuid, uuid, 16);
	for (size_t i = 0; i < 4; i++)
		memcpy(strings_of(v) + at[i], strings[i], at[i + 1] - at[i]);
	for (size_t i = 0; i < u->nauthorities; i++) {
		int64_t number = number_of(&vs->authorities, u->authorities[i]);

		if (number < 0)
			return NULL;
		v->authorities[i] = (uint32_t)number;
	}
	return v;
}

/* V is the one of its uuid. */
static int enlist(struct versions *vs, struct version *v)
{
	uint32_t *slot;

	if (vs->count * 2 >= vs->room && grow(vs) != 0)
		return -1;
	slot = slot_of(vs, v->uuid);
	if (*slot) {
		vs->list[*slot - 1] = v;
	} else {
		vs->list[vs->count] = v;
		*slot = (uint32_t)++vs->count;
	}
	return 0;
}

int versions_put(struct versions *vs, const unsigned char *uuid, const struct dendir_version *told)
{
	struct version *v = encode(vs, uuid, told);

	return v ? enlist(vs, v) : -1;
}

struct version *versions_find(const struct versions *vs, const unsigned char *uuid)
{
	uint32_t n = vs->room ? *slot_of(vs, uuid) : 0;

	return n && !vs->list[n - 1]->gone ? vs->list[n - 1] : NULL;
}

struct version *versions_at(const struct versions *vs, size_t i)
{
	return i < vs->count ? vs->list[i] : NULL;
}

void versions_unmark(struct versions *vs)
{
	for (size_t i = 0; i < vs->count; i++)
		vs->list[i]->marked = 0;
}

size_t versions_drop_unmarked(struct versions *vs, uint32_t serial)
{
	size_t n = 0;

	for (size_t i = 0; i < vs->count; i++) {
		struct version *v = vs->list[i];

		n += !v->marked && !v->gone && v->serial <= serial;
		v->gone |= !v->marked;
	}
	return n;
}

/* Those that stay are copied out: whole chunks are given back. Without memory all stay. */
size_t versions_forget(struct versions *vs, uint32_t serial)
{
	struct versions fresh = {0};
	int kept = 0;

	for (size_t i = 0; i < vs->count && kept == 0; i++) {
		const struct version *v = vs->list[i];
		size_t size = size_of(v);
		struct version *copy;

		if (v->gone || v->serial <= serial)
			continue;
		copy = take(&fresh.chunks, size);
		kept = copy ? enlist(&fresh, memcpy(copy, v, size)) : -1;
	}
	if (kept != 0) {
		free_chunks(fresh.chunks);
		free(fresh.list);
		free(fresh.slot);
		return vs->count;
	}
	free_chunks(vs->chunks);
	free(vs->list);
	free(vs->slot);
	if (fresh.count == 0)
		free_names(&vs->authorities);
	fresh.authorities = vs->authorities;
	*vs = fresh;
	return vs->count;
}
