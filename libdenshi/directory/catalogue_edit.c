#include "directory/catalogue_edit.h"

#include <ldap.h>
#include <stdio.h>
#include <string.h>

#include "directory/numbers.h"
#include "directory/request.h"
#include "directory/user.h"
#include "directory/version.h"

static const char *const rule_attributes[] = {"denshiNeed", "denshiCurrency", "denshiNeedFrom", "denshiLimit"};

/* A business has two authorities at most, an account one. */
struct names {
	char name[2][DENDIR_AUTHORITY_SIZE];
	size_t n;
};

static struct names names_of_business(const struct dendir_business *b)
{
	struct names names = {.n = b->rules.approval_free ? 1 : 2};

	snprintf(names.name[0], sizeof(names.name[0]), "%s.%s", b->rules.id, b->rules.approval_free ? "use" : "maker");
	snprintf(names.name[1], sizeof(names.name[1]), "%s.approver", b->rules.id);
	return names;
}

static struct names names_of_account(const struct dendir_account *a)
{
	struct names names = {.n = 1};

	snprintf(names.name[0], sizeof(names.name[0]), "acct.%s", a->id);
	return names;
}

/* -- groups ------------------------------------------------------------------------------ */

struct group {
	int64_t gid;
	char dn[DENDIR_DN_SIZE];
};

static int note_group(void *context, struct dendir_entry *e)
{
	struct group *g = context;

	g->gid = dendir_entry_number(e, "gidNumber", 0);
	snprintf(g->dn, sizeof(g->dn), "%s", dendir_entry_dn(e));
	return 1;
}

static enum den_code find_group(struct dendir *host, const char *name, struct group *g)
{
	static const char *const attributes[] = {"gidNumber", NULL};
	char base[DENDIR_DN_SIZE], filter[160];

	*g = (struct group){.gid = 0};
	if (!dendir_filter(filter, sizeof(filter), "(&(denshiState=group)(displayName=%s))", name))
		return DEN_INTERNAL;
	return dendir_search(host, dendir_dn(base, host, "ou=published"), DENDIR_ONE, filter, attributes, note_group, g);
}

/* Nobody is in it yet: it may be seen at once, under the serial in force. */
static enum den_code publish(struct dendir_edit *e, const char *name)
{
	const struct dendir_range gids = {"denshiNextGid", "", DENDIR_UID_LAST};
	int64_t gid, serial;
	struct group there;
	enum den_code code = find_group(e->host, name, &there);

	if (code != DEN_OK || there.gid)
		return code;
	code = dendir_serial_read(e->host, &serial);
	if (code == DEN_OK)
		code = dendir_take_numbers(e->host, e->master, &gids, 1, &gid, NULL);
	return code == DEN_OK ? dendir_version_add_group(e->master, name, gid, serial) : code;
}

static enum den_code publish_all(struct dendir_edit *e, const struct names *names)
{
	enum den_code code = DEN_OK;

	for (size_t i = 0; i < names->n && code == DEN_OK; i++)
		code = publish(e, names->name[i]);
	return code;
}

static enum den_code withdraw_all(struct dendir_edit *e, const struct names *names)
{
	enum den_code code = DEN_OK;

	for (size_t i = 0; i < names->n && code == DEN_OK; i++) {
		struct group there;

		code = find_group(e->host, names->name[i], &there);
		if (code == DEN_OK && *there.dn)
			code = dendir_delete(e->master, there.dn);
	}
	return code;
}

/* -- entries ------------------------------------------------------------------------------------ */

static void put_if(struct dendir_mods *m, enum dendir_mod op, const char *attribute, const char *value)
{
	if (*value)
		dendir_mods_put(m, op, attribute, value);
}

/* What the rules say beside kind and self-approval. A change replaces all of it. */
static void put_rules(struct dendir_mods *m, enum dendir_mod op, const struct den_rules *r)
{
	char text[64], amount[DEN_AMOUNT_SIZE];

	for (size_t i = 0; op == DENDIR_REPLACE && i < sizeof(rule_attributes) / sizeof(rule_attributes[0]); i++)
		dendir_mods_drop(m, rule_attributes[i]);
	if (r->need > 1)
		dendir_mods_put_number(m, DENDIR_ADD, "denshiNeed", r->need);
	for (size_t i = 0; i < r->ncurrencies; i++)
		dendir_mods_put(m, DENDIR_ADD, "denshiCurrency", r->currencies[i]);
	for (size_t i = 0; i < r->nsteps; i++) {
		snprintf(text, sizeof(text), "%s %u", den_amount_format(amount, &r->steps[i].from), r->steps[i].need);
		dendir_mods_put(m, DENDIR_ADD, "denshiNeedFrom", text);
	}
	for (size_t i = 0; i < r->nlimits; i++) {
		snprintf(text, sizeof(text), "%s %s", r->limits[i].login, den_amount_format(amount, &r->limits[i].most));
		dendir_mods_put(m, DENDIR_ADD, "denshiLimit", text);
	}
}

static void put_business(struct dendir_mods *m, enum dendir_mod op, const struct dendir_business *b)
{
	put_if(m, op, "description;lang-en", b->label[DEN_LANG_EN]);
	put_if(m, op, "description;lang-ja", b->label[DEN_LANG_JA]);
	if (!b->rules.approval_free)
		dendir_mods_put(m, op, "denshiSelfApproval", b->rules.self_approval ? "TRUE" : "FALSE");
	if (b->rules.is_signed || op == DENDIR_REPLACE)
		dendir_mods_put(m, op, "denshiSigned", b->rules.is_signed ? "TRUE" : "FALSE");
	put_rules(m, op, &b->rules);
}

