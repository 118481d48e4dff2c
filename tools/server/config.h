/*
 * The cn=config of an organisation's slapd, out of the template directory.ldif.in:
 * the same for who makes one and who compares one.
 */
#ifndef DENSHI_SERVER_CONFIG_H
#define DENSHI_SERVER_CONFIG_H

#include "tools/server/child.h"
#include "tools/server/template.h"

#define CONFIG_TEMPLATE "directory.ldif.in"
#define CONFIG_ENTRIES_TEMPLATE "organisation.ldif.in"

/* Where a server's own name stands in its access rules, up to a bracket. */
#define CONFIG_SERVER_BEFORE "/denshiWriter & ["

struct config_values {
	const char *org;
	const char *host;   /* this machine's denshid */
	const char *server; /* this directory server, as cn=writer names it */
	struct unix_user denshid, signer;
	unsigned memory_kib, passes; /* cost of a password's hash */
	int argon2id; /* slapd's module for it is here */
	const char *data; /* folder of the database */
	const char *tls_folder; /* of the server's key and certificates; NULL: no network */
	const char *schema_dir; /* of the template and the schema */
	/* one of two servers: the other's name and URI, this one's number (1 or 2) and where the
	 * log of changes is; peer NULL: the only one */
	const char *peer, *peer_uri, *log_data;
	unsigned number;
};

/* LDIF for slapadd -n 0, as a descriptor at its start. -1 as template_fill. */
int config_fill(const struct config_values *v, char unknown[TEMPLATE_NAME_SIZE]);

/* The first entries of an organisation. */
struct config_entries {
	const char *org, *org_name, *lang, *server;
	unsigned first_uid, first_gid;
};

/* LDIF for slapadd -n 1; otherwise as config_fill. */
int config_fill_entries(const struct config_entries *v, const char *schema_dir,
	char unknown[TEMPLATE_NAME_SIZE]);

#endif
