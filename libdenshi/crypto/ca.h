/*
 * A CA: its key and certificate, what it signs, the revocation list. An organisation has two. That
 * of the users is denshi-ca's, which listens on no port (R-CERT-5). That of the hosts signs hosts
 * and directory servers only, and is root's on the directory's machine.
 */
#ifndef DENSHI_CRYPTO_CA_H
#define DENSHI_CRYPTO_CA_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "crypto/bytes.h"
#include "crypto/certificate.h"
#include "crypto/csr.h"
#include "crypto/result.h"

#define DENCRYPT_DAYS_MAX 3650
#define DENCRYPT_REVOKED_MAX 1000000

struct dencrypt_ca;

/* Why a certificate is revoked; the numbers of RFC 5280, 5.3.1. */
enum dencrypt_revocation {
	DENCRYPT_REVOKED_UNSPECIFIED = 0,
	DENCRYPT_REVOKED_KEY_COMPROMISE = 1,
	DENCRYPT_REVOKED_AFFILIATION_CHANGED = 3,
	DENCRYPT_REVOKED_SUPERSEDED = 4,
	DENCRYPT_REVOKED_CESSATION = 5,
	DENCRYPT_REVOKED_PRIVILEGE_WITHDRAWN = 9,
};

struct dencrypt_revoked {
	const char *serial; /* as dencrypt_certificate_serial() gives it */
	time_t when;
	enum dencrypt_revocation reason;
};

/*
 * A new CA in memory: a key of `type` (callers take DENCRYPT_EC_P384 unless told otherwise), self-
 * signed for ten years from `now`, CN "<organisation> denshi CA", able to sign client certificates
 * and lists only (pathlen 0). DENCRYPT_BAD_ARGUMENT if the organisation's name is empty, is no
 * clean UTF-8 or makes a CN of over 64 characters. Freed by dencrypt_ca_free().
 */
enum dencrypt_result dencrypt_ca_make(const char *organisation, enum dencrypt_key_type type,
				      time_t now, struct dencrypt_ca **out);
void dencrypt_ca_free(struct dencrypt_ca *ca);

/* The same for the hosts' CA: CN "<organisation> denshi hosts CA". */
enum dencrypt_result dencrypt_ca_make_for_hosts(const char *organisation,
						enum dencrypt_key_type type, time_t now,
						struct dencrypt_ca **out);

/*
 * Writes `ca.key` (PKCS#8 PEM, mode 0600) and `ca.pem` (0644) into an existing folder, both new:
 * DENCRYPT_EXISTS, with the folder as it was, if either is there. DENCRYPT_IO (errno set).
 */
enum dencrypt_result dencrypt_ca_save(const struct dencrypt_ca *ca, const char *folder);

/*
 * The same with the key in a PKCS#11 token: `ca.token` (its URI) and `ca.pin` (0600, for nobody is there to be
 * asked) take the place of `ca.key`. The key (P-384) is made in the token that `token` names and can't be read out
 * of it. What dencrypt_token_find(), _login() and _make_key() say, and dencrypt_ca_save(). A key that was made for
 * nothing is removed again.
 */
enum dencrypt_result dencrypt_ca_make_in_token(const char *organisation, const char *token, const char *pin,
					       const char *folder, time_t now);

/*
 * Reads the files, whichever there are; a key in a token is signed with there, and the token must be in its place:
 * DENCRYPT_WRONG_PIN, DENCRYPT_NO_ENGINE. DENCRYPT_UNSAFE_FILE if ca.key is a symbolic link, has any group or other
 * permission, or belongs to neither root nor the effective user; DENCRYPT_KEY_MISMATCH if they are
 * not a pair; DENCRYPT_WRONG_CA if the certificate is not a CA's; DENCRYPT_IO (errno set).
 */
enum dencrypt_result dencrypt_ca_load(const char *folder, struct dencrypt_ca **out);

/*
 * A new key and certificate, of the same name, in the place of those in the folder, whose successor it is:
 * these become former.key and former.pem. Where `token` isn't NULL the new key is made there. Ended at any moment, the same call goes on from there, and until
 * then the folder has either pair whole, or is refused by dencrypt_ca_load() with DENCRYPT_KEY_MISMATCH.
 * DENCRYPT_EXISTS, with nothing changed, where there still is a former one. Ended before the files are
 * written, a key may be left in the token that nothing uses.
 */
enum dencrypt_result dencrypt_ca_succeed(const char *folder, const char *organisation, const char *token,
					 const char *pin, time_t now);

/* The one before; DENCRYPT_IO with ENOENT where there is none. Otherwise as dencrypt_ca_load(). What is half
 * removed is removed. */
enum dencrypt_result dencrypt_ca_load_former(const char *folder, struct dencrypt_ca **out);

/* Removes the files of the one before; ended in between, dencrypt_ca_load_former() does. DENCRYPT_IO (errno set). */
enum dencrypt_result dencrypt_ca_drop_former(const char *folder);

/* The CA's certificate; belongs to the CA. */
const struct dencrypt_certificate *dencrypt_ca_certificate(const struct dencrypt_ca *ca);

/*
 * Signs a client certificate (R-CERT-3) for the key of a request in DER. Subject and usage come
 * from the caller, that is from the directory; the request only proves that its maker has the key:
 * see dencrypt_csr_check() for what it must be and the codes. Valid from 5 minutes before `now` for
 * `days` (1 to DENCRYPT_DAYS_MAX) after it, but no longer than the CA itself; DENCRYPT_EXPIRED or
 * DENCRYPT_NOT_YET_VALID if the CA is not valid now. The serial is random, 128 bits.
 */
enum dencrypt_result dencrypt_ca_sign(const struct dencrypt_ca *ca, const void *request,
				      size_t size, const char *login_id, const char *organisation,
				      unsigned int days, time_t now,
				      struct dencrypt_certificate **out);

enum dencrypt_machine {
	DENCRYPT_HOST,	    /* OU=hosts: for client authentication, without a name of a server */
	DENCRYPT_DIRECTORY, /* OU=directory: for both, with the machine's name */
};

/*
 * Signs the certificate of a machine, by the hosts' CA, for a key made here: O=organisation,
 * OU=hosts or directory, CN=name, serialNumber=id. The name is a host name in lower case, at most
 * 64 characters; the id is random, new with each certificate that replaces another, and the
 * directory knows which one counts. `days` and validity as for dencrypt_ca_sign().
 */
enum dencrypt_result dencrypt_ca_sign_machine(const struct dencrypt_ca *ca,
					      const struct dencrypt_key *key,
					      enum dencrypt_machine kind, const char *name,
					      const char *id, const char *organisation,
					      unsigned int days, time_t now,
					      struct dencrypt_certificate **out);

/*
 * Signs a revocation list with the given number, to be renewed within 24 hours (R-CERT-4). The
 * numbers of successive lists must increase; that is the caller's to keep. DENCRYPT_BAD_ARGUMENT
 * for a serial that is no hexadecimal number, an unknown reason or too many entries.
 */
enum dencrypt_result dencrypt_ca_sign_crl(const struct dencrypt_ca *ca,
					  const struct dencrypt_revoked *revoked, size_t count,
					  uint64_t number, time_t now, struct dencrypt_crl **out);

#endif
