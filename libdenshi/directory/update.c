#include "directory/update.h"

#include <ldap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

/* A run that was silent for so long is taken for dead, and finished by the next one. */
#define ABANDONED_S 120
#define GROUP_OF_USERS 200000
#define SHELL "/bin/bash"

enum item_kind {
	ITEM_NEW,    /* in ou=prepared, to be moved in */
	ITEM_CHANGE, /* registered, with a prepared change */
	ITEM_DIRECT, /* registered, changed by the caller */
	ITEM_FINISH, /* changed by a run that ended before the pointer moved */
};

struct item {
	enum item_kind kind;
	struct dendir_user after;
	int was_master, removes;
};

struct dendir_update {
	struct dendir_row *rows;
	size_t nrows;
	struct item *items;
	size_t nitems;
	int failed; /* no memory */
};

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

char *dendir_random_name(char buf[12], const char *prefix)
{
	/* No vowels and nothing that is taken for something else: read aloud, typed in. */
	static const char letters[] = "bcdfghjkmnpqrstvwxz23456789";
	unsigned char bytes[6];
	size_t used = (size_t)snprintf(buf, 6, "%s", prefix);

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		abort();
	for (size_t i = 0; i < sizeof(bytes); i++)
		buf[used++] = letters[bytes[i] % (sizeof(letters) - 1)];
	buf[used] = '\0';
	return buf;
}

/* -- rows ------------------------------------------------------------------------------ */

static void add_row(struct dendir_update *u, const char *action, const char *login, const char *attribute,
	const char *before, const char *after)
{
	struct dendir_row *rows = reallocarray(u->rows, u->nrows + 1, sizeof(*rows)), *r;

	if (!rows) {
		u->failed = 1;
		return;
	}
	u->rows = rows;
	r = &rows[u->nrows++];
	memset(r, 0, sizeof(*r));
	snprintf(r->action, sizeof(r->action), "%s", action);
	snprintf(r->login, sizeof(r->login), "%s", login);
	snprintf(r->attribute, sizeof(r->attribute), "%s", attribute);
	snprintf(r->before, sizeof(r->before), "%s", before);
	snprintf(r->after, sizeof(r->after), "%s", after);
}

static void add_row_if_differs(struct dendir_update *u, const char *login, const char *attribute,
	const char *before, const char *after)
{
	if (strcmp(before, after) != 0)
		add_row(u, "change", login, attribute, before, after);
}

static void add_authority_rows(struct dendir_update *u, const struct dendir_user *before,
	const struct dendir_user *after)
{
	for (size_t i = 0; i < before->nauthorities; i++)
		if (!dendir_user_has(after, before->authorities[i]))
			add_row(u, "change", after->login, "authority", before->authorities[i], "");
	for (size_t i = 0; i < after->nauthorities; i++)
		if (!dendir_user_has(before, after->authorities[i]))
			add_row(u, "change", after->login, "authority", "", after->authorities[i]);
}

static void add_change_rows(struct dendir_update *u, const struct dendir_user *before,
	const struct dendir_user *after)
{
	const char *login = after->login;

	add_row_if_differs(u, login, "name", before->name, after->name);
	add_row_if_differs(u, login, "mail", before->mail, after->mail);
	add_row_if_differs(u, login, "role", before->role, after->role);
	add_row_if_differs(u, login, "language", before->lang, after->lang);
	add_row_if_differs(u, login, "state", before->state, after->state);
	add_authority_rows(u, before, after);
}

static void add_grant_row(struct dendir_update *u, const struct dendir_user *user)
{
	char days[16];

	if (!user->grant_days)
		return;
	snprintf(days, sizeof(days), "%lld d", (long long)user->grant_days);
	add_row(u, "grant", user->login, "certificate", "", days);
}

/* -- items ----------------------------------------------------------------------------------- */

