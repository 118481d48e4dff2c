#include "directory/certificate.h"

#include <ldap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const attributes[] = {"cn", "denshiOwner", "denshiGrantedBy", "denshiCertificateSerial", "denshiRefused",
	"denshiReason", "denshiExpires", "denshiRevoked", "denshiSigningRequest", "denshiCertificate",
	"createTimestamp", "modifyTimestamp", NULL};

static size_t copy_bytes(unsigned char *to, size_t room, struct dendir_entry *e, const char *attribute)
{
	size_t len;
	const void *bytes = dendir_entry_value(e, attribute, 0, &len);

	if (!bytes || len > room)
		return 0;
	memcpy(to, bytes, len);
	return len;
}

static void fill(struct dendir_grant *g, struct dendir_entry *e)
{
	memset(g, 0, offsetof(struct dendir_grant, request));
	snprintf(g->id, sizeof(g->id), "%s", dendir_entry_string(e, "cn"));
	dendir_login_of_dn(g->owner, dendir_entry_string(e, "denshiOwner"));
	snprintf(g->serial_hex, sizeof(g->serial_hex), "%s", dendir_entry_string(e, "denshiCertificateSerial"));
	g->is_renewal = strncasecmp(dendir_entry_string(e, "denshiGrantedBy"), "uid=", 4) == 0;
	snprintf(g->refused, sizeof(g->refused), "%s", dendir_entry_string(e, "denshiRefused"));
	snprintf(g->reason, sizeof(g->reason), "%s", dendir_entry_string(e, "denshiReason"));
	g->expires = dendir_parse_time(dendir_entry_string(e, "denshiExpires"));
	g->revoked = dendir_parse_time(dendir_entry_string(e, "denshiRevoked"));
	g->changed = dendir_parse_time(dendir_entry_string(e, "modifyTimestamp"));
	g->request_len = copy_bytes(g->request, sizeof(g->request), e, "denshiSigningRequest");
	g->certificate_len = copy_bytes(g->certificate, sizeof(g->certificate), e, "denshiCertificate");
}

/* A list of ids in the order of their making; entries are read one by one then:
 * an entry holds up to 32 KiB. */
struct ids {
	struct {
		int64_t made;
		char id[33];
	} *list;
	size_t n;
	int failed;
};

static int keep_id(void *context, struct dendir_entry *e)
{
	struct ids *ids = context;
	void *list = reallocarray(ids->list, ids->n + 1, sizeof(*ids->list));

	if (!list)
		return ids->failed = 1;
	ids->list = list;
	ids->list[ids->n].made = dendir_parse_time(dendir_entry_string(e, "createTimestamp"));
	snprintf(ids->list[ids->n].id, sizeof(ids->list[0].id), "%s", dendir_entry_string(e, "cn"));
	ids->n++;
	return 0;
}

static int by_time(const void *a, const void *b)
{
	int64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x < y ? -1 : x > y;
}

enum den_code dendir_grant_each(struct dendir *d, const char *owner, dendir_each_grant *each, void *context)
{
	static const char *const few[] = {"cn", "createTimestamp", NULL};
	struct ids ids = {0};
	struct dendir_grant *g = malloc(sizeof(*g));
	char base[DENDIR_DN_SIZE], who[DENDIR_DN_SIZE], filter[2 * DENDIR_DN_SIZE];
	enum den_code code = DEN_DIRECTORY_REFUSED;

	if (!g)
		return code;
	if (*owner)
		dendir_filter(filter, sizeof(filter), "(&(objectClass=denshiGrant)(denshiOwner=%s))",
			dendir_dn(who, d, DENDIR_DN_PEOPLE, owner));
	else
		snprintf(filter, sizeof(filter), "(objectClass=denshiGrant)");
	code = dendir_search(d, dendir_dn(base, d, "ou=certificates"), DENDIR_ONE, filter, few, keep_id, &ids);
	if (ids.n)
		qsort(ids.list, ids.n, sizeof(*ids.list), by_time);
	for (size_t i = 0; code == DEN_OK && i < ids.n; i++) {
		code = dendir_grant_read(d, ids.list[i].id, g);
		if (code == DEN_OK && each(context, g) != 0)
			break;
	}
	free(ids.list);
	free(g);
	return ids.failed ? DEN_DIRECTORY_REFUSED : code;
}

struct issued {
	struct dendir_issued *list;
	size_t n;
	int failed;
};

