#include "directory/catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- businesses ------------------------------------------------------------------ */

int dendir_rules_add_currency(struct den_rules *rules, const char *text)
{
	if (strlen(text) != 3 || strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3 || rules->ncurrencies == DEN_CURRENCIES_MAX)
		return -1;
	memcpy(rules->currencies[rules->ncurrencies++], text, 4);
	return 0;
}

int dendir_rules_add_step(struct den_rules *rules, const char *text)
{
	const char *last = strrchr(text, ' ');
	char amount[DEN_AMOUNT_SIZE];

	if (!last || (size_t)(last - text) >= sizeof(amount) || rules->nsteps == DEN_STEPS_MAX)
		return -1;
	snprintf(amount, sizeof(amount), "%.*s", (int)(last - text), text);
	if (last[1] < '1' || last[1] > '0' + DEN_APPROVERS_MAX || last[2] ||
		den_amount_parse(&rules->steps[rules->nsteps].from, amount) != 0)
		return -1;
	rules->steps[rules->nsteps++].need = (unsigned)(last[1] - '0');
	return 0;
}

int dendir_rules_add_limit(struct den_rules *rules, const char *text)
{
	size_t len = strcspn(text, " ");

	if (!text[len] || rules->nlimits == DEN_LIMITS_MAX ||
		den_login_id_parse(rules->limits[rules->nlimits].login, text, len) != 0 ||
		den_amount_parse(&rules->limits[rules->nlimits].most, text + len + 1) != 0)
		return -1;
	rules->nlimits++;
	return 0;
}

/* Every value, or the rules are unclear: one that is left out might be the one that forbids. */
static void fill_list(struct den_rules *rules, struct dendir_entry *e, const char *attribute,
	int (*put)(struct den_rules *rules, const char *text))
{
	char text[64];
	const void *value;
	size_t len;

	for (size_t i = 0; (value = dendir_entry_value(e, attribute, i, &len)); i++) {
		snprintf(text, sizeof(text), "%.*s", (int)(len < sizeof(text) ? len : sizeof(text)), (const char *)value);
		if (len >= sizeof(text) || put(rules, text) != 0)
			rules->is_unclear = 1;
	}
}

void dendir_business_fill(struct dendir_business *b, struct dendir_entry *e)
{
	struct den_rules *r = &b->rules;
	const char *kind = dendir_entry_string(e, "denshiKind");
	int64_t need = dendir_entry_number(e, "denshiNeed", 1);

	memset(b, 0, sizeof(*b));
	snprintf(r->id, sizeof(r->id), "%s", dendir_entry_string(e, "cn"));
	r->approval_free = strcmp(kind, "free") == 0;
	r->self_approval = strcmp(dendir_entry_string(e, "denshiSelfApproval"), "FALSE") != 0;
	r->is_signed = strcmp(dendir_entry_string(e, "denshiSigned"), "TRUE") == 0;
	r->need = need >= 1 && need <= DEN_APPROVERS_MAX ? (unsigned)need : 1;
	r->is_unclear = (!r->approval_free && strcmp(kind, "required") != 0) || need < 1 || need > DEN_APPROVERS_MAX;
	fill_list(r, e, "denshiCurrency", dendir_rules_add_currency);
	fill_list(r, e, "denshiNeedFrom", dendir_rules_add_step);
	fill_list(r, e, "denshiLimit", dendir_rules_add_limit);
	snprintf(b->label[DEN_LANG_EN], DENDIR_LABEL_SIZE, "%s", dendir_entry_string(e, "description;lang-en"));
	snprintf(b->label[DEN_LANG_JA], DENDIR_LABEL_SIZE, "%s", dendir_entry_string(e, "description;lang-ja"));
}

struct one {
	void *out;
	int found;
};

static int one_business(void *context, struct dendir_entry *e)
{
	struct one *o = context;

	dendir_business_fill(o->out, e);
	o->found = 1;
	return 0;
}

enum den_code dendir_business_read(struct dendir *d, const char *id, struct dendir_business *business)
{
	struct one o = {.out = business};
	char dn[DENDIR_DN_SIZE];
	enum den_code code;

	if (!dendir_name_is_plain(id))
		return DEN_BUSINESS_UNKNOWN;
	code = dendir_search(d, dendir_dn(dn, d, "cn=%s,ou=businesses", id), DENDIR_BASE,
		"(objectClass=denshiBusinessEntry)", NULL, one_business, &o);
	return code == DEN_OK && !o.found ? DEN_BUSINESS_UNKNOWN : code;
}

struct list {
	char *items;
	size_t n, size;
	void (*fill)(void *item, struct dendir_entry *e);
	int failed;
};

static int keep(void *context, struct dendir_entry *e)
{
	struct list *l = context;
	char *items;

	if (!*dendir_entry_string(e, "cn"))
		return 0;
	items = reallocarray(l->items, l->n + 1, l->size);
	if (!items)
		return l->failed = 1;
	l->items = items;
	l->fill(items + l->n++ * l->size, e);
	return 0;
}

/* Both structures begin with their id. */
static int by_id(const void *a, const void *b)
{
	return strcmp(a, b);
}

static enum den_code read_list(struct dendir *d, const char *ou, struct list *l)
{
	char base[DENDIR_DN_SIZE];
	enum den_code code = dendir_search(d, dendir_dn(base, d, "ou=%s", ou), DENDIR_ONE, NULL, NULL, keep, l);

