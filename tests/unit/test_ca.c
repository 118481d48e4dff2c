/* R-CERT-2, R-CERT-3, R-CERT-5: keys, requests, the CA and its files. */
#include "crypto_help.h"

#include <errno.h>

static enum dencrypt_result sign(const void *request, size_t size, const char *login_id,
				 const char *organisation, unsigned int days, time_t now)
{
	struct dencrypt_certificate *certificate = NULL;
	enum dencrypt_result result;

	result = dencrypt_ca_sign(home.ca, request, size, login_id, organisation, days, now,
				  &certificate);
	assert_int_equal(result == DENCRYPT_OK, certificate != NULL);
	dencrypt_certificate_free(certificate);
	return result;
}

/* A request made by OpenSSL alone, of any key. */
static struct dencrypt_bytes request_of(EVP_PKEY *key, const EVP_MD *digest)
{
	struct dencrypt_bytes der = DENCRYPT_BYTES_EMPTY;
	X509_REQ *req = X509_REQ_new();

	assert_int_equal(X509_REQ_set_pubkey(req, key), 1);
	assert_true(X509_REQ_sign(req, key, digest) > 0);
	der.size = (size_t)i2d_X509_REQ(req, &der.data);
	X509_REQ_free(req);
	return der;
}

static EVP_PKEY *explicit_curve(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	assert_int_equal(EVP_PKEY_set_utf8_string_param(key, "encoding", "explicit"), 1);
	return key;
}

static EVP_PKEY *compressed_point(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	assert_int_equal(EVP_PKEY_set_utf8_string_param(key, "point-format", "compressed"), 1);
	return key;
}

static void test_key_kinds(void **state)
{
	const struct {
		const char *what;
		EVP_PKEY *key;
		const EVP_MD *digest;
		enum dencrypt_result want;
	} cases[] = {
		{ "P-256", EVP_EC_gen("P-256"), EVP_sha256(), DENCRYPT_OK },
		{ "P-384", EVP_EC_gen("P-384"), EVP_sha384(), DENCRYPT_OK },
		{ "compressed", compressed_point(), EVP_sha256(), DENCRYPT_OK },
		{ "RSA 3072", EVP_RSA_gen(3072), EVP_sha256(), DENCRYPT_OK },
		{ "RSA 2048", EVP_RSA_gen(2048), EVP_sha256(), DENCRYPT_KEY_REFUSED },
		{ "P-521", EVP_EC_gen("P-521"), EVP_sha512(), DENCRYPT_KEY_REFUSED },
		{ "secp256k1", EVP_EC_gen("secp256k1"), EVP_sha256(), DENCRYPT_KEY_REFUSED },
		{ "explicit", explicit_curve(), EVP_sha256(), DENCRYPT_KEY_REFUSED },
		{ "Ed25519", EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL, DENCRYPT_KEY_REFUSED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dencrypt_bytes der = request_of(cases[i].key, cases[i].digest);
		enum dencrypt_result got = dencrypt_csr_check(der.data, der.size);

		if (got != cases[i].want)
			print_error("%s: %s\n", cases[i].what, dencrypt_text(got));
		assert_result(got, cases[i].want);
		assert_result(sign(der.data, der.size, LOGIN, ORG, 1, NOW), cases[i].want);
		dencrypt_bytes_done(&der);
		EVP_PKEY_free(cases[i].key);
	}
}

/* The subject, usages and all of a request are its maker's wishes, and stay that. */
static void test_request_wishes_nothing(void **state)
{
	struct dencrypt_certificate *certificate = NULL;
	struct dencrypt_bytes der = DENCRYPT_BYTES_EMPTY;
	STACK_OF(X509_EXTENSION) *wishes = sk_X509_EXTENSION_new_null();
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509_REQ *req = X509_REQ_new();

	(void)state;
	odd_name(X509_REQ_get_subject_name(req), NID_commonName, "d-master1");
	odd_name(X509_REQ_get_subject_name(req), NID_organizationName, "other");
	sk_X509_EXTENSION_push(wishes, X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints,
							   "critical,CA:TRUE"));
	sk_X509_EXTENSION_push(wishes, X509V3_EXT_conf_nid(NULL, NULL, NID_ext_key_usage,
							   "serverAuth"));
	assert_int_equal(X509_REQ_add_extensions(req, wishes), 1);
	X509_REQ_set_pubkey(req, key);
	assert_true(X509_REQ_sign(req, key, EVP_sha256()) > 0);
	der.size = (size_t)i2d_X509_REQ(req, &der.data);
	assert_ok(dencrypt_ca_sign(home.ca, der.data, der.size, LOGIN, ORG, 10, NOW, &certificate));
	assert_string_equal(dencrypt_certificate_common_name(certificate), LOGIN);
	assert_string_equal(dencrypt_certificate_organisation(certificate), ORG);
	assert_int_equal(dencrypt_certificate_not_after(certificate), NOW + 10 * DAY);
	assert_ok(dencrypt_verify_client(certificate, dencrypt_ca_certificate(home.ca), NULL, LOGIN,
					 ORG, NOW));
	dencrypt_certificate_free(certificate);
	dencrypt_bytes_done(&der);
	sk_X509_EXTENSION_pop_free(wishes, X509_EXTENSION_free);
	X509_REQ_free(req);
	EVP_PKEY_free(key);
}

