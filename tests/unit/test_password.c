/* Password rules: R-PW-1, R-PW-2, R-INIT-1, R-APW-2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/password.h"
#include "core/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define T(s) s, sizeof(s) - 1

#define SHORT DEN_RULE_TOO_SHORT
#define LONG DEN_RULE_TOO_LONG
#define LETTER DEN_RULE_NO_LETTER
#define DIGIT DEN_RULE_NO_DIGIT
#define WIDE DEN_RULE_FULL_WIDTH
#define CONTROL DEN_RULE_CONTROL
#define SYMBOL DEN_RULE_SYMBOL
#define ID DEN_RULE_IS_LOGIN_ID
#define GUESS DEN_RULE_GUESSABLE
#define A12 "abcdefghijkl"
#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const char login[] = "d-taro01";

struct row {
	const char *text;
	size_t len;
	unsigned broken;
};

static void check(const char *preset, enum den_password_kind kind, const struct row *rows, size_t n)
{
	const struct den_password_policy *policy = den_password_preset(preset);

	assert_non_null(policy);
	for (size_t i = 0; i < n; i++) {
		unsigned broken = den_password_check(policy, kind, login, rows[i].text, rows[i].len);

		if (broken != rows[i].broken)
			fail_msg("%s, kind %d, row %zu (%s): %#x, expected %#x", preset, kind, i, rows[i].text,
				broken, rows[i].broken);
	}
}

/* R-PW-1: every broken rule, not the first. */
static void chosen_login(void **state)
{
	static const struct row rows[] = {
		{T("abc123"), 0}, {T("a23456"), 0}, {T("abcde1"), 0}, {T("ABCDE1"), 0}, {T("a1!\"#$"), 0},
		{T("a1    "), 0}, {T(X64 X64 X64 "1" X64), LONG}, {T(X64 X64 X64 X64), DIGIT},
		{T("1" X64 X64 X64 "23456789012345678901234567890123456789012345678901234567890123"), 0},
		{T(""), SHORT | LETTER | DIGIT}, {T("a1"), SHORT}, {T("abcd1"), SHORT}, {T("abcde"), SHORT | DIGIT},
		{T("12345"), SHORT | LETTER}, {T("abcdef"), DIGIT}, {T("123456"), LETTER}, {T("!!!!!!"), LETTER | DIGIT},
		{T("ａｂｃ１２３"), WIDE | LETTER | DIGIT}, {T("abc123あ"), WIDE}, {T("abc12\xcc\x81" "3"), WIDE},
		{T("abc123\xff"), WIDE}, {T("abc12\xc3"), WIDE}, {T("abc123\n"), CONTROL}, {T("abc\t123"), CONTROL},
		{T("abc\0" "123"), CONTROL}, {T("abc123\x7f"), CONTROL}, {T("\0\0\0\0\0\0"), CONTROL | LETTER | DIGIT},
		{T("d-taro01"), ID}, {T("D-TARO01"), ID}, {T("d-TaRo01"), ID}, {T("taro01"), ID}, {T("TARO01"), ID},
		{T("d-taro012"), 0}, {T("d-taro0"), 0}, {T("-taro01"), 0}, {T("xtaro01"), 0}, {T("d-taro01 "), 0},
	};

	(void)state;
	check("densai", DEN_PASSWORD_LOGIN, rows, COUNT(rows));
}

/* R-INIT-1: neither letter nor digit is demanded, but nothing else is allowed. */
static void initial_login(void **state)
{
	static const struct row rows[] = {
		{T("abcdef"), 0}, {T("123456"), 0}, {T(A12), 0}, {T(A12 "m"), LONG}, {T("abcde"), SHORT}, {T(""), SHORT},
		{T("abc-12"), SYMBOL}, {T("abc 12"), SYMBOL}, {T("abc12!"), SYMBOL}, {T("taro01"), ID},
		{T("TARO01"), ID}, {T("d-taro01"), ID | SYMBOL}, {T("ａｂｃｄｅｆ"), LONG | WIDE}, {T("abcde\n"), CONTROL},
		{T("abc\0de"), CONTROL}, {T("ab!"), SHORT | SYMBOL},
	};

	(void)state;
	check("densai", DEN_PASSWORD_INITIAL, rows, COUNT(rows));
}

/* R-APW-2: both kinds alike, under every preset. */
static void approval(void **state)
{
	static const struct row rows[] = {
		{T("abc123"), 0}, {T("a23456!"), 0}, {T(""), SHORT | LETTER | DIGIT}, {T("abc12"), SHORT},
		{T("abcdef"), DIGIT}, {T("123456"), LETTER}, {T("ｂ12345"), WIDE | LETTER}, {T("taro01"), ID},
		{T("D-Taro01"), ID}, {T("abc123\x01"), CONTROL}, {T(A12 A12 "1"), 0},
	};
	static const char *const presets[] = {"densai", "pci-dss-4", "nist-800-63b-4"};

	(void)state;
	for (size_t i = 0; i < COUNT(presets); i++) {
		check(presets[i], DEN_PASSWORD_APPROVAL, rows, COUNT(rows));
		check(presets[i], DEN_PASSWORD_INITIAL_APPROVAL, rows, COUNT(rows));
	}
}

