/*
 * The messages of LDAP Content Synchronization (RFC 4533), written and read. Only watch.c needs
 * them: libldap's own reader, ldap_sync_poll(), takes the first of several messages for each of
 * them, and so loses the others, where something else was asked on the connection meanwhile.
 */
#ifndef DENSHI_DIRECTORY_SYNC_H
#define DENSHI_DIRECTORY_SYNC_H

#include <ldap.h>

#include "directory/connection.h"

/* Sync State Control (2.3): what has become of the entry that it comes with. */
struct dendir_sync_state {
	enum {
		DENDIR_SYNC_PRESENT = LDAP_SYNC_PRESENT,
		DENDIR_SYNC_ADD = LDAP_SYNC_ADD,
		DENDIR_SYNC_MODIFY = LDAP_SYNC_MODIFY,
		DENDIR_SYNC_DELETE = LDAP_SYNC_DELETE,
	} state;
	unsigned char uuid[16]; /* entryUUID */
};

/* Sync Info Message (2.5). */
struct dendir_sync_info {
	enum {
		DENDIR_SYNC_COOKIE,	     /* newcookie: nothing else */
		DENDIR_SYNC_REFRESH_DELETE,  /* who is gone has been told */
		DENDIR_SYNC_REFRESH_PRESENT, /* who has not been told is gone */
		DENDIR_SYNC_ID_SET,
	} kind;
	int done;    /* of the two in the middle: what comes now is told as it happens */
	int deletes; /* of a set: these are gone, not present */
	BerVarray uuids; /* of a set, each of 16 bytes; the reader's, for ber_bvarray_free() */
};

/* Sync Request Control (2.2), critical: refresh and persist, from the cookie on, "" for everything;
 * rather all of it than a refusal, where the cookie is too old. Quiet, where the server shows DEN_OID_QUIET:
 * no attempts to log in. An LDAP result code. */
int dendir_sync_request(const struct dendir_cookie *cookie, int quiet, LDAPControl **control);

/*
 * Each reads the value of a control or of a message; 0, or -1 where it isn't what RFC 4533 says. What a
 * cookie that comes with it says is put into *cookie, which stays as it was where there is none, or where
 * it names no change at all ("rid=000"), as slapd gives it for one that others overtook: the older one
 * just tells it again. It isn't in the server's own words: see sync.c. One that is too long is "", and the
 * next watch begins anew.
 */
int dendir_sync_read_state(const struct berval *value, struct dendir_sync_state *state, struct dendir_cookie *cookie);
int dendir_sync_read_info(const struct berval *value, struct dendir_sync_info *info, struct dendir_cookie *cookie);

#endif