/* Takes `after` over where it succeeds. */
static void add_item(struct dendir_update *u, enum item_kind kind, struct dendir_user *after, int was_master)
{
	struct item *items = reallocarray(u->items, u->nitems + 1, sizeof(*items));

	if (!items) {
		u->failed = 1;
		dendir_user_done(after);
		return;
	}
	u->items = items;
	items[u->nitems++] = (struct item){
		.kind = kind,
		.after = *after,
		.was_master = was_master,
		.removes = strcmp(after->state, "removed") == 0,
	};
	memset(after, 0, sizeof(*after));
}

static void replace_if(char *field, size_t size, const char *value)
{
	if (*value)
		snprintf(field, size, "%s", value);
}

static void collect_new(struct dendir_update *u, struct dendir_user *user)
{
	snprintf(user->state, sizeof(user->state), "active");
	/* Authorities are given in force, by a master; who prepared it can't slip any in. */
	free(user->authorities);
	user->authorities = NULL;
	user->nauthorities = 0;
	add_row(u, "add", user->login, "name", "", user->name);
	add_row(u, "add", user->login, "mail", "", user->mail);
	add_row(u, "add", user->login, "role", "", user->role);
	add_grant_row(u, user);
	add_item(u, ITEM_NEW, user, 0);
}

static enum den_code collect_change(struct dendir_update *u, struct dendir *host,
	const struct dendir_user *change)
{
	struct dendir_user before, after;
	enum den_code code = dendir_user_read(host, DENDIR_PEOPLE, change->login, &before);

	/* Removed meanwhile by a run that ended before it swept: the next sweep takes the change. */
	if (code == DEN_UNKNOWN_USER)
		return DEN_OK;
	if (code != DEN_OK)
		return code;
	if (dendir_user_copy(&after, &before) != 0) {
		dendir_user_done(&before);
		return DEN_DIRECTORY_REFUSED;
	}
	replace_if(after.name, sizeof(after.name), change->name);
	replace_if(after.mail, sizeof(after.mail), change->mail);
	replace_if(after.role, sizeof(after.role), change->role);
	replace_if(after.lang, sizeof(after.lang), change->lang);
	replace_if(after.state, sizeof(after.state), change->state);
	after.grant_days = change->grant_days;
	if (strcmp(after.state, "removed") == 0)
		add_row(u, "remove", after.login, "name", before.name, "");
	else
		add_change_rows(u, &before, &after);
	add_grant_row(u, &after);
	add_item(u, ITEM_CHANGE, &after, dendir_user_is_master(&before));
	dendir_user_done(&before);
	return DEN_OK;
}

struct collector {
	struct dendir_user *users;
	size_t n;
	const char *filter;
	int failed;
};

static int keep_user(void *context, const struct dendir_user *user)
{
	struct collector *c = context;
	struct dendir_user *users;

	if (*c->filter && !strcasestr(user->login, c->filter) && !strcasestr(user->name, c->filter))
		return 0;
	users = reallocarray(c->users, c->n + 1, sizeof(*users));
	if (!users)
		return c->failed = 1;
	c->users = users;
	if (dendir_user_copy(&users[c->n], user) != 0)
		return c->failed = 1;
	c->n++;
	return 0;
}

static int by_login(const void *a, const void *b)
{
	const struct dendir_user *x = a, *y = b;

	return strcmp(x->login, y->login);
}

static void collector_done(struct collector *c)
{
	for (size_t i = 0; i < c->n; i++)
		dendir_user_done(&c->users[i]);
	free(c->users);
}

/* Registered users that a run changed which never moved the pointer. */
static enum den_code collect_unfinished(struct dendir_update *u, struct dendir *host)
{
	struct collector c = {.filter = ""};
	char filter[64];
	int64_t serial;
	enum den_code code = dendir_serial_read(host, &serial);

