/*
 * denshi-directory takes care of the directory on the machine that has it: what a
 * run was asked for, and how it talks. Functions of this program return 0, or -1
 * after having said why.
 */
#ifndef DENSHI_DIRECTORY_RUN_H
#define DENSHI_DIRECTORY_RUN_H

#include <limits.h>

#include "core/text.h"
#include "tools/server/child.h"
#include "tools/server/set.h"

struct run {
	enum den_lang lang;
	/* options */
	const char *state, *config_path, *schema_dir;
	int yes, dry_run, ca_key, force;
	const char *uri;
	int password_fd; /* -1: asked for on the terminal */
	/* users of this machine */
	struct unix_user directory_user, denshid_user, ca_user;
};

/* To standard output; up to DEN_TEXT_ARGS_MAX arguments, NULL-terminated. */
void say(const struct run *r, enum den_code code, ...) __attribute__((sentinel));
/* To standard error, with the stable name; returns -1. */
int fail(const struct run *r, enum den_code code, ...) __attribute__((sentinel));
/* "path: what errno says"; returns -1. */
int fail_file(const struct run *r, const char *path);
/* Asks, unless --yes. 0; -1 (said): no. */
int confirmed(const struct run *r, enum den_code question);

/* Where STATE/directory points to: the set's path. */
int run_set_in_use(const struct run *r, char set[PATH_MAX]);

/* -- the commands, one file each; operands as the table in main.c says --------------- */
int backup_run(const struct run *r, char **operands);
int restore_run(const struct run *r, char **operands);
int compare_run(const struct run *r, char **operands);
int add_replica_run(const struct run *r, char **operands);
int join_run(const struct run *r, char **operands);
int remove_replica_run(const struct run *r, char **operands);
int promote_run(const struct run *r, char **operands);
int confirm_run(const struct run *r, char **operands);
int rescue_run(const struct run *r, char **operands);
int upgrade_run(const struct run *r, char **operands);

#endif
