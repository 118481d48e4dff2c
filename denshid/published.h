/*
 * What is in force at a serial: the base, and what the versions change of it; a source
 * of the next snapshot (core/snapshot_write.h), which is read without a copy of the base.
 * Thread rule: one thread.
 */
#ifndef DENSHI_DENSHID_PUBLISHED_H
#define DENSHI_DENSHID_PUBLISHED_H

#include "core/snapshot_write.h"
#include "denshid/base.h"
#include "denshid/versions.h"

struct published {
	/* to be set before published_begin */
	const struct base *base;
	const struct versions *versions;
	uint32_t serial;
	uint32_t uid_floor, gid_floor;
	unsigned max_drop; /* per cent of the base's users; 100: any */
	int whole;	   /* the directory told everything: who isn't in it doesn't exist */
	/* how many users the next snapshot has, once it was read through */
	size_t users;
	struct reading *reading;
};

/* 0 or -ENOMEM, -EBADMSG for a damaged base. Logs what can't be published and why. */
int published_begin(struct published *p);
/* Its first reading ends with -ECANCELED where more than max_drop of the users would be
 * gone, and with -ESTALE where a user's version was deleted and nothing says what comes
 * in its place: then the directory is to be asked for everything. */
struct den_snapshot_source published_source(struct published *p);
void published_done(struct published *p);

#endif
