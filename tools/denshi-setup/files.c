/* The set: its folders, cn=config and the first entries, the CA; putting it in use and out of it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crypto/ca.h"
#include "tools/denshi-setup/setup.h"
#include "tools/server/child.h"
#include "tools/server/config.h"
#include "tools/server/network.h"
#include "tools/server/program.h"
#include "tools/server/set.h"
#include "tools/server/tree.h"

#define SLAPADD_MS 60000

int files_in_use(const struct setup *s)
{
	return set_in_use(s->state, "directory");
}

static int failed(const struct setup *s, const char *path)
{
	return fail(s, DEN_SETUP_FILE, path, strerror(errno), NULL);
}

/* -- slapadd ------------------------------------------------------------------------------- */

/* Fills database number n from the descriptor `from`, which is closed. */
static int slapadd(const struct setup *s, const char *config, const char *n, int from)
{
	char *const argv[] = {(char *)PROGRAM_SLAPADD, (char *)"-n", (char *)n, (char *)"-F", (char *)config, NULL};
	char text[512];
	struct child c;
	int result;

	if (from < 0)
		return -1;
	if (child_start(&c, argv, &s->directory_user, from) != 0) {
		close(from);
		return fail(s, DEN_SETUP_PROGRAM_FAILED, "slapadd", strerror(errno), NULL);
	}
	close(from);
	result = child_finish(&c, SLAPADD_MS);
	child_said(&c, text, sizeof(text));
	return result == 0 ? 0 : fail(s, DEN_SETUP_PROGRAM_FAILED, "slapadd", text, NULL);
}

/* Why a template couldn't be filled in: unknown, or errno. */
static int refuse_template(const struct setup *s, const char *file, const char *unknown)
{
	char path[PATH_MAX];
	int saved = errno;

	snprintf(path, sizeof(path), "%s/%s", s->schema_dir, file);
	if (*unknown)
		return fail(s, DEN_SETUP_TEMPLATE, path, unknown, NULL);
	return fail(s, DEN_SETUP_FILE, path, strerror(saved), NULL);
}

static int add_config(const struct setup *s, const char *config)
{
	char unknown[TEMPLATE_NAME_SIZE], data[PATH_MAX], tls[PATH_MAX];
	const struct config_values v = {.org = s->org, .host = s->host, .server = s->host,
		.denshid = s->denshid_user, .signer = s->ca_user, .memory_kib = s->memory_kib,
		.passes = s->passes, .argon2id = s->argon2id, .data = data, .schema_dir = s->schema_dir,
		.tls_folder = s->network ? tls : NULL};
	int from;

	if (tree_path(data, s->set, "directory/data") != 0 || tree_path(tls, s->state, NETWORK_TLS) != 0)
		return failed(s, s->set);
	from = config_fill(&v, unknown);
	return from < 0 ? refuse_template(s, CONFIG_TEMPLATE, unknown) : slapadd(s, config, "0", from);
}

static int add_organisation(const struct setup *s, const char *config)
{
	const struct config_entries entries = {.org = s->org, .org_name = s->org_name,
		.lang = den_lang_name(s->org_lang), .first_uid = s->first_uid, .first_gid = s->first_gid,
		.server = s->host};
	char unknown[TEMPLATE_NAME_SIZE];
	int from = config_fill_entries(&entries, s->schema_dir, unknown);

	return from < 0 ? refuse_template(s, CONFIG_ENTRIES_TEMPLATE, unknown) : slapadd(s, config, "1", from);
}

/* -- the set ------------------------------------------------------------------------------------- */

static int make_folders(const struct setup *s)
{
	static const char *const names[] = {"directory", "directory/config", "directory/data",
		"run"};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (tree_path(path, s->set, names[i]) != 0 || tree_make(path, &s->directory_user) != 0)
			return fail(s, DEN_SETUP_FILE, path, strerror(errno), NULL);
	return 0;
}

