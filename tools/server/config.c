#include "tools/server/config.h"

#include <limits.h>
#include <stdio.h>

#include "directory/schema.h"
#include "tools/server/program.h"
#include "tools/server/tree.h"

/* Address space, not disk: 100,000 users took 167 MB. */
#define MAP_SIZE "4294967296"

/* The clauses that the access rules are made of; the template says what they mean. */
struct clauses {
	char host[128], signer[128], writer[256], approval[128], master[256], own_request[256];
};

#define ACTIVE "set=\"(user/denshiState | user/-1/denshiState) & [active]\""

static void write_clauses(struct clauses *c, const char *org, const char *server)
{
	snprintf(c->host, sizeof(c->host), "group/denshiHosts/member=\"cn=hosts,ou=services,o=%s\"", org);
	snprintf(c->signer, sizeof(c->signer), "dn.exact=\"cn=denshi-ca,ou=services,o=%s\"", org);
	snprintf(c->writer, sizeof(c->writer), "set=\"([cn=writer,o=%s])" CONFIG_SERVER_BEFORE "%s]\"", org, server);
	snprintf(c->approval, sizeof(c->approval), "dn.regex=\"^cn=approval,uid=[^,+]+,ou=people,o=%s$\"", org);
	/* The same without a regular expression, which slapd compiles for each attribute of each
	 * write: half of a user update's time. A set has no "and": role, state and the whole
	 * name, which must be cn=approval below that master, are joined to one word. */
	snprintf(c->master, sizeof(c->master),
		"dn.level{2}=\"ou=people,o=%s\" set=\"(user/-1/denshiRole + user/-1/denshiState + "
		"(user & ([cn=approval,] + user/-1))) & ([masteractive] + user)\"",
		org);
	snprintf(c->own_request, sizeof(c->own_request),
		"set=\"(((user/-1 & this/denshiMaker)/denshiState) + (([cn=] + this/denshiBusiness + "
		"[,ou=businesses,o=%s])/denshiSelfApproval)) & [activeFALSE]\"",
		org);
}

int config_fill(const struct config_values *v, char unknown[TEMPLATE_NAME_SIZE])
{
	const unsigned values[] = {v->denshid.uid, v->denshid.gid, v->signer.uid, v->signer.gid, v->memory_kib,
		v->passes};
	char numbers[sizeof(values) / sizeof(values[0])][16], schema[PATH_MAX];
	struct clauses clauses;
	const struct template_value filled[] = {{"ORG", v->org}, {"HOSTNAME", v->host},
		{"DENSHID_UID", numbers[0]}, {"DENSHID_GID", numbers[1]}, {"CA_UID", numbers[2]},
		{"CA_GID", numbers[3]}, {"ARGON2_M", numbers[4]}, {"ARGON2_T", numbers[5]},
		{"ARGON2", v->argon2id ? LDAP_ARGON2ID : LDAP_ARGON2}, {"MODULEPATH", LDAP_MODULES},
		{"SCHEMADIR", LDAP_SCHEMA}, {"DENSHI_SCHEMA", schema}, {"DATADIR", v->data},
		{"HOST", clauses.host}, {"HOST_WRITES", clauses.host}, {"SIGNER", clauses.signer},
		{"WRITER", clauses.writer}, {"APPROVAL", clauses.approval}, {"MASTER", clauses.master},
		{"OWN_REQUEST", clauses.own_request}, {"ACTIVE", ACTIVE}, {"MAXSIZE", MAP_SIZE},
		/* a comment, where there is no network */
		{"NETWORK", v->tls_folder ? "" : "# "},
		/* a comment, where there is no other server */
		{"PAIR", v->peer ? "" : "# "}, {"PEER", v->peer ? v->peer : ""},
		{"PEER_URI", v->peer_uri ? v->peer_uri : ""}, {"NUMBER", v->number == 2 ? "2" : "1"},
		{"LOG_DATADIR", v->log_data ? v->log_data : ""},
		{"TLS_FOLDER", v->tls_folder ? v->tls_folder : ""}, {NULL, NULL}};

	unknown[0] = '\0';
	if (tree_path(schema, v->schema_dir, "denshi.ldif") != 0)
		return -1;
	write_clauses(&clauses, v->org, v->server);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		snprintf(numbers[i], sizeof(numbers[i]), "%u", values[i]);
	return template_fill(v->schema_dir, CONFIG_TEMPLATE, filled, unknown);
}

int config_fill_entries(const struct config_entries *v, const char *schema_dir,
	char unknown[TEMPLATE_NAME_SIZE])
{
	char uid[16], gid[16], version[16];
	const struct template_value filled[] = {{"ORG", v->org}, {"ORGNAME", v->org_name}, {"LANG", v->lang},
		{"FIRST_UID", uid}, {"FIRST_GID", gid}, {"SCHEMA_VERSION", version}, {"SERVER", v->server},
		{NULL, NULL}};

	snprintf(uid, sizeof(uid), "%u", v->first_uid);
	snprintf(gid, sizeof(gid), "%u", v->first_gid);
	snprintf(version, sizeof(version), "%d", DENDIR_SCHEMA_VERSION);
	return template_fill(schema_dir, CONFIG_ENTRIES_TEMPLATE, filled, unknown);
}
