/* What a user update makes of one user: rows, their digest, and who stops being a master. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "directory/connection-internal.h"
#include "directory/update-internal.h"

static void fill(struct dendir_user *u, const char *name, const char *role, const char *state)
{
	memset(u, 0, sizeof(*u));
	snprintf(u->login, sizeof(u->login), "d-taro01");
	snprintf(u->name, sizeof(u->name), "%s", name);
	snprintf(u->mail, sizeof(u->mail), "taro@acme.example");
	snprintf(u->role, sizeof(u->role), "%s", role);
	snprintf(u->state, sizeof(u->state), "%s", state);
}

static struct item item_of(enum item_kind kind, const char *before, const char *after)
{
	struct item item = {.kind = kind};

	if (before)
		fill(&item.before, before, "general", "active");
	fill(&item.after, after, "general", "active");
	return item;
}

struct told {
	char text[1024];
	size_t stop_at, n;
};

static int tell(void *context, const struct dendir_row *row)
{
	struct told *t = context;
	size_t used = strlen(t->text);

	snprintf(t->text + used, sizeof(t->text) - used, "%s %s %s>%s;", row->action, row->attribute, row->before,
		row->after);
	return ++t->n == t->stop_at;
}

static void assert_rows(struct item *item, const char *wanted)
{
	struct told t = {.text = ""};
	size_t n = item_rows(item, tell, &t);

	assert_string_equal(t.text, wanted);
	assert_int_equal(n, t.n);
	item_done(item);
}

static void rows_of_each_kind(void **state)
{
	struct item item;

	(void)state;
	item = item_of(ITEM_NEW, NULL, "Taro");
	assert_int_equal(dendir_user_give(&item.after, "transfer.maker"), 0);
	assert_rows(&item, "add name >Taro;add mail >taro@acme.example;add role >general;add authority >transfer.maker;");
	item = item_of(ITEM_CHANGE, "Taro", "Jiro");
	item.after.grant_days = 30;
	assert_rows(&item, "change name Taro>Jiro;grant certificate >30 d;");
	item = item_of(ITEM_CHANGE, "Taro", "Taro");
	snprintf(item.after.state, sizeof(item.after.state), "removed");
	assert_rows(&item, "remove name Taro>;");
	item = item_of(ITEM_DIRECT, "Taro", "Taro");
	assert_int_equal(dendir_user_give(&item.before, "acct.1"), 0);
	assert_int_equal(dendir_user_give(&item.after, "acct.2"), 0);
	assert_rows(&item, "change authority acct.1>;change authority >acct.2;");
}

static void a_change_without_effect_has_no_row(void **state)
{
	struct item item = item_of(ITEM_CHANGE, "Taro", "Taro");

	(void)state;
	assert_rows(&item, "");
	item = item_of(ITEM_NONE, "Taro", "Jiro");
	assert_rows(&item, "");
	item = item_of(ITEM_SPENT, "Taro", "Jiro");
	assert_rows(&item, "");
}

/* It has to be in force under its serial: it is never left out. */
static void what_is_unfinished_has_a_row(void **state)
{
	struct item item = item_of(ITEM_FINISH, "Taro", "Taro");

	(void)state;
	assert_rows(&item, "finish name Taro>Taro;");
	item = item_of(ITEM_FINISH, "Taro", "Taro");
	snprintf(item.after.role, sizeof(item.after.role), "master");
	assert_rows(&item, "finish role general>master;");
	item = item_of(ITEM_FINISH, NULL, "Taro");
	assert_rows(&item, "finish name >Taro;finish mail >taro@acme.example;finish role >general;finish state >active;");
}

static void telling_can_be_ended(void **state)
{
	struct item item = item_of(ITEM_NEW, NULL, "Taro");
	struct told t = {.stop_at = 1};

	(void)state;
	assert_int_equal(item_rows(&item, tell, &t), 3);
	assert_int_equal(t.n, 1);
	item_done(&item);
}

