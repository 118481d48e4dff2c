#include "tools/denshi/acquisition.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/file.h"
#include "crypto/pkcs12.h"
#include "crypto/sshkey.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"
#include "tools/denshi/prompt.h"

#define WAITING_MAX 16384

int acquisition_refused(struct cli *cli, enum dencrypt_result result, const char *path)
{
	char why[PATH_MAX + 128];
	int error = errno;

	if (result == DENCRYPT_EXISTS)
		return refuse(cli, DEN_CLI_FILE_EXISTS, path);
	snprintf(why, sizeof(why), "%s%s%s", path ? path : "", path ? ": " : "",
		result == DENCRYPT_IO ? strerror(error) : dencrypt_text(result));
	return refuse(cli, DEN_CLI_CRYPTO, why);
}

/* -- where the files go ---------------------------------------------------------- */

static int put_path(char out[PATH_MAX], const char *path, const char *suffix)
{
	int n = snprintf(out, PATH_MAX, "%s%s", path, suffix);

	return n > 0 && n < PATH_MAX ? 0 : -1;
}

int acquisition_name_files(struct acquisition *a, const char *p12, const char *p12_suffix, const char *pem)
{
	int e = put_path(a->p12, p12, p12_suffix);

	e |= put_path(a->waiting, a->p12, ".waiting");
	if (pem)
		e |= put_path(a->pem, pem, "") | put_path(a->crt, pem, ".crt") |
			put_path(a->pub, pem, ".pub");
	return e;
}

/* Better known before the grant is used. */
static int check_path(struct cli *cli, const char *path, int resumes)
{
	char folder[PATH_MAX];
	struct stat st;
	char *slash;

	if (!*path)
		return CLI_DONE;
	/* What is there may be a former run's: that is seen when it would be written. */
	if (lstat(path, &st) == 0 && !resumes)
		return refuse(cli, DEN_CLI_FILE_EXISTS, path);
	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash)
		slash[slash == folder ? 1 : 0] = '\0';
	if (access(slash ? folder : ".", W_OK | X_OK) != 0)
		return acquisition_refused(cli, DENCRYPT_IO, path);
	return CLI_DONE;
}

int acquisition_check_paths(struct cli *cli, const struct acquisition *a)
{
	const char *const paths[] = {a->p12, a->pem, a->crt, a->pub};
	int status = CLI_DONE, resumes;
	struct stat st;

	resumes = lstat(a->waiting, &st) == 0;
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths) && status == CLI_DONE; i++)
		status = check_path(cli, paths[i], resumes);
	return status;
}

/* -- the key that waits ------------------------------------------------------------- */

/* "ID\n" and the key in PEM, under the PIN that the PKCS#12 file will have. */
static int keep_key(struct cli *cli, const struct acquisition *a)
{
	struct dencrypt_bytes pem = DENCRYPT_BYTES_EMPTY, file = DENCRYPT_BYTES_EMPTY;
	size_t id_len = strlen(a->id);
	enum dencrypt_result r = dencrypt_key_pem_with_pin(a->key, den_secret_bytes(a->pin), &pem);
	int status = CLI_DONE;

	if (r == DENCRYPT_OK) {
		file.size = id_len + 1 + pem.size;
		file.data = malloc(file.size);
		if (!file.data)
			output_no_memory();
		memcpy(file.data, a->id, id_len);
		file.data[id_len] = '\n';
		memcpy(file.data + id_len + 1, pem.data, pem.size);
		r = dencrypt_write_new_file(a->waiting, &file, 0600);
		explicit_bzero(file.data, file.size);
		free(file.data);
	}
	if (r != DENCRYPT_OK)
		status = acquisition_refused(cli, r, a->waiting);
	dencrypt_bytes_done(&pem);
	return status;
}

static int resume(struct cli *cli, struct acquisition *a)
{
	struct dencrypt_bytes file = DENCRYPT_BYTES_EMPTY;
	enum dencrypt_result r;
	unsigned char *newline;
	struct stat st;
	size_t len;
	int status;

	if (lstat(a->waiting, &st) != 0)
		return CLI_DONE;
	if (!cli->json)
		say(cli, stdout, DEN_CLI_WAITING_FOUND, a->waiting);
	status = a->pin ? CLI_DONE : prompt_pin(cli, &a->pin);
	if (status != CLI_DONE)
		return status;
	r = dencrypt_read_file(a->waiting, DENCRYPT_FILE_SECRET, WAITING_MAX, &file);
	newline = r == DENCRYPT_OK ? memchr(file.data, '\n', file.size) : NULL;
	len = newline ? (size_t)(newline - file.data) : 0;
	if (r == DENCRYPT_OK && (!newline || len == 0 || len >= sizeof(a->id)))
		r = DENCRYPT_MALFORMED;
	if (r == DENCRYPT_OK) {
		memcpy(a->id, file.data, len);
		a->id[len] = '\0';
		r = dencrypt_key_parse_pem_with_pin(newline + 1, file.size - len - 1, den_secret_bytes(a->pin), &a->key);
	}
	dencrypt_bytes_done(&file);
	if (r != DENCRYPT_OK)
		return acquisition_refused(cli, r, a->waiting);
	a->resumed = 1;
	return CLI_DONE;
}

