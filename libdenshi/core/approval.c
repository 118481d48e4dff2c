#include "core/approval.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY_S 86400

/* -- why -------------------------------------------------------------------------------- */

static enum den_code say(struct den_why *why, enum den_code code, ...) __attribute__((sentinel));
static enum den_code say(struct den_why *why, enum den_code code, ...)
{
	const char *arg;
	va_list ap;

	why->n = 0;
	va_start(ap, code);
	while ((arg = va_arg(ap, const char *)) && why->n < DEN_WHY_ARGS)
		snprintf(why->arg[why->n++], sizeof(why->arg[0]), "%s", arg);
	va_end(ap);
	return code;
}

static const char *date(char buf[16], int64_t t)
{
	time_t seconds = (time_t)t;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(buf, 16, "%Y-%m-%d", &tm))
		snprintf(buf, 16, "?");
	return buf;
}

/* -- the request by itself -------------------------------------------------------------------- */

int64_t den_request_end(const struct den_request *r)
{
	int64_t life = r->expires - r->requested, most = (int64_t)DEN_REQUEST_DAYS * DAY_S;

	if (life < 0)
		life = 0;
	return r->created + (life < most ? life : most);
}

const char *den_request_state(const struct den_request *r, int64_t now)
{
	if (*r->used)
		return "used";
	if (*r->withdrawn)
		return "withdrawn";
	if (*r->decision.word && strcmp(r->decision.word, "approved") != 0)
		return "rejected";
	if (den_request_end(r) <= now)
		return "expired";
	return *r->decision.word ? "approved" : "pending";
}

unsigned den_rules_need(const struct den_rules *rules, const struct den_amount *amount)
{
	unsigned need = rules->need ? rules->need : 1;

	for (size_t i = 0; i < rules->nsteps; i++)
		if (den_amount_reaches(amount, &rules->steps[i].from) && rules->steps[i].need > need)
			need = rules->steps[i].need;
	return need;
}

/* -- parts of the decision ------------------------------------------------------------------------ */

static enum den_code check_holds(const struct den_world *w, const char *login, const char *before, const char *after,
	struct den_why *why)
{
	char authority[48];

	snprintf(authority, sizeof(authority), "%s.%s", before, after);
	return w->holds(w->context, login, authority) ? DEN_OK : say(why, DEN_AUTHORITY_NEEDED, login, authority, NULL);
}

/* Active, with the role, and the account where there is one (R-AUTH-3). */
static enum den_code check_person(const struct den_world *w, const struct den_case *k, const char *login,
	const char *role, const char *account, struct den_why *why)
{
	enum den_code code;

	if (!w->is_active(w->context, login))
		return say(why, DEN_SUSPENDED, login, NULL);
	code = check_holds(w, login, k->rules->id, role, why);
	return code == DEN_OK && *account ? check_holds(w, login, "acct", account, why) : code;
}

static enum den_code check_amount(const struct den_rules *rules, const struct den_request *r, struct den_why *why)
{
	if (!rules->ncurrencies && !*r->amount.currency)
		return DEN_OK;
	for (size_t i = 0; i < rules->ncurrencies; i++)
		if (strcmp(rules->currencies[i], r->amount.currency) == 0)
			return DEN_OK;
	return say(why, rules->ncurrencies ? DEN_AMOUNT_NEEDED : DEN_AMOUNT_UNWANTED, rules->id,
		rules->ncurrencies ? rules->currencies[0] : NULL, NULL);
}

static enum den_code check_limit(const struct den_rules *rules, const struct den_request *r, const char *login,
	struct den_why *why)
{
	char text[DEN_AMOUNT_SIZE];
	int limited = 0;

	for (size_t i = 0; i < rules->nlimits; i++) {
		const struct den_amount *most = &rules->limits[i].most;

		if (strcmp(rules->limits[i].login, login) != 0)
			continue;
		limited = 1;
		if (den_amount_reaches(most, &r->amount))
			return DEN_OK;
		den_amount_format(text, most);
	}
	return limited ? say(why, DEN_APPROVAL_LIMIT, r->id, login, text, NULL) : DEN_OK;
}

