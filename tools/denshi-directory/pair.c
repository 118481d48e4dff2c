/*
 * Two directory servers. The first makes a file for the second (add-replica): its key and
 * certificate, under a passphrase; and is configured to follow it. The second begins
 * with no entry at all and takes all of them from the first (join).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crypto/digest.h"
#include "crypto/file.h"
#include "directory/host.h"
#include "directory/writer.h"
#include "tools/denshi-directory/rebuild.h"
#include "tools/denshi-directory/slap.h"
#include "tools/server/joinfile.h"
#include "tools/server/network.h"
#include "tools/server/program.h"
#include "tools/server/terminal.h"
#include "tools/server/tree.h"

#define PEM_MAX 65536
#define LDAPS "ldaps://"
/* Cost of a password's hash, as denshi setup has it where nothing else is wanted. */
#define MEMORY_KIB 19456
#define PASSES 2

/* ldaps://NAME:PORT: the one form that both servers, and the unit, take. -1: another one. */
static int read_uri(const char *uri, char name[DENDIR_SERVER_NAME_MAX + 1], unsigned *port)
{
	char more;

	return sscanf(uri, LDAPS "%64[a-z0-9.-]:%5u%c", name, port, &more) == 2 && *port > 0 && *port < 65536 ? 0 : -1;
}

static int fail_crypto(const struct run *r, const char *path, enum dencrypt_result why)
{
	return fail(r, DEN_SETUP_FILE, path, why == DENCRYPT_IO ? strerror(errno) : dencrypt_text(why), NULL);
}

/* -- the first server: a file for the second, and its entries ------------------------------------ */

struct adding {
	const struct run *run;
	const char *name, *path;
	char uri[DENDIR_URI_SIZE], own_uri[DENDIR_URI_SIZE], own_name[DENDIR_SERVER_NAME_MAX + 1];
	char id[DENDIR_HOST_ID_SIZE], own_id[DENDIR_HOST_ID_SIZE];
	char passphrase[JOINFILE_PASSPHRASE_SIZE];
	struct joinfile file;
	struct dencrypt_ca *ca;
};

static int load_ca(struct adding *a)
{
	char folder[PATH_MAX];
	enum dencrypt_result why;

	if (network_uri(a->run->state, a->own_uri, sizeof(a->own_uri)) != 0 ||
		tree_path(folder, a->run->state, NETWORK_CA) != 0)
		return fail(a->run, DEN_HOST_NO_NETWORK, NULL);
	why = dencrypt_ca_load(folder, &a->ca);
	if (why == DENCRYPT_IO && errno == ENOENT)
		return fail(a->run, DEN_HOST_NO_NETWORK, NULL);
	return why == DENCRYPT_OK ? 0 : fail_crypto(a->run, folder, why);
}

/* The id within this server's own certificate: its entry must show it. */
static int read_own_id(struct adding *a)
{
	struct dencrypt_certificate *own = NULL;
	struct dencrypt_bytes pem = DENCRYPT_BYTES_EMPTY;
	char path[PATH_MAX];
	enum dencrypt_result why = DENCRYPT_IO;

	if (tree_path(path, a->run->state, NETWORK_TLS "/server.pem") == 0)
		why = dencrypt_read_file(path, DENCRYPT_FILE_PUBLIC, PEM_MAX, &pem);
	if (why == DENCRYPT_OK)
		why = dencrypt_certificate_parse_pem(pem.data, pem.size, &own);
	if (why == DENCRYPT_OK && !dencrypt_certificate_machine_id(own))
		why = DENCRYPT_MALFORMED;
	if (why == DENCRYPT_OK)
		snprintf(a->own_id, sizeof(a->own_id), "%s", dencrypt_certificate_machine_id(own));
	dencrypt_certificate_free(own);
	dencrypt_bytes_done(&pem);
	return why == DENCRYPT_OK ? 0 : fail_crypto(a->run, path, why);
}

