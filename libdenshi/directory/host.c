#include "directory/host.h"

#include <ldap.h>
#include <stdio.h>
#include <string.h>

static enum den_code change_list(struct dendir *root, enum dendir_mod op, const char *name)
{
	struct dendir_mods *m = dendir_mods_new();
	char list[DENDIR_DN_SIZE], dn[DENDIR_DN_SIZE];
	enum den_code code;

	dendir_mods_put(m, op, "member", dendir_dn(dn, root, DENDIR_DN_HOST, name));
	code = dendir_modify(root, dendir_dn(list, root, DENDIR_DN_HOSTS), m);
	dendir_mods_free(m);
	return code;
}

static enum den_code add_entry(struct dendir *root, const struct dendir_host *host)
{
	struct dendir_mods *m = dendir_mods_new();
	char dn[DENDIR_DN_SIZE];
	enum den_code code;

	dendir_mods_put(m, DENDIR_ADD, "objectClass", "denshiHost");
	dendir_mods_put(m, DENDIR_ADD, "cn", host->name);
	dendir_mods_put(m, DENDIR_ADD, "denshiHostId", host->id);
	if (*host->description)
		dendir_mods_put(m, DENDIR_ADD, "description", host->description);
	code = dendir_add(root, dendir_dn(dn, root, DENDIR_DN_HOST, host->name), m);
	dendir_mods_free(m);
	return code;
}

static int note_found(void *context, struct dendir_entry *e)
{
	(void)e;
	*(int *)context = 1;
	return 0;
}

static enum den_code is_listed(struct dendir *d, const char *name, int *listed)
{
	static const char *const none[] = {"1.1", NULL};
	char dn[DENDIR_DN_SIZE], list[DENDIR_DN_SIZE], filter[2 * DENDIR_DN_SIZE];

	*listed = 0;
	dendir_filter(filter, sizeof(filter), "(member=%s)", dendir_dn(dn, d, DENDIR_DN_HOST, name));
	return dendir_search(d, dendir_dn(list, d, DENDIR_DN_HOSTS), DENDIR_BASE, filter, none, note_found, listed);
}

enum den_code dendir_host_add(struct dendir *root, const struct dendir_host *host)
{
	char dn[DENDIR_DN_SIZE];
	int listed;
	enum den_code code = is_listed(root, host->name, &listed);

	if (code != DEN_OK)
		return code;
	if (listed)
		return DEN_HOST_EXISTS;
	code = dendir_delete(root, dendir_dn(dn, root, DENDIR_DN_HOST, host->name));
	if (code != DEN_OK && dendir_result(root) != LDAP_NO_SUCH_OBJECT)
		return code;
	code = add_entry(root, host);
	return code == DEN_OK ? change_list(root, DENDIR_ADD, host->name) : code;
}

enum den_code dendir_host_remove(struct dendir *root, const char *name)
{
	char dn[DENDIR_DN_SIZE];
	enum den_code code = change_list(root, DENDIR_DELETE, name);
	int was_listed = code == DEN_OK;

	if (!was_listed && dendir_result(root) != LDAP_NO_SUCH_ATTRIBUTE)
		return code;
	code = dendir_delete(root, dendir_dn(dn, root, DENDIR_DN_HOST, name));
	if (code != DEN_OK && dendir_result(root) == LDAP_NO_SUCH_OBJECT)
		return was_listed ? DEN_OK : DEN_HOST_UNKNOWN;
	return code;
}

/* -- reading ------------------------------------------------------------------------------ */

struct reader {
	struct dendir *d;
	dendir_each_host *each;
	void *context;
	enum den_code code;
};

static int read_host(void *context, struct dendir_entry *e)
{
	struct reader *r = context;
	struct dendir_host host = {0};
	int listed;

	snprintf(host.name, sizeof(host.name), "%s", dendir_entry_string(e, "cn"));
	snprintf(host.id, sizeof(host.id), "%s", dendir_entry_string(e, "denshiHostId"));
	snprintf(host.description, sizeof(host.description), "%s", dendir_entry_string(e, "description"));
	host.since = dendir_parse_time(dendir_entry_string(e, "createTimestamp"));
	r->code = is_listed(r->d, host.name, &listed);
	if (r->code != DEN_OK)
		return 1;
	return listed ? r->each(r->context, &host) : 0;
}

static const char *const attributes[] = {"cn", "denshiHostId", "description", "createTimestamp", NULL};

static enum den_code read_hosts(struct dendir *d, const char *base, enum dendir_scope scope,
	dendir_each_host *each, void *context)
{
	struct reader r = {.d = d, .each = each, .context = context, .code = DEN_OK};
	enum den_code code = dendir_search(d, base, scope, "(objectClass=denshiHost)", attributes, read_host, &r);

	return r.code != DEN_OK ? r.code : code;
}

enum den_code dendir_host_each(struct dendir *d, dendir_each_host *each, void *context)
{
	char base[DENDIR_DN_SIZE];

	return read_hosts(d, dendir_dn(base, d, "ou=hosts"), DENDIR_ONE, each, context);
}

static int copy_host(void *context, const struct dendir_host *host)
{
	*(struct dendir_host *)context = *host;
	return 0;
}

enum den_code dendir_host_read(struct dendir *d, const char *name, struct dendir_host *host)
{
	char base[DENDIR_DN_SIZE];
	enum den_code code;

	memset(host, 0, sizeof(*host));
	code = read_hosts(d, dendir_dn(base, d, DENDIR_DN_HOST, name), DENDIR_BASE, copy_host, host);
	return code == DEN_OK && !*host->name ? DEN_HOST_UNKNOWN : code;
}
