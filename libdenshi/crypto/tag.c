#include "crypto/tag.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "crypto/internal.h"

#define ROUNDS 100000
#define KEY_SIZE 32

enum dencrypt_result dencrypt_tag(const char *passphrase, const char *salt, const void *data,
				  size_t size, char tag[DENCRYPT_TAG_HEX_SIZE])
{
	unsigned char key[KEY_SIZE], mac[EVP_MAX_MD_SIZE];
	size_t length = strlen(passphrase);
	unsigned int mac_size = 0;
	bool done;

	if (length == 0 || length > INT_MAX || strlen(salt) > INT_MAX)
		return DENCRYPT_BAD_ARGUMENT;
	done = PKCS5_PBKDF2_HMAC(passphrase, (int)length, (const unsigned char *)salt,
				 (int)strlen(salt), ROUNDS, EVP_sha256(), KEY_SIZE, key) == 1 &&
	       HMAC(EVP_sha256(), key, KEY_SIZE, data, size, mac, &mac_size) &&
	       mac_size * 2 + 1 == DENCRYPT_TAG_HEX_SIZE;
	OPENSSL_cleanse(key, sizeof(key));
	if (!done)
		return dencrypt_failure(DENCRYPT_INTERNAL);
	for (unsigned int i = 0; i < mac_size; i++)
		snprintf(tag + 2 * i, 3, "%02x", mac[i]);
	return DENCRYPT_OK;
}

enum dencrypt_result dencrypt_tag_check(const char *passphrase, const char *salt, const void *data,
					size_t size, const char *tag)
{
	char right[DENCRYPT_TAG_HEX_SIZE];
	enum dencrypt_result result = dencrypt_tag(passphrase, salt, data, size, right);

	if (result == DENCRYPT_OK && (strlen(tag) != DENCRYPT_TAG_HEX_SIZE - 1 ||
				      CRYPTO_memcmp(right, tag, DENCRYPT_TAG_HEX_SIZE - 1) != 0))
		result = DENCRYPT_WRONG_PIN;
	return result;
}
