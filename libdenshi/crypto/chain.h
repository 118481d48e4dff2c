/*
 * The audit records of a host as a chain of digests (R-ALL-3), and whether it is the one that others saw. A line of
 * the file is: NUMBER TIME DIGEST RECORD, where DIGEST is the SHA-256 of "DIGEST-BEFORE NUMBER TIME RECORD", in
 * hexadecimal; before the first one 64 zeros. So a record that is changed, taken out or put in breaks the chain from there on.
 * A chain that was made anew, or that lacks its end, contradicts its anchors: what the directory has of it.
 */
#ifndef DENSHI_CRYPTO_CHAIN_H
#define DENSHI_CRYPTO_CHAIN_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/digest.h"

#define DENCRYPT_CHAIN_NONE "0000000000000000000000000000000000000000000000000000000000000000"
/* The longest line, with its newline and NUL. */
#define DENCRYPT_CHAIN_LINE 2304

struct dencrypt_record {
	uint64_t number;
	int64_t time;
	const char *text; /* event=... KEY=VALUE... */
	char digest[DENCRYPT_DIGEST_HEX_SIZE];
	int fits; /* its digest is right, and it follows the one before */
};

/* The digest of a record behind the one of `before`. */
enum dencrypt_result dencrypt_chain_digest(char hex[DENCRYPT_DIGEST_HEX_SIZE], const char *before, uint64_t number,
	int64_t time, const char *text);

/* Takes a line apart, which it changes; text points into it. DENCRYPT_MALFORMED. */
enum dencrypt_result dencrypt_record_parse(char *line, struct dencrypt_record *r);

/* Where a reading stands; begins as DENCRYPT_CHAIN_BEGIN. */
struct dencrypt_chain {
	char digest[DENCRYPT_DIGEST_HEX_SIZE];
	uint64_t number;
};
#define DENCRYPT_CHAIN_BEGIN {.digest = DENCRYPT_CHAIN_NONE}

/* The next line. One that is none is a record without a text, which doesn't fit. */
void dencrypt_chain_next(struct dencrypt_chain *c, char *line, struct dencrypt_record *r);

/* -- verifying ----------------------------------------------------------------------------- */

/* That the record of this number had this digest: "of" says it, a decision on a request or a user update. */
struct dencrypt_anchor {
	uint64_t number; /* 0: there was none yet */
	char digest[DENCRYPT_DIGEST_HEX_SIZE], of[24];
	int64_t serial; /* of the user update; 0: a decision */
};

enum dencrypt_verdict {
	DENCRYPT_CHAIN_SOUND,
	DENCRYPT_CHAIN_BROKEN, /* at number */
	DENCRYPT_CHAIN_UNFIT,  /* with the anchor */
};

/* Begins as zeros: all anchors first, then all records, then the verdict. */
struct dencrypt_verification {
	struct dencrypt_anchor *anchors;
	size_t n, updates;
	int64_t last_update; /* the highest serial; 0: none */
	uint64_t records;
	uint64_t broken;		      /* the first that doesn't fit; 0: none */
	const struct dencrypt_anchor *unfit; /* the first that knows another record; NULL: none */
	size_t next;
};

/* "NUMBER:DIGEST", as it is stored; what isn't that fits no record. */
void dencrypt_anchor_head(struct dencrypt_anchor *a, const char *head);

enum dencrypt_result dencrypt_verify_anchor(struct dencrypt_verification *v, const struct dencrypt_anchor *a);
void dencrypt_verify_record(struct dencrypt_verification *v, const struct dencrypt_record *r);
enum dencrypt_verdict dencrypt_verify_end(struct dencrypt_verification *v);
void dencrypt_verification_done(struct dencrypt_verification *v);

#endif
