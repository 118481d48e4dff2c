/* The command line of denshi: options are rows of one table. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/denshi/args.c"

#define TAKEN (1ul << OPT_NAME | 1ul << OPT_JSON | 1ul << OPT_YES | 1ul << OPT_HELP)
#define WORDS 6

static const struct {
	const char *words[WORDS];
	enum args_result result;
	const char *name, *wrong; /* of --name; the word complained about */
	int operands, json;
} cases[] = {
	{{"a", "b"}, ARGS_OK, NULL, NULL, 2, 0},
	{{"--name", "x", "a"}, ARGS_OK, "x", NULL, 1, 0},
	{{"a", "--name=x"}, ARGS_OK, "x", NULL, 1, 0},
	{{"--name="}, ARGS_OK, "", NULL, 0, 0},
	{{"--name=a=b"}, ARGS_OK, "a=b", NULL, 0, 0},
	{{"--name", "--json"}, ARGS_OK, "--json", NULL, 0, 0},
	{{"a", "--json", "b"}, ARGS_OK, NULL, NULL, 2, 1},
	{{"--", "--json", "-x"}, ARGS_OK, NULL, NULL, 2, 0},
	{{"-"}, ARGS_OK, NULL, NULL, 1, 0},
	{{"-h"}, ARGS_OK, NULL, NULL, 0, 0},
	{{"--name"}, ARGS_NO_VALUE, NULL, "--name", 0, 0},
	{{"--json=1"}, ARGS_UNWANTED, NULL, "--json=1", 0, 0},
	{{"--json", "--json"}, ARGS_TWICE, NULL, "--json", 0, 0},
	{{"--nam", "x"}, ARGS_UNKNOWN, NULL, "--nam", 0, 0},
	{{"--mail", "x"}, ARGS_UNKNOWN, NULL, "--mail", 0, 0}, /* of another command */
	{{"-n"}, ARGS_UNKNOWN, NULL, "-n", 0, 0},
	{{""}, ARGS_OK, NULL, NULL, 1, 0},
};

static void parses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *wrong = NULL;
		struct args args;
		int argc = 0;

		while (argc < WORDS && cases[i].words[argc])
			argc++;
		assert_int_equal(cases[i].result, args_parse(&args, argc,
			(char **)(uintptr_t)cases[i].words, TAKEN, &wrong));
		if (cases[i].result != ARGS_OK) {
			assert_string_equal(cases[i].wrong, wrong);
		} else {
			assert_int_equal(cases[i].operands, args.operands);
			assert_int_equal(cases[i].json, args.option[OPT_JSON] != NULL);
			if (cases[i].name)
				assert_string_equal(cases[i].name, args.option[OPT_NAME]);
			else
				assert_null(args.option[OPT_NAME]);
		}
		args_done(&args);
	}
}

static void numbers(void **state)
{
	(void)state;
	assert_int_equal(0, args_number("0"));
	assert_int_equal(INT_MAX, args_number("2147483647"));
	assert_int_equal(-1, args_number("2147483648"));
	assert_int_equal(-1, args_number(""));
	assert_int_equal(-1, args_number("-1"));
	assert_int_equal(-1, args_number("3x"));
}

static void distances(void **state)
{
	(void)state;
	assert_int_equal(0, args_distance("status", "status"));
	assert_int_equal(2, args_distance("stauts", "status"));
	assert_int_equal(1, args_distance("jsn", "json"));
	assert_int_equal(6, args_distance("", "status"));
	assert_int_equal(UINT_MAX, args_distance("status",
		"a word that is much longer than any command or option is"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses),
		cmocka_unit_test(numbers),
		cmocka_unit_test(distances),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
