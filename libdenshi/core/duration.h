/* Lengths of time as people write them: 90s, 30m, 2h, 7d. Thread rule: pure functions. */
#ifndef DENSHI_CORE_DURATION_H
#define DENSHI_CORE_DURATION_H

#include <stdint.h>

/* Seconds, 1 to 7 days; -1 for what isn't one. */
int64_t den_duration_parse(const char *text);

#endif
