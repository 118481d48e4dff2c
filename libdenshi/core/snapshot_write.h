/*
 * Writer of the snapshot.
 *
 * It reads its users and groups from a source, twice, and writes as it reads: in memory are the
 * indexes, the groups and the origins, some 75 bytes a user, never the users. A builder is a source
 * for whoever has them in no order: new, groups and users in any order, then memberships, write,
 * free. A builder may be written more than once, and copies what it is given.
 *
 * Errors are negative errno values:
 *	-EINVAL	a name that isn't denshi's (R-ID-1, R-AUTH-6), a control character or ':' in a
 *		string of a passwd line (R-NAME-1), an ID below the floor, an end before 1970; of a
 *		source, records out of order or members of an unknown group
 *	-ENAMETOOLONG	a string above its limit; -E2BIG more than the format can hold
 *	-EEXIST	a second one of this name or ID; -ENOENT an unknown user or group; -ENOMEM
 *
 * Thread rule: one thread at a time per builder.
 */
#ifndef DENSHI_CORE_SNAPSHOT_WRITE_H
#define DENSHI_CORE_SNAPSHOT_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "core/snapshot.h"

/* What is written around the users and groups. */
struct den_snapshot_frame {
	struct den_snapshot_meta meta;
	/* bytes that the reader gives back unread, such as where replication stands; size 0: none */
	const void *cookie;
	size_t cookie_size;
};

/*
 * Users by ascending uid, groups by ascending gid, each until -ENOENT; any other error ends the
 * writing and is its result. What is pointed at stays until the next call. Groups are asked for
 * once, before any user; users from the beginning after each rewind(), the same every time.
 */
struct den_snapshot_source {
	void (*rewind)(void *context);
	/* all members of USER but strings_size; its groups are among those of next_group */
	int (*next_user)(void *context, struct den_snapshot_user *user,
			 struct den_snapshot_origin *origin);
	/* of GROUP the name and the gid: its members follow from the users */
	int (*next_group)(void *context, struct den_snapshot_group *group,
			  struct den_snapshot_origin *origin);
	void *context;
	bool has_origins;	/* whether it fills them */
};

/*
 * Whether USER, the members above the line, can be in a snapshot with these floors; a NULL string
 * is an empty one, `lang` may be "". Sources give nothing else.
 */
int den_snapshot_check_user(const struct den_snapshot_user *user, uint32_t uid_floor,
			    uint32_t gid_floor);

/*
 * Puts a snapshot into force at PATH: written to PATH.new, fsynced, renamed; the file there was
 * is marked superseded. A reader sees the old one or the new one, whole. On any error, a full disk
 * among them, the old file stays in force and nothing is left behind. A leftover PATH.new of a
 * writer that died is replaced; -EBUSY while another one holds PATH.lock, which stays.
 *
 * Of the process's signals none is touched: whoever runs under RLIMIT_FSIZE ignores SIGXFSZ.
 */
int den_snapshot_write(const char *path, const struct den_snapshot_frame *frame,
		       const struct den_snapshot_source *source);

struct den_snapshot_builder;

/* NULL where there is no memory. META's floors hold for all that is added. */
struct den_snapshot_builder *den_snapshot_builder_new(const struct den_snapshot_meta *meta);

/* Accepts NULL. */
void den_snapshot_builder_free(struct den_snapshot_builder *b);

int den_snapshot_builder_set_cookie(struct den_snapshot_builder *b, const void *cookie,
				    size_t size);

int den_snapshot_builder_add_group(struct den_snapshot_builder *b, const char *name, uint32_t gid);

/* Takes the members above the line; a NULL string is an empty one, `lang` may be "". */
int den_snapshot_builder_add_user(struct den_snapshot_builder *b,
				  const struct den_snapshot_user *user);

/*
 * USER is in GROUP, until the second UNTIL if it isn't 0 (R-AUTH-8). Given twice, the longer one
 * holds: both are grants of the same thing.
 */
int den_snapshot_builder_add_membership(struct den_snapshot_builder *b, const char *user,
					const char *group, int64_t until);

/*
 * Makes the file's bytes in memory; the caller frees *IMAGE. For tests, and for whoever wants a
 * snapshot that is no file.
 */
int den_snapshot_builder_image(struct den_snapshot_builder *b, void **image, size_t *size);

/* den_snapshot_write() of what was added. */
int den_snapshot_builder_write(struct den_snapshot_builder *b, const char *path);

#endif
