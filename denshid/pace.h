/*
 * How much longer a wrong password of a known name takes than one of a name that nobody has: the
 * reservation. The latter waits for as long, so that time tells nobody which names there are
 * (R-LOCK-4). Medians of what was measured on this host lately.
 * Thread rule: every function may be called by any thread.
 */
#ifndef DENSHI_DENSHID_PACE_H
#define DENSHI_DENSHID_PACE_H

#include <stdint.h>

struct pace;

/* NULL without memory. */
struct pace *pace_new(void);
void pace_free(struct pace *p);

int64_t pace_now_us(void);

/* A wrong password of a known name was evaluated. */
void pace_known(struct pace *p, int64_t took_us);

/* One of an unknown name was: waits for the difference. */
void pace_unknown(struct pace *p, int64_t took_us);
/* The same without the waiting: how long it is, in microseconds. */
int64_t pace_wait_us(struct pace *p, int64_t took_us);

#endif
