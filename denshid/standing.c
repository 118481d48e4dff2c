#include "denshid/standing.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "denshid/log.h"
#include "directory/connection.h"
#include "directory/request.h"

/* So many are kept, about 25 KB each; a new one takes the oldest one's place. */
#define KEPT_MAX 32
/* Between two proofs that the stream's server still answers, and how old the last one may be. */
#define PROBE_MS 1000
#define ALIVE_MS 3000
/* Nobody asked for so long: the stream ends. */
#define IDLE_MS 600000

/* Of an entry, that it is there (RFC 4511, 4.5.1.8). */
static const char *const nothing[] = {"1.1", NULL};

struct kept {
	struct standing_approval *approval; /* NULL: free */
	int64_t since_ms;
};

struct standing {
	const struct dendir_site *site;
	struct dendir *d; /* the stream's thread's own */
	pthread_mutex_t lock; /* of all below */
	int is_running;
	uint64_t changes; /* that were told, and times that the stream began or ended */
	int64_t alive_ms; /* when the stream's server has answered last; 0: there is no stream */
	int64_t asked_ms;
	struct kept kept[KEPT_MAX];
};

/* -- what is kept ----------------------------------------------------------------------------- */

static void forget(struct standing *s)
{
	s->changes++;
	for (size_t i = 0; i < KEPT_MAX; i++) {
		free(s->kept[i].approval);
		s->kept[i].approval = NULL;
	}
}

void standing_forget(struct standing *s)
{
	pthread_mutex_lock(&s->lock);
	forget(s);
	pthread_mutex_unlock(&s->lock);
}

static int is_alive(const struct standing *s, int64_t now_ms)
{
	return s->alive_ms && now_ms - s->alive_ms < ALIVE_MS;
}

static struct kept *find(struct standing *s, const char *maker, const char *business, const char *account)
{
	for (size_t i = 0; i < KEPT_MAX; i++) {
		const struct standing_approval *a = s->kept[i].approval;

		if (a && strcmp(a->request.maker, maker) == 0 && strcmp(a->rules.id, business) == 0 &&
			strcmp(a->account, account) == 0)
			return &s->kept[i];
	}
	return NULL;
}

/* A free one, or the oldest. */
static struct kept *place(struct standing *s)
{
	struct kept *oldest = s->kept;

	for (size_t i = 0; i < KEPT_MAX && oldest->approval; i++)
		if (!s->kept[i].approval || s->kept[i].since_ms < oldest->since_ms)
			oldest = &s->kept[i];
	return oldest;
}

