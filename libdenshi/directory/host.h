/*
 * The hosts of an organisation: machines that run denshid. Their entries are below
 * ou=hosts; who of them is a host, the list cn=hosts,ou=services says, and the access
 * rules look there. Only the directory's administrator writes here.
 */
#ifndef DENSHI_DIRECTORY_HOST_H
#define DENSHI_DIRECTORY_HOST_H

#include "directory/connection.h"

#define DENDIR_DN_HOST "cn=%s,ou=hosts"
#define DENDIR_DN_HOSTS "cn=hosts,ou=services"
/* The longest name: what a certificate's common name holds (RFC 5280, ub-common-name). */
#define DENDIR_HOST_NAME_MAX 64
/* Of a joining's random name, with its NUL. */
#define DENDIR_HOST_ID_SIZE 33

struct dendir_host {
	char dn[DENDIR_DN_SIZE]; /* found out by reading */
	char name[DENDIR_HOST_NAME_MAX + 1];
	char id[DENDIR_HOST_ID_SIZE]; /* random, new with each joining; its certificate shows it too */
	char description[256];
	int64_t since; /* when it was added */
	int listed;    /* found out by reading: it is a host */
};

/*
 * Adds the entry, then puts it on the list: the second makes it a host. Where there is an
 * entry of that name (a removed host's) the new one gets another DN, with its id: a
 * connection that the old host kept open doesn't become the new one's. DEN_HOST_EXISTS
 * where there is a host of that name, also where another one was added at the same time.
 */
enum den_code dendir_host_add(struct dendir *root, const struct dendir_host *host);

/* Takes it off the list: at its next operation it is nobody. Its entry stays, so that nobody
 * else ever gets its DN. DEN_HOST_UNKNOWN. */
enum den_code dendir_host_remove(struct dendir *root, const char *name);

typedef int dendir_each_host(void *context, const struct dendir_host *host);

/* The hosts on the list, in no order; a callback that returns non-zero ends it. */
enum den_code dendir_host_each(struct dendir *d, dendir_each_host *each, void *context);

/* DEN_HOST_UNKNOWN where there is none. */
enum den_code dendir_host_read(struct dendir *d, const char *name, struct dendir_host *host);
/* The same, or else the last of that name that was removed. */
enum den_code dendir_host_find(struct dendir *d, const char *name, struct dendir_host *host);

#endif