static void the_digest_is_of_the_rows(void **state)
{
	struct item one = item_of(ITEM_CHANGE, "Taro", "Jiro"), same = item_of(ITEM_CHANGE, "Taro", "Jiro"),
		    other = item_of(ITEM_CHANGE, "Taro", "Saburo"), role = item_of(ITEM_CHANGE, "Taro", "Jiro");
	unsigned char a[SUM_SIZE], b[SUM_SIZE];

	(void)state;
	assert_int_equal(item_sum(&one, a), 0);
	/* Not of what lies behind the strings. */
	memset(same.after.mail + strlen(same.after.mail) + 1, 'x', 8);
	assert_int_equal(item_sum(&same, b), 0);
	assert_memory_equal(a, b, SUM_SIZE);
	assert_int_equal(item_sum(&other, b), 0);
	assert_memory_not_equal(a, b, SUM_SIZE);
	snprintf(role.after.role, sizeof(role.after.role), "master");
	assert_int_equal(item_sum(&role, b), 0);
	assert_memory_not_equal(a, b, SUM_SIZE);
}

static void who_stops_being_a_master(void **state)
{
	static const struct {
		enum item_kind kind;
		const char *role, *was, *becomes, *is;
		int loses;
	} cases[] = {
		{ITEM_CHANGE, "master", "active", "general", "active", 1},
		{ITEM_DIRECT, "master", "active", "master", "suspended", 1},
		{ITEM_CHANGE, "master", "active", "master", "removed", 1},
		{ITEM_CHANGE, "master", "active", "master", "active", 0},
		{ITEM_CHANGE, "master", "suspended", "general", "suspended", 0},
		{ITEM_CHANGE, "general", "active", "general", "removed", 0},
		{ITEM_FINISH, "master", "active", "general", "active", 0}, /* it is one no more already */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct item item = {.kind = cases[i].kind};

		fill(&item.before, "Taro", cases[i].role, cases[i].was);
		fill(&item.after, "Taro", cases[i].becomes, cases[i].is);
		assert_int_equal(item_loses_master(&item) != 0, cases[i].loses);
	}
}

static void a_filter_of_many_logins(void **state)
{
	char logins[DENDIR_USERS_MAX + 1][DEN_LOGIN_ID_SIZE], buf[DENDIR_LOGINS_FILTER_SIZE];
	const char(*list)[DEN_LOGIN_ID_SIZE] = (const char(*)[DEN_LOGIN_ID_SIZE])logins;

	(void)state;
	for (size_t i = 0; i <= DENDIR_USERS_MAX; i++)
		snprintf(logins[i], sizeof(logins[i]), "d-%012zu", i);
	assert_string_equal(dendir_logins_filter(buf, list, 1), "(|(uid=d-000000000000))");
	assert_non_null(dendir_logins_filter(buf, list, DENDIR_USERS_MAX));
	assert_int_equal(strlen(buf), DENDIR_USERS_MAX * strlen("(uid=d-000000000000)") + strlen("(|)"));
	assert_null(dendir_logins_filter(buf, list, DENDIR_USERS_MAX + 1));
}

/* One mod an attribute, however many values: a list of 10,000 is built in no time. */
static void many_values_of_an_attribute(void **state)
{
	struct dendir_mods *m = dendir_mods_new();
	size_t n = 0;

	(void)state;
	dendir_mods_drop(m, "denshiAuthority");
	for (int i = 0; i < 10000; i++)
		dendir_mods_put_number(m, DENDIR_REPLACE, "denshiAuthority", i);
	dendir_mods_put(m, DENDIR_ADD, "denshiAuthority", "x");
	assert_int_equal(m->n, 2);
	while (m->list[0]->mod_bvalues[n])
		n++;
	assert_int_equal(n, 10000);
	assert_string_equal(m->list[0]->mod_bvalues[9999]->bv_val, "9999");
	assert_null(m->list[2]);
	dendir_mods_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_each_kind),
		cmocka_unit_test(a_change_without_effect_has_no_row),
		cmocka_unit_test(what_is_unfinished_has_a_row),
		cmocka_unit_test(telling_can_be_ended),
		cmocka_unit_test(the_digest_is_of_the_rows),
		cmocka_unit_test(who_stops_being_a_master),
		cmocka_unit_test(a_filter_of_many_logins),
		cmocka_unit_test(many_values_of_an_attribute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
