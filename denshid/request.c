/* Requests and approvals (R-APP). decide_use is the one place where an approval
 * counts (R-APP-4). */
#include "directory/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "denshid/call.h"
#include "denshid/log.h"
#include "denshid/session.h"
#include "directory/catalogue.h"
#include "directory/normalise.h"
#include "directory/update.h"

#define REQUEST_DAYS 7

static int holds(const struct call *c, const char *login, const char *business, const char *role)
{
	char authority[DENDIR_AUTHORITY_SIZE];

	snprintf(authority, sizeof(authority), "%s.%s", business, role);
	return view_has_authority(c->shared->view, login, authority, c->now);
}

/* A business on an account needs both authorities (R-AUTH-3). */
static int holds_account(const struct call *c, const char *login, const char *account)
{
	char authority[DENDIR_AUTHORITY_SIZE];

	if (!*account)
		return 1;
	snprintf(authority, sizeof(authority), "acct.%s", account);
	return view_has_authority(c->shared->view, login, authority, c->now);
}

static int digest_of(const struct dendir_request *r, char hex[DENDIR_DIGEST_SIZE])
{
	char canonical[DENDIR_CANONICAL_SIZE];
	size_t len = dendir_request_canonical(canonical, sizeof(canonical), r);

	return len && dencrypt_sha256_hex(canonical, len, hex) == DENCRYPT_OK ? 0 : -1;
}

static void short_digest(const struct dendir_request *r, char text[DENCRYPT_DIGEST_SHORT_SIZE])
{
	char canonical[DENDIR_CANONICAL_SIZE];
	unsigned char sum[DENCRYPT_DIGEST_SIZE];
	size_t len = dendir_request_canonical(canonical, sizeof(canonical), r);

	text[0] = '\0';
	if (len && dencrypt_sha256(canonical, len, sum) == DENCRYPT_OK)
		dencrypt_digest_short(sum, text);
}

/* The entry is what its digest says (R-APP-2). */
static int is_intact(const struct dendir_request *r)
{
	char hex[DENDIR_DIGEST_SIZE];

	return digest_of(r, hex) == 0 && strcmp(hex, r->digest) == 0;
}

/* -- entering ------------------------------------------------------------------------- */

static enum den_code check_maker(struct call *c, struct dendir *d, struct dendir_request *r)
{
	struct dendir_business business;
	struct dendir_account account;
	enum den_code code = dendir_business_read(d, call_string(c, DEN_TAG_BUSINESS), &business);
	const char *id = call_string(c, DEN_TAG_ACCOUNT);

	if (code == DEN_BUSINESS_UNKNOWN)
		call_arg(c, "%s", call_string(c, DEN_TAG_BUSINESS));
	if (code != DEN_OK)
		return call_refused(c, d, code);
	snprintf(r->business, sizeof(r->business), "%s", business.id);
	if (business.approval_free) {
		call_arg(c, "%s", business.id);
		return DEN_BUSINESS_APPROVAL_FREE;
	}
	if (!holds(c, c->peer.login, business.id, "maker")) {
		call_arg(c, "%s", c->peer.login);
		call_arg(c, "%s.maker", business.id);
		return DEN_AUTHORITY_NEEDED;
	}
	if (!*id)
		return DEN_OK;
	code = dendir_account_read(d, id, &account);
	if (code == DEN_ACCOUNT_UNKNOWN)
		call_arg(c, "%s", id);
	if (code != DEN_OK)
		return call_refused(c, d, code);
	snprintf(r->account, sizeof(r->account), "%s", account.id);
	if (!holds_account(c, c->peer.login, account.id)) {
		call_arg(c, "%s", c->peer.login);
		call_arg(c, "acct.%s", account.id);
		return DEN_AUTHORITY_NEEDED;
	}
	return DEN_OK;
}

static enum den_code add(struct dendir *d, struct dendir_request *r)
{
	enum den_code code = DEN_BUSY;

