/* The one decision on approvals (R-APP-4), as a table: role x business x account x self x state x
 * expiry x lock x authority changed in between. The table is what must be so; a model of it, written
 * another way round (everything that forbids, each by itself), is compared over all combinations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/approval.h"
#include "core/duration.h"

#define NOW 1800000000
#define MAKER "d-maker01"
#define APPROVER "d-appr001"
#define SECOND "d-appr002"

/* -- a world in which each fact can be switched ------------------------------------------------ */

struct facts {
	int maker_active, maker_role, maker_account;
	int approver_active, approver_role, approver_account;
	enum den_credential credential;
	int intact;
	enum den_code signature; /* what is said of one */
};

static const struct facts all_well = {1, 1, 1, 1, 1, 1, DEN_CREDENTIAL_GOOD, 1, DEN_OK};

static int is_active(void *context, const char *login)
{
	const struct facts *f = context;

	return strcmp(login, MAKER) == 0 ? f->maker_active : f->approver_active;
}

static int holds(void *context, const char *login, const char *authority)
{
	const struct facts *f = context;
	int maker = strcmp(login, MAKER) == 0;

	if (strcmp(authority, "transfer.maker") == 0)
		return maker && f->maker_role;
	if (strcmp(authority, "inquiry.use") == 0)
		return maker && f->maker_role;
	/* The maker may be approver as well: what stands in their way is the rule alone. */
	if (strcmp(authority, "transfer.approver") == 0)
		return f->approver_role;
	if (strcmp(authority, "acct.1") == 0)
		return maker ? f->maker_account : f->approver_account;
	return 0;
}

static enum den_credential credential(void *context, const char *login)
{
	const struct facts *f = context;

	(void)login;
	return f->credential;
}

static int digest(void *context, const struct den_request *r, char hex[DEN_DIGEST_SIZE])
{
	const struct facts *f = context;

	snprintf(hex, DEN_DIGEST_SIZE, "%s", f->intact ? r->digest : "other");
	return 0;
}

static enum den_code signature(void *context, const struct den_request *r, const struct den_decision *d)
{
	const struct facts *f = context;

	(void)r;
	assert_true(*d->signature);
	return f->signature;
}

static struct den_world world_of(struct facts *f)
{
	struct den_world w = {.context = f, .now = NOW, .is_active = is_active, .holds = holds,
		.credential = credential, .digest = digest, .signature = signature};

	return w;
}

static struct den_rules rules_of(int self)
{
	struct den_rules rules = {.id = "transfer", .self_approval = self, .need = 1};

	return rules;
}

enum state { PENDING, APPROVED, REJECTED, WITHDRAWN, USED, STATES };

static struct den_request request_of(enum state state, int expired, const char *by)
{
	struct den_request r = {.id = "r-1", .maker = MAKER, .business = "transfer", .account = "1", .need = 1,
		.digest = "d", .requested = NOW - 100, .expires = NOW - 100 + 7 * 86400, .created = NOW - 100,
		.changed = NOW - 50};

	if (expired)
		r.created = NOW - 7 * 86400;
	if (state == APPROVED || state == USED || state == REJECTED) {
		snprintf(r.decision.word, sizeof(r.decision.word), "%s", state == REJECTED ? "rejected" : "approved");
		snprintf(r.decision.by, sizeof(r.decision.by), "%s", by);
		snprintf(r.decision.digest, sizeof(r.decision.digest), "d");
	}
	if (state == USED)
		snprintf(r.used, sizeof(r.used), "then");
	if (state == WITHDRAWN)
		snprintf(r.withdrawn, sizeof(r.withdrawn), "then");
	return r;
}

static enum den_code decide(struct facts *f, enum den_act act, const struct den_rules *rules, const struct den_request *r,
	const char *who, int other)
{
	struct den_world w = world_of(f);
	struct den_case k = {.act = act, .who = who, .rules = rules, .request = r, .account = "", .other = other,
		.match = "", .facts = ""};
	struct den_why why;

	return den_approval_decide(&w, &k, &why);
}

/* -- every combination -------------------------------------------------------------------------- */

/* n counts in mixed radix; each switch takes its digit. */
static unsigned take(unsigned *n, unsigned radix)
{
	unsigned digit = *n % radix;

	*n /= radix;
	return digit;
}

