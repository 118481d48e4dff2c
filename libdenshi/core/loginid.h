/*
 * Login IDs (R-ID-1): `d-` and 6 to 12 half-width letters or digits. Compared
 * without regard to case, kept in lower case.
 */
#ifndef DENSHI_CORE_LOGINID_H
#define DENSHI_CORE_LOGINID_H

#include <stddef.h>

#define DEN_LOGIN_ID_PREFIX "d-"
/* `d-`, 12 characters, NUL. */
#define DEN_LOGIN_ID_SIZE 15

/*
 * The login ID that len bytes of typed text name: with `d-` or without it (the
 * form shows it filled in), in any case, written to out in lower case.
 * 0, or -1 where it isn't one: too short or long, another character, a NUL within.
 */
int den_login_id_parse(char out[DEN_LOGIN_ID_SIZE], const char *text, size_t len);

/* 1 where name begins with `d-` (or `D-`): everybody else isn't denshi's business (R-ID-2). */
int den_login_id_is_ours(const char *name);

/* 1 where name is a whole login ID, stored form: `d-`, lower case. */
int den_login_id_is_valid(const char *name);

#endif
