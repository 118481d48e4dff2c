#include "tools/denshi-directory/rebuild.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "directory/schema.h"
#include "directory/writer.h"
#include "tools/denshi-directory/local.h"
#include "tools/denshi-directory/migrate.h"
#include "tools/denshi-directory/slap.h"
#include "tools/server/network.h"
#include "tools/server/program.h"
#include "tools/server/set.h"
#include "tools/server/server.h"
#include "tools/server/tree.h"

struct rebuild {
	const struct run *run;
	char old[PATH_MAX], set[PATH_MAX]; /* the sets in use and to come */
	struct survey survey;
	struct configuration *before, *after;
	struct configuration_facts facts;
	/* found in the entries */
	unsigned version;
	char writer_name[DENDIR_SERVER_NAME_MAX + 1];
	int is_policy, is_writer; /* the entry that is being read */
	int in_use; /* the new one */
	struct migration migration;
	struct slap_writer writer;
};

/* -- what there is ------------------------------------------------------------------------------- */

/* cn=HOST,ou=hosts: a host, where they were outside the organisation. */
static int note_host(struct rebuild *u, const char *line)
{
	struct migration *m = &u->migration;
	char (*bigger)[DENDIR_HOST_NAME_MAX + 1];
	char name[DENDIR_HOST_NAME_MAX + 1], rest[16];

	if (sscanf(line, "dn: cn=%64[^,],%15s", name, rest) != 2 || strcmp(rest, "ou=hosts") != 0)
		return 0;
	bigger = m->nhosts < MIGRATE_HOSTS_MAX ? reallocarray(m->hosts, m->nhosts + 1, sizeof(*bigger)) : NULL;
	if (!bigger)
		return fail(u->run, DEN_SETUP_FILE, name, strerror(ENOMEM), NULL);
	m->hosts = bigger;
	memcpy(m->hosts[m->nhosts++], name, sizeof(name));
	return 0;
}

static int on_entry_line(void *context, const char *line, size_t len)
{
	struct rebuild *u = context;
	char policy[DENDIR_DN_SIZE], writer[DENDIR_DN_SIZE];

	(void)len;
	if (strncmp(line, "dn: ", 4) == 0) {
		snprintf(policy, sizeof(policy), "dn: cn=policy,o=%s\n", u->survey.organisation);
		snprintf(writer, sizeof(writer), "dn: " DENDIR_DN_WRITER ",o=%s\n", u->survey.organisation);
		u->is_policy = strcmp(line, policy) == 0;
		u->is_writer = strcmp(line, writer) == 0;
		return note_host(u, line);
	}
	if (u->is_policy)
		(void)sscanf(line, "denshiSchemaVersion: %9u", &u->version);
	if (u->is_writer)
		(void)sscanf(line, "denshiWriter: %64s", u->writer_name);
	return 0;
}

static int look(struct rebuild *u)
{
	char found[16], known[16];

	if (run_set_in_use(u->run, u->old) != 0 || survey_read(&u->survey, u->run, u->old) != 0)
		return -1;
	u->before = configuration_read(u->run, u->old);
	if (!u->before)
		return -1;
	if (configuration_facts(u->before, &u->facts) != 0)
		return fail(u->run, DEN_UPGRADE_FOREIGN, u->run->state, NULL);
	for (size_t i = 0; i < u->survey.ndatabases; i++)
		if (slap_read(u->run, u->old, u->survey.databases[i].number, on_entry_line, u) != 0)
			return -1;
	if (u->version <= DENDIR_SCHEMA_VERSION)
		return 0;
	snprintf(found, sizeof(found), "%u", u->version);
	snprintf(known, sizeof(known), "%d", DENDIR_SCHEMA_VERSION);
	return fail(u->run, DEN_DIRECTORY_NEWER, found, known, NULL);
}

/* -- the new configuration -------------------------------------------------------------------------- */

