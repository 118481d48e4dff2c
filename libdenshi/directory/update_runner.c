#include "directory/update_runner.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "directory/connection-internal.h"
#include "directory/version.h"

#define LOOK_EVERY_MS 250
#define RUNNER_SIZE 64

static char *pointer_dn(char *dn, const struct dendir *d)
{
	return dendir_dn(dn, d, DENDIR_DN_POINTER);
}

static void value_of(const struct runner *r, char value[RUNNER_SIZE])
{
	snprintf(value, RUNNER_SIZE, "%s %u", r->name, r->beats);
}

struct pointer {
	int64_t serial;
	char runner[RUNNER_SIZE];
};

static int read_pointer(void *context, struct dendir_entry *e)
{
	struct pointer *p = context;

	p->serial = dendir_entry_number(e, "denshiSerial", -1);
	snprintf(p->runner, sizeof(p->runner), "%s", dendir_entry_string(e, "denshiRunner"));
	return 0;
}

static enum den_code look(struct runner *r, struct pointer *p)
{
	static const char *const attributes[] = {"denshiSerial", "denshiRunner", NULL};
	char dn[DENDIR_DN_SIZE];
	enum den_code code;

	memset(p, 0, sizeof(*p));
	code = dendir_search(r->host, pointer_dn(dn, r->host), DENDIR_BASE, NULL, attributes, read_pointer, p);
	return code == DEN_OK && p->serial != r->from ? DEN_UPDATE_CHANGED_MEANWHILE : code;
}

/* One Modify that holds only if the pointer is at r->from and its runner is `old`
 * ("" for none); `fresh` "" takes the runner away. */
static enum den_code replace(struct runner *r, const char *old, const char *fresh, int64_t to)
{
	struct dendir_mods *m = dendir_mods_new();
	char dn[DENDIR_DN_SIZE];
	enum den_code code;

	/* Values are named when they are deleted: one that isn't there any more fails it all. */
	dendir_mods_put_number(m, DENDIR_DELETE, "denshiSerial", r->from);
	dendir_mods_put_number(m, DENDIR_ADD, "denshiSerial", to);
	if (*old)
		dendir_mods_put(m, DENDIR_DELETE, "denshiRunner", old);
	if (*fresh)
		dendir_mods_put(m, DENDIR_ADD, "denshiRunner", fresh);
	code = dendir_modify(r->master, pointer_dn(dn, r->master), m);
	dendir_mods_free(m);
	switch (dendir_result(r->master)) {
	case LDAP_NO_SUCH_ATTRIBUTE:	  /* the old value is gone */
	case LDAP_TYPE_OR_VALUE_EXISTS:	  /* single-valued, and somebody is in it */
	case LDAP_CONSTRAINT_VIOLATION:
		return DEN_UPDATE_CHANGED_MEANWHILE;
	default:
		return code;
	}
}

/* Whether who holds the place gives no sign of life for so long. */
static enum den_code watch(struct runner *r, struct pointer *seen, int patience_ms)
{
	const struct timespec pause = {.tv_nsec = LOOK_EVERY_MS * 1000000L};
	char first[RUNNER_SIZE];
	enum den_code code = look(r, seen);

	memcpy(first, seen->runner, sizeof(first));
	for (int waited = 0; code == DEN_OK && *first && waited < patience_ms; waited += LOOK_EVERY_MS) {
		nanosleep(&pause, NULL);
		code = look(r, seen);
		if (code == DEN_OK && strcmp(seen->runner, first) != 0)
			return *seen->runner ? DEN_UPDATE_RUNNING : DEN_UPDATE_CHANGED_MEANWHILE;
	}
	return code;
}

enum den_code runner_look(struct runner *r)
{
	struct pointer seen;
	enum den_code code = watch(r, &seen, 2 * RUNNER_BEAT_MS);

	return code == DEN_UPDATE_RUNNING || code == DEN_DIRECTORY_DOWN ? code : DEN_OK;
}

enum den_code runner_claim(struct runner *r)
{
	struct pointer seen;
	char value[RUNNER_SIZE];
	enum den_code code = watch(r, &seen, RUNNER_DEAD_MS);

	dendir_random_name(r->name, "u-");
	r->beats = 0;
	r->last_beat_ms = den_now_ms();
	value_of(r, value);
	return code == DEN_OK ? replace(r, seen.runner, value, r->from) : code;
}

enum den_code runner_confirm(struct runner *r)
{
	char old[RUNNER_SIZE], fresh[RUNNER_SIZE];

	value_of(r, old);
	r->beats++;
	r->last_beat_ms = den_now_ms();
	value_of(r, fresh);
	return replace(r, old, fresh, r->from);
}

enum den_code runner_beat(struct runner *r)
{
	return den_now_ms() - r->last_beat_ms < RUNNER_BEAT_MS ? DEN_OK : runner_confirm(r);
}

enum den_code runner_advance(struct runner *r)
{
	char old[RUNNER_SIZE];

	value_of(r, old);
	return replace(r, old, "", r->from + 1);
}

void runner_leave(struct runner *r)
{
	const struct dendir said = *r->master;
	char old[RUNNER_SIZE];

	value_of(r, old);
	(void)replace(r, old, "", r->from);
	/* What made the run fail is what is to be told. */
	r->master->result = said.result;
	memcpy(r->master->diagnostic, said.diagnostic, sizeof(said.diagnostic));
}
