/* Deciding and using (R-APP). What is decided is core/approval.h's; here is what it is decided
 * with, and what is written then. */
#include "denshid/approval.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "denshid/chain.h"
#include "denshid/log.h"
#include "denshid/session.h"
#include "denshid/signature.h"
#include "denshid/standing.h"
#include "directory/normalise.h"
#include "directory/request.h"
#include "directory/update.h"

/* Requests of one maker and business that are approved and not used: so many are looked at. */
#define CANDIDATES_MAX 64

/* -- the world ------------------------------------------------------------------------- */

static int is_active(void *context, const char *login)
{
	const struct approval_context *a = context;
	struct view_user user;

	return view_user_by_login(a->c->shared->view, login, &user) && !(user.flags & DEN_USER_SUSPENDED);
}

static int holds(void *context, const char *login, const char *authority)
{
	const struct approval_context *a = context;

	return view_has_authority(a->c->shared->view, login, authority, a->c->now);
}

static enum den_credential credential(void *context, const char *login)
{
	struct approval_context *a = context;
	struct dendir_credential_state state;
	int64_t end;

	if (!a->d)
		return DEN_CREDENTIAL_GOOD;
	if (dendir_credential_state(a->d, DENDIR_APPROVAL, login, &state) != DEN_OK)
		return DEN_CREDENTIAL_UNKNOWN;
	if (!state.exists)
		return DEN_CREDENTIAL_NONE;
	if (state.taken >= DENDIR_ATTEMPTS)
		return DEN_CREDENTIAL_LOCKED;
	if (state.must_change)
		return DEN_CREDENTIAL_INITIAL;
	/* Who decides now; what was decided stays. */
	if (strcmp(login, a->c->peer.login) != 0)
		return DEN_CREDENTIAL_GOOD;
	end = call_approval_end(a->d, state.changed);
	call_date(a->date, end);
	return end < a->c->now ? DEN_CREDENTIAL_EXPIRED : DEN_CREDENTIAL_GOOD;
}

int approval_digest(void *context, const struct den_request *r, char hex[DEN_DIGEST_SIZE])
{
	char canonical[DEN_CANONICAL_SIZE];
	size_t len = den_request_canonical(canonical, sizeof(canonical), r);

	(void)context;
	return len && dencrypt_sha256_hex(canonical, len, hex) == DENCRYPT_OK ? 0 : -1;
}

void approval_short_digest(const struct den_request *r, char *text)
{
	char canonical[DEN_CANONICAL_SIZE];
	unsigned char sum[DENCRYPT_DIGEST_SIZE];
	size_t len = den_request_canonical(canonical, sizeof(canonical), r);

	text[0] = '\0';
	if (len && dencrypt_sha256(canonical, len, sum) == DENCRYPT_OK)
		dencrypt_digest_short(sum, text);
}

static enum den_code signature(void *context, const struct den_request *r, const struct den_decision *d)
{
	const struct approval_context *a = context;

	return signature_check(a->d, view_time(a->c->shared->view, a->c->now), r, d);
}

void approval_world(struct den_world *world, struct approval_context *context)
{
	*world = (struct den_world){
		.context = context,
		.now = view_time(context->c->shared->view, context->c->now),
		.is_active = is_active,
		.holds = holds,
		.credential = credential,
		.digest = approval_digest,
		.signature = signature,
	};
}

static enum den_code tell(struct approval_context *a, enum den_code code, const struct den_why *why)
{
	if (code == DEN_APPROVAL_EXPIRED)
		call_arg(a->c, "%s", a->date);
	for (size_t i = 0; i < why->n && code != DEN_APPROVAL_EXPIRED; i++)
		call_arg(a->c, "%s", why->arg[i]);
	return code;
}

enum den_code approval_decide(struct den_world *world, const struct den_case *k)
{
	struct den_why why;
	enum den_code code = den_approval_decide(world, k, &why);