static int copy_from(struct rebuild *u, int from)
{
	char piece[4096];
	ssize_t n;
	int result = slap_write_start(&u->writer, u->run, u->set, 0);

	if (result == 0) {
		while ((n = read(from, piece, sizeof(piece))) > 0 && result == 0)
			result = slap_write(&u->writer, piece, (size_t)n);
		result |= slap_write_finish(&u->writer);
	}
	close(from);
	return result;
}

static int make_configuration(struct rebuild *u)
{
	const struct run *r = u->run;
	char unknown[TEMPLATE_NAME_SIZE], data[PATH_MAX], tls[PATH_MAX], log[PATH_MAX];
	struct config_values v = {.org = u->survey.organisation, .host = u->facts.host, .server = u->facts.server,
		.denshid = r->denshid_user, .signer = r->ca_user, .memory_kib = u->facts.memory_kib,
		.passes = u->facts.passes, .argon2id = access(LDAP_MODULES "/" LDAP_ARGON2ID ".so", R_OK) == 0,
		.data = data, .schema_dir = r->schema_dir,
		.tls_folder = set_in_use(r->state, NETWORK_TLS) ? tls : NULL,
		.peer = *u->facts.peer ? u->facts.peer : NULL, .peer_uri = u->facts.peer_uri,
		.number = u->facts.number, .log_data = log};
	int from;

	if (tree_path(data, u->set, "directory/data") != 0 || tree_path(tls, r->state, NETWORK_TLS) != 0 ||
		tree_path(log, u->set, "directory/log") != 0)
		return fail_file(r, u->set);
	from = config_fill(&v, unknown);
	if (from < 0)
		return *unknown ? fail(r, DEN_SETUP_TEMPLATE, CONFIG_TEMPLATE, unknown, NULL) :
				  fail_file(r, r->schema_dir);
	if (copy_from(u, from) != 0)
		return -1;
	u->after = configuration_read(r, u->set);
	return u->after ? 0 : -1;
}

static int make_set(struct rebuild *u)
{
	static const char *const folders[] = {"directory/config", "directory/data", "directory/log",
		"run"};
	const struct run *r = u->run;
	int locked = set_lock(r->state);

	if (locked > 0)
		return fail(r, DEN_SETUP_STATE_UNSAFE, r->state, NULL);
	if (locked < 0 || set_sweep(r->state) != 0 || set_make(r->state, u->set) != 0)
		return fail_file(r, r->state);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (tree_make_way(u->set, folders[i], &r->directory_user) != 0)
			return fail_file(r, u->set);
	return make_configuration(u);
}

/* -- the entries ---------------------------------------------------------------------------------------- */

static int on_copied_line(void *context, const char *line, size_t len)
{
	struct rebuild *u = context;

	return slap_write(&u->writer, line, len) == 0 ? 0 : slap_write_finish(&u->writer);
}

/* As they are; databases of before that aren't the organisation's are migrated. */
static int copy_entries(struct rebuild *u)
{
	for (size_t i = 0; i < u->survey.ndatabases; i++) {
		if (strncmp(u->survey.databases[i].suffix, "o=", 2) != 0)
			continue;
		if (slap_write_start(&u->writer, u->run, u->set, 1) != 0)
			return -1;
		if (slap_read(u->run, u->old, u->survey.databases[i].number, on_copied_line, u) != 0) {
			slap_write_finish(&u->writer);
			return -1;
		}
		return slap_write_finish(&u->writer);
	}
	return fail(u->run, DEN_SETUP_NOTHING, u->run->state, NULL);
}

static int migrate_entries(struct rebuild *u, rebuild_more *more, void *context)
{
	static struct server server; /* too much for a stack */
	struct migration *m = &u->migration;
	int result;

	if (server_start(&server, u->set, &u->run->directory_user, u->survey.organisation, u->facts.host) != 0)
		return fail(u->run, DEN_SETUP_PROGRAM_FAILED, "slapd", server.why, NULL);
	m->run = u->run;
	m->root = server.root;
	m->server = u->facts.server;
	m->from = u->version;
	result = migrate(m);
	if (result == 0 && more)
		result = more(context, server.root);
	if (server_stop(&server) != 0 && result == 0)
		result = fail(u->run, DEN_SETUP_PROGRAM_FAILED, "slapd", server.why, NULL);
	return result;
}

