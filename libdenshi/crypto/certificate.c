#include "crypto/certificate.h"

#include <limits.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "crypto/digest.h"
#include "crypto/internal.h"

/* At least 112 bits of strength: no SHA-1 signature, no RSA below 2048 (OpenSSL's level 2). */
#define STRENGTH_LEVEL 2

static enum dencrypt_result read_name(const X509_NAME *name, int nid, char **out)
{
	int at = X509_NAME_get_index_by_NID(name, nid, -1);
	unsigned char *text = NULL;
	int size;

	/* A second CN could let two readers of one certificate see two people. */
	if (at < 0 || X509_NAME_get_index_by_NID(name, nid, at) >= 0)
		return DENCRYPT_OK;
	size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	if (size < 0)
		return dencrypt_failure(DENCRYPT_MALFORMED);
	if (size > 0 && !memchr(text, '\0', (size_t)size)) {
		*out = OPENSSL_strndup((const char *)text, (size_t)size);
		if (!*out) {
			OPENSSL_free(text);
			return dencrypt_failure(DENCRYPT_NO_MEMORY);
		}
	}
	OPENSSL_free(text);
	return DENCRYPT_OK;
}

static enum dencrypt_result read_time(const ASN1_TIME *asn1, time_t *out)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(asn1, &tm) != 1)
		return dencrypt_failure(DENCRYPT_MALFORMED);
	*out = timegm(&tm);
	return DENCRYPT_OK;
}

static enum dencrypt_result read_serial(const ASN1_INTEGER *asn1, char *out)
{
	unsigned char octets[DENCRYPT_SERIAL_OCTETS];
	BIGNUM *number = ASN1_INTEGER_to_BN(asn1, NULL);
	enum dencrypt_result result = DENCRYPT_MALFORMED;

	if (number && !BN_is_negative(number) && !BN_is_zero(number) &&
	    BN_num_bytes(number) <= DENCRYPT_SERIAL_OCTETS) {
		dencrypt_hex(octets, (size_t)BN_bn2bin(number, octets), out);
		result = DENCRYPT_OK;
	}
	BN_free(number);
	return result == DENCRYPT_OK ? result : dencrypt_failure(result);
}

static enum dencrypt_result read_fingerprint(const X509 *x509, char *out)
{
	unsigned char digest[DENCRYPT_DIGEST_SIZE];

	if (X509_digest(x509, EVP_sha256(), digest, NULL) != 1)
		return dencrypt_failure(DENCRYPT_INTERNAL);
	dencrypt_hex(digest, sizeof(digest), out);
	return DENCRYPT_OK;
}

enum dencrypt_result dencrypt_certificate_wrap(X509 *x509, struct dencrypt_certificate **out)
{
	struct dencrypt_certificate *certificate = OPENSSL_zalloc(sizeof(*certificate));
	const X509_NAME *subject = X509_get_subject_name(x509);
	enum dencrypt_result result;

	if (!certificate) {
		X509_free(x509);
		return dencrypt_failure(DENCRYPT_NO_MEMORY);
	}
	certificate->x509 = x509;
	result = read_name(subject, NID_commonName, &certificate->common_name);
	if (result == DENCRYPT_OK)
		result = read_name(subject, NID_organizationName, &certificate->organisation);
	if (result == DENCRYPT_OK)
		result = read_name(subject, NID_serialNumber, &certificate->machine_id);
	if (result == DENCRYPT_OK)
		result = read_time(X509_get0_notBefore(x509), &certificate->not_before);
	if (result == DENCRYPT_OK)
		result = read_time(X509_get0_notAfter(x509), &certificate->not_after);
	if (result == DENCRYPT_OK)
		result = read_serial(X509_get0_serialNumber(x509), certificate->serial);
	if (result == DENCRYPT_OK)
		result = read_fingerprint(x509, certificate->fingerprint);
	if (result == DENCRYPT_OK)
		*out = certificate;
	else
		dencrypt_certificate_free(certificate);
	return result;
}

enum dencrypt_result dencrypt_certificate_parse(const void *der, size_t size,
						struct dencrypt_certificate **out)
{
	const unsigned char *at = der;
	X509 *x509;

	if (size > DENCRYPT_CERTIFICATE_MAX)
		return DENCRYPT_TOO_BIG;
	x509 = d2i_X509(NULL, &at, (long)size);
	if (!x509 || at != (const unsigned char *)der + size) {
		X509_free(x509);
		return dencrypt_failure(DENCRYPT_MALFORMED);
	}
	return dencrypt_certificate_wrap(x509, out);
}

enum dencrypt_result dencrypt_certificate_parse_pem(const void *pem, size_t size,
						    struct dencrypt_certificate **out)
{
	X509 *x509 = NULL;
	BIO *bio;

