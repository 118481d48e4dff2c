/*
 * A password in memory: bounded, locked, left out of core dumps and of forked
 * children, wiped when freed (R-ALL-4). printf can't take it, plain assignment
 * doesn't copy it.
 *
 * Thread rule: one thread at a time per object; den_secret_keep before there is a second thread.
 */
#ifndef DENSHI_CORE_SECRET_H
#define DENSHI_CORE_SECRET_H

#include <stddef.h>

/* Longest password, in bytes (R-PW-1). */
#define DEN_PASSWORD_MAX 256

struct den_secret;

/* An empty secret; NULL with errno where there is no memory. Freed by den_secret_free. */
struct den_secret *den_secret_new(void);

/* Takes NULL. Wipes, then releases. */
void den_secret_free(struct den_secret *secret);

/* For a daemon: up to `most` secrets that were wiped and freed stay locked for the next, as a mapping of each
 * one's own costs every login. 0, which it begins with: none. */
void den_secret_keep(unsigned most);

/* Puts a copy of bytes in. -1 with errno EMSGSIZE over DEN_PASSWORD_MAX bytes,
 * EINVAL with a NUL byte among them; the secret is then empty. */
int den_secret_set(struct den_secret *secret, const void *bytes, size_t len);

/* The bytes, NUL-terminated, valid until the next set or free. NULL gives "". */
const char *den_secret_bytes(const struct den_secret *secret);
size_t den_secret_len(const struct den_secret *secret);

/* 1 where both are equal, in time that depends on their lengths alone. */
int den_secret_equal(const struct den_secret *a, const struct den_secret *b);

/* Reads one line (or up to end of file) from fd, without its newline. -1 with
 * errno; EMSGSIZE where it is longer than a password may be. */
int den_secret_read_line(struct den_secret *secret, int fd);

#endif
