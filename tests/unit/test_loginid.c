/* Login IDs: R-ID-1, R-ID-2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/loginid.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
/* A text with its length: some have a NUL within. */
#define T(s) s, sizeof(s) - 1

static void parses(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *id; /* NULL: refused */
	} rows[] = {
		/* as typed into the form, and with its d- */
		{T("taro01"), "d-taro01"}, {T("d-taro01"), "d-taro01"}, {T("D-TARO01"), "d-taro01"},
		{T("d-Taro01"), "d-taro01"}, {T("TARO01"), "d-taro01"},
		/* 6 to 12 */
		{T("abcde"), NULL}, {T("d-abcde"), NULL}, {T("abcdef"), "d-abcdef"},
		{T("abcdefghijkl"), "d-abcdefghijkl"}, {T("d-abcdefghijkl"), "d-abcdefghijkl"},
		{T("abcdefghijklm"), NULL}, {T("d-abcdefghijklm"), NULL},
		{T("000000"), "d-000000"}, {T("zzzzzz999999"), "d-zzzzzz999999"},
		/* nothing, and nothing but the prefix */
		{T(""), NULL}, {T("d"), NULL}, {T("-"), NULL}, {T("d-"), NULL}, {T("D-"), NULL},
		/* the d- is never doubled */
		{T("d-d-taro1"), NULL}, {T("d-d-abcdef"), NULL},
		/* other characters */
		{T("taro 1"), NULL}, {T("taro_1"), NULL}, {T("taro-1"), NULL}, {T("taro.1"), NULL},
		{T(" taro01"), NULL}, {T("taro01 "), NULL}, {T("taro01\n"), NULL}, {T("taro0/"), NULL},
		{T("taro0:"), NULL}, {T("taro0@"), NULL}, {T("taro0["), NULL}, {T("taro0`"), NULL},
		{T("taro0{"), NULL}, {T("d/taro01"), NULL}, {T("d_taro01"), NULL},
		/* NUL within, at the start, at the end */
		{T("tar\0o01"), NULL}, {T("\0taro01"), NULL}, {T("taro01\0"), NULL}, {T("d-\0aro012"), NULL},
		/* full width, combining, other alphabets, broken UTF-8 */
		{T("ｔａｒｏ０１"), NULL}, {T("ｄ-taro01"), NULL}, {T("d－taro01"), NULL},
		{T("tarö01"), NULL}, {T("taro\xcc\x88" "01"), NULL}, {T("ﾀﾛｳ001"), NULL},
		{T("太郎太郎太郎"), NULL}, {T("tar\xff" "01"), NULL}, {T("tar\xc3" "01"), NULL},
		{T("taro0\x7f"), NULL}, {T("taro0\x01"), NULL},
		/* İ and the Kelvin sign lower to ASCII letters in some locales */
		{T("tar\xc4\xb0" "01"), NULL}, {T("\xe2\x84\xaa" "aro01"), NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char id[DEN_LOGIN_ID_SIZE];
		int expected = rows[i].id ? 0 : -1;

		memset(id, 'x', sizeof(id));
		if (den_login_id_parse(id, rows[i].text, rows[i].len) != expected)
			fail_msg("%s", rows[i].text);
		assert_string_equal(id, rows[i].id ? rows[i].id : "");
	}
}

static void every_byte(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		char text[] = "taro0?", id[DEN_LOGIN_ID_SIZE];
		int right = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		text[5] = (char)c;
		assert_int_equal(den_login_id_parse(id, text, 6), right ? 0 : -1);
	}
}

/* Reads no byte behind len. */
static void length_is_obeyed(void **state)
{
	char id[DEN_LOGIN_ID_SIZE];

	(void)state;
	assert_int_equal(den_login_id_parse(id, "d-taro01", 7), -1);
	assert_int_equal(den_login_id_parse(id, "taro01xyz", 6), 0);
	assert_string_equal(id, "d-taro01");
	/* "d-" cut in the middle: one letter */
	assert_int_equal(den_login_id_parse(id, "d-taro01", 1), -1);
}

static void ours(void **state)
{
	static const struct {
		const char *name;
		int ours, valid;
	} rows[] = {
		{"d-taro01", 1, 1}, {"D-taro01", 1, 0}, {"d-TARO01", 1, 0}, {"d-", 1, 0}, {"d-x", 1, 0},
		{"d-abcdefghijkl", 1, 1}, {"d-abcdefghijklm", 1, 0}, {"d-taro_1", 1, 0}, {"", 0, 0}, {"d", 0, 0},
		{"-", 0, 0}, {"taro01", 0, 0}, {"root", 0, 0}, {"e-taro01", 0, 0}, {"dd-taro01", 0, 0},
		{"ｄ-taro01", 0, 0}, {" d-taro01", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (den_login_id_is_ours(rows[i].name) != rows[i].ours ||
			den_login_id_is_valid(rows[i].name) != rows[i].valid)
			fail_msg("%s", rows[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses),
		cmocka_unit_test(every_byte),
		cmocka_unit_test(length_is_obeyed),
		cmocka_unit_test(ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