static void test_bad_requests(void **state)
{
	static unsigned char huge[DENCRYPT_CSR_MAX + 1];
	struct dencrypt_bytes der = DENCRYPT_BYTES_EMPTY;
	struct dencrypt_key *key = NULL;

	(void)state;
	assert_ok(dencrypt_key_make(DENCRYPT_EC_P256, &key));
	assert_ok(dencrypt_csr_make(key, LOGIN, &der));
	for (size_t size = 0; size < der.size; size++)
		assert_result(sign(der.data, size, LOGIN, ORG, 1, NOW), DENCRYPT_MALFORMED);
	memcpy(huge, der.data, der.size);
	assert_result(sign(huge, der.size + 1, LOGIN, ORG, 1, NOW), DENCRYPT_MALFORMED);
	assert_result(sign(huge, sizeof(huge), LOGIN, ORG, 1, NOW), DENCRYPT_TOO_BIG);
	memset(huge, 0x30, sizeof(huge));
	assert_result(sign(huge, DENCRYPT_CSR_MAX, LOGIN, ORG, 1, NOW), DENCRYPT_MALFORMED);
	/* Another subject under the old signature: the proof of possession fails. */
	memcpy(memmem(der.data, der.size, LOGIN, strlen(LOGIN)), "d-jiro01", strlen(LOGIN));
	assert_result(sign(der.data, der.size, LOGIN, ORG, 1, NOW), DENCRYPT_BAD_SIGNATURE);
	dencrypt_bytes_done(&der);
	dencrypt_key_free(key);
}

