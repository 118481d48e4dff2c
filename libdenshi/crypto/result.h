/*
 * Results of the crypto room.
 *
 * Every public dencrypt_ function that can fail returns one of these: 0 or a negative code from
 * the range below, which no other room uses. Each reason for which a certificate is refused has its
 * own code, so that a person is told what is wrong (R-ALL-6). The texts are for logs, in English;
 * what people read is chosen and translated by the programs.
 */
#ifndef DENSHI_CRYPTO_RESULT_H
#define DENSHI_CRYPTO_RESULT_H

#define DENCRYPT_RESULTS(X) \
	X(MALFORMED,       "malformed data") \
	X(TOO_BIG,         "larger than allowed") \
	X(WRONG_CA,        "certificate does not chain to the organisation's CA") \
	X(NOT_YET_VALID,   "certificate is not yet valid") \
	X(EXPIRED,         "certificate has expired") \
	X(REVOKED,         "certificate is revoked") \
	X(WRONG_SUBJECT,   "certificate does not show the login ID") \
	X(WRONG_ORGANISATION, "certificate does not show the organisation") \
	X(NOT_CLIENT,      "certificate is not for client authentication") \
	X(KEY_MISMATCH,    "key does not belong to the certificate") \
	X(NOT_ON_RECORD,   "certificate is not the one on record") \
	X(NOT_DUE,         "certificate is not to be renewed yet") \
	X(BAD_SIGNATURE,   "signature is wrong") \
	X(CRL_UNTRUSTED,   "revocation list is not the CA's or unusable") \
	X(CRL_EXPIRED,     "revocation list is out of date") \
	X(KEY_REFUSED,     "key type or size is not allowed") \
	X(NO_PUBLIC_KEY,   "no public key was used") \
	X(WRONG_PIN,       "wrong PIN") \
	X(NO_ENGINE,       "OpenSSL's engine for PKCS#11 (libengine-pkcs11-openssl) is not installed") \
	X(NO_TOKEN,        "there is no such PKCS#11 token") \
	X(SEVERAL_TOKENS,  "more than one PKCS#11 token has this name") \
	X(TOKEN_REFUSED,   "the PKCS#11 token refused it") \
	X(BAD_ARGUMENT,    "argument out of range") \
	X(EXISTS,          "file exists already") \
	X(UNSAFE_FILE,     "file kind, owner or mode is unsafe") \
	X(IO,              "input or output failed") \
	X(NO_MEMORY,       "out of memory") \
	X(INTERNAL,        "internal error of the crypto library")

enum dencrypt_result {
	DENCRYPT_OK = 0,
	DENCRYPT_FLOOR = -3000,
#define DENCRYPT_RESULT_CODE(name, text) DENCRYPT_##name,
	DENCRYPT_RESULTS(DENCRYPT_RESULT_CODE)
#undef DENCRYPT_RESULT_CODE
};

/*
 * English text of a result, static, never NULL; a fixed text for a number that is no result.
 * After DENCRYPT_IO, errno still holds the reason.
 */
const char *dencrypt_text(enum dencrypt_result result);

#endif
