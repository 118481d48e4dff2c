/* R-LOGIN-1 over ssh: a certificate's key as OpenSSH names it; ssh-keygen is the witness. */
#include "crypto_help.h"

#include <openssl/param_build.h>

#include "crypto/sshkey.h"

static EVP_PKEY *compressed_point(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	assert_int_equal(EVP_PKEY_set_utf8_string_param(key, "point-format", "compressed"), 1);
	return key;
}

/* An EC key whose coordinates start with a zero octet, which an integer would lose. */
static EVP_PKEY *short_coordinate(const char *param)
{
	for (;;) {
		EVP_PKEY *key = EVP_EC_gen("P-256");
		BIGNUM *number = NULL;
		int size;

		assert_int_equal(EVP_PKEY_get_bn_param(key, param, &number), 1);
		size = BN_num_bytes(number);
		BN_free(number);
		if (size < 32)
			return key;
		EVP_PKEY_free(key);
	}
}

/* What ssh-keygen makes of the public key in SubjectPublicKeyInfo PEM. */
static void keygen_line(EVP_PKEY *key, char *out, size_t size)
{
	char *path = strdup(in_folder(&home, "spki.pem"));
	FILE *file = fopen(path, "w");

	/* ssh-keygen reads no compressed points. */
	if (EVP_PKEY_is_a(key, "EC"))
		EVP_PKEY_set_utf8_string_param(key, "point-format", "uncompressed");
	assert_int_equal(PEM_write_PUBKEY(file, key), 1);
	fclose(file);
	assert_int_equal(run(out, size, (const char *[]){ "ssh-keygen", "-i", "-m", "PKCS8",
			     "-f", path, NULL }), 0);
	out[strcspn(out, "\n")] = '\0';
	free(path);
}

