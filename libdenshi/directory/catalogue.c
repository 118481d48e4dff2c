#include "directory/catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- businesses ------------------------------------------------------------------ */

static void fill_business(struct dendir_business *b, struct dendir_entry *e)
{
	memset(b, 0, sizeof(*b));
	snprintf(b->id, sizeof(b->id), "%s", dendir_entry_string(e, "cn"));
	b->approval_free = strcmp(dendir_entry_string(e, "denshiKind"), "free") == 0;
	b->self_approval = strcmp(dendir_entry_string(e, "denshiSelfApproval"), "FALSE") != 0;
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

	fill_business(o->out, e);
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
	fill_business(item, e);
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
	if (business.approval_free)
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
	if (b->approval_free)
		return load(context, b->id, "use");
	return load(context, b->id, "maker") || load(context, b->id, "approver");
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
