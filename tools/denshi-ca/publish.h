/* The certificates and revocation lists of the organisation's CAs in cn=ca,ou=certificates. */
#ifndef DENSHI_CA_PUBLISH_H
#define DENSHI_CA_PUBLISH_H

#include "tools/denshi-ca/signer.h"

/*
 * Puts the CA's certificate there, and that of the one before, where they aren't. -1 (logged) where
 * another CA's is there: certificates of two CAs in one organisation would refuse each other's users.
 */
int publish_certificates(struct signer *s);

/* New lists of all that is revoked (R-CERT-4), one by each CA. The one before is given up with the last
 * certificate that it has signed. -1 (logged). */
int publish_crl(struct signer *s);

#endif
