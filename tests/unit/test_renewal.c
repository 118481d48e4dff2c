/* R-CERT-4: a renewal's request, signed by the key before. */
#include "crypto_help.h"

#include <openssl/cms.h>

#include "crypto/renewal.h"

static struct dencrypt_key *old_key, *new_key;
static struct dencrypt_certificate *old;
static struct dencrypt_bytes csr;

static struct dencrypt_certificate *certificate_of(const struct dencrypt_key *key)
{
	struct dencrypt_bytes request = DENCRYPT_BYTES_EMPTY;
	struct dencrypt_certificate *certificate = NULL;

	assert_ok(dencrypt_csr_make(key, LOGIN, &request));
	assert_ok(dencrypt_ca_sign(home.ca, request.data, request.size, LOGIN, ORG, 365, NOW, &certificate));
	dencrypt_bytes_done(&request);
	return certificate;
}

static int start(void **state)
{
	(void)state;
	bench_start(&home);
	assert_ok(dencrypt_key_make(DENCRYPT_EC_P256, &old_key));
	assert_ok(dencrypt_key_make(DENCRYPT_EC_P256, &new_key));
	old = certificate_of(old_key);
	assert_ok(dencrypt_csr_make(new_key, LOGIN, &csr));
	return 0;
}

static int end(void **state)
{
	(void)state;
	dencrypt_bytes_done(&csr);
	dencrypt_certificate_free(old);
	dencrypt_key_free(old_key);
	dencrypt_key_free(new_key);
	bench_end(&home);
	return 0;
}

static void test_there_and_back(void **state)
{
	struct dencrypt_bytes der = DENCRYPT_BYTES_EMPTY, inner = DENCRYPT_BYTES_EMPTY;

	(void)state;
	assert_ok(dencrypt_renewal_make(old_key, old, csr.data, csr.size, &der));
	assert_ok(dencrypt_renewal_open(der.data, der.size, old, &inner));
	assert_int_equal(inner.size, csr.size);
	assert_memory_equal(inner.data, csr.data, csr.size);
	dencrypt_bytes_done(&inner);
	dencrypt_bytes_done(&der);
}

static void test_each_octet_counts(void **state)
{
	struct dencrypt_bytes der = DENCRYPT_BYTES_EMPTY, inner = DENCRYPT_BYTES_EMPTY;
	size_t passed = 0;

	(void)state;
	assert_ok(dencrypt_renewal_make(old_key, old, csr.data, csr.size, &der));
	for (size_t i = 0; i < der.size; i++) {
		der.data[i] ^= 1;
		/* What isn't signed, as the version's number, may change; the request may not. */
		if (dencrypt_renewal_open(der.data, der.size, old, &inner) == DENCRYPT_OK) {
			assert_int_equal(inner.size, csr.size);
			assert_memory_equal(inner.data, csr.data, csr.size);
			dencrypt_bytes_done(&inner);
			passed++;
		}
		der.data[i] ^= 1;
	}
	assert_true(passed < 32);
	for (size_t size = 0; size < der.size; size++)
		assert_int_not_equal(dencrypt_renewal_open(der.data, size, old, &inner), DENCRYPT_OK);
	dencrypt_bytes_done(&der);
}

/* Signed by a certificate that comes along, or with more than one signature. */
static void test_signers(void **state)
{
	struct dencrypt_certificate *other = certificate_of(new_key);
	struct dencrypt_bytes der = DENCRYPT_BYTES_EMPTY, inner = DENCRYPT_BYTES_EMPTY, plain = {csr.data, csr.size};

	(void)state;
	assert_ok(dencrypt_renewal_make(new_key, other, csr.data, csr.size, &der));
	assert_result(dencrypt_renewal_open(der.data, der.size, old, &inner), DENCRYPT_BAD_SIGNATURE);
	assert_result(dencrypt_renewal_open(plain.data, plain.size, old, &inner), DENCRYPT_MALFORMED);
	dencrypt_bytes_done(&der);
	/* A good signature over what is no request. */
	assert_ok(dencrypt_renewal_make(old_key, old, "hello", 5, &der));
	assert_result(dencrypt_renewal_open(der.data, der.size, old, &inner), DENCRYPT_MALFORMED);
	dencrypt_bytes_done(&der);
	/* The key isn't the certificate's. */
	assert_int_not_equal(dencrypt_renewal_make(new_key, old, csr.data, csr.size, &der), DENCRYPT_OK);
	dencrypt_certificate_free(other);
}

static void test_when(void **state)
{
	time_t until = dencrypt_certificate_not_after(old);

	(void)state;
	assert_result(dencrypt_renewal_due(old, until - 30 * DAY - 1), DENCRYPT_NOT_DUE);
	assert_ok(dencrypt_renewal_due(old, until - 30 * DAY));
	assert_ok(dencrypt_renewal_due(old, until - 1));
	assert_result(dencrypt_renewal_due(old, until), DENCRYPT_EXPIRED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_each_octet_counts),
		cmocka_unit_test(test_signers),
		cmocka_unit_test(test_when),
	};

	return cmocka_run_group_tests(tests, start, end);
}
