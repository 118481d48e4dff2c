/* Secrets: bounds, wiping, comparing, reading: R-ALL-4, R-PW-1 (256 bytes). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/secret.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define T(s) s, sizeof(s) - 1

static char longest[DEN_PASSWORD_MAX + 2];

static void sets(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		int error;
	} rows[] = {
		{T(""), 0}, {T("a"), 0}, {T("パスワード"), 0}, {T("a\0b"), EINVAL}, {T("\0"), EINVAL}, {T("ab\0"), EINVAL},
		{longest, DEN_PASSWORD_MAX, 0}, {longest, DEN_PASSWORD_MAX + 1, EMSGSIZE}, {NULL, 0, 0},
	};

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct den_secret *s = den_secret_new();

		assert_non_null(s);
		assert_int_equal(den_secret_set(s, "before", 6), 0);
		errno = 0;
		assert_int_equal(den_secret_set(s, rows[i].text, rows[i].len), rows[i].error ? -1 : 0);
		assert_int_equal(errno, rows[i].error);
		/* Refused is empty, not what was before. */
		assert_int_equal(den_secret_len(s), rows[i].error ? 0 : rows[i].len);
		assert_int_equal(strlen(den_secret_bytes(s)), den_secret_len(s));
		if (!rows[i].error && rows[i].len)
			assert_memory_equal(den_secret_bytes(s), rows[i].text, rows[i].len);
		den_secret_free(s);
	}
}

/* Nothing of a longer one is left behind a shorter one. */
static void overwrites(void **state)
{
	struct den_secret *s = den_secret_new();

	(void)state;
	assert_non_null(s);
	assert_int_equal(den_secret_set(s, "0123456789", 10), 0);
	assert_int_equal(den_secret_set(s, "ab", 2), 0);
	for (size_t i = 2; i < 10; i++)
		assert_int_equal(den_secret_bytes(s)[i], 0);
	den_secret_free(s);
}

static void nothing(void **state)
{
	(void)state;
	den_secret_free(NULL);
	assert_string_equal(den_secret_bytes(NULL), "");
	assert_int_equal(den_secret_len(NULL), 0);
}

static void compares(void **state)
{
	static const struct {
		const char *a, *b;
		int equal;
	} rows[] = {
		{"", "", 1}, {"a", "a", 1}, {"a", "A", 0}, {"a", "", 0}, {"abc", "abd", 0}, {"abc", "abcd", 0},
		{"xbc", "abc", 0}, {"secret1", "secret1", 1},
	};
	struct den_secret *a = den_secret_new(), *b = den_secret_new();

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(den_secret_set(a, rows[i].a, strlen(rows[i].a)), 0);
		assert_int_equal(den_secret_set(b, rows[i].b, strlen(rows[i].b)), 0);
		assert_int_equal(den_secret_equal(a, b), rows[i].equal);
		assert_int_equal(den_secret_equal(b, a), rows[i].equal);
	}
	den_secret_free(a);
	den_secret_free(b);
}

static void reads_lines(void **state)
{
	static char full[DEN_PASSWORD_MAX + 2], over[DEN_PASSWORD_MAX + 3];
	const struct {
		const char *input;
		size_t len;
		const char *line;
		int error;
	} rows[] = {
		{T("one\ntwo\n"), "one", 0}, {T("one"), "one", 0}, {T("\n"), "", 0}, {T(""), "", 0},
		{T("a\0b\n"), NULL, EINVAL}, {full, DEN_PASSWORD_MAX + 1, NULL, 0},
		{over, DEN_PASSWORD_MAX + 2, NULL, EMSGSIZE}, {T("two words \r\n"), "two words \r", 0},
	};

	(void)state;
	memset(full, 'x', DEN_PASSWORD_MAX);
	full[DEN_PASSWORD_MAX] = '\n';
	memset(over, 'x', DEN_PASSWORD_MAX + 1);
	over[DEN_PASSWORD_MAX + 1] = '\n';
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct den_secret *s = den_secret_new();
		int ends[2];

		assert_int_equal(pipe(ends), 0);
		assert_int_equal(write(ends[1], rows[i].input, rows[i].len), rows[i].len);
		close(ends[1]);
		errno = 0;
		assert_int_equal(den_secret_read_line(s, ends[0]), rows[i].error ? -1 : 0);
		assert_int_equal(errno, rows[i].error);
		if (rows[i].line)
			assert_string_equal(den_secret_bytes(s), rows[i].line);
		else
			assert_int_equal(den_secret_len(s), rows[i].error ? 0 : DEN_PASSWORD_MAX);
		den_secret_free(s);
		close(ends[0]);
	}
}

static void reads_no_further(void **state)
{
	struct den_secret *s = den_secret_new();
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "one\ntwo\n", 8), 8);
	assert_int_equal(den_secret_read_line(s, ends[0]), 0);
	assert_int_equal(den_secret_read_line(s, ends[0]), 0);
	assert_string_equal(den_secret_bytes(s), "two");
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(den_secret_read_line(s, ends[0]), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(den_secret_len(s), 0);
	den_secret_free(s);
}

/* What a forked child has of it (MADV_WIPEONFORK). */
static void not_inherited(void **state)
{
	struct den_secret *s = den_secret_new();
	int status;
	pid_t child;

	(void)state;
	assert_int_equal(den_secret_set(s, "secret1", 7), 0);
	child = fork();
	if (child == 0)
		_exit(den_secret_bytes(s)[0] != '\0');
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_string_equal(den_secret_bytes(s), "secret1");
	den_secret_free(s);
}

/* One that is kept comes back wiped; no more than were asked for are. */
static void keeps(void **state)
{
	struct den_secret *a = den_secret_new(), *b = den_secret_new(), *c;

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	assert_int_equal(den_secret_set(a, T("himitsu-himitsu")), 0);
	assert_int_equal(den_secret_set(b, T("himitsu-himitsu")), 0);
	den_secret_keep(1);
	den_secret_free(a);
	den_secret_free(b);
	c = den_secret_new();
	assert_ptr_equal(c, a);
	assert_int_equal(den_secret_len(c), 0);
	for (size_t i = 0; i < DEN_PASSWORD_MAX; i++)
		assert_int_equal(den_secret_bytes(c)[i], 0);
	den_secret_keep(0);
	den_secret_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets),
		cmocka_unit_test(overwrites),
		cmocka_unit_test(keeps),
		cmocka_unit_test(nothing),
		cmocka_unit_test(compares),
		cmocka_unit_test(reads_lines),
		cmocka_unit_test(reads_no_further),
		cmocka_unit_test(not_inherited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
