/*
 * denshi-host: the hosts of the organisation, on the directory's machine. A command
 * returns 0, or -1 after having said why.
 */
#ifndef DENSHI_HOST_HOST_H
#define DENSHI_HOST_HOST_H

#include "config/config.h"
#include "core/text.h"
#include "directory/host.h"

struct host_run {
	enum den_lang lang;
	const char *state, *config_path;
	const char *output, *uri, *description; /* of add; NULL: not given */
	int json, dry_run, yes;
	struct den_config config;
	struct dendir_site site;
	struct dendir *d; /* as the directory's administrator */
};

typedef int host_command(struct host_run *r, const char *name);

host_command host_add, host_remove, host_list, host_show;

void say(const struct host_run *r, enum den_code code, ...) __attribute__((sentinel));
/* Returns -1. */
int fail(const struct host_run *r, enum den_code code, ...) __attribute__((sentinel));
/* What the directory said. Returns -1. */
int fail_directory(const struct host_run *r, enum den_code code, const char *name);
/* One structured record of a change, to syslog (R-ALL-3). */
void audit(const char *event, const char *host);
/* 0 where confirmed; -1 (said). */
int confirmed(const struct host_run *r, enum den_code question);

#endif
