#include <stdio.h>
#include <string.h>

#include "tests/access/matrix.h"

/* By the server for everybody: its own attributes, what a constraint forbids, a move from one
 * database to another, and whoever comes with the Relax Rules control. */
static int is_servers_own_refusal(int code, const char *text)
{
	/* (Without a word: what would come of it isn't even an entry that could be looked at.) */
	return code == LDAP_AFFECTS_MULTIPLE_DSAS ||
		(code == LDAP_CONSTRAINT_VIOLATION &&
		       (!*text || strstr(text, "no user modification allowed") ||
			       strstr(text, "breaks constraint"))) ||
		(code == LDAP_UNAVAILABLE_CRITICAL_EXTENSION && strstr(text, "not recognized"));
}

/* What the schema or the tree stops after the access rules have let it through. */
static int is_stopped(int code)
{
	static const int codes[] = {LDAP_CONSTRAINT_VIOLATION, LDAP_NAMING_VIOLATION, LDAP_OBJECT_CLASS_VIOLATION,
		LDAP_NOT_ALLOWED_ON_NONLEAF, LDAP_NOT_ALLOWED_ON_RDN, LDAP_NO_OBJECT_CLASS_MODS};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (code == codes[i])
			return 1;
	return 0;
}

static struct attempt judge(LDAP *ld, int code)
{
	struct attempt a = {.code = code};
	char *text = NULL;

	if (code != LDAP_SUCCESS)
		ldap_get_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
	snprintf(a.text, sizeof(a.text), "%s", text ? text : "");
	ldap_memfree(text);
	if (code == LDAP_SUCCESS)
		a.outcome = GRANTED;
	/* Entries that may not be known of are not there. Nobody bound: strongAuthRequired. */
	else if (code == LDAP_INSUFFICIENT_ACCESS || code == LDAP_NO_SUCH_OBJECT ||
		code == LDAP_STRONG_AUTH_REQUIRED || is_servers_own_refusal(code, a.text))
		a.outcome = REFUSED;
	else
		a.outcome = is_stopped(code) ? STOPPED : UNCLEAR;
	return a;
}

static struct attempt find(LDAP *ld, const char *dn, const char *filter)
{
	char *none[] = {(char *)LDAP_NO_ATTRS, NULL};
	LDAPMessage *m = NULL;
	int code = ldap_search_ext_s(ld, dn, LDAP_SCOPE_BASE, filter, none, 0, NULL, NULL, NULL, 0, &m);
	struct attempt a = judge(ld, code);

	if (code == LDAP_SUCCESS)
		a.outcome = ldap_count_entries(ld, m) == 1 ? GRANTED : REFUSED;
	ldap_msgfree(m);
	return a;
}

struct attempt attempt_see(LDAP *ld, const char *dn)
{
	return find(ld, dn, "(&)");
}

struct attempt attempt_search(LDAP *ld, const char *dn, const char *attribute)
{
	char filter[128];

	snprintf(filter, sizeof(filter), "(%s=*)", attribute);
	return find(ld, dn, filter);
}

struct attempt attempt_compare(LDAP *ld, const char *dn, const char *attribute, const struct berval *value)
{
	struct berval v = *value;
	int code = ldap_compare_ext_s(ld, dn, attribute, &v, NULL, NULL);
	struct attempt a = judge(ld, code);

	if (code == LDAP_COMPARE_TRUE || code == LDAP_COMPARE_FALSE)
		a.outcome = GRANTED;
	return a;
}

struct attempt attempt_modify(LDAP *ld, const char *dn, int op, const char *attribute,
	struct berval *const *values, int relaxed)
{
	LDAPControl relax = {.ldctl_oid = (char *)LDAP_CONTROL_RELAX, .ldctl_iscritical = 1};
	LDAPControl *controls[] = {&relax, NULL};
	LDAPMod mod = {.mod_op = op | LDAP_MOD_BVALUES, .mod_type = (char *)attribute};
	LDAPMod *mods[] = {&mod, NULL};

	mod.mod_bvalues = (struct berval **)values;
	return judge(ld, ldap_modify_ext_s(ld, dn, mods, relaxed ? controls : NULL, NULL));
}

struct attempt attempt_changes(LDAP *ld, const char *dn, LDAPMod **mods)
{
	return judge(ld, ldap_modify_ext_s(ld, dn, mods, NULL, NULL));
}

struct attempt attempt_add(LDAP *ld, const char *dn, LDAPMod **mods)
{
	return judge(ld, ldap_add_ext_s(ld, dn, mods, NULL, NULL));
}

struct attempt attempt_delete(LDAP *ld, const char *dn)
{
	return judge(ld, ldap_delete_ext_s(ld, dn, NULL, NULL));
}

struct attempt attempt_rename(LDAP *ld, const char *dn, const char *rdn, const char *parent)
{
	return judge(ld, ldap_rename_s(ld, dn, rdn, parent, 1, NULL, NULL));
}

static LDAPMod adding(const char *attribute, struct berval **values)
{
	LDAPMod mod = {.mod_op = LDAP_MOD_ADD | LDAP_MOD_BVALUES, .mod_type = (char *)attribute};

	mod.mod_bvalues = values;
	return mod;
}

struct attempt attempt_decision(LDAP *ld, const char *dn, const char *by, struct berval *digest)
{
	struct berval approved, who, when, signature, *values[5][2] = {{&approved}, {&who}, {digest}, {&when}, {&signature}};
	LDAPMod mods[] = {adding("denshiDecision", values[0]), adding("denshiDecidedBy", values[1]),
		adding("denshiDecidedDigest", values[2]), adding("denshiDecidedOn", values[3]),
		adding("denshiDecidedSignature", values[4])};
	LDAPMod *list[] = {&mods[0], &mods[1], &mods[2], &mods[3], &mods[4], NULL};

	ber_str2bv("approved", 0, 0, &approved);
	ber_str2bv(*by ? by : "cn=nobody", 0, 0, &who);
	ber_str2bv("20260101000000Z here", 0, 0, &when);
	ber_str2bv("1767225600 00 AAAA", 0, 0, &signature);
	return judge(ld, ldap_modify_ext_s(ld, dn, list, NULL, NULL));
}

struct attempt attempt_password(LDAP *ld, const char *dn, const char *old, const char *password)
{
	struct berval who, former, new, made = {0};

	ber_str2bv(dn, 0, 0, &who);
	ber_str2bv(old ? old : "", 0, 0, &former);
	ber_str2bv(password, 0, 0, &new);
	return judge(ld, ldap_passwd_s(ld, &who, old ? &former : NULL, &new, &made, NULL, NULL));
}

struct attempt attempt_bind(const char *uri, const char *dn, const char *password)
{
	LDAP *ld = directory_open(uri);
	struct berval secret;
	struct attempt a;

	ber_str2bv(password, 0, 0, &secret);
	a = judge(ld, ldap_sasl_bind_s(ld, dn, LDAP_SASL_SIMPLE, &secret, NULL, NULL, NULL));
	if (a.code == LDAP_INVALID_CREDENTIALS)
		a.outcome = REFUSED;
	ldap_unbind_ext_s(ld, NULL, NULL);
	return a;
}
