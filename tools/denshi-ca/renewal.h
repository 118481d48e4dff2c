/* Renewals (R-CERT-4): requests that the key of the certificate on record has signed. */
#ifndef DENSHI_CA_RENEWAL_H
#define DENSHI_CA_RENEWAL_H

#include "directory/certificate.h"
#include "tools/denshi-ca/signer.h"

/*
 * The signing request within g's, where its owner's newest certificate is this CA's, good, not
 * revoked and near its end, and its key has signed; else *why. DEN_DIRECTORY_DOWN, ..._REFUSED:
 * not to be answered now.
 */
enum den_code renewal_open(struct signer *s, const struct dendir_grant *g, time_t now, struct dencrypt_bytes *request,
	enum dencrypt_result *why);

#endif