	if (size > DENCRYPT_CERTIFICATE_MAX)
		return DENCRYPT_TOO_BIG;
	bio = BIO_new_mem_buf(pem, (int)size);
	/* An encrypted PEM block would ask for its passphrase; "" is what it gets. */
	if (bio)
		x509 = PEM_read_bio_X509(bio, NULL, NULL, (void *)"");
	BIO_free(bio);
	if (!x509)
		return dencrypt_failure(DENCRYPT_MALFORMED);
	return dencrypt_certificate_wrap(x509, out);
}

void dencrypt_certificate_free(struct dencrypt_certificate *certificate)
{
	if (!certificate)
		return;
	X509_free(certificate->x509);
	OPENSSL_free(certificate->common_name);
	OPENSSL_free(certificate->machine_id);
	OPENSSL_free(certificate->organisation);
	OPENSSL_free(certificate);
}

enum dencrypt_result dencrypt_certificate_der(const struct dencrypt_certificate *certificate,
					      struct dencrypt_bytes *out)
{
	unsigned char *der = NULL;
	int size = i2d_X509(certificate->x509, &der);

	return dencrypt_bytes_take(out, der, size);
}

enum dencrypt_result dencrypt_certificate_pem(const struct dencrypt_certificate *certificate,
					      struct dencrypt_bytes *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool written = bio && PEM_write_bio_X509(bio, certificate->x509) == 1;

	return dencrypt_bytes_from_bio(out, bio, written, false);
}

const char *dencrypt_certificate_serial(const struct dencrypt_certificate *certificate)
{
	return certificate->serial;
}

const char *dencrypt_certificate_fingerprint(const struct dencrypt_certificate *certificate)
{
	return certificate->fingerprint;
}

const char *dencrypt_certificate_machine_id(const struct dencrypt_certificate *certificate)
{
	return certificate->machine_id;
}

bool dencrypt_certificate_is_server(const struct dencrypt_certificate *certificate)
{
	return (X509_get_extended_key_usage(certificate->x509) & XKU_SSL_SERVER) != 0;
}

const char *dencrypt_certificate_common_name(const struct dencrypt_certificate *certificate)
{
	return certificate->common_name;
}

const char *dencrypt_certificate_organisation(const struct dencrypt_certificate *certificate)
{
	return certificate->organisation;
}

time_t dencrypt_certificate_not_before(const struct dencrypt_certificate *certificate)
{
	return certificate->not_before;
}

time_t dencrypt_certificate_not_after(const struct dencrypt_certificate *certificate)
{
	return certificate->not_after;
}

static enum dencrypt_result chain_reason(int error)
{
	static const struct {
		int error;
		enum dencrypt_result result;
	} reasons[] = {
		{ X509_V_ERR_CERT_NOT_YET_VALID, DENCRYPT_NOT_YET_VALID },
		{ X509_V_ERR_CERT_HAS_EXPIRED, DENCRYPT_EXPIRED },
		{ X509_V_ERR_CERT_REVOKED, DENCRYPT_REVOKED },
		{ X509_V_ERR_CERT_SIGNATURE_FAILURE, DENCRYPT_BAD_SIGNATURE },
		{ X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE, DENCRYPT_BAD_SIGNATURE },
		{ X509_V_ERR_UNSUPPORTED_SIGNATURE_ALGORITHM, DENCRYPT_BAD_SIGNATURE },
		{ X509_V_ERR_SIGNATURE_ALGORITHM_MISMATCH, DENCRYPT_BAD_SIGNATURE },
		{ X509_V_ERR_INVALID_PURPOSE, DENCRYPT_NOT_CLIENT },
		{ X509_V_ERR_CERT_REJECTED, DENCRYPT_NOT_CLIENT },
		{ X509_V_ERR_EE_KEY_TOO_SMALL, DENCRYPT_KEY_REFUSED },
		{ X509_V_ERR_CA_KEY_TOO_SMALL, DENCRYPT_KEY_REFUSED },
		{ X509_V_ERR_CA_MD_TOO_WEAK, DENCRYPT_BAD_SIGNATURE },
		{ X509_V_ERR_UNABLE_TO_GET_CRL, DENCRYPT_CRL_UNTRUSTED },
		{ X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, DENCRYPT_CRL_UNTRUSTED },
		{ X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE, DENCRYPT_CRL_UNTRUSTED },
		{ X509_V_ERR_CRL_SIGNATURE_FAILURE, DENCRYPT_CRL_UNTRUSTED },
		{ X509_V_ERR_CRL_NOT_YET_VALID, DENCRYPT_CRL_UNTRUSTED },
		{ X509_V_ERR_CRL_HAS_EXPIRED, DENCRYPT_CRL_EXPIRED },
		{ X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD, DENCRYPT_CRL_UNTRUSTED },
		{ X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD, DENCRYPT_CRL_UNTRUSTED },
		{ X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, DENCRYPT_CRL_UNTRUSTED },
		{ X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION, DENCRYPT_CRL_UNTRUSTED },
		{ X509_V_ERR_DIFFERENT_CRL_SCOPE, DENCRYPT_CRL_UNTRUSTED },
		{ X509_V_ERR_CRL_PATH_VALIDATION_ERROR, DENCRYPT_CRL_UNTRUSTED },
		{ X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, DENCRYPT_MALFORMED },
		{ X509_V_ERR_INVALID_EXTENSION, DENCRYPT_MALFORMED },
		{ X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD, DENCRYPT_MALFORMED },
		{ X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD, DENCRYPT_MALFORMED },
		{ X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY, DENCRYPT_MALFORMED },
		{ X509_V_ERR_OUT_OF_MEM, DENCRYPT_NO_MEMORY },
		{ X509_V_ERR_UNSPECIFIED, DENCRYPT_INTERNAL },
		{ X509_V_ERR_INVALID_CALL, DENCRYPT_INTERNAL },
		{ X509_V_OK, DENCRYPT_INTERNAL }, /* refused without a reason is refused */
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].error == error)
			return reasons[i].result;
	return DENCRYPT_WRONG_CA;
}