	/* An id is random; one that is taken is made again. */
	for (int tries = 0; code == DEN_BUSY && tries < 5; tries++) {
		dendir_random_name(r->id, "r-");
		if (digest_of(r, r->digest) != 0)
			return DEN_INTERNAL;
		code = dendir_request_add(d, r);
	}
	return code;
}

enum den_code request_new(struct call *c)
{
	struct dendir_request *r = calloc(1, sizeof(*r));
	char shown[DENCRYPT_DIGEST_SHORT_SIZE];
	enum den_code code;
	struct dendir *d = call_directory(c, &code);
	long len;

	if (!d || !r) {
		free(r);
		return d ? DEN_INTERNAL : code;
	}
	code = check_maker(c, d, r);
	if (code == DEN_OK) {
		len = dendir_normalise(r->subject, sizeof(r->subject), call_string(c, DEN_TAG_SUBJECT));
		if (len < 0 || !den_subject_is_valid(r->subject, (size_t)len))
			code = DEN_FIELD_SUBJECT;
	}
	memcpy(r->maker, c->peer.login, sizeof(r->maker));
	r->requested = c->now;
	r->expires = c->now + REQUEST_DAYS * DAY_S;
	if (code == DEN_OK && !call_dry_run(c)) {
		code = call_refused(c, d, add(d, r));
		log_audit("request", "by", r->maker, "business", r->business, "account", r->account, "id", r->id,
			"digest", r->digest, "result", den_code_name(code), NULL);
		if (code == DEN_OK) {
			short_digest(r, shown);
			call_arg(c, "%s", r->id);
			call_arg(c, "%s", shown);
			den_message_add_string(c->out, DEN_TAG_ID, r->id);
			den_message_add_string(c->out, DEN_TAG_DIGEST, shown);
			code = DEN_REQUEST_MADE;
		}
	}
	free(r);
	return code;
}

/* -- listing ------------------------------------------------------------------------------- */

static const char *state_of(const struct call *c, const struct dendir_request *r)
{
	if (*r->used)
		return "used";
	if (*r->decision && strcmp(r->decision, "approved") != 0)
		return r->decision;
	if (r->expires <= c->now)
		return "expired";
	return *r->decision ? r->decision : "pending";
}

static int may_decide(const struct call *c, const struct dendir_request *r, int self_approval)
{
	return (self_approval || strcmp(r->maker, c->peer.login) != 0) &&
		holds(c, c->peer.login, r->business, "approver") && holds_account(c, c->peer.login, r->account);
}

/* One's own requests, those of one's businesses, and all for a master. */
static int may_see(const struct call *c, const struct dendir_request *r)
{
	return (c->peer.flags & DEN_USER_MASTER) || strcmp(r->maker, c->peer.login) == 0 || may_decide(c, r, 1);
}

struct listing {
	struct call *c;
	const char *which;
};

static int is_wanted(const struct listing *l, const struct dendir_request *r)
{
	const char *id = call_string(l->c, DEN_TAG_ID);

	if (!may_see(l->c, r) || (*id && strcmp(id, r->id) != 0))
		return 0;
	if (strcmp(l->which, "mine") == 0)
		return strcmp(r->maker, l->c->peer.login) == 0;
	if (strcmp(l->which, "to-approve") == 0)
		return may_decide(l->c, r, 1) && strcmp(state_of(l->c, r), "pending") == 0;
	return 1;
}