	return code == DEN_OK ? DEN_OK : tell(world->context, code, &why);
}

enum den_code approval_rules(struct call *c, struct dendir *d, const char *business, struct dendir_business *found)
{
	enum den_code code = dendir_business_read(d, business, found);

	if (code == DEN_BUSINESS_UNKNOWN)
		call_arg(c, "%s", business);
	return call_refused(c, d, code);
}

/* -- the catalogue ------------------------------------------------------------------------- */

static int keep_rules(void *context, const struct dendir_business *b)
{
	struct approval_catalogue *all = context;
	struct den_rules *more = reallocarray(all->rules, all->n + 1, sizeof(*more));

	if (!more)
		return 1;
	all->rules = more;
	more[all->n++] = b->rules;
	return 0;
}

enum den_code approval_catalogue_load(struct dendir *d, struct approval_catalogue *all)
{
	memset(all, 0, sizeof(*all));
	return dendir_business_each(d, keep_rules, all);
}

void approval_catalogue_done(struct approval_catalogue *all)
{
	free(all->rules);
	memset(all, 0, sizeof(*all));
}

const struct den_rules *approval_catalogue_find(const struct approval_catalogue *all, const char *business)
{
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->rules[i].id, business) == 0)
			return &all->rules[i];
	return NULL;
}

/* -- deciding --------------------------------------------------------------------------------- */

static int64_t serial_in_force(struct call *c)
{
	struct den_snapshot_meta meta;
	size_t users;

	return view_meta(c->shared->view, &meta, &users) ? (int64_t)meta.serial : 0;
}

/* Writes the decision. Where somebody else was faster (which the access rules refuse as they refuse
 * what is decided) it is looked at again, and decided again. */
static enum den_code write_decision(struct den_world *w, struct den_case *k, struct dendir_verdict *v,
	struct dendir *approver, struct den_request *r)
{
	struct approval_context *a = w->context;
	char id[sizeof(r->id)];
	enum den_code code = DEN_BUSY, again;

	memcpy(id, r->id, sizeof(id));
	for (int tries = 0; tries < DEN_APPROVERS_MAX; tries++) {
		code = dendir_request_decide(approver, v);
		if (code != DEN_REQUEST_DECIDED && code != DEN_DIRECTORY_REFUSED)
			break;
		if (dendir_request_read(a->d, id, r) != DEN_OK)
			return DEN_DIRECTORY_DOWN;
		snprintf(r->reason, sizeof(r->reason), "%s", v->reason ? v->reason : "");
		again = approval_decide(w, k);
		if (again != DEN_OK)
			return again;
	}
	return call_refused(a->c, approver, code == DEN_REQUEST_DECIDED ? DEN_BUSY : code);
}

/* How many more are needed, after this one. */
static unsigned still_needed(const struct den_request *r, const char *word)
{
	unsigned given = 1;

	for (size_t i = 0; i < DEN_APPROVERS_MAX - 1; i++)
		given += *r->earlier[i].word != '\0';
	return strcmp(word, "approved") == 0 && given < r->need ? r->need - given : 0;
}

/* The moment of the decision is the directory's. */
static void learn_time(struct call *c, struct dendir *d, const char *id)
{
	struct den_request *r = calloc(1, sizeof(*r));

	if (r && dendir_request_read(d, id, r) == DEN_OK)
		view_set_time(c->shared->view, r->changed);
	free(r);
}

/* As shown: what is decided is what was seen. */
static enum den_code check_seen(struct call *c, const struct den_request *r)
{
	char shown[DENCRYPT_DIGEST_SHORT_SIZE];

	approval_short_digest(r, shown);
	if (strcmp(shown, call_string(c, DEN_TAG_DIGEST)) == 0)
		return DEN_OK;
	call_arg(c, "%s", r->id);
	return DEN_REQUEST_ALTERED;
}

