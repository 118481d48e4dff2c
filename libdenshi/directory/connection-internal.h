/* What batch.c, bind.c, connection.c, entry.c, mods.c and watch.c share. Nobody else includes it. */
#ifndef DENSHI_DIRECTORY_CONNECTION_INTERNAL_H
#define DENSHI_DIRECTORY_CONNECTION_INTERNAL_H

#include <ldap.h>

#include "directory/connection.h"
#include "directory/stream.h"

struct dendir {
	LDAP *ld;
	const struct dendir_site *site;
	char uri[DENDIR_URI_SIZE]; /* the one of the site's that it goes to */
	struct dendir_stream stream; /* below it, where it goes over the network */
	struct dendir *spare; /* for the next simple bind; NULL: none */
	int64_t deadline_ms;
	int64_t told_time, told_ms; /* modifyTimestamp of the last post-read, and when that came; 0: none */
	int result;
	char diagnostic[256];
};

#define ENTRY_ATTRIBUTES_STEP 16 /* room for so many more at a time */

struct dendir_entry {
	LDAP *ld;
	LDAPMessage *message; /* of a search; NULL for a post-read control */
	struct dendir_held {
		char *attribute;
		struct berval **values;
	} *held; /* fetched or decoded, released by entry_done */
	size_t nheld;
	int lost; /* something of it couldn't be held: it isn't as it was read */
	char *dn_text;
};

void dendir_entry_done(struct dendir_entry *e);
/* Decodes the SearchResultEntry in a post-read response (RFC 4527, 3.2). 0 or -1. */
int dendir_entry_decode(struct dendir_entry *e, struct berval *control_value);

struct dendir_mods {
	LDAPMod **list; /* NULL-terminated, as libldap wants it; NULL: none yet */
	size_t n;
	int bad;
};

/* What libldap takes; NULL where there was no memory, which is noted as the result. */
LDAPMod **dendir_mods_list(struct dendir *d, const struct dendir_mods *m);

/* Waits for the whole answer to msgid, or LDAP_RES_ANY. NULL: noted already, *code set. */
LDAPMessage *dendir_await(struct dendir *d, int msgid, enum den_code *code);

/* One for a simple bind, at the same server: what was kept, if the server hasn't hung up, or a new one. NULL: none. */
struct dendir *dendir_take_spare(struct dendir *like);

/* A time that the server told, as in an entry; "": none. */
void dendir_note_time(struct dendir *d, const char *text);

/* Notes an LDAP result and makes a code of it. */
enum den_code dendir_note(struct dendir *d, int result, LDAPMessage *response);

#endif