/* R-PW-2 */
static void presets(void **state)
{
	static const struct row pci[] = {
		{T("abcdefghij1"), SHORT}, {T("abcdefghijk1"), 0}, {T(A12), DIGIT}, {T("123456789012"), LETTER},
	};
	static const struct row pci_initial[] = {
		{T("abcdef"), 0}, {T(A12 A12 "12345678"), 0}, {T(A12 A12 "123456789"), LONG},
	};
	static const struct row nist[] = {
		{T("kvbquwz"), SHORT}, {T("kvbquwzn"), 0}, {T("83910274"), 0}, {T("kvbquwzn" A12), 0}, {T("       7"), 0},
		{T("correct horse battery staple"), 0}, {T("Mikan-21-hare"), 0},
		/* the blocklist */
		{T("password"), GUESS}, {T("Password1!"), GUESS}, {T("P@ssw0rd"), GUESS}, {T("passwordpassword"), GUESS},
		{T("2026-welcome"), GUESS}, {T("Sakura2026"), GUESS}, {T("qwertyuiop"), GUESS}, {T("!!admin!!"), GUESS},
		{T("12345678"), GUESS}, {T("87654321"), GUESS}, {T("abcdefgh"), GUESS}, {T("HGFEDCBA"), GUESS},
		{T("!!!!!!!!"), GUESS}, {T("abcabcabc"), GUESS}, {T("x-taro01-x"), GUESS}, {T("TARO01TARO01"), GUESS},
		{T("d-taro01"), ID}, {T("qwerty"), SHORT | GUESS}, {T("passwordo"), 0}, {T("ａｂｃｄ"), WIDE},
	};
	struct den_password_policy alone = den_password_alone(den_password_preset("nist-800-63b-4"));

	(void)state;
	check("pci-dss-4", DEN_PASSWORD_LOGIN, pci, COUNT(pci));
	check("pci-dss-4", DEN_PASSWORD_INITIAL, pci_initial, COUNT(pci_initial));
	check("nist-800-63b-4", DEN_PASSWORD_LOGIN, nist, COUNT(nist));
	/* 15 where there is no certificate beside it. */
	assert_int_equal(den_password_check(&alone, DEN_PASSWORD_LOGIN, login, T("kvbquwznmpxtrc")), SHORT);
	assert_int_equal(den_password_check(&alone, DEN_PASSWORD_LOGIN, login, T("kvbquwznmpxtrcd")), 0);
	/* A master's choice and an approval password aren't the user's login password. */
	assert_int_equal(den_password_check(&alone, DEN_PASSWORD_INITIAL, login, T("password")), 0);
	assert_int_equal(den_password_preset("pci-dss-4")->history, 4);
	assert_int_equal(den_password_preset("pci-dss-4")->days, 90);
	assert_int_equal(den_password_preset("densai")->days, 0);
	assert_int_equal(den_password_preset("nist-800-63b-4")->days, 0);
	assert_null(den_password_preset("Densai"));
	assert_null(den_password_preset(""));
	assert_null(den_password_preset("densai "));
}

/* What no account can have is refused unheard, and takes no attempt. */
static void possible(void **state)
{
	(void)state;
	assert_true(den_password_is_possible(T("a")));
	assert_true(den_password_is_possible(T(" ~!a1")));
	assert_true(den_password_is_possible(X64 X64 X64 X64, 256));
	assert_false(den_password_is_possible(X64 X64 X64 X64 "x", 257));
	assert_false(den_password_is_possible("", 0));
	assert_false(den_password_is_possible(T("ab\0c")));
	assert_false(den_password_is_possible(T("\b\n\r\177INCORRECT")));
	assert_false(den_password_is_possible(T("ａｂｃ１２３")));
	assert_false(den_password_is_possible(T("abc\xe9")));
}

/* Every rule has a text of its own, and those with a limit name it. */
static void texts(void **state)
{
	static const int codes[DEN_RULES] = {DEN_PW_TOO_SHORT, DEN_PW_TOO_LONG, DEN_PW_NO_LETTER, DEN_PW_NO_DIGIT,
		DEN_PW_FULL_WIDTH, DEN_PW_CONTROL, DEN_PW_SYMBOL, DEN_PW_IS_LOGIN_ID, DEN_PW_GUESSABLE};
	const struct den_password_policy *policy = den_password_preset("densai");
	unsigned limit;

	(void)state;
	for (unsigned rule = 0; rule < DEN_RULES; rule++) {
		int code = den_password_rule_code(policy, DEN_PASSWORD_LOGIN, rule, &limit);

		assert_int_equal(code, codes[rule]);
		assert_int_equal(limit, rule == 0 ? 6 : rule == 1 ? 256 : 0);
		assert_int_equal(strstr(den_text(DEN_LANG_EN, (enum den_code)code), "{1}") != NULL, limit != 0);
	}
	den_password_rule_code(policy, DEN_PASSWORD_INITIAL, 1, &limit);
	assert_int_equal(limit, 12);
	assert_int_equal(den_password_rule_code(policy, DEN_PASSWORD_LOGIN, DEN_RULES, &limit), DEN_INTERNAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chosen_login),
		cmocka_unit_test(initial_login),
		cmocka_unit_test(approval),
		cmocka_unit_test(presets),
		cmocka_unit_test(possible),
		cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