void standing_keep(struct standing *s, uint64_t begun, const char *account, const struct den_rules *rules,
	const struct den_request *request)
{
	struct standing_approval *a = begun ? malloc(sizeof(*a)) : NULL;
	struct kept *k;

	if (!a)
		return;
	snprintf(a->account, sizeof(a->account), "%s", account);
	a->rules = *rules;
	a->request = *request;
	pthread_mutex_lock(&s->lock);
	if (begun == s->changes) {
		k = find(s, request->maker, rules->id, account);
		if (!k)
			k = place(s);
		free(k->approval);
		k->approval = a;
		k->since_ms = den_now_ms();
		a = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	free(a);
}

struct standing_approval *standing_find(struct standing *s, const char *maker, const char *business, const char *account)
{
	struct standing_approval *found = NULL;
	int64_t now_ms = den_now_ms();
	const struct kept *k;

	pthread_mutex_lock(&s->lock);
	k = is_alive(s, now_ms) ? find(s, maker, business, account) : NULL;
	if (k && now_ms - k->since_ms < STANDING_MS)
		found = malloc(sizeof(*found));
	if (found)
		*found = *k->approval;
	s->asked_ms = now_ms;
	pthread_mutex_unlock(&s->lock);
	return found;
}

/* -- the stream -------------------------------------------------------------------------------- */

static int on_changed(void *context, const unsigned char *uuid, struct dendir_entry *e)
{
	(void)uuid;
	(void)e;
	standing_forget(context);
	return 0;
}

static int on_gone(void *context, const unsigned char *uuid)
{
	return on_changed(context, uuid, NULL);
}

static void set_alive(struct standing *s, int64_t alive_ms)
{
	pthread_mutex_lock(&s->lock);
	if (!alive_ms || !s->alive_ms)
		forget(s);
	s->alive_ms = alive_ms;
	pthread_mutex_unlock(&s->lock);
}

static int on_refreshed(void *context, int others_gone)
{
	(void)others_gone;
	set_alive(context, den_now_ms());
	return 0;
}

/* Nobody has asked for long. Under the lock. */
static int is_unused(const struct standing *s)
{
	return den_now_ms() - s->asked_ms >= IDLE_MS;
}

static int is_wanted(struct standing *s)
{
	int wanted;

	pthread_mutex_lock(&s->lock);
	wanted = !is_unused(s);
	pthread_mutex_unlock(&s->lock);
	return wanted;
}

static int is_there(void *context, struct dendir_entry *e)
{
	(void)context;
	(void)e;
	return 0;
}

/* Whether the server answers still. Only this thread writes alive_ms. */
static int on_idle(void *context)
{
	struct standing *s = context;
	char base[DENDIR_DN_SIZE];

	if (!s->alive_ms || den_now_ms() - s->alive_ms < PROBE_MS)
		return 0;
	if (dendir_search(s->d, dendir_dn(base, s->d, "ou=requests"), DENDIR_BASE, NULL, nothing, is_there, NULL) != DEN_OK)
		return 1;
	set_alive(s, den_now_ms());
	/* The writer is who is told first, and who is asked where nothing is kept. */
	return !is_wanted(s) || !dendir_is_at_writer(s->d);
}

static void watch(struct standing *s)
{
	const struct dendir_watcher watcher = {
		.changed = on_changed, .gone = on_gone, .refreshed = on_refreshed, .idle = on_idle, .context = s};
	char base[DENDIR_DN_SIZE], open[DENDIR_REQUEST_FILTER_SIZE], filter[DENDIR_REQUEST_FILTER_SIZE + 128];

	snprintf(filter, sizeof(filter), "(|%s(objectClass=denshiApproval)(objectClass=denshiBusinessEntry))",
		dendir_request_filter(open, "", time(NULL) - DENDIR_REQUEST_SLACK_S));
	(void)dendir_watch(s->d, dendir_dn(base, s->d, "%s", ""), filter, nothing, NULL, &watcher);
	set_alive(s, 0);
}

/* Not wanted any more: the next who asks starts another. */
static int ends(struct standing *s)
{
	int over;

	pthread_mutex_lock(&s->lock);
	over = is_unused(s);
	s->is_running = !over;
	pthread_mutex_unlock(&s->lock);
	return over;
}

static void *run(void *context)
{
	struct standing *s = context;
	unsigned backoff_ms = DEN_BACKOFF_MS_FIRST;

	while (!ends(s)) {
		s->d = NULL;
		if (dendir_open(&s->d, s->site) == DEN_OK) {
			backoff_ms = DEN_BACKOFF_MS_FIRST;
			watch(s);
		}
		dendir_close(s->d);
		den_sleep_ms(backoff_ms);
		backoff_ms = den_backoff_after(backoff_ms);
	}
	return NULL;
}

/* Without a thread nothing is kept: each time is a first one. */
static void start(struct standing *s)
{
	pthread_t thread;

	s->is_running = pthread_create(&thread, NULL, run, s) == 0;
	if (s->is_running)
		pthread_detach(thread);
	else
		log_warn("approvals that stand can't be followed: each check asks the directory");
}

uint64_t standing_begin(struct standing *s)
{
	uint64_t begun;

	pthread_mutex_lock(&s->lock);
	s->asked_ms = den_now_ms();
	if (!s->is_running)
		start(s);
	begun = is_alive(s, s->asked_ms) ? s->changes : 0;
	pthread_mutex_unlock(&s->lock);
	return begun;
}

struct standing *standing_new(const struct dendir_site *site)
{
	struct standing *s = calloc(1, sizeof(*s));

	if (s) {
		s->site = site;
		pthread_mutex_init(&s->lock, NULL);
	}
	return s;
}
