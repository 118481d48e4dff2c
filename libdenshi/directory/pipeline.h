/* Several adds under way at a time on one connection, so that neither the way there and
 * back nor a slow hash (slapd makes them in parallel) is waited for one by one. */
#ifndef DENSHI_DIRECTORY_PIPELINE_H
#define DENSHI_DIRECTORY_PIPELINE_H

#include "directory/connection.h"

struct dendir_addition {
	char dn[DENDIR_DN_SIZE];
	struct dendir_mods *mods; /* the caller's */
	enum den_code code;	  /* out */
	int result;		  /* out: the LDAP result code */
};

/*
 * Adds all, in any order. DEN_OK where each was answered: see its code. Otherwise the
 * server went away, or said of one what holds for all of them (it is full, it is
 * shutting down): those that have no answer have this code too, and may be there.
 */
enum den_code dendir_add_all(struct dendir *d, struct dendir_addition *all, size_t n);

#endif
