/*
 * A run of bytes made by the crypto room: DER, PEM, PKCS#12, a file's contents. The caller owns it
 * and ends it with dencrypt_bytes_done(), which wipes it: some of them are private keys (R-ALL-4).
 */
#ifndef DENSHI_CRYPTO_BYTES_H
#define DENSHI_CRYPTO_BYTES_H

#include <stddef.h>

#include "crypto/result.h"

struct dencrypt_bytes {
	unsigned char *data;
	size_t size;
};

#define DENCRYPT_BYTES_EMPTY { NULL, 0 }

/* Wipes and frees the contents; the structure is empty again and may be reused. NULL is allowed. */
void dencrypt_bytes_done(struct dencrypt_bytes *bytes);

/* Base64 (RFC 4648, 4) of size bytes, NUL-terminated. DENCRYPT_TOO_BIG where there is no room. */
#define DENCRYPT_BASE64_SIZE(size) (((size) + 2) / 3 * 4 + 1)
enum dencrypt_result dencrypt_base64(const void *data, size_t size, char *out, size_t room);
/* The bytes of it, `limit` at most; nothing but base64, with its padding. DENCRYPT_MALFORMED, DENCRYPT_TOO_BIG. */
enum dencrypt_result dencrypt_from_base64(const char *text, size_t limit, struct dencrypt_bytes *out);

#endif
