/*
 * What the directory's server says of itself in its root DSE (RFC 4512, 5.1): whether
 * denshi's modules are at work there.
 */
#ifndef DENSHI_DIRECTORY_FEATURES_H
#define DENSHI_DIRECTORY_FEATURES_H

#include "directory/connection.h"

struct dendir_features {
	int argon2id; /* new passwords are hashed with Argon2id: slapd-pw-argon2id(5) */
	int guarded;  /* the Relax Rules control is refused, and attempts are counted: slapd-denshi-guard(5) */
	int quiet;    /* attempts to log in can be left out of a watch: the same */
};

/* Those of the server that d is at. */
enum den_code dendir_features_read(struct dendir *d, struct dendir_features *features);

#endif
