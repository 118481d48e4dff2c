/*
 * told - what a watch tells of (directory/connection.h), while questions are asked on its own
 * connection.
 *
 * usage: told [-q QUESTIONS] [-s SECONDS] URI ORG BASE WANTED
 *   -q	questions between two looks at the stream (20)
 *   -s	how long to wait for them (20)
 * Prints "refreshed" when all that there was has been told. Ends when WANTED entries were told of
 * after that, changed or gone, each counted once, or when the watch ends, with
 *   told N of WANTED: CODE
 * where CODE is ok, or the refusal that the watch ended with. Exit status: 0 all were told,
 * 1 not all, 2 usage or set-up.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "directory/connection.h"

#define WANTED_MAX 10000

struct told {
	struct dendir *d;
	const char *base;
	unsigned questions;
	int refreshed;
	int64_t until_ms;
	size_t n, wanted;
	unsigned char uuid[WANTED_MAX][16];
};

static int on_gone(void *context, const unsigned char *uuid)
{
	struct told *t = context;

	if (!t->refreshed)
		return 0;
	for (size_t i = 0; i < t->n; i++)
		if (memcmp(t->uuid[i], uuid, 16) == 0)
			return 0;
	memcpy(t->uuid[t->n++], uuid, 16);
	return t->n == t->wanted;
}

static int on_changed(void *context, const unsigned char *uuid, struct dendir_entry *e)
{
	(void)e;
	return on_gone(context, uuid);
}

static int on_refreshed(void *context, int others_gone)
{
	struct told *t = context;

	(void)others_gone;
	t->refreshed = 1;
	printf("refreshed\n");
	return 0;
}

static int is_there(void *context, struct dendir_entry *e)
{
	(void)context;
	(void)e;
	return 0;
}

static int on_idle(void *context)
{
	static const char *const nothing[] = {"1.1", NULL};
	struct told *t = context;

	for (unsigned i = 0; i < t->questions; i++)
		if (dendir_search(t->d, t->base, DENDIR_BASE, NULL, nothing, is_there, NULL) != DEN_OK)
			break;
	return den_now_ms() >= t->until_ms;
}

int main(int argc, char **argv)
{
	static struct told t = {.questions = 20};
	struct dendir_site site = {.host = "sandbox.denshi.test"};
	const struct dendir_watcher watcher = {
		.changed = on_changed, .gone = on_gone, .refreshed = on_refreshed, .idle = on_idle, .context = &t};
	static const char *const attributes[] = {"cn", NULL};
	char base[DENDIR_DN_SIZE];
	enum den_code code;
	int64_t seconds = 20;
	int option;

	while ((option = getopt(argc, argv, "q:s:")) != -1)
		switch (option) {
		case 'q': t.questions = (unsigned)strtoul(optarg, NULL, 10); break;
		case 's': seconds = strtol(optarg, NULL, 10); break;
		default: return 2;
		}
	if (argc - optind != 4)
		return 2;
	site.uri = argv[optind];
	site.org = argv[optind + 1];
	t.wanted = strtoul(argv[optind + 3], NULL, 10);
	if (t.wanted < 1 || t.wanted > WANTED_MAX || dendir_open(&t.d, &site) != DEN_OK)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	t.base = dendir_dn(base, t.d, "%s", argv[optind + 2]);
	t.until_ms = den_now_ms() + seconds * 1000;
	code = dendir_watch(t.d, base, "(objectClass=*)", attributes, NULL, &watcher);
	printf("told %zu of %zu: %s\n", t.n, t.wanted, den_code_name(code));
	dendir_close(t.d);
	return t.n != t.wanted;
}
