/*
 * Guts shared by the files of the crypto room; nothing outside it includes this.
 */
#ifndef DENSHI_CRYPTO_INTERNAL_H
#define DENSHI_CRYPTO_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "crypto/bytes.h"
#include "crypto/result.h"

#define DENCRYPT_SERIAL_OCTETS 20 /* RFC 5280, 4.1.2.2 */

struct dencrypt_key {
	EVP_PKEY *pkey;
};

struct dencrypt_certificate {
	X509 *x509;
	char *machine_id;   /* the same */
	char *common_name;  /* NULL unless there is exactly one */
	char *organisation; /* likewise */
	time_t not_before;
	time_t not_after;
	char serial[2 * DENCRYPT_SERIAL_OCTETS + 1];
	char fingerprint[65];
};

struct dencrypt_crl {
	X509_CRL *crl;
};

/*
 * Drains OpenSSL's error queue, so that nothing of this room stays in it for others, and returns
 * DENCRYPT_NO_MEMORY if that was among the reasons, else `otherwise`.
 */
enum dencrypt_result dencrypt_failure(enum dencrypt_result otherwise);

/* Sets up OpenSSL's secure heap once per process; to be called before any private key is held. */
void dencrypt_secure_heap(void);

/* Room for `size` bytes, in the secure heap if they are secret. */
enum dencrypt_result dencrypt_bytes_new(struct dencrypt_bytes *bytes, size_t size, bool secret);

/* Takes over what an i2d function allocated; DENCRYPT_INTERNAL if `size` says that it failed. */
enum dencrypt_result dencrypt_bytes_take(struct dencrypt_bytes *bytes, unsigned char *der,
					 int size);

/* Copies a memory BIO's contents, if they were written, and frees the BIO; `secret` as above. */
enum dencrypt_result dencrypt_bytes_from_bio(struct dencrypt_bytes *bytes, BIO *bio, bool written,
					     bool secret);

/* DENCRYPT_KEY_REFUSED unless EC P-256 or P-384 (named curve), or RSA of 3072 to 8192 bits. */
enum dencrypt_result dencrypt_key_allowed(EVP_PKEY *pkey);

/* Wraps a key; takes it over in every case. */
enum dencrypt_result dencrypt_key_wrap(EVP_PKEY *pkey, struct dencrypt_key **out);

/* Whether OpenSSL's engine for PKCS#11 is installed. */
bool dencrypt_engine_there(void);

/* The private key that a PKCS#11 URI names, by that engine; the token signs. DENCRYPT_NO_ENGINE, DENCRYPT_WRONG_PIN where there is no such key or it can't be used. */
enum dencrypt_result dencrypt_engine_key(const char *uri, const char *pin, struct dencrypt_key **key);

/* Wraps a certificate; takes it over in every case. */
enum dencrypt_result dencrypt_certificate_wrap(X509 *x509, struct dencrypt_certificate **out);

/* FOLDER/NAME.SUFFIX; DENCRYPT_BAD_ARGUMENT where it is too long. `out` has room for PATH_MAX. */
enum dencrypt_result dencrypt_ca_path(const char *folder, const char *name, const char *suffix, char *out);

/* Removes it, where it is there; DENCRYPT_IO (errno set). */
enum dencrypt_result dencrypt_ca_drop(const char *folder, const char *name, const char *suffix);

/* dencrypt_ca_save() and dencrypt_ca_load() with NAME.key and NAME.pem. */
struct dencrypt_ca;
enum dencrypt_result dencrypt_ca_save_as(const struct dencrypt_ca *ca, const char *folder, const char *name);
enum dencrypt_result dencrypt_ca_make_in_token_as(const char *organisation, const char *token, const char *pin,
						  const char *folder, const char *name, time_t now);
enum dencrypt_result dencrypt_ca_load_as(const char *folder, const char *name, struct dencrypt_ca **out);

/* Wraps a revocation list; takes it over in every case. */
enum dencrypt_result dencrypt_crl_wrap(X509_CRL *crl, struct dencrypt_crl **out);

/* Checks a request as dencrypt_csr_check() does and hands out its public key (caller frees). */
enum dencrypt_result dencrypt_csr_key(const void *der, size_t size, EVP_PKEY **out);

/* Appends one UTF-8 entry to a name; DENCRYPT_BAD_ARGUMENT if empty, too long or not clean text. */
enum dencrypt_result dencrypt_name_add(X509_NAME *name, int nid, const char *text);

#endif