static struct facts take_facts(unsigned *n)
{
	struct facts f;

	f.maker_active = (int)take(n, 2);
	f.maker_role = (int)take(n, 2);
	f.maker_account = (int)take(n, 2);
	f.approver_active = (int)take(n, 2);
	f.approver_role = (int)take(n, 2);
	f.approver_account = (int)take(n, 2);
	f.credential = (enum den_credential)take(n, 6);
	f.intact = (int)take(n, 2);
	return f;
}

/* What must be so for a use; nothing else may let it through, and nothing less may stop it. */
static int must_be_usable(const struct facts *f, enum state state, int expired, int own, int self, int other)
{
	int credential_counts = f->credential == DEN_CREDENTIAL_GOOD || f->credential == DEN_CREDENTIAL_EXPIRED ||
		f->credential == DEN_CREDENTIAL_INITIAL;
	int approver_active = own ? f->maker_active : f->approver_active;
	int approver_account = own ? f->maker_account : f->approver_account;

	return state == APPROVED && !expired && f->intact && f->maker_active && f->maker_role && f->maker_account &&
		approver_active && f->approver_role && approver_account && credential_counts && !(own && (other || !self));
}

static int must_be_approvable(const struct facts *f, enum state state, int expired, int own, int self)
{
	int active = own ? f->maker_active : f->approver_active;
	int account = own ? f->maker_account : f->approver_account;

	return state == PENDING && !expired && f->intact && active && f->approver_role && account &&
		f->credential == DEN_CREDENTIAL_GOOD && !(own && !self);
}

static void test_every_combination(void **context)
{
	const unsigned total = 64 * 6 * 2 * STATES * 2 * 2 * 2 * 2;
	unsigned usable = 0, approvable = 0;

	(void)context;
	for (unsigned i = 0; i < total; i++) {
		unsigned n = i;
		struct facts f = take_facts(&n);
		enum state state = (enum state)take(&n, STATES);
		int expired = (int)take(&n, 2), own = (int)take(&n, 2), self = (int)take(&n, 2), other = (int)take(&n, 2);
		const char *by = own ? MAKER : APPROVER;
		struct den_rules rules = rules_of(self);
		struct den_request r = request_of(state, expired, by);
		int used = decide(&f, DEN_ACT_USE, &rules, &r, MAKER, other) == DEN_OK;
		int approved = decide(&f, DEN_ACT_APPROVE, &rules, &r, by, 0) == DEN_OK;
		int withdrawn = decide(&f, DEN_ACT_WITHDRAW, &rules, &r, MAKER, 0) == DEN_OK;

		if (used != must_be_usable(&f, state, expired, own, self, other))
			fail_msg("use, combination %u: %d", i, used);
		if (approved != must_be_approvable(&f, state, expired, own, self))
			fail_msg("approve, combination %u: %d", i, approved);
		if (approved != (decide(&f, DEN_ACT_REJECT, &rules, &r, by, 0) == DEN_OK))
			fail_msg("reject, combination %u", i);
		if (withdrawn != (state == PENDING && !expired && f.maker_active))
			fail_msg("withdraw, combination %u: %d", i, withdrawn);
		usable += (unsigned)used;
		approvable += (unsigned)approved;
	}
	print_message("%u combinations: %u usable, %u approvable\n", total, usable, approvable);
	assert_true(usable > 0 && approvable > 0);
}

/* -- the reasons ------------------------------------------------------------------------------------ */

