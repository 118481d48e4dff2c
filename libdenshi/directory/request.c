#include "directory/request.h"

#include <inttypes.h>
#include <ldap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_SIZE 40 /* "r-123456789-5" */

/* The entry of approver number `place`, from 1; that of 1 is the request's own. */
static const char *entry_name(char name[NAME_SIZE], const char *id, size_t place)
{
	if (place > 1)
		snprintf(name, NAME_SIZE, "%.11s-%zu", id, place);
	else
		snprintf(name, NAME_SIZE, "%.11s", id);
	return name;
}

/* -- entering --------------------------------------------------------------------------- */

static void put_attachment(struct dendir_mods *m, const struct den_attachment *a)
{
	char text[DEN_DIGEST_SIZE + DEN_FILE_NAME_SIZE + 24];

	if (!*a->digest)
		return;
	snprintf(text, sizeof(text), "%" PRIu64 " %s %s", a->size, a->digest, a->name);
	dendir_mods_put(m, DENDIR_ADD, "denshiAttachment", text);
}

static void put_if(struct dendir_mods *m, const char *attribute, const char *value)
{
	if (*value)
		dendir_mods_put(m, DENDIR_ADD, attribute, value);
}

static enum den_code add_entry(struct dendir *host, const struct den_request *r, const char *name)
{
	struct dendir_mods *m = dendir_mods_new();
	char dn[DENDIR_DN_SIZE], who[DENDIR_DN_SIZE], when[DENDIR_TIME_SIZE], text[48];
	enum den_code code;

	dendir_mods_put(m, DENDIR_ADD, "objectClass", "denshiRequest");
	dendir_mods_put(m, DENDIR_ADD, "cn", name);
	dendir_mods_put(m, DENDIR_ADD, "denshiMaker", dendir_dn(who, host, DENDIR_DN_PEOPLE, r->maker));
	dendir_mods_put(m, DENDIR_ADD, "denshiBusiness", r->business);
	put_if(m, "denshiAccount", r->account);
	snprintf(text, sizeof(text), "%s.approver", r->business);
	dendir_mods_put(m, DENDIR_ADD, "denshiApproverAuthority", text);
	dendir_mods_put(m, DENDIR_ADD, "denshiSubject", r->subject);
	put_if(m, "denshiAmount", den_amount_format(text, &r->amount));
	put_attachment(m, &r->attachment);
	put_if(m, "denshiBinding", r->bindings);
	put_if(m, "denshiSession", r->session);
	dendir_mods_put_number(m, DENDIR_ADD, "denshiNeed", r->need);
	dendir_mods_put(m, DENDIR_ADD, "denshiDigest", r->digest);
	dendir_mods_put(m, DENDIR_ADD, "denshiRequestedAt", dendir_time(when, r->requested));
	dendir_mods_put(m, DENDIR_ADD, "denshiExpires", dendir_time(when, r->expires));
	code = dendir_add(host, dendir_dn(dn, host, "cn=%s,ou=requests", name), m);
	dendir_mods_free(m);
	return dendir_result(host) == LDAP_ALREADY_EXISTS ? DEN_BUSY : code;
}

/* The request's own entry is the last one: what is seen is whole. */
enum den_code dendir_request_add(struct dendir *host, const struct den_request *r)
{
	char name[NAME_SIZE];
	enum den_code code = DEN_OK;

	for (size_t place = r->need; place >= 1 && code == DEN_OK; place--)
		code = add_entry(host, r, entry_name(name, r->id, place));
	return code;
}

/* -- reading ------------------------------------------------------------------------------ */

#define COPY(to, attribute) snprintf(to, sizeof(to), "%s", dendir_entry_string(e, attribute))

/* FQDN of cn=FQDN,ou=hosts,o=NAME, or cn=FQDN+denshiHostId=ID,...; another identity as it is. */
static void copy_host(char host[DENDIR_DN_SIZE], const char *dn)
{
	const char *end = strstr(dn, ",ou=hosts,o=");

	if (strncmp(dn, "cn=", 3) == 0 && end && strchr(dn, ',') == end)
		snprintf(host, DENDIR_DN_SIZE, "%.*s", (int)strcspn(dn + 3, "+,"), dn + 3);
	else
		snprintf(host, DENDIR_DN_SIZE, "%s", dn);
}

static int fill_attachment(struct den_attachment *a, const char *text)
{
	int at = 0;

	if (!*text)
		return 0;
	if (sscanf(text, "%" SCNu64 " %64[0-9a-f] %n", &a->size, a->digest, &at) != 2 || !at ||
		strlen(text + at) >= sizeof(a->name))
		return -1;
	snprintf(a->name, sizeof(a->name), "%s", text + at);
	return 0;
}

static int fill_bindings(char bindings[DEN_BINDINGS_SIZE], const char *lines)
{
	char binding[DEN_BINDING_SIZE];

	while (*lines) {
		size_t len = strcspn(lines, "\n");

		if (len >= sizeof(binding))
			return -1;
		memcpy(binding, lines, len);
		binding[len] = '\0';
		if (den_bindings_add(bindings, binding) != 0)
			return -1;
		lines += len + (lines[len] == '\n');
	}
	return 0;
}

