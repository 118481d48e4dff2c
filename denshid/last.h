/*
 * What users are told at login of the time before: their last login on this host, and the
 * attempts that failed since (R-LOCK-6). The directory's records of these are gone with the right
 * password; so they wait here, in files beside the snapshot that denshid alone reads, for the
 * next session. Losing one costs a message.
 */
#ifndef DENSHI_DENSHID_LAST_H
#define DENSHI_DENSHID_LAST_H

#include "denshid/call.h"

/* Makes the folder; warns where it can't. */
void last_folder(struct denshid *shared);

/* Failures that a right password has just cleared. */
void last_keep_failures(const struct denshid *shared, const char *login, const struct dendir_failures *f);

/* A session begins: adds what is to be told to the reply, and begins anew. `still` are failures
 * that the directory has on record. Returns the time of the last login; 0: none is known. */
int64_t last_tell(struct call *c, const char *login, const struct dendir_failures *still);

#endif
