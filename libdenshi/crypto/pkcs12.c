#include "crypto/pkcs12.h"

#include <stdio.h>
#include <string.h>

#include <openssl/pkcs12.h>

#include "crypto/internal.h"

/*
 * Key, certificates and MAC each cost this many rounds; together they stay below the 600000 beyond
 * which importers on Windows refuse a file.
 */
#define ROUNDS 100000
#define ROUNDS_READ_MAX 5000000

static bool pin_allowed(const char *pin)
{
	size_t length = strnlen(pin, DENCRYPT_PIN_MAX + 1);

	if (length < 1 || length > DENCRYPT_PIN_MAX)
		return false;
	for (size_t i = 0; i < length; i++)
		if (pin[i] < 0x20 || pin[i] > 0x7e)
			return false;
	return true;
}

/* AES-256-CBC brings PBKDF2 with HMAC-SHA256 along. */
static PKCS12 *build(EVP_PKEY *key, X509 *x509, X509 *ca, const char *name, const char *pin)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	PKCS12 *p12 = NULL;

	if (chain && sk_X509_push(chain, ca) > 0)
		p12 = PKCS12_create(pin, name, key, x509, chain, NID_aes_256_cbc, NID_aes_256_cbc,
				    ROUNDS, -1, 0);
	sk_X509_free(chain);
	if (p12 && PKCS12_set_mac(p12, pin, -1, NULL, 0, ROUNDS, EVP_sha256()) == 1)
		return p12;
	PKCS12_free(p12);
	return NULL;
}

enum dencrypt_result dencrypt_pkcs12_make(const struct dencrypt_key *key,
					  const struct dencrypt_certificate *certificate,
					  const struct dencrypt_certificate *ca, const char *pin,
					  struct dencrypt_bytes *out)
{
	enum dencrypt_result result;
	unsigned char *der = NULL;
	char name[256 + 16];
	PKCS12 *p12;
	int length;

	if (!pin_allowed(pin) || !certificate->common_name)
		return DENCRYPT_BAD_ARGUMENT;
	length = snprintf(name, sizeof(name), "denshi %s", certificate->common_name);
	if (length < 0 || (size_t)length >= sizeof(name))
		return DENCRYPT_BAD_ARGUMENT;
	result = dencrypt_key_matches(key, certificate);
	if (result != DENCRYPT_OK)
		return result;
	p12 = build(key->pkey, certificate->x509, ca->x509, name, pin);
	if (!p12)
		return dencrypt_failure(DENCRYPT_INTERNAL);
	length = i2d_PKCS12(p12, &der);
	result = dencrypt_bytes_take(out, der, length);
	PKCS12_free(p12);
	return result;
}

static bool rounds_sane(PKCS12 *p12)
{
	const ASN1_INTEGER *rounds = NULL;

	if (!PKCS12_mac_present(p12))
		return false;
	PKCS12_get0_mac(NULL, NULL, NULL, &rounds, p12);
	/* Absent means 1. */
	return !rounds || (ASN1_INTEGER_get(rounds) >= 1 &&
			   ASN1_INTEGER_get(rounds) <= ROUNDS_READ_MAX);
}

static enum dencrypt_result take_out(PKCS12 *p12, const char *pin, struct dencrypt_key **key,
				     struct dencrypt_certificate **certificate)
{
	EVP_PKEY *pkey = NULL;
	X509 *x509 = NULL;
	enum dencrypt_result result = DENCRYPT_MALFORMED;

	if (PKCS12_parse(p12, pin, &pkey, &x509, NULL) != 1 || !pkey || !x509)
		goto out;
	result = dencrypt_key_allowed(pkey);
	if (result != DENCRYPT_OK)
		goto out;
	result = dencrypt_key_wrap(pkey, key);
	pkey = NULL;
	if (result != DENCRYPT_OK)
		goto out;
	result = dencrypt_certificate_wrap(x509, certificate);
	x509 = NULL;
	if (result == DENCRYPT_OK)
		result = dencrypt_key_matches(*key, *certificate);
out:
	EVP_PKEY_free(pkey);
	X509_free(x509);
	return result == DENCRYPT_OK ? result : dencrypt_failure(result);
}

enum dencrypt_result dencrypt_pkcs12_read(const void *data, size_t size, const char *pin,
					  struct dencrypt_key **key,
					  struct dencrypt_certificate **certificate)
{
	struct dencrypt_certificate *new_certificate = NULL;
	struct dencrypt_key *new_key = NULL;
	enum dencrypt_result result = DENCRYPT_MALFORMED;
	const unsigned char *at = data;
	PKCS12 *p12;

	if (size > DENCRYPT_PKCS12_MAX)
		return DENCRYPT_TOO_BIG;
	dencrypt_secure_heap();
	p12 = d2i_PKCS12(NULL, &at, (long)size);
	if (!p12 || at != (const unsigned char *)data + size || !rounds_sane(p12))
		goto out;
	/* What follows the MAC's check was written by someone who knew the PIN. */
	result = DENCRYPT_WRONG_PIN;
	if (PKCS12_verify_mac(p12, pin, -1) != 1)
		goto out;
	result = take_out(p12, pin, &new_key, &new_certificate);
out:
	PKCS12_free(p12);
	if (result == DENCRYPT_OK) {
		*key = new_key;
		*certificate = new_certificate;
		return DENCRYPT_OK;
	}
	dencrypt_key_free(new_key);
	dencrypt_certificate_free(new_certificate);
	return dencrypt_failure(result);
}
