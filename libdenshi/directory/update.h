/*
 * Putting registered things in force (R-UPD-2): every change of what hosts
 * replicate goes through here. One serial number for one set of users:
 *
 *	1  the run takes its place (update_runner.h), and adds the record cn=N+1,ou=updates
 *	2  the registered users are changed (new ones moved in from ou=prepared), each
 *	   written as a version of its own beside the one in force, and told in the record
 *	3  one Modify moves the pointer from N to N+1: from now on, and only now, it
 *	   is in force, everywhere at once
 *	4  superseded versions, applied changes and removed users are swept; the
 *	   record says done
 *
 * Readers take, per user, the highest version not above the pointer. Ended
 * before 3, nothing is seen and the next run does it again: every step can be
 * repeated. Ended after 3, it is in force, and the next run sweeps.
 *
 * Users are read and written a window at a time, so that memory doesn't grow with
 * what they hold. In between, only login IDs and digests are kept: what a run reads
 * again must have the digest of what was looked at.
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

/* Each row, as it is found; non-zero ends it. */
typedef int dendir_each_row(void *context, const struct dendir_row *row);

/* Looks at all that is prepared, or left by an interrupted run; of login IDs or names that
 * contain filter (in NFC), where it isn't empty. Rows are ordered by login; each may be NULL.
 * DEN_UPDATE_RUNNING where it is left by a run that is alive; DEN_BUSY where each ended it. */
enum den_code dendir_update_collect(struct dendir_update *u, struct dendir *host, const char *filter,
	dendir_each_row *each, void *context);
/* Of what was collected: users touched, and SHA-256 of all rows, hexadecimal. */
size_t dendir_update_users(const struct dendir_update *u);
const char *dendir_update_digest(const struct dendir_update *u);

/* After DEN_UPDATE_RUNNING or DEN_UPDATE_UNFINISHED: whose run is in the way, and since when. */
const char *dendir_update_other(const struct dendir_update *u, int64_t *since);

/* A change of a registered user that doesn't wait (R-UPD-5): `after` replaces it. */
enum den_code dendir_update_direct(struct dendir_update *u, const struct dendir_user *before,
	const struct dendir_user *after);

/* Who runs it, and what came of it. */
struct dendir_run {
	struct dendir *host, *master; /* master: under the approval identity of `by` */
	const char *by;
	int64_t now;
	int64_t serial;			/* out: now in force */
	int64_t left; /* out, with DEN_NUMBERS_USED_UP: user numbers that are left */
	/* May be NULL. serial 0: so many users are in place. Otherwise it is in force, and
	 * so many users are swept. */
	void (*progress)(void *context, size_t users, int64_t serial);
	void *context;
};

/*
 * Runs it. DEN_LAST_MASTER; DEN_NUMBERS_USED_UP, and nothing is changed; DEN_UPDATE_RUNNING; DEN_UPDATE_CHANGED_MEANWHILE where another
 * update came into force since dendir_update_new, or what is prepared isn't what was collected
 * (then it may be in place half: the next run finishes it); DEN_UPDATE_UNFINISHED where an
 * interrupted one has to be finished before a direct change.
 */
enum den_code dendir_update_run(struct dendir_update *u, struct dendir_run *run);

/* Each kept update (R-UPD-4), newest first; a large one is told in several parts, with the same serial, time and
 * master. Rescues (R-LOCK-7) are among them, with the serial that was in force. */
struct dendir_past_update {
	int64_t serial, time;
	char by[DEN_LOGIN_ID_SIZE]; /* "root" for setup and rescues: on the directory's machine */
	char state[12];
	size_t nlines;
	const char *const *lines;
};
typedef int dendir_each_update(void *context, const struct dendir_past_update *update);
struct dendir_page {
	int64_t before; /* serials below this one; 0: from the newest on */
	size_t limit;	/* so many updates at most; 0: all */
};
/* *next: `before` of the next page, 0 where there is none. */
enum den_code dendir_update_history(struct dendir *d, const struct dendir_page *page, dendir_each_update *each,
	void *context, int64_t *next);

#endif
