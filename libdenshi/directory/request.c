#include "directory/request.h"

#include <ldap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t dendir_request_canonical(char *buf, size_t size, const struct dendir_request *r)
{
	int n = snprintf(buf, size, "denshi-request-1\n%s\n%s\n%s\n%s\n%lld\n%lld\n%s\n", r->id, r->maker,
		r->business, r->account, (long long)r->requested, (long long)r->expires, r->subject);

	return n > 0 && (size_t)n < size ? (size_t)n : 0;
}

enum den_code dendir_request_add(struct dendir *host, const struct dendir_request *r)
{
	struct dendir_mods *m = dendir_mods_new();
	char dn[DENDIR_DN_SIZE], who[DENDIR_DN_SIZE], when[DENDIR_TIME_SIZE], authority[48];
	enum den_code code;

	snprintf(authority, sizeof(authority), "%s.approver", r->business);
	dendir_mods_put(m, DENDIR_ADD, "objectClass", "denshiRequest");
	dendir_mods_put(m, DENDIR_ADD, "cn", r->id);
	dendir_mods_put(m, DENDIR_ADD, "denshiMaker", dendir_dn(who, host, DENDIR_DN_PEOPLE, r->maker));
	dendir_mods_put(m, DENDIR_ADD, "denshiBusiness", r->business);
	if (*r->account)
		dendir_mods_put(m, DENDIR_ADD, "denshiAccount", r->account);
	dendir_mods_put(m, DENDIR_ADD, "denshiApproverAuthority", authority);
	dendir_mods_put(m, DENDIR_ADD, "denshiSubject", r->subject);
	dendir_mods_put(m, DENDIR_ADD, "denshiDigest", r->digest);
	dendir_mods_put(m, DENDIR_ADD, "denshiRequestedAt", dendir_time(when, r->requested));
	dendir_mods_put(m, DENDIR_ADD, "denshiExpires", dendir_time(when, r->expires));
	code = dendir_add(host, dendir_dn(dn, host, "cn=%s,ou=requests", r->id), m);
	dendir_mods_free(m);
	return dendir_result(host) == LDAP_ALREADY_EXISTS ? DEN_BUSY : code;
}

#define COPY(field, attribute) \
	snprintf(r->field, sizeof(r->field), "%s", dendir_entry_string(e, attribute))

/* FQDN of cn=FQDN,ou=hosts,o=NAME, or cn=FQDN+denshiHostId=ID,...; another identity as it is. */
static void copy_host(char host[DENDIR_DN_SIZE], const char *dn)
{
	const char *end = strstr(dn, ",ou=hosts,o=");

	if (strncmp(dn, "cn=", 3) == 0 && end && strchr(dn, ',') == end)
		snprintf(host, DENDIR_DN_SIZE, "%.*s", (int)strcspn(dn + 3, "+,"), dn + 3);
	else
		snprintf(host, DENDIR_DN_SIZE, "%s", dn);
}

static void fill(struct dendir_request *r, struct dendir_entry *e)
{
	memset(r, 0, sizeof(*r));
	COPY(id, "cn");
	COPY(business, "denshiBusiness");
	COPY(account, "denshiAccount");
	COPY(subject, "denshiSubject");
	COPY(digest, "denshiDigest");
	copy_host(r->host, dendir_entry_string(e, "creatorsName"));
	COPY(decision, "denshiDecision");
	COPY(decided_digest, "denshiDecidedDigest");
	COPY(decided_on, "denshiDecidedOn");
	COPY(reason, "denshiReason");
	COPY(used, "denshiUsed");
	dendir_login_of_dn(r->maker, dendir_entry_string(e, "denshiMaker"));
	dendir_login_of_dn(r->decided_by, dendir_entry_string(e, "denshiDecidedBy"));
	r->requested = dendir_parse_time(dendir_entry_string(e, "denshiRequestedAt"));
	r->expires = dendir_parse_time(dendir_entry_string(e, "denshiExpires"));
}

struct reader {
	dendir_each_request *each;
	void *context;
	struct dendir_request *one;
	int found;
};