	if (code != DEN_OK)
		return code;
	snprintf(filter, sizeof(filter), "(&(uid=*)(denshiSerial=%lld))", (long long)serial + 1);
	code = dendir_user_each(host, DENDIR_PEOPLE, filter, keep_user, &c);
	for (size_t i = 0; code == DEN_OK && i < c.n; i++) {
		struct dendir_user after;
		int known = 0;

		for (size_t k = 0; k < u->nitems; k++)
			known |= strcmp(u->items[k].after.login, c.users[i].login) == 0;
		if (known || dendir_user_copy(&after, &c.users[i]) != 0)
			continue;
		add_row(u, "finish", after.login, "name", "", after.name);
		add_item(u, ITEM_FINISH, &after, 0);
	}
	u->failed |= c.failed;
	collector_done(&c);
	return code;
}

enum den_code dendir_update_collect(struct dendir_update *u, struct dendir *host, const char *filter)
{
	struct collector c = {.filter = filter ? filter : ""};
	enum den_code code = dendir_user_each(host, DENDIR_PREPARED, NULL, keep_user, &c);

	u->failed |= c.failed;
	if (c.n)
		qsort(c.users, c.n, sizeof(*c.users), by_login);
	for (size_t i = 0; code == DEN_OK && i < c.n; i++) {
		struct dendir_user copy;

		if (c.users[i].is_change) {
			code = collect_change(u, host, &c.users[i]);
		} else if (dendir_user_copy(&copy, &c.users[i]) == 0) {
			collect_new(u, &copy);
		} else {
			u->failed = 1;
		}
	}
	collector_done(&c);
	if (code == DEN_OK)
		code = collect_unfinished(u, host);
	return code == DEN_OK && u->failed ? DEN_DIRECTORY_REFUSED : code;
}

enum den_code dendir_update_direct(struct dendir_update *u, const struct dendir_user *before,
	const struct dendir_user *after)
{
	struct dendir_user copy;

	if (dendir_user_copy(&copy, after) != 0)
		return DEN_DIRECTORY_REFUSED;
	add_change_rows(u, before, after);
	add_item(u, ITEM_DIRECT, &copy, dendir_user_is_master(before));
	return u->failed ? DEN_DIRECTORY_REFUSED : DEN_OK;
}

/* -- the serial ------------------------------------------------------------------------------------ */

static int read_serial(void *context, struct dendir_entry *e)
{
	int64_t *serial = context;

	*serial = dendir_entry_number(e, "denshiSerial", -1);
	return 0;
}

enum den_code dendir_serial_read(struct dendir *d, int64_t *serial)
{
	static const char *const attributes[] = {"denshiSerial", NULL};
	char dn[DENDIR_DN_SIZE];
	enum den_code code;

	*serial = -1;
	code = dendir_search(d, dendir_dn(dn, d, "cn=serial,ou=published"), DENDIR_BASE, NULL, attributes,
		read_serial, serial);
	return code == DEN_OK && *serial < 0 ? DEN_DIRECTORY_REFUSED : code;
}

static enum den_code move_pointer(struct dendir *master, int64_t from)
{
	struct dendir_mods *m = dendir_mods_new();
	char dn[DENDIR_DN_SIZE];
	enum den_code code;

	/* The old value is named: of two runs, one finds it gone. */
	dendir_mods_put_number(m, DENDIR_DELETE, "denshiSerial", from);
	dendir_mods_put_number(m, DENDIR_ADD, "denshiSerial", from + 1);
	code = dendir_modify(master, dendir_dn(dn, master, "cn=serial,ou=published"), m);
	dendir_mods_free(m);
	return dendir_result(master) == LDAP_NO_SUCH_ATTRIBUTE ? DEN_UPDATE_CHANGED_MEANWHILE : code;
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

/* -- versions ---------------------------------------------------------------------------------------------- */

static enum den_code add_version(struct dendir *master, const struct dendir_user *a)
{
	char dn[DENDIR_DN_SIZE], cn[64];
	struct dendir_mods *m = dendir_mods_new();
	enum den_code code;

