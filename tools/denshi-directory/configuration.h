/*
 * A cn=config as lines "DN<tab>attribute: value", sorted, without what slapd keeps
 * about its entries: two of them can be compared, and what one was made for is
 * found in it.
 */
#ifndef DENSHI_DIRECTORY_CONFIGURATION_H
#define DENSHI_DIRECTORY_CONFIGURATION_H

#include "directory/connection.h"
#include "tools/denshi-directory/run.h"
#include "tools/server/config.h"

struct configuration;

/* Reads the set's. NULL (said). configuration_free takes NULL. */
struct configuration *configuration_read(const struct run *r, const char *set);
void configuration_free(struct configuration *c);

/* 1 where they are the same, the order of rules included; the sets' folders are not compared. */
int configuration_equal(const struct configuration *a, const struct configuration *b);

/* Calls each for what is only in one of them, by entry: sign '-' for a, '+' for b.
 * Numbers of entries and rules are left out: a new rule doesn't make all others new. */
typedef void configuration_each(void *context, char sign, const char *dn, const char *line);
void configuration_compare(const struct configuration *a, const struct configuration *b,
	configuration_each *each, void *context);

/* What a configuration was made for. */
struct configuration_facts {
	char host[254], server[254];
	unsigned memory_kib, passes;
	/* where it is one of two servers; otherwise "" and 0 */
	char peer[254], peer_uri[DENDIR_URI_SIZE];
	unsigned number;
};

/* 0, or -1 where it isn't one of denshi's. */
int configuration_facts(const struct configuration *c, struct configuration_facts *f);

#endif
