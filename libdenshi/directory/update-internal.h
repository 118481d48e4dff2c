/* What the files update*.c share. Nobody else includes it. */
#ifndef DENSHI_DIRECTORY_UPDATE_INTERNAL_H
#define DENSHI_DIRECTORY_UPDATE_INTERNAL_H

#include "directory/update.h"
#include "directory/update_runner.h"

/* Users whose contents are in memory at a time, and whose writes are under way together. */
#define WINDOW DENDIR_USERS_MAX
/* Of SHA-256: enough that nobody finds other rows with the same one. */
#define SUM_SIZE 16

enum item_kind {
	ITEM_NONE,   /* nothing to do: left out by the filter, or gone */
	ITEM_SPENT,  /* what is prepared has no effect (any more): it is thrown away */
	ITEM_NEW,    /* in ou=prepared, to be moved in */
	ITEM_CHANGE, /* registered, with a prepared change */
	ITEM_DIRECT, /* registered, changed by the caller */
	ITEM_FINISH, /* changed by a run that ended before the pointer moved */
};

/* What an update makes of one user. */
struct item {
	enum item_kind kind;
	/* before: in force; without a login for new ones. prepared: the entry, without a login where there is none. */
	struct dendir_user before, after, prepared;
	int drops_approval; /* an approval credential that is of no use any more goes (R-APW-3) */
};

void item_done(struct item *item);
/* Its rows, told one by one; how many. */
size_t item_rows(const struct item *item, dendir_each_row *each, void *context);
/* The digest of its rows, and of which state of a prepared user they tell. 0 or -1. */
int item_sum(const struct item *item, unsigned char sum[SUM_SIZE]);
/* 1 where a master in force stops being an active one. */
int item_loses_master(const struct item *item);

/* One user of the update, as it is kept from the first look to the end. */
struct pending {
	char login[DEN_LOGIN_ID_SIZE];
	unsigned char sum[SUM_SIZE];
	unsigned is_in : 1, unfinished : 1, is_new : 1, loses_master : 1, removes : 1, drops_approval : 1;
};

struct window {
	size_t first, n; /* items 0 to n-1 are of pending first to first+n-1 */
	struct item items[WINDOW];
};

/* "T20261126081500.123456789Z-" */
#define RECORD_PREFIX_SIZE 32

struct dendir_update {
	struct pending *pending; /* ordered by login */
	size_t npending, room;
	size_t users, nnew, nlost; /* that are in, new ones, masters lost */
	int64_t from;		   /* the serial in force when it was begun */
	char filter[DEN_NAME_SIZE];
	char digest[65];
	int failed;	     /* not wholly looked at: it can't be run */
	/* Of what goes into the record of an interrupted run that was there; empty: there was none. */
	char prefix[RECORD_PREFIX_SIZE];
	struct item *direct; /* the one item of a direct change */
	char other[DEN_LOGIN_ID_SIZE]; /* whose run is in the way */
	int64_t other_since;
	struct window window;
};

/* update_plan.c: fills the window with the users from number `first` on. */
enum den_code plan_read(struct dendir_update *u, struct dendir *host, size_t first);
/* Throws away what is spent in the window, unless somebody has changed it since it was read. */
enum den_code plan_discard_spent(struct dendir_update *u, struct dendir *host);
/* The user's place in u->pending, or NULL. */
struct pending *plan_find(const struct dendir_update *u, const char *login);

/* update_record.c: the record with the window's lines; a part of it with those of a further window. */
enum den_code record_begin(struct dendir_update *u, struct dendir_run *run);
enum den_code record_part(const struct dendir_update *u, const struct dendir_run *run);
void record_end(const struct dendir_run *run, int64_t serial);
/* Whose run is in the way. */
void record_find_other(struct dendir_update *u, struct dendir *host);

/* update_apply.c: writes the window's users, registered and as versions. */
enum den_code apply_window(struct dendir_update *u, const struct dendir_run *run, struct runner *runner);
/* Versions that an interrupted run has left and that aren't of this one. */
enum den_code apply_nothing_else(struct dendir_update *u, const struct dendir_run *run);

/* update_sweep.c: takes away what the users from number `first` on don't need any more. What
 * fails is left for the next change of the user: readers don't mind. */
void sweep_window(struct dendir_update *u, const struct dendir_run *run, size_t first);
/* The same of runs that ended after the pointer had moved; and their records say done. */
void sweep_interrupted(const struct dendir_run *run);

#endif
