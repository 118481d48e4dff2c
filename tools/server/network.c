#include "tools/server/network.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crypto/digest.h"
#include "crypto/file.h"
#include "tools/server/tree.h"

#define LISTEN "listen"
#define LISTEN_MAX 4096
#define URI_LINE "DENSHI_URI="
#define ID_SIZE 17

static const struct unix_user root = {0, 0};

enum dencrypt_result network_make_ca(const char *folder, const char *org, struct dencrypt_ca **ca)
{
	char path[PATH_MAX];
	enum dencrypt_result r;

	if (tree_path(path, folder, NETWORK_CA) != 0 || tree_make(path, &root) != 0)
		return DENCRYPT_IO;
	r = dencrypt_ca_make_for_hosts(org, DENCRYPT_EC_P384, time(NULL), ca);
	if (r == DENCRYPT_OK)
		r = dencrypt_ca_save(*ca, path);
	return r;
}

/* -- the server's folder ----------------------------------------------------------------------- */

enum dencrypt_result network_put_file(const char *folder, const char *name, enum dencrypt_result r,
	struct dencrypt_bytes *bytes, mode_t mode)
{
	char path[PATH_MAX];

	if (r == DENCRYPT_OK && tree_path(path, folder, name) != 0)
		r = DENCRYPT_IO;
	if (r == DENCRYPT_OK)
		r = dencrypt_write_new_file(path, bytes, mode);
	dencrypt_bytes_done(bytes);
	return r;
}

static enum dencrypt_result put_certificates(const char *folder, const struct dencrypt_certificate *ca,
	const struct dencrypt_certificate *server)
{
	struct dencrypt_bytes pem = DENCRYPT_BYTES_EMPTY;
	enum dencrypt_result r = dencrypt_certificate_pem(ca, &pem);

	r = network_put_file(folder, "ca.pem", r, &pem, 0644);
	if (r == DENCRYPT_OK)
		r = network_put_file(folder, "server.pem", dencrypt_certificate_pem(server, &pem), &pem, 0644);
	return r;
}

static enum dencrypt_result put_key(const char *folder, const struct dencrypt_key *key, const struct unix_user *user)
{
	struct dencrypt_bytes pem = DENCRYPT_BYTES_EMPTY;
	enum dencrypt_result r = network_put_file(folder, "server.key", dencrypt_key_pem(key, &pem), &pem, 0600);
	char path[PATH_MAX];

	if (r == DENCRYPT_OK &&
		(tree_path(path, folder, "server.key") != 0 || lchown(path, user->uid, user->gid) != 0))
		r = DENCRYPT_IO;
	return r;
}

/* For the unit, which reads it as an environment, and for who adds hosts. */
static enum dencrypt_result put_listen(const char *folder, const char *name, unsigned port)
{
	char path[PATH_MAX], text[LISTEN_MAX];
	int n = snprintf(text, sizeof(text), "DENSHI_LISTEN=ldaps://:%u/\n" URI_LINE "ldaps://%s:%u\n", port, name,
		port);

	if (tree_path(path, folder, LISTEN) != 0)
		return DENCRYPT_IO;
	return dencrypt_write_new_file(path, &(struct dencrypt_bytes){(unsigned char *)text, (size_t)n}, 0644);
}

enum dencrypt_result network_put_server(const char *folder, const struct dencrypt_certificate *ca,
	const struct dencrypt_certificate *server, const struct dencrypt_key *key, const char *name, unsigned port,
	const struct unix_user *user)
{
	char path[PATH_MAX];
	enum dencrypt_result r;

	/* Only root writes in it; slapd reads. */
	if (tree_path(path, folder, NETWORK_TLS) != 0 || tree_make(path, &root) != 0 || chmod(path, 0755) != 0)
		return DENCRYPT_IO;
	r = put_certificates(path, ca, server);
	if (r == DENCRYPT_OK)
		r = put_key(path, key, user);
	if (r == DENCRYPT_OK)
		r = put_listen(path, name, port);
	return r;
}

enum dencrypt_result network_make_server(const char *folder, const struct dencrypt_ca *ca, const char *org,
	const char *name, unsigned port, const struct unix_user *user)
{
	struct dencrypt_certificate *server = NULL;
	struct dencrypt_key *key = NULL;
	char id[ID_SIZE];
	enum dencrypt_result r = dencrypt_random_id(id, sizeof(id));

	if (r == DENCRYPT_OK)
		r = dencrypt_key_make(DENCRYPT_EC_P256, &key);
	if (r == DENCRYPT_OK)
		r = dencrypt_ca_sign_machine(ca, key, DENCRYPT_DIRECTORY, name, id, org, NETWORK_DAYS, time(NULL),
			&server);
	if (r == DENCRYPT_OK)
		r = network_put_server(folder, dencrypt_ca_certificate(ca), server, key, name, port, user);
	dencrypt_certificate_free(server);
	dencrypt_key_free(key);
	return r;
}

int network_uri(const char *state, char *uri, size_t size)
{
	struct dencrypt_bytes bytes = DENCRYPT_BYTES_EMPTY;
	char path[PATH_MAX], text[LISTEN_MAX + 1], *line;

	if (tree_path(path, state, NETWORK_TLS "/" LISTEN) != 0 ||
		dencrypt_read_file(path, DENCRYPT_FILE_PUBLIC, LISTEN_MAX, &bytes) != DENCRYPT_OK)
		return -1;
	memcpy(text, bytes.data, bytes.size);
	text[bytes.size] = '\0';
	dencrypt_bytes_done(&bytes);
	errno = ENOENT;
	line = strstr(text, "\n" URI_LINE);
	if (!line)
		return -1;
	line += strlen("\n" URI_LINE);
	line[strcspn(line, "\n")] = '\0';
	return snprintf(uri, size, "%s", line) < (int)size ? 0 : -1;
}
