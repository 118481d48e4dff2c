/* What connection.c, entry.c and watch.c share. Nobody else includes it. */
#ifndef DENSHI_DIRECTORY_CONNECTION_INTERNAL_H
#define DENSHI_DIRECTORY_CONNECTION_INTERNAL_H

#include <ldap.h>

#include "directory/connection.h"

struct dendir {
	LDAP *ld;
	const struct dendir_site *site;
	int64_t deadline_ms;
	int result;
	char diagnostic[256];
};

#define ENTRY_ATTRIBUTES_MAX 24

struct dendir_entry {
	LDAP *ld;
	LDAPMessage *message; /* of a search; NULL for a post-read control */
	struct {
		char *attribute;
		struct berval **values;
	} held[ENTRY_ATTRIBUTES_MAX]; /* fetched or decoded, released by entry_done */
	size_t nheld;
	char *dn_text;
};

void dendir_entry_done(struct dendir_entry *e);
/* Decodes the SearchResultEntry in a post-read response (RFC 4527, 3.2). 0 or -1. */
int dendir_entry_decode(struct dendir_entry *e, struct berval *control_value);

/* Notes an LDAP result and makes a code of it. */
enum den_code dendir_note(struct dendir *d, int result, LDAPMessage *response);

#endif
