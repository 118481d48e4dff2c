/*
 * The replica: watches ou=published (RFC 4533) and writes the snapshot whenever
 * another serial comes into force. Where it stands is kept in the snapshot, so that a
 * restart asks for changes only.
 */
#ifndef DENSHI_DENSHID_REPLICA_H
#define DENSHI_DENSHID_REPLICA_H

#include "config/config.h"
#include "denshid/view.h"
#include "directory/connection.h"

struct replica;

/* Starts the replica's thread; everything given outlives the process. NULL on failure. */
struct replica *replica_start(const struct den_config *config, const struct dendir_site *site, struct view *view);

/* Takes over enumerate, uid_floor, gid_floor and max_drop, within a second, and writes
 * the snapshot anew where they differ. By any thread. */
void replica_reload(struct replica *r, const struct den_config *config);

#endif
