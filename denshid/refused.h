/*
 * Wrong login passwords of the last seconds. A browser's page load asks 30 times with the
 * password it has stored; a guess that was just refused can't be right the next moment, so an
 * equal one is answered from the first refusal and takes no attempt (R-LOCK-1: one mistake, one
 * attempt). Names that nobody has are remembered alike: both are answered as fast (R-LOCK-4).
 *
 * Kept are salted digests, in locked memory that goes into no core dump; where memory can't be
 * locked, nothing is kept. Thread rule: every function may be called by any thread.
 */
#ifndef DENSHI_DENSHID_REFUSED_H
#define DENSHI_DENSHID_REFUSED_H

#include <stdint.h>

#include "core/secret.h"

/* From the first refusal; repeating it doesn't prolong it. */
#define REFUSED_WITHIN_MS 10000

struct refused;

/* NULL where memory can't be had or locked. The functions below take NULL. */
struct refused *refused_new(void);

/* 1 where this guess at name's password was refused within REFUSED_WITHIN_MS, and *left as it is
 * now. */
int refused_lately(struct refused *r, const char *name, const struct den_secret *guess, int64_t now_ms,
	unsigned *left);

/* 1 where any guess at name's password was, and *left. */
int refused_last(struct refused *r, const char *name, int64_t now_ms, unsigned *left);

/* A guess was evaluated and wrong; left attempts are left. */
void refused_remember(struct refused *r, const char *name, const struct den_secret *guess, int64_t now_ms,
	unsigned left);

/* Everything about name: its password is another one now, or was right. */
void refused_forget(struct refused *r, const char *name);

/* What is too old is wiped; to be called now and then. */
void refused_sweep(struct refused *r, int64_t now_ms);

#endif
