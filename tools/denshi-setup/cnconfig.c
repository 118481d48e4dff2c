#include "tools/denshi-setup/cnconfig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/server/program.h"

#define CONFIG "cn=config"
#define SCHEMA "cn=schema,cn=config"
#define FRONTEND "olcDatabase={-1}frontend,cn=config"
#define HASH "{ARGON2}"
#define LIST_MAX 64

static const char *const schemas[] = {"core", "cosine", "nis", "inetorgperson", "denshi", NULL};

/* Behind the {n} that cn=config puts before values that have an order. */
static const char *unnumbered(const char *value)
{
	const char *end = value[0] == '{' ? strchr(value, '}') : NULL;

	return end && strspn(value + 1, "-0123456789") == (size_t)(end - value - 1) ? end + 1 : value;
}

/* -- what is there ------------------------------------------------------------------------------ */

struct values {
	char list[LIST_MAX][ADDITION_MAX];
	size_t n;
	const char *attribute;
};

static int collect(void *context, struct dendir_entry *e)
{
	struct values *v = context;
	const char *text;
	size_t len;

	for (size_t i = 0; (text = dendir_entry_value(e, v->attribute, i, &len)) && v->n < LIST_MAX; i++)
		snprintf(v->list[v->n++], ADDITION_MAX, "%.*s", (int)len, unnumbered(text));
	return 0;
}

/* All values of an attribute, without their numbers; to be freed, NULL: *code. */
static struct values *values_of(struct dendir *d, const char *base, enum dendir_scope scope, const char *filter,
	const char *attribute, enum den_code *code)
{
	const char *const attributes[] = {attribute, NULL};
	struct values *v = calloc(1, sizeof(*v));

	*code = DEN_DIRECTORY_REFUSED;
	if (!v)
		return NULL;
	v->attribute = attribute;
	*code = dendir_search(d, base, scope, filter, attributes, collect, v);
	if (*code == DEN_OK)
		return v;
	free(v);
	return NULL;
}

/* module: a path or a name, with or without .so or .la and arguments. */
static int is_module(const char *value, const char *name)
{
	size_t len = strcspn(name, " "), word = strcspn(value, " ");
	const char *base = memrchr(value, '/', word);

	base = base ? base + 1 : value;
	return strncmp(base, name, len) == 0 && (base[len] == '\0' || base[len] == ' ' || base[len] == '.');
}

static int has_module(const struct values *v, const char *name)
{
	for (size_t i = 0; i < v->n; i++)
		if (is_module(v->list[i], name))
			return 1;
	return 0;
}

static int has_value(const struct values *v, const char *value)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcasecmp(v->list[i], value) == 0)
			return 1;
	return 0;
}

static enum den_code survey_modules(struct dendir *d, const struct cnconfig_wanted *wanted, struct additions *missing)
{
	enum den_code code;
	struct values *v = values_of(d, CONFIG, DENDIR_ONE, "(objectClass=olcModuleList)", "olcModuleLoad", &code);

	if (!v)
		return code;
	for (const char *const *m = wanted->modules; *m; m++)
		if (!has_module(v, *m) && additions_put(missing, ADDITION_MODULE, *m) != 0)
			code = DEN_DIRECTORY_REFUSED;
	/* Either of them hashes to {ARGON2}; both would be one too many. */
	if (!has_module(v, LDAP_ARGON2) && !has_module(v, LDAP_ARGON2ID) &&
		additions_put(missing, ADDITION_MODULE, wanted->hasher) != 0)
		code = DEN_DIRECTORY_REFUSED;
	free(v);
	return code;
}

static enum den_code survey_schemas(struct dendir *d, struct additions *missing)
{
	enum den_code code;
	struct values *v = values_of(d, SCHEMA, DENDIR_ONE, NULL, "cn", &code);

	if (!v)
		return code;
	for (const char *const *s = schemas; *s; s++)
		if (!has_value(v, *s) && additions_put(missing, ADDITION_SCHEMA, *s) != 0)
			code = DEN_DIRECTORY_REFUSED;
	free(v);
	return code;
}

static enum den_code survey_hash(struct dendir *d, struct additions *missing, char value[64])
{
	enum den_code code;
	struct values *v = values_of(d, FRONTEND, DENDIR_BASE, NULL, "olcPasswordHash", &code);

	if (!v)
		return code;
	if (v->n == 0)
		code = additions_put(missing, ADDITION_HASH, HASH) == 0 ? DEN_OK : DEN_DIRECTORY_REFUSED;
	else if (strcasecmp(v->list[0], HASH) != 0) {
		snprintf(value, 64, "%.60s", v->list[0]);
		code = DEN_EXISTING_HASH;
	}
	free(v);
	return code;
}

