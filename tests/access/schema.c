#include <ldap_schema.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/access/matrix.h"

#define JPEG(n) "\xff\xd8\xff\xe0 JFIF " n "\xff\xd9"
#define SYNTAX(n) "1.3.6.1.4.1.1466.115.121.1." n

static LDAPAttributeType **types;
static LDAPObjectClass **classes;
static struct attribute *attributes; /* of types, in their order */
static size_t ntypes, nclasses;

/* -- reading ------------------------------------------------------------------------------------ */

static void *longer(void *list, size_t count, size_t size)
{
	void *l = reallocarray(list, count + 1, size);

	if (!l)
		give_up("no memory");
	return l;
}

static void read_values(LDAP *ld, LDAPMessage *e)
{
	struct berval **v = ldap_get_values_len(ld, e, "attributeTypes");
	const char *at;
	int code;

	for (size_t i = 0; v && v[i]; i++) {
		types = longer(types, ntypes, sizeof(LDAPAttributeType *));
		types[ntypes++] = ldap_str2attributetype(v[i]->bv_val, &code, &at, LDAP_SCHEMA_ALLOW_ALL);
	}
	ldap_value_free_len(v);
	v = ldap_get_values_len(ld, e, "objectClasses");
	for (size_t i = 0; v && v[i]; i++) {
		classes = longer(classes, nclasses, sizeof(LDAPObjectClass *));
		classes[nclasses++] = ldap_str2objectclass(v[i]->bv_val, &code, &at, LDAP_SCHEMA_ALLOW_ALL);
	}
	ldap_value_free_len(v);
}

static int is_called(char *const *names, const char *oid, const char *name)
{
	for (; names && *names; names++)
		if (strcasecmp(*names, name) == 0)
			return 1;
	return strcmp(oid, name) == 0;
}

static size_t type_index(const char *name)
{
	for (size_t i = 0; i < ntypes; i++)
		if (types[i] && is_called(types[i]->at_names, types[i]->at_oid, name))
			return i;
	return ntypes;
}

/* Inherited along SUP. */
static void inherit(struct attribute *a, size_t i)
{
	for (int depth = 0; i < ntypes && depth < 8; depth++) {
		if (!a->syntax)
			a->syntax = types[i]->at_syntax_oid;
		a->comparable |= types[i]->at_equality_oid != NULL;
		if (!types[i]->at_sup_oid)
			return;
		i = type_index(types[i]->at_sup_oid);
	}
}

void schema_load(LDAP *ld)
{
	char *wanted[] = {(char *)"attributeTypes", (char *)"objectClasses", NULL};
	LDAPMessage *m = NULL, *e;
	int code = ldap_search_ext_s(ld, "cn=Subschema", LDAP_SCOPE_BASE, "(objectClass=subschema)", wanted, 0,
		NULL, NULL, NULL, 0, &m);

	if (code != LDAP_SUCCESS || !(e = ldap_first_entry(ld, m)))
		give_up("the schema can't be read: %s", ldap_err2string(code));
	read_values(ld, e);
	ldap_msgfree(m);
	attributes = calloc(ntypes, sizeof(*attributes));
	if (!attributes)
		give_up("no memory");
	for (size_t i = 0; i < ntypes; i++) {
		struct attribute *a = &attributes[i];

		if (!types[i] || !types[i]->at_names)
			continue;
		a->name = types[i]->at_names[0];
		/* One password a credential: a constraint of the server, as good as the schema's. */
		a->single = types[i]->at_single_value || strcmp(a->name, "userPassword") == 0;
		a->no_user_mod = types[i]->at_no_user_mod;
		a->operational = types[i]->at_usage != 0;
		inherit(a, i);
		a->integer = a->syntax && strcmp(a->syntax, SYNTAX("27")) == 0;
	}
}

const struct attribute *schema_attribute(const char *name)
{
	size_t i = type_index(name);

	return i < ntypes ? &attributes[i] : NULL;
}

/* -- classes --------------------------------------------------------------------------------------- */

static size_t put(const struct attribute **list, size_t count, size_t room, char *const *names)
{
	for (; names && *names; names++) {
		const struct attribute *a = schema_attribute(*names);
		size_t i = 0;

		while (i < count && list[i] != a)
			i++;
		if (a && a->name && i == count && count < room)
			list[count++] = a;
	}
	return count;
}

static size_t put_class(const struct attribute **list, size_t count, size_t room, const char *name, int must)
{
	for (size_t i = 0; i < nclasses; i++) {
		const LDAPObjectClass *c = classes[i];

		if (!c || !is_called(c->oc_names, c->oc_oid, name))
			continue;
		count = put(list, count, room, must ? c->oc_at_oids_must : c->oc_at_oids_may);
		for (char *const *sup = c->oc_sup_oids; sup && *sup; sup++)
			count = put_class(list, count, room, *sup, must);
	}
	return count;
}

size_t schema_attributes_of(char *const *names, int must, const struct attribute **list, size_t room)
{
	size_t count = 0;

	for (; *names; names++)
		count = put_class(list, count, room, *names, must);
	return count;
}

/* -- values ------------------------------------------------------------------------------------------ */

/* Of each syntax VALUES values that differ; the last row is for every other one. */
static const struct {
	const char *syntax, *values[VALUES];
} samples[] = {
	{SYNTAX("7"), {"TRUE", "FALSE", "TRUE", "FALSE"}},
	{SYNTAX("27"), {"4201", "4202", "4203", "4204"}},
	{SYNTAX("12"), {"cn=one,o=acme", "cn=two,o=acme", "cn=three,o=acme", "cn=four,o=acme"}},
	{SYNTAX("24"), {"20300101000000Z", "20300102000000Z", "20300103000000Z", "20300104000000Z"}},
	{SYNTAX("6"), {"'0101'B", "'0110'B", "'0111'B", "'1000'B"}},
	{SYNTAX("22"), {"111111", "222222", "333333", "444444"}},
	{SYNTAX("36"), {"111111", "222222", "333333", "444444"}},
	{SYNTAX("50"), {"111111", "222222", "333333", "444444"}},
	{SYNTAX("51"), {"one$D$en", "two$D$en", "three$D$en", "four$D$en"}},
	{SYNTAX("52"), {"1$jp$a", "2$jp$a", "3$jp$a", "4$jp$a"}},
	{SYNTAX("14"), {"telephone", "mhs", "telex", "videotex"}},
	{SYNTAX("28"), {JPEG("1"), JPEG("2"), JPEG("3"), JPEG("4")}},
	{SYNTAX("38"), {"2.5.4.3", "2.5.4.4", "2.5.4.5", "2.5.4.6"}},
	{"1.3.6.1.1.16.1", {"11111111-1111-4111-8111-111111111111", "21111111-1111-4111-8111-111111111111",
				   "31111111-1111-4111-8111-111111111111", "41111111-1111-4111-8111-111111111111"}},
	{"1.3.6.1.4.1.4203.666.11.2.1", {"20300101000000.000001Z#000000#000#000000", "20300101000000.000002Z#000000#000#000000",
				   "20300101000000.000003Z#000000#000#000000", "20300101000000.000004Z#000000#000#000000"}},
	{NULL, {"one", "two", "three", "four"}},
};

struct berval schema_sample(const struct attribute *a, unsigned n)
{
	size_t i = 0;
	struct berval v;

	while (samples[i].syntax && (!a->syntax || strcmp(samples[i].syntax, a->syntax) != 0))
		i++;
	ber_str2bv(samples[i].values[n], 0, 0, &v);
	return v;
}