	if (l->n)
		qsort(l->items, l->n, l->size, by_id);
	return l->failed ? DEN_DIRECTORY_REFUSED : code;
}

static void fill_business_item(void *item, struct dendir_entry *e)
{
	dendir_business_fill(item, e);
}

enum den_code dendir_business_each(struct dendir *d, dendir_each_business *each, void *context)
{
	struct list l = {.size = sizeof(struct dendir_business), .fill = fill_business_item};
	enum den_code code = read_list(d, "businesses", &l);
	const struct dendir_business *all = (const struct dendir_business *)(void *)l.items;

	for (size_t i = 0; code == DEN_OK && i < l.n; i++)
		if (each(context, &all[i]) != 0)
			break;
	free(l.items);
	return code;
}

/* -- accounts -------------------------------------------------------------------------- */

static void fill_account_item(void *item, struct dendir_entry *e)
{
	struct dendir_account *a = item;

	memset(a, 0, sizeof(*a));
	snprintf(a->id, sizeof(a->id), "%s", dendir_entry_string(e, "cn"));
	snprintf(a->label, sizeof(a->label), "%s", dendir_entry_string(e, "description"));
}

static int one_account(void *context, struct dendir_entry *e)
{
	struct one *o = context;

	fill_account_item(o->out, e);
	o->found = 1;
	return 0;
}

enum den_code dendir_account_read(struct dendir *d, const char *id, struct dendir_account *account)
{
	struct one o = {.out = account};
	char dn[DENDIR_DN_SIZE];
	enum den_code code;

	if (!dendir_name_is_plain(id))
		return DEN_ACCOUNT_UNKNOWN;
	code = dendir_search(d, dendir_dn(dn, d, "cn=%s,ou=accounts", id), DENDIR_BASE,
		"(objectClass=denshiAccountEntry)", NULL, one_account, &o);
	return code == DEN_OK && !o.found ? DEN_ACCOUNT_UNKNOWN : code;
}

enum den_code dendir_account_each(struct dendir *d, dendir_each_account *each, void *context)
{
	struct list l = {.size = sizeof(struct dendir_account), .fill = fill_account_item};
	enum den_code code = read_list(d, "accounts", &l);
	const struct dendir_account *all = (const struct dendir_account *)(void *)l.items;

	for (size_t i = 0; code == DEN_OK && i < l.n; i++)
		if (each(context, &all[i]) != 0)
			break;
	free(l.items);
	return code;
}

/* -- authorities ---------------------------------------------------------------------------- */

enum den_code dendir_authority_check(struct dendir *d, const char *authority)
{
	struct dendir_business business;
	struct dendir_account account;
	const char *dot = strrchr(authority, '.');
	char id[33];
	enum den_code code;

	if (!dot || (size_t)(dot - authority) >= sizeof(id))
		return DEN_AUTHORITY_UNKNOWN;
	if (strncmp(authority, "acct.", 5) == 0) {
		code = dendir_account_read(d, authority + 5, &account);
		return code == DEN_ACCOUNT_UNKNOWN ? DEN_AUTHORITY_UNKNOWN : code;
	}
	snprintf(id, sizeof(id), "%.*s", (int)(dot - authority), authority);
	code = dendir_business_read(d, id, &business);
	if (code != DEN_OK)
		return code == DEN_BUSINESS_UNKNOWN ? DEN_AUTHORITY_UNKNOWN : code;
	if (business.rules.approval_free)
		return strcmp(dot, ".use") == 0 ? DEN_OK : DEN_AUTHORITY_UNKNOWN;
	return strcmp(dot, ".maker") == 0 || strcmp(dot, ".approver") == 0 ? DEN_OK : DEN_AUTHORITY_UNKNOWN;
}

/* -- all of them ------------------------------------------------------------------------------ */

struct loader {
	struct dendir_authorities *all;
	int failed;
};

static int load(struct loader *l, const char *first, const char *second)
{
	char(*name)[sizeof(*l->all->name)] = reallocarray(l->all->name, l->all->n + 1, sizeof(*name));

	if (!name)
		return l->failed = 1;
	l->all->name = name;
	snprintf(name[l->all->n++], sizeof(*name), "%s.%s", first, second);
	return 0;
}

static int load_business(void *context, const struct dendir_business *b)
{
	if (b->rules.approval_free)
		return load(context, b->rules.id, "use");
	return load(context, b->rules.id, "maker") || load(context, b->rules.id, "approver");
}

static int load_account(void *context, const struct dendir_account *a)
{
	return load(context, "acct", a->id);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

enum den_code dendir_authorities_load(struct dendir *d, struct dendir_authorities *all)
{
	struct loader l = {.all = all};
	enum den_code code;

	memset(all, 0, sizeof(*all));
	code = dendir_business_each(d, load_business, &l);
	if (code == DEN_OK)
		code = dendir_account_each(d, load_account, &l);
	if (all->n)
		qsort(all->name, all->n, sizeof(*all->name), by_name);
	return code == DEN_OK && l.failed ? DEN_INTERNAL : code;
}

void dendir_authorities_done(struct dendir_authorities *all)
{
	free(all->name);
	memset(all, 0, sizeof(*all));
}

int dendir_authorities_have(const struct dendir_authorities *all, const char *authority)
{
	return all->n && strlen(authority) < sizeof(*all->name) &&
		bsearch(authority, all->name, all->n, sizeof(*all->name), by_name) != NULL;
}