/* What is to be decided: the word, by whom, signed where they did. */
static enum den_code take_decision(struct approval_context *a, const struct den_case *k, struct den_request *r,
	struct den_decision *d)
{
	const char *reason = call_string(a->c, DEN_TAG_REASON);

	*d = (struct den_decision){.word = ""};
	snprintf(d->word, sizeof(d->word), "%s", k->act == DEN_ACT_APPROVE ? "approved" : "rejected");
	snprintf(d->by, sizeof(d->by), "%s", k->who);
	if (k->act == DEN_ACT_REJECT && !den_subject_is_valid(reason, strlen(reason)))
		return DEN_REASON_NEEDED;
	snprintf(r->reason, sizeof(r->reason), "%s", k->act == DEN_ACT_REJECT ? reason : "");
	return k->rules->is_signed ? call_refused(a->c, a->d, signature_take(a->c, a->d, d)) : DEN_OK;
}

static enum den_code decide(struct den_world *w, struct den_case *k, struct den_request *r)
{
	struct approval_context *a = w->context;
	struct call *c = a->c;
	char anchor[CHAIN_ANCHOR_SIZE];
	struct den_decision d;
	struct dendir_verdict v = {.request = r, .by = k->who, .word = d.word, .reason = call_string(c, DEN_TAG_REASON),
		.signature = d.signature, .now = w->now, .serial = serial_in_force(c), .anchor = chain_anchor(anchor)};
	struct dendir_proof *proof = NULL;
	enum den_code code = take_decision(a, k, r, &d);
	int approves = k->act == DEN_ACT_APPROVE;
	unsigned more;

	if (approves)
		v.reason = NULL;
	k->decision = &d;
	k->only_ask = call_dry_run(c);
	if (code == DEN_OK)
		code = approval_decide(w, k);
	if (code == DEN_OK)
		code = check_seen(c, r);
	if (code != DEN_OK || k->only_ask)
		return code;
	if (code == DEN_OK)
		code = session_check(c);
	if (code == DEN_OK)
		code = call_approve(c, &proof);
	if (code == DEN_OK)
		code = write_decision(w, k, &v, dendir_proof_connection(proof), r);
	dendir_proof_free(proof);
	if (code != DEN_OK)
		return code;
	more = still_needed(r, v.word);
	learn_time(c, a->d, r->id);
	call_arg(c, "%s", r->id);
	call_arg(c, "%u", more);
	return !approves ? DEN_REJECTED : more ? DEN_APPROVED_PARTLY : DEN_APPROVED;
}

static enum den_code decide_read(struct call *c, struct dendir *d, struct den_request *r, enum den_act act)
{
	struct approval_context context = {.c = c, .d = d};
	struct dendir_business business;
	struct den_world world;
	struct den_case k = {.act = act, .who = c->peer.login, .rules = &business.rules, .request = r};
	enum den_code code = approval_rules(c, d, r->business, &business);

	approval_world(&world, &context);
	return code == DEN_OK ? decide(&world, &k, r) : code;
}

enum den_code request_decide(struct call *c)
{
	struct den_request *r = calloc(1, sizeof(*r));
	const char *id = call_string(c, DEN_TAG_ID), *word = call_string(c, DEN_TAG_DECISION);
	enum den_act act = strcmp(word, "approved") == 0 ? DEN_ACT_APPROVE : DEN_ACT_REJECT;
	enum den_code code;
	struct dendir *d = call_directory(c, &code);

	if (!d || !r) {
		free(r);
		return d ? DEN_INTERNAL : code;
	}
	if (act == DEN_ACT_REJECT && strcmp(word, "rejected") != 0) {
		call_arg(c, "%s", "decision");
		code = DEN_BAD_REQUEST;
	} else {
		code = call_refused(c, d, dendir_request_read(d, id, r));
	}
	if (code == DEN_REQUEST_UNKNOWN)
		call_arg(c, "%s", id);
	if (code == DEN_OK)
		code = decide_read(c, d, r, act);
	if (!call_dry_run(c))
		log_audit("decision", "by", c->peer.login, "id", r->id, "decision", word, "result", den_code_name(code), "digest",
			r->digest, NULL);
	free(r);
	return code;
}