static int make_file(struct adding *a, const char *org)
{
	struct joinfile *f = &a->file;
	enum dencrypt_result why = dencrypt_random_id(a->id, 17);

	if (why == DENCRYPT_OK)
		why = joinfile_passphrase(a->passphrase);
	if (why == DENCRYPT_OK)
		why = dencrypt_key_make(DENCRYPT_EC_P256, &f->key);
	if (why == DENCRYPT_OK)
		why = dencrypt_ca_sign_machine(a->ca, f->key, DENCRYPT_DIRECTORY, a->name, a->id, org, NETWORK_DAYS,
			time(NULL), &f->certificate);
	if (why == DENCRYPT_OK)
		why = joinfile_copy_ca(f, a->ca);
	snprintf(f->org, sizeof(f->org), "%s", org);
	snprintf(f->host, sizeof(f->host), "%s", a->name);
	snprintf(f->uri, sizeof(f->uri), "%s %s", a->own_uri, a->uri);
	if (why == DENCRYPT_OK)
		why = joinfile_write(f, a->path, a->passphrase);
	if (why == DENCRYPT_EXISTS)
		return fail(a->run, DEN_HOST_FILE_EXISTS, a->path, NULL);
	return why == DENCRYPT_OK ? 0 : fail_crypto(a->run, a->path, why);
}

/* An entry of that name, of a server that was there before, goes first. */
static int put_entry(const struct run *r, struct dendir *root, const char *name, const char *id, const char *uri)
{
	struct dendir_mods *m = dendir_mods_new();
	char dn[DENDIR_DN_SIZE];
	enum den_code code;

	dendir_dn(dn, root, DENDIR_DN_DIRECTORY, name);
	(void)dendir_delete(root, dn);
	dendir_mods_put(m, DENDIR_ADD, "objectClass", "denshiDirectory");
	dendir_mods_put(m, DENDIR_ADD, "cn", name);
	dendir_mods_put(m, DENDIR_ADD, "denshiHostId", id);
	dendir_mods_put(m, DENDIR_ADD, "denshiUri", uri);
	code = dendir_add(root, dn, m);
	dendir_mods_free(m);
	return code == DEN_OK ? 0 : fail(r, DEN_SETUP_ENTRY, dn, dendir_diagnostic(root), NULL);
}

static int add_entries(void *context, struct dendir *root)
{
	struct adding *a = context;

	if (put_entry(a->run, root, a->own_name, a->own_id, a->own_uri) != 0)
		return -1;
	return put_entry(a->run, root, a->name, a->id, a->uri);
}

/* The name is what the server's certificate shows. */
static int check_uri(const struct adding *a)
{
	char name[DENDIR_SERVER_NAME_MAX + 1];
	unsigned port;

	if (read_uri(a->uri, name, &port) == 0 && strcmp(name, a->name) == 0)
		return 0;
	return fail(a->run, DEN_PAIR_URI, a->uri, a->name, NULL);
}

static int check_name(const struct run *r, const char *name)
{
	return den_config_allows("host", name) && strlen(name) <= DENDIR_SERVER_NAME_MAX ? 0 :
		fail(r, DEN_HOST_NAME, name, NULL);
}

static int configure(struct adding *a, struct rebuild *u)
{
	struct configuration_facts *f = rebuild_facts(u);

	if (*f->peer)
		return fail(a->run, DEN_PAIR_EXISTS, f->peer, NULL);
	if (strcmp(f->server, a->name) == 0)
		return fail(a->run, DEN_HOST_NAME, a->name, NULL);
	if (!rebuild_is_writer(u))
		return fail(a->run, DEN_PAIR_NOT_WRITER, NULL);
	snprintf(a->own_name, sizeof(a->own_name), "%.64s", f->server);
	snprintf(f->peer, sizeof(f->peer), "%s", a->name);
	snprintf(f->peer_uri, sizeof(f->peer_uri), "%s", a->uri);
	f->number = 1;
	return rebuild_prepare(u);
}

static int add(struct adding *a)
{
	struct rebuild *u = rebuild_look(a->run);
	int result = u ? configure(a, u) : -1;

	if (result == 0) {
		say(a->run, DEN_PAIR_SHOW, a->name, a->uri, a->path, NULL);
		result = confirmed(a->run, DEN_PAIR_CONFIRM);
	}
	if (result == 0)
		result = make_file(a, rebuild_organisation(u));
	if (result == 0) {
		result = rebuild_finish(u, add_entries, a);
		if (result != 0)
			unlink(a->path);
	}
	rebuild_done(u);
	if (result == 0)
		say(a->run, DEN_PAIR_ADDED, a->name, a->path, a->passphrase, NULL);
	return result;
}

