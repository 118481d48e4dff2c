/* Running an update: the order of its steps. */
#include <ldap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory/numbers.h"
#include "directory/update-internal.h"
#include "directory/version.h"

#define GROUP_OF_USERS 200000
#define SHELL "/bin/bash"

enum den_code dendir_update_new(struct dendir_update **u, struct dendir *host)
{
	*u = calloc(1, sizeof(**u));
	return *u ? dendir_serial_read(host, &(*u)->from) : DEN_INTERNAL;
}

void dendir_update_free(struct dendir_update *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < u->window.n; i++)
		item_done(&u->window.items[i]);
	if (u->direct)
		item_done(u->direct);
	free(u->direct);
	free(u->pending);
	free(u);
}

size_t dendir_update_users(const struct dendir_update *u)
{
	return u->users;
}

const char *dendir_update_digest(const struct dendir_update *u)
{
	return u->digest;
}

const char *dendir_update_other(const struct dendir_update *u, int64_t *since)
{
	*since = u->other_since;
	return u->other;
}

/* -- numbers ------------------------------------------------------------------------- */

/* Serial for all, uids for the new ones of the window, from *uid on. */
static void number_window(struct dendir_update *u, int64_t *uid)
{
	for (size_t i = 0; i < u->window.n; i++) {
		struct item *item = &u->window.items[i];
		struct dendir_user *a = &item->after;

		a->serial = u->from + 1;
		if (item->kind != ITEM_NEW)
			continue;
		a->uid = (*uid)++;
		a->gid = GROUP_OF_USERS;
		snprintf(a->home, sizeof(a->home), "/home/%s", a->login);
		snprintf(a->shell, sizeof(a->shell), SHELL);
	}
}

/* -- may it be run? ------------------------------------------------------------------------ */

static int count_master(void *context, const struct dendir_user *user)
{
	size_t *count = context;

	*count += strcmp(user->state, "active") == 0;
	return 0;
}

/* R-ROLE-3; and who runs it must still be a master at its end, or could not finish it. */
static enum den_code keeps_a_master(const struct dendir_update *u, struct dendir *host, const char *by)
{
	const struct pending *self = plan_find(u, by);
	size_t masters = 0;
	enum den_code code;

	if (self && self->is_in && self->loses_master)
		return DEN_NOT_ONESELF;
	if (!u->nlost)
		return DEN_OK;
	code = dendir_user_each(host, DENDIR_PEOPLE, "(&(uid=*)(denshiRole=master))", count_master, &masters);
	return code == DEN_OK && masters <= u->nlost ? DEN_LAST_MASTER : code;
}

/* The window is still what was looked at: nothing that was prepared meanwhile slips in. */
static enum den_code is_as_shown(const struct dendir_update *u)
{
	unsigned char sum[SUM_SIZE];

	for (size_t i = 0; i < u->window.n; i++) {
		const struct item *item = &u->window.items[i];
		const struct pending *p = &u->pending[u->window.first + i];
		int is_in = item->kind != ITEM_NONE && item->kind != ITEM_SPENT;

		if (!p->is_in != !is_in || (is_in && (item_sum(item, sum) != 0 || memcmp(sum, p->sum, SUM_SIZE) != 0)))
			return DEN_UPDATE_CHANGED_MEANWHILE;
	}
	return DEN_OK;
}

/* -- the run ---------------------------------------------------------------------------------- */

static void tell(const struct dendir_run *run, size_t done)
{
	if (run->progress)
		run->progress(run->context, done, run->serial);
}

static enum den_code put_window_in_place(struct dendir_update *u, struct dendir_run *run, struct runner *runner,
	size_t first, int64_t *uid)
{
	enum den_code code = plan_read(u, run->host, first);

	if (code == DEN_OK)
		code = is_as_shown(u);
	if (code == DEN_OK)
		code = runner_beat(runner);
	if (code == DEN_OK)
		code = first == 0 ? record_begin(u, run) : record_part(u, run);
	if (code != DEN_OK)
		return code;
	number_window(u, uid);
	return apply_window(u, run, runner);
}

static enum den_code put_in_place(struct dendir_update *u, struct dendir_run *run, struct runner *runner)
{
	int64_t uid = 0;
	const struct dendir_range uids = {"denshiNextUid", "denshiLastUid", DENDIR_UID_LAST};
	enum den_code code =
		u->nnew ? dendir_take_numbers(run->host, run->master, &uids, u->nnew, &uid, &run->left) : DEN_OK;

	for (size_t first = 0; code == DEN_OK && first < u->npending; first += WINDOW) {
		code = put_window_in_place(u, run, runner, first, &uid);
		tell(run, first + u->window.n);
	}
	return code == DEN_OK && *u->prefix ? apply_nothing_else(u, run) : code;
}

enum den_code dendir_update_run(struct dendir_update *u, struct dendir_run *run)
{
	struct runner runner = {.host = run->host, .master = run->master, .from = u->from};
	struct dendir_said said;
	enum den_code code = u->failed ? DEN_INTERNAL : keeps_a_master(u, run->host, run->by);

	run->serial = 0;
	if (code == DEN_OK)
		code = runner_claim(&runner);
	if (code == DEN_UPDATE_RUNNING)
		record_find_other(u, run->host);
	if (code != DEN_OK)
		return code;
	code = put_in_place(u, run, &runner);
	if (code == DEN_OK)
		code = runner_advance(&runner);
	if (code != DEN_OK) {
		dendir_keep(run->master, &said);
		runner_leave(&runner);
		dendir_recall(run->master, &said);
		return code;
	}
	run->serial = u->from = u->from + 1;
	tell(run, 0);
	for (size_t first = 0; first < u->npending; first += WINDOW) {
		sweep_window(u, run, first);
		tell(run, first + WINDOW < u->npending ? first + WINDOW : u->npending);
	}
	record_end(run, run->serial);
	sweep_interrupted(run);
	return DEN_OK;
}
