#include "denshid/pace.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* Longer is no attempt but a directory in trouble, which is told apart by its message. */
#define LONGEST_US 50000
/* A measurement moves the median by one part in so many: by less and less, down to the last. */
#define FIRST_PARTS 8
#define LAST_PARTS 256
/* So many in a row on one side: the median is elsewhere by now. */
#define ROW 8

struct median {
	int64_t us; /* 0: never measured */
	int parts;
	int row; /* in a row above it, or, negative, below */
};

struct pace {
	pthread_mutex_t lock;
	struct median known, unknown;
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
static void move(struct median *m, int64_t measured)
{
	int up = measured > m->us;

	if (!m->us) {
		*m = (struct median){.us = measured, .parts = FIRST_PARTS};
		return;
	}
	if ((up && m->row < 0) || (!up && m->row > 0))
		m->row = 0;
	m->row += up ? 1 : -1;
	if (m->row >= ROW || m->row <= -ROW) {
		m->row = 0;
		m->parts = FIRST_PARTS;
	}
	m->us += up ? m->us / m->parts + 1 : -(m->us / m->parts);
	if (m->parts < LAST_PARTS)
		m->parts++;
}

void pace_known(struct pace *p, int64_t took_us)
{
	pthread_mutex_lock(&p->lock);
	move(&p->known, took_us);
	pthread_mutex_unlock(&p->lock);
}

int64_t pace_wait_us(struct pace *p, int64_t took_us)
{
	int64_t wait_us;

	pthread_mutex_lock(&p->lock);
	move(&p->unknown, took_us);
	wait_us = p->known.us - p->unknown.us;
	pthread_mutex_unlock(&p->lock);
	if (wait_us <= 0)
		return 0;
	return wait_us < LONGEST_US ? wait_us : LONGEST_US;
}

void pace_unknown(struct pace *p, int64_t took_us)
{
	const struct timespec t = {.tv_nsec = (long)pace_wait_us(p, took_us) * 1000};

	if (t.tv_nsec)
		nanosleep(&t, NULL);
}
