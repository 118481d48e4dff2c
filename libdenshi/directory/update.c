#include <ldap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory/certificate.h"
#include "directory/update-internal.h"
#include "directory/version.h"

/* A run that was silent for so long is taken for dead, and finished by the next one. */
#define ABANDONED_S 120
#define GROUP_OF_USERS 200000
#define SHELL "/bin/bash"

struct dendir_update *dendir_update_new(void)
{
	return calloc(1, sizeof(struct dendir_update));
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

static void put_lines(struct dendir_mods *m, const struct dendir_update *u)
{
	for (size_t i = 0; i < u->nrows; i++) {
		const struct dendir_row *r = &u->rows[i];
		char line[2 * DEN_NAME_SIZE + 80];

		/* Numbered: values of an attribute are a set. */
		snprintf(line, sizeof(line), "%06zu %s %s %s: %s -> %s", i + 1, r->action, r->login,
			r->attribute, *r->before ? r->before : "-", *r->after ? r->after : "-");
		dendir_mods_put(m, DENDIR_ADD, "denshiDiff", line);
	}
}

static enum den_code add_record(const struct dendir_update *u, struct dendir *master, const char *by,
	int64_t serial, int64_t now)
{
	struct dendir_mods *m = dendir_mods_new();
	char dn[DENDIR_DN_SIZE], who[DENDIR_DN_SIZE], when[DENDIR_TIME_SIZE];
	enum den_code code;

	dendir_mods_put(m, DENDIR_ADD, "objectClass", "denshiUpdate");
	dendir_mods_put_number(m, DENDIR_ADD, "cn", serial);
	dendir_mods_put_number(m, DENDIR_ADD, "denshiSerial", serial);
	dendir_mods_put(m, DENDIR_ADD, "denshiMaster", dendir_dn(who, master, DENDIR_DN_APPROVAL, by));
	dendir_mods_put(m, DENDIR_ADD, "denshiUpdateTime", dendir_time(when, now));
	dendir_mods_put(m, DENDIR_ADD, "denshiState", "running");
	put_lines(m, u);
	code = dendir_add(master, dendir_dn(dn, master, "cn=%lld,ou=updates", (long long)serial), m);
	dendir_mods_free(m);
	return code;
}

/* Adds this run's lines to the record of one that was abandoned: the record only grows. */
static enum den_code take_over(struct dendir *master, const char *dn, const char *by, int64_t now)
{
	struct dendir_mods *m = dendir_mods_new();
	char line[96], when[DENDIR_TIME_SIZE];
	enum den_code code;

