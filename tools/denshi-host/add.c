/* denshi host add: a host's key and certificate, in a file for it; its entry. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crypto/digest.h"
#include "directory/writer.h"
#include "tools/denshi-host/host.h"
#include "tools/server/joinfile.h"
#include "tools/server/network.h"
#include "tools/server/tree.h"

struct making {
	struct host_run *r;
	struct dendir_host host;
	struct dencrypt_ca *ca;
	struct joinfile file; /* ca is that of the CA above */
	char passphrase[JOINFILE_PASSPHRASE_SIZE];
	char path[PATH_MAX];
};

static int fail_crypto(const struct host_run *r, const char *path, enum dencrypt_result why)
{
	return fail(r, DEN_SETUP_FILE, path, why == DENCRYPT_IO ? strerror(errno) : dencrypt_text(why), NULL);
}

static int find_network(struct making *m)
{
	char folder[PATH_MAX], servers[sizeof(m->file.uri)];
	enum dencrypt_result why;

	if (m->r->uri)
		snprintf(m->file.uri, sizeof(m->file.uri), "%s", m->r->uri);
	else if (network_uri(m->r->state, m->file.uri, sizeof(m->file.uri)) != 0)
		return fail(m->r, DEN_HOST_NO_NETWORK, NULL);
	/* Where there are two servers, the directory knows both. */
	else if (dendir_server_uris(m->r->d, servers, sizeof(servers)) == DEN_OK && *servers)
		snprintf(m->file.uri, sizeof(m->file.uri), "%s", servers);
	if (tree_path(folder, m->r->state, NETWORK_CA) != 0)
		return fail(m->r, DEN_SETUP_FILE, m->r->state, strerror(errno), NULL);
	why = dencrypt_ca_load(folder, &m->ca);
	if (why == DENCRYPT_IO && errno == ENOENT)
		return fail(m->r, DEN_HOST_NO_NETWORK, NULL);
	return why == DENCRYPT_OK ? 0 : fail_crypto(m->r, folder, why);
}

static int check_unknown(struct making *m)
{
	struct dendir_host there;
	enum den_code code = dendir_host_read(m->r->d, m->host.name, &there);

	if (code == DEN_HOST_UNKNOWN)
		return 0;
	return fail_directory(m->r, code == DEN_OK ? DEN_HOST_EXISTS : code, m->host.name);
}

/* The file comes first: without the entry it is worth nothing, and the entry would be
 * worth nothing without the file. */
static int make_file(struct making *m)
{
	struct joinfile *f = &m->file;
	enum dencrypt_result why = dencrypt_random_id(m->host.id, sizeof(m->host.id));

	if (why == DENCRYPT_OK)
		why = joinfile_passphrase(m->passphrase);
	if (why == DENCRYPT_OK)
		why = dencrypt_key_make(DENCRYPT_EC_P256, &f->key);
	if (why == DENCRYPT_OK)
		why = dencrypt_ca_sign_machine(m->ca, f->key, DENCRYPT_HOST, m->host.name, m->host.id,
			m->r->config.organisation, NETWORK_DAYS, time(NULL), &f->certificate);
	if (why == DENCRYPT_OK)
		why = joinfile_copy_ca(f, m->ca);
	snprintf(f->org, sizeof(f->org), "%s", m->r->config.organisation);
	snprintf(f->host, sizeof(f->host), "%s", m->host.name);
	if (why == DENCRYPT_OK)
		why = joinfile_write(f, m->path, m->passphrase);
	if (why == DENCRYPT_EXISTS)
		return fail(m->r, DEN_HOST_FILE_EXISTS, m->path, NULL);
	return why == DENCRYPT_OK ? 0 : fail_crypto(m->r, m->path, why);
}

static int add(struct making *m)
{
	enum den_code code;

	if (make_file(m) != 0)
		return -1;
	code = dendir_host_add(m->r->d, &m->host);
	if (code != DEN_OK) {
		unlink(m->path);
		return fail_directory(m->r, code, m->host.name);
	}
	audit("host-add", m->host.name);
	say(m->r, DEN_HOST_ADDED, m->host.name, m->path, m->passphrase, NULL);
	return 0;
}

int host_add(struct host_run *r, const char *name)
{
	struct making m = {.r = r};
	int result = -1;

	snprintf(m.host.name, sizeof(m.host.name), "%s", name);
	snprintf(m.host.description, sizeof(m.host.description), "%s", r->description ? r->description : "");
	if (r->output)
		snprintf(m.path, sizeof(m.path), "%s", r->output);
	else
		snprintf(m.path, sizeof(m.path), "%s.join", name);
	if (find_network(&m) == 0 && check_unknown(&m) == 0) {
		say(r, DEN_HOST_SHOW_ADD, name, r->config.organisation, m.file.uri, m.path, NULL);
		result = r->dry_run ? 0 : add(&m);
	}
	explicit_bzero(m.passphrase, sizeof(m.passphrase));
	joinfile_done(&m.file);
	dencrypt_ca_free(m.ca);
	return result;
}
