/* Writing a window of users: as they are registered, and as versions of the next serial. */
#include <ldap.h>
#include <stdio.h>
#include <string.h>

#include "directory/certificate.h"
#include "directory/credential.h"
#include "directory/update-internal.h"
#include "directory/version.h"

/* Three writes a user in one batch: grant, registered user, version. */
_Static_assert(3 * WINDOW <= DENDIR_BATCH_MAX, "a window's writes are one batch");

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

static struct dendir_mods *new_mods(const struct dendir *d, const struct dendir_user *a)
{
	struct dendir_mods *m = registered_mods(a);

	/* Whatever else a host wrote: another's login ID as a second one, what was too long to be read. */
	dendir_mods_put(m, DENDIR_REPLACE, "uid", a->login);
	if (!*a->mail)
		dendir_mods_drop(m, "mail");
	if (!*a->lang)
		dendir_mods_drop(m, "preferredLanguage");
	dendir_mods_put(m, DENDIR_REPLACE, "objectClass", "inetOrgPerson");
	dendir_mods_put(m, DENDIR_REPLACE, "objectClass", "posixAccount");
	dendir_mods_put(m, DENDIR_REPLACE, "objectClass", "denshiUser");
	dendir_mods_put_number(m, DENDIR_REPLACE, "uidNumber", a->uid);
	dendir_mods_put_number(m, DENDIR_REPLACE, "gidNumber", a->gid);
	dendir_mods_put(m, DENDIR_REPLACE, "homeDirectory", a->home);
	dendir_mods_put(m, DENDIR_REPLACE, "loginShell", a->shell);
	dendir_mark_initial(m, d, DENDIR_LOGIN);
	dendir_mods_drop(m, "denshiGrantDays");
	return m;
}

static void put_grant(struct dendir_batch *b, const struct dendir_user *a, const struct dendir_run *run)
{
	char id[64], who[DENDIR_DN_SIZE];

	if (!a->grant_days)
		return;
	/* Named after what made it: a run that is repeated grants once. */
	snprintf(id, sizeof(id), "%s-%lld", a->login, (long long)a->serial);
	dendir_grant_put(b, id, a->login, dendir_dn(who, b->d, DENDIR_DN_APPROVAL, run->by),
		run->now + a->grant_days * 86400);
}

/* Takes m over. */
static void put_registered(struct dendir_batch *b, const struct dendir_user *a, struct dendir_mods *m)
{
	char dn[DENDIR_DN_SIZE];

	dendir_batch_modify(b, dendir_dn(dn, b->d, DENDIR_DN_PEOPLE, a->login), m, NULL);
	dendir_mods_free(m);
}

/* Only if it is still what was looked at, with its password, which no row tells. slapd asks the condition of
 * the organisation's entry as well, where it looks for the user number's other owners. */
#define AS_SEEN "(|(entryCSN=%s)(objectClass=organization))"
static void put_prepared(struct dendir_batch *b, const struct item *item)
{
	struct dendir_mods *m = new_mods(b->d, &item->after);
	char dn[DENDIR_DN_SIZE], as_seen[3 * sizeof(item->prepared.csn) + sizeof(AS_SEEN)];

	dendir_dn(dn, b->d, DENDIR_DN_PREPARED, item->after.login);
	dendir_batch_modify(b, dn, m, dendir_filter(as_seen, sizeof(as_seen), AS_SEEN, item->prepared.csn));
	dendir_mods_free(m);
}

/* A host was faster: it changed or took away what is being moved in. */
static enum den_code told(enum den_code code, const struct dendir *master)
{
	int result = dendir_result(master);

	return code == DEN_DIRECTORY_REFUSED && (result == LDAP_ASSERTION_FAILED || result == LDAP_NO_SUCH_OBJECT)
		? DEN_UPDATE_CHANGED_MEANWHILE
		: code;
}

static int is_new(const struct item *item)
{
	return item->kind == ITEM_NEW;
}

static int is_known(const struct item *item)
{
	return item->kind != ITEM_NONE && item->kind != ITEM_SPENT && item->kind != ITEM_NEW;
}

/* A version that was there is of an interrupted run, perhaps with other contents. */
static enum den_code replace_versions(struct dendir_update *u, const struct dendir_run *run, struct runner *runner,
	const struct dendir_batch *b, const size_t *version_at, int (*of)(const struct item *item))
{
	enum den_code code = DEN_OK;
	int sure = 0;

	for (size_t i = 0; code == DEN_OK && i < u->window.n; i++) {
		if (!of(&u->window.items[i]) || dendir_batch_result(b, version_at[i]) != LDAP_ALREADY_EXISTS)
			continue;
		/* Not that the place was taken over, and the version is in force by now. */
		if (!sure++)
			code = runner_confirm(runner);
		if (code == DEN_OK)
			code = dendir_version_add(run->master, &u->window.items[i].after);
	}
	return code;
}

