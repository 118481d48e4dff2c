/*
 * A slapd of a program's own on a set that isn't in use yet: on a socket in the set's
 * folder run, that only root and openldap enter, ended by the program.
 */
#ifndef DENSHI_SERVER_SERVER_H
#define DENSHI_SERVER_SERVER_H

#include <limits.h>

#include "directory/connection.h"
#include "tools/server/child.h"

struct server {
	struct child child;
	char uri[PATH_MAX];
	struct dendir_site site;
	struct dendir *root; /* the directory's administrator: root by SASL EXTERNAL */
	int running;
	char why[512]; /* after a failure */
};

/* org and host as in struct dendir_site. -1: v->why says. */
int server_start(struct server *v, const char *set, const struct unix_user *user, const char *org,
	const char *host);
/* Ends it and waits until all is written. Takes a server that isn't running. -1: v->why says. */
int server_stop(struct server *v);

/* 1 where a program has the database in folder/directory open (folder: a set, or the state), also a
 * slapd that doesn't answer. */
int server_is_open(const char *folder);

#endif
