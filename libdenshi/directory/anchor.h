/*
 * Where a host's audit records ended when a user update came into force there (R-ALL-3): an entry of its own
 * below the host's, named after the update's serial. The host adds it; after that nobody changes or deletes
 * it, so a host can't make other records of what was before. A head is "NUMBER:DIGEST" of the last record.
 */
#ifndef DENSHI_DIRECTORY_ANCHOR_H
#define DENSHI_DIRECTORY_ANCHOR_H

#include "directory/connection.h"

/* Under the identity of the site's host, for itself. DEN_OK also where that serial has one already. */
enum den_code dendir_anchor_add(struct dendir *host, int64_t serial, const char *head);

/* Those below the entry of a host, in no order. Non-zero from the callback ends it. */
typedef int dendir_each_anchor(void *context, int64_t serial, const char *head);
enum den_code dendir_anchor_each(struct dendir *d, const char *host, dendir_each_anchor *each, void *context);

#endif
