/*
 * Versions that the directory told and that are in no snapshot yet: all of them at
 * the first start, later those of a user update on its way. Kept small, as there may be
 * as many as users: about 110 bytes each.
 * Thread rule: one thread.
 */
#ifndef DENSHI_DENSHID_VERSIONS_H
#define DENSHI_DENSHID_VERSIONS_H

#include <stddef.h>
#include <stdint.h>

#include "directory/version.h"

enum version_kind { VERSION_USER, VERSION_REMOVED, VERSION_GROUP };

struct version {
	unsigned char uuid[16];
	uint32_t serial;
	uint32_t uid, gid; /* a group has only a gid */
	uint16_t flags;	   /* DEN_USER_* */
	uint16_t nauthorities;
	uint16_t gecos, dir, shell; /* where they begin, from the name on */
	uint8_t kind;
	uint8_t gone;	/* deleted, or told anew */
	uint8_t marked; /* told or present in the refresh that goes on */
	char lang[2];
	uint32_t authorities[]; /* versions_authority(); then name, gecos, dir, shell */
};

struct versions;

/* NULL without memory. */
struct versions *versions_new(void);
/* Takes NULL. */
void versions_free(struct versions *vs);

/* What the directory says of this entry now, marked; what it said before is forgotten. 0, or
 * -1 without memory. */
int versions_put(struct versions *vs, const unsigned char *uuid, const struct dendir_version *told);
/* NULL where there is none, or it is gone. */
struct version *versions_find(const struct versions *vs, const unsigned char *uuid);

/* The refresh begins: none is marked. It ends: those that aren't marked are gone; how many of
 * serials up to this one weren't before. */
void versions_unmark(struct versions *vs);
size_t versions_drop_unmarked(struct versions *vs, uint32_t serial);

/* Number I of all, also those that are gone; NULL behind the last. */
struct version *versions_at(const struct versions *vs, size_t i);
/* Forgets those that are gone or of a serial up to this one, and how many stay. */
size_t versions_forget(struct versions *vs, uint32_t serial);

const char *version_name(const struct version *v);
/* Authorities are numbered: name and count of the numbers. */
const char *versions_authority(const struct versions *vs, uint32_t number);
size_t versions_authorities(const struct versions *vs);

#endif
