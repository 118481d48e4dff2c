/*
 * The version of schema, tree and access rules. It stands in cn=policy as
 * denshiSchemaVersion; a directory from before there was one has none, which is 0.
 * It goes up by one with each release in which a program of before would misread or
 * damage what it finds.
 */
#ifndef DENSHI_DIRECTORY_SCHEMA_H
#define DENSHI_DIRECTORY_SCHEMA_H

#include "directory/connection.h"

#define DENDIR_SCHEMA_VERSION 1

/*
 * Whether this program may work with the directory: DEN_OK, DEN_DIRECTORY_NEWER where it
 * is newer than what is known here, or as dendir_search. *found: its version.
 */
enum den_code dendir_check_schema(struct dendir *d, unsigned *found);

#endif