static int make_key(struct cli *cli, struct acquisition *a, int rsa)
{
	int status = a->pin ? CLI_DONE : prompt_pin(cli, &a->pin);
	enum dencrypt_result r;

	if (status != CLI_DONE)
		return status;
	if (!cli->json)
		say(cli, stdout, DEN_CLI_MAKING_KEY);
	fflush(stdout);
	r = dencrypt_key_make(rsa ? DENCRYPT_RSA_3072 : DENCRYPT_EC_P256, &a->key);
	return r == DENCRYPT_OK ? keep_key(cli, a) : acquisition_refused(cli, r, NULL);
}

static int drop_key(struct cli *cli, struct acquisition *a)
{
	if (unlink(a->waiting) != 0 && errno != ENOENT)
		return acquisition_refused(cli, DENCRYPT_IO, a->waiting);
	return CLI_DONE;
}

/* -- the files -------------------------------------------------------------------------- */

static enum dencrypt_result write_p12(const struct acquisition *a)
{
	struct dencrypt_bytes bytes = DENCRYPT_BYTES_EMPTY;
	enum dencrypt_result r = dencrypt_pkcs12_make(a->key, a->certificate, a->ca,
		den_secret_bytes(a->pin), &bytes);

	if (r == DENCRYPT_OK)
		r = dencrypt_write_new_file(a->p12, &bytes, 0600);
	dencrypt_bytes_done(&bytes);
	return r;
}

/* PKCS#8, which OpenSSH reads as well. */
static enum dencrypt_result write_key(const struct acquisition *a)
{
	struct dencrypt_bytes bytes = DENCRYPT_BYTES_EMPTY;
	enum dencrypt_result r = dencrypt_key_pem(a->key, &bytes);

	if (r == DENCRYPT_OK)
		r = dencrypt_write_new_file(a->pem, &bytes, 0600);
	dencrypt_bytes_done(&bytes);
	return r;
}

static enum dencrypt_result write_certificate(const struct acquisition *a)
{
	struct dencrypt_bytes bytes = DENCRYPT_BYTES_EMPTY;
	enum dencrypt_result r = dencrypt_certificate_pem(a->certificate, &bytes);

	if (r == DENCRYPT_OK)
		r = dencrypt_write_new_file(a->crt, &bytes, 0644);
	dencrypt_bytes_done(&bytes);
	return r;
}

static enum dencrypt_result write_public_key(const struct acquisition *a)
{
	char line[DENCRYPT_SSH_LINE_SIZE + 1];
	enum dencrypt_result r = dencrypt_ssh_line(a->certificate, a->login, line);
	struct dencrypt_bytes bytes = {(unsigned char *)line, 0};

	if (r != DENCRYPT_OK)
		return r;
	bytes.size = strlen(line);
	line[bytes.size++] = '\n';
	return dencrypt_write_new_file(a->pub, &bytes, 0644);
}

/* -- files of a former run: is each what would be written? */

static enum dencrypt_result same_certificate(const struct acquisition *a, struct dencrypt_certificate *there)
{
	enum dencrypt_result r = dencrypt_same_certificate(there, a->certificate);

	dencrypt_certificate_free(there);
	return r;
}

static enum dencrypt_result is_p12(const struct acquisition *a)
{
	struct dencrypt_bytes file = DENCRYPT_BYTES_EMPTY;
	struct dencrypt_certificate *certificate = NULL;
	struct dencrypt_key *key = NULL;
	enum dencrypt_result r = dencrypt_read_file(a->p12, DENCRYPT_FILE_SECRET, DENCRYPT_PKCS12_MAX, &file);

	if (r == DENCRYPT_OK)
		r = dencrypt_pkcs12_read(file.data, file.size, den_secret_bytes(a->pin), &key, &certificate);
	if (r == DENCRYPT_OK)
		r = same_certificate(a, certificate);
	dencrypt_key_free(key);
	dencrypt_bytes_done(&file);
	return r;
}

