/* Folders: made with an owner, removed with all that is in them. */
#ifndef DENSHI_SETUP_TREE_H
#define DENSHI_SETUP_TREE_H

#include "tools/denshi-setup/setup.h"

/* A new folder, mode 0700, that belongs to user. -1 with errno. */
int tree_make(const char *path, const struct setup_user *user);

/*
 * Removes name in the folder dir, and what is below; follows no link, so that an
 * owner of a folder below can't point it elsewhere meanwhile. -1 with errno.
 */
int tree_remove(int dir, const char *name);

#endif