static void test_reasons(void **context)
{
	static const struct {
		const char *what;
		enum den_act act;
		enum state state;
		int expired, own, self, other;
		struct facts f;
		enum den_code want;
	} cases[] = {
		{"as it should be", DEN_ACT_USE, APPROVED, 0, 0, 0, 1, {1, 1, 1, 1, 1, 1, DEN_CREDENTIAL_GOOD, 1, DEN_OK}, DEN_OK},
		{"pending", DEN_ACT_USE, PENDING, 0, 0, 0, 1, {1, 1, 1, 1, 1, 1, DEN_CREDENTIAL_GOOD, 1, DEN_OK}, DEN_APPROVAL_PENDING},
		{"used", DEN_ACT_USE, USED, 0, 0, 0, 1, {1, 1, 1, 1, 1, 1, DEN_CREDENTIAL_GOOD, 1, DEN_OK}, DEN_REQUEST_USED},
		{"rejected", DEN_ACT_USE, REJECTED, 0, 0, 0, 1, {1, 1, 1, 1, 1, 1, DEN_CREDENTIAL_GOOD, 1, DEN_OK}, DEN_REQUEST_DECIDED},
		{"expired", DEN_ACT_USE, APPROVED, 1, 0, 0, 1, {1, 1, 1, 1, 1, 1, DEN_CREDENTIAL_GOOD, 1, DEN_OK}, DEN_REQUEST_EXPIRED},
		{"altered", DEN_ACT_USE, APPROVED, 0, 0, 0, 1, {1, 1, 1, 1, 1, 1, DEN_CREDENTIAL_GOOD, 0, DEN_OK}, DEN_REQUEST_ALTERED},
		{"own", DEN_ACT_USE, APPROVED, 0, 1, 1, 1, {1, 1, 1, 1, 1, 1, DEN_CREDENTIAL_GOOD, 1, DEN_OK}, DEN_SELF_APPROVAL},
		{"own, where any will do", DEN_ACT_USE, APPROVED, 0, 1, 1, 0, {1, 1, 1, 1, 1, 1, DEN_CREDENTIAL_GOOD, 1, DEN_OK}, DEN_OK},
		{"own, where the business wants another", DEN_ACT_USE, APPROVED, 0, 1, 0, 0,
			{1, 1, 1, 1, 1, 1, DEN_CREDENTIAL_GOOD, 1, DEN_OK}, DEN_SELF_APPROVAL},
		{"maker suspended since", DEN_ACT_USE, APPROVED, 0, 0, 0, 1, {0, 1, 1, 1, 1, 1, DEN_CREDENTIAL_GOOD, 1, DEN_OK},
			DEN_SUSPENDED},
		{"maker's authority gone", DEN_ACT_USE, APPROVED, 0, 0, 0, 1, {1, 0, 1, 1, 1, 1, DEN_CREDENTIAL_GOOD, 1, DEN_OK},
			DEN_AUTHORITY_NEEDED},
		{"approver's account gone", DEN_ACT_USE, APPROVED, 0, 0, 0, 1, {1, 1, 1, 1, 1, 0, DEN_CREDENTIAL_GOOD, 1, DEN_OK},
			DEN_AUTHORITY_NEEDED},
		{"approver locked since", DEN_ACT_USE, APPROVED, 0, 0, 0, 1, {1, 1, 1, 1, 1, 1, DEN_CREDENTIAL_LOCKED, 1, DEN_OK},
			DEN_APPROVAL_LOCKED},
		{"approver's credential gone", DEN_ACT_USE, APPROVED, 0, 0, 0, 1, {1, 1, 1, 1, 1, 1, DEN_CREDENTIAL_NONE, 1, DEN_OK},
			DEN_APPROVAL_NONE},
		{"nobody can tell", DEN_ACT_USE, APPROVED, 0, 0, 0, 1, {1, 1, 1, 1, 1, 1, DEN_CREDENTIAL_UNKNOWN, 1, DEN_OK},
			DEN_DIRECTORY_DOWN},
		{"decided twice", DEN_ACT_APPROVE, APPROVED, 0, 0, 0, 0, {1, 1, 1, 1, 1, 1, DEN_CREDENTIAL_GOOD, 1, DEN_OK},
			DEN_REQUEST_DECIDED},
		{"decided when withdrawn", DEN_ACT_APPROVE, WITHDRAWN, 0, 0, 0, 0, {1, 1, 1, 1, 1, 1, DEN_CREDENTIAL_GOOD, 1, DEN_OK},
			DEN_REQUEST_WITHDRAWN},
	};

	(void)context;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct facts f = cases[i].f;
		const char *by = cases[i].own ? MAKER : APPROVER;
		struct den_rules rules = rules_of(cases[i].self);
		struct den_request r = request_of(cases[i].state, cases[i].expired, by);
		enum den_code code = decide(&f, cases[i].act, &rules, &r, cases[i].act == DEN_ACT_USE ? MAKER : by,
			cases[i].other);

		if (code != cases[i].want)
			fail_msg("%s: %s, not %s", cases[i].what, den_code_name(code), den_code_name(cases[i].want));
	}
}