static enum den_code survey_suffix(struct dendir *d, const char *suffix, struct additions *missing)
{
	enum den_code code;
	struct values *v = values_of(d, CONFIG, DENDIR_ONE, "(olcSuffix=*)", "olcSuffix", &code);

	if (!v)
		return code;
	if (has_value(v, suffix))
		code = DEN_EXISTING_SUFFIX;
	else if (additions_put(missing, ADDITION_DATABASE, suffix) != 0)
		code = DEN_DIRECTORY_REFUSED;
	free(v);
	return code;
}

enum den_code cnconfig_survey(struct dendir *d, const struct cnconfig_wanted *wanted, struct additions *missing,
	char value[64])
{
	enum den_code code = survey_modules(d, wanted, missing);

	value[0] = '\0';
	if (code == DEN_OK)
		code = survey_schemas(d, missing);
	if (code == DEN_OK)
		code = survey_hash(d, missing, value);
	return code == DEN_OK ? survey_suffix(d, wanted->suffix, missing) : code;
}

enum den_code cnconfig_authz(struct dendir *d, struct additions *a)
{
	enum den_code code;
	struct values *v = values_of(d, CONFIG, DENDIR_BASE, NULL, "olcAuthzRegexp", &code);

	for (size_t i = 0; v && i < v->n; i++)
		if (strstr(v->list[i], ",cn=peercred,") && additions_put(a, ADDITION_AUTHZ, v->list[i]) != 0)
			code = DEN_DIRECTORY_REFUSED;
	free(v);
	return code;
}

/* -- adding --------------------------------------------------------------------------------------------- */

#define STEPS_MAX 24

struct step {
	char dn[DENDIR_DN_SIZE];
	struct dendir_mods *mods;
	int is_new; /* an entry, and not a change of one */
};

struct cnconfig_change {
	struct step steps[STEPS_MAX];
	size_t n;
	int failed;
	const struct additions *missing;
	char database[DENDIR_DN_SIZE]; /* of the server that is copied from */
};

static struct dendir_mods *step(struct cnconfig_change *c, int is_new, const char *dn)
{
	struct step *s = &c->steps[c->n];

	if (c->n == STEPS_MAX || !(s->mods = dendir_mods_new())) {
		c->failed = 1;
		return NULL;
	}
	snprintf(s->dn, sizeof(s->dn), "%s", dn);
	s->is_new = is_new;
	c->n++;
	return s->mods;
}

static void add_modules(struct cnconfig_change *c)
{
	struct dendir_mods *m;

	if (!additions_count(c->missing, ADDITION_MODULE))
		return;
	m = step(c, 1, "cn=module," CONFIG);
	dendir_mods_put(m, DENDIR_ADD, "objectClass", "olcModuleList");
	dendir_mods_put(m, DENDIR_ADD, "cn", "module");
	dendir_mods_put(m, DENDIR_ADD, "olcModulePath", LDAP_MODULES);
	for (size_t i = 0; i < c->missing->n; i++)
		if (c->missing->list[i].kind == ADDITION_MODULE)
			dendir_mods_put(m, DENDIR_ADD, "olcModuleLoad", c->missing->list[i].value);
}

static void add_settings(struct cnconfig_change *c)
{
	const char *hash = additions_first(c->missing, ADDITION_HASH);
	struct dendir_mods *m;

	if (hash)
		dendir_mods_put(step(c, 0, FRONTEND), DENDIR_ADD, "olcPasswordHash", hash);
	if (!additions_count(c->missing, ADDITION_AUTHZ))
		return;
	m = step(c, 0, CONFIG);
	for (size_t i = 0; i < c->missing->n; i++)
		if (c->missing->list[i].kind == ADDITION_AUTHZ)
			dendir_mods_put(m, DENDIR_ADD, "olcAuthzRegexp", c->missing->list[i].value);
}

static int copy_schema(void *context, struct dendir_entry *e)
{
	struct cnconfig_change *c = context;
	const char *name = unnumbered(dendir_entry_string(e, "cn"));
	char dn[DENDIR_DN_SIZE];
	struct dendir_mods *m;

	for (size_t i = 0; i < c->missing->n; i++) {
		if (c->missing->list[i].kind != ADDITION_SCHEMA || strcmp(c->missing->list[i].value, name) != 0)
			continue;
		snprintf(dn, sizeof(dn), "cn=%.60s," SCHEMA, name);
		m = step(c, 1, dn);
		dendir_entry_copy(e, m, "cn");
		dendir_mods_put(m, DENDIR_ADD, "cn", name);
	}
	return 0;
}

