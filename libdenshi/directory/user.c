#include "directory/user.h"

#include <ldap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/protocol.h"

static const char *const user_attributes[] = {"objectClass", "uid", "cn", "mail", "denshiRole",
	"preferredLanguage", "denshiState", "homeDirectory", "loginShell", "uidNumber", "gidNumber",
	"denshiSerial", "denshiGrantDays", "denshiRemoved", "denshiPreparedBy", "denshiAuthority", "entryCSN", NULL};

void dendir_user_done(struct dendir_user *u)
{
	free(u->authorities);
	memset(u, 0, sizeof(*u));
}

int dendir_user_copy(struct dendir_user *to, const struct dendir_user *from)
{
	*to = *from;
	to->authorities = NULL;
	to->nauthorities = 0;
	for (size_t i = 0; i < from->nauthorities; i++)
		if (dendir_user_give(to, from->authorities[i]) != 0) {
			dendir_user_done(to);
			return -1;
		}
	return 0;
}

int dendir_user_has(const struct dendir_user *u, const char *authority)
{
	for (size_t i = 0; i < u->nauthorities; i++)
		if (strcmp(u->authorities[i], authority) == 0)
			return 1;
	return 0;
}

int dendir_user_give(struct dendir_user *u, const char *authority)
{
	char(*more)[DENDIR_AUTHORITY_SIZE];

	if (dendir_user_has(u, authority))
		return 0;
	if (u->nauthorities == DENDIR_AUTHORITIES_MAX || strlen(authority) >= DENDIR_AUTHORITY_SIZE)
		return -1;
	more = reallocarray(u->authorities, u->nauthorities + 1, sizeof(*more));
	if (!more)
		return -1;
	u->authorities = more;
	snprintf(more[u->nauthorities++], sizeof(*more), "%s", authority);
	return 0;
}

void dendir_user_take(struct dendir_user *u, const char *authority)
{
	for (size_t i = 0; i < u->nauthorities; i++)
		if (strcmp(u->authorities[i], authority) == 0) {
			u->nauthorities--;
			memmove(u->authorities[i], u->authorities[u->nauthorities], sizeof(*u->authorities));
			return;
		}
}

int dendir_user_is_approver(const struct dendir_user *u)
{
	for (size_t i = 0; i < u->nauthorities; i++) {
		const char *dot = strrchr(u->authorities[i], '.');

		if (dot && strcmp(dot, ".approver") == 0)
			return 1;
	}
	return 0;
}

int dendir_user_is_master(const struct dendir_user *u)
{
	return strcmp(u->role, "master") == 0;
}

#define COPY(field, attribute) \
	snprintf(u->field, sizeof(u->field), "%s", dendir_entry_string(e, attribute))

/* 0, or -1 without memory. */
static int fill(struct dendir_user *u, struct dendir_entry *e)
{
	const char *value;
	size_t len;

	memset(u, 0, sizeof(*u));
	COPY(login, "uid");
	COPY(name, "cn");
	COPY(mail, "mail");
	COPY(role, "denshiRole");
	COPY(lang, "preferredLanguage");
	COPY(state, "denshiState");
	COPY(home, "homeDirectory");
	COPY(shell, "loginShell");
	COPY(csn, "entryCSN");
	u->uid = dendir_entry_number(e, "uidNumber", 0);
	u->gid = dendir_entry_number(e, "gidNumber", 0);
	u->serial = dendir_entry_number(e, "denshiSerial", 0);
	u->grant_days = dendir_entry_number(e, "denshiGrantDays", 0);
	if (strcmp(dendir_entry_string(e, "denshiRemoved"), "TRUE") == 0)
		snprintf(u->state, sizeof(u->state), "removed");
	dendir_login_of_dn(u->prepared_by, dendir_entry_string(e, "denshiPreparedBy"));
	for (size_t i = 0; (value = dendir_entry_value(e, "objectClass", i, &len)); i++)
		u->is_change |= strcmp(value, "denshiChange") == 0;
	for (size_t i = 0; (value = dendir_entry_value(e, "denshiAuthority", i, &len)); i++)
		if (strlen(value) != len || dendir_user_give(u, value) != 0) {
			dendir_user_done(u);
			return -1;
		}
	return 0;
}

struct reader {
	dendir_each_user *each;
	void *context;
	int failed;
};

static int read_entry(void *context, struct dendir_entry *e)
{
	struct reader *r = context;
	struct dendir_user u;
	int stop;

	char login[DEN_LOGIN_ID_SIZE];

	/* The base of the subtree is no user, nor is an entry that gives itself another's name. */
	dendir_login_of_dn(login, dendir_entry_dn(e));
	if (!*login || strcmp(login, dendir_entry_string(e, "uid")) != 0)
		return 0;
	if (fill(&u, e) != 0)
		return r->failed = 1;
	stop = r->each(r->context, &u);
	dendir_user_done(&u);
	return stop;
}

