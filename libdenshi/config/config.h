/*
 * /etc/denshi/denshi.conf (denshi.conf(5)): one reader for denshid, denshi-ca and
 * denshi-setup. The syntax is libconfig's; which settings there are, of what kind
 * and within what limits is a table in config.c. A wrong line stops the program
 * that reads it (R-ALL-5).
 *
 * Thread rule: pure functions, no state.
 */
#ifndef DENSHI_CONFIG_CONFIG_H
#define DENSHI_CONFIG_CONFIG_H

#include <stddef.h>

#define DEN_CONFIG_PATH "/etc/denshi/denshi.conf"
/* Enough for every message of den_config_read, paths included. */
#define DEN_CONFIG_ERROR_SIZE 1024

struct den_config {
	char organisation[33]; /* its suffix is o=NAME; the one setting without a default */
	char uri[1024];	       /* of the directory: ldapi://, ldaps:// or ldap:// (StartTLS), one or several */
	char writer[256];      /* the one that takes changes and passwords; "": the first of uri */
	char tls_ca[256];      /* PEM: the CA of hosts and directory servers */
	char tls_certificate[256], tls_key[256]; /* PEM: this host's */
	char host[65];	       /* this host's name, lower case; by default gethostname(2), which has no longer ones */
	char socket[108];      /* of denshid */
	char snapshot[256];    /* the file that NSS reads */
	char ca_state[256];    /* folder of denshi-ca's key and certificate */
	char language[3];      /* "ja" or "en", where neither the user nor the organisation has one */
	char approval_services[256]; /* users of this machine whose services may use approvals, as root's may */
	char notice_program[256]; /* that tells approvers of a request (denshi-notice(8)); "": none */
	unsigned notice_seconds;  /* that it may take */
	unsigned workers;      /* threads of denshid that ask the directory */
	int enumerate;	       /* 1: getent without a name lists the published users */
	unsigned uid_floor, gid_floor; /* nothing below is ever published on this host */
	unsigned max_drop;	       /* per cent of the users that may go at once, unasked */
	unsigned certificate_days;     /* validity of a client certificate (R-CERT-3) */
};

/* All defaults; host is this machine's name, organisation is "". */
void den_config_defaults(struct den_config *c);

/*
 * Reads path. 0, or -1 with a sentence in error (at most size bytes) that names file,
 * line, setting, what was found and what is allowed, in the language of the
 * environment; *c then holds the defaults. The file must be a regular one that
 * belongs to root or to the caller and that nobody else may write: whoever writes
 * it decides where passwords are sent.
 */
int den_config_read(struct den_config *c, const char *path, char *error, size_t size);

/* The same of a file that needn't be whole, or there at all: a text that it doesn't set is "", without its default. */
int den_config_read_part(struct den_config *c, const char *path, char *error, size_t size);

/* 1 where the two differ in nothing but what a running denshid takes over: enumerate, uid_floor,
 * gid_floor, max_drop. */
int den_config_reloads(const struct den_config *running, const struct den_config *fresh);

/* 1 where text is allowed for the setting called name; for programs that take it elsewhere too. */
int den_config_allows(const char *name, const char *text);

#endif
