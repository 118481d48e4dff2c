/*
 * The proof that somebody has a certificate's private key (R-LOGIN-1): a signature over a fresh
 * challenge, together with whose login to which service it is for. Nothing else is ever signed
 * with this text in front, so a signature serves once and for one purpose.
 */
#ifndef DENSHI_CRYPTO_PROOF_H
#define DENSHI_CRYPTO_PROOF_H

#include <stddef.h>

#include "crypto/bytes.h"
#include "crypto/certificate.h"
#include "crypto/csr.h"
#include "crypto/result.h"

#define DENCRYPT_CHALLENGE_SIZE 32

/* SHA-256 with the key's own kind of signature; the caller: dencrypt_bytes_done(). */
enum dencrypt_result dencrypt_proof_sign(const struct dencrypt_key *key, const char *login, const char *service,
					 const unsigned char challenge[DENCRYPT_CHALLENGE_SIZE],
					 struct dencrypt_bytes *signature);

/* DENCRYPT_BAD_SIGNATURE unless it was made by the certificate's key over the same. */
enum dencrypt_result dencrypt_proof_verify(const struct dencrypt_certificate *certificate, const char *login,
					   const char *service, const unsigned char challenge[DENCRYPT_CHALLENGE_SIZE],
					   const void *signature, size_t size);

/* The same over a text of the caller's, which begins with what it is for (core/request.h's decisions). */
enum dencrypt_result dencrypt_text_sign(const struct dencrypt_key *key, const char *text, size_t size,
					struct dencrypt_bytes *signature);
enum dencrypt_result dencrypt_text_verify(const struct dencrypt_certificate *certificate, const char *text, size_t size,
					  const void *signature, size_t signature_size);

/*
 * Key and certificate of a PKCS#11 token, which stays the one that signs; the caller frees both.
 * `uri` (RFC 7512) names the token or the object on it: the first certificate that fits, and its
 * key. DENCRYPT_WRONG_PIN also where the token is locked or the key isn't on it; DENCRYPT_IO where
 * OpenSSL's engine for PKCS#11 isn't installed or finds no token.
 * Thread rule: one thread.
 */
enum dencrypt_result dencrypt_token_open(const char *uri, const char *pin, struct dencrypt_key **key,
					 struct dencrypt_certificate **certificate);

#endif