static void test_sign_arguments(void **state)
{
	static const char long_name[] =
		"a123456789b123456789c123456789d123456789e123456789f123456789g1234"; /* 65 */
	static const struct {
		const char *login_id, *organisation;
		unsigned int days;
		time_t now;
		enum dencrypt_result want;
	} cases[] = {
		{ LOGIN, ORG, 1, NOW, DENCRYPT_OK },
		{ LOGIN, "城南信用金庫", DENCRYPT_DAYS_MAX, NOW, DENCRYPT_OK },
		{ LOGIN, long_name + 1, 1, NOW, DENCRYPT_OK },
		{ LOGIN, long_name, 1, NOW, DENCRYPT_BAD_ARGUMENT },
		{ "", ORG, 1, NOW, DENCRYPT_BAD_ARGUMENT },
		{ LOGIN, "", 1, NOW, DENCRYPT_BAD_ARGUMENT },
		{ "d-taro\n01", ORG, 1, NOW, DENCRYPT_BAD_ARGUMENT },
		{ LOGIN, "ac\xff\xfeme", 1, NOW, DENCRYPT_BAD_ARGUMENT },
		{ LOGIN, ORG, 0, NOW, DENCRYPT_BAD_ARGUMENT },
		{ LOGIN, ORG, DENCRYPT_DAYS_MAX + 1, NOW, DENCRYPT_BAD_ARGUMENT },
		{ LOGIN, ORG, 1, NOW - 301, DENCRYPT_NOT_YET_VALID },
		{ LOGIN, ORG, 1, NOW + 3652 * DAY, DENCRYPT_EXPIRED },
	};
	struct dencrypt_bytes der = DENCRYPT_BYTES_EMPTY;
	struct dencrypt_certificate *last = NULL;
	struct dencrypt_key *key = NULL;
	struct dencrypt_ca *none = NULL;

	(void)state;
	assert_ok(dencrypt_key_make(DENCRYPT_EC_P256, &key));
	assert_ok(dencrypt_csr_make(key, LOGIN, &der));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_result(sign(der.data, der.size, cases[i].login_id, cases[i].organisation,
				   cases[i].days, cases[i].now), cases[i].want);
	/* No certificate outlives its CA. */
	assert_ok(dencrypt_ca_sign(home.ca, der.data, der.size, LOGIN, ORG, 365, NOW + 3600 * DAY,
				   &last));
	assert_int_equal(dencrypt_certificate_not_after(last), NOW + 3652 * DAY);
	dencrypt_certificate_free(last);
	assert_result(dencrypt_ca_make("", DENCRYPT_EC_P384, NOW, &none), DENCRYPT_BAD_ARGUMENT);
	assert_result(dencrypt_ca_make(long_name + 10, DENCRYPT_EC_P384, NOW, &none),
		      DENCRYPT_BAD_ARGUMENT);
	assert_null(none);
	dencrypt_bytes_done(&der);
	dencrypt_key_free(key);
}

static void test_ca_witness(void **state)
{
	char *path = strdup(in_folder(&home, "ca.pem")), *key = strdup(in_folder(&home, "ca.key"));
	char out[8192];

	(void)state;
	assert_int_equal(RUN(out, "openssl", "x509", "-in", path, "-noout", "-text"), 0);
	assert_non_null(strstr(out, "Signature Algorithm: ecdsa-with-SHA384\n"));
	assert_non_null(strstr(out, "Subject: O = acme, CN = acme denshi CA\n"));
	assert_non_null(strstr(out, "Issuer: O = acme, CN = acme denshi CA\n"));
	assert_non_null(strstr(out, "Basic Constraints: critical\n                "
				    "CA:TRUE, pathlen:0\n"));
	assert_non_null(strstr(out, "Key Usage: critical\n                "
				    "Certificate Sign, CRL Sign\n"));
	assert_non_null(strstr(out, "Subject Key Identifier"));
	assert_non_null(strstr(out, "ASN1 OID: secp384r1\n"));
	assert_int_equal(RUN(out, "openssl", "pkey", "-in", key, "-noout", "-check"), 0);
	free(path);
	free(key);
}

static void test_crl_witness(void **state)
{
	const struct dencrypt_revoked revoked[] = {
		{ "a1b2", NOW - DAY, DENCRYPT_REVOKED_SUPERSEDED },
		{ "0f", NOW, DENCRYPT_REVOKED_UNSPECIFIED },
	};
	char *path = strdup(in_folder(&home, "crl.pem")), *ca = strdup(in_folder(&home, "ca.pem"));
	struct dencrypt_bytes pem = DENCRYPT_BYTES_EMPTY;
	struct dencrypt_crl *crl = NULL;
	char out[8192];

	(void)state;
	assert_ok(dencrypt_ca_sign_crl(home.ca, revoked, 2, 7, NOW, &crl));
	assert_ok(dencrypt_crl_pem(crl, &pem));
	assert_ok(dencrypt_write_file(path, &pem, 0644));
	assert_int_equal(RUN(out, "openssl", "crl", "-in", path, "-noout", "-text", "-CAfile",
			     ca), 0);
	assert_non_null(strstr(out, "verify OK"));
	assert_non_null(strstr(out, "X509v3 CRL Number: \n                7\n"));
	assert_non_null(strstr(out, "Serial Number: A1B2\n"));
	assert_non_null(strstr(out, "Superseded"));
	assert_null(strstr(out, "Unspecified"));
	assert_non_null(strstr(out, "Last Update: Mar 17 17:41:40 2030 GMT"));
	assert_non_null(strstr(out, "Next Update: Mar 18 17:46:40 2030 GMT"));
	dencrypt_bytes_done(&pem);
	dencrypt_crl_free(crl);
	free(path);
	free(ca);
}