/* -- who demands what ----------------------------------------------------------------------------------- */

static enum den_code use(const struct den_rules *rules, const struct den_request *r, struct den_case k)
{
	struct facts f = all_well;
	struct den_world w = world_of(&f);
	struct den_why why;

	k.act = DEN_ACT_USE;
	k.who = MAKER;
	k.rules = rules;
	k.request = r;
	k.account = k.account ? k.account : "";
	k.match = k.match ? k.match : "";
	k.facts = k.facts ? k.facts : "";
	return den_approval_decide(&w, &k, &why);
}

static void test_demands(void **context)
{
	struct den_rules rules = rules_of(0);
	struct den_request r = request_of(APPROVED, 0, APPROVER);

	(void)context;
	assert_int_equal(use(&rules, &r, (struct den_case){.account = "1"}), DEN_OK);
	assert_int_equal(use(&rules, &r, (struct den_case){.account = "2"}), DEN_APPROVAL_MISSING);
	assert_int_equal(use(&rules, &r, (struct den_case){.need = 2}), DEN_APPROVERS_NEEDED);
	assert_int_equal(use(&rules, NULL, (struct den_case){.need = 1}), DEN_APPROVAL_MISSING);
	assert_int_equal(use(&rules, &r, (struct den_case){.match = "host"}), DEN_REQUEST_UNBOUND);
	/* Approved 50 seconds ago. */
	assert_int_equal(use(&rules, &r, (struct den_case){.within = 51}), DEN_OK);
	assert_int_equal(use(&rules, &r, (struct den_case){.within = 50}), DEN_REQUEST_EXPIRED);
	assert_int_equal(den_bindings_add(r.bindings, "host=web1"), 0);
	assert_int_equal(use(&rules, &r, (struct den_case){.match = "host", .facts = "host=web1\ntty=x\n"}), DEN_OK);
	assert_int_equal(use(&rules, &r, (struct den_case){.match = "host,tty", .facts = "host=web1\ntty=x\n"}),
		DEN_REQUEST_UNBOUND);
	/* What is bound counts, also where the service doesn't ask for it. */
	assert_int_equal(use(&rules, &r, (struct den_case){.facts = "host=web2\n"}), DEN_REQUEST_ELSEWHERE);
	assert_int_equal(use(&rules, &r, (struct den_case){.facts = "host=web11\n"}), DEN_REQUEST_ELSEWHERE);
	assert_int_equal(use(&rules, &r, (struct den_case){.facts = "host=web\n"}), DEN_REQUEST_ELSEWHERE);
	assert_int_equal(use(&rules, &r, (struct den_case){.facts = ""}), DEN_REQUEST_ELSEWHERE);
	rules.is_unclear = 1;
	assert_int_equal(use(&rules, &r, (struct den_case){.facts = "host=web1\n"}), DEN_RULES_UNCLEAR);
}

