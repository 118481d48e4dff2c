/*
 * Certificates and revocation lists: reading them, and deciding whether a certificate opens a
 * login (R-LOGIN-1). Everything that an accessor tells is extracted when the certificate is parsed,
 * so accessors cannot fail; the strings belong to the certificate. A parsed object may be used by
 * several threads at once.
 */
#ifndef DENSHI_CRYPTO_CERTIFICATE_H
#define DENSHI_CRYPTO_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "crypto/bytes.h"
#include "crypto/result.h"

#define DENCRYPT_CERTIFICATE_MAX 16384 /* bytes, DER or PEM */
#define DENCRYPT_CRL_MAX (64 * 1024 * 1024)

struct dencrypt_certificate;
struct dencrypt_crl;

/*
 * One certificate in DER, with nothing after it; DENCRYPT_MALFORMED (also for a serial that is not
 * positive or longer than 20 octets), DENCRYPT_TOO_BIG.
 */
enum dencrypt_result dencrypt_certificate_parse(const void *der, size_t size,
						struct dencrypt_certificate **out);

/* The first certificate in PEM text, e.g. ca.pem. */
enum dencrypt_result dencrypt_certificate_parse_pem(const void *pem, size_t size,
						    struct dencrypt_certificate **out);
void dencrypt_certificate_free(struct dencrypt_certificate *certificate);

enum dencrypt_result dencrypt_certificate_der(const struct dencrypt_certificate *certificate,
					      struct dencrypt_bytes *out);
enum dencrypt_result dencrypt_certificate_pem(const struct dencrypt_certificate *certificate,
					      struct dencrypt_bytes *out);

/* Lower-case hexadecimal, two digits per octet, no leading zero octet. */
const char *dencrypt_certificate_serial(const struct dencrypt_certificate *certificate);

/* SHA-256 of the DER, lower-case hexadecimal. */
const char *dencrypt_certificate_fingerprint(const struct dencrypt_certificate *certificate);

/* The subject's CN and O in UTF-8; NULL unless the subject has exactly one, without a NUL in it. */
const char *dencrypt_certificate_common_name(const struct dencrypt_certificate *certificate);
const char *dencrypt_certificate_organisation(const struct dencrypt_certificate *certificate);

/* The random id within the subject of a machine's certificate (dencrypt_ca_sign_machine). */
const char *dencrypt_certificate_machine_id(const struct dencrypt_certificate *certificate);
/* Whether a TLS server may show it: a directory server's, not a host's. */
bool dencrypt_certificate_is_server(const struct dencrypt_certificate *certificate);

/*
 * Start and end of validity, seconds since 1970 UTC. As OpenSSL, and so everyone, has
 * it: at not_before a certificate is valid, at not_after it has expired.
 */
time_t dencrypt_certificate_not_before(const struct dencrypt_certificate *certificate);
time_t dencrypt_certificate_not_after(const struct dencrypt_certificate *certificate);

/* One revocation list in DER, with nothing after it. Its signature is checked where it is used. */
enum dencrypt_result dencrypt_crl_parse(const void *der, size_t size, struct dencrypt_crl **out);
enum dencrypt_result dencrypt_crl_parse_pem(const void *pem, size_t size,
					    struct dencrypt_crl **out);
void dencrypt_crl_free(struct dencrypt_crl *crl);
enum dencrypt_result dencrypt_crl_der(const struct dencrypt_crl *crl, struct dencrypt_bytes *out);
enum dencrypt_result dencrypt_crl_pem(const struct dencrypt_crl *crl, struct dencrypt_bytes *out);

/* DENCRYPT_CRL_UNTRUSTED unless `ca` signed it. Its dates aren't looked at. */
enum dencrypt_result dencrypt_crl_check(const struct dencrypt_crl *crl,
					const struct dencrypt_certificate *ca);

/* The list's number, so that an older one can't be put back; DENCRYPT_MALFORMED if it has none. */
enum dencrypt_result dencrypt_crl_number(const struct dencrypt_crl *crl, uint64_t *number);

/*
 * May this certificate log in `login_id` of `organisation` at `now` (R-LOGIN-1)? It must be signed
 * by exactly `ca`, be within its dates, not be on `crl`, be for client authentication, and show the
 * login ID (ASCII case is not regarded, R-ID-1) and the organisation. Without a list (NULL) nothing
 * is taken as revoked: only for callers that have another proof of it. A list that isn't the CA's
 * or is out of date refuses (DENCRYPT_CRL_UNTRUSTED, DENCRYPT_CRL_EXPIRED).
 *
 * This does not prove possession of the key, nor that the certificate is the one on record: see
 * dencrypt_same_certificate().
 *
 * DENCRYPT_OK, or the first reason found: WRONG_CA, NOT_CLIENT, KEY_REFUSED, CRL_UNTRUSTED,
 * CRL_EXPIRED, REVOKED, BAD_SIGNATURE, NOT_YET_VALID, EXPIRED, WRONG_SUBJECT, WRONG_ORGANISATION,
 * MALFORMED, NO_MEMORY, INTERNAL. Anything unclear is a refusal.
 */
enum dencrypt_result dencrypt_verify_client(const struct dencrypt_certificate *certificate,
					    const struct dencrypt_certificate *ca,
					    const struct dencrypt_crl *crl, const char *login_id,
					    const char *organisation, time_t now);

/* Whether it is signed by exactly this CA; its dates and use aren't looked at. */
bool dencrypt_certificate_is_by(const struct dencrypt_certificate *certificate, const struct dencrypt_certificate *ca);

/* DENCRYPT_OK if `shown` is, byte for byte, the one `on_record`; else DENCRYPT_NOT_ON_RECORD. */
enum dencrypt_result dencrypt_same_certificate(const struct dencrypt_certificate *shown,
					       const struct dencrypt_certificate *on_record);

#endif
