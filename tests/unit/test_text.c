/* The table of messages, row by row, and their formatting: R-ALL-2, R-ALL-6. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/name.h"
#include "core/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define EACH_CODE(c) for (unsigned c = 0; c < DEN_CODE_COUNT; c++)

/* {1} to {6} as bits; anything else in braces fails. */
static unsigned placeholders(const char *text)
{
	unsigned set = 0;

	for (const char *p = strchr(text, '{'); p; p = strchr(p + 1, '{')) {
		if (p[1] < '1' || p[1] > '6' || p[2] != '}')
			fail_msg("%s", text);
		set |= 1u << (p[1] - '1');
	}
	return set;
}

/* UTF-8 without a character that hides another, in lines. */
static int readable(const char *text)
{
	for (;;) {
		size_t len = strcspn(text, "\n");

		if (den_characters(text, len) < 0)
			return 0;
		if (!text[len])
			return 1;
		text += len + 1;
	}
}

static void both_languages(void **state)
{
	(void)state;
	EACH_CODE (code) {
		const char *en = den_text(DEN_LANG_EN, (enum den_code)code);
		const char *ja = den_text(DEN_LANG_JA, (enum den_code)code);

		if (!*en || !*ja || placeholders(en) != placeholders(ja))
			fail_msg("%s", den_code_name((enum den_code)code));
		for (const char *p = en; *p; p++)
			if ((unsigned char)*p >= 0x80)
				fail_msg("%s: not ASCII", en);
		if (!readable(ja) || !readable(en))
			fail_msg("%s", ja);
	}
}

static void names(void **state)
{
	(void)state;
	EACH_CODE (code) {
		const char *name = den_code_name((enum den_code)code);

		if (!*name || strlen(name) > 40 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(name))
			fail_msg("%s", name);
		for (unsigned other = 0; other < code; other++)
			if (strcmp(name, den_code_name((enum den_code)other)) == 0)
				fail_msg("%s twice", name);
	}
	assert_int_equal(DEN_OK, 0);
	assert_string_equal(den_code_name(DEN_LOGIN_LOCKED), "login-locked");
}

static void unknown_codes(void **state)
{
	static const unsigned codes[] = {DEN_CODE_COUNT, DEN_CODE_COUNT + 1, 65535, 0x80000000u, 0xffffffffu};
	char buf[DEN_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(codes); i++) {
		assert_string_equal(den_code_name((enum den_code)codes[i]), "unknown");
		assert_non_null(den_text(DEN_LANG_JA, (enum den_code)codes[i]));
		den_text_format(buf, sizeof(buf), DEN_LANG_EN, (enum den_code)codes[i], NULL, 0);
	}
}

static void formats(void **state)
{
	static const char *const args[] = {"A", NULL, "{1}"};
	char buf[DEN_TEXT_MAX];

	(void)state;
	den_text_format(buf, sizeof(buf), DEN_LANG_EN, DEN_UPDATE_DONE, args, 3);
	assert_string_equal(buf, "user update done: serial A is in force, ? change(s)");
	den_text_format(buf, sizeof(buf), DEN_LANG_JA, DEN_UPDATE_DONE, args, 0);
	assert_string_equal(buf, "ユーザ更新が完了しました: 更新番号 ?、変更 ? 件を反映しました");
	/* An argument isn't a text: nothing in it is replaced. */
	den_text_format(buf, sizeof(buf), DEN_LANG_EN, DEN_APPROVED, &args[2], 1);
	assert_string_equal(buf, "approved: {1}");
	den_text_format(buf, sizeof(buf), DEN_LANG_EN, DEN_LOGIN_WRONG, (const char *[]){"5"}, 1);
	assert_string_equal(buf, "wrong login ID or password; attempts left: 5");
}

