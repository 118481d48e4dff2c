#include "directory/host.h"

#include <ldap.h>
#include <stdio.h>
#include <string.h>

/* A name that was another host's before: see host.h. */
#define DN_AGAIN "cn=%s+denshiHostId=%s,ou=hosts"
#define CSN_SIZE 64

/* Where the list is still the one of `csn`; otherwise refused, and the result is LDAP_ASSERTION_FAILED. "": whatever it is. */
static enum den_code change_list(struct dendir *root, enum dendir_mod op, const char *dn, const char *csn)
{
	struct dendir_mods *m = dendir_mods_new();
	char list[DENDIR_DN_SIZE], filter[CSN_SIZE + 16];
	enum den_code code;

	dendir_mods_put(m, op, "member", dn);
	dendir_dn(list, root, DENDIR_DN_HOSTS);
	if (*csn && dendir_filter(filter, sizeof(filter), "(entryCSN=%s)", csn))
		code = dendir_modify_if(root, list, filter, m);
	else
		code = dendir_modify(root, list, m);
	dendir_mods_free(m);
	return code;
}

static int copy_csn(void *context, struct dendir_entry *e)
{
	snprintf(context, CSN_SIZE, "%s", dendir_entry_string(e, "entryCSN"));
	return 0;
}

/* What the list is by now: each change of it has another one. */
static enum den_code read_csn(struct dendir *root, char csn[CSN_SIZE])
{
	static const char *const attributes[] = {"entryCSN", NULL};
	char list[DENDIR_DN_SIZE];

	*csn = '\0';
	return dendir_search(root, dendir_dn(list, root, DENDIR_DN_HOSTS), DENDIR_BASE, NULL, attributes, copy_csn, csn);
}

static enum den_code add_entry(struct dendir *root, const char *dn, const struct dendir_host *host)
{
	struct dendir_mods *m = dendir_mods_new();
	enum den_code code;

	dendir_mods_put(m, DENDIR_ADD, "objectClass", "denshiHost");
	dendir_mods_put(m, DENDIR_ADD, "cn", host->name);
	dendir_mods_put(m, DENDIR_ADD, "denshiHostId", host->id);
	if (*host->description)
		dendir_mods_put(m, DENDIR_ADD, "description", host->description);
	code = dendir_add(root, dn, m);
	dendir_mods_free(m);
	return code;
}

static int note_found(void *context, struct dendir_entry *e)
{
	(void)e;
	*(int *)context = 1;
	return 0;
}

static enum den_code is_listed(struct dendir *d, const char *dn, int *listed)
{
	static const char *const none[] = {"1.1", NULL};
	char list[DENDIR_DN_SIZE], filter[2 * DENDIR_DN_SIZE];

	*listed = 0;
	dendir_filter(filter, sizeof(filter), "(member=%s)", dn);
	return dendir_search(d, dendir_dn(list, d, DENDIR_DN_HOSTS), DENDIR_BASE, filter, none, note_found, listed);
}

/* Nobody of that name is on the list, which is that of csn. */
static enum den_code check_free(struct dendir *root, const char *name, char csn[CSN_SIZE])
{
	struct dendir_host there;
	enum den_code code = read_csn(root, csn);

	if (code == DEN_OK)
		code = dendir_host_read(root, name, &there);
	return code == DEN_OK ? DEN_HOST_EXISTS : code == DEN_HOST_UNKNOWN ? DEN_OK : code;
}

/* Others may change the list at the same time: of two of one name, one is on it. */
static enum den_code enter(struct dendir *root, const struct dendir_host *host, const char *dn, char csn[CSN_SIZE])
{
	enum den_code code = change_list(root, DENDIR_ADD, dn, csn);

	while (dendir_result(root) == LDAP_ASSERTION_FAILED) {
		code = check_free(root, host->name, csn);
		if (code != DEN_OK)
			break;
		code = change_list(root, DENDIR_ADD, dn, csn);
	}
	if (code == DEN_HOST_EXISTS)
		(void)dendir_delete(root, dn);
	return code;
}

