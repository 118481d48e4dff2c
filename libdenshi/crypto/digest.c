#include "crypto/digest.h"

#include <limits.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "crypto/internal.h"

#define SHORT_LETTERS 16

/* Digits and lower-case letters without i, l, o, u: none is taken for another, nor spells much. */
static const char letters[] = "0123456789abcdefghjkmnpqrstvwxyz";

struct dencrypt_digest {
	EVP_MD_CTX *context;
};

enum dencrypt_result dencrypt_digest_new(struct dencrypt_digest **out)
{
	struct dencrypt_digest *digest = OPENSSL_zalloc(sizeof(*digest));

	if (!digest)
		return dencrypt_failure(DENCRYPT_NO_MEMORY);
	digest->context = EVP_MD_CTX_new();
	if (!digest->context || EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) != 1) {
		dencrypt_digest_free(digest);
		return dencrypt_failure(DENCRYPT_INTERNAL);
	}
	*out = digest;
	return DENCRYPT_OK;
}

void dencrypt_digest_free(struct dencrypt_digest *digest)
{
	if (!digest)
		return;
	EVP_MD_CTX_free(digest->context);
	OPENSSL_free(digest);
}

enum dencrypt_result dencrypt_digest_add(struct dencrypt_digest *digest, const void *data,
					 size_t size)
{
	if (EVP_DigestUpdate(digest->context, data, size) != 1)
		return dencrypt_failure(DENCRYPT_INTERNAL);
	return DENCRYPT_OK;
}

enum dencrypt_result dencrypt_digest_end(struct dencrypt_digest *digest,
					 unsigned char out[DENCRYPT_DIGEST_SIZE])
{
	if (EVP_DigestFinal_ex(digest->context, out, NULL) != 1)
		return dencrypt_failure(DENCRYPT_INTERNAL);
	return DENCRYPT_OK;
}

enum dencrypt_result dencrypt_sha256(const void *data, size_t size,
				     unsigned char out[DENCRYPT_DIGEST_SIZE])
{
	if (EVP_Digest(data, size, out, NULL, EVP_sha256(), NULL) != 1)
		return dencrypt_failure(DENCRYPT_INTERNAL);
	return DENCRYPT_OK;
}

void dencrypt_hex(const unsigned char *data, size_t size, char *out)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		*out++ = hex[data[i] >> 4];
		*out++ = hex[data[i] & 15];
	}
	*out = '\0';
}

enum dencrypt_result dencrypt_sha256_hex(const void *data, size_t size,
					 char out[DENCRYPT_DIGEST_HEX_SIZE])
{
	unsigned char digest[DENCRYPT_DIGEST_SIZE];
	enum dencrypt_result result = dencrypt_sha256(data, size, digest);

	if (result == DENCRYPT_OK)
		dencrypt_hex(digest, sizeof(digest), out);
	return result;
}

void dencrypt_digest_short(const unsigned char digest[DENCRYPT_DIGEST_SIZE],
			   char out[DENCRYPT_DIGEST_SHORT_SIZE])
{
	for (unsigned int i = 0; i < SHORT_LETTERS; i++) {
		unsigned int bit = 5 * i;
		unsigned int pair = (unsigned int)digest[bit / 8] << 8 | digest[bit / 8 + 1];

		if (i > 0 && i % 4 == 0)
			*out++ = '-';
		*out++ = letters[pair >> (11 - bit % 8) & 31];
	}
	*out = '\0';
}

enum dencrypt_result dencrypt_random(void *out, size_t size)
{
	if (size > INT_MAX)
		return DENCRYPT_BAD_ARGUMENT;
	if (RAND_bytes(out, (int)size) != 1)
		return dencrypt_failure(DENCRYPT_INTERNAL);
	return DENCRYPT_OK;
}

enum dencrypt_result dencrypt_random_id(char *out, size_t size)
{
	enum dencrypt_result result;

	if (size > 0)
		out[0] = '\0';
	if (size < 2)
		return DENCRYPT_BAD_ARGUMENT;
	result = dencrypt_random(out, size - 1);
	if (result != DENCRYPT_OK) {
		out[0] = '\0';
		return result;
	}
	/* 256 is a multiple of 32: every letter is equally likely. */
	for (size_t i = 0; i < size - 1; i++)
		out[i] = letters[(unsigned char)out[i] & 31];
	out[size - 1] = '\0';
	return DENCRYPT_OK;
}
