/* What a directory's cn=config says there is: its databases and whose it is. */
#ifndef DENSHI_DIRECTORY_SURVEY_H
#define DENSHI_DIRECTORY_SURVEY_H

#include "directory/connection.h"
#include "tools/denshi-directory/run.h"

#define SURVEY_DATABASES_MAX 8

struct survey {
	char organisation[DENDIR_ORG_SIZE];
	struct {
		unsigned number;
		char suffix[DENDIR_DN_SIZE];
	} databases[SURVEY_DATABASES_MAX]; /* without the log of changes, which holds nothing of its own */
	size_t ndatabases;
	unsigned current; /* while it is read */
};

int survey_read(struct survey *v, const struct run *r, const char *set);

#endif
