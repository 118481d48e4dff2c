/*
 * A slapd of setup's own on the new directory: on a socket in a folder that only
 * root and openldap enter, ended by setup.
 */
#ifndef DENSHI_SETUP_SERVER_H
#define DENSHI_SETUP_SERVER_H

#include "directory/connection.h"
#include "tools/denshi-setup/setup.h"
#include "tools/server/child.h"

struct server {
	struct child child;
	char uri[PATH_MAX];
	struct dendir_site site;
	struct dendir *root; /* the directory's administrator: root by SASL EXTERNAL */
	int running;
};

int server_start(struct server *v, const struct setup *s);
/* Ends it and waits until all is written. Takes a server that isn't running. */
int server_stop(struct server *v, const struct setup *s);

#endif
