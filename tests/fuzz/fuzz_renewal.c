/*
 * The signer's intake of renewals (R-CERT-4): whatever arrives, only what the key before has signed is
 * opened. Nobody who fuzzes has that key, so nothing may be.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "crypto/ca.h"
#include "crypto/renewal.h"
#include "tests/fuzz/openssl.h"

#define NOW ((time_t)1900000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dencrypt_ca *ca;
	struct dencrypt_bytes request = DENCRYPT_BYTES_EMPTY;

	if (!ca && dencrypt_ca_make("acme", DENCRYPT_EC_P256, NOW, &ca) != DENCRYPT_OK)
		abort();
	if (dencrypt_renewal_open(data, size, dencrypt_ca_certificate(ca), &request) == DENCRYPT_OK)
		abort();
	return 0;
}