static int copy_database(void *context, struct dendir_entry *e)
{
	struct cnconfig_change *c = context;
	struct dendir_mods *m = step(c, 1, "olcDatabase=mdb," CONFIG);

	snprintf(c->database, sizeof(c->database), "%s", dendir_entry_dn(e));
	dendir_entry_copy(e, m, "olcDatabase");
	dendir_mods_put(m, DENDIR_ADD, "olcDatabase", "mdb");
	return 0;
}

/* Its DN is that of the database in the other server, known when it is there: see apply. */
static int copy_overlay(void *context, struct dendir_entry *e)
{
	struct cnconfig_change *c = context;
	const char *name = dendir_entry_string(e, "olcOverlay");
	char dn[DENDIR_DN_SIZE];

	snprintf(dn, sizeof(dn), "olcOverlay=%.60s", unnumbered(name));
	dendir_entry_copy(e, step(c, 1, dn), "olcOverlay");
	dendir_mods_put(c->steps[c->n - 1].mods, DENDIR_ADD, "olcOverlay", unnumbered(name));
	return 0;
}

struct cnconfig_change *cnconfig_prepare(struct dendir *from, const struct additions *missing)
{
	struct cnconfig_change *c = calloc(1, sizeof(*c));
	char filter[DENDIR_DN_SIZE];
	const char *suffix = additions_first(missing, ADDITION_DATABASE);

	if (!c || !suffix)
		return c;
	c->missing = missing;
	add_modules(c);
	if (dendir_search(from, SCHEMA, DENDIR_ONE, NULL, NULL, copy_schema, c) != DEN_OK)
		c->failed = 1;
	add_settings(c);
	dendir_filter(filter, sizeof(filter), "(olcSuffix=%s)", suffix);
	if (dendir_search(from, CONFIG, DENDIR_ONE, filter, NULL, copy_database, c) != DEN_OK || !*c->database ||
		dendir_search(from, c->database, DENDIR_ONE, "(objectClass=olcOverlayConfig)", NULL, copy_overlay,
			c) != DEN_OK)
		c->failed = 1;
	if (!c->failed)
		return c;
	cnconfig_change_free(c);
	return NULL;
}

void cnconfig_change_free(struct cnconfig_change *c)
{
	for (size_t i = 0; c && i < c->n; i++)
		dendir_mods_free(c->steps[i].mods);
	free(c);
}

static int note_dn(void *context, struct dendir_entry *e)
{
	snprintf(context, DENDIR_DN_SIZE, "%s", dendir_entry_dn(e));
	return 0;
}

/* The DN of the database with that suffix; "" where there is none. */
static enum den_code find_database(struct dendir *d, const char *suffix, char dn[DENDIR_DN_SIZE])
{
	static const char *const none[] = {"1.1", NULL};
	char filter[DENDIR_DN_SIZE];

	dn[0] = '\0';
	dendir_filter(filter, sizeof(filter), "(olcSuffix=%s)", suffix);
	return dendir_search(d, CONFIG, DENDIR_ONE, filter, none, note_dn, dn);
}

static enum den_code apply_step(struct dendir *d, const struct cnconfig_change *c, const struct step *s)
{
	char dn[2 * DENDIR_DN_SIZE], database[DENDIR_DN_SIZE];
	enum den_code code;

	if (!s->is_new)
		return dendir_modify(d, s->dn, s->mods);
	if (strncmp(s->dn, "olcOverlay=", 11) != 0)
		return dendir_add(d, s->dn, s->mods);
	code = find_database(d, additions_first(c->missing, ADDITION_DATABASE), database);
	if (code != DEN_OK)
		return code;
	snprintf(dn, sizeof(dn), "%s,%s", s->dn, database);
	return dendir_add(d, dn, s->mods);
}

enum den_code cnconfig_apply(struct dendir *d, const struct cnconfig_change *c)
{
	enum den_code code = DEN_OK;

	for (size_t i = 0; i < c->n && code == DEN_OK; i++)
		code = apply_step(d, c, &c->steps[i]);
	return code;
}

/* -- taking away --------------------------------------------------------------------------------------------- */

struct names {
	char list[LIST_MAX][DENDIR_DN_SIZE];
	size_t n;
	const struct additions *a;
	enum addition_kind kind;
};

