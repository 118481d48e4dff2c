/*
 * The one decision on approvals (R-APP-4): who may enter a request, decide it, withdraw it, and
 * whether it may be used. Every caller (PAM, the sudo plugin, the commands, programs) comes
 * here through denshid. What is unclear is refused.
 *
 * Thread rule: pure functions; the world's callbacks are the caller's.
 */
#ifndef DENSHI_CORE_APPROVAL_H
#define DENSHI_CORE_APPROVAL_H

#include "core/request.h"
#include "core/text.h"

#define DEN_CURRENCIES_MAX 8
#define DEN_STEPS_MAX 8
#define DEN_LIMITS_MAX 64

/* What the catalogue says of a business (R-AUTH-1, R-AUTH-2, R-APP-5). */
struct den_rules {
	char id[33];
	int approval_free, self_approval;
	int is_signed; /* decisions need a signature by the approver's certificate key */
	unsigned need; /* approvers of any request of it; 0 counts as 1 */
	/* With currencies, a request must have an amount in one of them; without, it can't. */
	char currencies[DEN_CURRENCIES_MAX][4];
	size_t ncurrencies;
	/* From this amount on, so many approvers. */
	struct {
		struct den_amount from;
		unsigned need;
	} steps[DEN_STEPS_MAX];
	size_t nsteps;
	/* What an approver may approve at most; who isn't named has no limit. */
	struct {
		char login[DEN_LOGIN_ID_SIZE];
		struct den_amount most;
	} limits[DEN_LIMITS_MAX];
	size_t nlimits;
	int is_unclear; /* something in the catalogue that can't be understood */
};

/* Of an approval credential. */
enum den_credential {
	DEN_CREDENTIAL_UNKNOWN, /* couldn't be found out */
	DEN_CREDENTIAL_NONE,
	DEN_CREDENTIAL_INITIAL,
	DEN_CREDENTIAL_EXPIRED,
	DEN_CREDENTIAL_LOCKED,
	DEN_CREDENTIAL_GOOD,
};

/* What is so now. */
struct den_world {
	void *context;
	int64_t now; /* by the directory's clock, as well as it is known */
	/* In force and not suspended. */
	int (*is_active)(void *context, const char *login);
	int (*holds)(void *context, const char *login, const char *authority);
	enum den_credential (*credential)(void *context, const char *login);
	/* The digest of the request as it is, hexadecimal. 0, or -1. */
	int (*digest)(void *context, const struct den_request *r, char hex[DEN_DIGEST_SIZE]);
	/* That the decision is signed, by a certificate of the approver that was in force when it was
	 * decided. DEN_OK, or DEN_SIGNATURE_*, DEN_DIRECTORY_DOWN. */
	enum den_code (*signature)(void *context, const struct den_request *r, const struct den_decision *d);
};

enum den_act { DEN_ACT_ENTER, DEN_ACT_WITHDRAW, DEN_ACT_APPROVE, DEN_ACT_REJECT, DEN_ACT_USE };

struct den_case {
	enum den_act act;
	const char *who; /* enters, withdraws, decides; with USE: whose request is demanded */
	const struct den_rules *rules;
	/* ENTER: as it will be. USE of an approval-free business: NULL. */
	const struct den_request *request;
	/* APPROVE, REJECT: as it will be; NULL where nobody signs anything. */
	const struct den_decision *decision;
	int only_ask; /* APPROVE, REJECT: whether they might, for a list: nothing is signed yet */
	/* USE: what the service demands. */
	const char *account; /* with an approval-free business, or of the request; "": any */
	int other;	     /* another approver than the maker */
	unsigned need;	     /* so many approvers at least; 0: as the rules say */
	const char *match;   /* names of bindings that the request must have, with commas; "" */
	const char *facts;   /* the transaction, NAME=VALUE lines */
	int64_t within;	     /* 0: once; else for so many seconds since it was approved */
};

#define DEN_WHY_ARGS 4
/* The arguments of the code's text. */
struct den_why {
	char arg[DEN_WHY_ARGS][320];
	size_t n;
};

/* DEN_OK, or why not. */
enum den_code den_approval_decide(const struct den_world *world, const struct den_case *k, struct den_why *why);

/* "pending", "approved", "rejected", "withdrawn", "expired", "used". */
const char *den_request_state(const struct den_request *r, int64_t now);

/* When it ends by the directory's clock: as long after it was entered as its maker's host said, and
 * never longer than DEN_REQUEST_DAYS. */
int64_t den_request_end(const struct den_request *r);

/* How many approvers the rules want for an amount. */
unsigned den_rules_need(const struct den_rules *rules, const struct den_amount *amount);

#endif
