/*
 * The replica: watches ou=published (RFC 4533) and writes the snapshot whenever
 * another serial comes into force.
 */
#ifndef DENSHI_DENSHID_REPLICA_H
#define DENSHI_DENSHID_REPLICA_H

#include "config/config.h"
#include "denshid/view.h"
#include "directory/connection.h"

/* Starts the replica's thread; everything given outlives the process. 0 or -1. */
int replica_start(const struct den_config *config, const struct dendir_site *site, struct view *view);

#endif
