/*
 * Memory runs out at each point in turn: every operation of the crypto room ends with a refusal or
 * with its full result, never with a half of it.
 */
#include "crypto_help.h"

#include "crypto/digest.h"
#include "crypto/pkcs12.h"
#include "crypto/sshkey.h"

/* Counts down to the allocation that fails; negative: none does. */
static long until_failure = -1;

static bool fails(void)
{
	return until_failure >= 0 && until_failure-- == 0;
}

static void *test_alloc(size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return fails() ? NULL : malloc(size);
}

static void *test_resize(void *old, size_t size, const char *file, int line)
{
	(void)file, (void)line;
	if (size == 0) {
		free(old);
		return NULL;
	}
	return fails() ? NULL : realloc(old, size);
}

static void test_release(void *old, const char *file, int line)
{
	(void)file, (void)line;
	free(old);
}

static struct {
	struct dencrypt_ca *ca;
	struct dencrypt_key *key;
	struct dencrypt_certificate *certificate;
	struct dencrypt_bytes csr, der;
} given;

static enum dencrypt_result parse(void)
{
	struct dencrypt_certificate *got = NULL;
	enum dencrypt_result result = dencrypt_certificate_parse(given.der.data, given.der.size,
								 &got);

	assert_int_equal(result == DENCRYPT_OK, got != NULL);
	dencrypt_certificate_free(got);
	return result;
}

static enum dencrypt_result verify(void)
{
	return dencrypt_verify_client(given.certificate, dencrypt_ca_certificate(given.ca), NULL,
				      LOGIN, ORG, NOW);
}

static enum dencrypt_result verify_other(void)
{
	enum dencrypt_result result;

	result = dencrypt_verify_client(given.certificate, dencrypt_ca_certificate(given.ca), NULL,
					"d-jiro01", ORG, NOW);
	assert_int_not_equal(result, DENCRYPT_OK);
	return result == DENCRYPT_WRONG_SUBJECT ? DENCRYPT_OK : result;
}

static enum dencrypt_result request(void)
{
	struct dencrypt_bytes got = DENCRYPT_BYTES_EMPTY;
	enum dencrypt_result result = dencrypt_csr_make(given.key, LOGIN, &got);

	assert_int_equal(result == DENCRYPT_OK, got.data != NULL);
	dencrypt_bytes_done(&got);
	return result;
}

static enum dencrypt_result sign(void)
{
	struct dencrypt_certificate *got = NULL;
	enum dencrypt_result result = dencrypt_ca_sign(given.ca, given.csr.data, given.csr.size,
						       LOGIN, ORG, 1, NOW, &got);

	assert_int_equal(result == DENCRYPT_OK, got != NULL);
	if (got)
		assert_string_equal(dencrypt_certificate_common_name(got), LOGIN);
	dencrypt_certificate_free(got);
	return result;
}

static enum dencrypt_result sign_crl(void)
{
	const struct dencrypt_revoked revoked = { "12", NOW, DENCRYPT_REVOKED_SUPERSEDED };
	struct dencrypt_crl *got = NULL;
	enum dencrypt_result result = dencrypt_ca_sign_crl(given.ca, &revoked, 1, 1, NOW, &got);

	assert_int_equal(result == DENCRYPT_OK, got != NULL);
	dencrypt_crl_free(got);
	return result;
}

static enum dencrypt_result ssh_line(void)
{
	char line[DENCRYPT_SSH_LINE_SIZE];

	return dencrypt_ssh_line(given.certificate, LOGIN, line);
}

static enum dencrypt_result digest(void)
{
	char hex[DENCRYPT_DIGEST_HEX_SIZE];

	return dencrypt_sha256_hex("abc", 3, hex);
}

static void test_memory(void **state)
{
	static const struct {
		const char *what;
		enum dencrypt_result (*run)(void);
	} cases[] = {
		{ "digest", digest }, { "parse", parse }, { "verify", verify },
		{ "verify other", verify_other }, { "request", request }, { "sign", sign },
		{ "sign crl", sign_crl }, { "ssh line", ssh_line },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum dencrypt_result result = DENCRYPT_INTERNAL;
		long refused = 0, n = 0;

		/* The first run fills OpenSSL's own caches. */
		assert_ok(cases[i].run());
		for (until_failure = 0; n < 100000; n++) {
			until_failure = n;
			result = cases[i].run();
			if (until_failure >= 0)
				break;
			refused += result != DENCRYPT_OK;
		}
		until_failure = -1;
		print_message("%s: %ld failures, %ld refused\n", cases[i].what, n, refused);
		assert_ok(result);
		assert_true(refused > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_memory) };
	int failed;

	/* Before OpenSSL's first allocation, or it refuses. */
	if (CRYPTO_set_mem_functions(test_alloc, test_resize, test_release) != 1)
		return 1;
	assert_ok(dencrypt_ca_make(ORG, DENCRYPT_EC_P384, NOW, &given.ca));
	given.certificate = issue(given.ca, DENCRYPT_EC_P256, LOGIN, &given.key);
	assert_ok(dencrypt_csr_make(given.key, LOGIN, &given.csr));
	assert_ok(dencrypt_certificate_der(given.certificate, &given.der));
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	dencrypt_bytes_done(&given.der);
	dencrypt_bytes_done(&given.csr);
	dencrypt_key_free(given.key);
	dencrypt_certificate_free(given.certificate);
	dencrypt_ca_free(given.ca);
	return failed;
}
