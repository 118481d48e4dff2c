/*
 * One connection to the directory under one identity, and the few operations
 * that all subjects are made of. Everything in this room returns an enum
 * den_code (core/text.h): DEN_OK, DEN_DIRECTORY_DOWN where the server can't be
 * reached or doesn't answer in time, DEN_DIRECTORY_FULL where it can't store any more, DEN_DIRECTORY_REFUSED where it says no (with
 * the server's words in dendir_diagnostic), or what the function names.
 *
 * Order of use: dendir_open_host once a thread, dendir_set_deadline for each
 * request, the subjects' functions, dendir_close.
 * Thread rule: one thread at a time per connection.
 */
#ifndef DENSHI_DIRECTORY_CONNECTION_H
#define DENSHI_DIRECTORY_CONNECTION_H

#include <stddef.h>
#include <stdint.h>

#include "core/loginid.h"
#include "core/secret.h"
#include "core/text.h"

#define DENDIR_DN_SIZE 256
#define DENDIR_ORG_SIZE 33
/* Longest time-out of one operation; a deadline may end it earlier. */
#define DENDIR_OPERATION_MS 3000

/* Longest time that opening takes for one URI: connection, TLS and the host's own bind. */
#define DENDIR_OPEN_MS 3000
/* Why a connection couldn't be opened, for the log. */
#define DENDIR_WHY_SIZE 256
#define DENDIR_URI_SIZE 256

struct dendir_follow;

/* Where the directory is and who asks. Strings belong to the caller and outlive every connection. */
struct dendir_site {
	const char *uri;    /* one or several, with blanks between, in the order in which they are tried;
			     * ldapi://%2Frun%2F..., ldaps://NAME or ldap://NAME (StartTLS), RFC 4516 */
	const char *writer; /* the server for reservations, passwords and changes; NULL or "": the first */
	const char *org;    /* name of the organisation; its suffix is o=NAME */
	const char *host;   /* this host's name, as it stands in records */
	/* PEM files, for the network: the CA of hosts and servers, the host's certificate and key */
	const char *tls_ca, *tls_certificate, *tls_key;
	struct dendir_follow *follow; /* where the writer is found out (writer.h); NULL: it isn't */
};

struct dendir;
struct dendir_entry;
struct dendir_mods;

/* At the writer, under the process's own identity: SASL EXTERNAL, by the kernel over ldapi, by
 * the host's certificate over TLS. *out is NULL on failure. */
enum den_code dendir_open(struct dendir **out, const struct dendir_site *site);

/* For reading only, at the first server of site->uri that answers. why: where none does. */
enum den_code dendir_open_any(struct dendir **out, const struct dendir_site *site, char why[DENDIR_WHY_SIZE]);

/* 1 where the connection is at the first server of the list; at the writer. */
int dendir_is_at_first(const struct dendir *d);
int dendir_is_at_writer(const struct dendir *d);
/* 1 where the first server of the list answers; takes DENDIR_OPEN_MS at most. */
int dendir_first_answers(const struct dendir_site *site);

/* 1 where the site needs no files, or they are there, and nobody else may change them (the key:
 * nor read). Otherwise why. */
int dendir_site_is_safe(const struct dendir_site *site, char why[DENDIR_WHY_SIZE]);

/*
 * A simple bind as dn, at the same server. The server would count a credential's, from nowhere: that is for the decoy.
 * DEN_LOGIN_WRONG where the server says invalidCredentials, without saying why.
 */
enum den_code dendir_open_as(struct dendir **out, struct dendir *like, const char *dn,
	const struct den_secret *password);

/* What an attempt met (slapd-denshi-guard(5)). */
struct dendir_tried {
	enum { DENDIR_UNTOLD, DENDIR_TRIED, DENDIR_LOCKED, DENDIR_OTHERS } state;
	unsigned taken;	  /* slots, its own among them */
	char latest[160]; /* the record of the latest failure before, from its time on; "": none */
};

/*
 * The same as a credential: the server counts it, from "HOST SERVICE RHOST" (printable ASCII, no blanks within). Only
 * credential.c calls it. *tried is DENDIR_UNTOLD where the server has no such entry, or none of it was answered. Results and
 * diagnostics are like's as well.
 */
enum den_code dendir_open_attempt(struct dendir **out, struct dendir *like, const char *dn,
	const struct den_secret *password, const char *from, struct dendir_tried *tried);

/* For dendir_open_as to begin with, in place of a new connection: as is closed, or d keeps it. d may be
 * NULL. Whose identity it has doesn't matter: nothing is asked on it before the next bind. */
