/* The proof of a certificate's key (R-LOGIN-1): for one login, one service, one challenge. */
#include "crypto_help.h"

#include "crypto/digest.h"
#include "crypto/proof.h"

#define SERVICE "login"

static void test_kinds_of_key(void **state)
{
	static const enum dencrypt_key_type types[] = {DENCRYPT_EC_P256, DENCRYPT_RSA_3072};
	unsigned char challenge[DENCRYPT_CHALLENGE_SIZE], other[DENCRYPT_CHALLENGE_SIZE];

	(void)state;
	assert_ok(dencrypt_random(challenge, sizeof(challenge)));
	memcpy(other, challenge, sizeof(other));
	other[sizeof(other) - 1] ^= 1;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct dencrypt_key *key = NULL, *strangers = NULL;
		struct dencrypt_certificate *certificate = issue(home.ca, types[i], LOGIN, &key);
		struct dencrypt_certificate *stranger = issue(home.ca, types[i], LOGIN, &strangers);
		struct dencrypt_bytes s = DENCRYPT_BYTES_EMPTY;

		assert_ok(dencrypt_proof_sign(key, LOGIN, SERVICE, challenge, &s));
		assert_ok(dencrypt_proof_verify(certificate, LOGIN, SERVICE, challenge, s.data, s.size));
		/* Of something else, or by somebody else: nothing. */
		assert_result(dencrypt_proof_verify(certificate, "d-taro02", SERVICE, challenge, s.data, s.size),
			DENCRYPT_BAD_SIGNATURE);
		assert_result(dencrypt_proof_verify(certificate, LOGIN, "su", challenge, s.data, s.size),
			DENCRYPT_BAD_SIGNATURE);
		assert_result(dencrypt_proof_verify(certificate, LOGIN, SERVICE, other, s.data, s.size),
			DENCRYPT_BAD_SIGNATURE);
		assert_result(dencrypt_proof_verify(stranger, LOGIN, SERVICE, challenge, s.data, s.size),
			DENCRYPT_BAD_SIGNATURE);
		assert_result(dencrypt_proof_verify(certificate, LOGIN, SERVICE, challenge, s.data, s.size - 1),
			DENCRYPT_BAD_SIGNATURE);
		assert_result(dencrypt_proof_verify(certificate, LOGIN, SERVICE, challenge, "", 0),
			DENCRYPT_BAD_SIGNATURE);
		s.data[s.size / 2] ^= 4;
		assert_result(dencrypt_proof_verify(certificate, LOGIN, SERVICE, challenge, s.data, s.size),
			DENCRYPT_BAD_SIGNATURE);
		dencrypt_bytes_done(&s);
		dencrypt_key_free(key);
		dencrypt_key_free(strangers);
		dencrypt_certificate_free(certificate);
		dencrypt_certificate_free(stranger);
	}
}

/* Parts can't be moved across their borders, and what is too long isn't signed cut. */
static void test_borders(void **state)
{
	unsigned char challenge[DENCRYPT_CHALLENGE_SIZE] = {0};
	struct dencrypt_key *key = NULL;
	struct dencrypt_certificate *certificate = issue(home.ca, DENCRYPT_EC_P256, LOGIN, &key);
	struct dencrypt_bytes s = DENCRYPT_BYTES_EMPTY;
	char far[300];

	(void)state;
	assert_ok(dencrypt_proof_sign(key, "d-taro0", "1su", challenge, &s));
	assert_result(dencrypt_proof_verify(certificate, "d-taro01", "su", challenge, s.data, s.size),
		DENCRYPT_BAD_SIGNATURE);
	dencrypt_bytes_done(&s);
	memset(far, 'x', sizeof(far) - 1);
	far[sizeof(far) - 1] = '\0';
	assert_result(dencrypt_proof_sign(key, LOGIN, far, challenge, &s), DENCRYPT_BAD_ARGUMENT);
	assert_result(dencrypt_proof_verify(certificate, LOGIN, far, challenge, "x", 1), DENCRYPT_BAD_SIGNATURE);
	dencrypt_key_free(key);
	dencrypt_certificate_free(certificate);
}

/* A text that is signed, which is no login's proof, and no proof is one. */
static void test_text(void **state)
{
	static const char text[] = "denshi-decision-1\n";
	unsigned char challenge[DENCRYPT_CHALLENGE_SIZE] = {0};
	struct dencrypt_key *key = NULL;
	struct dencrypt_certificate *certificate = issue(home.ca, DENCRYPT_EC_P256, LOGIN, &key);
	struct dencrypt_bytes s = DENCRYPT_BYTES_EMPTY;

	(void)state;
	assert_ok(dencrypt_text_sign(key, text, strlen(text), &s));
	assert_ok(dencrypt_text_verify(certificate, text, strlen(text), s.data, s.size));
	assert_result(dencrypt_text_verify(certificate, text, strlen(text) - 1, s.data, s.size), DENCRYPT_BAD_SIGNATURE);
	assert_result(dencrypt_proof_verify(certificate, LOGIN, SERVICE, challenge, s.data, s.size), DENCRYPT_BAD_SIGNATURE);
	dencrypt_bytes_done(&s);
	assert_ok(dencrypt_proof_sign(key, LOGIN, SERVICE, challenge, &s));
	assert_result(dencrypt_text_verify(certificate, text, strlen(text), s.data, s.size), DENCRYPT_BAD_SIGNATURE);
	dencrypt_bytes_done(&s);
	assert_result(dencrypt_text_sign(key, "", 0, &s), DENCRYPT_BAD_ARGUMENT);
	dencrypt_key_free(key);
	dencrypt_certificate_free(certificate);
}

static void test_base64(void **state)
{
	static const char *const wrong[] = {"", "A", "AB", "ABC", "A===", "AB=C", "AB==AB==", " ABCD", "ABCD\n", "AB-_", "===="};
	struct dencrypt_bytes bytes = DENCRYPT_BYTES_EMPTY;
	unsigned char data[64];
	char text[DENCRYPT_BASE64_SIZE(sizeof(data))];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 37);
	for (size_t size = 1; size <= sizeof(data); size++) {
		assert_ok(dencrypt_base64(data, size, text, sizeof(text)));
		assert_ok(dencrypt_from_base64(text, size, &bytes));
		assert_int_equal(bytes.size, size);
		assert_memory_equal(bytes.data, data, size);
		dencrypt_bytes_done(&bytes);
		assert_result(dencrypt_from_base64(text, size - 1, &bytes), DENCRYPT_TOO_BIG);
		assert_result(dencrypt_base64(data, size, text, DENCRYPT_BASE64_SIZE(size) - 1), DENCRYPT_TOO_BIG);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_result(dencrypt_from_base64(wrong[i], 64, &bytes), DENCRYPT_MALFORMED);
}

/* Where there is no token. */
static void test_no_token(void **state)
{
	struct dencrypt_key *key = NULL;
	struct dencrypt_certificate *certificate = NULL;

	(void)state;
	assert_result(dencrypt_token_open("pkcs11:token=nobody-has-this-one", "1234", &key, &certificate), DENCRYPT_IO);
	assert_null(key);
	assert_null(certificate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds_of_key),
		cmocka_unit_test(test_borders),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_no_token),
	};

	return cmocka_run_group_tests(tests, home_start, home_end) != 0;
}
