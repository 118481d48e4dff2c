#include <ldap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory/certificate.h"
#include "directory/credential.h"
#include "directory/update-internal.h"
#include "directory/update_runner.h"
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
	for (size_t i = 0; i < u->nitems; i++)
		dendir_user_done(&u->items[i].after);
	free(u->items);
	free(u->rows);
	free(u);
}

size_t dendir_update_rows(const struct dendir_update *u)
{
	return u->nrows;
}

const struct dendir_row *dendir_update_row(const struct dendir_update *u, size_t i)
{
	return &u->rows[i];
}

size_t dendir_update_users(const struct dendir_update *u)
{
	return u->nitems;
}

/* -- the record --------------------------------------------------------------------------------------- */

struct record {
	char by[DEN_LOGIN_ID_SIZE], state[12];
	int64_t time;
	int found;
};

static int read_record(void *context, struct dendir_entry *e)
{
	struct record *r = context;

	r->found = 1;
	dendir_login_of_dn(r->by, dendir_entry_string(e, "denshiMaster"));
	snprintf(r->state, sizeof(r->state), "%s", dendir_entry_string(e, "denshiState"));
	r->time = dendir_parse_time(dendir_entry_string(e, "denshiUpdateTime"));
	return 0;
}

/* prefix keeps the lines in order: values of an attribute are a set. */
static void put_lines(struct dendir_mods *m, const struct dendir_update *u, const char *prefix)
{
	for (size_t i = 0; i < u->nrows; i++) {
		const struct dendir_row *r = &u->rows[i];
		char line[2 * DEN_NAME_SIZE + 80];

		snprintf(line, sizeof(line), "%s%06zu %s %s %s: %s -> %s", prefix, i + 1, r->action, r->login,
			r->attribute, *r->before ? r->before : "-", *r->after ? r->after : "-");
		dendir_mods_put(m, DENDIR_ADD, "denshiDiff", line);
	}
}

static char *record_dn(char *dn, const struct dendir *d, int64_t serial)
{
	return dendir_dn(dn, d, "cn=%lld,ou=updates", (long long)serial);
}

static enum den_code add_record(const struct dendir_update *u, const struct dendir_run *run)
{
	struct dendir_mods *m = dendir_mods_new();
	char dn[DENDIR_DN_SIZE], who[DENDIR_DN_SIZE], when[DENDIR_TIME_SIZE];
	enum den_code code;

	dendir_mods_put(m, DENDIR_ADD, "objectClass", "denshiUpdate");
	dendir_mods_put_number(m, DENDIR_ADD, "cn", u->from + 1);
	dendir_mods_put_number(m, DENDIR_ADD, "denshiSerial", u->from + 1);
	dendir_mods_put(m, DENDIR_ADD, "denshiMaster", dendir_dn(who, run->master, DENDIR_DN_APPROVAL, run->by));
	dendir_mods_put(m, DENDIR_ADD, "denshiUpdateTime", dendir_time(when, run->now));
	dendir_mods_put(m, DENDIR_ADD, "denshiState", "running");
	put_lines(m, u, "");
	code = dendir_add(run->master, record_dn(dn, run->master, u->from + 1), m);
	dendir_mods_free(m);
	return code;
}

/* To the record of a run that ended in the middle, what this one does: the record only grows. */
static enum den_code continue_record(const struct dendir_update *u, const struct dendir_run *run)
{
	struct dendir_mods *m = dendir_mods_new();
	char dn[DENDIR_DN_SIZE], prefix[DENDIR_TIME_SIZE + 2], line[80], when[DENDIR_TIME_SIZE];
	enum den_code code;

	snprintf(prefix, sizeof(prefix), "T%s-", dendir_time(when, run->now));
	snprintf(line, sizeof(line), "%s000000 finish by %s", prefix, run->by);
	dendir_mods_put(m, DENDIR_ADD, "denshiDiff", line);
	put_lines(m, u, prefix);
	code = dendir_modify(run->master, record_dn(dn, run->master, u->from + 1), m);
	dendir_mods_free(m);
	return code;
}

/* Whose run is in the way. */
static void find_other(const struct dendir_update *u, struct dendir_run *run)
{
	static const char *const attributes[] = {"denshiMaster", "denshiState", "denshiUpdateTime", NULL};
	struct record r = {0};
	char dn[DENDIR_DN_SIZE];

	(void)dendir_search(run->host, record_dn(dn, run->host, u->from + 1), DENDIR_BASE, NULL, attributes,
		read_record, &r);
	memcpy(run->other, r.by, sizeof(run->other));
	run->since = r.time;
}

static enum den_code begin(const struct dendir_update *u, struct dendir_run *run)
{
	enum den_code code = add_record(u, run);

	if (code != DEN_DIRECTORY_REFUSED || dendir_result(run->master) != LDAP_ALREADY_EXISTS)
		return code;
	find_other(u, run);
	/* What that run has changed already would come into force half: it is finished whole. */
	return u->partial ? DEN_UPDATE_UNFINISHED : continue_record(u, run);
}