/* -- using ----------------------------------------------------------------------------------------- */

struct use {
	struct approval_context context;
	struct den_world world;
	struct den_case k;
	struct dendir_business business;
	char login[DEN_LOGIN_ID_SIZE], facts[DEN_BINDINGS_SIZE];
	int only_ask, found_business;
	int stands; /* as it did a moment ago */
	int raced; /* somebody else used the one that was found */
	uint64_t begun; /* standing_begin, before anything was read; 0: nothing is to be kept */
	struct den_request *candidate[CANDIDATES_MAX];
	size_t n, next;
	char pending[12]; /* a request that only waits for a decision */
};

static void use_done(struct use *u)
{
	for (size_t i = 0; i < u->n; i++)
		free(u->candidate[i]);
	u->n = 0;
}

enum den_code approval_facts(struct call *c, char facts[DEN_BINDINGS_SIZE])
{
	size_t cursor = 0, len;
	const char *value;
	uint16_t tag;

	facts[0] = '\0';
	while (den_message_next(c->in, &cursor, &tag, &value, &len)) {
		if (tag != DEN_TAG_FACT)
			continue;
		if (strlen(value) != len || den_bindings_add(facts, value) != 0) {
			call_arg(c, "%.60s", value);
			return DEN_FIELD_BINDING;
		}
	}
	return DEN_OK;
}

/* What this denshid knows by itself isn't the caller's to say. */
static enum den_code add_own_fact(struct call *c, char facts[DEN_BINDINGS_SIZE])
{
	char fact[DEN_BINDING_SIZE];

	snprintf(fact, sizeof(fact), "host=%s", c->shared->site->host);
	if (den_bindings_add(facts, fact) == 0)
		return DEN_OK;
	call_arg(c, "host");
	return DEN_FIELD_BINDING;
}

static enum den_code take_demand(struct use *u, struct call *c)
{
	struct den_case *k = &u->k;
	uint64_t need = den_message_number(c->in, DEN_TAG_NEED, 0), within = den_message_number(c->in, DEN_TAG_WITHIN, 0);
	struct view_user user;
	enum den_code code;

	*k = (struct den_case){
		.act = DEN_ACT_USE,
		.who = u->login,
		.rules = &u->business.rules,
		.account = call_string(c, DEN_TAG_ACCOUNT),
		.other = strcmp(call_string(c, DEN_TAG_APPROVER), "any") != 0,
		.need = need > DEN_APPROVERS_MAX ? DEN_APPROVERS_MAX + 1 : (unsigned)need,
		.match = call_string(c, DEN_TAG_MATCH),
		.facts = u->facts,
		.within = within > (uint64_t)DEN_REQUEST_DAYS * DAY_S ? (int64_t)DEN_REQUEST_DAYS * DAY_S : (int64_t)within,
	};
	u->only_ask = call_dry_run(c);
	if (!call_login(c, u->login) || !view_user_by_login(c->shared->view, u->login, &user))
		return DEN_LOGIN_UNKNOWN;
	if (!dendir_name_is_plain(call_string(c, DEN_TAG_BUSINESS)) || (*k->account && !dendir_name_is_plain(k->account))) {
		call_arg(c, "business");
		return DEN_BAD_REQUEST;
	}
	code = approval_facts(c, u->facts);
	if (code == DEN_OK)
		code = add_own_fact(c, u->facts);
	/* Using one up is for services: root's, or the user's own. */
	return code == DEN_OK ? call_needs_service_or(c, u->login) : code;
}

static int keep_candidate(struct use *u, const struct den_request *r)
{
	if (u->n == CANDIDATES_MAX || (*u->k.account && strcmp(u->k.account, r->account) != 0))
		return 0;
	u->candidate[u->n] = malloc(sizeof(*r));
	if (!u->candidate[u->n])
		return 1;
	*u->candidate[u->n++] = *r;
	return 0;
}

