/*
 * What a password must be: R-PW-1, R-INIT-1, R-APW-1, R-APW-2, R-PW-2. A policy
 * is a row of numbers; a preset is a row of the table in password.c.
 */
#ifndef DENSHI_CORE_PASSWORD_H
#define DENSHI_CORE_PASSWORD_H

#include <stddef.h>

#include "core/secret.h"

enum den_password_kind {
	DEN_PASSWORD_LOGIN,	       /* chosen by the user (R-PW-1) */
	DEN_PASSWORD_APPROVAL,	       /* R-APW-2 */
	DEN_PASSWORD_INITIAL,	       /* initial login password, set by a master (R-INIT-1) */
	DEN_PASSWORD_INITIAL_APPROVAL, /* initial approval password (R-APW-2) */
};

struct den_password_policy {
	const char *name;
	unsigned shortest;	   /* characters, of a chosen login password */
	unsigned shortest_alone;   /* the same, of a user without a certificate */
	unsigned initial_longest;  /* characters, of an initial login password */
	unsigned letter_and_digit; /* 1: at least one half-width letter and digit */
	unsigned blocklist;	   /* 1: none that everybody guesses */
	unsigned history;	   /* so many former ones are refused; 0: only the current one. The
				    * directory keeps them (ppolicy's pwdInHistory) */
	unsigned days;		   /* a login password lasts, where it is the only proof; 0: no end */
};

/* "densai" (the default), "pci-dss-4", "nist-800-63b-4"; NULL for another name (R-PW-2). */
const struct den_password_policy *den_password_preset(const char *name);

/* Broken rules, as a set; each has its message (den_password_rule_text). */
#define DEN_RULE_TOO_SHORT (1u << 0)
#define DEN_RULE_TOO_LONG (1u << 1)
#define DEN_RULE_NO_LETTER (1u << 2)
#define DEN_RULE_NO_DIGIT (1u << 3)
#define DEN_RULE_FULL_WIDTH (1u << 4)
#define DEN_RULE_CONTROL (1u << 5)
#define DEN_RULE_SYMBOL (1u << 6)
#define DEN_RULE_IS_LOGIN_ID (1u << 7)
#define DEN_RULE_GUESSABLE (1u << 8)
#define DEN_RULES 9

/* *policy as it is for a user without a certificate. */
struct den_password_policy den_password_alone(const struct den_password_policy *policy);

/*
 * Every rule that the len bytes at password break, 0 where none. login_id is
 * compared in any case, with and without its `d-`.
 */
unsigned den_password_check(const struct den_password_policy *policy, enum den_password_kind kind,
	const char *login_id, const char *password, size_t len);

/* 0 where the len bytes can be nobody's password, whatever the policy: none at all, too many,
 * a control or a full-width character. Such a guess is refused and not counted. */
int den_password_is_possible(const char *password, size_t len);

/* Rule number 0..DEN_RULES-1 as a code of core/text.h, and its limit (0: none)
 * under this policy and kind. */
int den_password_rule_code(const struct den_password_policy *policy, enum den_password_kind kind,
	unsigned rule, unsigned *limit);

#endif