enum den_code dendir_host_add(struct dendir *root, const struct dendir_host *host)
{
	char dn[DENDIR_DN_SIZE], csn[CSN_SIZE];
	enum den_code code = check_free(root, host->name, csn);

	if (code != DEN_OK)
		return code;
	code = add_entry(root, dendir_dn(dn, root, DENDIR_DN_HOST, host->name), host);
	if (dendir_result(root) == LDAP_ALREADY_EXISTS)
		code = add_entry(root, dendir_dn(dn, root, DN_AGAIN, host->name, host->id), host);
	return code == DEN_OK ? enter(root, host, dn, csn) : code;
}

enum den_code dendir_host_remove(struct dendir *root, const char *name)
{
	struct dendir_host host;
	enum den_code code = dendir_host_read(root, name, &host);

	return code == DEN_OK ? change_list(root, DENDIR_DELETE, host.dn, "") : code;
}

/* -- reading ------------------------------------------------------------------------------ */

struct reader {
	struct dendir *d;
	dendir_each_host *each;
	void *context;
	int removed_too;
	enum den_code code;
};

static int read_host(void *context, struct dendir_entry *e)
{
	struct reader *r = context;
	struct dendir_host host = {0};

	snprintf(host.dn, sizeof(host.dn), "%s", dendir_entry_dn(e));
	snprintf(host.name, sizeof(host.name), "%s", dendir_entry_string(e, "cn"));
	snprintf(host.id, sizeof(host.id), "%s", dendir_entry_string(e, "denshiHostId"));
	snprintf(host.description, sizeof(host.description), "%s", dendir_entry_string(e, "description"));
	host.since = dendir_parse_time(dendir_entry_string(e, "createTimestamp"));
	r->code = is_listed(r->d, host.dn, &host.listed);
	if (r->code != DEN_OK)
		return 1;
	return host.listed || r->removed_too ? r->each(r->context, &host) : 0;
}

static const char *const attributes[] = {"cn", "denshiHostId", "description", "createTimestamp", NULL};

static enum den_code read_hosts(struct reader *r, const char *filter)
{
	char base[DENDIR_DN_SIZE];
	enum den_code code = dendir_search(r->d, dendir_dn(base, r->d, "ou=hosts"), DENDIR_ONE, filter, attributes,
		read_host, r);

	return r->code != DEN_OK ? r->code : code;
}

enum den_code dendir_host_each(struct dendir *d, dendir_each_host *each, void *context)
{
	struct reader r = {.d = d, .each = each, .context = context, .code = DEN_OK};

	return read_hosts(&r, "(objectClass=denshiHost)");
}

/* The one on the list before all others, of those the newest. */
static int keep_best(void *context, const struct dendir_host *host)
{
	struct dendir_host *best = context;

	if (!*best->name || host->listed > best->listed || (host->listed == best->listed && host->since > best->since))
		*best = *host;
	return 0;
}

static enum den_code read_named(struct dendir *d, const char *name, int removed_too, struct dendir_host *host)
{
	struct reader r = {.d = d, .each = keep_best, .context = host, .removed_too = removed_too, .code = DEN_OK};
	char filter[256];
	enum den_code code;

	memset(host, 0, sizeof(*host));
	if (!dendir_filter(filter, sizeof(filter), "(&(objectClass=denshiHost)(cn=%s))", name))
		return DEN_HOST_UNKNOWN;
	code = read_hosts(&r, filter);
	return code == DEN_OK && !*host->name ? DEN_HOST_UNKNOWN : code;
}

enum den_code dendir_host_read(struct dendir *d, const char *name, struct dendir_host *host)
{
	return read_named(d, name, 0, host);
}

enum den_code dendir_host_find(struct dendir *d, const char *name, struct dendir_host *host)
{
	return read_named(d, name, 1, host);
}
