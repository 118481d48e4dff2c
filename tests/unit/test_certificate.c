/* R-LOGIN-1, R-CERT-4: every reason for which a certificate is refused, by a real certificate. */
#include "crypto_help.h"

#include <ctype.h>

static struct bench foreign;

static int start(void **state)
{
	(void)state;
	bench_start(&home);
	bench_start(&foreign); /* the same organisation's name, another key */
	return 0;
}

static int end(void **state)
{
	(void)state;
	bench_end(&home);
	bench_end(&foreign);
	return 0;
}

static enum dencrypt_result verify(const struct dencrypt_certificate *certificate,
				   const struct dencrypt_crl *crl, time_t now)
{
	return dencrypt_verify_client(certificate, dencrypt_ca_certificate(home.ca), crl, LOGIN,
				      ORG, now);
}

static void test_dates(void **state)
{
	static const struct {
		time_t now;
		enum dencrypt_result want;
	} cases[] = {
		{ NOW - 301, DENCRYPT_NOT_YET_VALID },
		{ NOW - 300, DENCRYPT_OK },
		{ NOW, DENCRYPT_OK },
		{ NOW + 365 * DAY - 1, DENCRYPT_OK },
		{ NOW + 365 * DAY, DENCRYPT_EXPIRED },
		{ NOW + 4000 * DAY, DENCRYPT_EXPIRED },
		{ 0, DENCRYPT_NOT_YET_VALID },
	};
	struct dencrypt_certificate *certificate = issue(home.ca, DENCRYPT_EC_P256, LOGIN, NULL);

	(void)state;
	assert_int_equal(dencrypt_certificate_not_before(certificate), NOW - 300);
	assert_int_equal(dencrypt_certificate_not_after(certificate), NOW + 365 * DAY);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_result(verify(certificate, NULL, cases[i].now), cases[i].want);
	dencrypt_certificate_free(certificate);
}