/* Grants of all, and whoever is known already: registered user and version. */
static enum den_code write_known(struct dendir_update *u, const struct dendir_run *run, struct runner *runner)
{
	struct dendir_batch b;
	size_t version_at[WINDOW];
	enum den_code code;

	dendir_batch_start(&b, run->master);
	for (size_t i = 0; i < u->window.n; i++) {
		const struct item *item = &u->window.items[i];

		if (!is_known(item) && !is_new(item))
			continue;
		put_grant(&b, &item->after, run);
		if (is_new(item)) {
			put_prepared(&b, item);
			continue;
		}
		put_registered(&b, &item->after, registered_mods(&item->after));
		version_at[i] = b.n;
		dendir_version_put(&b, &item->after);
	}
	code = told(dendir_batch_end(&b), run->master);
	return code == DEN_OK ? replace_versions(u, run, runner, &b, version_at, is_known) : code;
}

/* Only what nobody has written since this run did. */
static enum den_code move_new(struct dendir_update *u, const struct dendir_run *run)
{
	struct dendir_batch b;
	char dn[DENDIR_DN_SIZE], rdn[32], parent[DENDIR_DN_SIZE], by_us[DENDIR_DN_SIZE + 40];

	dendir_dn(dn, run->master, DENDIR_DN_APPROVAL, run->by);
	if (!dendir_filter(by_us, sizeof(by_us), "(modifiersName=%s)", dn))
		return DEN_INTERNAL;
	dendir_batch_start(&b, run->master);
	dendir_dn(parent, run->master, "ou=people");
	for (size_t i = 0; i < u->window.n; i++) {
		const char *login = u->window.items[i].after.login;

		if (!is_new(&u->window.items[i]))
			continue;
		snprintf(rdn, sizeof(rdn), "uid=%s", login);
		dendir_batch_move(&b, dendir_dn(dn, run->master, DENDIR_DN_PREPARED, login), rdn, parent, by_us);
	}
	return told(dendir_batch_end(&b), run->master);
}

/* Again, where no host can write any more: what was shown is what is put in force. */
static enum den_code write_new(struct dendir_update *u, const struct dendir_run *run, struct runner *runner)
{
	struct dendir_batch b;
	size_t version_at[WINDOW];
	enum den_code code;

	dendir_batch_start(&b, run->master);
	for (size_t i = 0; i < u->window.n; i++) {
		const struct dendir_user *a = &u->window.items[i].after;

		if (!is_new(&u->window.items[i]))
			continue;
		put_registered(&b, a, new_mods(run->master, a));
		version_at[i] = b.n;
		dendir_version_put(&b, a);
	}
	code = dendir_batch_end(&b);
	return code == DEN_OK ? replace_versions(u, run, runner, &b, version_at, is_new) : code;
}

/* A change that has granted is done with: whether it has could not be told later. */
static enum den_code take_granted(struct dendir_update *u, const struct dendir_run *run)
{
	struct dendir_batch b;
	char dn[DENDIR_DN_SIZE];

	dendir_batch_start(&b, run->master);
	for (size_t i = 0; i < u->window.n; i++) {
		const struct item *item = &u->window.items[i];

		if (is_known(item) && item->prepared.grant_days)
			dendir_batch_delete(&b, dendir_dn(dn, run->master, DENDIR_DN_PREPARED, item->after.login));
	}
	return dendir_batch_end(&b);
}

enum den_code apply_window(struct dendir_update *u, const struct dendir_run *run, struct runner *runner)
{
	enum den_code code = write_known(u, run, runner);

	if (code == DEN_OK && u->nnew)
		code = move_new(u, run);
	if (code == DEN_OK && u->nnew)
		code = write_new(u, run, runner);
	return code == DEN_OK ? take_granted(u, run) : code;
}

/* -- what an interrupted run has left ------------------------------------------------------- */

struct strays {
	const struct dendir_update *update;
	struct dendir_batch batch;
};

static int delete_stray(void *context, const char *login, int64_t serial)
{
	struct strays *s = context;
	const struct pending *p = plan_find(s->update, login);

	if (!p || !p->is_in)
		dendir_version_delete(&s->batch, login, serial);
	return s->batch.n == DENDIR_BATCH_MAX;
}

enum den_code apply_nothing_else(struct dendir_update *u, const struct dendir_run *run)
{
	struct strays s = {.update = u};
	char filter[64];
	enum den_code code;

	snprintf(filter, sizeof(filter), "(denshiSerial=%lld)", (long long)u->from + 1);
	do {
		dendir_batch_start(&s.batch, run->master);
		code = dendir_version_each(run->host, filter, delete_stray, &s);
		if (dendir_batch_end(&s.batch) != DEN_OK)
			code = DEN_DIRECTORY_DOWN;
	} while (code == DEN_OK && s.batch.n == DENDIR_BATCH_MAX);
	return code;
}
