/* The signer's answer, waited for, and what is made of it. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/protocol.h"
#include "tools/denshi/acquisition.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"
#include "tools/denshi/remote.h"

#define WAIT_S 10
#define POLL_MS 100
#define DOT_EVERY 5 /* polls */

/* Between the request and the files an interruption only ends the waiting. */
static volatile sig_atomic_t interrupted;

static void note(int signal_number)
{
	interrupted = signal_number;
}

/* The signer's answer: polled, for it has no port to be called at (R-CERT-5). */
struct den_message *acquisition_await(struct cli *cli, const struct acquisition *a)
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

/* Whether the key has no more use: the files are there, or the refusal is final. A silent signer,
 * denshid down or a full disk are not: the certificate can be fetched again. */
static int key_is_over(enum den_code answer, int status)
{
	if (status == CLI_DONE)
		return 1;
	return status != CLI_DOWN && answer != DEN_OK && answer != DEN_CA_SILENT;
}

int acquisition_finish(struct cli *cli, struct acquisition *a, struct den_message *reply)
{
	enum den_code code = (enum den_code)den_message_kind(reply);
	int status;

	if (code == DEN_OK) {
		status = take_certificates(cli, a, reply);
		if (status == CLI_DONE)
			status = a->store->put(cli, a);
	} else {
		status = ask_refused(cli, reply);
	}
	den_message_free(reply);
	if (!key_is_over(code, status)) {
		say(cli, stderr, DEN_CLI_WAITING_KEPT, a->store->place(a));
		return status;
	}
	if (a->store->drop_key(cli, a) != CLI_DONE)
		return CLI_REFUSED;
	if (status == CLI_DONE)
		a->store->say_what_next(cli, a);
	return status;
}

void acquisition_note_interruptions(void)
{
	struct sigaction action = {.sa_handler = note};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

int acquisition_reach(struct cli *cli, const char *destination)
{
	if (!destination)
		return CLI_DONE;
	cli->remote = remote_open(destination);
	return cli->remote ? CLI_DONE : refuse(cli, DEN_CLI_VIA, destination, strerror(errno));
}

void acquisition_done(struct cli *cli, struct acquisition *a)
{
	remote_close(cli->remote);
	cli->remote = NULL;
	dencrypt_key_free(a->key);
	dencrypt_certificate_free(a->certificate);
	dencrypt_certificate_free(a->ca);
	dencrypt_token_close(a->token);
	den_secret_free(a->pin);
}
