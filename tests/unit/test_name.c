/* User names, e-mail addresses, subjects: R-NAME-1, R-MAIL-1, R-APP-1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/name.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define T(s) s, sizeof(s) - 1

/* n times piece, in a buffer of just that size, so that a sanitizer sees a byte too many read. */
static char *repeat(const char *piece, size_t n, size_t *len)
{
	size_t one = strlen(piece);
	char *text = malloc(n * one + 1);

	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		memcpy(text + i * one, piece, one);
	*len = n * one;
	return text;
}

static void characters(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		long count;
	} rows[] = {
		{T(""), 0}, {T("a"), 1}, {T("山田太郎"), 4}, {T("Ä"), 1}, {T("A\xcc\x88"), 2},
		{T("\xf0\xa0\xae\xb7"), 1}, {T("\xf4\x8f\xbf\xbd"), 1}, {T("ﾔﾏﾀﾞ"), 4}, {T("\xef\xbf\xbd"), 1},
		/* controls */
		{T("\0"), -1}, {T("a\0b"), -1}, {T("\t"), -1}, {T("a\n"), -1}, {T("\x1b[31m"), -1}, {T("\x7f"), -1},
		{T("\xc2\x80"), -1}, {T("\xc2\x9f"), -1}, {T("\xc2\xa0"), 1},
		/* not UTF-8: continuation alone, cut, overlong, surrogate, beyond U+10FFFF, Latin-1 */
		{T("\x80"), -1}, {T("\xc3"), -1}, {T("\xe3\x81"), -1}, {T("\xf0\xa0\xae"), -1}, {T("\xc0\xaf"), -1},
		{T("\xc1\xbf"), -1}, {T("\xe0\x80\xaf"), -1}, {T("\xe0\x9f\xbf"), -1}, {T("\xf0\x80\x80\xaf"), -1},
		{T("\xf0\x8f\xbf\xbf"), -1}, {T("\xed\xa0\x80"), -1}, {T("\xed\xbf\xbf"), -1},
		{T("\xf4\x90\x80\x80"), -1}, {T("\xf5\x80\x80\x80"), -1}, {T("\xfe"), -1}, {T("\xff"), -1},
		{T("M\xfcller"), -1}, {T("\xe3\x81" "a"), -1}, {T("\xe3" "a\x81"), -1},
		/* hide or turn the text around them */
		{T("\xd8\x9c"), -1}, {T("\xe2\x80\x8b"), -1}, {T("\xe2\x80\x8d"), -1}, {T("\xe2\x80\x8f"), -1},
		{T("\xe2\x80\xa8"), -1}, {T("\xe2\x80\xa9"), -1}, {T("a\xe2\x80\xae" "b"), -1}, {T("\xe2\x81\xa0"), -1},
		{T("\xe2\x81\xa6"), -1}, {T("\xe2\x81\xa9"), -1}, {T("\xef\xbb\xbf" "a"), -1}, {T("\xef\xbf\xbe"), -1},
		{T("\xef\xbf\xbf"), -1},
		/* beside them */
		{T("\xe2\x80\x8a"), 1}, {T("\xe2\x80\x90"), 1}, {T("\xe2\x80\xa7"), 1}, {T("\xe2\x80\xaf"), 1},
		{T("\xe2\x81\x9f"), 1}, {T("\xe2\x81\xaa"), 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *copy = malloc(rows[i].len + !rows[i].len);
		long count;

		assert_non_null(copy);
		memcpy(copy, rows[i].text, rows[i].len);
		count = den_characters(copy, rows[i].len);
		free(copy);
		if (count != rows[i].count)
			fail_msg("row %zu (%s): %ld, expected %ld", i, rows[i].text, count, rows[i].count);
	}
}

