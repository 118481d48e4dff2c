/* A tag over some bytes that only who knows a passphrase can make or check: nobody changed them. */
#ifndef DENSHI_CRYPTO_TAG_H
#define DENSHI_CRYPTO_TAG_H

#include <stddef.h>

#include "crypto/result.h"

#define DENCRYPT_TAG_HEX_SIZE 65 /* with the terminating NUL */

/*
 * HMAC-SHA256, lower-case hexadecimal, by a key made of the passphrase and a salt (PBKDF2), which
 * is random and new for each passphrase. DENCRYPT_BAD_ARGUMENT for an empty passphrase.
 */
enum dencrypt_result dencrypt_tag(const char *passphrase, const char *salt, const void *data,
				  size_t size, char tag[DENCRYPT_TAG_HEX_SIZE]);

/* DENCRYPT_OK, or DENCRYPT_WRONG_PIN where the tag isn't that of these bytes; constant time. */
enum dencrypt_result dencrypt_tag_check(const char *passphrase, const char *salt, const void *data,
					size_t size, const char *tag);

#endif
