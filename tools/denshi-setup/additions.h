/*
 * What setup adds to a slapd that was there before: the record of it, so that just that
 * is taken away again. STATE/additions, one a line: a word for the kind, a value. It is
 * written before anything is added.
 */
#ifndef DENSHI_SETUP_ADDITIONS_H
#define DENSHI_SETUP_ADDITIONS_H

#include <stddef.h>

#define ADDITIONS_FILE "additions"
#define ADDITION_MAX 1024

enum addition_kind {
	ADDITION_URI,	   /* where the server is */
	ADDITION_CONFIG,   /* its folder of cn=config */
	ADDITION_MODULE,   /* with its arguments */
	ADDITION_SCHEMA,
	ADDITION_HASH,	   /* olcPasswordHash */
	ADDITION_AUTHZ,	   /* olcAuthzRegexp */
	ADDITION_DATABASE, /* its suffix */
	ADDITION_ENTRY,	   /* a DN that only a stopped server lets go */
	ADDITION_DONE,	   /* all of it is there, and in use */
	ADDITION_KINDS,
};

struct addition {
	enum addition_kind kind;
	char value[ADDITION_MAX];
};

struct additions {
	struct addition *list;
	size_t n;
};

void additions_done(struct additions *a);
/* Once each. -1 with errno. */
int additions_put(struct additions *a, enum addition_kind kind, const char *value);
/* Drops all of a kind. */
void additions_drop(struct additions *a, enum addition_kind kind);
/* The first value of a kind, or NULL. */
const char *additions_first(const struct additions *a, enum addition_kind kind);
int additions_count(const struct additions *a, enum addition_kind kind);

/* -1 with errno; where there is none, *a is empty. */
int additions_read(struct additions *a, const char *state);
int additions_write(const struct additions *a, const char *state);
int additions_forget(const char *state);

#endif
