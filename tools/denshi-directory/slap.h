/*
 * slapcat(8) and slapadd(8) on a set's configuration, as openldap. A database is
 * read within one transaction, so also while its server writes: what comes is its
 * state at one moment.
 */
#ifndef DENSHI_DIRECTORY_SLAP_H
#define DENSHI_DIRECTORY_SLAP_H

#include "tools/denshi-directory/run.h"

/* One line of LDIF, unfolded, with its newline and a NUL. Non-zero (said) ends it. */
typedef int slap_line(void *context, const char *line, size_t len);

/* set: the set's path; database: its number in cn=config, 0 is cn=config itself. */
int slap_read(const struct run *r, const char *set, unsigned database, slap_line *each, void *context);

/* Fills a database: start, put, finish; finish also after a failed put. */
struct slap_writer {
	const struct run *run;
	struct child child;
	int to;
	size_t used;
	char buf[65536];
};

int slap_write_start(struct slap_writer *w, const struct run *r, const char *set, unsigned database);
int slap_write(struct slap_writer *w, const char *text, size_t len);
int slap_write_finish(struct slap_writer *w);

#endif