static void end_record(struct dendir *master, int64_t serial)
{
	struct dendir_mods *m = dendir_mods_new();
	char dn[DENDIR_DN_SIZE];

	dendir_mods_put(m, DENDIR_DELETE, "denshiState", "running");
	dendir_mods_put(m, DENDIR_ADD, "denshiState", "done");
	(void)dendir_modify(master, record_dn(dn, master, serial), m);
	dendir_mods_free(m);
}

/* -- applying ------------------------------------------------------------------------------------------- */

static int read_next_uid(void *context, struct dendir_entry *e)
{
	int64_t *next = context;

	*next = dendir_entry_number(e, "denshiNextUid", -1);
	return 0;
}

/* Takes `count` uids in a row out of the organisation's range. */
static enum den_code take_uids(struct dendir *host, struct dendir *master, size_t count, int64_t *first)
{
	static const char *const attributes[] = {"denshiNextUid", NULL};
	char dn[DENDIR_DN_SIZE];

	dendir_dn(dn, host, "cn=policy");
	for (int tries = 0; tries < 10; tries++) {
		struct dendir_mods *m = dendir_mods_new();
		enum den_code code = dendir_search(host, dn, DENDIR_BASE, NULL, attributes, read_next_uid, first);

		if (code == DEN_OK) {
			dendir_mods_put_number(m, DENDIR_DELETE, "denshiNextUid", *first);
			dendir_mods_put_number(m, DENDIR_ADD, "denshiNextUid", *first + (int64_t)count);
			code = dendir_modify(master, dn, m);
		}
		dendir_mods_free(m);
		if (code == DEN_OK || dendir_result(master) != LDAP_NO_SUCH_ATTRIBUTE)
			return code;
	}
	return DEN_BUSY;
}

/* What a registered user holds; by replacing, so that it can be done twice. */
static struct dendir_mods *registered_mods(const struct dendir_user *a)
{
	struct dendir_mods *m = dendir_mods_new();

	dendir_mods_put(m, DENDIR_REPLACE, "cn", a->name);
	dendir_mods_put(m, DENDIR_REPLACE, "sn", a->name);
	if (*a->mail)
		dendir_mods_put(m, DENDIR_REPLACE, "mail", a->mail);
	if (*a->lang)
		dendir_mods_put(m, DENDIR_REPLACE, "preferredLanguage", a->lang);
	dendir_mods_put(m, DENDIR_REPLACE, "denshiRole", a->role);
	dendir_mods_put(m, DENDIR_REPLACE, "denshiState", a->state);
	dendir_mods_put_number(m, DENDIR_REPLACE, "denshiSerial", a->serial);
	dendir_mods_drop(m, "denshiAuthority");
	for (size_t i = 0; i < a->nauthorities; i++)
		dendir_mods_put(m, DENDIR_REPLACE, "denshiAuthority", a->authorities[i]);
	return m;
}

static void put_account(struct dendir_mods *m, const struct dendir *d, const struct dendir_user *a)
{
	dendir_mods_put(m, DENDIR_REPLACE, "objectClass", "inetOrgPerson");
	dendir_mods_put(m, DENDIR_REPLACE, "objectClass", "posixAccount");
	dendir_mods_put(m, DENDIR_REPLACE, "objectClass", "denshiUser");
	dendir_mods_put_number(m, DENDIR_REPLACE, "uidNumber", a->uid);
	dendir_mods_put_number(m, DENDIR_REPLACE, "gidNumber", a->gid);
	dendir_mods_put(m, DENDIR_REPLACE, "homeDirectory", a->home);
	dendir_mods_put(m, DENDIR_REPLACE, "loginShell", a->shell);
	dendir_mark_initial(m, d, DENDIR_LOGIN);
	dendir_mods_drop(m, "denshiGrantDays");
}

static enum den_code apply(struct dendir *master, const struct item *item)
{
	struct dendir_mods *m = registered_mods(&item->after);
	char dn[DENDIR_DN_SIZE], rdn[32], parent[DENDIR_DN_SIZE];
	enum den_code code;

	if (item->kind == ITEM_NEW) {
		put_account(m, master, &item->after);
		dendir_dn(dn, master, DENDIR_DN_PREPARED, item->after.login);
		code = dendir_modify(master, dn, m);
		snprintf(rdn, sizeof(rdn), "uid=%s", item->after.login);
		if (code == DEN_OK)
			code = dendir_move(master, dn, rdn, dendir_dn(parent, master, "ou=people"));
		/* Again, where no host can write any more: what was shown is what is put in force. */
		if (code == DEN_OK)
			code = dendir_modify(master, dendir_dn(dn, master, DENDIR_DN_PEOPLE, item->after.login), m);
	} else {
		dendir_dn(dn, master, DENDIR_DN_PEOPLE, item->after.login);
		code = dendir_modify(master, dn, m);
	}
	dendir_mods_free(m);
	return code;
}

/* -- the run's steps ---------------------------------------------------------------- */

