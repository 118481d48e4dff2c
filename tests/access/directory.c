#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/access/matrix.h"

#define SOCKET_GROUP "denshi-directory"

/* -- connections ---------------------------------------------------------------------------------------- */

LDAP *directory_open(const char *uri)
{
	const int version = LDAP_VERSION3;
	struct timeval patience = {.tv_sec = 20};
	LDAP *ld;
	int code = ldap_initialize(&ld, uri);

	if (code != LDAP_SUCCESS)
		give_up("%s: %s", uri, ldap_err2string(code));
	ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	ldap_set_option(ld, LDAP_OPT_TIMEOUT, &patience);
	ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &patience);
	ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
	return ld;
}

/* EXTERNAL asks nothing. */
static int no_answers(LDAP *ld, unsigned flags, void *defaults, void *in)
{
	(void)ld, (void)flags, (void)defaults, (void)in;
	return LDAP_SUCCESS;
}

/* The server sees the user id that the socket was connected with: root takes another one
 * for as long as that takes. */
static int bind_as_peer(LDAP *ld, const char *user)
{
	const struct passwd *pw = getpwnam(user);
	const struct group *directory = getgrnam(SOCKET_GROUP);
	gid_t group = directory ? directory->gr_gid : 0;
	uid_t uid = pw ? pw->pw_uid : (uid_t)strtoul(user, NULL, 10);
	gid_t gid = pw ? pw->pw_gid : (gid_t)uid;
	int code;

	if ((!pw && uid == 0) || setgroups(1, &group) != 0 || setegid(gid) != 0 || seteuid(uid) != 0)
		give_up("can't become %s: %s", user, strerror(errno));
	code = ldap_sasl_interactive_bind_s(ld, NULL, "EXTERNAL", NULL, NULL, LDAP_SASL_QUIET, no_answers, NULL);
	if (seteuid(0) != 0 || setegid(0) != 0)
		give_up("can't become root again");
	return code;
}

static void ask_who(struct identity *who)
{
	struct berval *name = NULL;
	int code = ldap_whoami_s(who->ld, &name, NULL, NULL);

	/* An identity that must change its password first may ask nothing. */
	if (code == LDAP_SUCCESS && name && name->bv_len > 3)
		snprintf(who->dn, sizeof(who->dn), "%.*s", (int)name->bv_len - 3, name->bv_val + 3);
	else if (strcmp(who->how, "password") == 0)
		snprintf(who->dn, sizeof(who->dn), "%s", who->argument);
	ber_bvfree(name);
}

void directory_connect(struct identity *who, const char *uri)
{
	struct berval password;
	int code = LDAP_SUCCESS;

	who->ld = directory_open(uri);
	ber_str2bv(PASSWORD, 0, 0, &password);
	if (strcmp(who->how, "peer") == 0)
		code = bind_as_peer(who->ld, who->argument);
	else if (strcmp(who->how, "password") == 0)
		code = ldap_sasl_bind_s(who->ld, who->argument, LDAP_SASL_SIMPLE, &password, NULL, NULL, NULL);
	else if (strcmp(who->how, "none") != 0)
		give_up("%s: how is %s?", who->name, who->how);
	if (code != LDAP_SUCCESS)
		give_up("%s can't bind: %s", who->name, ldap_err2string(code));
	if (strcmp(who->how, "none") != 0)
		ask_who(who);
}

void directory_reconnect(struct table *t, const char *dn, const char *uri)
{
	for (size_t i = 0; i < t->nidentities; i++) {
		struct identity *who = &t->identities[i];

		if (strcmp(who->how, "password") != 0 || strcasecmp(who->argument, dn) != 0)
			continue;
		ldap_unbind_ext_s(who->ld, NULL, NULL);
		directory_connect(who, uri);
	}
}

/* -- entries ------------------------------------------------------------------------------------------------ */

/* What the server changes by itself. */
static int is_volatile(const char *name)
{
	return list_has("modifyTimestamp,modifiersName,entryCSN,contextCSN,hasSubordinates,subschemaSubentry,entryDN,"
			"numSubordinates,pwdFailureTime,pwdChangedTime,pwdReset,pwdLastSuccess,pwdHistory,entryUUID,createTimestamp,"
			"creatorsName",
		name);
}

static void keep_attributes(LDAP *ld, LDAPMessage *m, struct entry *e)
{
	BerElement *position = NULL;

	for (char *name = ldap_first_attribute(ld, m, &position); name && e->count < NAMES;
		name = ldap_next_attribute(ld, m, position)) {
		e->attributes[e->count].name = name;
		e->attributes[e->count++].values = ldap_get_values_len(ld, m, name);
	}
	ber_free(position, 0);
}

struct attempt attempt_read(LDAP *ld, const char *dn, struct entry *e)
{
	char *all[] = {(char *)"*", (char *)"+", NULL};
	struct attempt a = {0};
	LDAPMessage *m = NULL, *first;