static int entries(const char *folder)
{
	char out[4096], *at = out;
	int count = 0;

	assert_int_equal(RUN(out, "ls", "-A", folder), 0);
	while ((at = strchr(at, '\n')) != NULL)
		count++, at++;
	return count;
}

static void make_folder(const struct bench *bench, const char *name, char *out, size_t size)
{
	snprintf(out, size, "%s", in_folder(bench, name));
	assert_int_equal(mkdir(out, 0700), 0);
}

static void test_save(void **state)
{
	char folder[128], path[160];
	struct stat st;

	(void)state;
	make_folder(&home, "save", folder, sizeof(folder));
	umask(0);
	assert_ok(dencrypt_ca_save(home.ca, folder));
	umask(022);
	snprintf(path, sizeof(path), "%s/ca.key", folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_result(dencrypt_ca_save(home.ca, folder), DENCRYPT_EXISTS);
	assert_int_equal(entries(folder), 2);
	/* A certificate is in the way: the new key doesn't stay. */
	assert_int_equal(unlink(path), 0);
	assert_result(dencrypt_ca_save(home.ca, folder), DENCRYPT_EXISTS);
	assert_int_equal(entries(folder), 1);
	/* Nor does a dangling link pass for nothing. */
	assert_int_equal(symlink("/nowhere/ca.key", path), 0);
	assert_result(dencrypt_ca_save(home.ca, folder), DENCRYPT_EXISTS);
	assert_int_equal(entries(folder), 2);
	assert_result(dencrypt_ca_save(home.ca, "/nowhere"), DENCRYPT_IO);
	assert_int_equal(errno, ENOENT);
}

static void test_load(void **state)
{
	struct dencrypt_ca *ca = NULL;
	char folder[128], key[160], pem[160], moved[160];

	(void)state;
	make_folder(&home, "load", folder, sizeof(folder));
	snprintf(key, sizeof(key), "%s/ca.key", folder);
	snprintf(pem, sizeof(pem), "%s/ca.pem", folder);
	snprintf(moved, sizeof(moved), "%s/moved", folder);
	assert_result(dencrypt_ca_load(folder, &ca), DENCRYPT_IO);
	assert_int_equal(errno, ENOENT);
	assert_ok(dencrypt_ca_save(home.ca, folder));
	assert_ok(dencrypt_ca_load(folder, &ca));
	assert_ok(dencrypt_same_certificate(dencrypt_ca_certificate(ca),
					    dencrypt_ca_certificate(home.ca)));
	dencrypt_ca_free(ca);
	ca = NULL;
	for (mode_t bit = 01; bit <= 040; bit <<= 1) {
		assert_int_equal(chmod(key, 0600 | bit), 0);
		assert_result(dencrypt_ca_load(folder, &ca), DENCRYPT_UNSAFE_FILE);
	}
	assert_int_equal(chmod(key, 0400), 0);
	assert_ok(dencrypt_ca_load(folder, &ca));
	dencrypt_ca_free(ca);
	ca = NULL;
	assert_int_equal(chmod(pem, 0666), 0);
	assert_result(dencrypt_ca_load(folder, &ca), DENCRYPT_UNSAFE_FILE);
	assert_int_equal(chmod(pem, 0644), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(key, 12345, 0), 0);
		assert_result(dencrypt_ca_load(folder, &ca), DENCRYPT_UNSAFE_FILE);
		assert_int_equal(chown(key, 0, 0), 0);
	}
	assert_int_equal(rename(key, moved), 0);
	assert_int_equal(symlink("moved", key), 0);
	assert_result(dencrypt_ca_load(folder, &ca), DENCRYPT_UNSAFE_FILE);
	assert_int_equal(unlink(key), 0);
	assert_int_equal(mkfifo(key, 0600), 0);
	assert_result(dencrypt_ca_load(folder, &ca), DENCRYPT_UNSAFE_FILE);
	assert_null(ca);
}

