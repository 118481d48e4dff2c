/* How long an unknown name waits (denshid/pace.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "denshid/pace.h"

static int64_t waited_us(struct pace *p, int64_t took_us)
{
	int64_t from = pace_now_us();

	pace_unknown(p, took_us);
	return pace_now_us() - from;
}

static void nothing_is_known(void **state)
{
	struct pace *p = pace_new();

	(void)state;
	assert_true(waited_us(p, 20000) < 1000000);
	/* The other way round nobody waits: the known name's is the longer way. */
	pace_known(p, 10);
	assert_true(waited_us(p, 20000) < 1000000);
	pace_free(p);
}

static void waits_for_the_difference(void **state)
{
	struct pace *p = pace_new();

	(void)state;
	pace_known(p, 25000);
	assert_true(waited_us(p, 5000) >= 20000);
	/* An outlier of either moves it by a step, not by what it is. */
	pace_known(p, 5000000);
	pace_unknown(p, 1);
	assert_true(waited_us(p, 5000) >= 18000);
	pace_free(p);
}

static void never_long(void **state)
{
	struct pace *p = pace_new();
	int64_t waited;

	(void)state;
	pace_known(p, 60000000);
	waited = waited_us(p, 1);
	assert_true(waited >= 50000 && waited < 5000000);
	pace_free(p);
}

/* The median follows: after many quick ones of a known name nobody waits any more. */
static void follows(void **state)
{
	struct pace *p = pace_new();
	int64_t shortest = INT64_MAX;

	(void)state;
	pace_known(p, 30000);
	assert_true(waited_us(p, 10000) >= 20000);
	for (int k = 0; k < 100; k++)
		pace_known(p, 10000);
	for (int k = 0; k < 5; k++) {
		int64_t waited = waited_us(p, 10000);

		shortest = waited < shortest ? waited : shortest;
	}
	assert_true(shortest < 5000);
	pace_free(p);
}

/* Measurements that spread by more than the difference of the two: the wait is the difference. */
static void settles(struct pace *p, int64_t known_us, int64_t difference_us)
{
	uint32_t seed = 1;
	int64_t sum = 0;

	for (int k = 0; k < 400; k++) {
		int64_t wait;

		seed = seed * 1664525 + 1013904223;
		pace_known(p, known_us - 1500 + (seed >> 8) % 3000);
		seed = seed * 1664525 + 1013904223;
		wait = pace_wait_us(p, known_us - difference_us - 1500 + (seed >> 8) % 3000);
		if (k >= 200)
			sum += wait;
	}
	assert_true(sum / 200 > difference_us - 350 && sum / 200 < difference_us + 350);
}

static void waits_no_longer_than_that(void **state)
{
	struct pace *p = pace_new();

	(void)state;
	settles(p, 25000, 1000);
	/* A busier machine, and a quiet one again. */
	settles(p, 60000, 0);
	settles(p, 25000, 0);
	pace_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_known),
		cmocka_unit_test(waits_for_the_difference),
		cmocka_unit_test(never_long),
		cmocka_unit_test(follows),
		cmocka_unit_test(waits_no_longer_than_that),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