/* When it was entered or decided, by the directory's clock. A host may add what is there already (the
 * permissive modify control lets it pass), and would make an old approval a fresh one. */
static int64_t last_step(struct dendir_entry *e)
{
	const char *by = dendir_entry_string(e, "denshiDecidedBy");
	int is_its = !*by || strcasecmp(by, dendir_entry_string(e, "modifiersName")) == 0;

	return dendir_parse_time(dendir_entry_string(e, is_its ? "modifyTimestamp" : "createTimestamp"));
}

static void fill_decision(struct den_decision *d, struct dendir_entry *e)
{
	COPY(d->word, "denshiDecision");
	COPY(d->digest, "denshiDecidedDigest");
	COPY(d->on, "denshiDecidedOn");
	COPY(d->signature, "denshiDecidedSignature");
	/* While nothing was written after it: of what is used already, nothing is checked again. */
	d->at = dendir_parse_time(dendir_entry_string(e, "modifyTimestamp"));
	dendir_login_of_dn(d->by, dendir_entry_string(e, "denshiDecidedBy"));
}

/* What can't be read makes the request one that its digest isn't of. */
static void fill_content(struct den_request *r, struct dendir_entry *e)
{
	const char *amount = dendir_entry_string(e, "denshiAmount");
	int64_t need = dendir_entry_number(e, "denshiNeed", 0);
	int bad = (*amount && den_amount_parse(&r->amount, amount) != 0) || fill_bindings(r->bindings, dendir_entry_string(e, "denshiBinding")) != 0 ||
		fill_attachment(&r->attachment, dendir_entry_string(e, "denshiAttachment")) != 0;

	COPY(r->business, "denshiBusiness");
	COPY(r->account, "denshiAccount");
	COPY(r->subject, "denshiSubject");
	COPY(r->session, "denshiSession");
	r->need = need >= 1 && need <= DEN_APPROVERS_MAX ? (unsigned)need : 0;
	if (!bad)
		COPY(r->digest, "denshiDigest");
	dendir_login_of_dn(r->maker, dendir_entry_string(e, "denshiMaker"));
	r->requested = dendir_parse_time(dendir_entry_string(e, "denshiRequestedAt"));
	r->expires = dendir_parse_time(dendir_entry_string(e, "denshiExpires"));
}

int dendir_request_fill(struct den_request *r, struct dendir_entry *e)
{
	const char *name = dendir_entry_string(e, "cn");

	memset(r, 0, sizeof(*r));
	if (strncmp(name, "r-", 2) != 0 || strchr(name + 2, '-') || strlen(name) >= sizeof(r->id))
		return -1;
	COPY(r->id, "cn");
	fill_content(r, e);
	copy_host(r->host, dendir_entry_string(e, "creatorsName"));
	r->created = dendir_parse_time(dendir_entry_string(e, "createTimestamp"));
	r->changed = last_step(e);
	fill_decision(&r->decision, e);
	COPY(r->reason, "denshiReason");
	COPY(r->withdrawn, "denshiWithdrawn");
	COPY(r->used, "denshiUsed");
	return 0;
}

const char *const dendir_request_attributes[] = {"*", "creatorsName", "createTimestamp", "modifyTimestamp",
	"modifiersName", NULL};

char *dendir_request_filter(char *buf, const char *more, int64_t now)
{
	char when[DENDIR_TIME_SIZE];

	snprintf(buf, DENDIR_REQUEST_FILTER_SIZE, "(&(objectClass=denshiRequest)(denshiExpires>=%s)%s)",
		dendir_time(when, now), more);
	return buf;
}

struct reader {
	dendir_each_request *each;
	void *context;
	struct den_request *one;
	int found;
};

static int read_request(void *context, struct dendir_entry *e)
{
	struct reader *r = context;

	if (dendir_request_fill(r->one, e) != 0)
		return 0;
	r->found = 1;
	return r->each ? r->each(r->context, r->one) : 0;
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
		filter ? filter : "(objectClass=denshiRequest)", dendir_request_attributes, read_request, &r);
	free(r.one);
	return code;
}

/* One of the further entries: its decision counts where it is of the same content. */
struct further {
	const struct den_request *of;
	struct den_decision *decision;
};

static int read_further(void *context, struct dendir_entry *e)
{
	struct further *f = context;

	if (strcmp(dendir_entry_string(e, "denshiDigest"), f->of->digest) == 0)
		fill_decision(f->decision, e);
	return 0;
}

enum den_code dendir_request_read_earlier(struct dendir *d, struct den_request *r)
{
	enum den_code code = DEN_OK;
	char dn[DENDIR_DN_SIZE], name[NAME_SIZE];