int files_lock(const struct setup *s)
{
	int result = set_lock(s->state);

	if (result > 0)
		return fail(s, DEN_SETUP_STATE_UNSAFE, s->state, NULL);
	return result == 0 ? 0 : failed(s, s->state);
}

int files_make(struct setup *s)
{
	char config[PATH_MAX];

	if (set_make(s->state, s->set) != 0)
		return failed(s, s->state);
	if (make_folders(s) != 0 || tree_path(config, s->set, "directory/config") != 0)
		return -1;
	if (add_config(s, config) != 0)
		return -1;
	return add_organisation(s, config);
}

/* -- the CA ------------------------------------------------------------------------------------------ */

static int hand_over(const char *folder, const struct unix_user *user)
{
	static const char *const names[] = {"ca.key", "ca.pem", ""};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (tree_path(path, folder, names[i]) != 0 || lchown(path, user->uid, user->gid) != 0)
			return -1;
	return 0;
}

int files_make_ca(struct setup *s)
{
	static const struct unix_user root = {0, 0};
	char folder[PATH_MAX];
	struct dencrypt_ca *ca = NULL;
	enum dencrypt_result r;
	int result = -1;

	if (tree_path(folder, s->set, "ca") != 0 || tree_make(folder, &root) != 0)
		return fail(s, DEN_SETUP_FILE, folder, strerror(errno), NULL);
	r = dencrypt_ca_make(s->org, DENCRYPT_EC_P384, time(NULL), &ca);
	if (r == DENCRYPT_OK)
		r = dencrypt_certificate_der(dencrypt_ca_certificate(ca), &s->ca_der);
	if (r == DENCRYPT_OK)
		r = dencrypt_ca_save(ca, folder);
	if (r != DENCRYPT_OK)
		fail(s, DEN_SETUP_FILE, folder, r == DENCRYPT_IO ? strerror(errno) : dencrypt_text(r), NULL);
	else if (hand_over(folder, &s->ca_user) != 0)
		fail(s, DEN_SETUP_FILE, folder, strerror(errno), NULL);
	else
		result = 0;
	dencrypt_ca_free(ca);
	return result;
}

/* -- the network -------------------------------------------------------------------------------------- */

int files_make_network(struct setup *s)
{
	static const char *const links[] = {NETWORK_CA, NETWORK_TLS, NULL};
	struct dencrypt_ca *ca = NULL;
	enum dencrypt_result r;

	if (!s->network)
		return 0;
	r = network_make_ca(s->set, s->org, &ca);
	if (r == DENCRYPT_OK)
		r = network_make_server(s->set, ca, s->org, s->host, s->port, &s->directory_user);
	dencrypt_ca_free(ca);
	if (r != DENCRYPT_OK)
		return fail(s, DEN_SETUP_FILE, s->set, r == DENCRYPT_IO ? strerror(errno) : dencrypt_text(r), NULL);
	return set_commit(s->state, s->set, links) == 0 ? 0 : failed(s, s->state);
}

/* -- in use and out of it ------------------------------------------------------------------------------- */

int files_commit(struct setup *s)
{
	static const char *const links[] = {"ca", "directory", NULL};
	char run[PATH_MAX];

	if (tree_path(run, s->set, "run") == 0 && set_discard(s->state, run) == 0 &&
		set_commit(s->state, s->set, links) == 0)
		return 0;
	return failed(s, s->state);
}

void files_discard(struct setup *s)
{
	if (*s->set)
		files_sweep(s);
	s->set[0] = '\0';
}

/* `directory` first: without it the others are of no use. */
static int unlink_all(const struct setup *s)
{
	static const char *const links[] = {"directory", "ca", NETWORK_CA, NETWORK_TLS};

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (set_unlink(s->state, links[i]) != 0)
			return -1;
	return 0;
}

void files_sweep(const struct setup *s)
{
	if (unlink_all(s) == 0)
		(void)set_sweep(s->state);
}

int files_remove(struct setup *s)
{
	return unlink_all(s) == 0 && set_sweep(s->state) == 0 ? 0 : failed(s, s->state);
}
