/*
 * The signer's intake of requests (R-CERT-2): whatever arrives is refused with a reason, or signed
 * as a certificate that shows what the caller said and verifies.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "crypto/ca.h"
#include "tests/fuzz/openssl.h"

#define NOW ((time_t)1900000000)
#define LOGIN "d-taro01"
#define ORG "acme"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dencrypt_ca *ca;
	struct dencrypt_certificate *certificate = NULL;
	enum dencrypt_result result;

	if (!ca && dencrypt_ca_make(ORG, DENCRYPT_EC_P256, NOW, &ca) != DENCRYPT_OK)
		abort();
	result = dencrypt_ca_sign(ca, data, size, LOGIN, ORG, 365, NOW, &certificate);
	if (result == DENCRYPT_INTERNAL || (result == DENCRYPT_OK) != (certificate != NULL))
		abort();
	if (certificate && dencrypt_verify_client(certificate, dencrypt_ca_certificate(ca), NULL,
						  LOGIN, ORG, NOW) != DENCRYPT_OK)
		abort();
	dencrypt_certificate_free(certificate);
	return 0;
}
