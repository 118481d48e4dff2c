#include <openssl/pem.h>

#include "crypto/certificate.h"
#include "crypto/internal.h"

enum dencrypt_result dencrypt_crl_wrap(X509_CRL *x509_crl, struct dencrypt_crl **out)
{
	struct dencrypt_crl *crl = OPENSSL_zalloc(sizeof(*crl));

	if (!crl) {
		X509_CRL_free(x509_crl);
		return dencrypt_failure(DENCRYPT_NO_MEMORY);
	}
	crl->crl = x509_crl;
	*out = crl;
	return DENCRYPT_OK;
}

enum dencrypt_result dencrypt_crl_parse(const void *der, size_t size, struct dencrypt_crl **out)
{
	const unsigned char *at = der;
	X509_CRL *crl;

	if (size > DENCRYPT_CRL_MAX)
		return DENCRYPT_TOO_BIG;
	crl = d2i_X509_CRL(NULL, &at, (long)size);
	if (!crl || at != (const unsigned char *)der + size) {
		X509_CRL_free(crl);
		return dencrypt_failure(DENCRYPT_MALFORMED);
	}
	return dencrypt_crl_wrap(crl, out);
}

enum dencrypt_result dencrypt_crl_parse_pem(const void *pem, size_t size,
					    struct dencrypt_crl **out)
{
	X509_CRL *crl = NULL;
	BIO *bio;

	if (size > DENCRYPT_CRL_MAX)
		return DENCRYPT_TOO_BIG;
	bio = BIO_new_mem_buf(pem, (int)size);
	if (bio)
		crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, (void *)"");
	BIO_free(bio);
	if (!crl)
		return dencrypt_failure(DENCRYPT_MALFORMED);
	return dencrypt_crl_wrap(crl, out);
}

enum dencrypt_result dencrypt_crl_check(const struct dencrypt_crl *crl,
					const struct dencrypt_certificate *ca)
{
	EVP_PKEY *key = X509_get0_pubkey(ca->x509);

	if (key &&
	    X509_NAME_cmp(X509_CRL_get_issuer(crl->crl), X509_get_subject_name(ca->x509)) == 0 &&
	    X509_CRL_verify(crl->crl, key) == 1)
		return DENCRYPT_OK;
	return dencrypt_failure(DENCRYPT_CRL_UNTRUSTED);
}

void dencrypt_crl_free(struct dencrypt_crl *crl)
{
	if (!crl)
		return;
	X509_CRL_free(crl->crl);
	OPENSSL_free(crl);
}

enum dencrypt_result dencrypt_crl_der(const struct dencrypt_crl *crl, struct dencrypt_bytes *out)
{
	unsigned char *der = NULL;
	int size = i2d_X509_CRL(crl->crl, &der);

	return dencrypt_bytes_take(out, der, size);
}

enum dencrypt_result dencrypt_crl_pem(const struct dencrypt_crl *crl, struct dencrypt_bytes *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool written = bio && PEM_write_bio_X509_CRL(bio, crl->crl) == 1;

	return dencrypt_bytes_from_bio(out, bio, written, false);
}

enum dencrypt_result dencrypt_crl_number(const struct dencrypt_crl *crl, uint64_t *number)
{
	ASN1_INTEGER *asn1 = X509_CRL_get_ext_d2i(crl->crl, NID_crl_number, NULL, NULL);
	enum dencrypt_result result = DENCRYPT_MALFORMED;

	if (asn1 && ASN1_INTEGER_get_uint64(number, asn1) == 1)
		result = DENCRYPT_OK;
	ASN1_INTEGER_free(asn1);
	return result == DENCRYPT_OK ? result : dencrypt_failure(result);
}
