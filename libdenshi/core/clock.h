/* The clock that deadlines are of. */
#ifndef DENSHI_CORE_CLOCK_H
#define DENSHI_CORE_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC in ms: nobody sets it, all of a machine's programs share it. */
int64_t den_now_ms(void);

#endif