/* -- in use ------------------------------------------------------------------------------------------------- */

static int check_stopped(const struct rebuild *u)
{
	struct local local;
	int running = local_open(&local, u->run, u->survey.organisation) == DEN_OK;

	local_close(&local);
	return running || server_is_open(u->old) ? fail(u->run, DEN_SETUP_RUNNING, NULL) : 0;
}

static int commit(struct rebuild *u)
{
	static const char *const links[] = {"directory", NULL};
	char path[PATH_MAX];

	if (tree_path(path, u->set, "run") != 0 || set_discard(u->run->state, path) != 0 ||
		set_commit(u->run->state, u->set, links) != 0)
		return fail_file(u->run, u->run->state);
	u->in_use = 1;
	/* The set of before may still have the CA; its directory is of no more use. */
	if (tree_path(path, u->old, "directory") != 0 || set_discard(u->run->state, path) != 0 ||
		set_sweep(u->run->state) != 0)
		return fail_file(u->run, u->old);
	return 0;
}

/* -- the whole ------------------------------------------------------------------------------------------------ */

struct rebuild *rebuild_look(const struct run *r)
{
	struct rebuild *u = calloc(1, sizeof(*u));

	if (!u) {
		fail_file(r, r->state);
		return NULL;
	}
	u->run = r;
	u->writer.to = -1;
	if (look(u) == 0)
		return u;
	rebuild_done(u);
	return NULL;
}

struct configuration_facts *rebuild_facts(struct rebuild *u)
{
	return &u->facts;
}

const char *rebuild_organisation(const struct rebuild *u)
{
	return u->survey.organisation;
}

/* Of before there was one: the only server. */
int rebuild_is_writer(const struct rebuild *u)
{
	return !*u->writer_name || strcmp(u->writer_name, u->facts.server) == 0;
}

int rebuild_prepare(struct rebuild *u)
{
	return make_set(u);
}

int rebuild_is_due(const struct rebuild *u)
{
	return (u->version != DENDIR_SCHEMA_VERSION && rebuild_is_writer(u)) ||
		!configuration_equal(u->before, u->after);
}

static void tell_line(void *context, char sign, const char *dn, const char *line)
{
	const struct run *r = context;
	const char text[] = {sign, ' ', '\0'};

	say(r, DEN_UPGRADE_LINE, text, dn, line, NULL);
}

void rebuild_show(const struct rebuild *u)
{
	char from[16], to[16];

	snprintf(from, sizeof(from), "%u", u->version);
	snprintf(to, sizeof(to), "%d", DENDIR_SCHEMA_VERSION);
	configuration_compare(u->before, u->after, tell_line, (void *)(uintptr_t)u->run);
	say(u->run, DEN_UPGRADE_SHOW, u->survey.organisation, from, to, NULL);
}

int rebuild_finish(struct rebuild *u, rebuild_more *more, void *context)
{
	if (check_stopped(u) != 0)
		return -1;
	/* What the entries lack is added by the writer, and replicated. */
	if (copy_entries(u) != 0 || (rebuild_is_writer(u) && migrate_entries(u, more, context) != 0))
		return -1;
	/* What a server that was started meanwhile has taken isn't in the new set. */
	return check_stopped(u) == 0 ? commit(u) : -1;
}

void rebuild_done(struct rebuild *u)
{
	if (!u)
		return;
	if (*u->set && !u->in_use)
		(void)set_discard(u->run->state, u->set);
	configuration_free(u->before);
	configuration_free(u->after);
	free(u->migration.hosts);
	free(u);
}