int add_replica_run(const struct run *r, char **operands)
{
	struct adding a = {.run = r, .name = operands[0], .path = operands[1]};
	int result = check_name(r, a.name);

	if (r->uri)
		snprintf(a.uri, sizeof(a.uri), "%s", r->uri);
	else
		snprintf(a.uri, sizeof(a.uri), LDAPS "%s:%d", a.name, NETWORK_PORT);
	if (result == 0)
		result = check_uri(&a);
	if (result == 0)
		result = load_ca(&a);
	if (result == 0)
		result = read_own_id(&a);
	if (result == 0)
		result = add(&a);
	explicit_bzero(a.passphrase, sizeof(a.passphrase));
	joinfile_done(&a.file);
	dencrypt_ca_free(a.ca);
	return result;
}

/* -- the second server -------------------------------------------------------------------------------- */

struct joining {
	const struct run *run;
	struct joinfile file;
	char set[PATH_MAX], peer[DENDIR_SERVER_NAME_MAX + 1], peer_uri[DENDIR_URI_SIZE];
	unsigned port;
	struct slap_writer writer;
};

static int read_passphrase(const struct run *r, struct den_secret *passphrase)
{
	int result = r->password_fd >= 0 ? den_secret_read_line(passphrase, r->password_fd) :
					   terminal_ask_secret(r->lang, DEN_PAIR_ASK_PASSPHRASE, passphrase);

	return result == 0 ? 0 : fail(r, DEN_SETUP_NO_PASSWORD, strerror(errno), NULL);
}

static int read_file(struct joining *j, const char *path)
{
	struct den_secret *passphrase = den_secret_new();
	enum dencrypt_result why;
	int result = passphrase ? read_passphrase(j->run, passphrase) : fail_file(j->run, path);

	if (result == 0) {
		why = joinfile_read(&j->file, path, passphrase, DENCRYPT_DIRECTORY);
		if (why == DENCRYPT_WRONG_PIN)
			result = fail(j->run, DEN_JOIN_WRONG_PASSPHRASE, path, NULL);
		else if (why == DENCRYPT_MALFORMED)
			result = fail(j->run, DEN_PAIR_MALFORMED, path, NULL);
		else if (why != DENCRYPT_OK)
			result = fail_crypto(j->run, path, why);
	}
	den_secret_free(passphrase);
	return result;
}

/* The first server's, this one's. */
static int read_uris(struct joining *j, const char *path)
{
	char own_uri[DENDIR_URI_SIZE], own[DENDIR_SERVER_NAME_MAX + 1];
	unsigned port;

	if (sscanf(j->file.uri, "%255s %255s", j->peer_uri, own_uri) == 2 &&
		read_uri(j->peer_uri, j->peer, &port) == 0 && read_uri(own_uri, own, &j->port) == 0)
		return 0;
	return fail(j->run, DEN_PAIR_MALFORMED, path, NULL);
}

static int make_configuration(struct joining *j)
{
	const struct run *r = j->run;
	char data[PATH_MAX], log[PATH_MAX], tls[PATH_MAX], unknown[TEMPLATE_NAME_SIZE], piece[4096];
	const struct config_values v = {.org = j->file.org, .host = j->file.host, .server = j->file.host,
		.denshid = r->denshid_user, .signer = r->ca_user, .memory_kib = MEMORY_KIB, .passes = PASSES,
		.argon2id = access(LDAP_MODULES "/" LDAP_ARGON2ID ".so", R_OK) == 0, .data = data,
		.log_data = log, .tls_folder = tls, .schema_dir = r->schema_dir, .peer = j->peer,
		.peer_uri = j->peer_uri, .number = 2};
	ssize_t n;
	int from, result;

	if (tree_path(data, j->set, "directory/data") != 0 || tree_path(log, j->set, "directory/log") != 0 ||
		tree_path(tls, r->state, NETWORK_TLS) != 0)
		return fail_file(r, j->set);
	from = config_fill(&v, unknown);
	if (from < 0)
		return *unknown ? fail(r, DEN_SETUP_TEMPLATE, CONFIG_TEMPLATE, unknown, NULL) :
				  fail_file(r, r->schema_dir);
	result = slap_write_start(&j->writer, r, j->set, 0);
	while (result == 0 && (n = read(from, piece, sizeof(piece))) > 0)
		result = slap_write(&j->writer, piece, (size_t)n);
	close(from);
	return slap_write_finish(&j->writer) == 0 ? result : -1;
}