/* One CA after another, and whose certificate is whose. */
static void test_succession(void **state)
{
	struct dencrypt_ca *ca = NULL, *former = NULL;
	struct dencrypt_certificate *before = NULL, *after = NULL;
	struct dencrypt_key *key = NULL, *next_key = NULL;
	char folder[128], path[160];

	(void)state;
	make_folder(&home, "succession", folder, sizeof(folder));
	snprintf(path, sizeof(path), "%s/former.key", folder);
	assert_result(dencrypt_ca_succeed(folder, ORG, NULL, NULL, NOW), DENCRYPT_IO);
	assert_ok(dencrypt_ca_save(home.ca, folder));
	assert_result(dencrypt_ca_load_former(folder, &former), DENCRYPT_IO);
	assert_int_equal(errno, ENOENT);
	assert_ok(dencrypt_ca_succeed(folder, ORG, NULL, NULL, NOW));
	assert_result(dencrypt_ca_succeed(folder, ORG, NULL, NULL, NOW), DENCRYPT_EXISTS);
	assert_ok(dencrypt_ca_load(folder, &ca));
	assert_ok(dencrypt_ca_load_former(folder, &former));
	assert_ok(dencrypt_same_certificate(dencrypt_ca_certificate(former), dencrypt_ca_certificate(home.ca)));
	before = issue(former, DENCRYPT_EC_P256, LOGIN, &key);
	after = issue(ca, DENCRYPT_EC_P256, LOGIN, &next_key);
	assert_true(dencrypt_certificate_is_by(before, dencrypt_ca_certificate(former)));
	assert_false(dencrypt_certificate_is_by(before, dencrypt_ca_certificate(ca)));
	assert_true(dencrypt_certificate_is_by(after, dencrypt_ca_certificate(ca)));
	assert_false(dencrypt_certificate_is_by(after, dencrypt_ca_certificate(former)));
	/* Of one name, and told apart by their keys alone. */
	assert_ok(dencrypt_verify_client(before, dencrypt_ca_certificate(former), NULL, LOGIN, ORG, NOW));
	assert_result(dencrypt_verify_client(before, dencrypt_ca_certificate(ca), NULL, LOGIN, ORG, NOW), DENCRYPT_WRONG_CA);
	assert_result(dencrypt_verify_client(after, dencrypt_ca_certificate(former), NULL, LOGIN, ORG, NOW), DENCRYPT_WRONG_CA);
	dencrypt_certificate_free(before);
	dencrypt_certificate_free(after);
	dencrypt_key_free(key);
	dencrypt_key_free(next_key);
	dencrypt_ca_free(former);
	dencrypt_ca_free(ca);
	/* Half removed is removed. */
	assert_int_equal(unlink(in_folder(&home, "succession/former.pem")), 0);
	assert_result(dencrypt_ca_load_former(folder, &former), DENCRYPT_IO);
	assert_int_equal(access(path, F_OK), -1);
	assert_ok(dencrypt_ca_succeed(folder, ORG, NULL, NULL, NOW));
	assert_ok(dencrypt_ca_drop_former(folder));
	assert_int_equal(access(path, F_OK), -1);
}

