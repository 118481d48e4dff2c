/* Lists of changes, as libldap takes them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory/connection-internal.h"

/* One attribute's change. `ldap` comes first: the list has pointers to it. */
struct mod {
	LDAPMod ldap;
	size_t n, room; /* of ldap.mod_bvalues, without and with the closing NULL */
};

struct dendir_mods *dendir_mods_new(void)
{
	return calloc(1, sizeof(struct dendir_mods));
}

static void free_mod(LDAPMod *mod)
{
	for (size_t i = 0; mod->mod_bvalues && mod->mod_bvalues[i]; i++) {
		explicit_bzero(mod->mod_bvalues[i]->bv_val, mod->mod_bvalues[i]->bv_len);
		ber_bvfree(mod->mod_bvalues[i]);
	}
	free(mod->mod_bvalues);
	free(mod->mod_type);
	free(mod);
}

void dendir_mods_free(struct dendir_mods *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++)
		free_mod(m->list[i]);
	free(m->list);
	free(m);
}

static struct mod *new_mod(int op, const char *attribute)
{
	struct mod *mod = calloc(1, sizeof(*mod));

	if (!mod)
		return NULL;
	mod->ldap.mod_op = op;
	mod->ldap.mod_type = strdup(attribute);
	if (!mod->ldap.mod_type) {
		free(mod);
		return NULL;
	}
	return mod;
}

/* The mod for op and attribute: the one there is, or a new one at the end. */
static struct mod *mod_for(struct dendir_mods *m, int op, const char *attribute)
{
	LDAPMod **list;
	struct mod *mod;

	for (size_t i = 0; i < m->n; i++)
		if (m->list[i]->mod_op == op && strcmp(m->list[i]->mod_type, attribute) == 0)
			return (struct mod *)m->list[i];
	list = reallocarray(m->list, m->n + 2, sizeof(*list));
	if (!list)
		return NULL;
	m->list = list;
	mod = new_mod(op, attribute);
	if (!mod)
		return NULL;
	list[m->n++] = &mod->ldap;
	list[m->n] = NULL;
	return mod;
}

static int append_value(struct mod *mod, const void *bytes, size_t len)
{
	struct berval wanted = {.bv_val = (char *)bytes, .bv_len = len}, **values = mod->ldap.mod_bvalues;

	if (mod->n + 2 > mod->room) {
		size_t room = mod->room ? 2 * mod->room : 4;

		values = reallocarray(values, room, sizeof(*values));
		if (!values)
			return -1;
		mod->ldap.mod_bvalues = values;
		mod->room = room;
	}
	values[mod->n] = ber_bvdup(&wanted);
	if (!values[mod->n])
		return -1;
	values[++mod->n] = NULL;
	return 0;
}

void dendir_mods_put_bytes(struct dendir_mods *m, enum dendir_mod op, const char *attribute,
	const void *bytes, size_t len)
{
	static const int ops[] = {LDAP_MOD_ADD, LDAP_MOD_DELETE, LDAP_MOD_REPLACE};
	struct mod *mod;

	if (!m)
		return;
	mod = mod_for(m, ops[op] | LDAP_MOD_BVALUES, attribute);
	if (!mod || append_value(mod, bytes, len) != 0)
		m->bad = 1;
}

void dendir_mods_put(struct dendir_mods *m, enum dendir_mod op, const char *attribute, const char *value)
{
	dendir_mods_put_bytes(m, op, attribute, value, strlen(value));
}

void dendir_mods_put_number(struct dendir_mods *m, enum dendir_mod op, const char *attribute, int64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)n);
	dendir_mods_put(m, op, attribute, text);
}

void dendir_mods_drop(struct dendir_mods *m, const char *attribute)
{
	if (m && !mod_for(m, LDAP_MOD_REPLACE | LDAP_MOD_BVALUES, attribute))
		m->bad = 1;
}

LDAPMod **dendir_mods_list(struct dendir *d, const struct dendir_mods *m)
{
	static LDAPMod *none[] = {NULL};

	if (m && !m->bad)
		return m->list ? m->list : none;
	d->result = LDAP_NO_MEMORY;
	snprintf(d->diagnostic, sizeof(d->diagnostic), "%s", ldap_err2string(LDAP_NO_MEMORY));
	return NULL;
}