void dendir_keep_spare(struct dendir *d, struct dendir *as);

/* Takes NULL. */
void dendir_close(struct dendir *d);

const struct dendir_site *dendir_site_of(const struct dendir *d);
/* The one of the site's URIs that the connection goes to. */
const char *dendir_uri(const struct dendir *d);

/* All operations from now on end by then: CLOCK_MONOTONIC in ms; 0: no deadline. */
void dendir_set_deadline(struct dendir *d, int64_t monotonic_ms);

/* What the server said of the last failure, for the log and as an argument of
 * DEN_DIRECTORY_REFUSED. Never a password. Valid until the next operation. */
const char *dendir_diagnostic(const struct dendir *d);
/* The LDAP result code of the last operation (RFC 4511, appendix A). */
int dendir_result(const struct dendir *d);
/* What was said of a failure, over operations that only tidy up after it. */
struct dendir_said {
	int result;
	char diagnostic[256];
};
void dendir_keep(const struct dendir *d, struct dendir_said *said);
void dendir_recall(struct dendir *d, const struct dendir_said *said);
/* 1 where the connection is of no further use (the server is gone): close it. */
int dendir_is_broken(const struct dendir *d);
/* 1 where the server has hung up while nothing was asked: a connection that was kept
 * for later is looked at before it is used. No round trip. */
int dendir_is_stale(const struct dendir *d);

/* -- names and filters --------------------------------------------------------- */

/* DNs of the DIT (docs/architecture.md). Names are checked by their readers
 * (core/loginid.h, dendir_name_is_plain), so nothing needs escaping. buf of DENDIR_DN_SIZE; returns it. */
