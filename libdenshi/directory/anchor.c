#include "directory/anchor.h"

#include <inttypes.h>
#include <ldap.h>
#include <stdio.h>

#include "directory/host.h"

enum den_code dendir_anchor_add(struct dendir *host, int64_t serial, const char *head)
{
	struct dendir_mods *m;
	struct dendir_host self;
	char dn[DENDIR_DN_SIZE + 32];
	enum den_code code = dendir_host_read(host, dendir_site_of(host)->host, &self);

	if (code != DEN_OK)
		return code;
	snprintf(dn, sizeof(dn), "cn=%" PRId64 ",%s", serial, self.dn);
	m = dendir_mods_new();
	dendir_mods_put(m, DENDIR_ADD, "objectClass", "denshiAnchor");
	dendir_mods_put_number(m, DENDIR_ADD, "cn", serial);
	dendir_mods_put(m, DENDIR_ADD, "denshiChainHead", head);
	code = dendir_add(host, dn, m);
	dendir_mods_free(m);
	return dendir_result(host) == LDAP_ALREADY_EXISTS ? DEN_OK : code;
}

struct reader {
	dendir_each_anchor *each;
	void *context;
};

static int read_anchor(void *context, struct dendir_entry *e)
{
	const struct reader *r = context;

	return r->each(r->context, dendir_entry_number(e, "cn", 0), dendir_entry_string(e, "denshiChainHead"));
}

enum den_code dendir_anchor_each(struct dendir *d, const char *host, dendir_each_anchor *each, void *context)
{
	static const char *const attributes[] = {"cn", "denshiChainHead", NULL};
	struct reader r = {.each = each, .context = context};

	return dendir_search(d, host, DENDIR_ONE, "(objectClass=denshiAnchor)", attributes, read_anchor, &r);
}