static int has_decided(const struct den_request *r, const char *login)
{
	for (size_t i = 0; i < DEN_APPROVERS_MAX - 1; i++)
		if (strcmp(r->earlier[i].by, login) == 0)
			return 1;
	return 0;
}

/* What has ended a request, if anything has. */
static enum den_code check_pending(const struct den_world *w, const struct den_request *r, struct den_why *why)
{
	char day[16];

	if (*r->used)
		return say(why, DEN_REQUEST_USED, r->id, r->used, NULL);
	if (*r->withdrawn)
		return say(why, DEN_REQUEST_WITHDRAWN, r->id, r->maker, NULL);
	if (*r->decision.word)
		return say(why, DEN_REQUEST_DECIDED, r->id, r->decision.word, r->decision.by, NULL);
	if (den_request_end(r) <= w->now)
		return say(why, DEN_REQUEST_EXPIRED, r->id, date(day, den_request_end(r)), NULL);
	return DEN_OK;
}

/* The entry is what its digest says (R-APP-2). */
static enum den_code check_intact(const struct den_world *w, const struct den_request *r, struct den_why *why)
{
	char hex[DEN_DIGEST_SIZE];

	if (w->digest(w->context, r, hex) == 0 && *r->digest && strcmp(hex, r->digest) == 0)
		return DEN_OK;
	return say(why, DEN_REQUEST_ALTERED, r->id, NULL);
}

static enum den_code check_credential(enum den_credential state, const char *login, struct den_why *why)
{
	switch (state) {
	case DEN_CREDENTIAL_GOOD:
		return DEN_OK;
	case DEN_CREDENTIAL_NONE:
		return say(why, DEN_APPROVAL_NONE, login, NULL);
	case DEN_CREDENTIAL_LOCKED:
		return say(why, DEN_APPROVAL_LOCKED, login, NULL);
	case DEN_CREDENTIAL_INITIAL:
		return say(why, DEN_APPROVAL_INITIAL, NULL);
	case DEN_CREDENTIAL_EXPIRED:
		return say(why, DEN_APPROVAL_EXPIRED, "", NULL);
	case DEN_CREDENTIAL_UNKNOWN:
		break;
	}
	return say(why, DEN_DIRECTORY_DOWN, NULL);
}

/* Where the business wants that, whoever decides it shows their certificate's key (R-APP-1). */
static enum den_code check_signature(const struct den_world *w, const struct den_case *k, const struct den_decision *d,
	const char *by, struct den_why *why)
{
	enum den_code code;

	if (!k->rules->is_signed)
		return DEN_OK;
	code = d && *d->signature ? w->signature(w->context, k->request, d) : DEN_SIGNATURE_NEEDED;
	return code == DEN_OK ? DEN_OK : say(why, code, k->request->id, by, k->rules->id, NULL);
}

/* -- the acts --------------------------------------------------------------------------------- */

static enum den_code may_enter(const struct den_world *w, const struct den_case *k, struct den_why *why)
{
	const struct den_request *r = k->request;
	enum den_code code;

	if (k->rules->approval_free)
		return say(why, DEN_BUSINESS_APPROVAL_FREE, k->rules->id, NULL);
	code = check_person(w, k, k->who, "maker", r->account, why);
	if (code == DEN_OK)
		code = check_amount(k->rules, r, why);
	if (code == DEN_OK && (r->need < den_rules_need(k->rules, &r->amount) || r->need > DEN_APPROVERS_MAX))
		code = say(why, DEN_FIELD_NEED, NULL);
	return code;
}

static enum den_code may_withdraw(const struct den_world *w, const struct den_case *k, struct den_why *why)
{
	if (strcmp(k->request->maker, k->who) != 0)
		return say(why, DEN_REQUEST_NOT_YOURS, k->request->id, k->request->maker, NULL);
	if (!w->is_active(w->context, k->who))
		return say(why, DEN_SUSPENDED, k->who, NULL);
	return check_pending(w, k->request, why);
}

