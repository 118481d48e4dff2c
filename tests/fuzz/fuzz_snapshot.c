/*
 * The snapshot reader on any bytes. A mutated file hardly ever has the right sums, so each input is
 * tried as it is and once more with all sums that can be found put right: behind them are the
 * bounds checks that must hold against whoever can write the file.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/snapshot-internal.h"
#include "core/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int touch(const char *name, void *arg)
{
	*(size_t *)arg += strlen(name);
	return 0;
}

static void ask(const struct den_snapshot *s)
{
	struct den_snapshot_group g;
	struct den_snapshot_user u, same;
	size_t n = 0, size;
	uint32_t gids[8], pos = 0;
	const struct den_snapshot_origin *origins;
	const void *cookie;

	while (den_snapshot_next_user(s, &pos, &u) == 0) {
		if (u.uid < DEN_SNAPSHOT_ID_FLOOR || u.gid < DEN_SNAPSHOT_ID_FLOOR ||
		    !den_snapshot_is_user_name(u.name))
			abort();
		n += strlen(u.dir) + strlen(u.gecos) + strlen(u.shell);
		for (size_t i = 0; i < u.extra_size; i++)
			n += ((const uint8_t *)u.extra)[i];
		den_snapshot_user_groups(s, &u, 1, gids, 8);
		if (den_snapshot_user_by_name(s, u.name, &same) == 0 && strcmp(same.name, u.name))
			abort();
		if (den_snapshot_user_by_uid(s, u.uid, &same) == 0 && same.uid != u.uid)
			abort();
	}
	pos = 0;
	while (den_snapshot_next_group(s, &pos, &g) == 0) {
		if (g.gid < DEN_SNAPSHOT_ID_FLOOR || !den_snapshot_is_group_name(g.name))
			abort();
		den_snapshot_group_members(s, &g, 1, touch, &n);
	}
	den_snapshot_user_by_name(s, "d-u000001", &u);
	den_snapshot_user_by_uid(s, 20001, &u);
	den_snapshot_group_by_name(s, "transfer.use", &g);
	den_snapshot_group_by_gid(s, 50000, &g);
	if (den_snapshot_cookie(s, &cookie, &size) == 0)
		for (size_t i = 0; i < size; i++)
			n += ((const uint8_t *)cookie)[i];
	if (den_snapshot_origins(s, &origins, &size) == 0)
		for (size_t i = 0; i < size; i++)
			n += origins[i].uuid[i % 16] + origins[i].serial;
	den_snapshot_verify(s);
	/* so that no read above is optimised away */
	__asm__ volatile("" : : "r"(n));
}

static void seal(uint8_t *bytes, uint64_t salt, uint32_t at, size_t size)
{
	uint32_t sum = den_snap_sum(bytes + at + 4, size - 4, salt, at);

	memcpy(bytes + at, &sum, 4);
}

/* Puts the sums of the header, of all buckets and of the first records right. */
static void seal_all(uint8_t *bytes, size_t size)
{
	struct den_snap_header h;
	const struct den_snap_section *x = h.section;
	struct den_snap_user u;
	struct den_snap_group g;
	uint64_t at, len, end;

	memcpy(&h, bytes, sizeof h);
	h.file_size = size;
	for (size_t i = 0; i < DEN_SNAP_SECTIONS; i++)
		if (x[i].offset > size || x[i].size > size - x[i].offset)
			return;
	for (size_t i = 0; i < DEN_SNAP_INDEXES; i++)
		for (at = 0; at + 64 <= x[i].size; at += 64)
			seal(bytes, h.salt, (uint32_t)(x[i].offset + at), 64);
	end = (uint64_t)x[DEN_SNAP_USERS].offset + x[DEN_SNAP_USERS].size;
	for (at = x[DEN_SNAP_USERS].offset; at + sizeof u <= end; at += len) {
		memcpy(&u, bytes + at, sizeof u);
		len = den_snap_pad(sizeof u + u.groups * 4u + u.dated * 12u +
				   (u.layout & DEN_SNAP_USER_HAS_UNTIL ? 8 : 0) + u.dir + u.gecos +
				   u.shell + 3u +
				   (u.layout & DEN_SNAP_USER_NAME_IN_DIR ? 0 : u.name + 1u) +
				   (u.mail ? u.mail + 1u : 0) + u.extra, 4);
		if (len > end - at)
			break;
		seal(bytes, h.salt, (uint32_t)at, len);
	}
	end = (uint64_t)x[DEN_SNAP_GROUPS].offset + x[DEN_SNAP_GROUPS].size;
	for (at = x[DEN_SNAP_GROUPS].offset; at + sizeof g <= end; at += len) {
		memcpy(&g, bytes + at, sizeof g);
		len = den_snap_pad(sizeof g + g.name + 1u + (uint64_t)g.members_size, 4) +
		      g.dated * 24ull;
		if (len > end - at)
			break;
		seal(bytes, h.salt, (uint32_t)at, len);
	}
	h.sum = 0;
	h.superseded = 0;
	h.sum = den_snap_sum((const uint8_t *)&h, sizeof h, h.salt, 0);
	memcpy(bytes, &h, sizeof h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct den_snapshot *s;
	uint8_t *copy = malloc(size ? size : 1);

	if (copy == NULL)
		return 0;
	memcpy(copy, data, size);
	for (int again = 0; again < 2; again++) {
		if (den_snapshot_open_memory(copy, size, &s) == 0) {
			ask(s);
			den_snapshot_close(s);
		}
		if (size >= sizeof(struct den_snap_header))
			seal_all(copy, size);
	}
	free(copy);
	return 0;
}
