/*
 * A host joins: key and certificates from the join file, settings in denshi.conf. The
 * settings come last and put it in use; what was there without them is swept.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/file.h"
#include "directory/site.h"
#include "directory/user.h"
#include "tools/denshi-setup/setup.h"
#include "tools/server/interrupt.h"
#include "tools/server/joinfile.h"
#include "tools/server/network.h"
#include "tools/server/tree.h"

/* Folder beside denshi.conf, and what it is while it is being made. */
#define TLS "tls"
#define ASIDE "tls.new"

struct folder {
	char parent[PATH_MAX], path[PATH_MAX], aside[PATH_MAX];
};

static int failed(const struct setup *s, const char *path)
{
	return fail(s, DEN_SETUP_FILE, path, strerror(errno), NULL);
}

static int find_folder(const struct setup *s, struct folder *f)
{
	snprintf(f->parent, sizeof(f->parent), "%.*s", (int)(strrchr(s->config_path, '/') - s->config_path),
		s->config_path);
	if (tree_path(f->path, f->parent, TLS) != 0 || tree_path(f->aside, f->parent, ASIDE) != 0)
		return failed(s, s->config_path);
	return 0;
}

static int remove_in(const struct setup *s, const struct folder *f, const char *name)
{
	int dir = open(f->parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC), result;

	if (dir < 0)
		return errno == ENOENT ? 0 : failed(s, f->parent);
	result = tree_remove(dir, name);
	if (result != 0)
		failed(s, f->parent);
	close(dir);
	return result;
}

/* -- the join file --------------------------------------------------------------------------- */

static int read_passphrase(struct setup *s)
{
	s->password = den_secret_new();
	if (!s->password)
		return fail(s, DEN_SETUP_NO_PASSWORD, strerror(errno), NULL);
	if (s->password_fd < 0)
		return ask_secret(s, DEN_JOIN_ASK_PASSPHRASE, s->password);
	if (den_secret_read_line(s->password, s->password_fd) != 0)
		return fail(s, DEN_SETUP_NO_PASSWORD, strerror(errno), NULL);
	return 0;
}

static int read_file(struct setup *s, struct joinfile *j)
{
	enum dencrypt_result r = joinfile_read(j, s->join_file, s->password, DENCRYPT_HOST);

	if (r == DENCRYPT_OK)
		return 0;
	if (r == DENCRYPT_WRONG_PIN)
		return fail(s, DEN_JOIN_WRONG_PASSPHRASE, s->join_file, NULL);
	if (r == DENCRYPT_MALFORMED)
		return fail(s, DEN_JOIN_MALFORMED, s->join_file, NULL);
	return fail(s, DEN_SETUP_FILE, s->join_file, r == DENCRYPT_IO ? strerror(errno) : dencrypt_text(r), NULL);
}

/* -- the folder ----------------------------------------------------------------------------------- */

static int put(const struct setup *s, const char *folder, const char *name, enum dencrypt_result r,
	struct dencrypt_bytes *pem, mode_t mode)
{
	r = network_put_file(folder, name, r, pem, mode);
	if (r == DENCRYPT_OK)
		return 0;
	return fail(s, DEN_SETUP_FILE, folder, r == DENCRYPT_IO ? strerror(errno) : dencrypt_text(r), NULL);
}

static int make_folder(const struct setup *s, const struct folder *f, const struct joinfile *j)
{
	static const struct unix_user root = {0, 0};
	struct dencrypt_bytes pem = DENCRYPT_BYTES_EMPTY;

	(void)mkdir(f->parent, 0755);
	if (remove_in(s, f, ASIDE) != 0)
		return -1;
	if (tree_make(f->aside, &root) != 0 || chmod(f->aside, 0755) != 0)
		return failed(s, f->aside);
	if (put(s, f->aside, "ca.pem", dencrypt_certificate_pem(j->ca, &pem), &pem, 0644) != 0 ||
		put(s, f->aside, "host.pem", dencrypt_certificate_pem(j->certificate, &pem), &pem, 0644) != 0)
		return -1;
	return put(s, f->aside, "host.key", dencrypt_key_pem(j->key, &pem), &pem, 0600);
}

/* The directory takes this host with what is in the folder: it lets it read the policy. */
static int try_folder(const struct setup *s, const struct folder *f, const struct joinfile *j)
{
	char ca[PATH_MAX], certificate[PATH_MAX], key[PATH_MAX], why[DENDIR_WHY_SIZE];
	const struct dendir_site site = {.uri = j->uri, .org = j->org, .host = j->host, .tls_ca = ca,
		.tls_certificate = certificate, .tls_key = key};
	struct dendir_policy policy;
	struct dendir *d = NULL;
	int result = -1;

	if (tree_path(ca, f->aside, "ca.pem") != 0 || tree_path(certificate, f->aside, "host.pem") != 0 ||
		tree_path(key, f->aside, "host.key") != 0)
		return failed(s, f->aside);
	if (dendir_open_any(&d, &site, why) != DEN_OK)
		return fail(s, DEN_JOIN_REFUSED, why, NULL);
	if (dendir_policy_read(d, &policy) == DEN_OK && *policy.preset)
		result = 0;
	else
		fail(s, DEN_JOIN_REFUSED, den_code_name(DEN_HOST_UNKNOWN), NULL);
	dendir_close(d);
	return result;
}