static int keep_issued(void *context, struct dendir_entry *e)
{
	struct issued *all = context;
	struct dendir_issued *list = reallocarray(all->list, all->n + 1, sizeof(*list)), *i;

	if (!list)
		return all->failed = 1;
	all->list = list;
	i = &list[all->n++];
	dendir_login_of_dn(i->owner, dendir_entry_string(e, "denshiOwner"));
	snprintf(i->serial_hex, sizeof(i->serial_hex), "%s", dendir_entry_string(e, "denshiCertificateSerial"));
	i->made = dendir_parse_time(dendir_entry_string(e, "createTimestamp"));
	i->revoked = dendir_parse_time(dendir_entry_string(e, "denshiRevoked"));
	return 0;
}

static int by_owner(const void *a, const void *b)
{
	const struct dendir_issued *x = a, *y = b;
	int order = strcmp(x->owner, y->owner);

	return order ? order : x->made < y->made ? -1 : x->made > y->made;
}

enum den_code dendir_issued_read(struct dendir *d, const char *owner, struct dendir_issued **list, size_t *n)
{
	static const char *const few[] = {"denshiOwner", "denshiCertificateSerial", "denshiRevoked", "createTimestamp", NULL};
	struct issued all = {0};
	char base[DENDIR_DN_SIZE], who[DENDIR_DN_SIZE], filter[2 * DENDIR_DN_SIZE] = "(denshiCertificateSerial=*)";
	enum den_code code;

	*list = NULL;
	*n = 0;
	if (*owner)
		dendir_filter(filter, sizeof(filter), "(&(denshiOwner=%s)(denshiCertificateSerial=*))",
			dendir_dn(who, d, DENDIR_DN_PEOPLE, owner));
	code = dendir_search(d, dendir_dn(base, d, "ou=certificates"), DENDIR_ONE, filter, few, keep_issued, &all);
	if (code != DEN_OK || all.failed) {
		free(all.list);
		return all.failed ? DEN_DIRECTORY_REFUSED : code;
	}
	if (all.n)
		qsort(all.list, all.n, sizeof(*all.list), by_owner);
	*list = all.list;
	*n = all.n;
	return DEN_OK;
}

struct one {
	struct dendir_grant *grant;
	int found;
};

static int one_grant(void *context, struct dendir_entry *e)
{
	struct one *o = context;

	fill(o->grant, e);
	o->found = 1;
	return 0;
}

static char *grant_dn(char *dn, const struct dendir *d, const char *id)
{
	return dendir_dn(dn, d, "cn=%s,ou=certificates", id);
}

enum den_code dendir_grant_read(struct dendir *d, const char *id, struct dendir_grant *grant)
{
	struct one o = {.grant = grant};
	char dn[DENDIR_DN_SIZE];
	enum den_code code;

	if (!dendir_name_is_plain(id))
		return DEN_GRANT_NONE;
	code = dendir_search(d, grant_dn(dn, d, id), DENDIR_BASE, "(objectClass=denshiGrant)", attributes,
		one_grant, &o);
	return code == DEN_OK && !o.found ? DEN_GRANT_NONE : code;
}

static struct dendir_mods *grant_of(struct dendir *d, const char *id, const char *owner, const char *by, int64_t expires)
{
	struct dendir_mods *m = dendir_mods_new();
	char who[DENDIR_DN_SIZE], when[DENDIR_TIME_SIZE];

	dendir_mods_put(m, DENDIR_ADD, "objectClass", "denshiGrant");
	dendir_mods_put(m, DENDIR_ADD, "cn", id);
	dendir_mods_put(m, DENDIR_ADD, "denshiOwner", dendir_dn(who, d, DENDIR_DN_PEOPLE, owner));
	dendir_mods_put(m, DENDIR_ADD, "denshiGrantedBy", by);
	dendir_mods_put(m, DENDIR_ADD, "denshiExpires", dendir_time(when, expires));
	return m;
}

enum den_code dendir_grant_add(struct dendir *master, const char *id, const char *owner, const char *by,
	int64_t expires)
{
	struct dendir_mods *m = grant_of(master, id, owner, by, expires);
	char dn[DENDIR_DN_SIZE];
	enum den_code code = dendir_add(master, grant_dn(dn, master, id), m);

	dendir_mods_free(m);
	return code;
}

void dendir_grant_put(struct dendir_batch *b, const char *id, const char *owner, const char *by, int64_t expires)
{
	struct dendir_mods *m = grant_of(b->d, id, owner, by, expires);
	char dn[DENDIR_DN_SIZE];

	dendir_batch_add(b, grant_dn(dn, b->d, id), m, LDAP_ALREADY_EXISTS);
	dendir_mods_free(m);
}

static enum den_code modify_grant(struct dendir *d, const char *id, struct dendir_mods *m)
{
	char dn[DENDIR_DN_SIZE];
	enum den_code code = dendir_modify(d, grant_dn(dn, d, id), m);

	dendir_mods_free(m);
	/* Single-valued attributes: what is there stays. */
	if (dendir_result(d) == LDAP_TYPE_OR_VALUE_EXISTS || dendir_result(d) == LDAP_CONSTRAINT_VIOLATION)
		return DEN_GRANT_NONE;
	return code;
}

