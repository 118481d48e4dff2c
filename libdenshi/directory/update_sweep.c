/* After the pointer has moved: what nothing refers to any more. */
#include <ldap.h>
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

static void sweep_versions(const struct dendir_update *u, const struct dendir_run *run, size_t first, size_t n)
{
	struct superseded s = {.below = run->serial};
	char logins[WINDOW][DEN_LOGIN_ID_SIZE], filter[DENDIR_LOGINS_FILTER_SIZE];
	struct dendir_batch b;
	size_t wanted = 0;

	for (size_t i = first; i < first + n; i++)
		if (u->pending[i].is_in)
			memcpy(logins[wanted++], u->pending[i].login, DEN_LOGIN_ID_SIZE);
	if (!wanted || !dendir_logins_filter(filter, (const char(*)[DEN_LOGIN_ID_SIZE])logins, wanted))
		return;
	(void)dendir_version_each(run->host, filter, keep_superseded, &s);
	dendir_batch_start(&b, run->master);
	for (size_t i = 0; i < s.n; i++)
		dendir_version_delete(&b, s.versions[i].login, s.versions[i].serial);
	(void)dendir_batch_end(&b);
}

/* Approval credentials first: a person with an entry below can't be deleted. */
static void sweep_people(const struct dendir_update *u, const struct dendir_run *run, size_t first, size_t n)
{
	struct dendir_batch b;
	char dn[DENDIR_DN_SIZE];

	dendir_batch_start(&b, run->master);
	for (size_t i = first; i < first + n; i++)
		if (u->pending[i].is_in && (u->pending[i].removes || u->pending[i].drops_approval))
			dendir_batch_delete(&b, dendir_dn(dn, run->master, DENDIR_DN_APPROVAL, u->pending[i].login),
				LDAP_NO_SUCH_OBJECT);
	(void)dendir_batch_end(&b);
	dendir_batch_start(&b, run->master);
	for (size_t i = first; i < first + n; i++)
		if (u->pending[i].is_in && u->pending[i].removes)
			dendir_batch_delete(&b, dendir_dn(dn, run->master, DENDIR_DN_PEOPLE, u->pending[i].login),
				LDAP_NO_SUCH_OBJECT);
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
