/* After the pointer has moved: what nothing refers to any more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory/update-internal.h"
#include "directory/version.h"

struct superseded {
	int64_t below;
	size_t n;
	struct {
		char login[DEN_LOGIN_ID_SIZE];
		int64_t serial;
	} versions[DENDIR_BATCH_MAX];
};

static int keep_superseded(void *context, const char *login, int64_t serial)
{
	struct superseded *s = context;

	if (serial >= s->below)
		return 0;
	memcpy(s->versions[s->n].login, login, DEN_LOGIN_ID_SIZE);
	s->versions[s->n++].serial = serial;
	return s->n == DENDIR_BATCH_MAX;
}

static void sweep_below(const struct dendir_run *run, int64_t serial, const char (*logins)[DEN_LOGIN_ID_SIZE], size_t n)
{
	struct superseded s = {.below = serial};
	char filter[DENDIR_LOGINS_FILTER_SIZE];
	struct dendir_batch b;

	if (!n || !dendir_logins_filter(filter, logins, n))
		return;
	(void)dendir_version_each(run->host, filter, keep_superseded, &s);
	dendir_batch_start(&b, run->master);
	for (size_t i = 0; i < s.n; i++)
		dendir_version_delete(&b, s.versions[i].login, s.versions[i].serial);
	(void)dendir_batch_end(&b);
}

static void sweep_versions(const struct dendir_update *u, const struct dendir_run *run, size_t first, size_t n)
{
	char logins[WINDOW][DEN_LOGIN_ID_SIZE];
	size_t wanted = 0;

	for (size_t i = first; i < first + n; i++)
		if (u->pending[i].is_in)
			memcpy(logins[wanted++], u->pending[i].login, DEN_LOGIN_ID_SIZE);
	sweep_below(run, run->serial, (const char(*)[DEN_LOGIN_ID_SIZE])logins, wanted);
}

/* Approval credentials first: a person with an entry below can't be deleted. */
static void sweep_people(const struct dendir_update *u, const struct dendir_run *run, size_t first, size_t n)
{
	struct dendir_batch b;
	char dn[DENDIR_DN_SIZE];

	dendir_batch_start(&b, run->master);
	for (size_t i = first; i < first + n; i++)
		if (u->pending[i].is_in && (u->pending[i].removes || u->pending[i].drops_approval))
			dendir_batch_delete(&b, dendir_dn(dn, run->master, DENDIR_DN_APPROVAL, u->pending[i].login));
	(void)dendir_batch_end(&b);
	dendir_batch_start(&b, run->master);
	for (size_t i = first; i < first + n; i++)
		if (u->pending[i].is_in && u->pending[i].removes)
			dendir_batch_delete(&b, dendir_dn(dn, run->master, DENDIR_DN_PEOPLE, u->pending[i].login));
	(void)dendir_batch_end(&b);
}

void sweep_window(struct dendir_update *u, const struct dendir_run *run, size_t first)
{
	size_t n = u->npending - first < WINDOW ? u->npending - first : WINDOW;

	sweep_versions(u, run, first, n);
	sweep_people(u, run, first, n);
	/* Last: as long as a change is there, the next run comes here again. Read once more: one
	 * that was made meanwhile stays. */
	if (!u->direct && plan_read(u, run->host, first) == DEN_OK)
		(void)plan_discard_spent(u, run->host);
}

/* -- runs that ended while they swept --------------------------------------------------------- */

/* Records that say running, of serials in force. */
struct unswept {
	int64_t below, serials[16];
	size_t n;
};

static int keep_serial(void *context, struct dendir_entry *e)
{
	struct unswept *s = context;
	int64_t serial = dendir_entry_number(e, "denshiSerial", -1);

	if (serial > 0 && serial < s->below)
		s->serials[s->n++] = serial;
	return s->n == sizeof(s->serials) / sizeof(s->serials[0]);
}

struct logins {
	char (*list)[DEN_LOGIN_ID_SIZE];
	size_t n, room;
};

static int keep_login(void *context, const char *login, int64_t serial)
{
	struct logins *l = context;

	(void)serial;
	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : WINDOW;
		void *more = reallocarray(l->list, room, sizeof(*l->list));

		if (!more)
			return 1;
		l->list = more;
		l->room = room;
	}
	memcpy(l->list[l->n++], login, DEN_LOGIN_ID_SIZE);
	return 0;
}

static void sweep_serial(const struct dendir_run *run, int64_t serial)
{
	struct logins l = {0};
	char filter[64];

	snprintf(filter, sizeof(filter), "(denshiSerial=%lld)", (long long)serial);
	if (dendir_version_each(run->host, filter, keep_login, &l) == DEN_OK) {
		for (size_t i = 0; i < l.n; i += WINDOW)
			sweep_below(run, serial, (const char(*)[DEN_LOGIN_ID_SIZE])(l.list + i),
				l.n - i < WINDOW ? l.n - i : WINDOW);
		record_end(run, serial);
	}
	free(l.list);
}

void sweep_interrupted(const struct dendir_run *run)
{
	static const char *const attributes[] = {"denshiSerial", NULL};
	struct unswept s = {.below = run->serial};
	char base[DENDIR_DN_SIZE];

	(void)dendir_search(run->host, dendir_dn(base, run->host, "ou=updates"), DENDIR_ONE, "(denshiState=running)",
		attributes, keep_serial, &s);
	for (size_t i = 0; i < s.n; i++)
		sweep_serial(run, s.serials[i]);
}
