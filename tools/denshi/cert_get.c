/*
 * Acquiring the certificate (R-CERT-2). The key is made here and never leaves but as the
 * user's own files, which are written at the very end, all or none. If the signer is silent for
 * too long, the key waits, under the PIN, in a file of its own (`.waiting`, mode 0600), and the
 * next run goes on from there: without it the grant, which serves one acquisition, would be lost.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/protocol.h"
#include "crypto/certificate.h"
#include "crypto/csr.h"
#include "crypto/file.h"
#include "crypto/pkcs12.h"
#include "crypto/sshkey.h"
#include "tools/denshi/args.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"
#include "tools/denshi/prompt.h"

#define WAIT_S 10
#define POLL_MS 100
#define DOT_EVERY 5 /* polls */
#define WAITING_MAX 16384
#define ID_SIZE 128

struct acquisition {
	char login[DEN_LOGIN_ID_SIZE];
	char id[ID_SIZE];	  /* of the grant */
	char p12[PATH_MAX];	  /* where the files go; "" for none */
	char pem[PATH_MAX], crt[PATH_MAX], pub[PATH_MAX];
	char waiting[PATH_MAX];
	struct den_secret *pin;
	struct dencrypt_key *key;
	struct dencrypt_certificate *certificate, *ca;
};

/* Between the request and the files an interruption only ends the waiting. */
static volatile sig_atomic_t interrupted;

static void note(int signal_number)
{
	interrupted = signal_number;
}

static int crypto_refused(struct cli *cli, enum dencrypt_result result, const char *path)
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

static int name_files(struct acquisition *a, const struct args *args)
{
	const char *pem = args->option[OPT_PEM];
	int e = args->option[OPT_OUTPUT] ? put_path(a->p12, args->option[OPT_OUTPUT], "")
					 : put_path(a->p12, a->login, ".p12");

	e |= put_path(a->waiting, a->p12, ".waiting");
	if (pem)
		e |= put_path(a->pem, pem, "") | put_path(a->crt, pem, ".crt") |
			put_path(a->pub, pem, ".pub");
	return e;
}

/* Nothing there yet, and a folder that can be written: better known before the grant is used. */
static int check_path(struct cli *cli, const char *path)
{
	char folder[PATH_MAX];
	struct stat st;
	char *slash;

	if (!*path)
		return CLI_DONE;
	if (lstat(path, &st) == 0)
		return refuse(cli, DEN_CLI_FILE_EXISTS, path);
	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash)
		slash[slash == folder ? 1 : 0] = '\0';
	if (access(slash ? folder : ".", W_OK | X_OK) != 0)
		return crypto_refused(cli, DENCRYPT_IO, path);
	return CLI_DONE;
}

static int check_paths(struct cli *cli, const struct acquisition *a)
{
	const char *const paths[] = {a->p12, a->pem, a->crt, a->pub};
	int status = CLI_DONE;

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths) && status == CLI_DONE; i++)
		status = check_path(cli, paths[i]);
	return status;
}

/* -- the key that waits ------------------------------------------------------------- */

/* "ID\n" and the key in PEM, under the PIN that the PKCS#12 file will have. */
static int keep_waiting(struct cli *cli, const struct acquisition *a)
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
		r = dencrypt_write_file(a->waiting, &file, 0600);
		explicit_bzero(file.data, file.size);
		free(file.data);
	}
	if (r != DENCRYPT_OK)
		status = crypto_refused(cli, r, a->waiting);
	dencrypt_bytes_done(&pem);
	return status;
}

/* Takes up a former run's key and grant, with its PIN. CLI_DONE also where there is none:
 * a->key is then NULL. */
static int take_up_waiting(struct cli *cli, struct acquisition *a)
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
	status = prompt_pin(cli, &a->pin);
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
		return crypto_refused(cli, r, a->waiting);
	return CLI_DONE;
}

/* -- asking ---------------------------------------------------------------------------- */

