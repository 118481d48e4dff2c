/*
 * The workers: threads that answer requests, each with a directory connection of
 * its own. Requests about one login ID are answered one after the other, in the
 * order they came; those of different ones in parallel.
 */
#ifndef DENSHI_DENSHID_POOL_H
#define DENSHI_DENSHID_POOL_H

#include <sys/types.h>

#include "denshid/call.h"

struct pool;

/* Called by a worker when a request is answered, with what pool_put was given. */
typedef void pool_done(void *context, uid_t uid);

/* NULL where threads can't be had. */
struct pool *pool_new(const struct denshid *shared, unsigned workers, pool_done *done, void *context);

/* Most requests waiting at a time. */
#define POOL_QUEUE_MAX 1024

/*
 * Takes over fd and message. -1 where the queue is full: nothing is taken over.
 * Thread rule: the event loop's thread.
 */
int pool_put(struct pool *p, int fd, uid_t uid, struct den_message *message);

#endif
