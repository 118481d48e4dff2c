/*
 * Private keys, and the signing requests (PKCS#10) made with them. The key is made where the user
 * is and never leaves as anything but the user's own files; the CA sees the request (R-CERT-2).
 */
#ifndef DENSHI_CRYPTO_CSR_H
#define DENSHI_CRYPTO_CSR_H

#include <stddef.h>

#include "crypto/bytes.h"
#include "crypto/result.h"

#define DENCRYPT_CSR_MAX 16384 /* bytes of DER; an RSA 8192 request has about 2300 */

/* R-CERT-3 for users: P-256 by default, RSA 3072 on request. P-384 is the CA's. */
enum dencrypt_key_type {
	DENCRYPT_EC_P256,
	DENCRYPT_EC_P384,
	DENCRYPT_RSA_3072,
};

struct dencrypt_key;
struct dencrypt_certificate;

/* A new private key, wiped when freed; its numbers live in OpenSSL's secure heap (R-ALL-4). */
enum dencrypt_result dencrypt_key_make(enum dencrypt_key_type type, struct dencrypt_key **out);
void dencrypt_key_free(struct dencrypt_key *key);

/*
 * A private key from unencrypted PEM; never asks for a passphrase. DENCRYPT_MALFORMED, or
 * DENCRYPT_KEY_REFUSED for a kind that denshi does not use.
 */
enum dencrypt_result dencrypt_key_parse_pem(const void *pem, size_t size,
					    struct dencrypt_key **out);

/* The key as unencrypted PKCS#8 PEM. The caller writes it with mode 0600 and wipes it. */
enum dencrypt_result dencrypt_key_pem(const struct dencrypt_key *key, struct dencrypt_bytes *out);

/*
 * The same under a PIN (PKCS#8, PBES2 with AES-256-CBC), for a key that has to wait on a disk.
 * DENCRYPT_WRONG_PIN where it can't be opened with this one.
 */
enum dencrypt_result dencrypt_key_pem_with_pin(const struct dencrypt_key *key, const char *pin,
					       struct dencrypt_bytes *out);
enum dencrypt_result dencrypt_key_parse_pem_with_pin(const void *pem, size_t size, const char *pin,
						     struct dencrypt_key **out);

/* DENCRYPT_OK if the certificate is for this key, else DENCRYPT_KEY_MISMATCH. */
enum dencrypt_result dencrypt_key_matches(const struct dencrypt_key *key,
					  const struct dencrypt_certificate *certificate);

/* The request (DER) for the key, with the subject CN = login ID. */
enum dencrypt_result dencrypt_csr_make(const struct dencrypt_key *key, const char *login_id,
				       struct dencrypt_bytes *out);

/*
 * What the signer demands of a request: at most DENCRYPT_CSR_MAX bytes (DENCRYPT_TOO_BIG), nothing
 * but one PKCS#10 structure (DENCRYPT_MALFORMED), a key of a kind and size that denshi accepts and
 * that is sound (DENCRYPT_KEY_REFUSED), signed with that key (DENCRYPT_BAD_SIGNATURE). Subject and
 * extensions are not looked at: they come from the directory.
 */
enum dencrypt_result dencrypt_csr_check(const void *der, size_t size);

#endif
