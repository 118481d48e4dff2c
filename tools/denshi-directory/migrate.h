/* The entries of an older directory, brought to what this version expects, over LDAP. */
#ifndef DENSHI_DIRECTORY_MIGRATE_H
#define DENSHI_DIRECTORY_MIGRATE_H

#include "directory/host.h"
#include "tools/denshi-directory/run.h"

/* hosts: names of hosts, of a directory that had them outside the organisation. */
#define MIGRATE_HOSTS_MAX 4096
struct migration {
	const struct run *run;
	struct dendir *root;
	const char *server; /* this directory server's name */
	unsigned from;	    /* schema version that the entries have */
	char (*hosts)[DENDIR_HOST_NAME_MAX + 1];
	size_t nhosts;
};

/* -1 (said). Each step may have been done before. */
int migrate(struct migration *m);

#endif
