/*
 * A certificate's key as OpenSSH writes it. sshd asks denshi which keys may log a user in and tells
 * the PAM module which key did (SSH_AUTH_INFO_0); both must name the certificate's (R-LOGIN-1).
 */
#ifndef DENSHI_CRYPTO_SSHKEY_H
#define DENSHI_CRYPTO_SSHKEY_H

#include <stddef.h>

#include "crypto/certificate.h"
#include "crypto/result.h"

#define DENCRYPT_SSH_BLOB_MAX 1200   /* bytes; RSA 8192 has 1045 */
#define DENCRYPT_SSH_COMMENT_MAX 256 /* bytes */
#define DENCRYPT_SSH_LINE_SIZE 2048  /* with NUL: room for the largest line with its comment */

/*
 * The public key in SSH's wire format (RFC 4253 6.6 for RSA, RFC 5656 3.1 for EC), its length in
 * *size. DENCRYPT_KEY_REFUSED if the key is of no kind that denshi uses.
 */
enum dencrypt_result dencrypt_ssh_blob(const struct dencrypt_certificate *certificate,
				       unsigned char out[DENCRYPT_SSH_BLOB_MAX], size_t *size);

/*
 * The line of an authorized_keys file for a key in wire format: "ALGORITHM BASE64 COMMENT", without
 * a newline. `comment` may be NULL; a control character in it is DENCRYPT_BAD_ARGUMENT, for it
 * could start a second line. DENCRYPT_MALFORMED or DENCRYPT_KEY_REFUSED for the blob.
 */
enum dencrypt_result dencrypt_ssh_blob_line(const unsigned char *blob, size_t size,
					    const char *comment,
					    char out[DENCRYPT_SSH_LINE_SIZE]);

/* The same for a certificate's key. */
enum dencrypt_result dencrypt_ssh_line(const struct dencrypt_certificate *certificate,
				       const char *comment, char out[DENCRYPT_SSH_LINE_SIZE]);

/*
 * Did the login use this certificate's key? `auth_info` is SSH_AUTH_INFO_0 as sshd sets it: a line
 * per method that succeeded, "publickey ALGORITHM BASE64" for a key. DENCRYPT_OK if one of them is
 * this key, DENCRYPT_KEY_MISMATCH if only others are, DENCRYPT_NO_PUBLIC_KEY if there is none.
 */
enum dencrypt_result dencrypt_ssh_used(const char *auth_info,
				       const struct dencrypt_certificate *certificate);

#endif
