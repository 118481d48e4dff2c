#include "directory/resolve.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"

/* How long a lookup is waited for where there is something else to go on with. */
#define IMPATIENT_MS 300

/* One name and port; they are those of denshi.conf, so they are few, and stay. */
struct lookup {
	struct lookup *next;
	char host[256], port[12];
	struct addrinfo hints;
	struct gaicb request;
	int running;
	unsigned waiting; /* threads that look at the request */
	struct dendir_address known[DENDIR_ADDRESSES_MAX]; /* the last that were found */
	size_t nknown;
};

static struct {
	pthread_mutex_t lock;
	struct lookup *first;
} lookups = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct lookup *find(const char *host, const char *port)
{
	struct lookup *l;

	for (l = lookups.first; l; l = l->next)
		if (strcmp(l->host, host) == 0 && strcmp(l->port, port) == 0)
			return l;
	l = strlen(host) < sizeof(l->host) ? calloc(1, sizeof(*l)) : NULL;
	if (!l)
		return NULL;
	snprintf(l->host, sizeof(l->host), "%s", host);
	snprintf(l->port, sizeof(l->port), "%s", port);
	l->hints = (struct addrinfo){.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
	l->next = lookups.first;
	lookups.first = l;
	return l;
}

/* 0, or an EAI_ code. */
static int begin(struct lookup *l)
{
	struct gaicb *list[] = {&l->request};
	struct sigevent quietly = {.sigev_notify = SIGEV_NONE};
	int rc;

	if (l->running || l->waiting)
		return 0;
	memset(&l->request, 0, sizeof(l->request));
	l->request.ar_name = l->host;
	l->request.ar_service = l->port;
	l->request.ar_request = &l->hints;
	rc = getaddrinfo_a(GAI_NOWAIT, list, 1, &quietly);
	l->running = rc == 0;
	return rc;
}

static void keep(struct lookup *l)
{
	l->nknown = 0;
	for (struct addrinfo *a = l->request.ar_result; a && l->nknown < DENDIR_ADDRESSES_MAX; a = a->ai_next) {
		if (a->ai_addrlen > sizeof(l->known[0].address))
			continue;
		memcpy(&l->known[l->nknown].address, a->ai_addr, a->ai_addrlen);
		l->known[l->nknown++].size = a->ai_addrlen;
	}
}

/* What came of it, where it is over: 0, or an EAI_ code. */
static int conclude(struct lookup *l)
{
	int rc = l->running ? gai_error(&l->request) : 0;

	if (!l->running || rc == EAI_INPROGRESS)
		return rc;
	l->running = 0;
	if (rc != 0)
		return rc;
	keep(l);
	freeaddrinfo(l->request.ar_result);
	return 0;
}

/* Without the lock: the request stays where it is. */
static void await(const struct lookup *l, int64_t ms)
{
	const struct gaicb *const list[] = {&l->request};
	const struct timespec limit = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	(void)gai_suspend(list, 1, &limit);
}

size_t dendir_resolve(const char *host, int port, int64_t until_ms,
	struct dendir_address addresses[DENDIR_ADDRESSES_MAX], const char **why)
{
	int64_t left = until_ms - den_now_ms();
	struct lookup *l;
	char service[12];
	size_t n = 0;
	int rc;

	snprintf(service, sizeof(service), "%d", port);
	pthread_mutex_lock(&lookups.lock);
	l = find(host, service);
	rc = l ? begin(l) : EAI_MEMORY;
	if (l && l->running && left > 0) {
		int64_t ms = l->nknown > 0 && left > IMPATIENT_MS ? IMPATIENT_MS : left;

		l->waiting++;
		pthread_mutex_unlock(&lookups.lock);
		await(l, ms);
		pthread_mutex_lock(&lookups.lock);
		l->waiting--;
		rc = conclude(l);
	}
	if (l) {
		n = l->nknown;
		memcpy(addresses, l->known, sizeof(l->known));
	}
	pthread_mutex_unlock(&lookups.lock);
	*why = rc == EAI_INPROGRESS ? "no name server answers" : gai_strerror(rc);
	return n;
}
