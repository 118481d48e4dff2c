#include "crypto/renewal.h"

#include <openssl/cms.h>

#include "crypto/internal.h"

#define DAY_S 86400
/* The signer's certificate isn't in it: the directory has it. */
#define SIGN_FLAGS (CMS_BINARY | CMS_NOCERTS | CMS_NOSMIMECAP)
/* Nor is one believed that came along: which one it must be is known. */
#define VERIFY_FLAGS (CMS_BINARY | CMS_NOINTERN | CMS_NO_SIGNER_CERT_VERIFY)

enum dencrypt_result dencrypt_renewal_make(const struct dencrypt_key *old_key,
					   const struct dencrypt_certificate *old, const void *request,
					   size_t size, struct dencrypt_bytes *out)
{
	enum dencrypt_result result = DENCRYPT_INTERNAL;
	BIO *content = size <= DENCRYPT_CSR_MAX ? BIO_new_mem_buf(request, (int)size) : NULL;
	CMS_ContentInfo *cms = NULL;
	unsigned char *der = NULL;

	if (content)
		cms = CMS_sign(old->x509, old_key->pkey, NULL, content, SIGN_FLAGS);
	if (cms) {
		int length = i2d_CMS_ContentInfo(cms, &der);

		result = dencrypt_bytes_take(out, der, length);
	}
	CMS_ContentInfo_free(cms);
	BIO_free(content);
	return result == DENCRYPT_OK ? result : dencrypt_failure(result);
}

/* Signed by `old`, and by nobody else besides. */
static enum dencrypt_result verify(CMS_ContentInfo *cms, X509 *old, BIO *content)
{
	STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(cms);
	STACK_OF(X509) *known = sk_X509_new_null();
	enum dencrypt_result result = DENCRYPT_BAD_SIGNATURE;

	if (signers && sk_CMS_SignerInfo_num(signers) == 1 && known && sk_X509_push(known, old) > 0 &&
	    CMS_verify(cms, known, NULL, NULL, content, VERIFY_FLAGS) == 1)
		result = DENCRYPT_OK;
	sk_X509_free(known);
	return result;
}

enum dencrypt_result dencrypt_renewal_open(const void *der, size_t size,
					   const struct dencrypt_certificate *old,
					   struct dencrypt_bytes *request)
{
	const unsigned char *at = der;
	enum dencrypt_result result = DENCRYPT_MALFORMED;
	struct dencrypt_bytes inner = DENCRYPT_BYTES_EMPTY;
	CMS_ContentInfo *cms;
	BIO *content;

	if (size > DENCRYPT_CSR_MAX)
		return DENCRYPT_TOO_BIG;
	content = BIO_new(BIO_s_mem());
	cms = d2i_CMS_ContentInfo(NULL, &at, (long)size);
	if (content && cms && at == (const unsigned char *)der + size &&
	    OBJ_obj2nid(CMS_get0_type(cms)) == NID_pkcs7_signed)
		result = verify(cms, old->x509, content);
	CMS_ContentInfo_free(cms);
	if (result == DENCRYPT_OK)
		result = dencrypt_bytes_from_bio(&inner, content, true, false);
	else
		BIO_free(content);
	if (result == DENCRYPT_OK)
		result = dencrypt_csr_check(inner.data, inner.size);
	if (result == DENCRYPT_OK)
		*request = inner;
	else
		dencrypt_bytes_done(&inner);
	return result == DENCRYPT_OK ? result : dencrypt_failure(result);
}

enum dencrypt_result dencrypt_renewal_due(const struct dencrypt_certificate *old, time_t now)
{
	if (now >= old->not_after)
		return DENCRYPT_EXPIRED;
	return now >= old->not_after - (time_t)DENCRYPT_RENEWAL_DAYS * DAY_S ? DENCRYPT_OK : DENCRYPT_NOT_DUE;
}
