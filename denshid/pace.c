#include "denshid/pace.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* Longer is no reservation but a directory in trouble, which is told apart by its message. */
#define LONGEST_US 50000
/* Each measurement moves the median by one part in so many. */
#define PARTS 32

struct pace {
	pthread_mutex_t lock;
	int64_t known_us, unknown_us; /* 0: never measured */
};

struct pace *pace_new(void)
{
	struct pace *p = calloc(1, sizeof(*p));

	if (p)
		pthread_mutex_init(&p->lock, NULL);
	return p;
}

void pace_free(struct pace *p)
{
	pthread_mutex_destroy(&p->lock);
	free(p);
}

int64_t pace_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* A step towards it, however far away it is: outliers move a median no more than others do. */
static int64_t moved(int64_t median, int64_t measured)
{
	if (!median)
		return measured;
	return measured > median ? median + median / PARTS + 1 : median - median / PARTS;
}

void pace_known(struct pace *p, int64_t took_us)
{
	pthread_mutex_lock(&p->lock);
	p->known_us = moved(p->known_us, took_us);
	pthread_mutex_unlock(&p->lock);
}

void pace_unknown(struct pace *p, int64_t took_us)
{
	int64_t wait_us;
	struct timespec t;

	pthread_mutex_lock(&p->lock);
	p->unknown_us = moved(p->unknown_us, took_us);
	wait_us = p->known_us - p->unknown_us;
	pthread_mutex_unlock(&p->lock);
	if (wait_us <= 0)
		return;
	if (wait_us > LONGEST_US)
		wait_us = LONGEST_US;
	t = (struct timespec){.tv_nsec = (long)wait_us * 1000};
	nanosleep(&t, NULL);
}
