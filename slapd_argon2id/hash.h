/*
 * Password hashes in the form `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`, on
 * libargon2: RFC 9106. Makes Argon2id, verifies Argon2id, Argon2i and Argon2d.
 *
 * Thread rule: no state; any thread at any time.
 */
#ifndef DENSHI_SLAPD_ARGON2ID_HASH_H
#define DENSHI_SLAPD_ARGON2ID_HASH_H

#include <stddef.h>
#include <stdint.h>

/* OWASP's minimum for one lane (Password Storage Cheat Sheet, 2024). */
#define PWHASH_MEMORY_KIB 19456
#define PWHASH_PASSES 2
#define PWHASH_LANES 1

/* Longest hash that is made or read, with its NUL. */
#define PWHASH_SIZE 256
/* Longest password, in bytes: slapd's own limit on a credential is far above ours. */
#define PWHASH_PASSWORD_MAX 4096

struct pwhash_cost {
	uint32_t memory_kib, passes, lanes;
};

enum pwhash_result {
	PWHASH_OK,
	PWHASH_WRONG,	 /* another password */
	PWHASH_FORM,	 /* no hash of this kind */
	PWHASH_COSTLY, /* a hash that would cost more than `most` allows */
	PWHASH_FAILED, /* no memory, no entropy, a password that is too long */
};

/* 0, or -1 where cost can't be had (RFC 9106, 3.1: at least 8 KiB a lane) or is absurd. */
int pwhash_cost_check(const struct pwhash_cost *cost);

/* A new hash of the len bytes at password, under a salt of its own. */
enum pwhash_result pwhash_make(char out[PWHASH_SIZE], const struct pwhash_cost *cost,
	const void *password, size_t len);

/*
 * Whether the len bytes at password are those of hash, which is nhash bytes long; NUL bytes
 * at its end are ignored (slapd's own module stores them). Whoever may store a hash could
 * store one whose check takes all of the server's memory: work (memory times passes) and
 * lanes over those of `most` are refused unheard. The comparison is constant-time.
 */
enum pwhash_result pwhash_verify(const char *hash, size_t nhash, const struct pwhash_cost *most,
	const void *password, size_t len);

#endif