static enum den_code may_decide(const struct den_world *w, const struct den_case *k, struct den_why *why)
{
	const struct den_request *r = k->request;
	enum den_code code = check_person(w, k, k->who, "approver", r->account, why);

	if (code == DEN_OK && !k->rules->self_approval && strcmp(r->maker, k->who) == 0)
		code = say(why, DEN_SELF_APPROVAL, r->id, r->business, NULL);
	if (code == DEN_OK)
		code = check_pending(w, r, why);
	if (code == DEN_OK && has_decided(r, k->who))
		code = say(why, DEN_APPROVED_ALREADY, r->id, k->who, NULL);
	if (code == DEN_OK)
		code = check_intact(w, r, why);
	if (code == DEN_OK && k->act == DEN_ACT_APPROVE)
		code = check_limit(k->rules, r, k->who, why);
	if (code == DEN_OK && !k->only_ask)
		code = check_signature(w, k, k->decision, k->who, why);
	return code == DEN_OK ? check_credential(w->credential(w->context, k->who), k->who, why) : code;
}

/* One of the decisions that a use stands on, as it counts now. */
static enum den_code check_decision(const struct den_world *w, const struct den_case *k, const struct den_decision *d,
	struct den_why *why)
{
	const struct den_request *r = k->request;
	enum den_credential credential;
	enum den_code code;

	if (strcmp(d->word, "approved") != 0)
		return say(why, DEN_APPROVAL_PENDING, r->id, r->business, NULL);
	if (strcmp(d->digest, r->digest) != 0)
		return say(why, DEN_REQUEST_ALTERED, r->id, NULL);
	if ((k->other || !k->rules->self_approval) && strcmp(d->by, r->maker) == 0)
		return say(why, DEN_SELF_APPROVAL, r->id, r->business, NULL);
	code = check_person(w, k, d->by, "approver", r->account, why);
	if (code == DEN_OK)
		code = check_limit(k->rules, r, d->by, why);
	if (code == DEN_OK)
		code = check_signature(w, k, d, d->by, why);
	if (code != DEN_OK)
		return code;
	credential = w->credential(w->context, d->by);
	/* It was good when they decided. That a password ran out, or was set anew by a master, takes
	 * nothing back; that somebody tries to guess it does. */
	if (credential == DEN_CREDENTIAL_EXPIRED || credential == DEN_CREDENTIAL_INITIAL)
		return DEN_OK;
	return check_credential(credential, d->by, why);
}

/* As many approvers as are needed, all of them different people. */
static enum den_code check_decisions(const struct den_world *w, const struct den_case *k, struct den_why *why)
{
	const struct den_request *r = k->request;
	unsigned rules = den_rules_need(k->rules, &r->amount), need = rules > k->need ? rules : k->need;
	enum den_code code = check_decision(w, k, &r->decision, why);

	if (r->need == 0 || r->need > DEN_APPROVERS_MAX)
		return say(why, DEN_REQUEST_ALTERED, r->id, NULL);
	if (code == DEN_OK && r->need < need)
		code = say(why, DEN_APPROVERS_NEEDED, r->id, NULL);
	for (size_t i = 0; code == DEN_OK && i + 1 < r->need; i++) {
		code = check_decision(w, k, &r->earlier[i], why);
		if (code == DEN_OK && strcmp(r->earlier[i].by, r->decision.by) == 0)
			code = say(why, DEN_APPROVED_ALREADY, r->id, r->decision.by, NULL);
		for (size_t j = 0; code == DEN_OK && j < i; j++)
			if (strcmp(r->earlier[i].by, r->earlier[j].by) == 0)
				code = say(why, DEN_APPROVED_ALREADY, r->id, r->earlier[j].by, NULL);
	}
	return code;
}

/* What the service demands, as options of the command that would get it: " --account A --for host=h". */
static const char *options_for(const struct den_case *k, char *buf, size_t size)
{
	char value[DEN_BINDING_SIZE], name[16];
	size_t used = 0;

	buf[0] = '\0';
	if (*k->account)
		used = (size_t)snprintf(buf, size, " --account %.33s", k->account);
	for (const char *match = k->match; *match && used < size;) {
		size_t len = strcspn(match, ",");

		snprintf(name, sizeof(name), "%.*s", (int)len, match);
		if (!den_bindings_get(k->facts, name, value))
			snprintf(value, sizeof(value), "VALUE");
		used += (size_t)snprintf(buf + used, size - used, "%s%s=%s", match == k->match ? " --for " : ",", name, value);
		match += len + (match[len] == ',');
	}
	return buf;
}

