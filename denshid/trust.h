/*
 * The certificates of the organisation's CAs (the one before too, while certificates of it are in force) and
 * their revocation lists as files on every host, beside the snapshot, for
 * programs that check certificates themselves: nginx, curl, openssl (R-CERT-4). A thread follows
 * the directory; each file is replaced whole, and only by something else than it has.
 */
#ifndef DENSHID_TRUST_H
#define DENSHID_TRUST_H

#include "config/config.h"
#include "directory/connection.h"

/* ca.pem and crl.pem in the folder of the snapshot. -1 where there is no thread or memory for it. */
int trust_start(const struct den_config *config, const struct dendir_site *site);

#endif
