/*
 * What is pending: an index of the login IDs, 32 bytes a user, and the contents of a
 * window of it at a time. So memory doesn't grow with the size of a user.
 */
#include <ldap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "directory/batch.h"
#include "directory/update-internal.h"
#include "directory/version.h"

/* -- the index ------------------------------------------------------------------------ */

static int by_login(const void *a, const void *b)
{
	const struct pending *x = a, *y = b;

	return strcmp(x->login, y->login);
}

static int add_pending(struct dendir_update *u, const char *login, int unfinished)
{
	if (u->npending == u->room) {
		size_t room = u->room ? 2 * u->room : WINDOW;
		struct pending *more = reallocarray(u->pending, room, sizeof(*more));

		if (!more)
			return u->failed = 1;
		u->pending = more;
		u->room = room;
	}
	u->pending[u->npending] = (struct pending){.unfinished = unfinished != 0};
	snprintf(u->pending[u->npending++].login, DEN_LOGIN_ID_SIZE, "%s", login);
	return 0;
}

struct indexer {
	struct dendir_update *update;
	int unfinished;
};

static int keep_login(void *context, struct dendir_entry *e)
{
	struct indexer *i = context;
	char login[DEN_LOGIN_ID_SIZE];

	/* The base of the subtree is no user, nor is an entry that gives itself another's name. */
	dendir_login_of_dn(login, dendir_entry_dn(e));
	if (!*login || strcmp(login, dendir_entry_string(e, "uid")) != 0)
		return 0;
	return add_pending(i->update, login, i->unfinished);
}

/* One line a login ID: the same user may be prepared and unfinished. */
static void sort_index(struct dendir_update *u)
{
	size_t n = 0;

	if (u->npending)
		qsort(u->pending, u->npending, sizeof(*u->pending), by_login);
	for (size_t i = 0; i < u->npending; i++) {
		if (n && by_login(&u->pending[n - 1], &u->pending[i]) == 0)
			u->pending[n - 1].unfinished |= u->pending[i].unfinished;
		else
			u->pending[n++] = u->pending[i];
	}
	u->npending = n;
}

static enum den_code make_index(struct dendir_update *u, struct dendir *host)
{
	static const char *const attributes[] = {"uid", NULL};
	struct indexer i = {.update = u};
	char base[DENDIR_DN_SIZE], filter[64];
	enum den_code code;

	code = dendir_search(host, dendir_dn(base, host, "ou=prepared"), DENDIR_ONE, "(uid=*)", attributes, keep_login, &i);
	if (code != DEN_OK)
		return code;
	/* Registered users that a run changed which never moved the pointer. */
	i.unfinished = 1;
	snprintf(filter, sizeof(filter), "(denshiSerial=%lld)", (long long)u->from + 1);
	code = dendir_search(host, dendir_dn(base, host, "ou=people"), DENDIR_ONE, filter, attributes, keep_login, &i);
	sort_index(u);
	return code;
}

/* Whether what is unfinished is being worked on: then it will be something else in a moment. */
static enum den_code is_somebody_at_it(struct dendir_update *u, struct dendir *host)
{
	struct runner r = {.host = host, .from = u->from};
	int unfinished = 0;
	enum den_code code;

	for (size_t i = 0; i < u->npending; i++)
		unfinished |= u->pending[i].unfinished;
	if (!unfinished)
		return DEN_OK;
	code = runner_look(&r);
	if (code == DEN_UPDATE_RUNNING)
		record_find_other(u, host);
	return code;
}

struct pending *plan_find(const struct dendir_update *u, const char *login)
{
	struct pending key = {0};

	snprintf(key.login, sizeof(key.login), "%s", login);
	return u->npending ? bsearch(&key, u->pending, u->npending, sizeof(key), by_login) : NULL;
}

/* -- the window -------------------------------------------------------------------------- */

/* What is read for the users of a window, before it is put together: until then, `after` is
 * what is registered, and `before` what is in force where that is something else. */
struct reading {
	struct dendir_update *update;
	enum { PREPARED, REGISTERED, IN_FORCE } what;
	int failed;
};

static struct item *item_of(struct dendir_update *u, const char *login)
{
	for (size_t i = 0; i < u->window.n; i++)
		if (strcmp(u->pending[u->window.first + i].login, login) == 0)
			return &u->window.items[i];
	return NULL;
}