static struct den_message *proven_request(unsigned int op, const struct acquisition *a,
	const struct den_secret *password)
{
	struct den_message *request = ask_new(op);

	den_message_add_string(request, DEN_TAG_LOGIN, a->login);
	ask_add_secret(request, DEN_TAG_PASSWORD, password);
	return request;
}

static int may_acquire(struct cli *cli, const struct acquisition *a,
	const struct den_secret *password)
{
	struct den_message *reply =
		ask(cli, proven_request(DEN_OP_CERT_GRANTED, a, password), NULL, NULL);
	int status = ask_refused(cli, reply);

	den_message_free(reply);
	return status;
}

static int send_request(struct cli *cli, struct acquisition *a, const struct den_secret *password,
	int rsa)
{
	struct dencrypt_bytes csr = DENCRYPT_BYTES_EMPTY;
	struct den_message *request, *reply;
	enum dencrypt_result r;
	int status;

	r = dencrypt_key_make(rsa ? DENCRYPT_RSA_3072 : DENCRYPT_EC_P256, &a->key);
	if (r == DENCRYPT_OK)
		r = dencrypt_csr_make(a->key, a->login, &csr);
	if (r != DENCRYPT_OK)
		return crypto_refused(cli, r, NULL);
	request = proven_request(DEN_OP_CERT_REQUEST, a, password);
	den_message_add(request, DEN_TAG_BYTES, csr.data, csr.size);
	dencrypt_bytes_done(&csr);
	reply = ask(cli, request, NULL, NULL);
	status = ask_refused(cli, reply);
	if (status == CLI_DONE)
		snprintf(a->id, sizeof(a->id), "%s",
			den_message_string_or_empty(reply, DEN_TAG_ID));
	den_message_free(reply);
	return status;
}

/* The signer's answer: polled, for it has no port to be called at (R-CERT-5). */
static struct den_message *fetch(struct cli *cli, const struct acquisition *a)
{
	const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
	int show = isatty(STDERR_FILENO) && !cli->json, shown = 0;

	for (int i = 0;; i++) {
		struct den_message *request = ask_new(DEN_OP_CERT_FETCH), *reply;

		den_message_add_string(request, DEN_TAG_ID, a->id);
		reply = ask(cli, request, NULL, NULL);
		if (den_message_kind(reply) != DEN_CA_SILENT || interrupted ||
			i >= WAIT_S * 1000 / POLL_MS) {
			if (shown)
				fputc('\n', stderr);
			return reply;
		}
		den_message_free(reply);
		if (show && i % DOT_EVERY == 0) {
			fputs(shown ? "." : den_text(cli->lang, DEN_CLI_WAITING_FOR_CA), stderr);
			shown = 1;
		}
		nanosleep(&pause, NULL);
	}
}