static int send_request(void *context, const struct dendir_request *r)
{
	struct listing *l = context;
	struct den_message *m;
	char shown[DENCRYPT_DIGEST_SHORT_SIZE];

	if (!is_wanted(l, r) || !(m = den_message_new(DEN_OK)))
		return 0;
	short_digest(r, shown);
	den_message_add_string(m, DEN_TAG_ID, r->id);
	den_message_add_string(m, DEN_TAG_BUSINESS, r->business);
	den_message_add_string(m, DEN_TAG_ACCOUNT, r->account);
	den_message_add_string(m, DEN_TAG_SUBJECT, r->subject);
	den_message_add_string(m, DEN_TAG_MAKER, r->maker);
	den_message_add_string(m, DEN_TAG_STATE, state_of(l->c, r));
	den_message_add_number(m, DEN_TAG_TIME, (uint64_t)r->requested);
	den_message_add_number(m, DEN_TAG_EXPIRES, (uint64_t)r->expires);
	den_message_add_string(m, DEN_TAG_DIGEST, shown);
	den_message_add_string(m, DEN_TAG_HOST, r->host);
	den_message_add_string(m, DEN_TAG_DECIDED_BY, r->decided_by);
	den_message_add_string(m, DEN_TAG_REASON, r->reason);
	return call_row(l->c, m);
}

static enum den_code list_one(struct listing *l, struct dendir *d, const char *id)
{
	struct dendir_request *r = calloc(1, sizeof(*r));
	enum den_code code = r ? dendir_request_read(d, id, r) : DEN_INTERNAL;

	if (code == DEN_OK)
		(void)send_request(l, r);
	free(r);
	/* A list of none. */
	return code == DEN_REQUEST_UNKNOWN ? DEN_OK : code;
}

/* What is asked of the directory is about as much as is listed, however long the history. */
static enum den_code list_some(struct listing *l, struct dendir *d)
{
	char filter[DENDIR_REQUEST_FILTER_SIZE], maker[DENDIR_DN_SIZE];

	if (strcmp(l->which, "to-approve") == 0)
		return dendir_request_each(d, dendir_request_filter(filter, "(!(denshiDecision=*))", l->c->now), send_request, l);
	if (strcmp(l->which, "mine") != 0)
		return dendir_request_each(d, NULL, send_request, l);
	if (!dendir_filter(filter, sizeof(filter), "(&(objectClass=denshiRequest)(denshiMaker=%s))",
		    dendir_dn(maker, d, DENDIR_DN_PEOPLE, l->c->peer.login)))
		return DEN_INTERNAL;
	return dendir_request_each(d, filter, send_request, l);
}

enum den_code request_list(struct call *c)
{
	struct listing l = {.c = c, .which = call_string(c, DEN_TAG_WHICH)};
	const char *id = call_string(c, DEN_TAG_ID);
	enum den_code code;
	struct dendir *d = call_directory(c, &code);

	if (!d)
		return code;
	return call_refused(c, d, *id ? list_one(&l, d, id) : list_some(&l, d));
}

/* -- deciding --------------------------------------------------------------------------------- */

/* Whether the one who asks may decide this request now, and saw this one. */
static enum den_code check_decision(struct call *c, struct dendir *d, const struct dendir_request *r)
{
	struct dendir_business business;
	char shown[DENCRYPT_DIGEST_SHORT_SIZE], date[16];
	enum den_code code = dendir_business_read(d, r->business, &business);

	if (code != DEN_OK)
		return call_refused(c, d, code);
	if (!holds(c, c->peer.login, r->business, "approver")) {
		call_arg(c, "%s", c->peer.login);
		call_arg(c, "%s.approver", r->business);
		return DEN_AUTHORITY_NEEDED;
	}
	if (!holds_account(c, c->peer.login, r->account)) {
		call_arg(c, "%s", c->peer.login);
		call_arg(c, "acct.%s", r->account);
		return DEN_AUTHORITY_NEEDED;
	}
	call_arg(c, "%s", r->id);
	if (!business.self_approval && strcmp(r->maker, c->peer.login) == 0) {
		call_arg(c, "%s", r->business);
		return DEN_SELF_APPROVAL;
	}
	if (*r->decision) {
		call_arg(c, "%s", r->decision);
		call_arg(c, "%s", r->decided_by);
		return DEN_REQUEST_DECIDED;
	}
	if (r->expires <= c->now) {
		call_arg(c, "%s", call_date(date, r->expires));
		return DEN_REQUEST_EXPIRED;
	}
	short_digest(r, shown);
	if (!is_intact(r) || strcmp(shown, call_string(c, DEN_TAG_DIGEST)) != 0)
		return DEN_REQUEST_ALTERED;
	return DEN_OK;
}