/* What the service wants bound is bound, and what is bound is so. */
static enum den_code check_bindings(const struct den_case *k, struct den_why *why)
{
	const struct den_request *r = k->request;
	char value[DEN_BINDING_SIZE], options[sizeof(why->arg[0])], name[16];

	options_for(k, options, sizeof(options));
	for (const char *match = k->match; *match;) {
		size_t len = strcspn(match, ",");

		snprintf(name, sizeof(name), "%.*s", (int)len, match);
		if (len >= sizeof(name) || !den_bindings_get(r->bindings, name, value))
			return say(why, DEN_REQUEST_UNBOUND, r->id, name, r->business, options, NULL);
		match += len + (match[len] == ',');
	}
	if (*den_bindings_differ(r->bindings, k->facts, name))
		return say(why, DEN_REQUEST_ELSEWHERE, r->id, name, r->business, options, NULL);
	return DEN_OK;
}

static enum den_code check_time(const struct den_world *w, const struct den_case *k, struct den_why *why)
{
	const struct den_request *r = k->request;
	int64_t end = den_request_end(r);
	char day[16];

	/* The last step of an approved request that isn't used is its approval. */
	if (k->within > 0 && r->changed + k->within < end)
		end = r->changed + k->within;
	return end > w->now ? DEN_OK : say(why, DEN_REQUEST_EXPIRED, r->id, date(day, end), NULL);
}

static enum den_code may_use(const struct den_world *w, const struct den_case *k, struct den_why *why)
{
	const struct den_request *r = k->request;
	char options[sizeof(why->arg[0])];
	enum den_code code;

	if (k->rules->approval_free)
		return check_person(w, k, k->who, "use", k->account, why);
	if (!r || strcmp(r->maker, k->who) != 0 || strcmp(r->business, k->rules->id) != 0 ||
		(*k->account && strcmp(r->account, k->account) != 0))
		return say(why, DEN_APPROVAL_MISSING, k->rules->id, k->who, options_for(k, options, sizeof(options)), NULL);
	if (*r->used)
		return say(why, DEN_REQUEST_USED, r->id, r->used, NULL);
	if (*r->withdrawn)
		return say(why, DEN_REQUEST_WITHDRAWN, r->id, r->maker, NULL);
	if (*r->decision.word && strcmp(r->decision.word, "approved") != 0)
		return say(why, DEN_REQUEST_DECIDED, r->id, r->decision.word, r->decision.by, NULL);
	code = check_time(w, k, why);
	if (code == DEN_OK)
		code = check_intact(w, r, why);
	if (code == DEN_OK)
		code = check_bindings(k, why);
	if (code == DEN_OK)
		code = check_person(w, k, k->who, "maker", r->account, why);
	if (code == DEN_OK)
		code = check_amount(k->rules, r, why);
	return code == DEN_OK ? check_decisions(w, k, why) : code;
}

enum den_code den_approval_decide(const struct den_world *world, const struct den_case *k, struct den_why *why)
{
	why->n = 0;
	if (k->rules->is_unclear)
		return say(why, DEN_RULES_UNCLEAR, k->rules->id, NULL);
	if (k->act != DEN_ACT_USE && !k->request)
		return say(why, DEN_INTERNAL, "no request", NULL);
	switch (k->act) {
	case DEN_ACT_ENTER:
		return may_enter(world, k, why);
	case DEN_ACT_WITHDRAW:
		return may_withdraw(world, k, why);
	case DEN_ACT_APPROVE:
	case DEN_ACT_REJECT:
		return may_decide(world, k, why);
	case DEN_ACT_USE:
		return may_use(world, k, why);
	}
	return say(why, DEN_INTERNAL, "act", NULL);
}