static int take_certificates(struct cli *cli, struct acquisition *a, const struct den_message *reply)
{
	size_t len = 0, ca_len = 0;
	const void *der = den_message_bytes(reply, DEN_TAG_BYTES, &len);
	const void *ca_der = den_message_bytes(reply, DEN_TAG_CA_BYTES, &ca_len);
	enum dencrypt_result r = DENCRYPT_MALFORMED;
	const char *name;

	if (der && ca_der)
		r = dencrypt_certificate_parse(der, len, &a->certificate);
	if (r == DENCRYPT_OK)
		r = dencrypt_certificate_parse(ca_der, ca_len, &a->ca);
	if (r == DENCRYPT_OK)
		r = dencrypt_key_matches(a->key, a->certificate);
	name = r == DENCRYPT_OK ? dencrypt_certificate_common_name(a->certificate) : NULL;
	if (r == DENCRYPT_OK && (!name || strcasecmp(name, a->login) != 0))
		r = DENCRYPT_WRONG_SUBJECT;
	return r == DENCRYPT_OK ? CLI_DONE : crypto_refused(cli, r, NULL);
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

/* All, or none. Signals wait meanwhile. */
static int write_files(struct cli *cli, const struct acquisition *a)
{
	const struct {
		const char *path;
		enum dencrypt_result (*write)(const struct acquisition *);
	} files[] = {
		{a->p12, write_p12},
		{a->pem, write_key},
		{a->crt, write_certificate},
		{a->pub, write_public_key},
	};
	size_t n = *a->pem ? 4 : 1, i;
	enum dencrypt_result r;

	for (i = 0; i < n; i++) {
		r = files[i].write(a);
		if (r != DENCRYPT_OK) {
			int status = crypto_refused(cli, r, files[i].path);

			while (i-- > 0)
				unlink(files[i].path);
			return status;
		}
	}
	return CLI_DONE;
}

static void print_result_json(const struct acquisition *a)
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
		print_result_json(a);
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

/* -- the whole ---------------------------------------------------------------------------- */

static int prove_and_request(struct cli *cli, struct acquisition *a, int rsa)
{
	struct den_secret *password = NULL;
	int status = prompt_secret(cli, DEN_ASK_PASSWORD, &password);

	if (status == CLI_DONE)
		status = may_acquire(cli, a, password);
	/* Before the request: whoever gives up here has used nothing. */
	if (status == CLI_DONE)
		status = prompt_pin(cli, &a->pin);
	if (status == CLI_DONE) {
		if (!cli->json)
			say(cli, stdout, DEN_CLI_MAKING_KEY);
		fflush(stdout);
		status = send_request(cli, a, password, rsa);
	}
	den_secret_free(password);
	return status;
}

/* Whether the key has no more use: the files are there, or the refusal is final. A silent signer,
 * denshid down or a full disk are not: the certificate can be fetched again. */
static int key_is_over(enum den_code answer, int status)
{
	if (status == CLI_DONE)
		return 1;
	return status != CLI_DOWN && answer != DEN_OK && answer != DEN_CA_SILENT;
}

static int fetch_and_write(struct cli *cli, struct acquisition *a)
{
	struct den_message *reply = fetch(cli, a);
	enum den_code code = (enum den_code)den_message_kind(reply);
	int status, kept;

	if (code == DEN_OK) {
		status = take_certificates(cli, a, reply);
		if (status == CLI_DONE)
			status = write_files(cli, a);
	} else {
		status = ask_refused(cli, reply);
	}
	den_message_free(reply);
	if (key_is_over(code, status)) {
		if (unlink(a->waiting) != 0 && errno != ENOENT)
			return crypto_refused(cli, DENCRYPT_IO, a->waiting);
		return status;
	}
	kept = keep_waiting(cli, a);
	if (kept == CLI_DONE)
		say(cli, stderr, DEN_CLI_WAITING_KEPT, a->waiting);
	return status;
}

static void note_interruptions(void)
{
	struct sigaction action = {.sa_handler = note};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

static int whose(struct cli *cli, struct acquisition *a, const char *login)
{
	int status;

	if (login)
		return den_login_id_parse(a->login, login, strlen(login)) == 0
			? CLI_DONE : refuse(cli, DEN_FIELD_LOGIN_ID, login);
	status = ask_who(cli, a->login);
	if (status == CLI_DONE && !*a->login)
		return refuse(cli, DEN_CLI_LOGIN_NEEDED);
	return status;
}

int cli_cert_get(struct cli *cli, const struct args *args)
{
	struct acquisition a = {0};
	int status = whose(cli, &a, args->option[OPT_LOGIN]);

	if (status == CLI_DONE && name_files(&a, args) != 0)
		status = crypto_refused(cli, DENCRYPT_BAD_ARGUMENT, "--output, --pem");
	if (status == CLI_DONE)
		status = check_paths(cli, &a);
	if (status == CLI_DONE)
		status = take_up_waiting(cli, &a);
	if (status == CLI_DONE && !a.key)
		status = prove_and_request(cli, &a, args->option[OPT_RSA] != NULL);
	if (status == CLI_DONE) {
		note_interruptions();
		status = fetch_and_write(cli, &a);
	}
	if (status == CLI_DONE)
		say_what_next(cli, &a);
	den_secret_free(a.pin);
	dencrypt_key_free(a.key);
	dencrypt_certificate_free(a.certificate);
	dencrypt_certificate_free(a.ca);
	return status;
}
