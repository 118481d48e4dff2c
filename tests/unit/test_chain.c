/* A chain of records and its anchors: what is noticed, and where (R-ALL-3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crypto/chain.h"

#define RECORDS 6
typedef char lines[RECORDS + 1][DENCRYPT_CHAIN_LINE];

/* Of one text, but for that of `other`. */
static void make(lines l, uint64_t other)
{
	char before[DENCRYPT_DIGEST_HEX_SIZE] = DENCRYPT_CHAIN_NONE;

	for (uint64_t i = 0; i < RECORDS; i++) {
		const char *text = i + 1 == other ? "event=login user=d-other" : "event=login user=d-taro01";

		assert_int_equal(dencrypt_chain_digest(before, before, i + 1, 1700000000, text), DENCRYPT_OK);
		snprintf(l[i], DENCRYPT_CHAIN_LINE, "%" PRIu64 " 1700000000 %s %s\n", i + 1, before, text);
	}
	l[RECORDS][0] = '\0';
}

static void anchor_at(struct dencrypt_verification *v, uint64_t number, int64_t serial)
{
	struct dencrypt_anchor a = {.serial = serial};
	struct dencrypt_record r;
	char head[128] = "0:" DENCRYPT_CHAIN_NONE;
	lines right;

	make(right, 0);
	if (number && number <= RECORDS) {
		assert_int_equal(dencrypt_record_parse(right[number - 1], &r), DENCRYPT_OK);
		snprintf(head, sizeof(head), "%" PRIu64 ":%s", number, r.digest);
	} else if (number) {
		snprintf(head, sizeof(head), "%" PRIu64 ":%s", number, DENCRYPT_CHAIN_NONE);
	}
	dencrypt_anchor_head(&a, head);
	snprintf(a.of, sizeof(a.of), "at-%" PRIu64, number);
	assert_int_equal(dencrypt_verify_anchor(v, &a), DENCRYPT_OK);
}

static enum dencrypt_verdict verify(struct dencrypt_verification *v, lines l)
{
	struct dencrypt_chain chain = DENCRYPT_CHAIN_BEGIN;

	for (size_t i = 0; *l[i]; i++) {
		struct dencrypt_record r;

		dencrypt_chain_next(&chain, l[i], &r);
		dencrypt_verify_record(v, &r);
	}
	return dencrypt_verify_end(v);
}

static void broken_at(lines l, uint64_t number)
{
	struct dencrypt_verification v = {0};

	assert_int_equal(verify(&v, l), DENCRYPT_CHAIN_BROKEN);
	assert_int_equal(v.broken, number);
	dencrypt_verification_done(&v);
}

static void test_broken(void **state)
{
	lines l;

	(void)state;
	make(l, 0);
	*strstr(l[2], "taro") = 'T';
	broken_at(l, 3);
	make(l, 0);
	memmove(l[1], l[2], (RECORDS - 1) * sizeof(l[0])); /* number 2 is out */
	broken_at(l, 3);
	make(l, 0);
	memmove(l[3], l[2], (RECORDS - 3) * sizeof(l[0])); /* number 3 twice, the last one out */
	broken_at(l, 3);
	make(l, 0);
	snprintf(l[4], sizeof(l[4]), "nonsense\n");
	broken_at(l, 5);
	make(l, 0);
	l[0][0] = '2';
	broken_at(l, 2);
}

/* The anchors in no order: the first one that doesn't fit is named. */
static void unfit_at(lines l, const char *of)
{
	struct dencrypt_verification v = {0};
	enum dencrypt_verdict want = of ? DENCRYPT_CHAIN_UNFIT : DENCRYPT_CHAIN_SOUND;

	anchor_at(&v, 6, 9);
	anchor_at(&v, 4, 0);
	anchor_at(&v, 0, 7);
	anchor_at(&v, 2, 8);
	assert_int_equal(verify(&v, l), want);
	assert_int_equal(v.updates, 3);
	assert_int_equal(v.last_update, 9);
	if (of)
		assert_string_equal(v.unfit->of, of);
	dencrypt_verification_done(&v);
}

static void test_anchors(void **state)
{
	lines l;

	(void)state;
	make(l, 0);
	unfit_at(l, NULL);
	make(l, 1);
	unfit_at(l, "at-2");
	make(l, 3);
	unfit_at(l, "at-4");
	make(l, 0);
	l[5][0] = '\0'; /* cut */
	unfit_at(l, "at-6");
	make(l, 0);
	l[3][0] = '\0';
	unfit_at(l, "at-4");
	l[0][0] = '\0';
	unfit_at(l, "at-2");
}

/* What isn't a head, or of a record that there never was. */
static void test_wrong_anchors(void **state)
{
	static const char *const heads[] = {"", "x", "2", "2:", "2:12ab", ":" DENCRYPT_CHAIN_NONE, "-1:" DENCRYPT_CHAIN_NONE};
	lines l;

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct dencrypt_verification v = {0};
		struct dencrypt_anchor a = {.serial = 1};

		dencrypt_anchor_head(&a, heads[i]);
		assert_int_equal(dencrypt_verify_anchor(&v, &a), DENCRYPT_OK);
		make(l, 0);
		if (verify(&v, l) != DENCRYPT_CHAIN_UNFIT)
			fail_msg("fits: %s", heads[i]);
		dencrypt_verification_done(&v);
	}
}

static void test_long(void **state)
{
	char digest[DENCRYPT_DIGEST_HEX_SIZE], text[DENCRYPT_CHAIN_LINE];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_not_equal(dencrypt_chain_digest(digest, DENCRYPT_CHAIN_NONE, 1, 1, text), DENCRYPT_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_anchors),
		cmocka_unit_test(test_wrong_anchors),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
