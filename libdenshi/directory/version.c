#include "directory/version.h"

#include <ldap.h>
#include <stdio.h>
#include <string.h>

const char *const dendir_version_attributes[] = {"cn", "uid", "denshiSerial", "denshiState", "displayName",
	"uidNumber", "gidNumber", "homeDirectory", "loginShell", "mail", "preferredLanguage", "denshiRole",
	"denshiAuthority", NULL};

#define COPY(field, attribute) \
	snprintf(u->field, sizeof(u->field), "%s", dendir_entry_string(e, attribute))

int dendir_version_read(struct dendir_version *version, struct dendir_entry *e)
{
	struct dendir_user *u = &version->user;
	const char *authority;
	size_t len;

	memset(version, 0, sizeof(*version));
	COPY(login, "uid");
	COPY(name, "displayName");
	COPY(mail, "mail");
	COPY(role, "denshiRole");
	COPY(lang, "preferredLanguage");
	COPY(state, "denshiState");
	COPY(home, "homeDirectory");
	COPY(shell, "loginShell");
	u->uid = dendir_entry_number(e, "uidNumber", 0);
	u->gid = dendir_entry_number(e, "gidNumber", 0);
	version->serial = u->serial = dendir_entry_number(e, "denshiSerial", -1);
	version->is_group = strcmp(u->state, "group") == 0;
	for (size_t i = 0; (authority = dendir_entry_value(e, "denshiAuthority", i, &len)); i++)
		if (dendir_user_give(u, authority) != 0) {
			dendir_user_done(u);
			return -1;
		}
	return version->serial < 0 || !*u->state || !(version->is_group ? *u->name : *u->login) ? -1 : 0;
}

static char *version_dn(char *dn, const struct dendir *d, const struct dendir_user *a)
{
	return dendir_dn(dn, d, "cn=%s.%lld,ou=published", a->login, (long long)a->serial);
}

static struct dendir_mods *version_of(const struct dendir_user *a)
{
	struct dendir_mods *m = dendir_mods_new();
	char cn[64];

	snprintf(cn, sizeof(cn), "%s.%lld", a->login, (long long)a->serial);
	dendir_mods_put(m, DENDIR_ADD, "objectClass", "denshiVersion");
	dendir_mods_put(m, DENDIR_ADD, "cn", cn);
	dendir_mods_put(m, DENDIR_ADD, "uid", a->login);
	dendir_mods_put_number(m, DENDIR_ADD, "denshiSerial", a->serial);
	dendir_mods_put(m, DENDIR_ADD, "denshiState", a->state);
	dendir_mods_put(m, DENDIR_ADD, "displayName", a->name);
	dendir_mods_put_number(m, DENDIR_ADD, "uidNumber", a->uid);
	dendir_mods_put_number(m, DENDIR_ADD, "gidNumber", a->gid);
	dendir_mods_put(m, DENDIR_ADD, "homeDirectory", a->home);
	dendir_mods_put(m, DENDIR_ADD, "loginShell", a->shell);
	dendir_mods_put(m, DENDIR_ADD, "denshiRole", a->role);
	if (*a->mail)
		dendir_mods_put(m, DENDIR_ADD, "mail", a->mail);
	if (*a->lang)
		dendir_mods_put(m, DENDIR_ADD, "preferredLanguage", a->lang);
	for (size_t i = 0; i < a->nauthorities; i++)
		dendir_mods_put(m, DENDIR_ADD, "denshiAuthority", a->authorities[i]);
	return m;
}

void dendir_version_put(struct dendir_batch *b, const struct dendir_user *a)
{
	struct dendir_mods *m = version_of(a);
	char dn[DENDIR_DN_SIZE];

	dendir_batch_add(b, version_dn(dn, b->d, a), m, LDAP_ALREADY_EXISTS);
	dendir_mods_free(m);
}

enum den_code dendir_version_add(struct dendir *d, const struct dendir_user *a)
{
	struct dendir_mods *m = version_of(a);
	char dn[DENDIR_DN_SIZE];
	enum den_code code = dendir_add(d, version_dn(dn, d, a), m);

	if (code == DEN_DIRECTORY_REFUSED && dendir_result(d) == LDAP_ALREADY_EXISTS) {
		code = dendir_delete(d, dn);
		if (code == DEN_OK)
			code = dendir_add(d, dn, m);
	}
	dendir_mods_free(m);
	return code;
}

enum den_code dendir_version_add_group(struct dendir *d, const char *name, int64_t gid, int64_t serial)
{
	struct dendir_mods *m = dendir_mods_new();
	char dn[DENDIR_DN_SIZE], cn[DENDIR_AUTHORITY_SIZE + 24];
	enum den_code code;

	snprintf(cn, sizeof(cn), "g.%s.%lld", name, (long long)serial);
	dendir_mods_put(m, DENDIR_ADD, "objectClass", "denshiVersion");
	dendir_mods_put(m, DENDIR_ADD, "cn", cn);
	dendir_mods_put_number(m, DENDIR_ADD, "denshiSerial", serial);
	dendir_mods_put(m, DENDIR_ADD, "denshiState", "group");
	dendir_mods_put(m, DENDIR_ADD, "displayName", name);
	dendir_mods_put_number(m, DENDIR_ADD, "gidNumber", gid);
	code = dendir_add(d, dendir_dn(dn, d, "cn=%s,ou=published", cn), m);
	dendir_mods_free(m);
	return code;
}

struct lister {
	dendir_each_version *each;
	void *context;
};

static int list_version(void *context, struct dendir_entry *e)
{
	struct lister *l = context;
	char login[DEN_LOGIN_ID_SIZE];
	const char *uid = dendir_entry_string(e, "uid");
	int64_t serial = dendir_entry_number(e, "denshiSerial", -1);

	if (den_login_id_parse(login, uid, strlen(uid)) != 0 || serial < 0)
		return 0;
	return l->each(l->context, login, serial);
}

enum den_code dendir_version_each(struct dendir *host, const char *filter, dendir_each_version *each, void *context)
{
	static const char *const attributes[] = {"uid", "denshiSerial", NULL};
	struct lister l = {.each = each, .context = context};
	char base[DENDIR_DN_SIZE];

	return dendir_search(host, dendir_dn(base, host, "ou=published"), DENDIR_ONE, filter, attributes, list_version, &l);
}

void dendir_version_delete(struct dendir_batch *b, const char *login, int64_t serial)
{
	char dn[DENDIR_DN_SIZE];

	dendir_batch_delete(b, dendir_dn(dn, b->d, "cn=%s.%lld,ou=published", login, (long long)serial));
}

/* -- the serial ------------------------------------------------------------------------------------ */

static int read_serial(void *context, struct dendir_entry *e)
{
	int64_t *serial = context;

	*serial = dendir_entry_number(e, "denshiSerial", -1);
	return 0;
}

enum den_code dendir_serial_read(struct dendir *d, int64_t *serial)
{
	static const char *const attributes[] = {"denshiSerial", NULL};
	char dn[DENDIR_DN_SIZE];
	enum den_code code;

	*serial = -1;
	code = dendir_search(d, dendir_dn(dn, d, DENDIR_DN_POINTER), DENDIR_BASE, NULL, attributes,
		read_serial, serial);
	return code == DEN_OK && *serial < 0 ? DEN_DIRECTORY_REFUSED : code;
}