static void test_odd(void **state)
{
	EVP_PKEY *weak = EVP_RSA_gen(1024);
	const struct {
		const char *what;
		struct odd odd;
		enum dencrypt_result want;
	} cases[] = {
		{ "as it should be", { 0 }, DENCRYPT_OK },
		{ "upper case", { .common_name = "D-Taro01" }, DENCRYPT_OK },
		{ "client and server", { .extended = "serverAuth,clientAuth" }, DENCRYPT_OK },
		{ "other user", { .common_name = "d-taro02" }, DENCRYPT_WRONG_SUBJECT },
		{ "longer name", { .common_name = "d-taro011" }, DENCRYPT_WRONG_SUBJECT },
		{ "no name", { .common_name = "" }, DENCRYPT_WRONG_SUBJECT },
		{ "two names", { .second_name = "d-jiro01" }, DENCRYPT_WRONG_SUBJECT },
		{ "other organisation", { .organisation = "acme2" }, DENCRYPT_WRONG_ORGANISATION },
		{ "organisation's case", { .organisation = "Acme" }, DENCRYPT_WRONG_ORGANISATION },
		{ "no organisation", { .organisation = "" }, DENCRYPT_WRONG_ORGANISATION },
		{ "server only", { .extended = "serverAuth" }, DENCRYPT_NOT_CLIENT },
		{ "any usage", { .extended = "anyExtendedKeyUsage" }, DENCRYPT_NOT_CLIENT },
		{ "no extended usage", { .extended = "" }, DENCRYPT_NOT_CLIENT },
		{ "no usage", { .usage = "" }, DENCRYPT_NOT_CLIENT },
		{ "agreement only", { .usage = "keyAgreement" }, DENCRYPT_NOT_CLIENT },
		{ "is a CA", { .constraints = "critical,CA:TRUE",
			       .usage = "digitalSignature,keyCertSign" }, DENCRYPT_NOT_CLIENT },
		{ "weak key", { .key = weak }, DENCRYPT_KEY_REFUSED },
		{ "forged", { .signer = foreign.ca_key }, DENCRYPT_BAD_SIGNATURE },
		{ "weak signature", { .digest = EVP_sha1() }, DENCRYPT_BAD_SIGNATURE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dencrypt_certificate *certificate = odd_certificate(&home, &cases[i].odd);
		enum dencrypt_result got = verify(certificate, NULL, NOW + DAY);

		if (got != cases[i].want)
			print_error("%s: %s\n", cases[i].what, dencrypt_text(got));
		assert_result(got, cases[i].want);
		dencrypt_certificate_free(certificate);
	}
	EVP_PKEY_free(weak);
}

static void test_wrong_ca(void **state)
{
	struct dencrypt_certificate *theirs = issue(foreign.ca, DENCRYPT_EC_P256, LOGIN, NULL);
	struct dencrypt_certificate *ours = issue(home.ca, DENCRYPT_EC_P256, LOGIN, NULL);

	(void)state;
	assert_result(verify(theirs, NULL, NOW), DENCRYPT_WRONG_CA);
	/* A CA's own certificate, theirs and ours. */
	assert_result(verify(dencrypt_ca_certificate(foreign.ca), NULL, NOW), DENCRYPT_WRONG_CA);
	assert_result(verify(dencrypt_ca_certificate(home.ca), NULL, NOW), DENCRYPT_NOT_CLIENT);
	/* A user's certificate is nobody's CA, not even its own. */
	assert_result(dencrypt_verify_client(ours, ours, NULL, LOGIN, ORG, NOW), DENCRYPT_WRONG_CA);
	dencrypt_certificate_free(theirs);
	dencrypt_certificate_free(ours);
}

static void test_tampered(void **state)
{
	struct dencrypt_certificate *certificate = issue(home.ca, DENCRYPT_EC_P256, LOGIN, NULL);
	struct dencrypt_certificate *changed = NULL;
	struct dencrypt_bytes der = DENCRYPT_BYTES_EMPTY;
	unsigned char *name;

	(void)state;
	assert_ok(dencrypt_certificate_der(certificate, &der));
	name = memmem(der.data, der.size, LOGIN, strlen(LOGIN));
	assert_non_null(name);
	memcpy(name, "d-jiro01", strlen(LOGIN));
	assert_ok(dencrypt_certificate_parse(der.data, der.size, &changed));
	assert_string_equal(dencrypt_certificate_common_name(changed), "d-jiro01");
	assert_result(dencrypt_verify_client(changed, dencrypt_ca_certificate(home.ca), NULL,
					     "d-jiro01", ORG, NOW), DENCRYPT_BAD_SIGNATURE);
	assert_result(dencrypt_same_certificate(changed, certificate), DENCRYPT_NOT_ON_RECORD);
	dencrypt_bytes_done(&der);
	dencrypt_certificate_free(changed);
	dencrypt_certificate_free(certificate);
}

static void test_on_record(void **state)
{
	struct dencrypt_certificate *old = issue(home.ca, DENCRYPT_EC_P256, LOGIN, NULL);
	struct dencrypt_certificate *new = issue(home.ca, DENCRYPT_EC_P256, LOGIN, NULL);
	struct dencrypt_certificate *copy = NULL;
	struct dencrypt_bytes pem = DENCRYPT_BYTES_EMPTY;

	(void)state;
	assert_ok(dencrypt_certificate_pem(new, &pem));
	assert_ok(dencrypt_certificate_parse_pem(pem.data, pem.size, &copy));
	assert_ok(dencrypt_same_certificate(copy, new));
	assert_result(dencrypt_same_certificate(old, new), DENCRYPT_NOT_ON_RECORD);
	assert_string_not_equal(dencrypt_certificate_serial(old), dencrypt_certificate_serial(new));
	dencrypt_bytes_done(&pem);
	dencrypt_certificate_free(copy);
	dencrypt_certificate_free(new);
	dencrypt_certificate_free(old);
}

static struct dencrypt_crl *make_list(const struct bench *bench, const char *const *serials,
				   size_t count)
{
	struct dencrypt_revoked revoked[8];
	struct dencrypt_crl *crl = NULL;

	for (size_t i = 0; i < count; i++)
		revoked[i] = (struct dencrypt_revoked){ serials[i], NOW + (time_t)i,
							DENCRYPT_REVOKED_KEY_COMPROMISE };
	assert_ok(dencrypt_ca_sign_crl(bench->ca, revoked, count, 42, NOW, &crl));
	return crl;
}

static void test_revoked(void **state)
{
	struct dencrypt_certificate *bad = issue(home.ca, DENCRYPT_EC_P256, LOGIN, NULL);
	struct dencrypt_certificate *good = issue(home.ca, DENCRYPT_EC_P256, LOGIN, NULL);
	const char *serials[] = { "ff", "1", dencrypt_certificate_serial(bad), "7f00" };
	struct dencrypt_crl *crl = make_list(&home, serials, 4);
	struct dencrypt_crl *empty = make_list(&home, NULL, 0);
	struct dencrypt_crl *theirs = make_list(&foreign, NULL, 0), *copy = NULL;
	struct dencrypt_bytes pem = DENCRYPT_BYTES_EMPTY;

	(void)state;
	assert_result(verify(bad, crl, NOW), DENCRYPT_REVOKED);
	assert_ok(verify(good, crl, NOW));
	assert_ok(verify(bad, empty, NOW));
	assert_ok(verify(good, crl, NOW + DAY - 1));
	assert_result(verify(good, crl, NOW + DAY), DENCRYPT_CRL_EXPIRED);
	assert_result(verify(good, theirs, NOW), DENCRYPT_CRL_UNTRUSTED);
	assert_ok(dencrypt_crl_check(crl, dencrypt_ca_certificate(home.ca)));
	assert_result(dencrypt_crl_check(theirs, dencrypt_ca_certificate(home.ca)), DENCRYPT_CRL_UNTRUSTED);
	assert_ok(dencrypt_crl_pem(crl, &pem));
	assert_ok(dencrypt_crl_parse_pem(pem.data, pem.size, &copy));
	assert_result(verify(bad, copy, NOW), DENCRYPT_REVOKED);
	dencrypt_crl_free(copy);
	dencrypt_bytes_done(&pem);
	dencrypt_crl_free(theirs);
	dencrypt_crl_free(empty);
	dencrypt_crl_free(crl);
	dencrypt_certificate_free(good);
	dencrypt_certificate_free(bad);
}

static void test_crl_der(void **state)
{
	const char *serials[] = { "1234" };
	struct dencrypt_crl *crl = make_list(&home, serials, 1), *copy = NULL;
	struct dencrypt_certificate *good = issue(home.ca, DENCRYPT_EC_P256, LOGIN, NULL);
	struct dencrypt_bytes der = DENCRYPT_BYTES_EMPTY;
	uint64_t number = 0;

	(void)state;
	assert_ok(dencrypt_crl_der(crl, &der));
	assert_ok(dencrypt_crl_parse(der.data, der.size, &copy));
	assert_ok(dencrypt_crl_number(copy, &number));
	assert_int_equal(number, 42);
	dencrypt_crl_free(copy);
	copy = NULL;
	assert_result(dencrypt_crl_parse(der.data, der.size - 1, &copy), DENCRYPT_MALFORMED);
	der.data[der.size - 1] ^= 1; /* in the signature */
	assert_ok(dencrypt_crl_parse(der.data, der.size, &copy));
	assert_result(verify(good, copy, NOW), DENCRYPT_CRL_UNTRUSTED);
	dencrypt_crl_free(copy);
	dencrypt_crl_free(crl);
	dencrypt_certificate_free(good);
	dencrypt_bytes_done(&der);
}

static void test_crl_arguments(void **state)
{
	static const char *const serials[] = { "", "0", "00", "-1", "0x12", "12 ", "g",
					       "11223344556677889900112233445566778899001" };
	struct dencrypt_revoked revoked = { "12", NOW, 2 };
	struct dencrypt_crl *crl = NULL;

	(void)state;
	assert_result(dencrypt_ca_sign_crl(home.ca, &revoked, 1, 1, NOW, &crl),
		      DENCRYPT_BAD_ARGUMENT);
	revoked.reason = DENCRYPT_REVOKED_SUPERSEDED;
	for (size_t i = 0; i < sizeof(serials) / sizeof(serials[0]); i++) {
		revoked.serial = serials[i];
		assert_result(dencrypt_ca_sign_crl(home.ca, &revoked, 1, 1, NOW, &crl),
			      DENCRYPT_BAD_ARGUMENT);
	}
	assert_result(dencrypt_ca_sign_crl(home.ca, &revoked, DENCRYPT_REVOKED_MAX + 1, 1, NOW,
					   &crl), DENCRYPT_BAD_ARGUMENT);
	assert_null(crl);
}

static void test_malformed(void **state)
{
	struct dencrypt_certificate *certificate = issue(home.ca, DENCRYPT_EC_P256, LOGIN, NULL);
	struct dencrypt_certificate *none = NULL;
	static unsigned char huge[DENCRYPT_CERTIFICATE_MAX + 1];
	struct dencrypt_bytes der = DENCRYPT_BYTES_EMPTY;

	(void)state;
	assert_ok(dencrypt_certificate_der(certificate, &der));
	for (size_t size = 0; size < der.size; size++)
		assert_result(dencrypt_certificate_parse(der.data, size, &none),
			      DENCRYPT_MALFORMED);
	memcpy(huge, der.data, der.size);
	assert_result(dencrypt_certificate_parse(huge, der.size + 1, &none), DENCRYPT_MALFORMED);
	assert_result(dencrypt_certificate_parse(huge, sizeof(huge), &none), DENCRYPT_TOO_BIG);
	assert_result(dencrypt_certificate_parse_pem("hello", 5, &none), DENCRYPT_MALFORMED);
	assert_result(dencrypt_certificate_parse_pem(huge, sizeof(huge), &none), DENCRYPT_TOO_BIG);
	assert_null(none);
	dencrypt_bytes_done(&der);
	dencrypt_certificate_free(certificate);
}

/* openssl(1) sees the same serial, fingerprint, subject and usages. */
static void test_witness(void **state)
{
	struct dencrypt_certificate *certificate = issue(home.ca, DENCRYPT_RSA_3072, LOGIN, NULL);
	char *path = strdup(in_folder(&home, "user.pem")), *ca = strdup(in_folder(&home, "ca.pem"));
	struct dencrypt_bytes pem = DENCRYPT_BYTES_EMPTY;
	char out[8192], serial[64], print[128];
	size_t used = 0;

	(void)state;
	assert_ok(dencrypt_certificate_pem(certificate, &pem));
	assert_ok(dencrypt_write_file(path, &pem, 0644));
	snprintf(serial, sizeof(serial), "serial=%s\n", dencrypt_certificate_serial(certificate));
	for (char *c = serial + 7; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	for (const char *c = dencrypt_certificate_fingerprint(certificate); *c; c++)
		used += (size_t)snprintf(print + used, sizeof(print) - used, "%s%c",
					 used && used % 3 == 2 ? ":" : "",
					 toupper((unsigned char)*c));
	assert_int_equal(RUN(out, "openssl", "x509", "-in", path, "-noout", "-serial",
			     "-fingerprint", "-sha256", "-subject", "-ext",
			     "extendedKeyUsage,keyUsage,basicConstraints,"
			     "authorityKeyIdentifier"), 0);
	assert_non_null(strstr(out, serial));
	assert_non_null(strstr(out, print));
	assert_non_null(strstr(out, "subject=O = acme, CN = d-taro01\n"));
	assert_non_null(strstr(out, "TLS Web Client Authentication\n"));
	assert_null(strstr(out, "Server"));
	assert_non_null(strstr(out, "Key Usage: critical\n    Digital Signature\n"));
	assert_non_null(strstr(out, "Constraints: critical\n    CA:FALSE\n"));
	assert_non_null(strstr(out, "Authority Key Identifier"));
	assert_int_equal(RUN(out, "openssl", "verify", "-x509_strict", "-purpose", "sslclient",
			     "-attime", "1900000000", "-CAfile", ca, path), 0);
	free(path);
	free(ca);
	dencrypt_bytes_done(&pem);
	dencrypt_certificate_free(certificate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_odd),
		cmocka_unit_test(test_wrong_ca),
		cmocka_unit_test(test_tampered),
		cmocka_unit_test(test_on_record),
		cmocka_unit_test(test_revoked),
		cmocka_unit_test(test_crl_der),
		cmocka_unit_test(test_crl_arguments),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_witness),
	};

	return cmocka_run_group_tests(tests, start, end);
}
