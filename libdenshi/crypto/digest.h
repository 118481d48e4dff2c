/*
 * SHA-256, its readable forms, and random identifiers. An approval is bound to the digest of the
 * exact request, shown to maker and approver (R-APP-2).
 */
#ifndef DENSHI_CRYPTO_DIGEST_H
#define DENSHI_CRYPTO_DIGEST_H

#include <stddef.h>

#include "crypto/result.h"

#define DENCRYPT_DIGEST_SIZE 32
#define DENCRYPT_DIGEST_HEX_SIZE 65   /* with the terminating NUL */
#define DENCRYPT_DIGEST_SHORT_SIZE 20 /* "k3f9-77qa-0zx4-h8mv" and NUL */

struct dencrypt_digest;

/* A digest to be fed piece by piece; freed by dencrypt_digest_free() (NULL allowed). */
enum dencrypt_result dencrypt_digest_new(struct dencrypt_digest **out);
void dencrypt_digest_free(struct dencrypt_digest *digest);
enum dencrypt_result dencrypt_digest_add(struct dencrypt_digest *digest, const void *data,
					 size_t size);
/* The digest of all that was added; afterwards the object can only be freed. */
enum dencrypt_result dencrypt_digest_end(struct dencrypt_digest *digest,
					 unsigned char out[DENCRYPT_DIGEST_SIZE]);

/* SHA-256 of one buffer, as bytes and as lower-case hexadecimal. */
enum dencrypt_result dencrypt_sha256(const void *data, size_t size,
				     unsigned char out[DENCRYPT_DIGEST_SIZE]);
enum dencrypt_result dencrypt_sha256_hex(const void *data, size_t size,
					 char out[DENCRYPT_DIGEST_HEX_SIZE]);

/* `size` bytes as lower-case hexadecimal; `out` has room for 2 * size + 1 characters. */
void dencrypt_hex(const unsigned char *data, size_t size, char *out);

/*
 * The first 80 bits of a digest, in four groups of four base32 letters without i, l, o and u, for
 * people to compare. The program always compares the whole digest (R-APP-2).
 */
void dencrypt_digest_short(const unsigned char digest[DENCRYPT_DIGEST_SIZE],
			   char out[DENCRYPT_DIGEST_SHORT_SIZE]);

/* Random bytes from OpenSSL's generator; on failure the buffer must not be used. */
enum dencrypt_result dencrypt_random(void *out, size_t size);

/*
 * A random identifier of size - 1 characters (5 bits each) and NUL, in the letters of
 * dencrypt_digest_short(). `size` is at least 2. On failure `out` is the empty string.
 */
enum dencrypt_result dencrypt_random_id(char *out, size_t size);

#endif