	snprintf(cn, sizeof(cn), "%s.%lld", a->login, (long long)a->serial);
	dendir_mods_put(m, DENDIR_ADD, "objectClass", "denshiVersion");
	dendir_mods_put(m, DENDIR_ADD, "cn", cn);
	dendir_mods_put(m, DENDIR_ADD, "uid", a->login);
	dendir_mods_put_number(m, DENDIR_ADD, "denshiSerial", a->serial);
	dendir_mods_put(m, DENDIR_ADD, "denshiState", a->state);
	dendir_mods_put(m, DENDIR_ADD, "displayName", a->name);
	dendir_mods_put_number(m, DENDIR_ADD, "uidNumber", a->uid);
	dendir_mods_put_number(m, DENDIR_ADD, "gidNumber", a->gid);
	dendir_mods_put(m, DENDIR_ADD, "homeDirectory", a->home);
	dendir_mods_put(m, DENDIR_ADD, "loginShell", a->shell);
	dendir_mods_put(m, DENDIR_ADD, "denshiRole", a->role);
	if (*a->mail)
		dendir_mods_put(m, DENDIR_ADD, "mail", a->mail);
	if (*a->lang)
		dendir_mods_put(m, DENDIR_ADD, "preferredLanguage", a->lang);
	for (size_t i = 0; i < a->nauthorities; i++)
		dendir_mods_put(m, DENDIR_ADD, "denshiAuthority", a->authorities[i]);
	dendir_dn(dn, master, "cn=%s,ou=published", cn);
	code = dendir_add(master, dn, m);
	/* Left by an interrupted run, perhaps with other contents: nothing refers to it yet. */
	if (code == DEN_DIRECTORY_REFUSED && dendir_result(master) == LDAP_ALREADY_EXISTS) {
		code = dendir_delete(master, dn);
		if (code == DEN_OK)
			code = dendir_add(master, dn, m);
	}
	dendir_mods_free(m);
	return code;
}

struct old_versions {
	int64_t below, serials[64];
	size_t n;
};

static int keep_old(void *context, struct dendir_entry *e)
{
	struct old_versions *o = context;
	int64_t serial = dendir_entry_number(e, "denshiSerial", -1);

	if (serial >= 0 && serial < o->below && o->n < sizeof(o->serials) / sizeof(o->serials[0]))
		o->serials[o->n++] = serial;
	return 0;
}

/* What fails here is left for the next change of this user: readers don't mind. */
static void sweep_versions(struct dendir *host, struct dendir *master, const char *login, int64_t below)
{
	static const char *const attributes[] = {"denshiSerial", NULL};
	struct old_versions o = {.below = below};
	char base[DENDIR_DN_SIZE], filter[64], dn[DENDIR_DN_SIZE];

	if (!dendir_filter(filter, sizeof(filter), "(uid=%s)", login))
		return;
	if (dendir_search(host, dendir_dn(base, host, "ou=published"), DENDIR_ONE, filter, attributes,
		    keep_old, &o) != DEN_OK)
		return;
	for (size_t i = 0; i < o.n; i++)
		(void)dendir_delete(master,
			dendir_dn(dn, master, "cn=%s.%lld,ou=published", login, (long long)o.serials[i]));
}

static enum den_code add_grant(struct dendir *master, const struct dendir_user *a, const char *by, int64_t now)
{
	struct dendir_mods *m = dendir_mods_new();
	char cn[64], dn[DENDIR_DN_SIZE], who[DENDIR_DN_SIZE], when[DENDIR_TIME_SIZE];
	enum den_code code;