static int make_set(struct joining *j)
{
	static const char *const folders[] = {"directory/config", "directory/data", "directory/log"};
	const struct run *r = j->run;
	enum dencrypt_result why;

	if (set_make(r->state, j->set) != 0)
		return fail_file(r, r->state);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (tree_make_way(j->set, folders[i], &r->directory_user) != 0)
			return fail_file(r, j->set);
	why = network_put_server(j->set, j->file.ca, j->file.certificate, j->file.key, j->file.host, j->port,
		&r->directory_user);
	if (why != DENCRYPT_OK)
		return fail_crypto(r, j->set, why);
	return make_configuration(j);
}

static int put_in_use(struct joining *j)
{
	static const char *const links[] = {NETWORK_TLS, "directory", NULL};
	const struct run *r = j->run;
	int locked = set_lock(r->state);

	if (locked > 0)
		return fail(r, DEN_SETUP_STATE_UNSAFE, r->state, NULL);
	if (locked < 0 || set_sweep(r->state) != 0)
		return fail_file(r, r->state);
	if (make_set(j) == 0) {
		if (set_commit(r->state, j->set, links) == 0)
			return 0;
		fail_file(r, r->state);
	}
	if (*j->set)
		(void)set_discard(r->state, j->set);
	return -1;
}

static int join(struct joining *j, const char *path)
{
	const struct run *r = j->run;

	if (read_file(j, path) != 0 || read_uris(j, path) != 0)
		return -1;
	say(r, DEN_PAIR_SHOW_JOIN, j->file.host, j->file.org, j->peer_uri, NULL);
	if (confirmed(r, DEN_JOIN_CONFIRM) != 0 || put_in_use(j) != 0)
		return -1;
	say(r, DEN_PAIR_JOINED, j->peer, NULL);
	return 0;
}

int join_run(const struct run *r, char **operands)
{
	static struct joining j; /* with its buffer */
	int result;

	j.run = r;
	j.writer.to = -1;
	if (set_in_use(r->state, "directory"))
		return fail(r, DEN_RESTORE_EXISTS, r->state, NULL);
	result = join(&j, operands[0]);
	joinfile_done(&j.file);
	return result;
}

/* -- one server again ------------------------------------------------------------------------------------ */

static int drop_peer(void *context, struct dendir *root)
{
	char dn[DENDIR_DN_SIZE];

	(void)dendir_delete(root, dendir_dn(dn, root, DENDIR_DN_DIRECTORY, (const char *)context));
	return 0;
}

int remove_replica_run(const struct run *r, char **operands)
{
	struct rebuild *u = rebuild_look(r);
	struct configuration_facts *f;
	char peer[DENDIR_SERVER_NAME_MAX + 1];
	int result = -1;

	if (!u)
		return -1;
	f = rebuild_facts(u);
	snprintf(peer, sizeof(peer), "%.64s", f->peer);
	if (strcmp(peer, operands[0]) != 0) {
		fail(r, DEN_PAIR_UNKNOWN, operands[0], NULL);
	} else if (!rebuild_is_writer(u)) {
		/* Alone, it would be one that takes nothing. */
		fail(r, DEN_PAIR_NOT_WRITER, NULL);
	} else {
		f->peer[0] = f->peer_uri[0] = '\0';
		say(r, DEN_PAIR_SHOW_REMOVE, peer, NULL);
		if (rebuild_prepare(u) == 0 && confirmed(r, DEN_PAIR_CONFIRM) == 0)
			result = rebuild_finish(u, drop_peer, peer);
	}
	rebuild_done(u);
	if (result == 0)
		say(r, DEN_PAIR_REMOVED, peer, NULL);
	return result;
}
