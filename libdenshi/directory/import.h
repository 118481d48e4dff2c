/*
 * Many new users at a time (R-ALL-8): compared with those that are there by a few
 * searches, added without waiting for each. A user is one Add, password and
 * authorities and all: whatever ends it in the middle, there is no half user, and the
 * same users can be given again.
 */
#ifndef DENSHI_DIRECTORY_IMPORT_H
#define DENSHI_DIRECTORY_IMPORT_H

#include "directory/user.h"

enum dendir_import_state {
	DENDIR_IMPORT_NEW,     /* nobody has or had this login ID */
	DENDIR_IMPORT_THERE,   /* registered or prepared already, exactly like this */
	DENDIR_IMPORT_DIFFERS, /* there, but in `differs` */
	DENDIR_IMPORT_TAKEN,   /* once somebody's: a login ID is never given twice */
	DENDIR_IMPORT_ADDED,
	DENDIR_IMPORT_FAILED,
};

struct dendir_import {
	struct dendir_user user;   /* as dendir_user_prepare takes it, with authorities and grant_days */
	struct den_secret *initial; /* hashed by the directory; NULL: none, to be given later */
	enum dendir_import_state state;
	char differs[64]; /* names of fields, with blanks between */
};

void dendir_import_done(struct dendir_import *all, size_t n);

/* Only who has or had the login ID: NEW or TAKEN. For who was compared a moment ago; that somebody
 * was prepared since, the Add itself tells. */
enum den_code dendir_import_find_taken(struct dendir *host, struct dendir_import *all, size_t n);

/* Sets the state of each: NEW, THERE, DIFFERS or TAKEN. */
enum den_code dendir_import_compare(struct dendir *host, struct dendir_import *all, size_t n);

/*
 * Adds those that are DENDIR_IMPORT_NEW, at most DENDIR_BATCH_MAX, under `as`: a host, or a
 * master's approval identity, which alone may prepare authorities. Not DEN_OK: some FAILED, for
 * the reason in dendir_diagnostic; where the directory went away, they may be there.
 */
enum den_code dendir_import_add(struct dendir *as, struct dendir_import *all, size_t n);

#endif
