#include "crypto/proof.h"

#include <string.h>

#include <openssl/evp.h>

#include "crypto/internal.h"

#define PURPOSE "denshi login proof 1"
#define TEXT_MAX 256

/* Each part with its NUL: no two different sets of parts give the same text. 0: too long. */
static size_t text_of(unsigned char text[TEXT_MAX], const char *login, const char *service,
		      const unsigned char challenge[DENCRYPT_CHALLENGE_SIZE])
{
	const char *parts[] = {PURPOSE, login, service};
	size_t used = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t size = strlen(parts[i]) + 1;

		if (size > TEXT_MAX - DENCRYPT_CHALLENGE_SIZE - used)
			return 0;
		memcpy(text + used, parts[i], size);
		used += size;
	}
	memcpy(text + used, challenge, DENCRYPT_CHALLENGE_SIZE);
	return used + DENCRYPT_CHALLENGE_SIZE;
}

static enum dencrypt_result sign(const struct dencrypt_key *key, const void *text, size_t size,
				 struct dencrypt_bytes *signature)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	enum dencrypt_result result = DENCRYPT_INTERNAL;
	size_t room = 0;

	if (!size)
		result = DENCRYPT_BAD_ARGUMENT;
	else if (context && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key->pkey) == 1 &&
		 EVP_DigestSign(context, NULL, &room, text, size) == 1)
		result = dencrypt_bytes_new(signature, room, false);
	if (result == DENCRYPT_OK && EVP_DigestSign(context, signature->data, &room, text, size) != 1) {
		dencrypt_bytes_done(signature);
		result = DENCRYPT_INTERNAL;
	}
	if (result == DENCRYPT_OK)
		signature->size = room;
	EVP_MD_CTX_free(context);
	return result == DENCRYPT_OK ? result : dencrypt_failure(result);
}

static enum dencrypt_result verify(const struct dencrypt_certificate *certificate, const void *text, size_t text_size,
				   const void *signature, size_t size)
{
	EVP_PKEY *pkey = X509_get0_pubkey(certificate->x509);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	enum dencrypt_result result = DENCRYPT_BAD_SIGNATURE;

	if (text_size && context && pkey && dencrypt_key_allowed(pkey) == DENCRYPT_OK &&
	    EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, pkey) == 1 &&
	    EVP_DigestVerify(context, signature, size, text, text_size) == 1)
		result = DENCRYPT_OK;
	EVP_MD_CTX_free(context);
	return result == DENCRYPT_OK ? result : dencrypt_failure(result);
}

enum dencrypt_result dencrypt_text_sign(const struct dencrypt_key *key, const char *text, size_t size,
					struct dencrypt_bytes *signature)
{
	return sign(key, text, size, signature);
}

enum dencrypt_result dencrypt_text_verify(const struct dencrypt_certificate *certificate, const char *text, size_t size,
					  const void *signature, size_t signature_size)
{
	return verify(certificate, text, size, signature, signature_size);
}

enum dencrypt_result dencrypt_proof_sign(const struct dencrypt_key *key, const char *login, const char *service,
					 const unsigned char challenge[DENCRYPT_CHALLENGE_SIZE],
					 struct dencrypt_bytes *signature)
{
	unsigned char text[TEXT_MAX];

	return sign(key, text, text_of(text, login, service, challenge), signature);
}

enum dencrypt_result dencrypt_proof_verify(const struct dencrypt_certificate *certificate, const char *login,
					   const char *service, const unsigned char challenge[DENCRYPT_CHALLENGE_SIZE],
					   const void *signature, size_t size)
{
	unsigned char text[TEXT_MAX];

	return verify(certificate, text, text_of(text, login, service, challenge), signature, size);
}
