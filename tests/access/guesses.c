/*
 * R-LOCK-2 counts guesses that are made by a bind. Here is whether there is another way to make one:
 * an operation with the password in it that is answered otherwise than the same one with a
 * wrong password. It needs no right to do anything: slapd's own overlays compare old and new
 * passwords (slapo-ppolicy: pwdInHistory, a value that is deleted) before access rules are asked.
 *
 * Whoever is bound as the credential itself has proven that they know it.
 */
#include <stdio.h>
#include <string.h>

#include "tests/access/matrix.h"

#define WRONG "wrong-Password3"
#define FINE "another-Password2"
#define POOR "x" /* refused for what it is, whatever is said of the old one: a guess that changes nothing */

struct guess {
	const char *what;
	struct attempt (*attempt)(LDAP *ld, const char *dn, const char *password);
};

static struct attempt change(LDAP *ld, const char *dn, int first, const char *old, int second, const char *new)
{
	struct berval values[2], *lists[2][2] = {{&values[0]}, {&values[1]}};
	LDAPMod mods[2], *list[] = {&mods[0], new ? &mods[1] : NULL, NULL};

	ber_str2bv(old, 0, 0, &values[0]);
	ber_str2bv(new ? new : "", 0, 0, &values[1]);
	for (size_t i = 0; i < 2; i++) {
		mods[i].mod_op = (i ? second : first) | LDAP_MOD_BVALUES;
		mods[i].mod_type = (char *)"userPassword";
		mods[i].mod_bvalues = lists[i];
	}
	return attempt_changes(ld, dn, list);
}

static struct attempt delete_it(LDAP *ld, const char *dn, const char *password)
{
	return change(ld, dn, LDAP_MOD_DELETE, password, 0, NULL);
}

static struct attempt delete_and_add(LDAP *ld, const char *dn, const char *password)
{
	return change(ld, dn, LDAP_MOD_DELETE, password, LDAP_MOD_ADD, FINE);
}

static struct attempt delete_and_add_poor(LDAP *ld, const char *dn, const char *password)
{
	return change(ld, dn, LDAP_MOD_DELETE, password, LDAP_MOD_ADD, POOR);
}

static struct attempt delete_and_replace(LDAP *ld, const char *dn, const char *password)
{
	return change(ld, dn, LDAP_MOD_DELETE, password, LDAP_MOD_REPLACE, FINE);
}

static struct attempt replace_and_delete(LDAP *ld, const char *dn, const char *password)
{
	return change(ld, dn, LDAP_MOD_REPLACE, FINE, LDAP_MOD_DELETE, password);
}

static struct attempt add_it(LDAP *ld, const char *dn, const char *password)
{
	return change(ld, dn, LDAP_MOD_ADD, password, 0, NULL);
}

static struct attempt replace_it(LDAP *ld, const char *dn, const char *password)
{
	return change(ld, dn, LDAP_MOD_REPLACE, password, 0, NULL);
}

static struct attempt operation_from(LDAP *ld, const char *dn, const char *password)
{
	return attempt_password(ld, dn, password, FINE);
}

static struct attempt operation_from_to_poor(LDAP *ld, const char *dn, const char *password)
{
	return attempt_password(ld, dn, password, POOR);
}

static struct attempt operation_to(LDAP *ld, const char *dn, const char *password)
{
	return attempt_password(ld, dn, NULL, password);
}

static const struct guess guesses[] = {
	{"guess: delete", delete_it},
	{"guess: delete, add", delete_and_add},
	{"guess: delete, add a poor one", delete_and_add_poor},
	{"guess: delete, replace", delete_and_replace},
	{"guess: replace, delete", replace_and_delete},
	{"guess: add", add_it},
	{"guess: replace", replace_it},
	{"guess: RFC 3062 from", operation_from},
	{"guess: RFC 3062 from, to a poor one", operation_from_to_poor},
	{"guess: RFC 3062 to", operation_to},
};

struct there {
	struct matrix *m;
	const struct target *on;
	struct entry before;
};

static struct attempt try_one(const struct there *t, const struct guess *g, LDAP *ld, const char *password)
{
	struct attempt a = g->attempt(ld, t->on->dn, password);

	if (a.code == LDAP_SUCCESS) {
		root_set(t->m->root, t->on->dn, "userPassword", entry_values(&t->before, "userPassword"));
		bind_again(t->m, t->on, &t->before, &t->before);
	}
	return a;
}

static void try_guess(const struct there *t, const struct guess *g, size_t i)
{
	struct identity *who = &t->m->table.identities[i];
	const struct attempt none = {.outcome = REFUSED};
	struct attempt wrong = try_one(t, g, who->ld, WRONG);
	struct attempt right = try_one(t, g, who->ld, t->m->password);

	/* Told apart: as if it had been allowed. */
	right.outcome = right.code != wrong.code || strcmp(right.text, wrong.text) ? GRANTED : REFUSED;
	cell(t->m, i, g->what, NULL, &right, &none);
}

/* The password itself, or its hash: the administrator, the other of two servers. */
static int knows(const struct there *t, const struct identity *who)
{
	struct table *table = &t->m->table;

	return who == table->identities || strcmp(who->dn, t->on->dn) == 0 ||
		table_attribute(table, t->on, who, "userPassword", 'r');
}

void cells_guesses(struct matrix *m, const struct target *on)
{
	struct there t = {.m = m, .on = on};

	entry_read(m->root, on->dn, &t.before);
	for (size_t k = 0; entry_values(&t.before, "userPassword") && k < sizeof(guesses) / sizeof(guesses[0]); k++)
		for (size_t i = 0; i < m->table.nidentities; i++)
			if (!knows(&t, &m->table.identities[i]))
				try_guess(&t, &guesses[k], i);
	entry_done(&t.before);
}