char *dendir_dn(char *buf, const struct dendir *d, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
#define DENDIR_DN_PEOPLE "uid=%s,ou=people"
#define DENDIR_DN_APPROVAL "cn=approval,uid=%s,ou=people"
#define DENDIR_DN_PREPARED "uid=%s,ou=prepared"

/* The directory's administrator: root on its machine, by the local socket. */
#define DENDIR_DN_ROOT "gidNumber=0+uidNumber=0,cn=peercred,cn=external,cn=auth"

/* The login ID within a DN made by DENDIR_DN_PEOPLE or DENDIR_DN_APPROVAL; "" where there is none. */
void dendir_login_of_dn(char login[DEN_LOGIN_ID_SIZE], const char *dn);

/* 1 for names of businesses, accounts, requests, organisations: 1 to 32 of a-z 0-9 and - within. */
int dendir_name_is_plain(const char *name);

/* A new random name, lower-case letters and digits, for requests and grants. buf of 12. */
char *dendir_random_name(char buf[12], const char *prefix);

/* An LDAP filter from a template in which each %s is replaced by an escaped
 * argument (RFC 4515). buf of size; NULL where it doesn't fit. */
char *dendir_filter(char *buf, size_t size, const char *template, ...);

/* A filter for the entries whose uid is one of n login IDs; NULL for more than DENDIR_USERS_MAX. */
#define DENDIR_USERS_MAX 64
#define DENDIR_LOGINS_FILTER_SIZE (DENDIR_USERS_MAX * (DEN_LOGIN_ID_SIZE + 6) + 4)
char *dendir_logins_filter(char buf[DENDIR_LOGINS_FILTER_SIZE], const char (*logins)[DEN_LOGIN_ID_SIZE], size_t n);

/* Generalized time, "20261124031500Z", and back; -1 for what isn't one. */
#define DENDIR_TIME_SIZE 16
char *dendir_time(char buf[DENDIR_TIME_SIZE], int64_t t);
int64_t dendir_parse_time(const char *text);

/* -- reading ------------------------------------------------------------------------ */

/* Called for each entry; non-zero ends the search (it then returns DEN_OK). */
typedef int dendir_each(void *context, struct dendir_entry *entry);

enum dendir_scope { DENDIR_BASE, DENDIR_ONE, DENDIR_SUBTREE };

/* filter NULL: all; attributes: NULL-terminated, NULL: all user attributes. An
 * absent base is DEN_OK with no entry. */
enum den_code dendir_search(struct dendir *d, const char *base, enum dendir_scope scope,
	const char *filter, const char *const *attributes, dendir_each *each, void *context);

const char *dendir_entry_dn(struct dendir_entry *e);
/* First value, or "" where there is none; valid during the callback. */
const char *dendir_entry_string(struct dendir_entry *e, const char *attribute);
/* Value number i as bytes, NULL at the end. */
const void *dendir_entry_value(struct dendir_entry *e, const char *attribute, size_t i, size_t *len);
/* Every attribute of an entry that was searched for, but `except`, as additions. */
struct dendir_mods;
void dendir_entry_copy(struct dendir_entry *e, struct dendir_mods *m, const char *except);
int64_t dendir_entry_number(struct dendir_entry *e, const char *attribute, int64_t otherwise);

/* -- writing ------------------------------------------------------------------------------ */

enum dendir_mod { DENDIR_ADD, DENDIR_DELETE, DENDIR_REPLACE };

/* A list of changes; dendir_mods_free takes NULL and wipes. A NULL list (no
 * memory) is taken by all functions and fails in dendir_add and dendir_modify. */
struct dendir_mods *dendir_mods_new(void);
void dendir_mods_free(struct dendir_mods *m);
void dendir_mods_put(struct dendir_mods *m, enum dendir_mod op, const char *attribute, const char *value);
void dendir_mods_put_bytes(struct dendir_mods *m, enum dendir_mod op, const char *attribute,
	const void *bytes, size_t len);
void dendir_mods_put_number(struct dendir_mods *m, enum dendir_mod op, const char *attribute, int64_t n);
/* The whole attribute goes (or all values are replaced by none: an absent one is no error). */
void dendir_mods_drop(struct dendir_mods *m, const char *attribute);

/* Add: every put is a value of the new entry. */
enum den_code dendir_add(struct dendir *d, const char *dn, struct dendir_mods *m);
enum den_code dendir_modify(struct dendir *d, const char *dn, struct dendir_mods *m);
/* The same where the entry matches filter, decided in the same operation (RFC 4528);
 * otherwise refused, and dendir_result is LDAP_ASSERTION_FAILED. */
enum den_code dendir_modify_if(struct dendir *d, const char *dn, const char *filter, struct dendir_mods *m);
/* The same, and the entry as it is afterwards, in the same operation (RFC 4527 post-read). */
enum den_code dendir_modify_read(struct dendir *d, const char *dn, struct dendir_mods *m,
	const char *const *attributes, dendir_each *each, void *context);
/* What the directory's clock shows, by the last such change since this was asked, where modifyTimestamp
 * was among the attributes; 0 where there was none. */
int64_t dendir_told_time(struct dendir *d);
enum den_code dendir_delete(struct dendir *d, const char *dn);
enum den_code dendir_move(struct dendir *d, const char *dn, const char *rdn, const char *parent);

/* RFC 3062; the directory hashes. dn NULL: the bound identity's own. */
enum den_code dendir_set_password(struct dendir *d, const char *dn, const struct den_secret *password);

/* -- watching -------------------------------------------------------------------------------- */

/* Where a watch stands, in the server's words; "" at the beginning. */
#define DENDIR_COOKIE_SIZE 1024
struct dendir_cookie {
	char text[DENDIR_COOKIE_SIZE];
};

/*
 * RFC 4533, refresh and persist: what is below base now, or, with a cookie, what has changed
 * since; then each change. uuid: entryUUID, 16 bytes. changed: added or modified, gone: deleted,
 * present: still there as it was. refreshed is called once, when all there was has been told;
 * others_gone: entries that were neither changed nor present since the start don't exist any more.
 * Each returns 0, or non-zero to end the watch; all but changed may be NULL. idle is called after
 * each message and at least once a second. Each may ask questions on d; where one is not answered,
 * the watch ends as well: a server that is there and silent is lost, as one that has hung up.
 */
struct dendir_watcher {
	int (*changed)(void *context, const unsigned char *uuid, struct dendir_entry *entry);
	int (*gone)(void *context, const unsigned char *uuid);
	int (*present)(void *context, const unsigned char *uuid);
	int (*refreshed)(void *context, int others_gone);
	int (*idle)(void *context);
	void *context;
};

/*
 * Runs until a callback ends it (DEN_OK), the server is lost (DEN_DIRECTORY_DOWN) or refuses, such
 * as a cookie that it can't make use of (DEN_DIRECTORY_REFUSED). *cookie is moved on before each
 * call of refreshed, and of those after it: it covers what that call tells. NULL: everything is told,
 * and the place not kept.
 */
enum den_code dendir_watch(struct dendir *d, const char *base, const char *filter,
	const char *const *attributes, struct dendir_cookie *cookie, const struct dendir_watcher *watcher);

#endif