/* Every row at every size: terminated, never longer, cut at a whole character, a prefix. */
static void cuts(void **state)
{
	static const char *const args[] = {"山田", "d-taro01", "𠮷", "x", "y", "z"};
	char whole[DEN_TEXT_MAX];

	(void)state;
	EACH_CODE (code) {
		for (int lang = DEN_LANG_EN; lang <= DEN_LANG_JA; lang++) {
			size_t len;

			den_text_format(whole, sizeof(whole), (enum den_lang)lang, (enum den_code)code, args, 6);
			len = strlen(whole);
			assert_true(len > 0 && len < sizeof(whole) - 1);
			for (size_t size = 1; size <= len + 1; size++) {
				char *buf = malloc(size);

				assert_non_null(buf);
				assert_ptr_equal(den_text_format(buf, size, (enum den_lang)lang,
					(enum den_code)code, args, 6), buf);
				assert_true(strlen(buf) < size);
				assert_memory_equal(buf, whole, strlen(buf));
				assert_true(readable(buf));
				/* No more is lost than one character. */
				assert_true(strlen(buf) + 4 >= size);
				free(buf);
			}
		}
	}
	den_text_format(NULL, 0, DEN_LANG_EN, DEN_OK, NULL, 0);
}

static void long_arguments(void **state)
{
	char arg[3 * DEN_TEXT_MAX], buf[DEN_TEXT_MAX];
	const char *args[] = {arg};

	(void)state;
	memset(arg, 'x', sizeof(arg) - 1);
	arg[sizeof(arg) - 1] = '\0';
	den_text_format(buf, sizeof(buf), DEN_LANG_EN, DEN_APPROVED, args, 1);
	assert_int_equal(strlen(buf), sizeof(buf) - 1);
}

static void language_names(void **state)
{
	static const struct {
		const char *name;
		enum den_lang lang;
	} rows[] = {
		{"ja", DEN_LANG_JA}, {"ja_JP", DEN_LANG_JA}, {"ja_JP.UTF-8", DEN_LANG_JA}, {"ja-JP", DEN_LANG_JA},
		{"ja.UTF-8", DEN_LANG_JA}, {"ja@x", DEN_LANG_JA}, {"en", DEN_LANG_EN}, {"en_US.UTF-8", DEN_LANG_EN},
		{"C", DEN_LANG_EN}, {"", DEN_LANG_EN}, {NULL, DEN_LANG_EN}, {"jab", DEN_LANG_EN}, {"j", DEN_LANG_EN},
		{"JA", DEN_LANG_EN}, {"de_DE", DEN_LANG_EN},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(den_lang_from_name(rows[i].name), rows[i].lang);
	assert_string_equal(den_lang_name(DEN_LANG_EN), "en");
	assert_string_equal(den_lang_name(DEN_LANG_JA), "ja");
}

static void put(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

static void environment(void **state)
{
	static const struct {
		const char *all, *messages, *lang;
		enum den_lang expected;
		int found;
	} rows[] = {
		{NULL, NULL, NULL, DEN_LANG_EN, 0}, {"", "", "", DEN_LANG_EN, 0}, {NULL, NULL, "ja_JP.UTF-8", DEN_LANG_JA, 1},
		{NULL, "ja_JP", "en_US", DEN_LANG_JA, 1}, {"en_US", "ja_JP", "ja_JP", DEN_LANG_EN, 1},
		{"", "", "ja", DEN_LANG_JA, 1}, {"C", "ja", "ja", DEN_LANG_EN, 0}, {NULL, "POSIX", "ja", DEN_LANG_EN, 0},
		{NULL, NULL, "de_DE", DEN_LANG_EN, 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int found = -1;

		put("LC_ALL", rows[i].all);
		put("LC_MESSAGES", rows[i].messages);
		put("LANG", rows[i].lang);
		assert_int_equal(den_lang_from_environment(&found), rows[i].expected);
		assert_int_equal(found, rows[i].found);
		assert_int_equal(den_lang_from_environment(NULL), rows[i].expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_languages),
		cmocka_unit_test(names),
		cmocka_unit_test(unknown_codes),
		cmocka_unit_test(formats),
		cmocka_unit_test(cuts),
		cmocka_unit_test(long_arguments),
		cmocka_unit_test(language_names),
		cmocka_unit_test(environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
