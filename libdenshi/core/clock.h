/* The clock that deadlines are of, and how long a server that is away is left alone. */
#ifndef DENSHI_CORE_CLOCK_H
#define DENSHI_CORE_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC in ms: nobody sets it, all of a machine's programs share it. */
int64_t den_now_ms(void);

/* A pause before the first new try, in ms, and the one after a pause of `ms`: twice as long, up to
 * five seconds. */
#define DEN_BACKOFF_MS_FIRST 100
unsigned den_backoff_after(unsigned ms);
/* Sleeps; a signal may cut it short. */
void den_sleep_ms(unsigned ms);

#endif
