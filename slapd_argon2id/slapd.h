/*
 * The few things of slapd that a password module needs. Debian ships no headers of
 * slapd; this is its exported interface as in OpenLDAP 2.4, 2.5 and 2.6
 * (include/lutil.h; servers/slapd/root_dse.c, servers/slapd/module.c for init_module). The symbols are found in
 * the slapd that loads the module, so nothing is linked for them.
 */
#ifndef DENSHI_SLAPD_ARGON2ID_SLAPD_H
#define DENSHI_SLAPD_ARGON2ID_SLAPD_H

#include <lber.h>

/* What a check or a hash function returns. */
#define LUTIL_PASSWD_OK 0
#define LUTIL_PASSWD_ERR (-1)

/* Checks cred against passwd, the stored value without its {SCHEME}. */
typedef int lutil_passwd_check(const struct berval *scheme, const struct berval *passwd,
	const struct berval *cred, const char **text);

/* Makes *passwd, with {SCHEME}, of cred; slapd frees passwd->bv_val (ber_memalloc). */
typedef int lutil_passwd_make(const struct berval *scheme, const struct berval *cred, struct berval *passwd,
	const char **text);

/* The scheme must outlive slapd. The one added last is the one that is used. */
int lutil_passwd_add(struct berval *scheme, lutil_passwd_check *check, lutil_passwd_make *make);

/* An OID that the root DSE shows among supportedFeatures from then on; copied. 0 or -1. */
int supported_feature_load(struct berval *oid);

/* slapd calls it once, before it serves; not 0: the module isn't loaded. */
int init_module(int argc, char *argv[]);

#endif