static int read_request(void *context, struct dendir_entry *e)
{
	struct reader *r = context;

	fill(r->one, e);
	r->found = 1;
	return r->each ? r->each(r->context, r->one) : 0;
}

static const char *const attributes[] = {"*", "creatorsName", NULL};

char *dendir_request_filter(char *buf, const char *more, int64_t now)
{
	char when[DENDIR_TIME_SIZE];

	snprintf(buf, DENDIR_REQUEST_FILTER_SIZE, "(&(objectClass=denshiRequest)(denshiExpires>=%s)%s)",
		dendir_time(when, now), more);
	return buf;
}

enum den_code dendir_request_each(struct dendir *d, const char *filter, dendir_each_request *each,
	void *context)
{
	struct reader r = {.each = each, .context = context, .one = malloc(sizeof(*r.one))};
	char base[DENDIR_DN_SIZE];
	enum den_code code;

	if (!r.one)
		return DEN_DIRECTORY_REFUSED;
	code = dendir_search(d, dendir_dn(base, d, "ou=requests"), DENDIR_ONE,
		filter ? filter : "(objectClass=denshiRequest)", attributes, read_request, &r);
	free(r.one);
	return code;
}

enum den_code dendir_request_read(struct dendir *d, const char *id, struct dendir_request *request)
{
	struct reader r = {.one = request};
	char dn[DENDIR_DN_SIZE];
	enum den_code code;

	if (!dendir_name_is_plain(id) || strlen(id) >= sizeof(request->id))
		return DEN_REQUEST_UNKNOWN;
	code = dendir_search(d, dendir_dn(dn, d, "cn=%s,ou=requests", id), DENDIR_BASE,
		"(objectClass=denshiRequest)", attributes, read_request, &r);
	return code == DEN_OK && !r.found ? DEN_REQUEST_UNKNOWN : code;
}

enum den_code dendir_request_decide(struct dendir *approver, const char *id, const char *by,
	const char *decision, const char *digest, const char *reason, int64_t now)
{
	struct dendir_mods *m = dendir_mods_new();
	char dn[DENDIR_DN_SIZE], who[DENDIR_DN_SIZE], when[DENDIR_TIME_SIZE], on[160];
	enum den_code code;

	snprintf(on, sizeof(on), "%s %.120s", dendir_time(when, now), dendir_site_of(approver)->host);
	dendir_mods_put(m, DENDIR_ADD, "denshiDecision", decision);
	dendir_mods_put(m, DENDIR_ADD, "denshiDecidedBy", dendir_dn(who, approver, DENDIR_DN_APPROVAL, by));
	dendir_mods_put(m, DENDIR_ADD, "denshiDecidedDigest", digest);
	dendir_mods_put(m, DENDIR_ADD, "denshiDecidedOn", on);
	if (reason && *reason)
		dendir_mods_put(m, DENDIR_ADD, "denshiReason", reason);
	code = dendir_modify(approver, dendir_dn(dn, approver, "cn=%s,ou=requests", id), m);
	dendir_mods_free(m);
	/* All are single-valued: the first decision stands. */
	if (dendir_result(approver) == LDAP_TYPE_OR_VALUE_EXISTS ||
		dendir_result(approver) == LDAP_CONSTRAINT_VIOLATION)
		return DEN_REQUEST_DECIDED;
	return code;
}

enum den_code dendir_request_use(struct dendir *host, const char *id, const char *service,
	const char *user, int64_t now)
{
	struct dendir_mods *m = dendir_mods_new();
	char dn[DENDIR_DN_SIZE], when[DENDIR_TIME_SIZE], used[256];
	enum den_code code;

	snprintf(used, sizeof(used), "%s %.120s %.40s %s", dendir_time(when, now), dendir_site_of(host)->host,
		service, user);
	dendir_mods_put(m, DENDIR_ADD, "denshiUsed", used);
	code = dendir_modify(host, dendir_dn(dn, host, "cn=%s,ou=requests", id), m);
	dendir_mods_free(m);
	if (dendir_result(host) == LDAP_TYPE_OR_VALUE_EXISTS || dendir_result(host) == LDAP_CONSTRAINT_VIOLATION)
		return DEN_APPROVAL_MISSING;
	return code;
}