/* Where the business wants signatures: of whoever decides, and of every decision that is used. */
static void test_signed(void **context)
{
	static const enum den_act acts[] = {DEN_ACT_APPROVE, DEN_ACT_REJECT};
	static const enum den_code wrong[] = {DEN_SIGNATURE_WRONG, DEN_SIGNATURE_CERTIFICATE, DEN_SIGNATURE_LATE, DEN_DIRECTORY_DOWN};
	struct den_decision unsigned_one = {.word = "approved", .by = APPROVER}, signed_one = unsigned_one;
	struct den_request pending = request_of(PENDING, 0, APPROVER), r = request_of(APPROVED, 0, APPROVER);
	struct den_rules rules = rules_of(0);
	struct facts f = all_well;
	struct den_world w = world_of(&f);
	struct den_why why;

	(void)context;
	rules.is_signed = 1;
	snprintf(signed_one.signature, sizeof(signed_one.signature), "1 00 AAAA");
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		struct den_case k = {.act = acts[i], .who = APPROVER, .rules = &rules, .request = &pending};

		/* On the spot, where there is no key; and in a list, where nothing is signed yet. */
		assert_int_equal(den_approval_decide(&w, &k, &why), DEN_SIGNATURE_NEEDED);
		k.only_ask = 1;
		assert_int_equal(den_approval_decide(&w, &k, &why), DEN_OK);
		k.only_ask = 0;
		k.decision = &unsigned_one;
		assert_int_equal(den_approval_decide(&w, &k, &why), DEN_SIGNATURE_NEEDED);
		k.decision = &signed_one;
		assert_int_equal(den_approval_decide(&w, &k, &why), DEN_OK);
		for (size_t j = 0; j < sizeof(wrong) / sizeof(wrong[0]); j++) {
			f.signature = wrong[j];
			assert_int_equal(den_approval_decide(&w, &k, &why), wrong[j]);
		}
		f.signature = DEN_OK;
	}
	assert_int_equal(decide(&f, DEN_ACT_USE, &rules, &r, MAKER, 1), DEN_SIGNATURE_NEEDED);
	snprintf(r.decision.signature, sizeof(r.decision.signature), "1 00 AAAA");
	assert_int_equal(decide(&f, DEN_ACT_USE, &rules, &r, MAKER, 1), DEN_OK);
	for (size_t j = 0; j < sizeof(wrong) / sizeof(wrong[0]); j++) {
		f.signature = wrong[j];
		assert_int_equal(decide(&f, DEN_ACT_USE, &rules, &r, MAKER, 1), wrong[j]);
	}
	/* One of two isn't. */
	f.signature = DEN_OK;
	r.need = 2;
	r.earlier[0] = (struct den_decision){.word = "approved", .by = SECOND, .digest = "d"};
	assert_int_equal(decide(&f, DEN_ACT_USE, &rules, &r, MAKER, 1), DEN_SIGNATURE_NEEDED);
	snprintf(r.earlier[0].signature, sizeof(r.earlier[0].signature), "1 00 AAAA");
	assert_int_equal(decide(&f, DEN_ACT_USE, &rules, &r, MAKER, 1), DEN_OK);
	rules.is_signed = 0;
	f.signature = DEN_SIGNATURE_WRONG;
	assert_int_equal(decide(&f, DEN_ACT_USE, &rules, &r, MAKER, 1), DEN_OK);
}

/* Every part of a decision is in what is signed. */
static void test_decision_text(void **context)
{
	struct den_request r = {.id = "r-1", .digest = "d"};
	struct den_decision d = {.word = "rejected", .by = APPROVER};
	char text[DEN_DECISION_TEXT_SIZE], small[40];
	size_t len;

	(void)context;
	len = den_decision_text(text, sizeof(text), &r, &d, 5, "no");
	assert_string_equal(text, "denshi-decision-1\nrequest r-1\ndigest d\ndecision rejected\nby " APPROVER
				  "\nat 5\nreason no\n");
	assert_int_equal(len, strlen(text));
	assert_int_equal(den_decision_text(small, sizeof(small), &r, &d, 5, "no"), 0);
}

static void test_approval_free(void **context)
{
	struct den_rules rules = {.id = "inquiry", .approval_free = 1};
	struct facts f = all_well;

	(void)context;
	assert_int_equal(decide(&f, DEN_ACT_USE, &rules, NULL, MAKER, 1), DEN_OK);
	assert_int_equal(use(&rules, NULL, (struct den_case){.account = "1"}), DEN_OK);
	assert_int_equal(use(&rules, NULL, (struct den_case){.account = "2"}), DEN_AUTHORITY_NEEDED);
	f.maker_role = 0;
	assert_int_equal(decide(&f, DEN_ACT_USE, &rules, NULL, MAKER, 1), DEN_AUTHORITY_NEEDED);
	f.maker_active = 0;
	assert_int_equal(decide(&f, DEN_ACT_USE, &rules, NULL, MAKER, 1), DEN_SUSPENDED);
}

/* -- several approvers, amounts ---------------------------------------------------------------------------- */

static void put(struct den_decision *d, const char *by)
{
	*d = (struct den_decision){.word = "approved", .digest = "d"};
	snprintf(d->by, sizeof(d->by), "%s", by);
}

