/* R-CERT-2: the files that a user takes away. */
#include "crypto_help.h"

#include "crypto/pkcs12.h"

#define PIN "Pin 4 \"taro\""

/* Made, read back, the same key and certificate; both key types. */
static void test_round_trip(void **state)
{
	static const enum dencrypt_key_type types[] = { DENCRYPT_EC_P256, DENCRYPT_RSA_3072 };

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct dencrypt_certificate *certificate, *back = NULL;
		struct dencrypt_bytes p12 = DENCRYPT_BYTES_EMPTY;
		struct dencrypt_key *key = NULL, *back_key = NULL;

		certificate = issue(home.ca, types[i], LOGIN, &key);
		assert_ok(dencrypt_pkcs12_make(key, certificate, dencrypt_ca_certificate(home.ca),
					       PIN, &p12));
		assert_ok(dencrypt_pkcs12_read(p12.data, p12.size, PIN, &back_key, &back));
		assert_ok(dencrypt_same_certificate(back, certificate));
		assert_ok(dencrypt_key_matches(back_key, certificate));
		dencrypt_key_free(back_key);
		dencrypt_certificate_free(back);
		dencrypt_bytes_done(&p12);
		dencrypt_key_free(key);
		dencrypt_certificate_free(certificate);
	}
}

static void test_refused(void **state)
{
	const struct dencrypt_certificate *ca = dencrypt_ca_certificate(home.ca);
	static const char *const pins[] = { "", "p\xc3\xa4n", "tab\t", "1\n" };
	struct dencrypt_certificate *certificate, *other, *none = NULL;
	struct dencrypt_bytes p12 = DENCRYPT_BYTES_EMPTY;
	static unsigned char huge[DENCRYPT_PKCS12_MAX + 1];
	struct dencrypt_key *key = NULL, *no_key = NULL;
	char long_pin[DENCRYPT_PIN_MAX + 2];

	(void)state;
	certificate = issue(home.ca, DENCRYPT_EC_P256, LOGIN, &key);
	other = issue(home.ca, DENCRYPT_EC_P256, LOGIN, NULL);
	for (size_t i = 0; i < sizeof(pins) / sizeof(pins[0]); i++)
		assert_result(dencrypt_pkcs12_make(key, certificate, ca, pins[i], &p12),
			      DENCRYPT_BAD_ARGUMENT);
	memset(long_pin, '1', sizeof(long_pin));
	long_pin[DENCRYPT_PIN_MAX + 1] = '\0';
	assert_result(dencrypt_pkcs12_make(key, certificate, ca, long_pin, &p12),
		      DENCRYPT_BAD_ARGUMENT);
	assert_result(dencrypt_pkcs12_make(key, other, ca, PIN, &p12), DENCRYPT_KEY_MISMATCH);
	assert_null(p12.data);
	assert_ok(dencrypt_pkcs12_make(key, certificate, ca, long_pin + 1, &p12));
	assert_result(dencrypt_pkcs12_read(p12.data, p12.size, PIN, &no_key, &none),
		      DENCRYPT_WRONG_PIN);
	assert_result(dencrypt_pkcs12_read(p12.data, p12.size, "", &no_key, &none),
		      DENCRYPT_WRONG_PIN);
	for (size_t size = 0; size < p12.size; size += 7)
		assert_result(dencrypt_pkcs12_read(p12.data, size, PIN, &no_key, &none),
			      DENCRYPT_MALFORMED);
	assert_result(dencrypt_pkcs12_read(huge, sizeof(huge), PIN, &no_key, &none),
		      DENCRYPT_TOO_BIG);
	assert_null(no_key);
	assert_null(none);
	dencrypt_bytes_done(&p12);
	dencrypt_key_free(key);
	dencrypt_certificate_free(certificate);
	dencrypt_certificate_free(other);
}