/* The business and the requests of it come from one search. */
static int note_entry(void *context, struct dendir_entry *e)
{
	struct use *u = context;
	struct den_request *r;
	int rc = 0;

	if (*dendir_entry_string(e, "denshiKind")) {
		dendir_business_fill(&u->business, e);
		u->found_business = 1;
		return 0;
	}
	r = malloc(sizeof(*r));
	if (!r)
		return 1;
	if (dendir_request_fill(r, e) == 0)
		rc = keep_candidate(u, r);
	free(r);
	return rc;
}

static enum den_code find(struct use *u)
{
	struct dendir *d = u->context.d;
	const char *business = call_string(u->context.c, DEN_TAG_BUSINESS);
	char filter[DENDIR_REQUEST_FILTER_SIZE], maker[DENDIR_DN_SIZE], base[DENDIR_DN_SIZE], since[DENDIR_TIME_SIZE];
	enum den_code code;

	use_done(u);
	u->next = 0;
	u->found_business = 0;
	if (!dendir_filter(filter, sizeof(filter),
		    "(|(&(objectClass=denshiBusinessEntry)(cn=%s))"
		    "(&(denshiMaker=%s)(denshiExpires>=%s)(denshiBusiness=%s)(denshiDecision=approved)(!(denshiUsed=*))))",
		    business, dendir_dn(maker, d, DENDIR_DN_PEOPLE, u->login), dendir_time(since, u->world.now - DENDIR_REQUEST_SLACK_S),
		    business))
		return DEN_INTERNAL;
	code = dendir_search(d, dendir_dn(base, d, "%s", ""), DENDIR_SUBTREE, filter, dendir_request_attributes, note_entry, u);
	if (code == DEN_OK && !u->found_business) {
		call_arg(u->context.c, "%s", business);
		return DEN_BUSINESS_UNKNOWN;
	}
	return call_refused(u->context.c, d, code);
}

/* One that would do, and waits: for the refusal. */
static int note_pending(void *context, const struct den_request *r)
{
	struct use *u = context;
	char name[16];

	if (*r->withdrawn || den_request_end(r) <= u->world.now || *den_bindings_differ(r->bindings, u->facts, name) ||
		(*u->k.account && strcmp(u->k.account, r->account) != 0))
		return 0;
	memcpy(u->pending, r->id, sizeof(u->pending));
	return 1;
}

static void find_pending(struct use *u)
{
	char filter[DENDIR_REQUEST_FILTER_SIZE], maker[DENDIR_DN_SIZE], since[DENDIR_TIME_SIZE];

	if (dendir_filter(filter, sizeof(filter), "(&(denshiMaker=%s)(denshiExpires>=%s)(denshiBusiness=%s)(!(denshiDecision=*)))",
		    dendir_dn(maker, u->context.d, DENDIR_DN_PEOPLE, u->login), dendir_time(since, u->world.now - DENDIR_REQUEST_SLACK_S),
		    u->business.rules.id))
		(void)dendir_request_each(u->context.d, filter, note_pending, u);
}

/* The next one that may be used; otherwise why the last one may not. */
static enum den_code next_usable(struct use *u, struct den_why *why)
{
	struct den_request none = {.id = ""};
	enum den_code code;

	u->k.request = &none;
	code = den_approval_decide(&u->world, &u->k, why); /* approval-free, or that there is none */
	while (code != DEN_OK && u->next < u->n) {
		struct den_request *r = u->candidate[u->next++];

		u->k.request = r;
		if (r->need > 1 && dendir_request_read_earlier(u->context.d, r) != DEN_OK)
			return DEN_DIRECTORY_DOWN;
		code = den_approval_decide(&u->world, &u->k, why);
	}
	return code;
}

