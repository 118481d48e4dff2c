/* The CA's certificate and revocation list in cn=ca,ou=certificates. */
#ifndef DENSHI_CA_PUBLISH_H
#define DENSHI_CA_PUBLISH_H

#include "tools/denshi-ca/signer.h"

/*
 * Puts the certificate there where there is none. -1 (logged) where another CA's
 * is there: certificates of two CAs in one organisation would refuse each other's users.
 */
int publish_certificate(struct signer *s);

/* A new list of all that is revoked (R-CERT-4). -1 (logged). */
int publish_crl(struct signer *s);

#endif