	/* Named after what made it: a run that is repeated grants once. */
	snprintf(cn, sizeof(cn), "%s-%lld", a->login, (long long)a->serial);
	dendir_mods_put(m, DENDIR_ADD, "objectClass", "denshiGrant");
	dendir_mods_put(m, DENDIR_ADD, "cn", cn);
	dendir_mods_put(m, DENDIR_ADD, "denshiOwner", dendir_dn(who, master, DENDIR_DN_PEOPLE, a->login));
	dendir_mods_put(m, DENDIR_ADD, "denshiGrantedBy", dendir_dn(who, master, DENDIR_DN_APPROVAL, by));
	dendir_mods_put(m, DENDIR_ADD, "denshiExpires", dendir_time(when, now + a->grant_days * 86400));
	code = dendir_add(master, dendir_dn(dn, master, "cn=%s,ou=certificates", cn), m);
	dendir_mods_free(m);
	return dendir_result(master) == LDAP_ALREADY_EXISTS ? DEN_OK : code;
}

static void sweep(struct dendir *host, struct dendir *master, const struct item *item, int64_t serial)
{
	const char *login = item->after.login;
	char dn[DENDIR_DN_SIZE];

	sweep_versions(host, master, login, serial);
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
			code = add_version(master, &item->after);
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
		code = move_pointer(master, from);
	if (code != DEN_OK)
		return code;
	for (size_t i = 0; i < u->nitems; i++)
		sweep(host, master, &u->items[i], *serial);
	end_record(master, *serial);
	return DEN_OK;
}

/* -- history ------------------------------------------------------------------------------------------------------ */

struct history {
	dendir_each_update *each;
	void *context;
	int64_t *serials;
	size_t n;
	int failed;
};

static int keep_serial(void *context, struct dendir_entry *e)
{
	struct history *h = context;
	int64_t serial = dendir_entry_number(e, "denshiSerial", -1);
	int64_t *serials;

	if (serial < 0)
		return 0;
	serials = reallocarray(h->serials, h->n + 1, sizeof(*serials));
	if (!serials)
		return h->failed = 1;
	h->serials = serials;
	h->serials[h->n++] = serial;
	return 0;
}

static int newest_first(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? 1 : *x > *y ? -1 : 0;
}

static int lines_in_order(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int tell_update(void *context, struct dendir_entry *e)
{
	struct history *h = context;
	struct dendir_past_update past = {0};
	const char **lines = NULL, *line;
	size_t len;

	for (size_t i = 0; (line = dendir_entry_value(e, "denshiDiff", i, &len)); i++) {
		const char **more = reallocarray(lines, i + 1, sizeof(*lines));

		if (!more) {
			free(lines);
			return h->failed = 1;
		}
		lines = more;
		lines[i] = line;
		past.nlines = i + 1;
	}
	if (lines)
		qsort(lines, past.nlines, sizeof(*lines), lines_in_order);
	past.lines = lines;
	past.serial = dendir_entry_number(e, "denshiSerial", 0);
	past.time = dendir_parse_time(dendir_entry_string(e, "denshiUpdateTime"));
	dendir_login_of_dn(past.by, dendir_entry_string(e, "denshiMaster"));
	snprintf(past.state, sizeof(past.state), "%s", dendir_entry_string(e, "denshiState"));
	h->each(h->context, &past);
	free(lines);
	return 0;
}

enum den_code dendir_update_history(struct dendir *d, dendir_each_update *each, void *context)
{
	static const char *const serial_only[] = {"denshiSerial", NULL};
	struct history h = {.each = each, .context = context};
	char dn[DENDIR_DN_SIZE];
	enum den_code code = dendir_search(d, dendir_dn(dn, d, "ou=updates"), DENDIR_ONE,
		"(objectClass=denshiUpdate)", serial_only, keep_serial, &h);

	if (h.n)
		qsort(h.serials, h.n, sizeof(*h.serials), newest_first);
	for (size_t i = 0; code == DEN_OK && i < h.n && !h.failed; i++) {
		dendir_dn(dn, d, "cn=%lld,ou=updates", (long long)h.serials[i]);
		code = dendir_search(d, dn, DENDIR_BASE, NULL, NULL, tell_update, &h);
	}
	free(h.serials);
	return h.failed ? DEN_DIRECTORY_REFUSED : code;
}