static void names(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		int right;
	} rows[] = {
		{T("山田 太郎"), 1}, {T("山田　太郎"), 1}, {T("Taro Yamada"), 1}, {T("a"), 1}, {T("あ"), 1},
		{T("ﾔﾏﾀﾞ ﾀﾛｳ"), 1}, {T("O'Neill, J. (2)"), 1}, {T("Åsa"), 1}, {T(""), 0}, {T(" "), 0}, {T("　"), 0},
		{T(" 太郎"), 0}, {T("太郎 "), 0}, {T("　太郎"), 0}, {T("太郎　"), 0}, {T("a:b"), 0}, {T(":"), 0},
		{T("a\nb"), 0}, {T("太郎\n"), 0}, {T("a\tb"), 0}, {T("a\0b"), 0}, {T("\0"), 0}, {T("a\x7f"), 0},
		{T("a\xff"), 0}, {T("\xe5\xb1"), 0},
		/* a full-width colon breaks no passwd line */
		{T("山田：太郎"), 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (den_name_is_valid(rows[i].text, rows[i].len) != rows[i].right)
			fail_msg("row %zu (%s)", i, rows[i].text);
}

/* Counted in characters, not bytes: 40 of each width, and one more. */
static void name_limits(void **state)
{
	static const char *const pieces[] = {"a", "é", "あ", "𠮷"};
	size_t len;

	(void)state;
	for (size_t i = 0; i < COUNT(pieces); i++)
		for (size_t n = 39; n <= 42; n++) {
			char *text = repeat(pieces[i], n, &len);

			assert_int_equal(den_name_is_valid(text, len), n <= 40);
			free(text);
		}
	/* 20 letters of two code points each */
	for (size_t n = 20; n <= 21; n++) {
		char *text = repeat("e\xcc\x81", n, &len);

		assert_int_equal(den_name_is_valid(text, len), n == 20);
		free(text);
	}
}

static void mails(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		int right;
	} rows[] = {
		{T("taro@example.com"), 1}, {T("taro.yamada@mail.example.co.jp"), 1}, {T("t@a.b"), 1},
		{T("a+b_c-d!#$%&'*/=?^`{|}~@example.com"), 1}, {T("TARO@EXAMPLE.COM"), 1}, {T("1@2.3"), 1},
		{T("taro@xn--wgv71a.jp"), 1}, {T("taro@a-b.example"), 1},
		{T(""), 0}, {T("@"), 0}, {T("taro"), 0}, {T("taro@"), 0}, {T("@example.com"), 0}, {T("taro@example"), 0},
		{T("taro@@example.com"), 0}, {T("taro@exa@mple.com"), 0}, {T(".taro@example.com"), 0},
		{T("taro.@example.com"), 0}, {T("ta..ro@example.com"), 0}, {T("taro@.example.com"), 0},
		{T("taro@example..com"), 0}, {T("taro@example.com."), 0}, {T("taro@-example.com"), 0},
		{T("taro@example-.com"), 0}, {T("taro@exa_mple.com"), 0}, {T("ta ro@example.com"), 0},
		{T(" taro@example.com"), 0}, {T("taro@example.com "), 0}, {T("taro@example.com\n"), 0},
		{T("taro\0@example.com"), 0}, {T("taro@example.com\0"), 0}, {T("\"taro y\"@example.com"), 0},
		{T("taro@[192.0.2.1]"), 0}, {T("taro,x@example.com"), 0}, {T("taro<x>@example.com"), 0},
		{T("taro:x@example.com"), 0}, {T("taro;x@example.com"), 0}, {T("(c)taro@example.com"), 0},
		{T("ta\\ro@example.com"), 0}, {T("taro\x7f@example.com"), 0},
		/* full width, and an address in UTF-8 */
		{T("ｔａｒｏ@example.com"), 0}, {T("taro＠example.com"), 0}, {T("太郎@example.com"), 0},
		{T("taro@例え.jp"), 0}, {T("tar\xff@example.com"), 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (den_mail_is_valid(rows[i].text, rows[i].len) != rows[i].right)
			fail_msg("row %zu (%s)", i, rows[i].text);
}

static void mail_limits(void **state)
{
	static const struct {
		size_t local, label;
		int right;
	} rows[] = {
		/* local@label.example.com */
		{64, 50, 1}, {64, 51, 1}, {64, 52, 0}, {65, 10, 0}, {1, 63, 1}, {1, 64, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[300];
		size_t len = 0;

		memset(text, 'a', rows[i].local);
		text[rows[i].local] = '@';
		memset(text + rows[i].local + 1, 'b', rows[i].label);
		len = rows[i].local + 1 + rows[i].label;
		len += (size_t)snprintf(text + len, sizeof(text) - len, ".example.com");
		/* the second row is exactly 128 long */
		assert_true(i != 1 || len == DEN_MAIL_MAX);
		if (den_mail_is_valid(text, len) != rows[i].right)
			fail_msg("row %zu, %zu bytes", i, len);
	}
}

static void subjects(void **state)
{
	static const char *const pieces[] = {"a", "件", "𠮷"};
	size_t len;

	(void)state;
	assert_int_equal(den_subject_is_valid(T("")), 0);
	assert_int_equal(den_subject_is_valid(T("譲渡: 1,000,000 円")), 1);
	assert_int_equal(den_subject_is_valid(T("two\nlines")), 0);
	assert_int_equal(den_subject_is_valid(T("a\0b")), 0);
	assert_int_equal(den_subject_is_valid(T("\xff")), 0);
	for (size_t i = 0; i < COUNT(pieces); i++)
		for (size_t n = 999; n <= 1002; n++) {
			char *text = repeat(pieces[i], n, &len);

			assert_int_equal(den_subject_is_valid(text, len), n <= 1000);
			free(text);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters),
		cmocka_unit_test(names),
		cmocka_unit_test(name_limits),
		cmocka_unit_test(mails),
		cmocka_unit_test(mail_limits),
		cmocka_unit_test(subjects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