	for (size_t place = 2; place <= r->need && code == DEN_OK; place++) {
		struct further f = {r, &r->earlier[place - 2]};

		code = dendir_search(d, dendir_dn(dn, d, "cn=%s,ou=requests", entry_name(name, r->id, place)), DENDIR_BASE,
			"(objectClass=denshiRequest)", dendir_request_attributes, read_further, &f);
	}
	return code;
}

enum den_code dendir_request_read(struct dendir *d, const char *id, struct den_request *request)
{
	struct reader r = {.one = request};
	char dn[DENDIR_DN_SIZE];
	enum den_code code;

	if (!dendir_name_is_plain(id) || strlen(id) >= sizeof(request->id))
		return DEN_REQUEST_UNKNOWN;
	code = dendir_search(d, dendir_dn(dn, d, "cn=%s,ou=requests", id), DENDIR_BASE,
		"(objectClass=denshiRequest)", dendir_request_attributes, read_request, &r);
	if (code != DEN_OK)
		return code;
	return r.found ? dendir_request_read_earlier(d, request) : DEN_REQUEST_UNKNOWN;
}

/* -- steps ------------------------------------------------------------------------------------ */

/* All are single-valued: the first one stands. */
static int is_taken(const struct dendir *d)
{
	return dendir_result(d) == LDAP_TYPE_OR_VALUE_EXISTS || dendir_result(d) == LDAP_CONSTRAINT_VIOLATION;
}

/* Where the decision goes: a rejection ends the whole. */
static size_t next_place(const struct dendir_verdict *v)
{
	size_t place = 2;

	if (strcmp(v->word, "approved") != 0)
		return 1;
	while (place <= v->request->need && *v->request->earlier[place - 2].word)
		place++;
	return place <= v->request->need ? place : 1;
}

enum den_code dendir_request_decide(struct dendir *approver, const struct dendir_verdict *v)
{
	struct dendir_mods *m = dendir_mods_new();
	char dn[DENDIR_DN_SIZE], who[DENDIR_DN_SIZE], when[DENDIR_TIME_SIZE], name[NAME_SIZE], on[256];
	enum den_code code;

	snprintf(on, sizeof(on), "%s %.110s %" PRId64 "%s%.96s", dendir_time(when, v->now), dendir_site_of(approver)->host,
		v->serial, *v->anchor ? " " : "", v->anchor);
	dendir_mods_put(m, DENDIR_ADD, "denshiDecision", v->word);
	dendir_mods_put(m, DENDIR_ADD, "denshiDecidedBy", dendir_dn(who, approver, DENDIR_DN_APPROVAL, v->by));
	dendir_mods_put(m, DENDIR_ADD, "denshiDecidedDigest", v->request->digest);
	dendir_mods_put(m, DENDIR_ADD, "denshiDecidedOn", on);
	put_if(m, "denshiDecidedSignature", v->signature);
	if (v->reason && *v->reason)
		dendir_mods_put(m, DENDIR_ADD, "denshiReason", v->reason);
	entry_name(name, v->request->id, next_place(v));
	code = dendir_modify(approver, dendir_dn(dn, approver, "cn=%s,ou=requests", name), m);
	dendir_mods_free(m);
	return is_taken(approver) ? DEN_REQUEST_DECIDED : code;
}

enum den_code dendir_request_withdraw(struct dendir *host, const char *id, int64_t now)
{
	struct dendir_mods *m = dendir_mods_new();
	char dn[DENDIR_DN_SIZE], when[DENDIR_TIME_SIZE], withdrawn[160];
	enum den_code code;

	snprintf(withdrawn, sizeof(withdrawn), "%s %.120s", dendir_time(when, now), dendir_site_of(host)->host);
	dendir_mods_put(m, DENDIR_ADD, "denshiWithdrawn", withdrawn);
	code = dendir_modify(host, dendir_dn(dn, host, "cn=%s,ou=requests", id), m);
	dendir_mods_free(m);
	return code;
}

static int note_time(void *context, struct dendir_entry *e)
{
	*(int64_t *)context = dendir_parse_time(dendir_entry_string(e, "modifyTimestamp"));
	return 0;
}

enum den_code dendir_request_use(struct dendir *host, const char *id, const char *service,
	const char *user, int64_t now, int64_t *at)
{
	static const char *const attributes[] = {"modifyTimestamp", NULL};
	struct dendir_mods *m = dendir_mods_new();
	char dn[DENDIR_DN_SIZE], when[DENDIR_TIME_SIZE], used[256];
	enum den_code code;

	*at = -1;
	snprintf(used, sizeof(used), "%s %.120s %.40s %s", dendir_time(when, now), dendir_site_of(host)->host,
		service, user);
	dendir_mods_put(m, DENDIR_ADD, "denshiUsed", used);
	code = dendir_modify_read(host, dendir_dn(dn, host, "cn=%s,ou=requests", id), m, attributes, note_time, at);
	dendir_mods_free(m);
	return is_taken(host) ? DEN_APPROVAL_MISSING : code;
}
