#include "crypto_help.h"

#include "crypto/digest.h"

static void test_sha256(void **state)
{
	static const struct {
		const char *text, *hex;
	} cases[] = { /* FIPS 180-4 examples */
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	};
	char hex[DENCRYPT_DIGEST_HEX_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_ok(dencrypt_sha256_hex(cases[i].text, strlen(cases[i].text), hex));
		assert_string_equal(hex, cases[i].hex);
	}
}

static void test_pieces(void **state)
{
	unsigned char whole[DENCRYPT_DIGEST_SIZE], pieces[DENCRYPT_DIGEST_SIZE];
	struct dencrypt_digest *digest = NULL;

	(void)state;
	assert_ok(dencrypt_sha256("transfer 001-1234567", 20, whole));
	assert_ok(dencrypt_digest_new(&digest));
	assert_ok(dencrypt_digest_add(digest, "transfer", 8));
	assert_ok(dencrypt_digest_add(digest, "", 0));
	assert_ok(dencrypt_digest_add(digest, " 001-1234567", 12));
	assert_ok(dencrypt_digest_end(digest, pieces));
	assert_memory_equal(whole, pieces, sizeof(whole));
	dencrypt_digest_free(digest);
	dencrypt_digest_free(NULL);
}

static void test_short(void **state)
{
	static const struct {
		unsigned char head[10];
		const char *want;
	} cases[] = {
		{ { 0 }, "0000-0000-0000-0000" },
		{ { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 }, "zzzz-zzzz-zzzz-zzzz" },
		/* 00001 00010 00011 ... 10000: every letter from 1 to g */
		{ { 0x08, 0x86, 0x42, 0x98, 0xe8, 0x4a, 0x96, 0xc6, 0xb9, 0xf0 },
		  "1234-5678-9abc-defg" },
	};
	unsigned char digest[DENCRYPT_DIGEST_SIZE];
	char text[DENCRYPT_DIGEST_SHORT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(digest, 0xa5, sizeof(digest));
		memcpy(digest, cases[i].head, sizeof(cases[i].head));
		dencrypt_digest_short(digest, text);
		assert_string_equal(text, cases[i].want);
	}
}

static void test_random_id(void **state)
{
	char a[27], b[27], tiny[1] = "x";

	(void)state;
	assert_ok(dencrypt_random_id(a, sizeof(a)));
	assert_ok(dencrypt_random_id(b, sizeof(b)));
	assert_int_equal(strlen(a), 26);
	assert_int_equal(strspn(a, "0123456789abcdefghjkmnpqrstvwxyz"), 26);
	assert_string_not_equal(a, b);
	assert_result(dencrypt_random_id(tiny, sizeof(tiny)), DENCRYPT_BAD_ARGUMENT);
	assert_int_equal(tiny[0], '\0');
}

static void test_texts_differ(void **state)
{
	(void)state;
	assert_string_equal(dencrypt_text(1), "unknown result");
	assert_string_equal(dencrypt_text(DENCRYPT_FLOOR), "unknown result");
	for (int i = DENCRYPT_FLOOR + 1; i <= DENCRYPT_INTERNAL; i++)
		for (int j = DENCRYPT_FLOOR; j < i; j++)
			assert_string_not_equal(dencrypt_text(i), dencrypt_text(j));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_random_id),
		cmocka_unit_test(test_texts_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
