/*
 * Writes that don't wait for one another: each is sent at once, the server works on
 * several at a time and answers in any order. What depends on a write in a batch goes
 * into the next one.
 *
 * Order of use: dendir_batch_start, up to DENDIR_BATCH_MAX operations, dendir_batch_end;
 * nothing else on the connection in between. Thread rule: as the connection's.
 */
#ifndef DENSHI_DIRECTORY_BATCH_H
#define DENSHI_DIRECTORY_BATCH_H

#include "directory/connection.h"

#define DENDIR_BATCH_MAX 192

struct dendir_batch {
	struct dendir *d;
	size_t n, waiting;
	int lost;	    /* the server */
	enum den_code code; /* of the first that failed */
	struct {
		int message, result, accepted[2];
	} operations[DENDIR_BATCH_MAX];
};

void dendir_batch_start(struct dendir_batch *b, struct dendir *d);

/*
 * As the functions without `batch`, but for the result, which is told by dendir_batch_end.
 * accepted: an LDAP result code that is as good as success (0: none), so that what was
 * done before can be done again. Beyond DENDIR_BATCH_MAX: DEN_INTERNAL at the end.
 */
void dendir_batch_add(struct dendir_batch *b, const char *dn, struct dendir_mods *m, int accepted);
/* Where the filter isn't NULL: only if it holds for the entry (RFC 4528). */
void dendir_batch_modify(struct dendir_batch *b, const char *dn, struct dendir_mods *m, const char *filter);
void dendir_batch_move(struct dendir_batch *b, const char *dn, const char *rdn, const char *parent, const char *filter);
/* One that isn't there is as good. */
void dendir_batch_delete(struct dendir_batch *b, const char *dn);
/* Only if the filter holds for it (RFC 4528); where it doesn't, it stays, and that is no failure. */
void dendir_batch_delete_if(struct dendir_batch *b, const char *dn, const char *filter);

/* Waits for all. DEN_OK where each succeeded or was accepted; otherwise the code of one that
 * failed, with the server's words in dendir_diagnostic; the others were tried all the same. */
enum den_code dendir_batch_end(struct dendir_batch *b);

/* The LDAP result of operation i, in the order in which they were put; after dendir_batch_end. */
int dendir_batch_result(const struct dendir_batch *b, size_t i);

#endif
