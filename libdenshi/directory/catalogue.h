/*
 * The catalogue of businesses and accounts (R-AUTH-7), and the authorities that
 * it gives names to: BUSINESS.use, BUSINESS.maker, BUSINESS.approver, acct.ACCOUNT.
 */
#ifndef DENSHI_DIRECTORY_CATALOGUE_H
#define DENSHI_DIRECTORY_CATALOGUE_H

#include "core/approval.h"
#include "directory/connection.h"

#define DENDIR_LABEL_SIZE 128

struct dendir_business {
	struct den_rules rules; /* R-AUTH-1, R-AUTH-2, R-APP-5; its id first */
	char label[2][DENDIR_LABEL_SIZE]; /* by enum den_lang */
};

struct dendir_account {
	char id[33];
	char label[DENDIR_LABEL_SIZE];
};

/* What a business is, of its entry. */
void dendir_business_fill(struct dendir_business *business, struct dendir_entry *e);

/* The written forms of rules, in the directory and on the command line: "JPY 10000000 2" (from that
 * amount, two approvers), "d-taro01 JPY 5000000" (what they may approve at most). -1: it isn't one,
 * or there is no room. */
int dendir_rules_add_step(struct den_rules *rules, const char *text);
int dendir_rules_add_limit(struct den_rules *rules, const char *text);
int dendir_rules_add_currency(struct den_rules *rules, const char *text);

/* DEN_BUSINESS_UNKNOWN, DEN_ACCOUNT_UNKNOWN, also for names that can't be one. */
enum den_code dendir_business_read(struct dendir *d, const char *id, struct dendir_business *business);
enum den_code dendir_account_read(struct dendir *d, const char *id, struct dendir_account *account);

/* Ordered by id. Non-zero from the callback ends it. */
typedef int dendir_each_business(void *context, const struct dendir_business *business);
typedef int dendir_each_account(void *context, const struct dendir_account *account);
enum den_code dendir_business_each(struct dendir *d, dendir_each_business *each, void *context);
enum den_code dendir_account_each(struct dendir *d, dendir_each_account *each, void *context);

/* DEN_OK where the authority can be given: of this catalogue, and of the right
 * kind (an approval-free business has `use`, the others maker and approver).
 * DEN_AUTHORITY_UNKNOWN otherwise. */
enum den_code dendir_authority_check(struct dendir *d, const char *authority);

/* All authorities that can be given, for many checks at a time. */
struct dendir_authorities {
	char (*name)[65]; /* ordered; DENDIR_AUTHORITY_SIZE */
	size_t n;
};
enum den_code dendir_authorities_load(struct dendir *d, struct dendir_authorities *all);
void dendir_authorities_done(struct dendir_authorities *all);
int dendir_authorities_have(const struct dendir_authorities *all, const char *authority);

#endif
