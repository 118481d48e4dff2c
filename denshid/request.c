/* Requests: entering, withdrawing, listing (R-APP-1, R-APP-6). */
#include "directory/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "denshid/approval.h"
#include "denshid/log.h"
#include "denshid/notice.h"
#include "directory/normalise.h"
#include "directory/update.h"

#define COMMAND_WORDS_MAX 128
/* Requests of several approvers in one list: what others have decided is read for so many. */
#define SHARED_MAX 256

/* -- entering ------------------------------------------------------------------------- */

enum den_code approval_enter(struct call *c, struct dendir *d, struct den_request *r)
{
	enum den_code code = DEN_BUSY;

	/* An id is random; one that is taken is made again. */
	for (int tries = 0; code == DEN_BUSY && tries < 5; tries++) {
		dendir_random_name(r->id, "r-");
		if (approval_digest(NULL, r, r->digest) != 0)
			return DEN_INTERNAL;
		code = dendir_request_add(d, r);
	}
	return call_refused(c, d, code);
}

static enum den_code take_attachment(struct call *c, struct den_attachment *a)
{
	const char *text = call_string(c, DEN_TAG_ATTACHMENT);
	unsigned long long size;
	int at = 0;

	if (!*text)
		return DEN_OK;
	if (sscanf(text, "%18llu %64[0-9a-f] %n", &size, a->digest, &at) != 2 || !at ||
		strlen(a->digest) != DEN_DIGEST_SIZE - 1 || strlen(text + at) >= sizeof(a->name) ||
		!den_subject_is_valid(text + at, strlen(text + at)))
		return DEN_FIELD_ATTACHMENT;
	a->size = size;
	snprintf(a->name, sizeof(a->name), "%s", text + at);
	return DEN_OK;
}

/* The words of a command, as one binding; and what the request is about, where nothing else is said. */
static enum den_code take_command(struct call *c, struct den_request *r)
{
	const char *words[COMMAND_WORDS_MAX], *value;
	char text[DEN_SUBJECT_SIZE], binding[DEN_BINDING_SIZE];
	size_t n = 0, cursor = 0, len;
	uint16_t tag;

	while (den_message_next(c->in, &cursor, &tag, &value, &len)) {
		if (tag != DEN_TAG_COMMAND)
			continue;
		if (n == COMMAND_WORDS_MAX || strlen(value) != len)
			return DEN_FIELD_COMMAND;
		words[n++] = value;
	}
	if (n == 0)
		return DEN_OK;
	if (words[0][0] != '/' || den_command_text(text, sizeof(text), words, n) != 0)
		return DEN_FIELD_COMMAND;
	snprintf(binding, sizeof(binding), "command=%s", text);
	if (!*r->subject)
		memcpy(r->subject, text, sizeof(r->subject));
	if (den_bindings_add(r->bindings, binding) != 0)
		return DEN_FIELD_COMMAND;
	/* On this host, where nothing else is said. */
	snprintf(binding, sizeof(binding), "host=%s", c->shared->site->host);
	(void)den_bindings_add(r->bindings, binding);
	return DEN_OK;
}

static enum den_code take_subject(struct call *c, struct den_request *r)
{
	const char *typed = call_string(c, DEN_TAG_SUBJECT);
	long len = dendir_normalise(r->subject, sizeof(r->subject), typed);

	if (len == 0 && !*typed && den_message_string(c->in, DEN_TAG_COMMAND))
		return DEN_OK;
	return len >= 0 && den_subject_is_valid(r->subject, (size_t)len) ? DEN_OK : DEN_FIELD_SUBJECT;
}

static enum den_code take_amount(struct call *c, struct den_request *r)
{
	const char *typed = call_string(c, DEN_TAG_AMOUNT);

	if (!*typed || den_amount_parse(&r->amount, typed) == 0)
		return DEN_OK;
	call_arg(c, "%.60s", typed);
	return DEN_FIELD_AMOUNT;
}

static enum den_code take_fields(struct call *c, const struct den_rules *rules, struct den_request *r)
{
	const char *tty = call_string(c, DEN_TAG_TTY);
	uint64_t need;
	enum den_code code = take_subject(c, r);

