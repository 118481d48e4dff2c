/*
 * The certificates of the organisation's CAs (the one before too, while certificates of it are in force) and
 * their revocation lists as files on every host, beside the snapshot, for
 * programs that check certificates themselves: nginx, curl, openssl (R-CERT-4). Each file is
 * replaced whole, and only by something else than it has.
 * Thread rule: one thread, the replica's, on whose connection it looks: a watch of its own would hear
 * of every change in the directory, two of them a login, on each host.
 */
#ifndef DENSHID_TRUST_H
#define DENSHID_TRUST_H

#include "config/config.h"
#include "directory/connection.h"

struct trust;

/* ca.pem and crl.pem in the folder of the snapshot. NULL without memory. */
struct trust *trust_new(const struct den_config *config);

/* Brings both up to date, where the last look is two seconds ago. What fails is tried at the next one. */
void trust_look(struct trust *t, struct dendir *d);

#endif
