/*
 * The organisation's numbers (uidNumber, gidNumber): the next free one stands in
 * cn=policy, and is taken by naming the value that was seen, so that no two take it.
 */
#ifndef DENSHI_DIRECTORY_NUMBERS_H
#define DENSHI_DIRECTORY_NUMBERS_H

#include "directory/connection.h"

/* Where cn=policy names no last one: larger numbers are negative to some programs. */
#define DENDIR_UID_LAST 2147483647

struct dendir_range {
	const char *next, *last; /* attributes of cn=policy */
	int64_t otherwise;	 /* the last one where none is named */
};

/*
 * Takes `count` numbers in a row, from *first on. DEN_NUMBERS_USED_UP: the range has only
 * *left (may be NULL) of them, and none is taken. DEN_BUSY: others take them all the time.
 */
enum den_code dendir_take_numbers(struct dendir *host, struct dendir *master, const struct dendir_range *range,
	size_t count, int64_t *first, int64_t *left);

#endif
