#include "directory/import.h"

#include <ldap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory/batch.h"

/* Login IDs in one filter, where few or many of them are there. Each is looked up in the index,
 * but slapd then tests an entry that it found against all, and asks the access rules each
 * time: with 100 of them it takes 0.4 ms. */
#define FILTERED 100
#define FILTERED_FOUND 10

void dendir_import_done(struct dendir_import *all, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		dendir_user_done(&all[i].user);
		den_secret_free(all[i].initial);
	}
	memset(all, 0, n * sizeof(*all));
}

/* -- comparing ------------------------------------------------------------------------- */

struct found {
	struct dendir_import *all;
	size_t n;
	int registered; /* looked for in ou=people */
};

static struct dendir_import *named(const struct found *f, const char *login)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->all[i].user.login, login) == 0)
			return &f->all[i];
	return NULL;
}

static int same_authorities(const struct dendir_user *a, const struct dendir_user *b)
{
	if (a->nauthorities != b->nauthorities)
		return 0;
	for (size_t i = 0; i < a->nauthorities; i++)
		if (!dendir_user_has(b, a->authorities[i]))
			return 0;
	return 1;
}

static void note_difference(struct dendir_import *one, int same, const char *field)
{
	size_t used = strlen(one->differs);

	if (!same && used + strlen(field) + 2 < sizeof(one->differs))
		snprintf(one->differs + used, sizeof(one->differs) - used, "%s%s", used ? " " : "", field);
}

static int compare_one(void *context, const struct dendir_user *there)
{
	const struct found *f = context;
	struct dendir_import *one = named(f, there->login);
	const struct dendir_user *u = one ? &one->user : NULL;

	/* A prepared change is about somebody who is registered: that one counts. */
	if (!u || there->is_change)
		return 0;
	one->differs[0] = '\0';
	note_difference(one, strcmp(u->name, there->name) == 0, "name");
	note_difference(one, strcmp(u->mail, there->mail) == 0, "mail");
	note_difference(one, strcmp(u->role, there->role) == 0, "role");
	note_difference(one, strcmp(u->lang, there->lang) == 0, "language");
	note_difference(one, same_authorities(u, there), "authorities");
	/* A grant in force is used up or not: nothing to compare. */
	note_difference(one, f->registered || u->grant_days == there->grant_days, "certificate");
	one->state = *one->differs ? DENDIR_IMPORT_DIFFERS : DENDIR_IMPORT_THERE;
	return 0;
}

static int note_taken(void *context, struct dendir_entry *e)
{
	struct dendir_import *one = named(context, dendir_entry_string(e, "uid"));

	if (one)
		one->state = DENDIR_IMPORT_TAKEN;
	return 0;
}

/* (|(uid=...)(uid=...)): login IDs are checked already, nothing in them needs escaping. */
static void filter_of(char *buf, size_t size, const struct dendir_import *all, size_t n)
{
	size_t used = (size_t)snprintf(buf, size, "(|");

	for (size_t i = 0; i < n && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "(uid=%s)", all[i].user.login);
	if (used < size)
		snprintf(buf + used, size - used, ")");
}

enum den_code dendir_import_find_taken(struct dendir *host, struct dendir_import *all, size_t n)
{
	static const char *const uid[] = {"uid", NULL};
	char filter[FILTERED * (DEN_LOGIN_ID_SIZE + 6) + 8], base[DENDIR_DN_SIZE];
	enum den_code code = DEN_OK;

	dendir_dn(base, host, "ou=published");
	for (size_t i = 0; i < n; i++)
		all[i].state = DENDIR_IMPORT_NEW;
	for (size_t i = 0; i < n && code == DEN_OK; i += FILTERED) {
		struct found f = {.all = all + i, .n = n - i < FILTERED ? n - i : FILTERED};

		filter_of(filter, sizeof(filter), f.all, f.n);
		code = dendir_search(host, base, DENDIR_ONE, filter, uid, note_taken, &f);
	}
	return code;
}

/* Those that are registered or prepared, at most FILTERED. */
static enum den_code compare_some(struct dendir *host, struct dendir_import *all, size_t n)
{
	char filter[FILTERED * (DEN_LOGIN_ID_SIZE + 6) + 8];
	struct found f = {.all = all, .n = n};
	enum den_code code;

	filter_of(filter, sizeof(filter), all, n);
	code = dendir_user_each(host, DENDIR_PREPARED, filter, compare_one, &f);
	f.registered = 1;
	if (code == DEN_OK)
		code = dendir_user_each(host, DENDIR_PEOPLE, filter, compare_one, &f);
	return code;
}

static int is_any_there(const struct dendir_import *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (all[i].state == DENDIR_IMPORT_THERE || all[i].state == DENDIR_IMPORT_DIFFERS)
			return 1;
	return 0;
}

enum den_code dendir_import_compare(struct dendir *host, struct dendir_import *all, size_t n)
{
	enum den_code code = dendir_import_find_taken(host, all, n);
	size_t width = FILTERED_FOUND;

	for (size_t i = 0; i < n && code == DEN_OK; i += width) {
		/* Where some are there, more will be. */
		width = i && !is_any_there(all, i) ? FILTERED : FILTERED_FOUND;
		width = width < n - i ? width : n - i;
		code = compare_some(host, all + i, width);
	}
	return code;
}

/* -- adding ----------------------------------------------------------------------------- */

static struct dendir_mods *entry_of(const struct dendir *as, const struct dendir_import *one)
{
	struct dendir_mods *m = dendir_user_mods(as, &one->user);

	if (one->user.grant_days)
		dendir_mods_put_number(m, DENDIR_ADD, "denshiGrantDays", one->user.grant_days);
	for (size_t i = 0; i < one->user.nauthorities; i++)
		dendir_mods_put(m, DENDIR_ADD, "denshiAuthority", one->user.authorities[i]);
	/* slapd hashes it before it is stored (ppolicy_hash_cleartext). */
	if (one->initial)
		dendir_mods_put_bytes(m, DENDIR_ADD, "userPassword", den_secret_bytes(one->initial),
			den_secret_len(one->initial));
	return m;
}

static void note_added(struct dendir_import *one, int result)
{
	if (result == LDAP_SUCCESS)
		one->state = DENDIR_IMPORT_ADDED;
	else if (result == LDAP_ALREADY_EXISTS)
		one->state = DENDIR_IMPORT_TAKEN;
	else
		one->state = DENDIR_IMPORT_FAILED;
}

enum den_code dendir_import_add(struct dendir *as, struct dendir_import *all, size_t n)
{
	struct dendir_batch batch;
	char dn[DENDIR_DN_SIZE];
	enum den_code code;
	size_t k = 0;

	dendir_batch_start(&batch, as);
	for (size_t i = 0; i < n; i++) {
		struct dendir_mods *m;

		if (all[i].state != DENDIR_IMPORT_NEW)
			continue;
		m = entry_of(as, &all[i]);
		dendir_batch_add(&batch, dendir_dn(dn, as, DENDIR_DN_PREPARED, all[i].user.login), m, LDAP_ALREADY_EXISTS);
		dendir_mods_free(m);
	}
	code = dendir_batch_end(&batch);
	for (size_t i = 0; i < n; i++)
		if (all[i].state == DENDIR_IMPORT_NEW)
			note_added(&all[i], dendir_batch_result(&batch, k++));
	return code;
}
