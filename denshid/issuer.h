/* Which of the organisation's CAs has signed a certificate: the one in use, or the one before. */
#ifndef DENSHID_ISSUER_H
#define DENSHID_ISSUER_H

#include <time.h>

#include "crypto/certificate.h"
#include "directory/certificate.h"

/* dencrypt_verify_client() with each of them, in *result. DEN_OK, or why they can't be read. */
enum den_code issuer_verify(struct dendir *d, const struct dencrypt_certificate *certificate, const char *login, time_t when,
	enum dencrypt_result *result);

/* The certificate of the one that has signed it (DER); freed by dencrypt_certificate_free(). DEN_CERT_WRONG_CA. */
enum den_code issuer_find(struct dendir *d, const void *der, size_t len, struct dencrypt_certificate **ca);

#endif
