/*
 * The access matrix: who may do what to which attribute of which entry, as a table
 * (tests/access/matrix) that is compared with what the directory server really does, cell
 * by cell, over plain LDAP. How to read and write the table is told at its top.
 *
 * table.c      reads the table
 * schema.c     what the server's schema says: attributes of classes, values that fit
 * directory.c  connections of the identities; the administrator's hand that prepares and restores
 * attempt.c    one attempt of one identity, and what came of it
 * cells.c      all cells of a target: attributes, entry, new entries, moves
 * guesses.c    whether an answer tells a right guess of its password from a wrong one
 * main.c       the whole, and the count
 */
#ifndef ACCESS_MATRIX_H
#define ACCESS_MATRIX_H

#include <ldap.h>
#include <stddef.h>

#define VALUES 4 /* of a probe: two that are there, one to add, one to replace with */
#define NAMES 128
#define PASSWORD "probe-Password1" /* of everybody in fixture.ldif */

/* -- the table ------------------------------------------------------------------------- */

struct identity {
	char *name, *how, *argument, dn[256];
	LDAP *ld;
};

struct target {
	char *name, *dn;
	char *without, *keep, *skip; /* lists of attributes: never there; never taken away; not tried */
	int is_parent, is_fixed, is_lasting, is_for_reader, is_of_pair;
};

struct kind {
	char *name, *rdn, *classes, *fixed[4]; /* ATTRIBUTE=VALUE */
};

/* What a server is that rows are of: the writer, one that isn't, one of two. */
enum part { PART_WRITER, PART_READER, PART_PAIR };

/* What a row lets be done; `word` is allow, new or move. */
struct row {
	char *word, *first, *second, *identities, *attributes, *rights;
	int line, used;
	enum part part;
};

struct value {
	char *attribute, *values[VALUES];
	size_t count;
};

struct table {
	struct identity *identities;
	struct target *targets;
	struct kind *kinds;
	struct row *rows;
	struct value *values, *variants; /* variants: attribute.NAME */
	size_t nidentities, ntargets, nkinds, nrows, nvalues, nvariants;
	char *operational, *foreign; /* lists of attributes */
	enum part part; /* rows of it count; one of two is the writer besides */
};

/* Ends the program with a message where the table is wrong. */
void table_read(struct table *t, const char *path);

/* Whether name is in the list: words with commas between, * and ? as in a shell, -word
 * for an exception. */
int list_has(const char *list, const char *name);

/* The row that allows it, or NULL. Identities may be named by what they are to the target
 * (self, above, below) as well. */
struct row *table_attribute(struct table *t, const struct target *on, const struct identity *who,
	const char *attribute, char right);
struct row *table_new(struct table *t, const struct kind *kind, const struct target *under,
	const struct identity *who, const char *extra);
struct row *table_move(struct table *t, const struct target *on, const struct target *under,
	const struct identity *who);

/* -- the schema --------------------------------------------------------------------------- */

struct attribute {
	const char *name, *syntax;
	int single, integer, comparable, no_user_mod, operational;
};

void schema_load(LDAP *ld);
const struct attribute *schema_attribute(const char *name);
/* What entries of these classes (NULL-terminated) must or may have, without twins. */
size_t schema_attributes_of(char *const *classes, int must, const struct attribute **list, size_t room);
/* The n-th of VALUES different values of the attribute's syntax. */
struct berval schema_sample(const struct attribute *a, unsigned n);

/* -- the directory ---------------------------------------------------------------------------- */

/* An entry as the administrator read it. */
struct entry {
	struct {
		char *name;
		struct berval **values;
	} attributes[NAMES];
	size_t count;
};

