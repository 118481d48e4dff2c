/* Acquiring the certificate (R-CERT-2): asking for it, and waiting for the signer. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/protocol.h"
#include "tools/denshi/acquisition.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"
#include "tools/denshi/prompt.h"

#define WAIT_S 10
#define POLL_MS 100
#define DOT_EVERY 5 /* polls */

/* Between the request and the files an interruption only ends the waiting. */
static volatile sig_atomic_t interrupted;

static void note(int signal_number)
{
	interrupted = signal_number;
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

static int may_acquire(struct cli *cli, struct acquisition *a, const struct den_secret *password)
{
	struct den_message *reply =
		ask(cli, proven_request(DEN_OP_CERT_GRANTED, a, password), NULL, NULL);
	int status = ask_refused(cli, reply);

	if (status == CLI_DONE)
		snprintf(a->id, sizeof(a->id), "%s", den_message_string_or_empty(reply, DEN_TAG_ID));
	den_message_free(reply);
	return status;
}

static int make_key(struct cli *cli, struct acquisition *a, int rsa)
{
	enum dencrypt_result r;

	if (!cli->json)
		say(cli, stdout, DEN_CLI_MAKING_KEY);
	fflush(stdout);
	r = dencrypt_key_make(rsa ? DENCRYPT_RSA_3072 : DENCRYPT_EC_P256, &a->key);
	return r == DENCRYPT_OK ? acquisition_keep_key(cli, a) : acquisition_refused(cli, r, NULL);
}

static int send_request(struct cli *cli, struct acquisition *a, const struct den_secret *password)
{
	struct dencrypt_bytes csr = DENCRYPT_BYTES_EMPTY;
	struct den_message *request, *reply;
	enum dencrypt_result r = dencrypt_csr_make(a->key, a->login, &csr);
	int status;

	if (r != DENCRYPT_OK)
		return acquisition_refused(cli, r, NULL);
	request = proven_request(DEN_OP_CERT_REQUEST, a, password);
	den_message_add_string(request, DEN_TAG_ID, a->id);
	den_message_add(request, DEN_TAG_BYTES, csr.data, csr.size);
	dencrypt_bytes_done(&csr);
	reply = ask(cli, request, NULL, NULL);
	/* A former run's own request may have arrived meanwhile: what is fetched tells. */
	status = a->resumed && den_message_kind(reply) == DEN_GRANT_NONE ? CLI_DONE : ask_refused(cli, reply);
	den_message_free(reply);
	/* Refused the first time: nothing was used. Otherwise the key may be needed. */
	if (status != CLI_DONE && status != CLI_DOWN && !a->resumed)
		(void)acquisition_drop_key(cli, a);
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
	return r == DENCRYPT_OK ? CLI_DONE : acquisition_refused(cli, r, NULL);
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

/* With a key that waits, of a request that never arrived, only the password is wanted. */
static int prove_and_request(struct cli *cli, struct acquisition *a, int rsa)
{
	struct den_secret *password = NULL;
	int status = prompt_secret(cli, DEN_ASK_PASSWORD, &password);

	if (status == CLI_DONE && !a->key)
		status = may_acquire(cli, a, password);
	/* Before the request: whoever gives up here has used nothing. */
	if (status == CLI_DONE && !a->key) {
		status = prompt_pin(cli, &a->pin);
		if (status == CLI_DONE)
			status = make_key(cli, a, rsa);
	}
	if (status == CLI_DONE)
		status = send_request(cli, a, password);
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

static int finish(struct cli *cli, struct acquisition *a, struct den_message *reply)
{
	enum den_code code = (enum den_code)den_message_kind(reply);
	int status;

	if (code == DEN_OK) {
		status = take_certificates(cli, a, reply);
		if (status == CLI_DONE)
			status = acquisition_write_files(cli, a);
	} else {
		status = ask_refused(cli, reply);
	}
	if (key_is_over(code, status)) {
		int dropped = acquisition_drop_key(cli, a);

		return dropped == CLI_DONE ? status : dropped;
	}
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

static int fetch_and_write(struct cli *cli, struct acquisition *a, int rsa)
{
	struct den_message *reply = a->resumed ? fetch(cli, a) : NULL;
	int status = CLI_DONE;

	if (!reply || den_message_kind(reply) == DEN_GRANT_OPEN) {
		den_message_free(reply);
		reply = NULL;
		status = prove_and_request(cli, a, rsa);
	}
	if (status != CLI_DONE)
		return status;
	note_interruptions();
	if (!reply)
		reply = fetch(cli, a);
	status = finish(cli, a, reply);
	den_message_free(reply);
	return status;
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

	if (status == CLI_DONE && acquisition_name_files(&a, args) != 0)
		status = acquisition_refused(cli, DENCRYPT_BAD_ARGUMENT, "--output, --pem");
	if (status == CLI_DONE)
		status = acquisition_check_paths(cli, &a);
	if (status == CLI_DONE)
		status = acquisition_resume(cli, &a);
	if (status == CLI_DONE)
		status = fetch_and_write(cli, &a, args->option[OPT_RSA] != NULL);
	if (status == CLI_DONE)
		say_what_next(cli, &a);
	den_secret_free(a.pin);
	dencrypt_key_free(a.key);
	dencrypt_certificate_free(a.certificate);
	dencrypt_certificate_free(a.ca);
	return status;
}
