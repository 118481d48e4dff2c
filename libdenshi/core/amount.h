/*
 * Amounts of a request: a currency (ISO 4217, three letters) and a number with up to three
 * decimals, as in "JPY 10000000" or "EUR 12.50". Compared as whole thousandths: no float.
 *
 * Thread rule: pure functions, no state.
 */
#ifndef DENSHI_CORE_AMOUNT_H
#define DENSHI_CORE_AMOUNT_H

#include <stdint.h>

#define DEN_AMOUNT_SIZE 32

struct den_amount {
	char currency[4]; /* "": no amount */
	int64_t thousandths;
};

/* "JPY 1200000" or "1200000 JPY"; more than zero, at most 15 digits before the point. -1: it
 * isn't one, and *a has no currency. */
int den_amount_parse(struct den_amount *a, const char *text);

/* The one written form, currency first, without needless zeros; "" for none. Returns buf. */
char *den_amount_format(char buf[DEN_AMOUNT_SIZE], const struct den_amount *a);

/* Whether a is in b's currency and at least as much. */
int den_amount_reaches(const struct den_amount *a, const struct den_amount *b);

#endif
