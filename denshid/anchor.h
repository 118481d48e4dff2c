/*
 * Puts the head of this host's chain of audit records (chain.h) into the directory each time a user update comes
 * into force here (R-ALL-3), where nobody can change it any more. A thread of its own: neither the replica nor a login
 * waits for it, and where the directory doesn't take it the log tells.
 */
#ifndef DENSHI_DENSHID_ANCHOR_H
#define DENSHI_DENSHID_ANCHOR_H

#include "directory/connection.h"

/* -1 where there is no thread for it. */
int anchor_start(const struct dendir_site *site);

/* The serial is in force here. Any thread; returns at once. */
void anchor_serial(int64_t serial);

#endif