static int keep_user(void *context, const struct dendir_user *user)
{
	struct reading *r = context;
	struct item *item = item_of(r->update, user->login);
	struct dendir_user *to;

	if (!item)
		return 0;
	to = r->what == PREPARED ? &item->prepared : r->what == REGISTERED ? &item->after : &item->before;
	dendir_user_done(to);
	return dendir_user_copy(to, user) == 0 ? 0 : (r->failed = 1);
}

static int keep_version(void *context, struct dendir_entry *e)
{
	struct reading *r = context;
	struct dendir_version v;
	struct item *item;
	int rc = 0;

	if (dendir_version_read(&v, e) != 0)
		return 0;
	item = item_of(r->update, v.user.login);
	if (item && v.serial <= r->update->from && (!*item->before.login || item->before.serial < v.serial))
		rc = keep_user(r, &v.user);
	dendir_user_done(&v.user);
	return rc;
}

/* The versions in force of users that a run has changed already. */
static enum den_code read_in_force(struct dendir_update *u, struct dendir *host, struct reading *r)
{
	char logins[WINDOW][DEN_LOGIN_ID_SIZE], base[DENDIR_DN_SIZE], filter[DENDIR_LOGINS_FILTER_SIZE];
	size_t n = 0;

	for (size_t i = 0; i < u->window.n; i++)
		if (u->window.items[i].after.serial == u->from + 1)
			memcpy(logins[n++], u->window.items[i].after.login, DEN_LOGIN_ID_SIZE);
	if (n == 0)
		return DEN_OK;
	r->what = IN_FORCE;
	return dendir_search(host, dendir_dn(base, host, "ou=published"), DENDIR_ONE,
		dendir_logins_filter(filter, (const char(*)[DEN_LOGIN_ID_SIZE])logins, n), dendir_version_attributes,
		keep_version, r);
}

static enum den_code read_window(struct dendir_update *u, struct dendir *host)
{
	char logins[WINDOW][DEN_LOGIN_ID_SIZE];
	const char(*list)[DEN_LOGIN_ID_SIZE] = (const char(*)[DEN_LOGIN_ID_SIZE])logins;
	struct reading r = {.update = u, .what = PREPARED};
	enum den_code code;

	for (size_t i = 0; i < u->window.n; i++)
		memcpy(logins[i], u->pending[u->window.first + i].login, DEN_LOGIN_ID_SIZE);
	code = dendir_users_read(host, DENDIR_PREPARED, list, u->window.n, keep_user, &r);
	r.what = REGISTERED;
	if (code == DEN_OK)
		code = dendir_users_read(host, DENDIR_PEOPLE, list, u->window.n, keep_user, &r);
	if (code == DEN_OK)
		code = read_in_force(u, host, &r);
	return r.failed ? DEN_INTERNAL : code;
}

/* -- one user ----------------------------------------------------------------------------- */

static void replace_if(char *field, size_t size, const char *value)
{
	if (*value)
		snprintf(field, size, "%s", value);
}

static void change_user(struct dendir_user *user, const struct dendir_user *change)
{
	replace_if(user->name, sizeof(user->name), change->name);
	replace_if(user->mail, sizeof(user->mail), change->mail);
	replace_if(user->role, sizeof(user->role), change->role);
	replace_if(user->lang, sizeof(user->lang), change->lang);
	replace_if(user->state, sizeof(user->state), change->state);
	user->grant_days = change->grant_days;
}

static enum den_code put_together_new(struct item *item)
{
	item->kind = ITEM_NEW;
	if (dendir_user_copy(&item->after, &item->prepared) != 0)
		return DEN_INTERNAL;
	snprintf(item->after.state, sizeof(item->after.state), "active");
	return DEN_OK;
}

static int told_nothing(void *context, const struct dendir_row *row)
{
	(void)context;
	(void)row;
	return 0;
}

static int note_it_is_there(void *context, struct dendir_entry *e)
{
	int *there = context;

	(void)e;
	*there = 1;
	return 0;
}

/* A change without effect is spent; but for what a run that ended after the pointer moved
 * has left of it, which no host can take away. */
static enum den_code put_together_spent(struct item *item, struct dendir *host)
{
	static const char *const none[] = {"1.1", NULL};
	char dn[DENDIR_DN_SIZE];
	int there = 0;
	enum den_code code = DEN_OK;