void directory_connect(struct identity *who, const char *uri);
/* Those who are that entry bind again: they may have changed their own password. */
void directory_reconnect(struct table *t, const char *dn, const char *uri);
/* Fresh, not bound. */
LDAP *directory_open(const char *uri);
void entry_read(LDAP *root, const char *dn, struct entry *e);
void entry_done(struct entry *e);
struct berval **entry_values(const struct entry *e, const char *attribute);
/* The attribute's name with its options, where the entry has it with any. */
const char *entry_description(const struct entry *e, const char *attribute);
int entry_equal(const struct entry *a, const struct entry *b, const char **differs);
/* By the administrator; NULL or no values: taken away. Ends the program where it fails. */
void root_set(LDAP *root, const char *dn, const char *attribute, struct berval **values);
/* 0 where the server has no values of such a syntax at all (some of the old standards'), or
 * a constraint against these. */
int root_could_set(LDAP *root, const char *dn, const char *attribute, struct berval **values);
void root_add(LDAP *root, const char *dn, const struct entry *e);
void root_rename(LDAP *root, const char *dn, const char *rdn, const char *parent);
void root_delete(LDAP *root, const char *dn);

/* -- an attempt ----------------------------------------------------------------------------------- */

enum outcome {
	REFUSED, /* by the access rules, or by the server for everybody */
	GRANTED, /* done */
	STOPPED, /* let through by the access rules, and stopped by the schema */
	UNCLEAR  /* failed for a reason that tells nothing of access */
};

struct attempt {
	enum outcome outcome;
	int code;
	char text[160];
};

struct attempt attempt_read(LDAP *ld, const char *dn, struct entry *e);
struct attempt attempt_see(LDAP *ld, const char *dn);
struct attempt attempt_search(LDAP *ld, const char *dn, const char *attribute);
struct attempt attempt_compare(LDAP *ld, const char *dn, const char *attribute, const struct berval *value);
/* op: LDAP_MOD_*; relaxed: with the Relax Rules control, with which slapd lets whoever may pass
 * by constraints and change what is its own. */
struct attempt attempt_modify(LDAP *ld, const char *dn, int op, const char *attribute,
	struct berval *const *values, int relaxed);
struct attempt attempt_changes(LDAP *ld, const char *dn, LDAPMod **mods);
struct attempt attempt_add(LDAP *ld, const char *dn, LDAPMod **mods);
struct attempt attempt_delete(LDAP *ld, const char *dn);
struct attempt attempt_rename(LDAP *ld, const char *dn, const char *rdn, const char *parent);
/* Approves the request dn in the name `by`. */
struct attempt attempt_decision(LDAP *ld, const char *dn, const char *by, struct berval *digest);
/* By RFC 3062; old may be NULL. */
struct attempt attempt_password(LDAP *ld, const char *dn, const char *old, const char *password);
struct attempt attempt_bind(const char *uri, const char *dn, const char *password);

/* -- cells ----------------------------------------------------------------------------------------------- */

struct matrix {
	struct table table;
	const char *uri, *password;
	LDAP *root;
	size_t shown; /* wrong cells that are printed at most */
	size_t cells, allowed, passed, failed; /* passed, failed: pairs of target and identity */
	unsigned short *wrong;		       /* cells, of each pair */
	size_t target;			       /* the one in work */
};

/* Compares; the administrator's own outcome of the same attempt is the yardstick for what
 * "allowed" means. */
void cell(struct matrix *m, size_t identity, const char *what, const struct row *allowed,
	const struct attempt *got, const struct attempt *roots);
/* A changed password takes the server's mark of an initial one away, also from who is bound
 * already: they bind again, marked as they were at first. `now` is what they have in between. */
void bind_again(struct matrix *m, const struct target *on, const struct entry *first, const struct entry *now);
void cells_attributes(struct matrix *m, const struct target *on);
void cells_entry(struct matrix *m, const struct target *on);
void cells_new(struct matrix *m, const struct target *under);
void cells_move(struct matrix *m, const struct target *on);
/* Where the target has a password, which is m->password. */
void cells_guesses(struct matrix *m, const struct target *on);

__attribute__((noreturn, format(printf, 1, 2))) void give_up(const char *format, ...);

#endif
