/* Whether a backup and the databases of a set hold the same. */
#ifndef DENSHI_DIRECTORY_COMPARE_H
#define DENSHI_DIRECTORY_COMPARE_H

#include "tools/denshi-directory/archive.h"
#include "tools/denshi-directory/run.h"

/* Opens a backup that this program may read: -1 (said). */
int compare_open(struct archive **a, struct archive_head *head, const struct run *r, const char *path);
/* Each difference is said; 0 where there is none. *entries: how many there are. */
int compare_with(const struct run *r, struct archive *a, const char *path, const char *set, size_t *entries);

#endif