static void test_several(void **context)
{
	struct den_rules rules = rules_of(0);
	struct den_request r = request_of(PENDING, 0, APPROVER);
	struct facts f = all_well;

	(void)context;
	rules.need = 2;
	assert_int_equal(decide(&f, DEN_ACT_ENTER, &rules, &r, MAKER, 0), DEN_FIELD_NEED);
	r.need = 2;
	assert_int_equal(decide(&f, DEN_ACT_ENTER, &rules, &r, MAKER, 0), DEN_OK);
	r.need = 6;
	assert_int_equal(decide(&f, DEN_ACT_ENTER, &rules, &r, MAKER, 0), DEN_FIELD_NEED);
	r.need = 2;
	put(&r.earlier[0], APPROVER);
	assert_int_equal(decide(&f, DEN_ACT_APPROVE, &rules, &r, APPROVER, 0), DEN_APPROVED_ALREADY);
	assert_int_equal(decide(&f, DEN_ACT_APPROVE, &rules, &r, SECOND, 0), DEN_OK);
	assert_int_equal(use(&rules, &r, (struct den_case){.need = 0}), DEN_APPROVAL_PENDING);
	put(&r.decision, APPROVER); /* somebody wrote past denshi */
	assert_int_equal(use(&rules, &r, (struct den_case){.need = 0}), DEN_APPROVED_ALREADY);
	put(&r.decision, SECOND);
	assert_int_equal(use(&rules, &r, (struct den_case){.need = 0}), DEN_OK);
	assert_int_equal(use(&rules, &r, (struct den_case){.need = 2}), DEN_OK);
	assert_int_equal(use(&rules, &r, (struct den_case){.need = 3}), DEN_APPROVERS_NEEDED);
	snprintf(r.earlier[0].digest, sizeof(r.earlier[0].digest), "x");
	assert_int_equal(use(&rules, &r, (struct den_case){.need = 0}), DEN_REQUEST_ALTERED);
	memset(&r.earlier[0], 0, sizeof(r.earlier[0]));
	assert_int_equal(use(&rules, &r, (struct den_case){.need = 0}), DEN_APPROVAL_PENDING);
	r.need = 1;
	assert_int_equal(use(&rules, &r, (struct den_case){.need = 0}), DEN_APPROVERS_NEEDED);
	r.need = 0;
	assert_int_equal(use(&rules, &r, (struct den_case){.need = 0}), DEN_REQUEST_ALTERED);
}

static void test_amounts(void **context)
{
	struct den_rules rules = rules_of(0);
	struct den_request r = request_of(PENDING, 0, APPROVER);
	struct facts f = all_well;

	(void)context;
	assert_int_equal(den_amount_parse(&r.amount, "JPY 10000000"), 0);
	assert_int_equal(decide(&f, DEN_ACT_ENTER, &rules, &r, MAKER, 0), DEN_AMOUNT_UNWANTED);
	memcpy(rules.currencies[0], "JPY", 4);
	rules.ncurrencies = 1;
	assert_int_equal(decide(&f, DEN_ACT_ENTER, &rules, &r, MAKER, 0), DEN_OK);
	/* Two approvers from 10,000,000 yen. */
	assert_int_equal(den_amount_parse(&rules.steps[0].from, "JPY 10000000"), 0);
	rules.steps[0].need = 2;
	rules.nsteps = 1;
	assert_int_equal(decide(&f, DEN_ACT_ENTER, &rules, &r, MAKER, 0), DEN_FIELD_NEED);
	assert_int_equal(den_amount_parse(&r.amount, "JPY 9999999.999"), 0);
	assert_int_equal(decide(&f, DEN_ACT_ENTER, &rules, &r, MAKER, 0), DEN_OK);
	assert_int_equal(den_amount_parse(&r.amount, "EUR 5"), 0);
	assert_int_equal(decide(&f, DEN_ACT_ENTER, &rules, &r, MAKER, 0), DEN_AMOUNT_NEEDED);
	r.amount.currency[0] = '\0';
	assert_int_equal(decide(&f, DEN_ACT_ENTER, &rules, &r, MAKER, 0), DEN_AMOUNT_NEEDED);
	/* What an approver may approve at most. */
	assert_int_equal(den_amount_parse(&r.amount, "JPY 5000000"), 0);
	snprintf(rules.limits[0].login, sizeof(rules.limits[0].login), APPROVER);
	assert_int_equal(den_amount_parse(&rules.limits[0].most, "JPY 5000000"), 0);
	rules.nlimits = 1;
	assert_int_equal(decide(&f, DEN_ACT_APPROVE, &rules, &r, APPROVER, 0), DEN_OK);
	assert_int_equal(den_amount_parse(&r.amount, "JPY 5000001"), 0);
	assert_int_equal(decide(&f, DEN_ACT_APPROVE, &rules, &r, APPROVER, 0), DEN_APPROVAL_LIMIT);
	assert_int_equal(decide(&f, DEN_ACT_REJECT, &rules, &r, APPROVER, 0), DEN_OK);
	assert_int_equal(decide(&f, DEN_ACT_APPROVE, &rules, &r, SECOND, 0), DEN_OK);
	/* The limit was set after the approval. */
	put(&r.decision, APPROVER);
	assert_int_equal(use(&rules, &r, (struct den_case){.need = 0}), DEN_APPROVAL_LIMIT);
}

