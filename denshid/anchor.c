#include "denshid/anchor.h"

#include <pthread.h>

#include "core/clock.h"
#include "denshid/chain.h"
#include "denshid/log.h"
#include "directory/anchor.h"

static struct {
	pthread_mutex_t lock;
	pthread_cond_t news;
	int64_t due; /* 0: none yet */
	const struct dendir_site *site;
} anchor = {.lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER};

void anchor_serial(int64_t serial)
{
	pthread_mutex_lock(&anchor.lock);
	anchor.due = serial;
	pthread_cond_signal(&anchor.news);
	pthread_mutex_unlock(&anchor.lock);
}

/* Another one than that which was done last: a restored directory goes back. */
static int64_t wait_for_serial(int64_t done)
{
	int64_t serial;

	pthread_mutex_lock(&anchor.lock);
	while (anchor.due == done)
		pthread_cond_wait(&anchor.news, &anchor.lock);
	serial = anchor.due;
	pthread_mutex_unlock(&anchor.lock);
	return serial;
}

static enum den_code add(int64_t serial, int quiet)
{
	char head[CHAIN_ANCHOR_SIZE];
	struct dendir *d = NULL;
	enum den_code code = dendir_open(&d, anchor.site);

	if (code == DEN_OK)
		code = dendir_anchor_add(d, serial, chain_anchor(head));
	if (code != DEN_OK && code != DEN_DIRECTORY_DOWN && !quiet)
		log_warn("the audit records are not anchored in the directory at serial %lld yet: %s %s", (long long)serial,
			den_code_name(code), d ? dendir_diagnostic(d) : "");
	dendir_close(d);
	return code;
}

/* Until it is done, or there is a newer one: the head of that covers all before it. */
static void *run(void *context)
{
	unsigned backoff_ms = DEN_BACKOFF_MS_FIRST;
	int64_t done = 0, told = 0;

	(void)context;
	for (;;) {
		int64_t serial = wait_for_serial(done);
		enum den_code code = add(serial, serial == told);

		if (code == DEN_OK) {
			done = serial;
			backoff_ms = DEN_BACKOFF_MS_FIRST;
			continue;
		}
		if (code != DEN_DIRECTORY_DOWN)
			told = serial;
		den_sleep_ms(backoff_ms);
		backoff_ms = den_backoff_after(backoff_ms);
	}
	return NULL;
}

int anchor_start(const struct dendir_site *site)
{
	pthread_t thread;

	anchor.site = site;
	if (pthread_create(&thread, NULL, run, NULL) != 0)
		return -1;
	pthread_detach(thread);
	return 0;
}