/* Marks it. By the directory's clock it may have been too late after all. */
static enum den_code use_up(struct use *u, struct den_why *why)
{
	struct call *c = u->context.c;
	int64_t at;
	enum den_code code = dendir_request_use(u->context.d, u->k.request->id, call_string(c, DEN_TAG_SERVICE), u->login,
		u->world.now, &at);

	standing_forget(c->shared->standing);
	u->raced = code == DEN_APPROVAL_MISSING;
	if (code != DEN_OK)
		return call_refused(c, u->context.d, code);
	view_set_time(c->shared->view, at);
	if (at >= 0 && at < den_request_end(u->k.request))
		return DEN_OK;
	why->n = 1;
	snprintf(why->arg[0], sizeof(why->arg[0]), "%s", u->k.request->id);
	return DEN_REQUEST_EXPIRED;
}

static void tell_approvers(struct call *c, const struct den_request *r)
{
	char all[DEN_APPROVERS_MAX * (DEN_LOGIN_ID_SIZE + 2)] = "";
	size_t used = 0;

	for (size_t i = 0; i + 1 < r->need; i++)
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s, ", r->earlier[i].by);
	snprintf(all + used, sizeof(all) - used, "%s", r->decision.by);
	call_arg(c, "%s", r->id);
	call_arg(c, "%s", all);
	den_message_add_string(c->out, DEN_TAG_ID, r->id);
	den_message_add_string(c->out, DEN_TAG_APPROVER, all);
}

static int is_for_a_time(const struct use *u)
{
	return u->k.within && !u->only_ask;
}

static enum den_code use_found(struct use *u)
{
	struct call *c = u->context.c;
	struct den_why why = {.n = 0};
	enum den_code code = next_usable(u, &why);

	if (code == DEN_OK && u->business.rules.approval_free) {
		call_arg(c, "%s", u->business.rules.id);
		return DEN_ALLOWED;
	}
	if (code == DEN_OK && !u->only_ask && !u->k.within) {
		code = use_up(u, &why);
		if (u->raced)
			return code;
	}
	if (code == DEN_OK) {
		if (!u->business.rules.is_signed)
			standing_keep(c->shared->standing, u->begun, u->k.account, &u->business.rules, u->k.request);
		tell_approvers(c, u->k.request);
		return u->only_ask || u->k.within ? DEN_APPROVAL_STANDS : DEN_APPROVAL_USED;
	}
	/* Nothing that is approved fits, but something waits that does: that is what helps. */
	if (code == DEN_APPROVAL_MISSING || code == DEN_REQUEST_ELSEWHERE || code == DEN_REQUEST_UNBOUND)
		find_pending(u);
	if (*u->pending) {
		call_arg(c, "%s", u->pending);
		call_arg(c, "%s", u->business.rules.id);
		return DEN_APPROVAL_PENDING;
	}
	return tell(&u->context, code, &why);
}

/* Somebody may use the one that was found in between: look for the next. */
static enum den_code use_one(struct use *u)
{
	enum den_code code = DEN_BUSY;

	for (int tries = 0; tries < CANDIDATES_MAX; tries++) {
		if (call_start_over(u->context.c) != 0)
			return DEN_INTERNAL;
		u->raced = 0;
		u->begun = is_for_a_time(u) ? standing_begin(u->context.c->shared->standing) : 0;
		code = find(u);
		if (code == DEN_OK)
			code = use_found(u);
		if (!u->raced)
			return code;
	}
	return DEN_BUSY;
}

/* What was found good a moment ago, decided anew; without the directory, whose credentials count as good then.
 * Whatever it says but yes, the directory is asked. */
static int stands_still(struct use *u)
{
	struct call *c = u->context.c;
	struct den_why why;
	struct standing_approval *a = is_for_a_time(u) ? standing_find(c->shared->standing, u->login,
								 call_string(c, DEN_TAG_BUSINESS), u->k.account)
						       : NULL;

	if (!a)
		return 0;
	u->business.rules = a->rules;
	u->k.request = &a->request;
	u->stands = den_approval_decide(&u->world, &u->k, &why) == DEN_OK;
	if (u->stands)
		tell_approvers(c, &a->request);
	u->k.request = NULL;
	free(a);
	return u->stands;
}