static int put_folder_in_place(const struct setup *s, const struct folder *f)
{
	char key[PATH_MAX];

	if (tree_path(key, f->aside, "host.key") != 0 ||
		lchown(key, s->denshid_user.uid, s->denshid_user.gid) != 0)
		return failed(s, f->aside);
	/* One that is there is of no use without settings, or of this very host by hand-made ones. */
	if (remove_in(s, f, TLS) != 0)
		return -1;
	return rename(f->aside, f->path) == 0 ? 0 : failed(s, f->path);
}

/* -- joining ------------------------------------------------------------------------------------------- */

static int make(struct setup *s, const struct folder *f, const struct joinfile *j)
{
	int written = 0;

	if (make_folder(s, f, j) != 0 || try_folder(s, f, j) != 0)
		return -1;
	if (interrupt_came())
		return fail(s, DEN_SETUP_INTERRUPTED, NULL);
	if (put_folder_in_place(s, f) != 0)
		return -1;
	return conf_write(s, &written);
}

/* 1 where the settings are those of this file, with the same certificate in place. */
static int is_joined(const struct setup *s, const struct folder *f, const struct joinfile *j)
{
	struct dencrypt_bytes pem = DENCRYPT_BYTES_EMPTY;
	struct dencrypt_certificate *there = NULL;
	char error[DEN_CONFIG_ERROR_SIZE], path[PATH_MAX];
	struct den_config c;
	int same;

	if (den_config_read(&c, s->config_path, error, sizeof(error)) != 0 || strcmp(c.host, j->host) != 0 ||
		strcmp(c.organisation, j->org) != 0 || tree_path(path, f->path, "host.pem") != 0)
		return 0;
	same = dencrypt_read_file(path, DENCRYPT_FILE_PUBLIC, DENCRYPT_CERTIFICATE_MAX, &pem) == DENCRYPT_OK &&
		dencrypt_certificate_parse_pem(pem.data, pem.size, &there) == DENCRYPT_OK &&
		dencrypt_same_certificate(there, j->certificate) == DENCRYPT_OK;
	dencrypt_certificate_free(there);
	dencrypt_bytes_done(&pem);
	return same;
}

/* Who this host becomes. */
static void take_over(struct setup *s, const struct joinfile *j)
{
	snprintf(s->org, sizeof(s->org), "%s", j->org);
	snprintf(s->host, sizeof(s->host), "%s", j->host);
	snprintf(s->uri, sizeof(s->uri), "%s", j->uri);
	s->org_lang = s->lang;
}

static int join_with(struct setup *s, const struct folder *f, const struct joinfile *j)
{
	int result;

	if (is_joined(s, f, j)) {
		say(s, DEN_JOIN_ALREADY, NULL);
		return 0;
	}
	if (conf_is_ours(s))
		return fail(s, DEN_JOIN_CONFIGURED, s->config_path, NULL);
	take_over(s, j);
	if (conf_check(s) != 0)
		return -1;
	say(s, DEN_JOIN_SHOW, j->org, j->host, j->uri, NULL);
	if (s->dry_run) {
		say(s, DEN_SETUP_DRY_RUN, NULL);
		return 0;
	}
	if (!s->yes && !confirm(s, DEN_JOIN_CONFIRM))
		return fail(s, DEN_SETUP_NOT_CONFIRMED, NULL);
	interrupt_hold();
	result = make(s, f, j);
	if (result == 0)
		say(s, DEN_JOIN_DONE, j->org, j->host, NULL);
	else
		(void)remove_in(s, f, ASIDE);
	return result;
}

int join(struct setup *s)
{
	struct joinfile j = {0};
	struct folder f;
	int result = -1;

	if (plan_host(s) == 0 && find_folder(s, &f) == 0 && read_passphrase(s) == 0 && read_file(s, &j) == 0)
		result = join_with(s, &f, &j);
	joinfile_done(&j);
	return result;
}

int join_undo(struct setup *s)
{
	struct folder f;

	if (find_folder(s, &f) != 0)
		return -1;
	say(s, DEN_JOIN_LEAVE, NULL);
	if (s->dry_run)
		return 0;
	if (!s->yes && !confirm(s, DEN_SETUP_CONFIRM_REMOVE))
		return fail(s, DEN_SETUP_NOT_CONFIRMED, NULL);
	if (conf_undo(s) != 0 || remove_in(s, &f, TLS) != 0 || remove_in(s, &f, ASIDE) != 0)
		return -1;
	say(s, DEN_JOIN_LEFT, NULL);
	return 0;
}
