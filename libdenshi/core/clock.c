#include "core/clock.h"

#include <time.h>

#define BACKOFF_MS_LAST 5000u

int64_t den_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

unsigned den_backoff_after(unsigned ms)
{
	return ms * 2 > BACKOFF_MS_LAST ? BACKOFF_MS_LAST : ms * 2;
}

void den_sleep_ms(unsigned ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}