static void test_amount_forms(void **context)
{
	static const struct {
		const char *text, *want; /* NULL: none */
	} cases[] = {{"JPY 1200000", "JPY 1200000"}, {"1200000 JPY", "JPY 1200000"}, {"EUR 12.50", "EUR 12.5"},
		{"EUR 0.001", "EUR 0.001"}, {"EUR 1.0", "EUR 1"}, {"EUR 100", "EUR 100"}, {"EUR 0", NULL}, {"EUR 0.0001", NULL},
		{"EUR -1", NULL}, {"eur 1", NULL}, {"EURO 1", NULL}, {"EUR  1", NULL}, {"EUR 1 ", NULL}, {" EUR 1", NULL},
		{"EUR", NULL}, {"1", NULL}, {"", NULL}, {"JPY 1,000", NULL}, {"JPY 1e9", NULL}, {"JPY 1.", NULL},
		{"JPY .5", NULL}, {"JPY 999999999999999", "JPY 999999999999999"}, {"JPY 1000000000000000", NULL},
		{"JPY 99999999999999999999", NULL}, {"JPY 0x10", NULL}};
	char text[DEN_AMOUNT_SIZE];

	(void)context;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct den_amount a;
		int rc = den_amount_parse(&a, cases[i].text);

		if ((rc == 0) != (cases[i].want != NULL))
			fail_msg("\"%s\": %d", cases[i].text, rc);
		assert_string_equal(den_amount_format(text, &a), cases[i].want ? cases[i].want : "");
	}
	assert_int_equal(den_duration_parse("2h"), 7200);
	assert_int_equal(den_duration_parse("7d"), 604800);
	assert_int_equal(den_duration_parse("8d"), -1);
	assert_int_equal(den_duration_parse("0s"), -1);
	assert_int_equal(den_duration_parse("2"), -1);
	assert_int_equal(den_duration_parse("2hh"), -1);
	assert_int_equal(den_duration_parse("-2h"), -1);
	assert_int_equal(den_duration_parse("99999999999999999999s"), -1);
}

/* -- the life of a request ----------------------------------------------------------------------------------- */

static void test_end(void **context)
{
	struct den_request r = request_of(APPROVED, 0, APPROVER);

	(void)context;
	/* The maker's host is ten minutes ahead: the life is the same, from when the directory saw it. */
	r.requested += 600;
	r.expires += 600;
	assert_int_equal(den_request_end(&r), r.created + 7 * 86400);
	/* And never longer, whatever a host says. */
	r.expires += 365 * 86400;
	assert_int_equal(den_request_end(&r), r.created + 7 * 86400);
	r.expires = r.requested - 1;
	assert_int_equal(den_request_end(&r), r.created);
}

/* -- the canonical form ------------------------------------------------------------------------------------------ */

