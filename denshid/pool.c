#include "denshid/pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "denshid/log.h"

struct job {
	struct job *next;
	int fd;
	uid_t uid;
	struct den_message *message;
	char about[DEN_LOGIN_ID_SIZE]; /* "": no login ID, free of any order */
	int64_t deadline_ms;
};

/* Whom a worker works about, and for. */
struct at_work {
	char about[DEN_LOGIN_ID_SIZE];
	int is_busy;
	uid_t uid;
};

struct pool {
	const struct denshid *shared;
	pool_done *done;
	void *context;
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct job *first, **end; /* waiting, in order */
	size_t waiting;
	unsigned nworkers;
	struct at_work *busy; /* by worker */
};

struct worker {
	struct pool *pool;
	unsigned number;
};

static int is_busy(const struct pool *p, const char *about)
{
	for (unsigned i = 0; *about && i < p->nworkers; i++)
		if (p->busy[i].is_busy && strcmp(p->busy[i].about, about) == 0)
			return 1;
	return 0;
}

/* A quarter of the workers is as much as one uid gets, but for root: whoever asks without end
 * leaves the others to those who log in. */
static int has_enough(const struct pool *p, uid_t uid)
{
	unsigned working = 0;

	for (unsigned i = 0; i < p->nworkers; i++)
		working += p->busy[i].is_busy && p->busy[i].uid == uid;
	return uid != 0 && working && working >= p->nworkers / 4;
}

/* The first job whose user nobody works for, root's before all others: logins don't
 * wait behind what some program asks. NULL where there is none. */
static struct job *take_of(struct pool *p, unsigned worker, int roots)
{
	for (struct job **at = &p->first; *at; at = &(*at)->next) {
		struct job *job = *at;

		if ((job->uid == 0) != roots || has_enough(p, job->uid) || is_busy(p, job->about))
			continue;
		*at = job->next;
		if (!job->next)
			p->end = at;
		p->waiting--;
		p->busy[worker].is_busy = 1;
		p->busy[worker].uid = job->uid;
		memcpy(p->busy[worker].about, job->about, sizeof(job->about));
		return job;
	}
	return NULL;
}

static struct job *take(struct pool *p, unsigned worker)
{
	struct job *job = take_of(p, worker, 1);

	return job ? job : take_of(p, worker, 0);
}

static void answer(struct pool *p, struct job *job, struct dendir **pooled)
{
	struct call c = {
		.shared = p->shared,
		.pooled = pooled,
		.fd = job->fd,
		.in = job->message,
		.out = den_message_new(DEN_INTERNAL),
		.uid = job->uid,
		.deadline_ms = job->deadline_ms,
	};

	if (c.out)
		dispatch(&c);
	den_message_free(c.out);
	den_message_free(job->message);
	close(job->fd);
}

static void *work(void *context)
{
	struct worker *w = context;
	struct pool *p = w->pool;
	struct dendir *pooled = NULL;

	for (;;) {
		struct job *job;
		int others_wait;

		pthread_mutex_lock(&p->lock);
		p->busy[w->number].is_busy = 0;
		/* Whoever waited for this worker's user may go on now: with this worker, and where
		 * others wait too, with one more, and so on. To wake all of them would cost each
		 * login more than its directory operations. */
		while (!(job = take(p, w->number)))
			pthread_cond_wait(&p->work, &p->lock);
		others_wait = p->waiting > 0;
		pthread_mutex_unlock(&p->lock);
		if (others_wait)
			pthread_cond_signal(&p->work);
		answer(p, job, &pooled);
		p->done(p->context, job->uid);
		free(job);
	}
	return NULL;
}

struct pool *pool_new(const struct denshid *shared, unsigned workers, pool_done *done, void *context)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (!p || !(p->busy = calloc(workers, sizeof(*p->busy))))
		goto fail;
	p->shared = shared;
	p->done = done;
	p->context = context;
	p->end = &p->first;
	p->nworkers = workers;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	for (unsigned i = 0; i < workers; i++) {
		struct worker *w = calloc(1, sizeof(*w));
		pthread_t thread;

		if (!w)
			goto fail;
		w->pool = p;
		w->number = i;
		if (pthread_create(&thread, NULL, work, w) != 0)
			goto fail;
		pthread_detach(thread);
	}
	return p;
fail:
	/* The program ends now: threads that were started may still use p. */
	log_warn("the workers can't be started");
	return NULL;
}

/* Whose order a request stands in: that of whom it is about, for a command also
 * its caller's own. Only checks of passwords need it. */
static void find_about(struct job *job, const struct denshid *shared)
{
	struct view_user peer;
	const char *login = den_message_string(job->message, DEN_TAG_LOGIN);

	if (den_message_kind(job->message) >= DEN_OP_STATUS &&
		den_message_bytes(job->message, DEN_TAG_APPROVAL_PASSWORD, &(size_t){0}) &&
		view_user_by_uid(shared->view, job->uid, &peer))
		memcpy(job->about, peer.login, sizeof(job->about));
	else if (login)
		den_login_id_parse(job->about, login, strlen(login));
}

int pool_put(struct pool *p, int fd, uid_t uid, struct den_message *message)
{
	struct job *job = calloc(1, sizeof(*job));
	int full;

	if (!job)
		return -1;
	job->fd = fd;
	job->uid = uid;
	job->message = message;
	job->deadline_ms = den_now_ms() + dispatch_patience_ms(den_message_kind(message));
	find_about(job, p->shared);
	pthread_mutex_lock(&p->lock);
	full = p->waiting >= POOL_QUEUE_MAX;
	if (!full) {
		*p->end = job;
		p->end = &job->next;
		p->waiting++;
	}
	pthread_mutex_unlock(&p->lock);
	/* Without the lock: whoever wakes needs it at once. */
	if (full)
		free(job);
	else
		pthread_cond_signal(&p->work);
	return full ? -1 : 0;
}
