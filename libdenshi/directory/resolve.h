/*
 * Addresses of directory servers. Name servers that say nothing are waited for by libc
 * for longer than anybody here has: a lookup goes on by itself, one for each name, and
 * meanwhile the addresses that it had last time will do. TLS tells whether the right
 * server is there.
 *
 * Thread rule: may be called by several threads at once.
 */
#ifndef DENSHI_DIRECTORY_RESOLVE_H
#define DENSHI_DIRECTORY_RESOLVE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define DENDIR_ADDRESSES_MAX 8

struct dendir_address {
	struct sockaddr_storage address;
	socklen_t size;
};

/* How many addresses were found until then (CLOCK_MONOTONIC); 0 with the reason in *why. */
size_t dendir_resolve(const char *host, int port, int64_t until_ms,
	struct dendir_address addresses[DENDIR_ADDRESSES_MAX], const char **why);

#endif