static enum den_code use_begin(struct use *u, struct call *c)
{
	u->context.c = c;
	approval_world(&u->world, &u->context);
	return take_demand(u, c);
}

static enum den_code use_connect(struct use *u)
{
	enum den_code code;

	u->context.d = call_directory(u->context.c, &code);
	return code;
}

static void log_use(struct use *u, enum den_code code)
{
	struct call *c = u->context.c;

	log_audit("approval-use", "user", u->login, "business", call_string(c, DEN_TAG_BUSINESS), "account", u->k.account,
		"service", call_string(c, DEN_TAG_SERVICE), "id", den_message_string_or_empty(c->out, DEN_TAG_ID), "approver",
		den_message_string_or_empty(c->out, DEN_TAG_APPROVER), "only-asked", u->only_ask ? "yes" : "", "result",
		den_code_name(code), NULL);
}

enum den_code approval_use(struct call *c)
{
	struct use *u = calloc(1, sizeof(*u));
	enum den_code code;

	if (!u)
		return DEN_INTERNAL;
	code = use_begin(u, c);
	if (code == DEN_OK && stands_still(u)) {
		code = DEN_APPROVAL_STANDS;
	} else if (code == DEN_OK) {
		code = use_connect(u);
		if (code == DEN_OK)
			code = use_one(u);
	}
	if (u->context.d || u->stands)
		log_use(u, code);
	use_done(u);
	free(u);
	return code;
}

/* -- on the spot ------------------------------------------------------------------------------------ */

/* What the request of this moment is. */
static enum den_code fill_spot(struct use *u, struct den_request *r)
{
	struct call *c = u->context.c;
	const char *subject = call_string(c, DEN_TAG_SUBJECT);
	long len = dendir_normalise(r->subject, sizeof(r->subject), subject);

	if (len < 0 || !den_subject_is_valid(r->subject, (size_t)len))
		return DEN_FIELD_SUBJECT;
	snprintf(r->maker, sizeof(r->maker), "%s", u->login);
	snprintf(r->business, sizeof(r->business), "%s", u->business.rules.id);
	snprintf(r->account, sizeof(r->account), "%s", u->k.account);
	snprintf(r->bindings, sizeof(r->bindings), "%s", u->facts);
	snprintf(r->session, sizeof(r->session), "%.60s %.60s", call_string(c, DEN_TAG_TTY), call_string(c, DEN_TAG_RHOST));
	r->requested = c->now;
	r->created = u->world.now;
	r->expires = c->now + DEN_REQUEST_DAYS * DAY_S;
	r->need = den_rules_need(&u->business.rules, &r->amount);
	/* One stands by. */
	return r->need > 1 || u->k.need > 1 ? DEN_APPROVERS_NEEDED : DEN_OK;
}

static enum den_code approve_spot(struct use *u, struct den_request *r, struct dendir *approver, const char *by)
{
	struct call *c = u->context.c;
	char anchor[CHAIN_ANCHOR_SIZE];
	struct dendir_verdict v = {.request = r, .by = by, .word = "approved", .signature = "", .now = u->world.now,
		.serial = serial_in_force(c), .anchor = chain_anchor(anchor)};
	enum den_code code = approval_enter(c, u->context.d, r);

	if (code == DEN_OK)
		code = call_refused(c, approver, dendir_request_decide(approver, &v));
	log_audit("request", "by", r->maker, "business", r->business, "account", r->account, "id", r->id, "digest",
		r->digest, "result", den_code_name(code), NULL);
	log_audit("decision", "by", by, "id", r->id, "decision", v.word, "where", "on-the-spot", "result",
		den_code_name(code), "digest", r->digest, NULL);
	return code;
}

