#include "tools/denshi-directory/migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "directory/schema.h"
#include "tools/server/config.h"

/* RFC 4511, appendix A */
#define VALUE_EXISTS 20
#define ALREADY_EXISTS 68

static int refused(const struct migration *m, const char *dn)
{
	return fail(m->run, DEN_SETUP_ENTRY, dn, dendir_diagnostic(m->root), NULL);
}

/* -- version 0: hosts in a tree of their own ------------------------------------------------- */

static int add_host(struct migration *m, const char *name)
{
	struct dendir_host host = {0};
	enum den_code code;

	snprintf(host.name, sizeof(host.name), "%.64s", name);
	if (dencrypt_random_id(host.id, sizeof(host.id)) != DENCRYPT_OK)
		return fail_file(m->run, name);
	code = dendir_host_add(m->root, &host);
	return code == DEN_OK || code == DEN_HOST_EXISTS ? 0 : refused(m, name);
}

static int move_hosts(struct migration *m)
{
	char dn[DENDIR_DN_SIZE];

	/* The signer stood among them; it has a place below ou=services now. */
	if (dendir_delete(m->root, dendir_dn(dn, m->root, "cn=denshi-ca,ou=hosts")) == DEN_DIRECTORY_DOWN)
		return refused(m, dn);
	for (size_t i = 0; i < m->nhosts; i++)
		if (add_host(m, m->hosts[i]) != 0)
			return -1;
	return 0;
}

/* organisation.ldif says why; what an administrator has set stays. */
static int date_passwords(struct migration *m)
{
	struct dendir_mods *mods = dendir_mods_new();
	char dn[DENDIR_DN_SIZE];
	enum den_code code;

	dendir_mods_put(mods, DENDIR_ADD, "pwdMaxAge", "2147483647");
	code = dendir_modify(m->root, dendir_dn(dn, m->root, "cn=login,ou=policies"), mods);
	dendir_mods_free(mods);
	return code == DEN_OK || dendir_result(m->root) == VALUE_EXISTS ? 0 : refused(m, dn);
}

static int from_0(struct migration *m)
{
	return move_hosts(m) == 0 ? date_passwords(m) : -1;
}

static int (*const steps[])(struct migration *) = {from_0};
_Static_assert(sizeof(steps) / sizeof(steps[0]) == DENDIR_SCHEMA_VERSION, "a step for each version");

/* -- entries that every organisation has --------------------------------------------------------- */

struct adding {
	struct migration *m;
	char dn[DENDIR_DN_SIZE];
	struct dendir_mods *mods;
};

/* What is there stays as it is. */
static int end_entry(struct adding *a)
{
	enum den_code code = DEN_OK;

	if (a->mods)
		code = dendir_add(a->m->root, a->dn, a->mods);
	dendir_mods_free(a->mods);
	a->mods = NULL;
	if (code == DEN_OK || dendir_result(a->m->root) == ALREADY_EXISTS)
		return 0;
	return refused(a->m, a->dn);
}

static int take_line(struct adding *a, char *line)
{
	char *value;

	line[strcspn(line, "\n")] = '\0';
	if (*line == '#')
		return 0;
	if (!*line)
		return end_entry(a);
	value = strstr(line, ": ");
	if (!value)
		return fail(a->m->run, DEN_SETUP_TEMPLATE, CONFIG_ENTRIES_TEMPLATE, line, NULL);
	*value = '\0';
	value += 2;
	if (strcmp(line, "dn") == 0) {
		snprintf(a->dn, sizeof(a->dn), "%s", value);
		a->mods = dendir_mods_new();
	} else {
		dendir_mods_put(a->mods, DENDIR_ADD, line, value);
	}
	return 0;
}

static int add_missing(struct migration *m)
{
	/* The organisation and its settings are there: what stands in them isn't asked here. */
	const struct config_entries entries = {.org = dendir_site_of(m->root)->org, .org_name = "-",
		.lang = "en", .first_uid = 1, .first_gid = 1, .server = m->server};
	char unknown[TEMPLATE_NAME_SIZE], *line = NULL;
	struct adding a = {.m = m};
	size_t size = 0;
	int fd = config_fill_entries(&entries, m->run->schema_dir, unknown), result = 0;
	FILE *in = fd >= 0 ? fdopen(fd, "r") : NULL;

	if (!in) {
		if (*unknown)
			return fail(m->run, DEN_SETUP_TEMPLATE, CONFIG_ENTRIES_TEMPLATE, unknown, NULL);
		return fail_file(m->run, m->run->schema_dir);
	}
	while (result == 0 && getline(&line, &size, in) > 0)
		result = take_line(&a, line);
	if (result == 0)
		result = end_entry(&a);
	dendir_mods_free(a.mods);
	free(line);
	fclose(in);
	return result;
}

/* -- all of it ---------------------------------------------------------------------------------------- */

static int store_version(struct migration *m)
{
	struct dendir_mods *mods = dendir_mods_new();
	char dn[DENDIR_DN_SIZE];
	enum den_code code;

	dendir_mods_put_number(mods, DENDIR_REPLACE, "denshiSchemaVersion", DENDIR_SCHEMA_VERSION);
	code = dendir_modify(m->root, dendir_dn(dn, m->root, "cn=policy"), mods);
	dendir_mods_free(mods);
	return code == DEN_OK ? 0 : refused(m, dn);
}

int migrate(struct migration *m)
{
	if (add_missing(m) != 0)
		return -1;
	for (unsigned v = m->from; v < DENDIR_SCHEMA_VERSION; v++)
		if (steps[v](m) != 0)
			return -1;
	/* Last: it says that all of it is done. */
	return m->from == DENDIR_SCHEMA_VERSION ? 0 : store_version(m);
}
