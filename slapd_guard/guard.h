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

/* Whose credential an entry is, by its normalized name: uid=ID,ou=people,SUFFIX, or cn=approval below it (credential.c).
 * *suffix, of a credential alone, lies in dn. */
enum guard_credential { GUARD_NO_CREDENTIAL, GUARD_LOGIN, GUARD_APPROVAL };
enum guard_credential guard_credential(const struct berval *dn, const char **suffix);

/* Whoever may not write a password gets no further with one (password.c). 0 or -1: before all else. */
int guard_password_begin(void);
int guard_password(Operation *op, SlapReply *rs);

/* Who watches what is in force isn't told of each attempt (quiet.c). Of a modification that nobody refused,
 * on its way down. Begin, when the database is opened: 0, -1 where it can't be done with this server. */
int guard_quiet_begin(void);
void guard_quiet(Operation *op);

/* A simple bind as a credential is an attempt (attempt.c). Load, before anything is configured: its control is known.
 * Begin, when the database is opened; end, when it is closed. 0 or -1. */
int guard_attempt_load(void);
int guard_attempt_begin(BackendDB *bd);
void guard_attempt_end(BackendDB *bd);
int guard_attempt(Operation *op, SlapReply *rs);

/* -- writing in the middle of an operation (write.c) ------------------------------------------------------- */

/* What comes after the request in an operation. */
OperationRest *guard_rest(Operation *op);

/* What each control said. NULL: this slapd isn't laid out as it is known, and nothing of it may be touched. */
void **guard_controls(Operation *op);

/* In whose name the guard writes: GUARD_NAME,ou=services,SUFFIX. There is no such entry: nobody can bind as it. */
#define GUARD_NAME "cn=" GUARD_OVERLAY
#define GUARD_DN_SIZE 512

/* Puts one before *mods; the values are copied. how: LDAP_MOD_ADD, LDAP_MOD_DELETE. */
void guard_put(Modifications **mods, int how, AttributeDescription *ad, const char *const *values, size_t n);

/* Whether other servers and whoever watches are told; not: the entry keeps its entryCSN and modifyTimestamp, too. */
enum guard_reach { GUARD_EVERYWHERE, GUARD_HERE };

/* A Modify of the entry that the operation is about, as who. Frees mods. Not in the middle of another write. An LDAP result. */
int guard_write(Operation *op, const struct berval *who, Modifications *mods, enum guard_reach reach);

/* This server's time, as in an entry; returns it. */
#define GUARD_TIME_SIZE 32
const char *guard_time(char when[GUARD_TIME_SIZE]);

/* An entry keeps its name (name.c). */
int guard_name(Operation *op, SlapReply *rs);

/* insufficientAccessRights, to whoever asked; for an overlay's function to return. */
int guard_refuse(Operation *op, SlapReply *rs, const char *text);

#endif
