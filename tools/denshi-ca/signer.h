/*
 * What denshi-ca does with the directory: signs the requests of grants that are in
 * force, refuses the others with the reason, and publishes its certificate and
 * revocation list (R-CERT). It reads requests and writes answers over its own
 * identity's connections and listens nowhere (R-CERT-5).
 */
#ifndef DENSHI_CA_SIGNER_H
#define DENSHI_CA_SIGNER_H

#include <signal.h>

#include "config/config.h"
#include "crypto/ca.h"
#include "directory/connection.h"

struct signer {
	const struct den_config *config;
	const struct dencrypt_ca *ca;
	struct dencrypt_ca *former; /* the one before, while certificates of it are in force; or NULL */
	struct dendir_site site;
	volatile sig_atomic_t *stop; /* set by a signal */

	struct dendir *d;    /* for asking and answering; the watch has its own */
	enum den_lang lang;  /* of the organisation: refusals are read by its users */
	int crl_due;	     /* something was revoked since the last list */
	int64_t crl_made;    /* by the clock that its end is told by */
	int64_t followed_ms; /* when it was last looked who the writer is */ /* dendir_now_ms */
	int refreshed, ready; /* all there was is told; and the list is published */
	int told_unreachable;
	int key_failed;	     /* the CA's key doesn't sign: its token is away */
	int lost;	     /* d is of no more use: connect again */
};

/* Connects, publishes, and signs until the directory is lost or *stop is set.
 * 0 where it got as far as "ready"; -1 otherwise, with the reason logged. */
int signer_run(struct signer *s);

#endif