	if (item->drops_approval)
		code = dendir_search(host, dendir_dn(dn, host, DENDIR_DN_APPROVAL, item->after.login), DENDIR_BASE, NULL,
			none, note_it_is_there, &there);
	item->kind = there ? ITEM_FINISH : ITEM_SPENT;
	return code;
}

static enum den_code put_together_change(struct item *item, struct dendir *host, int unfinished)
{
	struct dendir_user *before = &item->before, *after = &item->after;

	item->kind = unfinished ? ITEM_FINISH : ITEM_CHANGE;
	if (!unfinished && dendir_user_copy(before, after) != 0)
		return DEN_INTERNAL;
	if (*item->prepared.login && item->prepared.is_change)
		change_user(after, &item->prepared);
	/* Whoever approves nothing any more has no approval password (R-APW-3). */
	item->drops_approval = !dendir_user_is_master(after) && !dendir_user_is_approver(after) &&
		(dendir_user_is_master(before) || *item->prepared.role);
	return item_rows(item, told_nothing, NULL) == 0 ? put_together_spent(item, host) : DEN_OK;
}

static enum den_code put_together(struct dendir_update *u, struct item *item, struct dendir *host)
{
	int is_registered = *item->after.login != '\0', is_prepared = *item->prepared.login != '\0';

	if (!is_registered && is_prepared && !item->prepared.is_change)
		return put_together_new(item);
	if (is_registered && item->after.serial == u->from + 1)
		return put_together_change(item, host, 1);
	if (is_registered && is_prepared && item->prepared.is_change)
		return put_together_change(item, host, 0);
	/* Nobody can be added twice, and who has been removed since has nothing to change: an
	 * entry that says so must not keep updates from running. */
	item->kind = is_prepared ? ITEM_SPENT : ITEM_NONE;
	return DEN_OK;
}

/* An unfinished one is never left out: the next serial would bring it into force unseen. */
static int is_wanted(const struct dendir_update *u, const struct item *item)
{
	const char *f = u->filter;

	return !*f || item->kind == ITEM_FINISH || strcasestr(item->after.login, f) ||
		strcasestr(item->before.name, f) || strcasestr(item->after.name, f);
}

static enum den_code take_direct(struct dendir_update *u)
{
	struct item *to = &u->window.items[0];

	to->kind = u->direct->kind;
	to->drops_approval = u->direct->drops_approval;
	return dendir_user_copy(&to->before, &u->direct->before) == 0 &&
			dendir_user_copy(&to->after, &u->direct->after) == 0
		? DEN_OK
		: DEN_INTERNAL;
}

enum den_code plan_read(struct dendir_update *u, struct dendir *host, size_t first)
{
	struct window *w = &u->window;
	enum den_code code;

	for (size_t i = 0; i < w->n; i++)
		item_done(&w->items[i]);
	w->first = first;
	w->n = u->npending - first < WINDOW ? u->npending - first : WINDOW;
	if (u->direct)
		return take_direct(u);
	code = read_window(u, host);
	for (size_t i = 0; code == DEN_OK && i < w->n; i++) {
		code = put_together(u, &w->items[i], host);
		if (code == DEN_OK && w->items[i].kind != ITEM_SPENT && !is_wanted(u, &w->items[i]))
			w->items[i].kind = ITEM_NONE;
	}
	return code;
}

enum den_code plan_discard_spent(struct dendir_update *u, struct dendir *host)
{
	struct dendir_batch b;
	char dn[DENDIR_DN_SIZE], filter[80];

	dendir_batch_start(&b, host);
	for (size_t i = 0; i < u->window.n; i++) {
		const struct dendir_user *spent = &u->window.items[i].prepared;

		if (u->window.items[i].kind == ITEM_SPENT && *spent->login &&
			dendir_filter(filter, sizeof(filter), "(entryCSN=%s)", spent->csn))
			dendir_batch_delete_if(&b, dendir_dn(dn, host, DENDIR_DN_PREPARED, spent->login), filter);
	}
	/* Somebody else may have done it; only the server's silence is worth telling. */
	return dendir_batch_end(&b) == DEN_DIRECTORY_DOWN ? DEN_DIRECTORY_DOWN : DEN_OK;
}

