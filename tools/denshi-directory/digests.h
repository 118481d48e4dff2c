/*
 * What two runs of LDIF have in common: one digest an entry, with all its attributes,
 * operational ones and hashes too. Only contextCSN is left out, which a server writes
 * now and then, and what a restore makes new: the time
 * of the pointer's change, and who the writer is.
 */
#ifndef DENSHI_DIRECTORY_DIGESTS_H
#define DENSHI_DIRECTORY_DIGESTS_H

#include <stddef.h>

struct digests;

/* NULL: no memory. digests_free takes NULL. */
struct digests *digests_new(void);
void digests_free(struct digests *d);
/* Line by line, unfolded; an empty line ends an entry. -1: no memory. */
int digests_add(struct digests *d, const char *line, size_t len);
size_t digests_count(const struct digests *d);

enum digests_difference { DIGESTS_ONLY_A, DIGESTS_ONLY_B, DIGESTS_DIFFER };
typedef void digests_each(void *context, enum digests_difference how, const char *dn);

/* Tells of every entry that isn't the same in both, by DN; how many. Both are complete. */
size_t digests_compare(struct digests *a, struct digests *b, digests_each *each, void *context);

#endif