static void test_as_ssh_keygen(void **state)
{
	EVP_PKEY *keys[] = {
		EVP_EC_gen("P-256"), EVP_EC_gen("P-384"), EVP_RSA_gen(3072), EVP_RSA_gen(4096),
		compressed_point(), short_coordinate("qx"), short_coordinate("qy"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct dencrypt_certificate *certificate =
			odd_certificate(&home, &(struct odd){ .key = keys[i] });
		char line[DENCRYPT_SSH_LINE_SIZE], want[4096];

		assert_ok(dencrypt_ssh_line(certificate, NULL, line));
		keygen_line(keys[i], want, sizeof(want));
		assert_string_equal(line, want);
		dencrypt_certificate_free(certificate);
		EVP_PKEY_free(keys[i]);
	}
}

/* A modulus of 8192 bits, by multiplying two: to find the primes of one would take minutes. */
static EVP_PKEY *largest_rsa(void)
{
	EVP_PKEY *a = EVP_RSA_gen(4096), *b = EVP_RSA_gen(4096), *key = NULL;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *n = NULL, *m = NULL, *e = BN_new();
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	BN_CTX *scratch = BN_CTX_new();
	OSSL_PARAM *params;

	EVP_PKEY_get_bn_param(a, "n", &n);
	EVP_PKEY_get_bn_param(b, "n", &m);
	BN_mul(n, n, m, scratch);
	BN_set_word(e, 65537);
	OSSL_PARAM_BLD_push_BN(builder, "n", n);
	OSSL_PARAM_BLD_push_BN(builder, "e", e);
	params = OSSL_PARAM_BLD_to_param(builder);
	assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
	assert_int_equal(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(builder);
	EVP_PKEY_CTX_free(context);
	BN_CTX_free(scratch);
	BN_free(n);
	BN_free(m);
	BN_free(e);
	EVP_PKEY_free(a);
	EVP_PKEY_free(b);
	return key;
}

static void test_largest(void **state)
{
	struct dencrypt_certificate *certificate;
	char line[DENCRYPT_SSH_LINE_SIZE], comment[DENCRYPT_SSH_COMMENT_MAX + 2];
	EVP_PKEY *key = largest_rsa();

	(void)state;
	certificate = odd_certificate(&home, &(struct odd){ .key = key });
	memset(comment, 'c', sizeof(comment));
	comment[DENCRYPT_SSH_COMMENT_MAX] = '\0';
	assert_ok(dencrypt_ssh_line(certificate, comment, line));
	assert_true(strlen(line) > 1350 + DENCRYPT_SSH_COMMENT_MAX);
	comment[DENCRYPT_SSH_COMMENT_MAX] = 'c';
	comment[DENCRYPT_SSH_COMMENT_MAX + 1] = '\0';
	assert_result(dencrypt_ssh_line(certificate, comment, line), DENCRYPT_BAD_ARGUMENT);
	dencrypt_certificate_free(certificate);
	EVP_PKEY_free(key);
}

static void test_comment(void **state)
{
	struct dencrypt_certificate *certificate = issue(home.ca, DENCRYPT_EC_P256, LOGIN, NULL);
	char bare[DENCRYPT_SSH_LINE_SIZE], line[DENCRYPT_SSH_LINE_SIZE];

	(void)state;
	assert_ok(dencrypt_ssh_line(certificate, NULL, bare));
	assert_ok(dencrypt_ssh_line(certificate, "", line));
	assert_string_equal(line, bare);
	assert_ok(dencrypt_ssh_line(certificate, "denshi d-taro01", line));
	assert_memory_equal(line, bare, strlen(bare));
	assert_string_equal(line + strlen(bare), " denshi d-taro01");
	assert_result(dencrypt_ssh_line(certificate, "x\nssh-rsa AAAA", line),
		      DENCRYPT_BAD_ARGUMENT);
	dencrypt_certificate_free(certificate);
}

static void test_refused(void **state)
{
	unsigned char blob[DENCRYPT_SSH_BLOB_MAX] = "\0\0\0\7ssh-rsa";
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	struct dencrypt_certificate *certificate =
		odd_certificate(&home, &(struct odd){ .key = key });
	char line[DENCRYPT_SSH_LINE_SIZE];

	(void)state;
	assert_result(dencrypt_ssh_line(certificate, NULL, line), DENCRYPT_KEY_REFUSED);
	assert_ok(dencrypt_ssh_blob_line(blob, sizeof(blob), NULL, line));
	assert_result(dencrypt_ssh_blob_line(blob, 10, NULL, line), DENCRYPT_KEY_REFUSED);
	assert_result(dencrypt_ssh_blob_line(blob, 3, NULL, line), DENCRYPT_MALFORMED);
	assert_result(dencrypt_ssh_blob_line(blob, sizeof(blob) + 1, NULL, line),
		      DENCRYPT_MALFORMED);
	memset(blob, 0xff, 4);
	assert_result(dencrypt_ssh_blob_line(blob, sizeof(blob), NULL, line), DENCRYPT_KEY_REFUSED);
	dencrypt_certificate_free(certificate);
	EVP_PKEY_free(key);
}

static void test_used(void **state)
{
	struct dencrypt_certificate *mine = issue(home.ca, DENCRYPT_EC_P256, LOGIN, NULL);
	struct dencrypt_certificate *other = issue(home.ca, DENCRYPT_EC_P256, LOGIN, NULL);
	char key[DENCRYPT_SSH_LINE_SIZE], their[DENCRYPT_SSH_LINE_SIZE];
	static const struct {
		const char *before, *after; /* the certificate's own line */
		enum dencrypt_result want;
	} cases[] = {
		{ "publickey ", "\n", DENCRYPT_OK },
		{ "publickey ", "", DENCRYPT_OK },
		{ "keyboard-interactive/pam\npublickey ", "\npassword\n", DENCRYPT_OK },
		{ "publickey ssh-rsa AAAA\npublickey ", "\n", DENCRYPT_OK },
		{ "publickey ", " x\n", DENCRYPT_KEY_MISMATCH },
		{ "publickey ", "AAAA\n", DENCRYPT_KEY_MISMATCH },
		{ "publickey  ", "\n", DENCRYPT_KEY_MISMATCH },
		{ "publickey \n", "\n", DENCRYPT_KEY_MISMATCH },
		{ "hostbased ", "\n", DENCRYPT_NO_PUBLIC_KEY },
		{ "x publickey ", "\n", DENCRYPT_NO_PUBLIC_KEY },
		{ "password\n", "\n", DENCRYPT_NO_PUBLIC_KEY },
		{ "\n\n", "\n\n", DENCRYPT_NO_PUBLIC_KEY },
	};
	char info[2 * DENCRYPT_SSH_LINE_SIZE];

	(void)state;
	assert_ok(dencrypt_ssh_line(mine, NULL, key));
	assert_ok(dencrypt_ssh_line(other, NULL, their));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(info, sizeof(info), "%s%s%s", cases[i].before, key, cases[i].after);
		assert_result(dencrypt_ssh_used(info, mine), cases[i].want);
	}
	snprintf(info, sizeof(info), "publickey %s\n", their);
	assert_result(dencrypt_ssh_used(info, mine), DENCRYPT_KEY_MISMATCH);
	snprintf(info, sizeof(info), "publickey %.60s\n", key); /* cut short */
	assert_result(dencrypt_ssh_used(info, mine), DENCRYPT_KEY_MISMATCH);
	assert_result(dencrypt_ssh_used("", mine), DENCRYPT_NO_PUBLIC_KEY);
	dencrypt_certificate_free(mine);
	dencrypt_certificate_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_ssh_keygen),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_comment),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_used),
	};

	return cmocka_run_group_tests(tests, home_start, home_end);
}