	if (code == DEN_OK)
		code = take_amount(c, r);
	if (code == DEN_OK)
		code = take_attachment(c, &r->attachment);
	if (code == DEN_OK)
		code = approval_facts(c, r->bindings);
	if (code == DEN_OK)
		code = take_command(c, r);
	memcpy(r->maker, c->peer.login, sizeof(r->maker));
	if (den_subject_is_valid(tty, strlen(tty)))
		snprintf(r->session, sizeof(r->session), "%.100s", tty);
	need = den_message_number(c->in, DEN_TAG_NEED, den_rules_need(rules, &r->amount));
	r->need = need <= DEN_APPROVERS_MAX ? (unsigned)need : 0;
	r->requested = c->now;
	r->created = c->now;
	r->expires = c->now + DEN_REQUEST_DAYS * DAY_S;
	return code;
}

static enum den_code take_account(struct call *c, struct dendir *d, struct den_request *r)
{
	const char *id = call_string(c, DEN_TAG_ACCOUNT);
	struct dendir_account account;
	enum den_code code;

	if (!*id)
		return DEN_OK;
	code = dendir_account_read(d, id, &account);
	if (code == DEN_ACCOUNT_UNKNOWN)
		call_arg(c, "%s", id);
	if (code == DEN_OK)
		snprintf(r->account, sizeof(r->account), "%s", account.id);
	return call_refused(c, d, code);
}

static enum den_code check_new(struct call *c, struct dendir *d, struct dendir_business *business,
	struct den_request *r)
{
	struct approval_context context = {.c = c, .d = d};
	struct den_world world;
	struct den_case k = {.act = DEN_ACT_ENTER, .who = c->peer.login, .rules = &business->rules, .request = r};
	enum den_code code = approval_rules(c, d, call_string(c, DEN_TAG_BUSINESS), business);

	if (code == DEN_OK)
		code = take_account(c, d, r);
	if (code != DEN_OK)
		return code;
	snprintf(r->business, sizeof(r->business), "%s", business->rules.id);
	approval_world(&world, &context);
	code = take_fields(c, &business->rules, r);
	return code == DEN_OK ? approval_decide(&world, &k) : code;
}

static enum den_code tell_new(struct call *c, struct dendir *d, const struct den_rules *rules, struct den_request *r)
{
	char shown[DENCRYPT_DIGEST_SHORT_SIZE];

	approval_short_digest(r, shown);
	call_arg(c, "%s", r->id);
	call_arg(c, "%s", shown);
	den_message_add_string(c->out, DEN_TAG_ID, r->id);
	den_message_add_string(c->out, DEN_TAG_DIGEST, shown);
	if (dendir_request_read(d, r->id, r) == DEN_OK) {
		view_set_time(c->shared->view, r->created);
		notice_leave(c, d, rules, r);
	}
	return DEN_REQUEST_MADE;
}

enum den_code request_new(struct call *c)
{
	struct den_request *r = calloc(1, sizeof(*r));
	struct dendir_business business;
	enum den_code code;
	struct dendir *d = call_directory(c, &code);

	if (!d || !r) {
		free(r);
		return d ? DEN_INTERNAL : code;
	}
	code = check_new(c, d, &business, r);
	if (code == DEN_OK && !call_dry_run(c)) {
		code = approval_enter(c, d, r);
		log_audit("request", "by", r->maker, "business", r->business, "account", r->account, "id", r->id,
			"digest", r->digest, "result", den_code_name(code), NULL);
		if (code == DEN_OK)
			code = tell_new(c, d, &business.rules, r);
	}
	free(r);
	return code;
}

/* -- withdrawing ---------------------------------------------------------------------------- */

static enum den_code withdraw(struct call *c, struct dendir *d, struct den_request *r)
{
	struct approval_context context = {.c = c, .d = d};
	/* The business may be gone: what is taken back needs none of its rules. */
	const struct den_rules rules = {.need = 1};
	struct den_world world;
	struct den_case k = {.act = DEN_ACT_WITHDRAW, .who = c->peer.login, .rules = &rules, .request = r};
	enum den_code code;

	approval_world(&world, &context);
	code = approval_decide(&world, &k);
	if (code != DEN_OK || call_dry_run(c))
		return code;
	code = dendir_request_withdraw(d, r->id, world.now);
	/* Decided at the same moment: the decision stands. */
	if (code == DEN_DIRECTORY_REFUSED && dendir_request_read(d, r->id, r) == DEN_OK) {
		enum den_code why = approval_decide(&world, &k);

		return why == DEN_OK ? call_refused(c, d, code) : why;
	}
	if (code == DEN_OK) {
		call_arg(c, "%s", r->id);
		return DEN_WITHDRAWN;
	}
	return code;
}

