/*
 * This host's audit records, each with the digest of the one before (crypto/chain.h). Each decision on a request
 * (denshiDecidedOn) and each user update (anchor.h) says in the directory where the chain of its host stood, and the host
 * can't change that.
 *
 * Thread rule: any thread.
 */
#ifndef DENSHI_DENSHID_CHAIN_H
#define DENSHI_DENSHID_CHAIN_H

#include "crypto/chain.h"

struct denshid;

#define CHAIN_ANCHOR_SIZE 96

/* Opens the file beside the snapshot and goes on behind its last record; log_audit's records go there from now on. A line
 * that a crash cut off is taken away. Exits with a message where the file can't be had: nothing happens unrecorded. */
void chain_open(const struct denshid *shared);

/* "NUMBER:DIGEST" of the last record, which is on the disk then: no crash makes the chain shorter than what others were
 * told of it. Number 0 and 64 zeros where there is none. */
char *chain_anchor(char buf[CHAIN_ANCHOR_SIZE]);

/* Every record there was when it was called, from the first; non-zero from the callback ends it. -1: it can't be read. */
int chain_each(int (*each)(void *context, const struct dencrypt_record *r), void *context);

#endif
