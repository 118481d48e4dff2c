/* Argon2 hashes as slapd stores them: what is made, verified and refused (R-ALL-4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "slapd_argon2id/hash.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct pwhash_cost cheap = {64, 1, 1}, roomy = {1024, 4, 4};

static enum pwhash_result verify(const char *hash, const char *password)
{
	return pwhash_verify(hash, strlen(hash), &roomy, password, strlen(password));
}

static void makes_argon2id(void **state)
{
	static const struct {
		struct pwhash_cost cost;
		const char *prefix;
	} rows[] = {
		{{64, 1, 1}, "$argon2id$v=19$m=64,t=1,p=1$"},
		{{64, 3, 2}, "$argon2id$v=19$m=64,t=3,p=2$"},
		{{PWHASH_MEMORY_KIB, PWHASH_PASSES, PWHASH_LANES}, "$argon2id$v=19$m=19456,t=2,p=1$"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char hash[PWHASH_SIZE], again[PWHASH_SIZE];

		assert_int_equal(pwhash_make(hash, &rows[i].cost, "himitsu-1", 9), PWHASH_OK);
		assert_int_equal(strncmp(hash, rows[i].prefix, strlen(rows[i].prefix)), 0);
		/* 16 bytes of salt, 32 of hash, in base64 without padding */
		assert_int_equal(strlen(hash), strlen(rows[i].prefix) + 22 + 1 + 43);
		assert_int_equal(pwhash_make(again, &rows[i].cost, "himitsu-1", 9), PWHASH_OK);
		assert_string_not_equal(hash, again);
		assert_int_equal(pwhash_verify(hash, strlen(hash), &rows[i].cost, "himitsu-1", 9), PWHASH_OK);
		assert_int_equal(pwhash_verify(hash, strlen(hash), &rows[i].cost, "himitsu-2", 9), PWHASH_WRONG);
	}
}

static void tells_passwords_apart(void **state)
{
	static const struct {
		const char *password;
		size_t len;
	} rows[] = {{"", 0}, {"a", 1}, {"a\0b", 3}, {"a\0c", 3}, {"\xe3\x83\x91\xe3\x82\xb9", 6}, {"A", 1}, {"a ", 2}};
	char hash[PWHASH_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(pwhash_make(hash, &cheap, rows[i].password, rows[i].len), PWHASH_OK);
		for (size_t k = 0; k < COUNT(rows); k++)
			assert_int_equal(pwhash_verify(hash, strlen(hash), &roomy, rows[k].password, rows[k].len),
				i == k ? PWHASH_OK : PWHASH_WRONG);
	}
}

/* Made by the reference implementation's own program: its test vectors (phc-winner-argon2, test.c). */
static void verifies_all_kinds(void **state)
{
	static const struct pwhash_cost large = {1 << 18, 4, 4};
	static const char *const rows[] = {
		"$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY",
		"$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(pwhash_verify(rows[i], strlen(rows[i]), &large, "password", 8), PWHASH_OK);
		assert_int_equal(pwhash_verify(rows[i], strlen(rows[i]), &large, "passwore", 8), PWHASH_WRONG);
	}
}

static void ignores_nul_bytes_at_the_end(void **state)
{
	char hash[PWHASH_SIZE + 2] = {0};
	size_t len;

	(void)state;
	assert_int_equal(pwhash_make(hash, &cheap, "x", 1), PWHASH_OK);
	len = strlen(hash);
	assert_int_equal(pwhash_verify(hash, len + 2, &roomy, "x", 1), PWHASH_OK);
	hash[len] = 'A';
	hash[len + 1] = '\0';
	assert_int_not_equal(pwhash_verify(hash, len + 1, &roomy, "x", 1), PWHASH_OK);
	hash[10] = '\0';
	assert_int_equal(pwhash_verify(hash, len, &roomy, "x", 1), PWHASH_FORM);
}

static void refuses_what_is_none(void **state)
{
	static const char *const rows[] = {
		"", "$", "$argon2id$", "$argon2id$v=19", "$argon2id$v=19$", "$argon2x$v=19$m=64,t=1,p=1$c29tZXNhbHQ$AAAA",
		"argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$AAAA", "$argon2id$v=19$m=,t=1,p=1$c29tZXNhbHQ$AAAA",
		"$argon2id$v=19$m=-1,t=1,p=1$c29tZXNhbHQ$AAAA", "$argon2id$v=19$m=0,t=1,p=1$c29tZXNhbHQ$AAAA",
		"$argon2id$v=19$m=4294967360,t=1,p=1$c29tZXNhbHQ$AAAA", "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$",
		"$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ", "$argon2id$v=19$t=1,m=64,p=1$c29tZXNhbHQ$AAAA",
		"$argon2id$v=19$m=64,t=1,p=1,x=1$c29tZXNhbHQ$AAAA", "$argon2id$v=99$m=64,t=1,p=1$c29tZXNhbHQ$iekCn0Y3spW",
		"{CLEARTEXT}password", "password",
	};
	char endless[2 * PWHASH_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(verify(rows[i], "password"), PWHASH_FORM);
	memset(endless, 'A', sizeof(endless));
	memcpy(endless, "$argon2id$v=19$m=64,t=1,p=1$", 28);
	assert_int_equal(pwhash_verify(endless, sizeof(endless), &roomy, "x", 1), PWHASH_FORM);
}

/* Whoever may write a password may write a hash: its check must not cost what they like. */
static void refuses_costly_hashes(void **state)
{
	static const char *const rows[] = {
		"$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=64,t=4294967295,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=4294967295,t=4294967295,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=1024,t=1,p=5$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2i$v=19$m=4097,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2d$m=4097,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(verify(rows[i], "password"), PWHASH_COSTLY);
	assert_int_equal(verify("$argon2d$v=19$m=4096,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
				 "password"),
		PWHASH_WRONG);
}

static void refuses_absurd_costs(void **state)
{
	static const struct pwhash_cost rows[] = {
		{0, 1, 1}, {7, 1, 1}, {64, 0, 1}, {64, 1, 0}, {64, 1, 9}, {64, 1001, 1}, {4194305, 1, 1}, {65536, 1, 65}};
	char hash[PWHASH_SIZE], longest[PWHASH_PASSWORD_MAX + 1] = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(pwhash_cost_check(&rows[i]), -1);
		assert_int_equal(pwhash_make(hash, &rows[i], "x", 1), PWHASH_FAILED);
	}
	assert_int_equal(pwhash_make(hash, &cheap, longest, sizeof(longest)), PWHASH_FAILED);
	assert_int_equal(pwhash_make(hash, &cheap, longest, sizeof(longest) - 1), PWHASH_OK);
	assert_int_equal(pwhash_verify(hash, strlen(hash), &roomy, longest, sizeof(longest)), PWHASH_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_argon2id),
		cmocka_unit_test(tells_passwords_apart),
		cmocka_unit_test(verifies_all_kinds),
		cmocka_unit_test(ignores_nul_bytes_at_the_end),
		cmocka_unit_test(refuses_what_is_none),
		cmocka_unit_test(refuses_costly_hashes),
		cmocka_unit_test(refuses_absurd_costs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