enum den_code request_withdraw(struct call *c)
{
	struct den_request *r = calloc(1, sizeof(*r));
	const char *id = call_string(c, DEN_TAG_ID);
	enum den_code code;
	struct dendir *d = call_directory(c, &code);

	if (d && r)
		code = call_refused(c, d, dendir_request_read(d, id, r));
	else if (d)
		code = DEN_INTERNAL;
	if (code == DEN_REQUEST_UNKNOWN)
		call_arg(c, "%s", id);
	if (code == DEN_OK)
		code = withdraw(c, d, r);
	if (!call_dry_run(c))
		log_audit("withdrawal", "by", c->peer.login, "id", r ? r->id : "", "result", den_code_name(code), NULL);
	free(r);
	return code;
}

/* -- listing ------------------------------------------------------------------------------- */

struct listing {
	struct call *c;
	struct den_world world;
	struct approval_context context;
	struct approval_catalogue catalogue;
	const char *which;
	/* Those that need what others have decided: sent when the search is over. */
	struct den_request **shared;
	size_t n;
};

/* Whether this user could approve it, as things are. */
static int may_approve(struct listing *l, const struct den_request *r)
{
	struct den_case k = {.act = DEN_ACT_APPROVE, .who = l->c->peer.login, .request = r, .only_ask = 1};
	struct den_why why;

	k.rules = approval_catalogue_find(&l->catalogue, r->business);
	return k.rules && den_approval_decide(&l->world, &k, &why) == DEN_OK;
}

/* An approver of the business and the account: also of what is decided, or their own. */
static int is_approver(struct listing *l, const struct den_request *r)
{
	const char *login = l->c->peer.login;
	char authority[DENDIR_AUTHORITY_SIZE];

	snprintf(authority, sizeof(authority), "%s.approver", r->business);
	if (!l->world.holds(l->world.context, login, authority))
		return 0;
	snprintf(authority, sizeof(authority), "acct.%s", r->account);
	return !*r->account || l->world.holds(l->world.context, login, authority);
}

/* One's own requests, those of one's businesses, and all for a master. */
static int is_wanted(struct listing *l, const struct den_request *r)
{
	int own = strcmp(r->maker, l->c->peer.login) == 0;

	if (strcmp(l->which, "mine") == 0)
		return own;
	if (strcmp(l->which, "to-approve") == 0)
		return may_approve(l, r);
	return own || (l->c->peer.flags & DEN_USER_MASTER) || is_approver(l, r);
}

static void add_bindings(struct den_message *m, const char *bindings)
{
	char line[DEN_BINDING_SIZE];

	while (*bindings) {
		size_t len = strcspn(bindings, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)len, bindings);
		den_message_add_string(m, DEN_TAG_FACT, line);
		bindings += len + (bindings[len] == '\n');
	}
}

static void add_attachment(struct den_message *m, const struct den_attachment *a)
{
	char line[DEN_FILE_NAME_SIZE + DEN_DIGEST_SIZE + 64];

	if (!*a->digest)
		return;
	snprintf(line, sizeof(line), "%s, %llu bytes, SHA-256 %s", a->name, (unsigned long long)a->size, a->digest);
	den_message_add_string(m, DEN_TAG_ATTACHMENT, line);
}

static void add_decision(struct den_message *m, const struct den_decision *d)
{
	char line[sizeof(d->on) + 64];

	if (!*d->word)
		return;
	den_message_add_string(m, DEN_TAG_DECIDED_BY, d->by);
	snprintf(line, sizeof(line), "%s %s %s%s", d->word, d->by, d->on, *d->signature ? " signed" : "");
	den_message_add_string(m, DEN_TAG_RECORD, line);
}

static void add_steps(struct den_message *m, const struct den_request *r)
{
	for (size_t i = 0; i < DEN_APPROVERS_MAX - 1; i++)
		add_decision(m, &r->earlier[i]);
	add_decision(m, &r->decision);
	den_message_add_string(m, DEN_TAG_REASON, r->reason);
	den_message_add_string(m, DEN_TAG_USED, *r->used ? r->used : NULL);
}

