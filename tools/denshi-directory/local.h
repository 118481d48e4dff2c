/* The running directory of this machine, as its administrator: root, on the local socket. */
#ifndef DENSHI_DIRECTORY_LOCAL_H
#define DENSHI_DIRECTORY_LOCAL_H

#include "config/config.h"
#include "directory/connection.h"
#include "tools/denshi-directory/run.h"

struct local {
	struct den_config config;
	struct dendir_site site;
	struct dendir *root;
};

/* org: NULL: that of denshi.conf. As dendir_open, without a word; l->root is NULL on failure. */
enum den_code local_open(struct local *l, const struct run *r, const char *org);
void local_close(struct local *l);

#endif
