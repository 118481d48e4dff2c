/* Folders: made with an owner, removed with all that is in them. */
#ifndef DENSHI_SERVER_TREE_H
#define DENSHI_SERVER_TREE_H

#include <limits.h>

#include "tools/server/child.h"

/* folder/name; buf of PATH_MAX. -1 with errno where it is too long. */
int tree_path(char *buf, const char *folder, const char *name);

/* A new folder, mode 0700, that belongs to user. -1 with errno. */
int tree_make(const char *path, const struct unix_user *user);

/* below is a path within base, up to a newline: each folder on the way is made where
 * it isn't there. -1 with errno. */
int tree_make_way(const char *base, const char *below, const struct unix_user *user);

/*
 * Removes name in the folder dir, and what is below; follows no link, so that an
 * owner of a folder below can't point it elsewhere meanwhile. -1 with errno.
 */
int tree_remove(int dir, const char *name);

#endif
