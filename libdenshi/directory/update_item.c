/* One user of an update: what changes, as rows, and their digest. */
#include <stdio.h>
#include <string.h>

#include "crypto/digest.h"
#include "directory/update-internal.h"

void item_done(struct item *item)
{
	dendir_user_done(&item->before);
	dendir_user_done(&item->after);
	dendir_user_done(&item->prepared);
	memset(item, 0, sizeof(*item));
}

struct teller {
	dendir_each_row *each;
	void *context;
	const char *action, *login;
	size_t told;
	int stopped;
};

static void tell(struct teller *t, const char *attribute, const char *before, const char *after)
{
	struct dendir_row row;

	/* Zeroed: its bytes are its contents, and have a digest. */
	memset(&row, 0, sizeof(row));
	snprintf(row.action, sizeof(row.action), "%s", t->action);
	snprintf(row.login, sizeof(row.login), "%s", t->login);
	snprintf(row.attribute, sizeof(row.attribute), "%s", attribute);
	snprintf(row.before, sizeof(row.before), "%s", before);
	snprintf(row.after, sizeof(row.after), "%s", after);
	t->told++;
	if (!t->stopped)
		t->stopped = t->each(t->context, &row) != 0;
}

static void tell_if_differs(struct teller *t, const char *attribute, const char *before, const char *after)
{
	if (strcmp(before, after) != 0)
		tell(t, attribute, before, after);
}

static void tell_authorities(struct teller *t, const struct dendir_user *before, const struct dendir_user *after)
{
	for (size_t i = 0; i < before->nauthorities; i++)
		if (!dendir_user_has(after, before->authorities[i]))
			tell(t, "authority", before->authorities[i], "");
	for (size_t i = 0; i < after->nauthorities; i++)
		if (!dendir_user_has(before, after->authorities[i]))
			tell(t, "authority", "", after->authorities[i]);
}

static void tell_changes(struct teller *t, const struct dendir_user *before, const struct dendir_user *after)
{
	tell_if_differs(t, "name", before->name, after->name);
	tell_if_differs(t, "mail", before->mail, after->mail);
	tell_if_differs(t, "role", before->role, after->role);
	tell_if_differs(t, "language", before->lang, after->lang);
	tell_if_differs(t, "state", before->state, after->state);
	tell_authorities(t, before, after);
}

static void tell_new(struct teller *t, const struct dendir_user *user)
{
	t->action = "add";
	tell(t, "name", "", user->name);
	tell(t, "mail", "", user->mail);
	tell(t, "role", "", user->role);
	tell_if_differs(t, "language", "", user->lang);
	/* Only a master's approval identity can have prepared them (ldap-schema/directory.ldif.in). */
	for (size_t i = 0; i < user->nauthorities; i++)
		tell(t, "authority", "", user->authorities[i]);
}

static void tell_grant(struct teller *t, const struct dendir_user *user)
{
	char days[16];

	if (!user->grant_days)
		return;
	snprintf(days, sizeof(days), "%lld d", (long long)user->grant_days);
	t->action = "grant";
	tell(t, "certificate", "", days);
}

static void tell_item(struct teller *t, const struct item *item)
{
	const struct dendir_user *before = &item->before, *after = &item->after;

	switch (item->kind) {
	case ITEM_NEW:
		tell_new(t, after);
		break;
	case ITEM_CHANGE:
	case ITEM_DIRECT:
		t->action = "change";
		if (strcmp(after->state, "removed") != 0) {
			tell_changes(t, before, after);
		} else {
			t->action = "remove";
			tell(t, "name", before->name, "");
		}
		break;
	case ITEM_FINISH:
		t->action = "finish";
		tell_changes(t, before, after);
		/* It has to be in force under its serial, even where nothing differs. */
		if (!t->told)
			tell(t, "name", before->name, after->name);
		break;
	case ITEM_NONE:
	case ITEM_SPENT:
		return;
	}
	tell_grant(t, after);
}

size_t item_rows(const struct item *item, dendir_each_row *each, void *context)
{
	struct teller t = {.each = each, .context = context, .login = item->after.login};

	tell_item(&t, item);
	return t.told;
}

static int add_row(void *context, const struct dendir_row *row)
{
	return dencrypt_digest_add(context, row, sizeof(*row)) != DENCRYPT_OK;
}

int item_sum(const struct item *item, unsigned char sum[SUM_SIZE])
{
	struct dencrypt_digest *digest = NULL;
	unsigned char whole[DENCRYPT_DIGEST_SIZE];
	struct teller t = {.each = add_row, .login = item->after.login};
	int rc = -1;

	if (dencrypt_digest_new(&digest) == DENCRYPT_OK) {
		t.context = digest;
		tell_item(&t, item);
		/* What is prepared holds the initial password too, which no row tells. */
		if (item->kind == ITEM_NEW)
			t.stopped |= dencrypt_digest_add(digest, item->prepared.csn, sizeof(item->prepared.csn)) != DENCRYPT_OK;
		if (!t.stopped && dencrypt_digest_end(digest, whole) == DENCRYPT_OK)
			rc = 0;
	}
	dencrypt_digest_free(digest);
	if (rc == 0)
		memcpy(sum, whole, SUM_SIZE);
	return rc;
}

static int is_active_master(const struct dendir_user *user)
{
	return dendir_user_is_master(user) && strcmp(user->state, "active") == 0;
}

int item_loses_master(const struct item *item)
{
	/* Where a run is finished, it is lost already. */
	return item->kind != ITEM_FINISH && is_active_master(&item->before) && !is_active_master(&item->after);
}