enum den_code dendir_user_each(struct dendir *d, enum dendir_place place, const char *filter,
	dendir_each_user *each, void *context)
{
	struct reader r = {.each = each, .context = context};
	char base[DENDIR_DN_SIZE];
	enum den_code code;

	dendir_dn(base, d, "%s", place == DENDIR_PEOPLE ? "ou=people" : "ou=prepared");
	code = dendir_search(d, base, DENDIR_ONE, filter ? filter : "(uid=*)", user_attributes, read_entry, &r);
	return r.failed ? DEN_DIRECTORY_REFUSED : code;
}

/* slapd checks the right to search at each term of a filter, for each entry: of so many at
 * a time, it is neither that nor the round trips that counts. */
#define READ_TOGETHER 8

enum den_code dendir_users_read(struct dendir *d, enum dendir_place place, const char (*logins)[DEN_LOGIN_ID_SIZE],
	size_t n, dendir_each_user *each, void *context)
{
	char filter[DENDIR_LOGINS_FILTER_SIZE];
	enum den_code code = DEN_OK;

	for (size_t i = 0; code == DEN_OK && i < n; i += READ_TOGETHER) {
		dendir_logins_filter(filter, logins + i, n - i < READ_TOGETHER ? n - i : READ_TOGETHER);
		code = dendir_user_each(d, place, filter, each, context);
	}
	return code;
}

struct one {
	struct dendir_user *user;
	int found, failed;
};

static int read_one(void *context, struct dendir_entry *e)
{
	struct one *o = context;

	o->found = 1;
	o->failed = fill(o->user, e) != 0;
	return 0;
}

enum den_code dendir_user_read(struct dendir *d, enum dendir_place place, const char *login,
	struct dendir_user *user)
{
	struct one o = {.user = user};
	char dn[DENDIR_DN_SIZE];
	enum den_code code;

	memset(user, 0, sizeof(*user));
	if (place == DENDIR_PEOPLE)
		dendir_dn(dn, d, DENDIR_DN_PEOPLE, login);
	else
		dendir_dn(dn, d, DENDIR_DN_PREPARED, login);
	code = dendir_search(d, dn, DENDIR_BASE, NULL, user_attributes, read_one, &o);
	if (code == DEN_OK && o.failed)
		return DEN_DIRECTORY_REFUSED;
	return code == DEN_OK && !o.found ? DEN_UNKNOWN_USER : code;
}

/* -- preparing ---------------------------------------------------------------------- */

static int count_one(void *context, struct dendir_entry *e)
{
	unsigned *count = context;

	(void)e;
	++*count;
	return 0;
}

/* A login ID is never given twice, also not after its user is removed (the last version
 * stays): certificates, approvals and files would be inherited. */
enum den_code dendir_login_is_free(struct dendir *d, const char *login)
{
	static const char *const none[] = {"1.1", NULL};
	static const char *const places[] = {"ou=people", "ou=prepared", "ou=published"};
	char base[DENDIR_DN_SIZE], filter[64];
	unsigned count = 0;
	enum den_code code = DEN_OK;

	if (!dendir_filter(filter, sizeof(filter), "(uid=%s)", login))
		return DEN_DIRECTORY_REFUSED;
	for (size_t i = 0; code == DEN_OK && i < sizeof(places) / sizeof(places[0]); i++)
		code = dendir_search(d, dendir_dn(base, d, "%s", places[i]), DENDIR_ONE, filter, none, count_one,
			&count);
	return code == DEN_OK && count ? DEN_FIELD_LOGIN_ID_TAKEN : code;
}

static void put_if(struct dendir_mods *m, enum dendir_mod op, const char *attribute, const char *value)
{
	if (value && *value)
		dendir_mods_put(m, op, attribute, value);
}

struct dendir_mods *dendir_user_mods(const struct dendir *d, const struct dendir_user *user)
{
	struct dendir_mods *m = dendir_mods_new();
	char by[DENDIR_DN_SIZE];

	dendir_mods_put(m, DENDIR_ADD, "objectClass", "inetOrgPerson");
	dendir_mods_put(m, DENDIR_ADD, "objectClass", "denshiUser");
	dendir_mods_put(m, DENDIR_ADD, "uid", user->login);
	dendir_mods_put(m, DENDIR_ADD, "cn", user->name);
	dendir_mods_put(m, DENDIR_ADD, "sn", user->name);
	put_if(m, DENDIR_ADD, "mail", user->mail);
	put_if(m, DENDIR_ADD, "preferredLanguage", user->lang);
	dendir_mods_put(m, DENDIR_ADD, "denshiRole", user->role);
	dendir_mods_put(m, DENDIR_ADD, "denshiPreparedBy", dendir_dn(by, d, DENDIR_DN_PEOPLE, user->prepared_by));
	return m;
}