static enum den_code decide(struct call *c, struct dendir *d, const struct dendir_request *r)
{
	const char *decision = call_string(c, DEN_TAG_DECISION), *reason = call_string(c, DEN_TAG_REASON);
	int approves = strcmp(decision, "approved") == 0;
	struct dendir_proof *proof = NULL;
	enum den_code code = check_decision(c, d, r);

	if (code != DEN_OK)
		return code;
	if (!approves && strcmp(decision, "rejected") != 0)
		return DEN_BAD_REQUEST;
	if (!approves && !den_subject_is_valid(reason, strlen(reason)))
		return DEN_REASON_NEEDED;
	code = session_check(c);
	if (code != DEN_OK)
		return code;
	/* The arguments so far are those of the messages above: a wrong password has its own. */
	if (call_start_over(c) != 0)
		return DEN_INTERNAL;
	code = call_approve(c, &proof);
	if (code == DEN_OK) {
		code = dendir_request_decide(dendir_proof_connection(proof), r->id, c->peer.login, decision, r->digest,
			approves ? NULL : reason, c->now);
		call_refused(c, dendir_proof_connection(proof), code);
	}
	dendir_proof_free(proof);
	if (code != DEN_OK)
		return code;
	call_arg(c, "%s", r->id);
	return approves ? DEN_APPROVED : DEN_REJECTED;
}

enum den_code request_decide(struct call *c)
{
	struct dendir_request *r = calloc(1, sizeof(*r));
	const char *id = call_string(c, DEN_TAG_ID);
	enum den_code code;
	struct dendir *d = call_directory(c, &code);

	if (d && r)
		code = dendir_request_read(d, id, r);
	if (d && r && code == DEN_OK && !may_see(c, r))
		code = DEN_REQUEST_UNKNOWN;
	if (code == DEN_REQUEST_UNKNOWN)
		call_arg(c, "%s", id);
	else if (d && r && code == DEN_OK)
		code = decide(c, d, r);
	else if (d && r)
		call_refused(c, d, code);
	log_audit("decision", "by", c->peer.login, "id", r && *r->id ? r->id : "", "decision",
		call_string(c, DEN_TAG_DECISION), "result", den_code_name(code), "digest", r ? r->digest : "", NULL);
	free(r);
	return code;
}

/* -- using ----------------------------------------------------------------------------------------- */

struct use {
	struct call *c;
	const char *login, *business, *account;
	int other; /* another approver than the maker is demanded */
	char id[12], approver[DEN_LOGIN_ID_SIZE];
	char pending[12]; /* a request that only waits for a decision */
};

/* Is this a request of the kind that is demanded? Without an account, any will do. */
static int is_demanded(const struct use *u, const struct dendir_request *r)
{
	return strcmp(r->maker, u->login) == 0 && strcmp(r->business, u->business) == 0 &&
		(!*u->account || strcmp(r->account, u->account) == 0) && r->expires > u->c->now;
}

/* In force and not suspended: what a person decided or entered counts while they do. */
static int is_active(const struct call *c, const char *login)
{
	struct view_user user;

	return view_user_by_login(c->shared->view, login, &user) && !(user.flags & DEN_USER_SUSPENDED);
}

/* One function for every caller: may this request's approval be used, now (R-APP-4)? */
static int decide_use(const struct use *u, const struct dendir_request *r)
{
	return is_demanded(u, r) && strcmp(r->decision, "approved") == 0 && !*r->used &&
		is_intact(r) && strcmp(r->decided_digest, r->digest) == 0 &&
		(!u->other || strcmp(r->decided_by, r->maker) != 0) && is_active(u->c, r->decided_by) &&
		is_active(u->c, r->maker) &&
		/* Authorities that were taken away since count as well. */
		holds(u->c, r->maker, r->business, "maker") && holds(u->c, r->decided_by, r->business, "approver") &&
		holds_account(u->c, r->maker, r->account) && holds_account(u->c, r->decided_by, r->account);
}