	memset(e, 0, sizeof(*e));
	a.code = ldap_search_ext_s(ld, dn, LDAP_SCOPE_BASE, "(&)", all, 0, NULL, NULL, NULL, 0, &m);
	first = m ? ldap_first_entry(ld, m) : NULL;
	if (first)
		keep_attributes(ld, first, e);
	a.outcome = first ? GRANTED : REFUSED;
	ldap_msgfree(m);
	return a;
}

void entry_read(LDAP *root, const char *dn, struct entry *e)
{
	if (attempt_read(root, dn, e).outcome != GRANTED)
		give_up("%s isn't there", dn);
}

void entry_done(struct entry *e)
{
	for (size_t i = 0; i < e->count; i++) {
		ldap_memfree(e->attributes[i].name);
		ldap_value_free_len(e->attributes[i].values);
	}
	memset(e, 0, sizeof(*e));
}

struct berval **entry_values(const struct entry *e, const char *attribute)
{
	size_t len = strlen(attribute);

	for (size_t i = 0; i < e->count; i++) {
		const char *name = e->attributes[i].name;

		/* with its options: ;binary, ;lang-ja */
		if (strncasecmp(name, attribute, len) == 0 && (name[len] == '\0' || name[len] == ';'))
			return e->attributes[i].values;
	}
	return NULL;
}

static int has_value(struct berval **values, const struct berval *v)
{
	for (; *values; values++)
		if ((*values)->bv_len == v->bv_len && memcmp((*values)->bv_val, v->bv_val, v->bv_len) == 0)
			return 1;
	return 0;
}

const char *entry_description(const struct entry *e, const char *attribute)
{
	size_t len = strlen(attribute);

	for (size_t i = 0; i < e->count; i++)
		if (strncasecmp(e->attributes[i].name, attribute, len) == 0 && e->attributes[i].name[len] == ';')
			return e->attributes[i].name;
	return attribute;
}

int entry_equal(const struct entry *a, const struct entry *b, const char **differs)
{
	for (size_t i = 0; i < a->count; i++) {
		struct berval **values = entry_values(b, a->attributes[i].name), **v = a->attributes[i].values;

		*differs = a->attributes[i].name;
		if (is_volatile(*differs))
			continue;
		if (!values || ldap_count_values_len(values) != ldap_count_values_len(v))
			return 0;
		for (; *v; v++)
			if (!has_value(values, *v))
				return 0;
	}
	return 1;
}

/* -- the administrator's hand ------------------------------------------------------------------------------------ */

static void must(LDAP *root, int code, const char *what, const char *dn)
{
	char *text = NULL;

	if (code == LDAP_SUCCESS)
		return;
	ldap_get_option(root, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
	give_up("the administrator: %s %s: %s (%s)", what, dn, ldap_err2string(code), text ? text : "");
}

static int set(LDAP *root, const char *dn, const char *attribute, struct berval **values)
{
	struct berval *none[] = {NULL};
	LDAPMod mod = {.mod_op = LDAP_MOD_REPLACE | LDAP_MOD_BVALUES, .mod_type = (char *)attribute};
	LDAPMod *mods[] = {&mod, NULL};

	mod.mod_bvalues = values ? values : none;
	return ldap_modify_ext_s(root, dn, mods, NULL, NULL);
}

void root_set(LDAP *root, const char *dn, const char *attribute, struct berval **values)
{
	must(root, set(root, dn, attribute, values), attribute, dn);
}

int root_could_set(LDAP *root, const char *dn, const char *attribute, struct berval **values)
{
	int code = set(root, dn, attribute, values);

	/* undefinedType: it wants ;binary, and so a real certificate. */
	if (code != LDAP_INVALID_SYNTAX && code != LDAP_UNDEFINED_TYPE && code != LDAP_CONSTRAINT_VIOLATION)
		must(root, code, attribute, dn);
	return code == LDAP_SUCCESS;
}

void root_add(LDAP *root, const char *dn, const struct entry *e)
{
	LDAPMod mods[NAMES], *list[NAMES + 1];
	size_t n = 0;

	memset(mods, 0, sizeof(mods));
	for (size_t i = 0; i < e->count; i++) {
		const char *name = e->attributes[i].name;
		char type[128];

		snprintf(type, sizeof(type), "%.*s", (int)strcspn(name, ";"), name);
		if (schema_attribute(type)->no_user_mod)
			continue;
		mods[n].mod_op = LDAP_MOD_ADD | LDAP_MOD_BVALUES;
		mods[n].mod_type = (char *)name;
		mods[n].mod_bvalues = e->attributes[i].values;
		list[n] = &mods[n];
		n++;
	}
	list[n] = NULL;
	must(root, ldap_add_ext_s(root, dn, list, NULL, NULL), "add", dn);
}

void root_rename(LDAP *root, const char *dn, const char *rdn, const char *parent)
{
	must(root, ldap_rename_s(root, dn, rdn, parent, 1, NULL, NULL), "rename", dn);
}

void root_delete(LDAP *root, const char *dn)
{
	must(root, ldap_delete_ext_s(root, dn, NULL, NULL), "delete", dn);
}
