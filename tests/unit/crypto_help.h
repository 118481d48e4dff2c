/* What the tests of the crypto room share: a folder, requests, odd certificates, witnesses. */
#ifndef DENSHI_TESTS_CRYPTO_HELP_H
#define DENSHI_TESTS_CRYPTO_HELP_H

#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "crypto/ca.h"
#include "crypto/certificate.h"
#include "crypto/csr.h"
#include "crypto/file.h"

#define HELP __attribute__((unused)) static
#define NOW ((time_t)1900000000)
#define DAY ((time_t)24 * 60 * 60)
#define LOGIN "d-taro01"
#define ORG "acme"
#define assert_ok(call) assert_string_equal(dencrypt_text(call), "ok")
#define assert_result(call, want) assert_string_equal(dencrypt_text(call), dencrypt_text(want))

extern char **environ;

/* A test folder and, in it, a CA (ca.key, ca.pem). */
struct bench {
	char folder[64];
	struct dencrypt_ca *ca;
	EVP_PKEY *ca_key; /* read by OpenSSL itself, for certificates that denshi would not sign */
	X509 *ca_x509;
};

HELP const char *in_folder(const struct bench *bench, const char *name)
{
	static char paths[4][128];
	static unsigned int turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", bench->folder, name);
	return path;
}

/* The exit status of a program found in PATH, its output (both streams) in `out`; no input. */
HELP int run(char *out, size_t size, const char *const argv[])
{
	posix_spawn_file_actions_t actions;
	int pipe_fds[2], status, spawned;
	size_t used = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], 1);
	posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], 2);
	spawned = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(pipe_fds[1]);
	assert_int_equal(spawned, 0);
	while (used < size - 1 && (n = read(pipe_fds[0], out + used, size - 1 - used)) > 0)
		used += (size_t)n;
	out[used] = '\0';
	close(pipe_fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* `out` is an array. */
#define RUN(out, ...) run(out, sizeof(out), (const char *[]){ __VA_ARGS__, NULL })

HELP void bench_start(struct bench *bench)
{
	FILE *file;

	memset(bench, 0, sizeof(*bench));
	snprintf(bench->folder, sizeof(bench->folder), "/tmp/denshi-crypto-XXXXXX");
	assert_non_null(mkdtemp(bench->folder));
	assert_ok(dencrypt_ca_make(ORG, DENCRYPT_EC_P384, NOW, &bench->ca));
	assert_ok(dencrypt_ca_save(bench->ca, bench->folder));
	file = fopen(in_folder(bench, "ca.key"), "r");
	assert_non_null(file);
	bench->ca_key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	fclose(file);
	file = fopen(in_folder(bench, "ca.pem"), "r");
	assert_non_null(file);
	bench->ca_x509 = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	assert_non_null(bench->ca_key);
	assert_non_null(bench->ca_x509);
}

HELP void bench_end(struct bench *bench)
{
	char out[256];

	dencrypt_ca_free(bench->ca);
	EVP_PKEY_free(bench->ca_key);
	X509_free(bench->ca_x509);
	RUN(out, "rm", "-rf", "--", bench->folder);
}

/* The one that a whole group of tests has; home_start and home_end are the group's. */
HELP struct bench home;

HELP int home_start(void **state)
{
	(void)state;
	bench_start(&home);
	return 0;
}

HELP int home_end(void **state)
{
	(void)state;
	bench_end(&home);
	return 0;
}

/* A certificate as denshi signs it; the key too if wanted. */
HELP struct dencrypt_certificate *issue(const struct dencrypt_ca *ca, enum dencrypt_key_type type,
					const char *login_id, struct dencrypt_key **key_out)
{
	struct dencrypt_bytes csr = DENCRYPT_BYTES_EMPTY;
	struct dencrypt_certificate *certificate = NULL;
	struct dencrypt_key *key = NULL;

	assert_ok(dencrypt_key_make(type, &key));
	assert_ok(dencrypt_csr_make(key, login_id, &csr));
	assert_ok(dencrypt_ca_sign(ca, csr.data, csr.size, login_id, ORG, 365, NOW, &certificate));
	dencrypt_bytes_done(&csr);
	if (key_out)
		*key_out = key;
	else
		dencrypt_key_free(key);
	return certificate;
}

/* What a certificate may have wrong; the zero value of each field is what denshi signs. */
struct odd {
	const char *common_name, *second_name, *organisation; /* "" leaves it out */
	const char *constraints, *usage, *extended;           /* likewise */
	const EVP_MD *digest;
	EVP_PKEY *signer, *key; /* the bench's CA, a new P-256 key */
	int serial;
};

HELP void odd_name(X509_NAME *name, int nid, const char *text)
{
	if (text && *text)
		assert_int_equal(X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8,
				 (const unsigned char *)text, -1, -1, 0), 1);
}

HELP void odd_extension(X509 *x509, int nid, const char *value)
{
	X509_EXTENSION *ext;

	if (!*value)
		return;
	ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	assert_non_null(ext);
	assert_int_equal(X509_add_ext(x509, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

#define OR(value, normal) ((value) ? (value) : (normal))

HELP struct dencrypt_certificate *odd_certificate(const struct bench *bench, const struct odd *odd)
{
	struct dencrypt_certificate *certificate = NULL;
	EVP_PKEY *key = odd->key ? odd->key : EVP_EC_gen("P-256");
	unsigned char *der = NULL;
	X509 *x509 = X509_new();
	int size;

	X509_set_version(x509, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x509), OR(odd->serial, 77));
	ASN1_TIME_set(X509_getm_notBefore(x509), NOW);
	ASN1_TIME_set(X509_getm_notAfter(x509), NOW + 365 * DAY);
	X509_set_pubkey(x509, key);
	X509_set_issuer_name(x509, X509_get_subject_name(bench->ca_x509));
	odd_name(X509_get_subject_name(x509), NID_organizationName, OR(odd->organisation, ORG));
	odd_name(X509_get_subject_name(x509), NID_commonName, OR(odd->common_name, LOGIN));
	odd_name(X509_get_subject_name(x509), NID_commonName, odd->second_name);
	odd_extension(x509, NID_basic_constraints, OR(odd->constraints, "critical,CA:FALSE"));
	odd_extension(x509, NID_key_usage, OR(odd->usage, "critical,digitalSignature"));
	odd_extension(x509, NID_ext_key_usage, OR(odd->extended, "clientAuth"));
	assert_true(X509_sign(x509, OR(odd->signer, bench->ca_key),
			      OR(odd->digest, EVP_sha384())) > 0);
	size = i2d_X509(x509, &der);
	assert_true(size > 0);
	assert_ok(dencrypt_certificate_parse(der, (size_t)size, &certificate));
	OPENSSL_free(der);
	X509_free(x509);
	if (!odd->key)
		EVP_PKEY_free(key);
	return certificate;
}

HELP void write_text(const char *path, const char *text, mode_t mode)
{
	struct dencrypt_bytes bytes = { (unsigned char *)text, strlen(text) };

	assert_ok(dencrypt_write_file(path, &bytes, mode));
}

#endif