/* Both may, before anybody's password is tried. */
static enum den_code check_spot(struct use *u, struct den_request *r, const char *by)
{
	struct den_case enter = {.act = DEN_ACT_ENTER, .who = r->maker, .rules = &u->business.rules, .request = r};
	struct den_case approve = {.act = DEN_ACT_APPROVE, .who = by, .rules = &u->business.rules, .request = r};
	enum den_code code;

	snprintf(r->id, sizeof(r->id), "r-");
	code = approval_decide(&u->world, &enter);
	if (code == DEN_OK && u->k.other && strcmp(by, r->maker) == 0) {
		call_arg(u->context.c, "%s", r->id);
		call_arg(u->context.c, "%s", r->business);
		return DEN_SELF_APPROVAL;
	}
	if (code == DEN_OK && approval_digest(NULL, r, r->digest) != 0)
		return DEN_INTERNAL;
	return code == DEN_OK ? approval_decide(&u->world, &approve) : code;
}

static enum den_code spot(struct use *u, struct den_request *r)
{
	struct call *c = u->context.c;
	const char *typed = call_string(c, DEN_TAG_DECIDED_BY);
	struct dendir_proof *proof = NULL;
	char by[DEN_LOGIN_ID_SIZE];
	enum den_code code = fill_spot(u, r);

	/* Nobody learns which names exist: as for a name that nobody has (R-LOCK-4). */
	if (code == DEN_OK && (den_login_id_parse(by, typed, strlen(typed)) != 0 || !is_active(&u->context, by)))
		code = DEN_LOGIN_UNKNOWN;
	if (code == DEN_OK)
		code = check_spot(u, r, by);
	if (code == DEN_OK)
		code = call_approve_as(c, by, call_string(c, DEN_TAG_SERVICE), &proof);
	if (code == DEN_OK)
		code = approve_spot(u, r, dendir_proof_connection(proof), by);
	dendir_proof_free(proof);
	return code == DEN_OK ? use_one(u) : code;
}

enum den_code approval_on_the_spot(struct call *c)
{
	struct use *u = calloc(1, sizeof(*u));
	struct den_request *r = calloc(1, sizeof(*r));
	enum den_code code = u && r ? DEN_OK : DEN_INTERNAL;

	if (code == DEN_OK)
		code = use_begin(u, c);
	if (code == DEN_OK)
		code = use_connect(u);
	if (code == DEN_OK && c->uid != 0) {
		call_arg(c, "%s", u->login);
		code = DEN_NOT_PERMITTED;
	}
	if (code == DEN_OK)
		code = find(u);
	if (code == DEN_OK)
		code = spot(u, r);
	if (u && u->context.d)
		log_use(u, code);
	if (u)
		use_done(u);
	free(u);
	free(r);
	return code;
}

/* -- waiting ---------------------------------------------------------------------------------------- */

struct waiting {
	struct den_world world;
	struct approval_context context;
	struct approval_catalogue catalogue;
	const char *login;
	unsigned count;
};

static int count_waiting(void *context, const struct den_request *r)
{
	struct waiting *w = context;
	struct den_case k = {.act = DEN_ACT_APPROVE, .who = w->login, .request = r, .only_ask = 1};
	struct den_why why;

	k.rules = approval_catalogue_find(&w->catalogue, r->business);
	w->count += k.rules && den_approval_decide(&w->world, &k, &why) == DEN_OK;
	return 0;
}

unsigned approval_waiting(struct call *c, struct dendir *d, const char *login)
{
	struct waiting w = {.context = {.c = c}, .login = login};
	char filter[DENDIR_REQUEST_FILTER_SIZE];

	approval_world(&w.world, &w.context);
	if (approval_catalogue_load(d, &w.catalogue) == DEN_OK)
		(void)dendir_request_each(d, dendir_request_filter(filter, "(!(denshiDecision=*))", w.world.now), count_waiting,
			&w);
	approval_catalogue_done(&w.catalogue);
	return w.count;
}
