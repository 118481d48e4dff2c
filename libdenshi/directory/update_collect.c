/* What is pending: what an update would change, as rows that are shown and as items that are run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory/update-internal.h"
#include "directory/version.h"

/* -- rows ------------------------------------------------------------------- */

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

static enum den_code discard(struct dendir *host, const char *login)
{
	char dn[DENDIR_DN_SIZE];

	return dendir_delete(host, dendir_dn(dn, host, DENDIR_DN_PREPARED, login));
}

static enum den_code collect_new(struct dendir_update *u, struct dendir *host, struct dendir_user *user)
{
	struct dendir_user there;
	enum den_code code = dendir_user_read(host, DENDIR_PEOPLE, user->login, &there);

	dendir_user_done(&there);
	/* Nobody can be added twice; an entry that says so must not keep updates from running. */
	if (code != DEN_UNKNOWN_USER) {
		if (code == DEN_OK)
			code = discard(host, user->login);
		dendir_user_done(user);
		return code;
	}
	snprintf(user->state, sizeof(user->state), "active");
	add_row(u, "add", user->login, "name", "", user->name);
	add_row(u, "add", user->login, "mail", "", user->mail);
	add_row(u, "add", user->login, "role", "", user->role);
	/* Only a master's approval identity can have prepared them (ldap-schema/directory.ldif.in). */
	for (size_t i = 0; i < user->nauthorities; i++)
		add_row(u, "add", user->login, "authority", "", user->authorities[i]);
	add_grant_row(u, user);
	add_item(u, ITEM_NEW, user, 0);
	return DEN_OK;
}

static enum den_code collect_change(struct dendir_update *u, struct dendir *host,
	const struct dendir_user *change)
{
	struct dendir_user before, after;
	enum den_code code = dendir_user_read(host, DENDIR_PEOPLE, change->login, &before);

	/* A change of somebody who has been removed since has nothing to change any more. */
	if (code == DEN_UNKNOWN_USER)
		return discard(host, change->login);
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
	enum den_code code;

	snprintf(filter, sizeof(filter), "(&(uid=*)(denshiSerial=%lld))", (long long)u->from + 1);
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

	u->partial = *c.filter != '\0';
	u->failed |= c.failed;
	if (c.n)
		qsort(c.users, c.n, sizeof(*c.users), by_login);
	for (size_t i = 0; code == DEN_OK && i < c.n; i++) {
		struct dendir_user copy;

		if (c.users[i].is_change) {
			code = collect_change(u, host, &c.users[i]);
		} else if (dendir_user_copy(&copy, &c.users[i]) == 0) {
			code = collect_new(u, host, &copy);
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
	u->partial = 1;
	add_change_rows(u, before, after);
	add_item(u, ITEM_DIRECT, &copy, dendir_user_is_master(before));
	return u->failed ? DEN_DIRECTORY_REFUSED : DEN_OK;
}