static void test_load_wrong_contents(void **state)
{
	struct dencrypt_bytes bytes = DENCRYPT_BYTES_EMPTY;
	struct dencrypt_certificate *user = NULL;
	struct dencrypt_key *key = NULL;
	struct dencrypt_ca *ca = NULL;
	char folder[128], key_path[160], pem[160], out[1024], *big;

	(void)state;
	make_folder(&home, "contents", folder, sizeof(folder));
	snprintf(key_path, sizeof(key_path), "%s/ca.key", folder);
	snprintf(pem, sizeof(pem), "%s/ca.pem", folder);
	assert_ok(dencrypt_ca_save(home.ca, folder));
	user = issue(home.ca, DENCRYPT_EC_P256, LOGIN, &key);
	assert_ok(dencrypt_key_pem(key, &bytes));
	assert_ok(dencrypt_write_file(key_path, &bytes, 0600));
	dencrypt_bytes_done(&bytes);
	assert_result(dencrypt_ca_load(folder, &ca), DENCRYPT_KEY_MISMATCH);
	assert_ok(dencrypt_certificate_pem(user, &bytes));
	assert_ok(dencrypt_write_file(pem, &bytes, 0644));
	dencrypt_bytes_done(&bytes);
	assert_result(dencrypt_ca_load(folder, &ca), DENCRYPT_WRONG_CA);
	/* An encrypted key is refused at once; nothing asks for its passphrase. */
	assert_int_equal(RUN(out, "openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
			     "ec_paramgen_curve:P-384", "-aes256", "-pass", "pass:abcd", "-out",
			     key_path), 0);
	assert_result(dencrypt_ca_load(folder, &ca), DENCRYPT_MALFORMED);
	write_text(key_path, "no key", 0600);
	assert_result(dencrypt_ca_load(folder, &ca), DENCRYPT_MALFORMED);
	big = calloc(1, 16386);
	memset(big, 'x', 16385);
	write_text(key_path, big, 0600);
	assert_result(dencrypt_ca_load(folder, &ca), DENCRYPT_TOO_BIG);
	assert_int_equal(entries(folder), 2);
	free(big);
	dencrypt_certificate_free(user);
	dencrypt_key_free(key);
	assert_null(ca);
}

static void test_rsa_ca(void **state)
{
	struct dencrypt_certificate *user;
	struct dencrypt_ca *ca = NULL;
	X509 *x509;
	struct dencrypt_bytes der = DENCRYPT_BYTES_EMPTY;
	const unsigned char *at;

	(void)state;
	assert_ok(dencrypt_ca_make(ORG, DENCRYPT_RSA_3072, NOW, &ca));
	user = issue(ca, DENCRYPT_EC_P256, LOGIN, NULL);
	assert_ok(dencrypt_verify_client(user, dencrypt_ca_certificate(ca), NULL, LOGIN, ORG, NOW));
	assert_ok(dencrypt_certificate_der(user, &der));
	at = der.data;
	x509 = d2i_X509(NULL, &at, (long)der.size);
	assert_int_equal(X509_get_signature_nid(x509), NID_sha256WithRSAEncryption);
	X509_free(x509);
	dencrypt_bytes_done(&der);
	dencrypt_certificate_free(user);
	dencrypt_ca_free(ca);
}

