#include "crypto/csr.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "crypto/internal.h"

#define RSA_BITS_MIN 3072
#define RSA_BITS_MAX 8192

static int no_passphrase(char *buf, int size, int writing, void *data)
{
	(void)buf, (void)size, (void)writing, (void)data;
	return -1;
}

enum dencrypt_result dencrypt_key_wrap(EVP_PKEY *pkey, struct dencrypt_key **out)
{
	struct dencrypt_key *key = OPENSSL_zalloc(sizeof(*key));

	if (!key) {
		EVP_PKEY_free(pkey);
		return dencrypt_failure(DENCRYPT_NO_MEMORY);
	}
	key->pkey = pkey;
	*out = key;
	return DENCRYPT_OK;
}

enum dencrypt_result dencrypt_key_make(enum dencrypt_key_type type, struct dencrypt_key **out)
{
	EVP_PKEY *pkey = NULL;

	dencrypt_secure_heap();
	switch (type) {
	case DENCRYPT_EC_P256:
		pkey = EVP_EC_gen("P-256");
		break;
	case DENCRYPT_EC_P384:
		pkey = EVP_EC_gen("P-384");
		break;
	case DENCRYPT_RSA_3072:
		pkey = EVP_RSA_gen(3072);
		break;
	default:
		return DENCRYPT_BAD_ARGUMENT;
	}
	if (!pkey)
		return dencrypt_failure(DENCRYPT_INTERNAL);
	return dencrypt_key_wrap(pkey, out);
}

void dencrypt_key_free(struct dencrypt_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	OPENSSL_free(key);
}

/* OpenSSL's pem_password_cb: the PIN is its context. */
static int give_pin(char *buf, int size, int writing, void *pin)
{
	size_t len = strlen(pin);

	(void)writing;
	if (size < 0 || len > (size_t)size)
		return -1;
	memcpy(buf, pin, len);
	return (int)len;
}

static enum dencrypt_result parse_pem(const void *pem, size_t size, pem_password_cb *ask, void *context,
				      enum dencrypt_result otherwise, struct dencrypt_key **out)
{
	enum dencrypt_result result;
	EVP_PKEY *pkey = NULL;
	BIO *bio;

	if (size > INT_MAX)
		return DENCRYPT_TOO_BIG;
	dencrypt_secure_heap();
	bio = BIO_new_mem_buf(pem, (int)size);
	if (bio)
		pkey = PEM_read_bio_PrivateKey(bio, NULL, ask, context);
	BIO_free(bio);
	if (!pkey)
		return dencrypt_failure(otherwise);
	result = dencrypt_key_allowed(pkey);
	if (result != DENCRYPT_OK) {
		EVP_PKEY_free(pkey);
		return result;
	}
	return dencrypt_key_wrap(pkey, out);
}

enum dencrypt_result dencrypt_key_parse_pem(const void *pem, size_t size,
					    struct dencrypt_key **out)
{
	return parse_pem(pem, size, no_passphrase, NULL, DENCRYPT_MALFORMED, out);
}

enum dencrypt_result dencrypt_key_parse_pem_with_pin(const void *pem, size_t size, const char *pin,
						     struct dencrypt_key **out)
{
	return parse_pem(pem, size, give_pin, (void *)(uintptr_t)pin, DENCRYPT_WRONG_PIN, out);
}

enum dencrypt_result dencrypt_key_pem(const struct dencrypt_key *key, struct dencrypt_bytes *out)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	bool written = bio && PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL,
							    NULL) == 1;

	return dencrypt_bytes_from_bio(out, bio, written, true);
}

enum dencrypt_result dencrypt_key_pem_with_pin(const struct dencrypt_key *key, const char *pin,
					       struct dencrypt_bytes *out)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	bool written = bio && PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, EVP_aes_256_cbc(), NULL, 0, give_pin,
							    (void *)(uintptr_t)pin) == 1;

	return dencrypt_bytes_from_bio(out, bio, written, true);
}

enum dencrypt_result dencrypt_key_matches(const struct dencrypt_key *key,
					  const struct dencrypt_certificate *certificate)
{
	if (X509_check_private_key(certificate->x509, key->pkey) != 1)
		return dencrypt_failure(DENCRYPT_KEY_MISMATCH);
	return DENCRYPT_OK;
}

