/*
 * The other one of two directory servers: who it is, by the configuration of this one,
 * and a connection to it, by this server's certificate.
 */
#ifndef DENSHI_DIRECTORY_PEER_H
#define DENSHI_DIRECTORY_PEER_H

#include "directory/connection.h"
#include "tools/denshi-directory/configuration.h"
#include "tools/denshi-directory/run.h"

struct peer {
	struct configuration_facts facts;
	char organisation[DENDIR_ORG_SIZE];
	char ca[PATH_MAX], certificate[PATH_MAX], key[PATH_MAX];
	struct dendir_site site;
	struct dendir *d;
};

/* What is configured; facts.peer is "" where this is the only server. -1 (said). */
int peer_find(struct peer *p, const struct run *r);
/* p->d. -1 without a word: it can't be reached, why says why. */
int peer_open(struct peer *p, const struct run *r, char why[DENDIR_WHY_SIZE]);
void peer_close(struct peer *p);

#endif