static int find_usable(void *context, const struct dendir_request *r)
{
	struct use *u = context;

	if (is_demanded(u, r) && !*r->decision)
		memcpy(u->pending, r->id, sizeof(u->pending));
	if (!decide_use(u, r))
		return 0;
	memcpy(u->id, r->id, sizeof(u->id));
	memcpy(u->approver, r->decided_by, sizeof(u->approver));
	return 1;
}

static enum den_code use_one(struct use *u, struct dendir *d)
{
	char maker[DENDIR_DN_SIZE], more[DENDIR_REQUEST_FILTER_SIZE - 80], filter[DENDIR_REQUEST_FILTER_SIZE];
	enum den_code code;

	if (!dendir_filter(more, sizeof(more), "(denshiMaker=%s)(denshiBusiness=%s)(!(denshiUsed=*))",
		    dendir_dn(maker, d, DENDIR_DN_PEOPLE, u->login), u->business))
		return DEN_BAD_REQUEST;
	dendir_request_filter(filter, more, u->c->now);
	/* Somebody may use the one that was found in between: look for the next. */
	for (int tries = 0; tries < 10; tries++) {
		u->id[0] = '\0';
		code = dendir_request_each(d, filter, find_usable, u);
		if (code != DEN_OK || !*u->id)
			return code == DEN_OK ? DEN_APPROVAL_MISSING : code;
		code = dendir_request_use(d, u->id, call_string(u->c, DEN_TAG_SERVICE), u->login, u->c->now);
		if (code != DEN_APPROVAL_MISSING)
			return code;
	}
	return DEN_APPROVAL_MISSING;
}

enum den_code approval_use(struct call *c)
{
	char login[DEN_LOGIN_ID_SIZE];
	const char *approver = call_string(c, DEN_TAG_APPROVER);
	struct use u = {
		.c = c,
		.business = call_string(c, DEN_TAG_BUSINESS),
		.account = call_string(c, DEN_TAG_ACCOUNT),
		.other = strcmp(approver, "any") != 0,
	};
	struct dendir_business business;
	struct view_user user;
	enum den_code code;
	struct dendir *d;

	u.login = call_login(c, login);
	if (!u.login || !view_user_by_login(c->shared->view, login, &user))
		return DEN_LOGIN_UNKNOWN;
	if (!dendir_name_is_plain(u.business) || (*u.account && !dendir_name_is_plain(u.account))) {
		call_arg(c, "business");
		return DEN_BAD_REQUEST;
	}
	/* Using one up is for services: root's, or the user's own. */
	code = call_needs_root_or(c, login);
	if (code != DEN_OK || !(d = call_directory(c, &code)))
		return code;
	code = call_refused(c, d, dendir_business_read(d, u.business, &business));
	if (code == DEN_BUSINESS_UNKNOWN)
		call_arg(c, "%s", u.business);
	if (code != DEN_OK)
		return code;
	/* A service may demand more than the business does, never less. */
	u.other |= !business.self_approval;
	code = call_refused(c, d, use_one(&u, d));
	if (code == DEN_OK) {
		call_arg(c, "%s", u.id);
		call_arg(c, "%s", u.approver);
		code = DEN_APPROVAL_USED;
	} else if (code == DEN_APPROVAL_MISSING && *u.pending) {
		call_arg(c, "%s", u.pending);
		call_arg(c, "%s", u.business);
		code = DEN_APPROVAL_PENDING;
	} else if (code == DEN_APPROVAL_MISSING) {
		call_arg(c, "%s", u.business);
		call_arg(c, "%s", login);
		call_arg(c, "%s%s", *u.account ? " --account " : "", u.account);
	}
	log_audit("approval-use", "user", login, "business", u.business, "account", u.account, "service",
		call_string(c, DEN_TAG_SERVICE), "id", u.id, "approver", u.approver, "result", den_code_name(code), NULL);
	return code;
}