/* What a signature is made with. */
static void add_signed(struct listing *l, struct den_message *m, const struct den_request *r)
{
	const struct den_rules *rules = approval_catalogue_find(&l->catalogue, r->business);

	if (rules && rules->is_signed)
		den_message_add_number(m, DEN_TAG_SIGNED, (uint64_t)l->world.now);
}

static int send_request(struct listing *l, const struct den_request *r)
{
	struct den_message *m;
	char shown[DENCRYPT_DIGEST_SHORT_SIZE], amount[DEN_AMOUNT_SIZE];

	if (!is_wanted(l, r) || !(m = den_message_new(DEN_OK)))
		return 0;
	approval_short_digest(r, shown);
	den_message_add_string(m, DEN_TAG_ID, r->id);
	den_message_add_string(m, DEN_TAG_BUSINESS, r->business);
	den_message_add_string(m, DEN_TAG_ACCOUNT, r->account);
	den_message_add_string(m, DEN_TAG_SUBJECT, r->subject);
	if (*r->amount.currency)
		den_message_add_string(m, DEN_TAG_AMOUNT, den_amount_format(amount, &r->amount));
	add_attachment(m, &r->attachment);
	add_bindings(m, r->bindings);
	den_message_add_number(m, DEN_TAG_NEED, r->need);
	den_message_add_string(m, DEN_TAG_MAKER, r->maker);
	den_message_add_string(m, DEN_TAG_STATE, den_request_state(r, l->world.now));
	den_message_add_number(m, DEN_TAG_TIME, (uint64_t)r->created);
	den_message_add_number(m, DEN_TAG_EXPIRES, (uint64_t)den_request_end(r));
	den_message_add_string(m, DEN_TAG_DIGEST, shown);
	den_message_add_string(m, DEN_TAG_SHA256, r->digest);
	add_signed(l, m, r);
	den_message_add_string(m, DEN_TAG_HOST, r->host);
	den_message_add_string(m, DEN_TAG_TEXT, *r->session ? r->session : NULL);
	add_steps(m, r);
	return call_row(l->c, m);
}

static int list_request(void *context, const struct den_request *r)
{
	struct listing *l = context;
	struct den_request **more, *copy;

	if (r->need < 2 || l->n == SHARED_MAX)
		return send_request(l, r);
	more = reallocarray(l->shared, l->n + 1, sizeof(struct den_request *));
	if (more)
		l->shared = more;
	copy = more ? malloc(sizeof(*copy)) : NULL;
	if (!copy)
		return 1;
	*copy = *r;
	l->shared[l->n++] = copy;
	return 0;
}

static enum den_code send_shared(struct listing *l, struct dendir *d)
{
	enum den_code code = DEN_OK;

	for (size_t i = 0; i < l->n; i++) {
		if (code == DEN_OK)
			code = dendir_request_read_earlier(d, l->shared[i]);
		if (code == DEN_OK && send_request(l, l->shared[i]) != 0)
			code = DEN_BUSY;
		free(l->shared[i]);
	}
	free(l->shared);
	return code;
}

static enum den_code list_one(struct listing *l, struct dendir *d, const char *id)
{
	struct den_request *r = calloc(1, sizeof(*r));
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
		return dendir_request_each(d, dendir_request_filter(filter, "(!(denshiDecision=*))", l->c->now), list_request, l);
	if (strcmp(l->which, "mine") != 0)
		return dendir_request_each(d, NULL, list_request, l);
	if (!dendir_filter(filter, sizeof(filter), "(&(objectClass=denshiRequest)(denshiMaker=%s))",
		    dendir_dn(maker, d, DENDIR_DN_PEOPLE, l->c->peer.login)))
		return DEN_INTERNAL;
	return dendir_request_each(d, filter, list_request, l);
}

enum den_code request_list(struct call *c)
{
	struct listing l = {.c = c, .context = {.c = c}, .which = call_string(c, DEN_TAG_WHICH)};
	const char *id = call_string(c, DEN_TAG_ID);
	enum den_code code, shared;
	struct dendir *d = call_directory(c, &code);

	if (!d)
		return code;
	approval_world(&l.world, &l.context);
	code = approval_catalogue_load(d, &l.catalogue);
	if (code == DEN_OK)
		code = *id ? list_one(&l, d, id) : list_some(&l, d);
	shared = send_shared(&l, d);
	approval_catalogue_done(&l.catalogue);
	return call_refused(c, d, code == DEN_OK ? shared : code);
}
