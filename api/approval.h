/*
 * denshi for programs: is there an approval for what I am about to do? denshi_approval_check(3).
 *
 * A maker enters a request (denshi request), an approver decides it (denshi approve), and the
 * program asks here before it does the thing. What it asks is answered by denshid, by the
 * same decision as everywhere. Whatever isn't DENSHI_GRANTED is a refusal.
 *
 * Thread rule: any thread may call at any time; nothing is kept between calls.
 */
#ifndef DENSHI_APPROVAL_H
#define DENSHI_APPROVAL_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum denshi_result {
	DENSHI_GRANTED = 0,
	DENSHI_REFUSED = 1,	/* no; the answer says why, and what would help */
	DENSHI_UNAVAILABLE = 2, /* it can't be found out now: denshid or the directory doesn't answer */
	DENSHI_INVALID = 3,	/* the demand makes no sense */
};

/* What is demanded. Start with DENSHI_DEMAND_INIT; strings stay the caller's. */
struct denshi_demand {
	size_t size;	      /* of this structure, as the program knows it */
	const char *login;    /* whose request: a denshi login ID. Other users' than one's own: for root, and services
				 that denshi.conf(5) names */
	const char *business; /* of this business */
	const char *account;  /* on this account; NULL: any */
	const char *service;  /* who asks, for the record; NULL: "program" */
	const char *match;    /* what the request must be bound to, names with commas; NULL: nothing */
	/* What is so now: NAME=VALUE, ended by NULL; NULL: nothing. What the request is bound to must be among it.
	 * Names: user, ruser, rhost, tty, service, runas, command, directory; host is known to denshid. */
	const char *const *facts;
	unsigned need;	       /* so many approvers; 0: as the business says */
	unsigned within_s;     /* it serves for so many seconds after the approval; 0: once */
	int any_approver;      /* also the maker, where the business allows that */
	const char *socket;    /* of denshid; NULL: the usual one */
	const char *locale;    /* of who reads the message, as in LANG; NULL: that of the environment */
};
#define DENSHI_DEMAND_INIT {sizeof(struct denshi_demand), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

struct denshi_answer {
	char request[32];    /* the request's number; "" where there is none */
	char approvers[256]; /* who approved it, with ", " between */
	char code[64];	     /* stable name of the answer: "approval-missing" */
	char message[1024];  /* a sentence for people, in the language of the locale, or of whose request it is */
	char language[3];    /* that language: "en" or "ja" */
};

/*
 * Whether the demand is met now; nothing is changed by asking. answer may be NULL. Waits for 5
 * seconds at most. errno is kept.
 */
enum denshi_result denshi_approval_check(const struct denshi_demand *demand, struct denshi_answer *answer);

/*
 * The same, and uses the approval up: of many at the same moment, one is granted. With within_s it isn't
 * used up. Call it right before the thing is done: what is granted and then not done is used all the same.
 */
enum denshi_result denshi_approval_use(const struct denshi_demand *demand, struct denshi_answer *answer);

/*
 * The words of a command as the one text that a request is bound to ("command=" TEXT). 0, or -1: it is longer than
 * size, or has a control character.
 */
int denshi_command_text(char *text, size_t size, const char *const *words, size_t n);

#ifdef __cplusplus
}
#endif

#endif