	snprintf(line, sizeof(line), "%s finish by %s", dendir_time(when, now), by);
	dendir_mods_put(m, DENDIR_ADD, "denshiDiff", line);
	code = dendir_modify(master, dn, m);
	dendir_mods_free(m);
	return code;
}

static enum den_code begin(const struct dendir_update *u, struct dendir *host, struct dendir *master,
	const char *by, int64_t serial, int64_t now, char *other, int64_t *since)
{
	static const char *const attributes[] = {"denshiMaster", "denshiState", "denshiUpdateTime", NULL};
	struct record r = {0};
	char dn[DENDIR_DN_SIZE];
	enum den_code code = add_record(u, master, by, serial, now);

	if (code != DEN_DIRECTORY_REFUSED || dendir_result(master) != LDAP_ALREADY_EXISTS)
		return code;
	dendir_dn(dn, master, "cn=%lld,ou=updates", (long long)serial);
	code = dendir_search(host, dn, DENDIR_BASE, NULL, attributes, read_record, &r);
	if (code != DEN_OK)
		return code;
	if (now - r.time > ABANDONED_S || strcmp(r.by, by) == 0)
		return take_over(master, dn, by, now);
	snprintf(other, DEN_LOGIN_ID_SIZE, "%s", r.by);
	*since = r.time;
	return DEN_UPDATE_RUNNING;
}

static void end_record(struct dendir *master, int64_t serial)
{
	struct dendir_mods *m = dendir_mods_new();
	char dn[DENDIR_DN_SIZE];

	dendir_mods_put(m, DENDIR_DELETE, "denshiState", "running");
	dendir_mods_put(m, DENDIR_ADD, "denshiState", "done");
	(void)dendir_modify(master, dendir_dn(dn, master, "cn=%lld,ou=updates", (long long)serial), m);
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

static void put_account(struct dendir_mods *m, const struct dendir_user *a)
{
	dendir_mods_put(m, DENDIR_REPLACE, "objectClass", "inetOrgPerson");
	dendir_mods_put(m, DENDIR_REPLACE, "objectClass", "posixAccount");
	dendir_mods_put(m, DENDIR_REPLACE, "objectClass", "denshiUser");
	dendir_mods_put_number(m, DENDIR_REPLACE, "uidNumber", a->uid);
	dendir_mods_put_number(m, DENDIR_REPLACE, "gidNumber", a->gid);
	dendir_mods_put(m, DENDIR_REPLACE, "homeDirectory", a->home);
	dendir_mods_put(m, DENDIR_REPLACE, "loginShell", a->shell);
	dendir_mods_put(m, DENDIR_REPLACE, "denshiMustChange", "TRUE");
	dendir_mods_drop(m, "denshiGrantDays");
}

static enum den_code apply(struct dendir *master, const struct item *item)
{
	struct dendir_mods *m = registered_mods(&item->after);
	char dn[DENDIR_DN_SIZE], rdn[32], parent[DENDIR_DN_SIZE];
	enum den_code code;

	if (item->kind == ITEM_NEW) {
		put_account(m, &item->after);
		dendir_dn(dn, master, DENDIR_DN_PREPARED, item->after.login);
		code = dendir_modify(master, dn, m);
		snprintf(rdn, sizeof(rdn), "uid=%s", item->after.login);
		if (code == DEN_OK)
			code = dendir_move(master, dn, rdn, dendir_dn(parent, master, "ou=people"));
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
	if (item->kind == ITEM_CHANGE)
		(void)dendir_delete(master, dendir_dn(dn, master, DENDIR_DN_PREPARED, login));
	if (item->removes) {
		(void)dendir_delete(master, dendir_dn(dn, master, DENDIR_DN_APPROVAL, login));
		(void)dendir_delete(master, dendir_dn(dn, master, DENDIR_DN_PEOPLE, login));
	}
}

/* -- the run ------------------------------------------------------------------------------------------------- */

static int count_master(void *context, const struct dendir_user *user)
{
	size_t *count = context;

	*count += strcmp(user->state, "active") == 0;
	return 0;
}

/* R-ROLE-3. */
static enum den_code keeps_a_master(const struct dendir_update *u, struct dendir *host)
{
	size_t masters = 0, lost = 0;
	enum den_code code;

	for (size_t i = 0; i < u->nitems; i++) {
		const struct item *item = &u->items[i];

		lost += item->was_master &&
			(!dendir_user_is_master(&item->after) || strcmp(item->after.state, "active") != 0);
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

static enum den_code put_in_place(struct dendir_update *u, struct dendir *master, const char *by,
	int64_t serial, int64_t now)
{
	enum den_code code = DEN_OK;

	for (size_t i = 0; code == DEN_OK && i < u->nitems; i++) {
		struct item *item = &u->items[i];

		item->after.serial = serial;
		if (item->after.grant_days)
			code = add_grant(master, &item->after, by, now);
		if (code == DEN_OK)
			code = apply(master, item);
		if (code == DEN_OK)
			code = dendir_version_add(master, &item->after);
	}
	return code;
}

enum den_code dendir_update_run(struct dendir_update *u, struct dendir *host, struct dendir *master,
	const char *by, int64_t now, int64_t *serial, char other[DEN_LOGIN_ID_SIZE], int64_t *since)
{
	int64_t from;
	enum den_code code;

	if (u->failed)
		return DEN_DIRECTORY_REFUSED;
	code = keeps_a_master(u, host);
	if (code == DEN_OK)
		code = dendir_serial_read(host, &from);
	if (code != DEN_OK)
		return code;
	*serial = from + 1;
	code = begin(u, host, master, by, *serial, now, other, since);
	if (code == DEN_OK)
		code = number_new_users(u, host, master);
	if (code == DEN_OK)
		code = put_in_place(u, master, by, *serial, now);
	if (code == DEN_OK)
		code = dendir_serial_advance(master, from);
	if (code != DEN_OK)
		return code;
	for (size_t i = 0; i < u->nitems; i++)
		sweep(host, master, &u->items[i], *serial);
	end_record(master, *serial);
	return DEN_OK;
}