enum den_code dendir_user_prepare(struct dendir *host, const struct dendir_user *user,
	const struct den_secret *initial)
{
	char dn[DENDIR_DN_SIZE];
	struct dendir_mods *m;
	enum den_code code = dendir_login_is_free(host, user->login);

	if (code != DEN_OK)
		return code;
	m = dendir_user_mods(host, user);
	/* slapd hashes it before it is stored (ppolicy_hash_cleartext). With the entry, so that there
	 * is no user without one, and nobody but a master can change it. */
	dendir_mods_put_bytes(m, DENDIR_ADD, "userPassword", den_secret_bytes(initial), den_secret_len(initial));
	code = dendir_add(host, dendir_dn(dn, host, DENDIR_DN_PREPARED, user->login), m);
	dendir_mods_free(m);
	if (code == DEN_DIRECTORY_REFUSED && dendir_result(host) == LDAP_ALREADY_EXISTS)
		return DEN_FIELD_LOGIN_ID_TAKEN;
	return code;
}

static struct dendir_mods *change_of(const struct dendir_user_change *c, int is_change, enum dendir_mod op)
{
	struct dendir_mods *m = dendir_mods_new();

	put_if(m, op, "cn", c->name);
	if (!is_change)
		put_if(m, op, "sn", c->name);
	put_if(m, op, "mail", c->mail);
	put_if(m, op, "denshiRole", c->role);
	put_if(m, op, "preferredLanguage", c->lang);
	if (c->grant_days)
		dendir_mods_put_number(m, op, "denshiGrantDays", c->grant_days);
	if (c->remove)
		dendir_mods_put(m, op, "denshiRemoved", "TRUE");
	return m;
}

static enum den_code add_change(struct dendir *host, const char *dn, const char *login,
	const struct dendir_user_change *c)
{
	struct dendir_mods *m = change_of(c, 1, DENDIR_ADD);
	char by[DENDIR_DN_SIZE];
	enum den_code code;

	dendir_mods_put(m, DENDIR_ADD, "objectClass", "denshiChange");
	dendir_mods_put(m, DENDIR_ADD, "uid", login);
	dendir_mods_put(m, DENDIR_ADD, "denshiPreparedBy", dendir_dn(by, host, DENDIR_DN_PEOPLE, c->by));
	code = dendir_add(host, dn, m);
	dendir_mods_free(m);
	return code;
}

enum den_code dendir_user_prepare_change(struct dendir *host, const char *login,
	const struct dendir_user_change *change)
{
	struct dendir_user prepared, registered;
	char dn[DENDIR_DN_SIZE];
	struct dendir_mods *m;
	enum den_code code = dendir_user_read(host, DENDIR_PREPARED, login, &prepared);

	dendir_dn(dn, host, DENDIR_DN_PREPARED, login);
	if (code == DEN_OK && change->remove && !prepared.is_change) {
		code = dendir_delete(host, dn);
	} else if (code == DEN_OK && prepared.nauthorities) {
		/* A master's approval was for these, of this user: the directory lets no host alter it. */
		code = DEN_AUTHORITIES_PREPARED;
	} else if (code == DEN_OK) {
		m = change_of(change, prepared.is_change, DENDIR_REPLACE);
		code = dendir_modify(host, dn, m);
		dendir_mods_free(m);
	} else if (code == DEN_UNKNOWN_USER) {
		code = dendir_user_read(host, DENDIR_PEOPLE, login, &registered);
		dendir_user_done(&registered);
		if (code == DEN_OK)
			code = add_change(host, dn, login, change);
	}
	dendir_user_done(&prepared);
	return code;
}

static int count_some(void *context, struct dendir_entry *e)
{
	unsigned *count = context;

	(void)e;
	return ++*count > DEN_COUNTED_MAX;
}

enum den_code dendir_prepared_count(struct dendir *d, unsigned *count)
{
	static const char *const none[] = {"1.1", NULL};
	char base[DENDIR_DN_SIZE];

	*count = 0;
	return dendir_search(d, dendir_dn(base, d, "ou=prepared"), DENDIR_ONE, "(uid=*)", none, count_some, count);
}

/* What isn't understood is the default: nothing lasts longer by a slip. */
static void read_approval_days(struct dendir_policy *p, const char *text)
{
	char *end;
	unsigned long days = strtoul(text, &end, 10);
	int is_number = *text >= '1' && *text <= '9' && !*end && days <= DENDIR_APPROVAL_DAYS_MAX;

	p->approval_expires = strcasecmp(text, "off") != 0;
	p->approval_days = is_number ? (unsigned)days : DENDIR_APPROVAL_DAYS;
}

static int read_policy(void *context, struct dendir_entry *e)
{
	struct dendir_policy *p = context;

	read_approval_days(p, dendir_entry_string(e, "denshiApprovalDays"));
	snprintf(p->preset, sizeof(p->preset), "%s", dendir_entry_string(e, "denshiPreset"));
	snprintf(p->lang, sizeof(p->lang), "%s", dendir_entry_string(e, "preferredLanguage"));
	return 0;
}

enum den_code dendir_policy_read(struct dendir *d, struct dendir_policy *policy)
{
	static const char *const attributes[] = {"denshiPreset", "preferredLanguage", "denshiApprovalDays", NULL};
	char dn[DENDIR_DN_SIZE];

	memset(policy, 0, sizeof(*policy));
	read_approval_days(policy, "");
	return dendir_search(d, dendir_dn(dn, d, "cn=policy"), DENDIR_BASE, NULL, attributes, read_policy, policy);
}