/* -- the first look ----------------------------------------------------------------------------- */

struct look {
	struct dendir_update *update;
	dendir_each_row *each;
	void *context;
	int stopped;
};

static int pass_row(void *context, const struct dendir_row *row)
{
	struct look *l = context;

	if (l->each && !l->stopped)
		l->stopped = l->each(l->context, row) != 0;
	return l->stopped;
}

/* Notes what the item is, for the run, and adds it to the digest of all. */
static int note_item(struct dendir_update *u, size_t i, struct dencrypt_digest *digest)
{
	const struct item *item = &u->window.items[i];
	struct pending *p = &u->pending[u->window.first + i];

	if (item->kind == ITEM_NONE || item->kind == ITEM_SPENT)
		return 0;
	if (item_sum(item, p->sum) != 0)
		return -1;
	p->is_in = 1;
	p->is_new = item->kind == ITEM_NEW;
	p->loses_master = item_loses_master(item) != 0;
	p->removes = strcmp(item->after.state, "removed") == 0;
	p->drops_approval = item->drops_approval != 0;
	u->users++;
	u->nnew += p->is_new;
	u->nlost += p->loses_master;
	return !digest || dencrypt_digest_add(digest, p->sum, sizeof(p->sum)) == DENCRYPT_OK ? 0 : -1;
}

static enum den_code look_at_window(struct look *l, struct dendir *host, struct dencrypt_digest *digest)
{
	struct dendir_update *u = l->update;

	for (size_t i = 0; i < u->window.n && !l->stopped; i++) {
		if (note_item(u, i, digest) != 0)
			return DEN_INTERNAL;
		if (u->pending[u->window.first + i].is_in)
			item_rows(&u->window.items[i], pass_row, l);
	}
	return plan_discard_spent(u, host);
}

static enum den_code look_at_all(struct look *l, struct dendir *host, struct dencrypt_digest *digest)
{
	struct dendir_update *u = l->update;
	unsigned char sum[DENCRYPT_DIGEST_SIZE];
	enum den_code code = DEN_OK;

	for (size_t first = 0; code == DEN_OK && first < u->npending && !l->stopped; first += WINDOW) {
		code = plan_read(u, host, first);
		if (code == DEN_OK)
			code = look_at_window(l, host, digest);
	}
	if (code == DEN_OK && l->stopped)
		code = DEN_BUSY;
	if (code == DEN_OK && dencrypt_digest_end(digest, sum) != DENCRYPT_OK)
		code = DEN_INTERNAL;
	if (code == DEN_OK)
		dencrypt_hex(sum, sizeof(sum), u->digest);
	return code;
}

enum den_code dendir_update_collect(struct dendir_update *u, struct dendir *host, const char *filter,
	dendir_each_row *each, void *context)
{
	struct look l = {.update = u, .each = each, .context = context};
	struct dencrypt_digest *digest = NULL;
	enum den_code code = make_index(u, host);

	snprintf(u->filter, sizeof(u->filter), "%s", filter ? filter : "");
	if (code == DEN_OK)
		code = is_somebody_at_it(u, host);
	if (code == DEN_OK && (u->failed || dencrypt_digest_new(&digest) != DENCRYPT_OK))
		code = DEN_INTERNAL;
	if (code == DEN_OK)
		code = look_at_all(&l, host, digest);
	dencrypt_digest_free(digest);
	u->failed |= code != DEN_OK;
	return code;
}

enum den_code dendir_update_direct(struct dendir_update *u, const struct dendir_user *before,
	const struct dendir_user *after)
{
	struct item *item = calloc(1, sizeof(*item));

	u->failed = 1;
	if (!item)
		return DEN_INTERNAL;
	u->direct = item;
	item->kind = ITEM_DIRECT;
	item->drops_approval = dendir_user_is_master(before) && !dendir_user_is_master(after) &&
		!dendir_user_is_approver(after);
	if (dendir_user_copy(&item->before, before) != 0 || dendir_user_copy(&item->after, after) != 0 ||
		add_pending(u, after->login, 0) != 0)
		return DEN_INTERNAL;
	u->window.first = 0;
	u->window.n = 1;
	if (take_direct(u) != DEN_OK || note_item(u, 0, NULL) != 0)
		return DEN_INTERNAL;
	u->failed = 0;
	return DEN_OK;
}
