/*
 * A request for renewal (R-CERT-4): the new key's signing request, signed by the key of the certificate
 * that it is to follow (CMS, RFC 5652). Who has a login password but not that key renews nothing.
 */
#ifndef DENSHI_CRYPTO_RENEWAL_H
#define DENSHI_CRYPTO_RENEWAL_H

#include "crypto/bytes.h"
#include "crypto/certificate.h"
#include "crypto/csr.h"
#include "crypto/result.h"

#define DENCRYPT_RENEWAL_DAYS 30 /* before its end a certificate can be renewed */

/* Wraps the request (DER); the caller: dencrypt_bytes_done(). */
enum dencrypt_result dencrypt_renewal_make(const struct dencrypt_key *old_key,
					   const struct dencrypt_certificate *old, const void *request,
					   size_t size, struct dencrypt_bytes *out);

/*
 * The request inside, where exactly `old` signed it and its own key is proven as well
 * (dencrypt_csr_check). DENCRYPT_BAD_SIGNATURE, DENCRYPT_MALFORMED, DENCRYPT_TOO_BIG.
 */
enum dencrypt_result dencrypt_renewal_open(const void *der, size_t size,
					   const struct dencrypt_certificate *old,
					   struct dencrypt_bytes *request);

/* DENCRYPT_OK where the certificate's end is near enough, and not past; DENCRYPT_EXPIRED,
 * DENCRYPT_NOT_DUE. */
enum dencrypt_result dencrypt_renewal_due(const struct dencrypt_certificate *old, time_t now);

#endif
