#include "denshid/base.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash_uuid(const uint8_t *uuid)
{
	uint64_t a, b;

	memcpy(&a, uuid, 8);
	memcpy(&b, uuid + 8, 8);
	a = (a ^ b >> 29) * 0x9e3779b97f4a7c15u;
	return a ^ a >> 32 ^ b;
}

static int make_table(struct base *b)
{
	b->room = 64;
	while (b->room < b->records * 2)
		b->room *= 2;
	b->table = calloc(b->room, sizeof(*b->table));
	b->state = calloc(b->records + 1, 1);
	if (!b->table || !b->state)
		return -ENOMEM;
	for (size_t i = 0; i < b->records; i++) {
		uint64_t hash = hash_uuid(b->origins[i].uuid);
		size_t at = (size_t)hash & (b->room - 1);

		while (b->table[at])
			at = (at + 1) & (b->room - 1);
		b->table[at] = hash >> 32 << 32 | (i + 1);
	}
	return 0;
}

int base_open(struct base *b, const char *path)
{
	int rc;

	*b = (struct base){0};
	rc = den_snapshot_open(path, &b->snapshot);
	if (rc == 0)
		rc = den_snapshot_origins(b->snapshot, &b->origins, &b->records);
	if (rc == 0) {
		b->users = den_snapshot_user_count(b->snapshot);
		rc = make_table(b);
		den_snapshot_let_go(b->snapshot);
	}
	if (rc != 0)
		base_close(b);
	return rc;
}

void base_close(struct base *b)
{
	den_snapshot_close(b->snapshot);
	free(b->table);
	free(b->state);
	*b = (struct base){0};
}

int64_t base_find(const struct base *b, const unsigned char *uuid)
{
	uint64_t hash = hash_uuid(uuid);

	if (!b->room)
		return -1;
	for (size_t at = (size_t)hash & (b->room - 1); b->table[at]; at = (at + 1) & (b->room - 1)) {
		uint32_t number = (uint32_t)b->table[at] - 1;

		if (b->table[at] >> 32 == hash >> 32 && memcmp(b->origins[number].uuid, uuid, 16) == 0)
			return number;
	}
	return -1;
}

void base_unmark(struct base *b)
{
	for (size_t i = 0; i < b->records; i++)
		b->state[i] &= (uint8_t)~BASE_MARKED;
}

size_t base_drop_unmarked(struct base *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->records; i++)
		if (!(b->state[i] & (BASE_MARKED | BASE_GONE))) {
			b->state[i] |= BASE_GONE;
			n++;
		}
	return n;
}
