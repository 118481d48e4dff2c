/*
 * A run of bytes made by the crypto room: DER, PEM, PKCS#12, a file's contents. The caller owns it
 * and ends it with dencrypt_bytes_done(), which wipes it: some of them are private keys (R-ALL-4).
 */
#ifndef DENSHI_CRYPTO_BYTES_H
#define DENSHI_CRYPTO_BYTES_H

#include <stddef.h>

struct dencrypt_bytes {
	unsigned char *data;
	size_t size;
};

#define DENCRYPT_BYTES_EMPTY { NULL, 0 }

/* Wipes and frees the contents; the structure is empty again and may be reused. NULL is allowed. */
void dencrypt_bytes_done(struct dencrypt_bytes *bytes);

#endif
