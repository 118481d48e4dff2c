/* Comma-separated values as RFC 4180 has them, and what isn't. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/csv.h"

#define INPUT(s) s, sizeof(s) - 1

/* A row as text: line, then the fields with | between; wrong ones by their number. */
static const struct {
	const char *input;
	size_t len;
	const char *rows;
} cases[] = {
	{INPUT(""), ""},
	{INPUT("\n\r\n\n"), ""},
	{INPUT("a"), "1:a;"},
	{INPUT("a,b"), "1:a|b;"},
	{INPUT("a,b\n"), "1:a|b;"},
	{INPUT("a,b\r\nc,d\r\n"), "1:a|b;2:c|d;"},
	{INPUT("a,b\n\n\nc"), "1:a|b;4:c;"},
	{INPUT("\xEF\xBB\xBF" "a,b\n"), "1:a|b;"},
	{INPUT("\xEF\xBB\xBF"), ""},
	{INPUT("\xEF\xBB\xBF\"a\",b\n"), "1:a|b;"},
	{INPUT(","), "1:|;"},
	{INPUT(",\n,"), "1:|;2:|;"},
	{INPUT("a,"), "1:a|;"},
	{INPUT(" a , b "), "1: a | b ;"},
	{INPUT("\"\""), "1:;"},
	{INPUT("\"a,b\",c"), "1:a,b|c;"},
	{INPUT("\"a\"\"b\""), "1:a\"b;"},
	{INPUT("\"\"\"\""), "1:\";"},
	{INPUT("\"\"\"\"\"\",x"), "1:\"\"|x;"},
	{INPUT("\"a\nb\",c\nd"), "1:a\nb|c;3:d;"},
	{INPUT("\"a\r\nb\"\r\nd"), "1:a\r\nb;3:d;"},
	{INPUT("a\rb,c"), "1:a\rb|c;"},
	{INPUT("\"a\"\r"), "1!3;"},
	{INPUT("a\r"), "1:a\r;"},
	{INPUT("\xE7\x94\xB0\xE4\xB8\xAD,x"), "1:\xE7\x94\xB0\xE4\xB8\xAD|x;"},
	/* wrong rows; the ones after them are read */
	{INPUT("a\"b,c\nd"), "1!2;2:d;"},
	{INPUT("a,b\"\nd"), "1!2;2:d;"},
	{INPUT("\"a\"b,c\nd"), "1!3;2:d;"},
	{INPUT("\"a\" ,c\nd"), "1!3;2:d;"},
	{INPUT("\"a\nb\nc,d"), "1!4;2:b;3:c|d;"},
	{INPUT("x,\"a\nb"), "1!4;2:b;"},
	{INPUT("\""), "1!4;"},
	{INPUT("\"\"\""), "1!4;"},
	{INPUT("\"a\nb\"x,c\nd"), "1!4;2!2;3:d;"},
	{INPUT("a\0b,c\nd"), "1!5;2:d;"},
	{INPUT("\"a\n\0b\",c\nd"), "1!5;3:d;"},
	{INPUT("\"a\0b\",c\nd"), "1!5;2:d;"},
	{INPUT(",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,"), "1:|||||||||||||||||||||||||||||||;"},
	{INPUT(",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,\nb"), "1!6;2:b;"},
};

static void append(char *out, size_t size, const char *text)
{
	size_t used = strlen(out);

	assert_true(used + strlen(text) < size);
	snprintf(out + used, size - used, "%s", text);
}

static void describe(char *out, size_t size, char *buf, size_t len)
{
	struct den_csv csv;
	struct den_csv_row row;
	enum den_csv_result r;
	char text[32];

	*out = '\0';
	den_csv_start(&csv, buf, len);
	while ((r = den_csv_next(&csv, &row)) != DEN_CSV_END) {
		snprintf(text, sizeof(text), r == DEN_CSV_ROW ? "%zu:" : "%zu!", row.line);
		append(out, size, text);
		snprintf(text, sizeof(text), "%d", (int)r);
		if (r != DEN_CSV_ROW)
			append(out, size, text);
		for (size_t i = 0; r == DEN_CSV_ROW && i < row.n; i++) {
			append(out, size, i ? "|" : "");
			append(out, size, row.field[i]);
		}
		append(out, size, ";");
	}
}

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* As large as it must be and no larger: a sanitizer sees one byte more. */
		char *buf = malloc(cases[i].len + 1), out[256];

		assert_non_null(buf);
		memcpy(buf, cases[i].input, cases[i].len);
		describe(out, sizeof(out), buf, cases[i].len);
		free(buf);
		if (strcmp(out, cases[i].rows) != 0)
			fail_msg("case %zu: found %s, wanted %s", i, out, cases[i].rows);
	}
}

static void test_end_stays(void **state)
{
	char buf[] = "a\n";
	struct den_csv csv;
	struct den_csv_row row;

	(void)state;
	den_csv_start(&csv, buf, 2);
	assert_int_equal(den_csv_next(&csv, &row), DEN_CSV_ROW);
	for (int i = 0; i < 3; i++)
		assert_int_equal(den_csv_next(&csv, &row), DEN_CSV_END);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_end_stays),
	};

	return cmocka_run_group_tests_name("csv", tests, NULL, NULL);
}