/* The PIN as a file, so that it is in no argument list. */
static void test_witness(void **state)
{
	char *path = strdup(in_folder(&home, "user.p12")), out[16384], pin[160];
	struct dencrypt_bytes p12 = DENCRYPT_BYTES_EMPTY;
	struct dencrypt_certificate *certificate;
	struct dencrypt_key *key = NULL;
	struct stat st;

	(void)state;
	certificate = issue(home.ca, DENCRYPT_EC_P256, LOGIN, &key);
	assert_ok(dencrypt_pkcs12_make(key, certificate, dencrypt_ca_certificate(home.ca), PIN,
				       &p12));
	assert_ok(dencrypt_write_file(path, &p12, 0600));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	write_text(in_folder(&home, "pin"), PIN "\n", 0600);
	snprintf(pin, sizeof(pin), "file:%s", in_folder(&home, "pin"));
	assert_int_equal(RUN(out, "openssl", "pkcs12", "-info", "-in", path, "-passin", pin,
			     "-nodes"), 0);
	assert_non_null(strstr(out, "MAC: sha256, Iteration 100000\n"));
	assert_non_null(strstr(out, "PBES2, PBKDF2, AES-256-CBC, Iteration 100000, "
				    "PRF hmacWithSHA256\n"));
	assert_non_null(strstr(out, "friendlyName: denshi d-taro01\n"));
	assert_non_null(strstr(out, "subject=O = acme, CN = d-taro01\n"));
	assert_non_null(strstr(out, "subject=O = acme, CN = acme denshi CA\n"));
	assert_non_null(strstr(out, "-----BEGIN PRIVATE KEY-----\n"));
	free(path);
	dencrypt_bytes_done(&p12);
	dencrypt_key_free(key);
	dencrypt_certificate_free(certificate);
}

static void test_pem_pair(void **state)
{
	struct dencrypt_bytes key_pem = DENCRYPT_BYTES_EMPTY, pem = DENCRYPT_BYTES_EMPTY;
	struct dencrypt_certificate *certificate;
	struct dencrypt_key *key = NULL, *back = NULL;
	static const char head[] = "-----BEGIN PRIVATE KEY-----\n";

	(void)state;
	certificate = issue(home.ca, DENCRYPT_EC_P256, LOGIN, &key);
	assert_ok(dencrypt_key_pem(key, &key_pem));
	assert_ok(dencrypt_certificate_pem(certificate, &pem));
	assert_memory_equal(key_pem.data, head, sizeof(head) - 1);
	assert_ok(dencrypt_key_parse_pem(key_pem.data, key_pem.size, &back));
	assert_ok(dencrypt_key_matches(back, certificate));
	dencrypt_key_free(back);
	back = NULL;
	assert_result(dencrypt_key_parse_pem(pem.data, pem.size, &back), DENCRYPT_MALFORMED);
	dencrypt_bytes_done(&pem);
	dencrypt_bytes_done(&key_pem);
	assert_null(key_pem.data);
	dencrypt_key_free(key);
	dencrypt_certificate_free(certificate);
}

/* A key that has to wait on a disk does so under its PIN. */
static void test_waiting_key(void **state)
{
	struct dencrypt_bytes pem = DENCRYPT_BYTES_EMPTY;
	struct dencrypt_certificate *certificate;
	struct dencrypt_key *key = NULL, *back = NULL;
	static const char head[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n";

	(void)state;
	certificate = issue(home.ca, DENCRYPT_EC_P256, LOGIN, &key);
	assert_ok(dencrypt_key_pem_with_pin(key, "chikuwa7", &pem));
	assert_memory_equal(pem.data, head, sizeof(head) - 1);
	assert_result(dencrypt_key_parse_pem_with_pin(pem.data, pem.size, "chikuwa8", &back), DENCRYPT_WRONG_PIN);
	assert_result(dencrypt_key_parse_pem(pem.data, pem.size, &back), DENCRYPT_MALFORMED);
	assert_null(back);
	assert_ok(dencrypt_key_parse_pem_with_pin(pem.data, pem.size, "chikuwa7", &back));
	assert_ok(dencrypt_key_matches(back, certificate));
	dencrypt_key_free(back);
	dencrypt_bytes_done(&pem);
	dencrypt_key_free(key);
	dencrypt_certificate_free(certificate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_witness),
		cmocka_unit_test(test_pem_pair),
		cmocka_unit_test(test_waiting_key),
	};

	return cmocka_run_group_tests(tests, home_start, home_end);
}
