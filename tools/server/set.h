/*
 * Sets: what a directory's machine has in use, and how it is replaced as one.
 *
 *	STATE/set-XXXXXX/{directory,ca,...}
 *	STATE/directory, STATE/ca, ... -> the folders of the set in use
 *
 * All is built in a set of its own, which a link puts in use; whatever ends a
 * program before leaves a set that nothing refers to, for the next one to sweep.
 * Functions return 0, or -1 with errno.
 */
#ifndef DENSHI_SERVER_SET_H
#define DENSHI_SERVER_SET_H

#include <limits.h>

#define SET_STATE "/var/lib/denshi-server"

/* STATE made where it isn't, and held against other programs until this one ends.
 * 1: it isn't root's alone, whose owner could put a directory of their own in place. */
int set_lock(const char *state);

/* A new, empty set; its path. */
int set_make(const char *state, char path[PATH_MAX]);
/* 1 where STATE/link is there. */
int set_in_use(const char *state, const char *link);
/* Puts the set's folders in use, by links of their names, in order, each by one step;
 * names end with NULL. What is in them is on the disk before. */
int set_commit(const char *state, const char *path, const char *const *names);
/* Takes a link away. */
int set_unlink(const char *state, const char *link);
/* Removes a set, or a folder of it, whatever is in it. */
int set_discard(const char *state, const char *path);
/* Removes all sets that no link refers to. */
int set_sweep(const char *state);

#endif
