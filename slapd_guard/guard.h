/* The parts of denshi-guard. */
#ifndef DENSHI_SLAPD_GUARD_GUARD_H
#define DENSHI_SLAPD_GUARD_GUARD_H

#include "slapd_guard/slapd.h"

/* The overlay's name in cn=config. */
#define GUARD_OVERLAY "denshi-guard"

/* Registers the overlay, which answers for itself from then on. 0 or -1. */
int guard_overlay(void);

/* libldap comes with its slapd: 20513 is 2.5.13. 0: it doesn't say. */
int guard_slapd_version(void);

/* Whoever may not write a password gets no further with one (password.c). 0 or -1: before all else. */
int guard_password_begin(void);
int guard_password(Operation *op, SlapReply *rs);

/* Who watches what is in force isn't told of each attempt (quiet.c). Of a modification that nobody refused,
 * on its way down. Begin, when the database is opened: 0, -1 where it can't be done with this server. */
int guard_quiet_begin(void);
void guard_quiet(Operation *op);

/* An entry keeps its name (name.c). */
int guard_name(Operation *op, SlapReply *rs);

/* insufficientAccessRights, to whoever asked; for an overlay's function to return. */
int guard_refuse(Operation *op, SlapReply *rs, const char *text);

#endif
