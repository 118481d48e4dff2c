/*
 * PKCS#12: what the user takes away, for Chromium, Firefox, Windows and OpenSSL (R-CERT-2). The PEM
 * pair for ssh and curl is dencrypt_key_pem() and dencrypt_certificate_pem(); the files are written
 * with crypto/file.h, keys with mode 0600.
 */
#ifndef DENSHI_CRYPTO_PKCS12_H
#define DENSHI_CRYPTO_PKCS12_H

#include <stddef.h>

#include "crypto/bytes.h"
#include "crypto/certificate.h"
#include "crypto/csr.h"
#include "crypto/file.h"
#include "crypto/result.h"

#define DENCRYPT_PKCS12_MAX 65536 /* bytes */
#define DENCRYPT_PIN_MAX 128      /* characters */

/*
 * A PKCS#12 file with key, certificate and the CA's certificate, named "denshi LOGINID" after the
 * certificate's CN, under a PIN of 1 to DENCRYPT_PIN_MAX printable ASCII characters: programs
 * disagree on how others are encoded. DENCRYPT_BAD_ARGUMENT for another PIN, DENCRYPT_KEY_MISMATCH
 * if the key is not the certificate's. The PIN stays the caller's, to be wiped (R-ALL-4).
 */
enum dencrypt_result dencrypt_pkcs12_make(const struct dencrypt_key *key,
					  const struct dencrypt_certificate *certificate,
					  const struct dencrypt_certificate *ca, const char *pin,
					  struct dencrypt_bytes *out);

/*
 * Key and certificate of a PKCS#12 file; the caller frees both. DENCRYPT_WRONG_PIN,
 * DENCRYPT_TOO_BIG, DENCRYPT_KEY_MISMATCH, DENCRYPT_KEY_REFUSED, and DENCRYPT_MALFORMED also where
 * either is missing or the file asks for an absurd amount of work.
 */
enum dencrypt_result dencrypt_pkcs12_read(const void *data, size_t size, const char *pin,
					  struct dencrypt_key **key,
					  struct dencrypt_certificate **certificate);

#endif