enum den_code dendir_grant_request(struct dendir *owner, const char *id, const void *der, size_t len)
{
	struct dendir_mods *m = dendir_mods_new();

	dendir_mods_put_bytes(m, DENDIR_ADD, "denshiSigningRequest", der, len);
	return modify_grant(owner, id, m);
}

enum den_code dendir_grant_renew(struct dendir *owner, const char *id, const char *login, const void *der, size_t len,
	int64_t expires)
{
	char dn[DENDIR_DN_SIZE], who[DENDIR_DN_SIZE];
	struct dendir_mods *m;
	enum den_code code;

	if (!dendir_name_is_plain(id))
		return DEN_GRANT_NONE;
	m = grant_of(owner, id, login, dendir_dn(who, owner, DENDIR_DN_PEOPLE, login), expires);
	dendir_mods_put_bytes(m, DENDIR_ADD, "denshiSigningRequest", der, len);
	code = dendir_add(owner, grant_dn(dn, owner, id), m);
	dendir_mods_free(m);
	return dendir_result(owner) == LDAP_ALREADY_EXISTS ? DEN_GRANT_NONE : code;
}

enum den_code dendir_grant_issue(struct dendir *ca, const char *id, const void *der, size_t len,
	const char *serial_hex)
{
	struct dendir_mods *m = dendir_mods_new();

	dendir_mods_put_bytes(m, DENDIR_ADD, "denshiCertificate", der, len);
	dendir_mods_put(m, DENDIR_ADD, "denshiCertificateSerial", serial_hex);
	return modify_grant(ca, id, m);
}

enum den_code dendir_grant_refuse(struct dendir *ca, const char *id, const char *reason)
{
	struct dendir_mods *m = dendir_mods_new();

	dendir_mods_put(m, DENDIR_ADD, "denshiRefused", reason);
	return modify_grant(ca, id, m);
}

enum den_code dendir_grant_revoke(struct dendir *master, const char *id, const char *reason, int64_t now)
{
	struct dendir_mods *m = dendir_mods_new();
	char when[DENDIR_TIME_SIZE];

	dendir_mods_put(m, DENDIR_ADD, "denshiRevoked", dendir_time(when, now));
	dendir_mods_put(m, DENDIR_ADD, "denshiReason", reason);
	return modify_grant(master, id, m);
}

#define CA_ENTRY "cn=ca,ou=certificates"

static int take_cas(void *context, struct dendir_entry *e)
{
	struct dendir_cas *cas = context;
	const void *der;
	size_t len;

	while (cas->n < DENDIR_CA_MAX && (der = dendir_entry_value(e, "denshiCACertificate", cas->n, &len)) && len <= DENDIR_DER_MAX) {
		memcpy(cas->ca[cas->n].der, der, len);
		cas->ca[cas->n++].len = len;
	}
	return 0;
}

enum den_code dendir_cas_read(struct dendir *d, struct dendir_cas *cas)
{
	static const char *const wanted[] = {"denshiCACertificate", NULL};
	char dn[DENDIR_DN_SIZE];

	cas->n = 0;
	return dendir_search(d, dendir_dn(dn, d, CA_ENTRY), DENDIR_BASE, "(objectClass=denshiAuthorityCA)", wanted, take_cas, cas);
}

enum den_code dendir_cas_write(struct dendir *ca, const struct dendir_cas *cas)
{
	struct dendir_mods *m = dendir_mods_new();
	char dn[DENDIR_DN_SIZE];
	enum den_code code;

	for (size_t i = 0; i < cas->n; i++)
		dendir_mods_put_bytes(m, DENDIR_REPLACE, "denshiCACertificate", cas->ca[i].der, cas->ca[i].len);
	code = dendir_modify(ca, dendir_dn(dn, ca, CA_ENTRY), m);
	dendir_mods_free(m);
	return code;
}

struct crl {
	void *bytes;
	size_t *len, found;
};

static int take_crl(void *context, struct dendir_entry *e)
{
	struct crl *crl = context;

	crl->found = copy_bytes(crl->bytes, *crl->len, e, "certificateRevocationList;binary");
	return 0;
}

enum den_code dendir_crl_read(struct dendir *d, void *bytes, size_t *len)
{
	static const char *const wanted[] = {"certificateRevocationList;binary", NULL};
	struct crl crl = {.bytes = bytes, .len = len};
	char dn[DENDIR_DN_SIZE];
	enum den_code code =
		dendir_search(d, dendir_dn(dn, d, CA_ENTRY), DENDIR_BASE, "(objectClass=denshiAuthorityCA)", wanted, take_crl, &crl);

	*len = crl.found;
	return code;
}