static int note_name(void *context, struct dendir_entry *e)
{
	struct names *names = context;

	if (names->n < LIST_MAX)
		snprintf(names->list[names->n++], DENDIR_DN_SIZE, "%s", dendir_entry_dn(e));
	return 0;
}

static enum den_code detach_database(struct dendir *d, const char *suffix)
{
	static const char *const none[] = {"1.1", NULL};
	struct names *names = calloc(1, sizeof(*names));
	char dn[DENDIR_DN_SIZE];
	enum den_code code = names ? find_database(d, suffix, dn) : DEN_DIRECTORY_REFUSED;

	if (code == DEN_OK && *dn)
		code = dendir_search(d, dn, DENDIR_ONE, NULL, none, note_name, names);
	while (code == DEN_OK && names->n > 0)
		code = dendir_delete(d, names->list[--names->n]);
	if (code == DEN_OK && *dn)
		code = dendir_delete(d, dn);
	free(names);
	return code;
}

struct stored {
	const char *attribute, *wanted;
	char found[ADDITION_MAX];
};

static int note_stored(void *context, struct dendir_entry *e)
{
	struct stored *s = context;
	const char *text;
	size_t len;

	for (size_t i = 0; (text = dendir_entry_value(e, s->attribute, i, &len)); i++)
		if (len < sizeof(s->found) && strcmp(unnumbered(text), s->wanted) == 0)
			memcpy(s->found, text, len + 1);
	return 0;
}

/* A value of an attribute, whatever its number is now; absent: nothing to do. */
static enum den_code detach_value(struct dendir *d, const char *dn, const char *attribute, const char *value)
{
	const char *const attributes[] = {attribute, NULL};
	struct stored s = {.attribute = attribute, .wanted = value};
	enum den_code code = dendir_search(d, dn, DENDIR_BASE, NULL, attributes, note_stored, &s);
	struct dendir_mods *m;

	if (code != DEN_OK || !*s.found)
		return code;
	m = dendir_mods_new();
	dendir_mods_put(m, DENDIR_DELETE, attribute, s.found);
	code = dendir_modify(d, dn, m);
	dendir_mods_free(m);
	return code;
}

static int has_addition(const struct additions *a, enum addition_kind kind, const char *value)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->list[i].kind == kind && strcmp(a->list[i].value, value) == 0)
			return 1;
	return 0;
}

/* A schema, or a list of modules, that is wholly ours. */
static int note_ours(void *context, struct dendir_entry *e)
{
	struct names *names = context;
	const char *attribute = names->kind == ADDITION_SCHEMA ? "cn" : "olcModuleLoad", *text;
	size_t len, n = 0;

	for (; (text = dendir_entry_value(e, attribute, n, &len)); n++)
		if (!has_addition(names->a, names->kind, unnumbered(text)))
			return 0;
	return n > 0 ? note_name(context, e) : 0;
}

static enum den_code note_entries(struct dendir *d, struct additions *a, enum addition_kind kind, const char *base,
	const char *filter)
{
	struct names *names = calloc(1, sizeof(*names));
	enum den_code code = DEN_DIRECTORY_REFUSED;

	if (!names)
		return code;
	names->a = a;
	names->kind = kind;
	code = dendir_search(d, base, DENDIR_ONE, filter, NULL, note_ours, names);
	/* The newest first. */
	while (code == DEN_OK && names->n > 0)
		if (additions_put(a, ADDITION_ENTRY, names->list[--names->n]) != 0)
			code = DEN_DIRECTORY_REFUSED;
	free(names);
	return code;
}

enum den_code cnconfig_detach(struct dendir *d, struct additions *a)
{
	enum den_code code = DEN_OK;

	for (size_t i = 0; i < a->n && code == DEN_OK; i++) {
		const struct addition *one = &a->list[i];

		if (one->kind == ADDITION_DATABASE)
			code = detach_database(d, one->value);
		else if (one->kind == ADDITION_AUTHZ)
			code = detach_value(d, CONFIG, "olcAuthzRegexp", one->value);
		else if (one->kind == ADDITION_HASH)
			code = detach_value(d, FRONTEND, "olcPasswordHash", one->value);
	}
	additions_drop(a, ADDITION_ENTRY);
	if (code == DEN_OK)
		code = note_entries(d, a, ADDITION_SCHEMA, SCHEMA, NULL);
	if (code == DEN_OK)
		code = note_entries(d, a, ADDITION_MODULE, CONFIG, "(objectClass=olcModuleList)");
	return code;
}
