/*
 * Changing the catalogue (R-AUTH-7), under a master's approval identity. A business or
 * account brings its groups along (R-AUTH-6): they are published before it can be given,
 * and go after it can be given no more.
 */
#ifndef DENSHI_DIRECTORY_CATALOGUE_EDIT_H
#define DENSHI_DIRECTORY_CATALOGUE_EDIT_H

#include "directory/catalogue.h"

struct dendir_edit {
	struct dendir *host, *master;
	int64_t now;
	char used_by[64]; /* out, with DEN_CATALOGUE_USED: somebody who holds it, or a request */
};

/* DEN_CATALOGUE_THERE where there is one of this id, DEN_NUMBERS_USED_UP. What an interrupted
 * call has left is taken up by the next. */
enum den_code dendir_business_add(struct dendir_edit *e, const struct dendir_business *business);
enum den_code dendir_account_add(struct dendir_edit *e, const struct dendir_account *account);

/* Labels and self-approval; the kind stays, for authorities hang on it. */
enum den_code dendir_business_change(struct dendir_edit *e, const struct dendir_business *business);
enum den_code dendir_account_change(struct dendir_edit *e, const struct dendir_account *account);

/* DEN_CATALOGUE_USED while somebody, registered or prepared, holds an authority of it, or a request
 * of it could still be decided or used. Needs e->host and e->now only. */
enum den_code dendir_business_is_free(struct dendir_edit *e, const struct dendir_business *business);
enum den_code dendir_account_is_free(struct dendir_edit *e, const struct dendir_account *account);

/* After it is free. */
enum den_code dendir_business_delete(struct dendir_edit *e, const struct dendir_business *business);
enum den_code dendir_account_delete(struct dendir_edit *e, const struct dendir_account *account);

#endif
