/*
 * What is in force (ou=published): versions of users and groups, each of one
 * serial, and the pointer to the serial in force. A reader takes, per name, the
 * version with the highest serial that is not above the pointer.
 */
#ifndef DENSHI_DIRECTORY_VERSION_H
#define DENSHI_DIRECTORY_VERSION_H

#include "directory/batch.h"
#include "directory/user.h"

/* The pointer's cn; versions are LOGIN.SERIAL and g.GROUP.SERIAL. */
#define DENDIR_POINTER_CN "serial"
#define DENDIR_DN_POINTER "cn=" DENDIR_POINTER_CN ",ou=published"

struct dendir_version {
	int64_t serial;
	int is_group;	       /* its name is user.name, its gid user.gid */
	struct dendir_user user;
};

/* What dendir_version_read needs of an entry; for dendir_watch. */
extern const char *const dendir_version_attributes[];

/* 0, or -1 for an entry that is none (the pointer, the subtree's base) or malformed.
 * Released by dendir_user_done(&version->user). */
int dendir_version_read(struct dendir_version *version, struct dendir_entry *e);

/* A user's version under user->serial; one left there by an interrupted run, perhaps with
 * other contents, is replaced: nothing refers to it yet. */
enum den_code dendir_version_add(struct dendir *d, const struct dendir_user *user);
enum den_code dendir_version_add_group(struct dendir *d, const char *name, int64_t gid, int64_t serial);

/* The same in a batch: whether one was there is told by its result (LDAP_ALREADY_EXISTS). */
void dendir_version_put(struct dendir_batch *b, const struct dendir_user *user);

/* Login ID and serial of each user's version that the filter fits. */
typedef int dendir_each_version(void *context, const char *login, int64_t serial);
enum den_code dendir_version_each(struct dendir *host, const char *filter, dendir_each_version *each, void *context);
void dendir_version_delete(struct dendir_batch *b, const char *login, int64_t serial);

/* The serial in force. */
enum den_code dendir_serial_read(struct dendir *d, int64_t *serial);

#endif
