/*
 * cn=config of a slapd that was there before, over LDAP, as its administrator: what is
 * there, adding to it, taking away again. Nothing else in it is touched.
 */
#ifndef DENSHI_SETUP_CNCONFIG_H
#define DENSHI_SETUP_CNCONFIG_H

#include "directory/connection.h"
#include "tools/denshi-setup/additions.h"

/* What denshi's database needs of the server that it is in. */
struct cnconfig_wanted {
	const char *suffix;
	const char *const *modules; /* the first word of each is its name; NULL at the end */
	const char *hasher;	    /* the module that hashes, with its arguments */
};

/* What is missing there, as additions. DEN_EXISTING_SUFFIX where the suffix is taken,
 * DEN_EXISTING_HASH where passwords are hashed in another way (value of 64: which). */
enum den_code cnconfig_survey(struct dendir *d, const struct cnconfig_wanted *wanted, struct additions *missing,
	char value[64]);

/*
 * Entries to be added: copied from a slapd of our own that has them. Their order is that
 * of adding: modules, schema, settings, the database with its overlays.
 */
struct cnconfig_change;
struct cnconfig_change *cnconfig_prepare(struct dendir *from, const struct additions *missing);
/* Takes NULL. */
void cnconfig_change_free(struct cnconfig_change *c);
enum den_code cnconfig_apply(struct dendir *d, const struct cnconfig_change *c);

/* The olcAuthzRegexp of a server for its local socket, without their numbers: a server that was
 * there before has a CA of its own, whose certificates are no hosts. */
enum den_code cnconfig_authz(struct dendir *d, struct additions *a);

/* Takes away what a running server lets go, and puts the DNs of the rest as ADDITION_ENTRY. */
enum den_code cnconfig_detach(struct dendir *d, struct additions *a);

#endif
