/* A credential's slots, as an entry has them: who may try a password (R-LOCK-2). */
#ifndef DENSHI_SLAPD_GUARD_SLOTS_H
#define DENSHI_SLAPD_GUARD_SLOTS_H

#include "slapd_guard/guard.h"

#define SLOTS 6
#define SEAL 7 /* what a master puts there while an initial password is made */
#define RECORD_SIZE 256
#define RECORDS (2 * SLOTS)

struct slots {
	unsigned char taken[SEAL + 1];
	unsigned count;	    /* of 1 to SLOTS */
	int server_lock;    /* slapo-ppolicy's */
	int is_initial;	    /* a password that is to be changed */
	size_t nrecords;
	char records[RECORDS][RECORD_SIZE]; /* "SLOT:TOKEN TIME HOST SERVICE RHOST" */
};

/* Finds the attributes, when a database is opened, also again. 0 or -1. */
int slots_begin(void);

/* Whether slots and their records are all that is changed. */
int slots_are_all(const Modifications *m);

/* Of the entry that the operation is about. An LDAP result. */
int slots_read(Operation *op, struct slots *s);

/* 1 to SLOTS; more: none. */
unsigned slots_lowest_free(const struct slots *s);

/* By their records, which are never the same twice. */
int slots_are_same(const struct slots *a, const struct slots *b);

/* The latest record but that of slot own, from its time on; "": there is none. */
const char *slots_latest_but(const struct slots *s, unsigned own);

/* Takes slot, with a record that ends in tail, and adds it to *s. An LDAP result; LDAP_TYPE_OR_VALUE_EXISTS where it was
 * taken. */
int slots_take(Operation *op, struct slots *s, unsigned slot, const char *tail);

/* Frees those, by value: what others took since stays. LDAP_NO_SUCH_ATTRIBUTE where some of them are free already. */
int slots_free(Operation *op, const struct slots *s);

/* Drops from *s what isn't there any more: freed, or freed and taken again. */
void slots_keep_what_stands(struct slots *s, const struct slots *now);

#endif