static void test_canonical(void **context)
{
	struct den_request r = {.id = "r-abc", .maker = MAKER, .business = "transfer", .account = "001-1234567",
		.subject = "Invoice 42", .need = 2, .requested = 1, .expires = 2, .session = "/dev/pts/1",
		.attachment = {.name = "a b.pdf", .size = 5, .digest = "00ff"}};
	char text[DEN_CANONICAL_SIZE];
	size_t len;

	(void)context;
	assert_int_equal(den_amount_parse(&r.amount, "JPY 1200000"), 0);
	assert_int_equal(den_bindings_add(r.bindings, "tty=x"), 0);
	assert_int_equal(den_bindings_add(r.bindings, "command=/bin/ls 'a b'"), 0);
	assert_int_equal(den_bindings_add(r.bindings, "host=h"), 0);
	assert_string_equal(r.bindings, "command=/bin/ls 'a b'\nhost=h\ntty=x\n");
	len = den_request_canonical(text, sizeof(text), &r);
	assert_int_equal(len, strlen(text));
	assert_string_equal(text,
		"denshi-request-2\nid r-abc\nmaker d-maker01\nbusiness transfer\naccount 001-1234567\namount JPY 1200000\n"
		"need 2\nrequested 1\nexpires 2\nattachment 5 00ff a b.pdf\nbinding command=/bin/ls 'a b'\nbinding host=h\n"
		"binding tty=x\nfrom /dev/pts/1\nsubject Invoice 42\n");
	assert_int_equal(den_request_canonical(text, 100, &r), 0);
}

static void test_bindings(void **context)
{
	char bindings[DEN_BINDINGS_SIZE] = "", value[DEN_BINDING_SIZE], longest[DEN_BINDING_SIZE + 8];

	(void)context;
	assert_int_equal(den_bindings_add(bindings, "host=a"), 0);
	assert_int_equal(den_bindings_add(bindings, "host=b"), -1);
	assert_int_equal(den_bindings_add(bindings, "nonsense=b"), -1);
	assert_int_equal(den_bindings_add(bindings, "tty="), -1);
	assert_int_equal(den_bindings_add(bindings, "tty"), -1);
	assert_int_equal(den_bindings_add(bindings, "tty=a\nb"), -1);
	assert_int_equal(den_bindings_add(bindings, "=a"), -1);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	memcpy(longest, "tty=", 4);
	assert_int_equal(den_bindings_add(bindings, longest), -1);
	assert_string_equal(bindings, "host=a\n");
	assert_int_equal(den_bindings_get(bindings, "host", value), 1);
	assert_string_equal(value, "a");
	assert_int_equal(den_bindings_get(bindings, "hos", value), 0);
}

static void test_command(void **context)
{
	static const char *const plain[] = {"/bin/ls", "-l", "/tmp"}, *const quoted[] = {"/bin/sh", "-c", "echo 'a'  b"},
			    *const empty[] = {"/bin/ls", ""}, *const control[] = {"/bin/ls", "a\nb"},
			    *const one[] = {"/bin/ls", "-l /tmp"};
	char text[DEN_SUBJECT_SIZE], other[DEN_SUBJECT_SIZE];

	(void)context;
	assert_int_equal(den_command_text(text, sizeof(text), plain, 3), 0);
	assert_string_equal(text, "/bin/ls -l /tmp");
	assert_int_equal(den_command_text(other, sizeof(other), one, 2), 0);
	assert_string_equal(other, "/bin/ls '-l /tmp'");
	assert_int_equal(den_command_text(text, sizeof(text), quoted, 3), 0);
	assert_string_equal(text, "/bin/sh -c 'echo '\\''a'\\''  b'");
	assert_int_equal(den_command_text(text, sizeof(text), empty, 2), 0);
	assert_string_equal(text, "/bin/ls ''");
	assert_int_equal(den_command_text(text, sizeof(text), control, 2), -1);
	assert_int_equal(den_command_text(text, 10, plain, 3), -1);
	assert_int_equal(den_command_text(text, sizeof(text), plain, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_combination), cmocka_unit_test(test_reasons), cmocka_unit_test(test_demands),
		cmocka_unit_test(test_signed),
		cmocka_unit_test(test_decision_text),
		cmocka_unit_test(test_approval_free), cmocka_unit_test(test_several), cmocka_unit_test(test_amounts),
		cmocka_unit_test(test_amount_forms), cmocka_unit_test(test_end), cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_bindings), cmocka_unit_test(test_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
