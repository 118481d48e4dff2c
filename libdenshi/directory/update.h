/*
 * Putting registered things in force (R-UPD-2): every change of what hosts
 * replicate goes through here. One serial number for one set of users:
 *
 *	1  the run takes its place (update_runner.h), and adds the record cn=N+1,ou=updates
 *	2  the registered users are changed (new ones moved in from ou=prepared)
 *	3  each is written as a version of its own beside the one in force
 *	4  one Modify moves the pointer from N to N+1: from now on, and only now, it
 *	   is in force, everywhere at once
 *	5  superseded versions, applied changes and removed users are swept; the
 *	   record says done
 *
 * Readers take, per user, the highest version not above the pointer. Ended
 * before 4, nothing is seen and the next run does it again: every step can be
 * repeated. Ended after 4, it is in force, and the next run sweeps.
 */
#ifndef DENSHI_DIRECTORY_UPDATE_H
#define DENSHI_DIRECTORY_UPDATE_H

#include "directory/user.h"

/* One line of what would change. */
struct dendir_row {
	char action[8]; /* "add", "change", "remove", "grant", "finish" */
	char login[DEN_LOGIN_ID_SIZE];
	char attribute[24];
	char before[DEN_NAME_SIZE], after[DEN_NAME_SIZE];
};

struct dendir_update;

/*
 * An empty set of changes to what is in force now: what it is compared with is read
 * afterwards, so that a change in between is noticed when it is run. Free takes NULL.
 */
enum den_code dendir_update_new(struct dendir_update **u, struct dendir *host);
void dendir_update_free(struct dendir_update *u);

size_t dendir_update_rows(const struct dendir_update *u);
const struct dendir_row *dendir_update_row(const struct dendir_update *u, size_t i);
/* Users touched. */
size_t dendir_update_users(const struct dendir_update *u);

/* All that is prepared, or left by an interrupted run; of login IDs or names that
 * contain filter, where it isn't empty. Rows are ordered by login. */
enum den_code dendir_update_collect(struct dendir_update *u, struct dendir *host, const char *filter);

/* A change of a registered user that doesn't wait (R-UPD-5): `after` replaces it. */
enum den_code dendir_update_direct(struct dendir_update *u, const struct dendir_user *before,
	const struct dendir_user *after);

/* Who runs it, and what came of it. */
struct dendir_run {
	struct dendir *host, *master; /* master: under the approval identity of `by` */
	const char *by;
	int64_t now;
	int64_t serial;			/* out: now in force */
	char other[DEN_LOGIN_ID_SIZE];	/* out: whose run is in the way */
	int64_t since;
};

/*
 * Runs it. DEN_LAST_MASTER; DEN_UPDATE_RUNNING; DEN_UPDATE_CHANGED_MEANWHILE where another
 * update came into force since dendir_update_new; DEN_UPDATE_UNFINISHED where an
 * interrupted one has to be finished first, and this one isn't all that is pending.
 */
enum den_code dendir_update_run(struct dendir_update *u, struct dendir_run *run);

/* Each kept update (R-UPD-4), newest first. Lines are NUL-terminated, one after the other. */
struct dendir_past_update {
	int64_t serial, time;
	char by[DEN_LOGIN_ID_SIZE]; /* "" for setup and rescue: root on the directory's machine */
	char state[12];
	size_t nlines;
	const char *const *lines;
};
typedef int dendir_each_update(void *context, const struct dendir_past_update *update);
enum den_code dendir_update_history(struct dendir *d, dendir_each_update *each, void *context);

#endif