static enum den_code add_grant(struct dendir *master, const struct dendir_user *a, const char *by, int64_t now)
{
	char id[64], who[DENDIR_DN_SIZE];

	/* Named after what made it: a run that is repeated grants once. */
	snprintf(id, sizeof(id), "%s-%lld", a->login, (long long)a->serial);
	return dendir_grant_add(master, id, a->login, dendir_dn(who, master, DENDIR_DN_APPROVAL, by),
		now + a->grant_days * 86400);
}

static void sweep(struct dendir *host, struct dendir *master, const struct item *item, int64_t serial)
{
	const char *login = item->after.login;
	char dn[DENDIR_DN_SIZE];

	dendir_version_sweep(host, master, login, serial);
	/* Whoever approves nothing any more has no approval password (R-APW-3). */
	if (item->removes || (item->was_master && !dendir_user_is_master(&item->after) &&
		!dendir_user_is_approver(&item->after)))
		(void)dendir_delete(master, dendir_dn(dn, master, DENDIR_DN_APPROVAL, login));
	if (item->removes)
		(void)dendir_delete(master, dendir_dn(dn, master, DENDIR_DN_PEOPLE, login));
	/* Last: as long as it is there, the next run comes here again. */
	if (item->kind == ITEM_CHANGE)
		(void)dendir_delete(master, dendir_dn(dn, master, DENDIR_DN_PREPARED, login));
}

/* -- the run ------------------------------------------------------------------------------------------------- */

static int count_master(void *context, const struct dendir_user *user)
{
	size_t *count = context;

	*count += strcmp(user->state, "active") == 0;
	return 0;
}

/* R-ROLE-3; and who runs it must still be a master at its end, or could not finish it. */
static enum den_code keeps_a_master(const struct dendir_update *u, struct dendir *host, const char *by)
{
	size_t masters = 0, lost = 0;
	enum den_code code;

	for (size_t i = 0; i < u->nitems; i++) {
		const struct item *item = &u->items[i];
		int loses = item->was_master &&
			(!dendir_user_is_master(&item->after) || strcmp(item->after.state, "active") != 0);

		if (loses && strcmp(item->after.login, by) == 0)
			return DEN_NOT_ONESELF;
		lost += (size_t)loses;
	}
	if (!lost)
		return DEN_OK;
	code = dendir_user_each(host, DENDIR_PEOPLE, "(&(uid=*)(denshiRole=master))", count_master, &masters);
	return code == DEN_OK && masters <= lost ? DEN_LAST_MASTER : code;
}

static enum den_code number_new_users(struct dendir_update *u, struct dendir *host, struct dendir *master)
{
	size_t count = 0;
	int64_t uid;
	enum den_code code;

	for (size_t i = 0; i < u->nitems; i++)
		count += u->items[i].kind == ITEM_NEW;
	if (!count)
		return DEN_OK;
	code = take_uids(host, master, count, &uid);
	for (size_t i = 0; code == DEN_OK && i < u->nitems; i++) {
		struct dendir_user *a = &u->items[i].after;

		if (u->items[i].kind != ITEM_NEW)
			continue;
		a->uid = uid++;
		a->gid = GROUP_OF_USERS;
		snprintf(a->home, sizeof(a->home), "/home/%s", a->login);
		snprintf(a->shell, sizeof(a->shell), SHELL);
	}
	return code;
}

static enum den_code put_in_place(struct dendir_update *u, const struct dendir_run *run, struct runner *runner)
{
	enum den_code code = number_new_users(u, run->host, run->master);

	for (size_t i = 0; code == DEN_OK && i < u->nitems; i++) {
		struct item *item = &u->items[i];

		item->after.serial = u->from + 1;
		if (item->after.grant_days)
			code = add_grant(run->master, &item->after, run->by, run->now);
		if (code == DEN_OK)
			code = apply(run->master, item);
		if (code == DEN_OK)
			code = dendir_version_add(run->master, &item->after);
		if (code == DEN_OK)
			code = runner_beat(runner);
	}
	return code;
}

enum den_code dendir_update_run(struct dendir_update *u, struct dendir_run *run)
{
	struct runner runner = {.host = run->host, .master = run->master, .from = u->from};
	enum den_code code = u->failed ? DEN_DIRECTORY_REFUSED : keeps_a_master(u, run->host, run->by);

	if (code == DEN_OK)
		code = runner_claim(&runner);
	if (code == DEN_UPDATE_RUNNING)
		find_other(u, run);
	if (code != DEN_OK)
		return code;
	code = begin(u, run);
	if (code == DEN_OK)
		code = put_in_place(u, run, &runner);
	if (code == DEN_OK)
		code = runner_advance(&runner);
	if (code != DEN_OK) {
		runner_leave(&runner);
		return code;
	}
	run->serial = u->from + 1;
	for (size_t i = 0; i < u->nitems; i++)
		sweep(run->host, run->master, &u->items[i], run->serial);
	end_record(run->master, run->serial);
	return DEN_OK;
}
