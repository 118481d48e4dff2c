/* What update.c and update_collect.c share. Nobody else includes it. */
#ifndef DENSHI_DIRECTORY_UPDATE_INTERNAL_H
#define DENSHI_DIRECTORY_UPDATE_INTERNAL_H

#include "directory/update.h"

enum item_kind {
	ITEM_NEW,    /* in ou=prepared, to be moved in */
	ITEM_CHANGE, /* registered, with a prepared change */
	ITEM_DIRECT, /* registered, changed by the caller */
	ITEM_FINISH, /* changed by a run that ended before the pointer moved */
};

struct item {
	enum item_kind kind;
	struct dendir_user after;
	int was_master, removes;
};

struct dendir_update {
	struct dendir_row *rows;
	size_t nrows;
	struct item *items;
	size_t nitems;
	int64_t from; /* the serial in force when it was begun */
	int partial;  /* not all that is pending: it can't finish an interrupted run */
	int failed;   /* no memory */
};

#endif
