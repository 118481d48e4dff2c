/*
 * The snapshot in force as the replica sees it: what it need not hear from the
 * directory again. Records are numbered, users by ascending uid, then groups by gid.
 * Thread rule: one thread.
 */
#ifndef DENSHI_DENSHID_BASE_H
#define DENSHI_DENSHID_BASE_H

#include <stddef.h>
#include <stdint.h>

#include "core/snapshot.h"

struct base {
	struct den_snapshot *snapshot;
	const struct den_snapshot_origin *origins; /* one a record */
	size_t users, records;
	uint8_t *state;	 /* BASE_*, one a record */
	uint64_t *table; /* by uuid: number + 1, and half of its hash */
	size_t room;
};

#define BASE_GONE 0x1u	 /* deleted, or told anew */
#define BASE_MARKED 0x2u /* told as present in the refresh that goes on */

/* 0 or -errno; -ENOENT and the like: no snapshot, or none that tells where it is from. */
int base_open(struct base *b, const char *path);
/* An empty one too. */
void base_close(struct base *b);

/* Number of the record, gone or not; -1: none. */
int64_t base_find(const struct base *b, const unsigned char *uuid);
/* The refresh begins: none is marked. */
void base_unmark(struct base *b);
/* Those not marked are gone; how many weren't before. */
size_t base_drop_unmarked(struct base *b);

#endif