static enum dencrypt_result is_key(const struct acquisition *a)
{
	struct dencrypt_bytes file = DENCRYPT_BYTES_EMPTY;
	struct dencrypt_key *key = NULL;
	enum dencrypt_result r = dencrypt_read_file(a->pem, DENCRYPT_FILE_SECRET, WAITING_MAX, &file);

	if (r == DENCRYPT_OK)
		r = dencrypt_key_parse_pem(file.data, file.size, &key);
	if (r == DENCRYPT_OK)
		r = dencrypt_key_matches(key, a->certificate);
	dencrypt_key_free(key);
	dencrypt_bytes_done(&file);
	return r;
}

static enum dencrypt_result is_certificate(const struct acquisition *a)
{
	struct dencrypt_bytes file = DENCRYPT_BYTES_EMPTY;
	struct dencrypt_certificate *certificate = NULL;
	enum dencrypt_result r = dencrypt_read_file(a->crt, DENCRYPT_FILE_PUBLIC, DENCRYPT_CERTIFICATE_MAX, &file);

	if (r == DENCRYPT_OK)
		r = dencrypt_certificate_parse_pem(file.data, file.size, &certificate);
	if (r == DENCRYPT_OK)
		r = same_certificate(a, certificate);
	dencrypt_bytes_done(&file);
	return r;
}

static enum dencrypt_result is_public_key(const struct acquisition *a)
{
	struct dencrypt_bytes file = DENCRYPT_BYTES_EMPTY;
	char line[DENCRYPT_SSH_LINE_SIZE];
	enum dencrypt_result r = dencrypt_ssh_line(a->certificate, a->login, line);

	if (r == DENCRYPT_OK)
		r = dencrypt_read_file(a->pub, DENCRYPT_FILE_PUBLIC, sizeof(line), &file);
	if (r == DENCRYPT_OK && (file.size != strlen(line) + 1 || memcmp(file.data, line, file.size - 1) != 0))
		r = DENCRYPT_NOT_ON_RECORD;
	dencrypt_bytes_done(&file);
	return r;
}

static int write_files(struct cli *cli, struct acquisition *a)
{
	const struct {
		const char *path;
		enum dencrypt_result (*write)(const struct acquisition *);
		enum dencrypt_result (*is_there)(const struct acquisition *);
	} files[] = {
		{a->p12, write_p12, is_p12},
		{a->pem, write_key, is_key},
		{a->crt, write_certificate, is_certificate},
		{a->pub, write_public_key, is_public_key},
	};
	size_t n = *a->pem ? 4 : 1, i;
	int made[4] = {0};

	for (i = 0; i < n; i++) {
		enum dencrypt_result r = files[i].write(a);

		made[i] = r == DENCRYPT_OK;
		if (r == DENCRYPT_EXISTS && a->resumed && files[i].is_there(a) == DENCRYPT_OK)
			r = DENCRYPT_OK;
		if (r != DENCRYPT_OK) {
			int status = acquisition_refused(cli, r, files[i].path);

			while (i-- > 0)
				if (made[i])
					unlink(files[i].path);
			return status;
		}
	}
	return CLI_DONE;
}

/* -- what next --------------------------------------------------------------------------- */

static void print_json(const struct acquisition *a)
{
	json_t *object = json_pack("{ss ss ss ss}", "code", den_code_name(DEN_OK), "login", a->login,
		"pkcs12", a->p12, "certificate_serial", dencrypt_certificate_serial(a->certificate));

	if (*a->pem) {
		json_object_set_new(object, "key", json_string(a->pem));
		json_object_set_new(object, "certificate", json_string(a->crt));
		json_object_set_new(object, "ssh_public_key", json_string(a->pub));
	}
	output_json(object);
}

static void say_what_next(struct cli *cli, const struct acquisition *a)
{
	if (cli->json) {
		print_json(a);
		return;
	}
	say(cli, stdout, DEN_CLI_CERT_STORED, a->p12);
	say(cli, stdout, DEN_CLI_NEXT_BROWSER, a->p12);
	if (*a->pem) {
		say(cli, stdout, DEN_CLI_NEXT_SSH, a->pem, a->login);
		say(cli, stdout, DEN_CLI_NEXT_CURL, a->crt, a->pem);
	} else {
		say(cli, stdout, DEN_CLI_NEXT_PEM, a->p12, a->login);
	}
}

static const char *place(const struct acquisition *a)
{
	return a->waiting;
}

const struct acquisition_store acquisition_files = {resume, make_key, drop_key, write_files, say_what_next, place};