static void test_write_file(void **state)
{
	struct dencrypt_bytes text = { (unsigned char *)"new\n", 4 }, back = DENCRYPT_BYTES_EMPTY;
	char folder[128], path[160], target[160];
	struct stat st;

	(void)state;
	make_folder(&home, "write", folder, sizeof(folder));
	snprintf(path, sizeof(path), "%s/file", folder);
	snprintf(target, sizeof(target), "%s/target", folder);
	write_text(target, "target\n", 0600);
	assert_int_equal(symlink("target", path), 0);
	assert_result(dencrypt_read_file(path, DENCRYPT_FILE_PUBLIC, 100, &back),
		      DENCRYPT_UNSAFE_FILE);
	assert_ok(dencrypt_write_file(path, &text, 0640));
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_ok(dencrypt_read_file(target, DENCRYPT_FILE_SECRET, 100, &back));
	assert_int_equal(back.size, 7);
	dencrypt_bytes_done(&back);
	assert_result(dencrypt_read_file(target, DENCRYPT_FILE_SECRET, 6, &back), DENCRYPT_TOO_BIG);
	assert_result(dencrypt_write_new_file(path, &text, 0600), DENCRYPT_EXISTS);
	assert_result(dencrypt_write_file(path, &text, 04755), DENCRYPT_BAD_ARGUMENT);
	assert_int_equal(entries(folder), 2);
	snprintf(path, sizeof(path), "%s/sub", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_result(dencrypt_write_file(path, &text, 0600), DENCRYPT_IO);
	assert_int_equal(errno, EISDIR);
	assert_int_equal(entries(folder), 3);
	snprintf(path, sizeof(path), "%s/", folder);
	assert_result(dencrypt_write_file(path, &text, 0600), DENCRYPT_BAD_ARGUMENT);
}

/* A machine's certificate, as OpenSSL reads it. */
static X509 *machine(enum dencrypt_machine kind, const char *name, const char *id)
{
	struct dencrypt_bytes der = DENCRYPT_BYTES_EMPTY;
	struct dencrypt_certificate *certificate = NULL;
	struct dencrypt_key *key = NULL;
	const unsigned char *at;
	X509 *x509;

	assert_int_equal(dencrypt_key_make(DENCRYPT_EC_P256, &key), DENCRYPT_OK);
	assert_int_equal(dencrypt_ca_sign_machine(home.ca, key, kind, name, id, "acme", 365, NOW,
						  &certificate), DENCRYPT_OK);
	assert_int_equal(dencrypt_key_matches(key, certificate), DENCRYPT_OK);
	assert_int_equal(dencrypt_certificate_der(certificate, &der), DENCRYPT_OK);
	at = der.data;
	x509 = d2i_X509(NULL, &at, (long)der.size);
	assert_non_null(x509);
	dencrypt_bytes_done(&der);
	dencrypt_certificate_free(certificate);
	dencrypt_key_free(key);
	return x509;
}

static void test_machines(void **state)
{
	X509 *host = machine(DENCRYPT_HOST, "h1.acme.example", "k3f977qa");
	X509 *server = machine(DENCRYPT_DIRECTORY, "d1.acme.example", "0zx4h8mv");
	char subject[256];

	(void)state;
	X509_NAME_oneline(X509_get_subject_name(host), subject, sizeof(subject));
	assert_string_equal(subject, "/O=acme/OU=hosts/CN=h1.acme.example/serialNumber=k3f977qa");
	assert_int_equal(X509_get_extended_key_usage(host), XKU_SSL_CLIENT);
	/* A host is no server of any name. */
	assert_null(X509_get_ext_d2i(host, NID_subject_alt_name, NULL, NULL));
	X509_NAME_oneline(X509_get_subject_name(server), subject, sizeof(subject));
	assert_string_equal(subject, "/O=acme/OU=directory/CN=d1.acme.example/serialNumber=0zx4h8mv");
	assert_int_equal(X509_get_extended_key_usage(server), XKU_SSL_CLIENT | XKU_SSL_SERVER);
	assert_int_equal(X509_check_host(server, "d1.acme.example", 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL), 1);
	assert_int_equal(X509_check_host(server, "d2.acme.example", 0, 0, NULL), 0);
	X509_free(host);
	X509_free(server);
}

/* A name ends up in an extension's text: what could be syntax there is refused. */
static void test_machine_names(void **state)
{
	static const char *const names[] = {"", "a,DNS:b", "*.acme.example", "A.example", "a b", "a\n",
		"0123456789012345678901234567890123456789012345678901234567890123x"};
	struct dencrypt_certificate *certificate = NULL;
	struct dencrypt_key *key = NULL;

	(void)state;
	assert_int_equal(dencrypt_key_make(DENCRYPT_EC_P256, &key), DENCRYPT_OK);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(dencrypt_ca_sign_machine(home.ca, key, DENCRYPT_DIRECTORY, names[i], "x",
							  "acme", 365, NOW, &certificate),
				 DENCRYPT_BAD_ARGUMENT);
	assert_int_equal(dencrypt_ca_sign_machine(home.ca, key, DENCRYPT_HOST, "a", "x", "acme", 0, NOW,
						  &certificate), DENCRYPT_BAD_ARGUMENT);
	dencrypt_key_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_kinds),
		cmocka_unit_test(test_request_wishes_nothing),
		cmocka_unit_test(test_bad_requests),
		cmocka_unit_test(test_sign_arguments),
		cmocka_unit_test(test_ca_witness),
		cmocka_unit_test(test_crl_witness),
		cmocka_unit_test(test_save),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_load_wrong_contents),
		cmocka_unit_test(test_succession),
		cmocka_unit_test(test_rsa_ca),
		cmocka_unit_test(test_machines),
		cmocka_unit_test(test_machine_names),
		cmocka_unit_test(test_write_file),
	};

	return cmocka_run_group_tests(tests, home_start, home_end);
}