static enum dencrypt_result verify_chain(const struct dencrypt_certificate *certificate,
					 const struct dencrypt_certificate *ca,
					 const struct dencrypt_crl *crl, time_t now)
{
	enum dencrypt_result result = DENCRYPT_INTERNAL;
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	X509_STORE *store = X509_STORE_new();
	X509_VERIFY_PARAM *param;

	if (!context || !store || X509_STORE_add_cert(store, ca->x509) != 1 ||
	    (crl && X509_STORE_add_crl(store, crl->crl) != 1) ||
	    X509_STORE_CTX_init(context, store, certificate->x509, NULL) != 1)
		goto out;
	param = X509_STORE_CTX_get0_param(context);
	X509_VERIFY_PARAM_set_time(param, now);
	X509_VERIFY_PARAM_set_depth(param, 0);
	X509_VERIFY_PARAM_set_auth_level(param, STRENGTH_LEVEL);
	if (X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_CLIENT) != 1 ||
	    (crl && X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_CRL_CHECK) != 1))
		goto out;
	if (X509_verify_cert(context) == 1)
		result = DENCRYPT_OK;
	else
		result = chain_reason(X509_STORE_CTX_get_error(context));
out:
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	return result == DENCRYPT_OK ? result : dencrypt_failure(result);
}

/* OpenSSL's purpose check lets absent usages pass; here they must be there. */
static enum dencrypt_result verify_usage(X509 *x509)
{
	uint32_t present = X509_get_extension_flags(x509);

	if (!(present & EXFLAG_XKUSAGE) || !(X509_get_extended_key_usage(x509) & XKU_SSL_CLIENT) ||
	    !(present & EXFLAG_KUSAGE) || !(X509_get_key_usage(x509) & KU_DIGITAL_SIGNATURE) ||
	    X509_check_ca(x509) != 0)
		return DENCRYPT_NOT_CLIENT;
	return DENCRYPT_OK;
}

enum dencrypt_result dencrypt_verify_client(const struct dencrypt_certificate *certificate,
					    const struct dencrypt_certificate *ca,
					    const struct dencrypt_crl *crl, const char *login_id,
					    const char *organisation, time_t now)
{
	enum dencrypt_result result = verify_chain(certificate, ca, crl, now);

	if (result == DENCRYPT_OK)
		result = verify_usage(certificate->x509);
	if (result != DENCRYPT_OK)
		return result;
	if (!certificate->common_name ||
	    OPENSSL_strcasecmp(certificate->common_name, login_id) != 0)
		return DENCRYPT_WRONG_SUBJECT;
	if (!certificate->organisation || strcmp(certificate->organisation, organisation) != 0)
		return DENCRYPT_WRONG_ORGANISATION;
	return DENCRYPT_OK;
}

bool dencrypt_certificate_is_by(const struct dencrypt_certificate *certificate, const struct dencrypt_certificate *ca)
{
	EVP_PKEY *key = X509_get0_pubkey(ca->x509);
	bool is = key && X509_check_issued(ca->x509, certificate->x509) == X509_V_OK && X509_verify(certificate->x509, key) == 1;

	(void)dencrypt_failure(DENCRYPT_OK);
	return is;
}

enum dencrypt_result dencrypt_same_certificate(const struct dencrypt_certificate *shown,
					       const struct dencrypt_certificate *on_record)
{
	return X509_cmp(shown->x509, on_record->x509) == 0 ? DENCRYPT_OK : DENCRYPT_NOT_ON_RECORD;
}