/* Takes m over. */
static enum den_code add_entry(struct dendir_edit *e, const char *ou, const char *id, struct dendir_mods *m)
{
	char dn[DENDIR_DN_SIZE];
	enum den_code code;

	dendir_mods_put(m, DENDIR_ADD, "cn", id);
	code = dendir_add(e->master, dendir_dn(dn, e->master, "cn=%s,ou=%s", id, ou), m);
	dendir_mods_free(m);
	return dendir_result(e->master) == LDAP_ALREADY_EXISTS ? DEN_CATALOGUE_THERE : code;
}

static enum den_code change_entry(struct dendir_edit *e, const char *ou, const char *id, struct dendir_mods *m)
{
	char dn[DENDIR_DN_SIZE];
	enum den_code code = dendir_modify(e->master, dendir_dn(dn, e->master, "cn=%s,ou=%s", id, ou), m);

	dendir_mods_free(m);
	return code;
}

static enum den_code delete_entry(struct dendir_edit *e, const char *ou, const char *id, const struct names *names)
{
	char dn[DENDIR_DN_SIZE];
	enum den_code code = dendir_delete(e->master, dendir_dn(dn, e->master, "cn=%s,ou=%s", id, ou));

	return code == DEN_OK ? withdraw_all(e, names) : code;
}

enum den_code dendir_business_add(struct dendir_edit *e, const struct dendir_business *business)
{
	const struct names names = names_of_business(business);
	struct dendir_business there;
	struct dendir_mods *m;
	enum den_code code = dendir_business_read(e->host, business->rules.id, &there);

	if (code != DEN_BUSINESS_UNKNOWN)
		return code == DEN_OK ? DEN_CATALOGUE_THERE : code;
	code = publish_all(e, &names);
	if (code != DEN_OK)
		return code;
	m = dendir_mods_new();
	dendir_mods_put(m, DENDIR_ADD, "objectClass", "denshiBusinessEntry");
	dendir_mods_put(m, DENDIR_ADD, "denshiKind", business->rules.approval_free ? "free" : "required");
	put_business(m, DENDIR_ADD, business);
	return add_entry(e, "businesses", business->rules.id, m);
}

enum den_code dendir_account_add(struct dendir_edit *e, const struct dendir_account *account)
{
	const struct names names = names_of_account(account);
	struct dendir_account there;
	struct dendir_mods *m;
	enum den_code code = dendir_account_read(e->host, account->id, &there);

	if (code != DEN_ACCOUNT_UNKNOWN)
		return code == DEN_OK ? DEN_CATALOGUE_THERE : code;
	code = publish_all(e, &names);
	if (code != DEN_OK)
		return code;
	m = dendir_mods_new();
	dendir_mods_put(m, DENDIR_ADD, "objectClass", "denshiAccountEntry");
	put_if(m, DENDIR_ADD, "description", account->label);
	return add_entry(e, "accounts", account->id, m);
}

enum den_code dendir_business_change(struct dendir_edit *e, const struct dendir_business *business)
{
	struct dendir_mods *m = dendir_mods_new();

	put_business(m, DENDIR_REPLACE, business);
	return change_entry(e, "businesses", business->rules.id, m);
}

enum den_code dendir_account_change(struct dendir_edit *e, const struct dendir_account *account)
{
	struct dendir_mods *m = dendir_mods_new();

	dendir_mods_put(m, DENDIR_REPLACE, "description", account->label);
	return change_entry(e, "accounts", account->id, m);
}

enum den_code dendir_business_delete(struct dendir_edit *e, const struct dendir_business *business)
{
	const struct names names = names_of_business(business);

	return delete_entry(e, "businesses", business->rules.id, &names);
}

enum den_code dendir_account_delete(struct dendir_edit *e, const struct dendir_account *account)
{
	const struct names names = names_of_account(account);

	return delete_entry(e, "accounts", account->id, &names);
}

/* -- is it used? --------------------------------------------------------------------------------- */

static int note_holder(void *context, const struct dendir_user *user)
{
	struct dendir_edit *e = context;

	snprintf(e->used_by, sizeof(e->used_by), "%s", user->login);
	return 1;
}

static int note_request(void *context, const struct den_request *r)
{
	struct dendir_edit *e = context;

	snprintf(e->used_by, sizeof(e->used_by), "%s", r->id);
	return 1;
}

/* attribute: of a request, that names it. */
static enum den_code is_free(struct dendir_edit *e, const struct names *names, const char *attribute, const char *id)
{
	char filter[DENDIR_REQUEST_FILTER_SIZE], more[160];
	enum den_code code;

	e->used_by[0] = '\0';
	dendir_filter(filter, sizeof(filter), "(&(uid=*)(|(denshiAuthority=%s)(denshiAuthority=%s)))", names->name[0],
		names->name[names->n - 1]);
	code = dendir_user_each(e->host, DENDIR_PEOPLE, filter, note_holder, e);
	if (code == DEN_OK && !*e->used_by)
		code = dendir_user_each(e->host, DENDIR_PREPARED, filter, note_holder, e);
	snprintf(more, sizeof(more), "(%s=%s)(!(denshiDecision=rejected))(!(denshiUsed=*))", attribute, id);
	if (code == DEN_OK && !*e->used_by)
		code = dendir_request_each(e->host, dendir_request_filter(filter, more, e->now), note_request, e);
	return code == DEN_OK && *e->used_by ? DEN_CATALOGUE_USED : code;
}

enum den_code dendir_business_is_free(struct dendir_edit *e, const struct dendir_business *business)
{
	const struct names names = names_of_business(business);

	return is_free(e, &names, "denshiBusiness", business->rules.id);
}

enum den_code dendir_account_is_free(struct dendir_edit *e, const struct dendir_account *account)
{
	const struct names names = names_of_account(account);

	return is_free(e, &names, "denshiAccount", account->id);
}
