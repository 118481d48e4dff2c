/*
 * This host's audit records, each with the digest of the one before (R-ALL-3): a record that is changed, taken out or put in
 * breaks the chain from there on. Each decision on a request (denshiDecidedOn) and each user update (anchor.h) says in the
 * directory where the chain of its host stood, and the host can't change that: a chain that was made anew, or that lacks its
 * end, doesn't fit.
 *
 * A line of the file is: NUMBER TIME DIGEST RECORD, where DIGEST is the SHA-256 of
 * "DIGEST-BEFORE NUMBER TIME RECORD", in hexadecimal; before the first one 64 zeros.
 *
 * Thread rule: any thread.
 */
#ifndef DENSHI_DENSHID_CHAIN_H
#define DENSHI_DENSHID_CHAIN_H

#include <stdint.h>
#include <stddef.h>

struct denshid;

#define CHAIN_DIGEST_SIZE 65
#define CHAIN_ANCHOR_SIZE 96
/* Before the first record. */
#define CHAIN_NONE "0000000000000000000000000000000000000000000000000000000000000000"

/* Opens the file beside the snapshot and goes on behind its last record; log_audit's records go there from now on. A line
 * that a crash cut off is taken away. Exits with a message where the file can't be had: nothing happens unrecorded. */
void chain_open(const struct denshid *shared);

/* "NUMBER:DIGEST" of the last record, which is on the disk then: no crash makes the chain shorter than what others were
 * told of it. Number 0 and 64 zeros where there is none. */
char *chain_anchor(char buf[CHAIN_ANCHOR_SIZE]);

struct chain_record {
	uint64_t number;
	int64_t time;
	const char *text; /* event=... KEY=VALUE... */
	char digest[CHAIN_DIGEST_SIZE];
	int fits; /* its digest is right, and it follows the one before */
};
/* Every record there was when it was called, from the first; non-zero from the callback ends it. -1: it can't be read. */
int chain_each(int (*each)(void *context, const struct chain_record *r), void *context);

#endif