enum dencrypt_result dencrypt_name_add(X509_NAME *name, int nid, const char *text)
{
	const unsigned char *c = (const unsigned char *)text;

	for (; *c; c++)
		if (*c < 0x20 || *c == 0x7f)
			return DENCRYPT_BAD_ARGUMENT;
	/* OpenSSL refuses what is not UTF-8 and what RFC 5280's upper bounds (64) don't allow. */
	if (c == (const unsigned char *)text ||
	    X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8, (const unsigned char *)text, -1,
				       -1, 0) != 1)
		return dencrypt_failure(DENCRYPT_BAD_ARGUMENT);
	return DENCRYPT_OK;
}

enum dencrypt_result dencrypt_csr_make(const struct dencrypt_key *key, const char *login_id,
				       struct dencrypt_bytes *out)
{
	enum dencrypt_result result = DENCRYPT_INTERNAL;
	X509_REQ *req = X509_REQ_new();
	unsigned char *der = NULL;
	int size;

	if (!req || X509_REQ_set_version(req, X509_REQ_VERSION_1) != 1 ||
	    X509_REQ_set_pubkey(req, key->pkey) != 1)
		goto out;
	result = dencrypt_name_add(X509_REQ_get_subject_name(req), NID_commonName, login_id);
	if (result != DENCRYPT_OK)
		goto out;
	result = DENCRYPT_INTERNAL;
	if (X509_REQ_sign(req, key->pkey, EVP_sha256()) <= 0)
		goto out;
	size = i2d_X509_REQ(req, &der);
	result = dencrypt_bytes_take(out, der, size);
out:
	X509_REQ_free(req);
	return result == DENCRYPT_OK ? result : dencrypt_failure(result);
}

static bool curve_allowed(EVP_PKEY *pkey)
{
	int from_explicit = 0;
	char group[32];

	/* Curves spelt out in the key were used to pass off other curves (CVE-2020-0601). */
	if (EVP_PKEY_get_int_param(pkey, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
				   &from_explicit) == 1 && from_explicit)
		return false;
	if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) != 1)
		return false;
	return strcmp(group, "prime256v1") == 0 || strcmp(group, "secp384r1") == 0;
}

enum dencrypt_result dencrypt_key_allowed(EVP_PKEY *pkey)
{
	EVP_PKEY_CTX *context = NULL;
	bool allowed = false;

	if (EVP_PKEY_is_a(pkey, "EC"))
		allowed = curve_allowed(pkey);
	else if (EVP_PKEY_is_a(pkey, "RSA"))
		allowed = EVP_PKEY_get_bits(pkey) >= RSA_BITS_MIN &&
			  EVP_PKEY_get_bits(pkey) <= RSA_BITS_MAX;
	if (allowed) {
		context = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
		allowed = context && EVP_PKEY_public_check(context) == 1;
	}
	EVP_PKEY_CTX_free(context);
	return allowed ? DENCRYPT_OK : dencrypt_failure(DENCRYPT_KEY_REFUSED);
}

enum dencrypt_result dencrypt_csr_key(const void *der, size_t size, EVP_PKEY **out)
{
	enum dencrypt_result result = DENCRYPT_MALFORMED;
	const unsigned char *at = der;
	X509_REQ *req = NULL;
	EVP_PKEY *pkey;

	if (size > DENCRYPT_CSR_MAX)
		return DENCRYPT_TOO_BIG;
	req = d2i_X509_REQ(NULL, &at, (long)size);
	if (!req || at != (const unsigned char *)der + size)
		goto out;
	result = DENCRYPT_KEY_REFUSED;
	pkey = X509_REQ_get0_pubkey(req);
	if (!pkey)
		goto out;
	/* Before the signature: a key of absurd size must not cost its arithmetic. */
	result = dencrypt_key_allowed(pkey);
	if (result != DENCRYPT_OK)
		goto out;
	result = DENCRYPT_BAD_SIGNATURE;
	if (X509_REQ_verify(req, pkey) != 1)
		goto out;
	result = DENCRYPT_OK;
	if (out) {
		EVP_PKEY_up_ref(pkey);
		*out = pkey;
	}
out:
	X509_REQ_free(req);
	return result == DENCRYPT_OK ? result : dencrypt_failure(result);
}

enum dencrypt_result dencrypt_csr_check(const void *der, size_t size)
{
	return dencrypt_csr_key(der, size, NULL);
}
