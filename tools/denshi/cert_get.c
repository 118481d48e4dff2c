/* Acquiring the certificate (R-CERT-2): asking for it. */
#include <string.h>

#include "core/protocol.h"
#include "tools/denshi/acquisition.h"
#include "tools/denshi/args.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"
#include "tools/denshi/prompt.h"

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

static int send_request(struct cli *cli, struct acquisition *a, const struct den_secret *password)
{
	struct dencrypt_bytes csr = DENCRYPT_BYTES_EMPTY;
	enum dencrypt_result r = dencrypt_csr_make(a->key, a->login, &csr);
	int status;

	if (r != DENCRYPT_OK)
		return acquisition_refused(cli, r, NULL);
	status = acquisition_request(cli, a, proven_request(DEN_OP_CERT_REQUEST, a, password), &csr);
	dencrypt_bytes_done(&csr);
	return status;
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
	if (status == CLI_DONE && !a->key)
		status = a->store->make_key(cli, a, rsa);
	if (status == CLI_DONE)
		status = send_request(cli, a, password);
	den_secret_free(password);
	return status;
}

static int fetch_and_write(struct cli *cli, struct acquisition *a, int rsa)
{
	struct den_message *reply = a->resumed ? acquisition_await(cli, a) : NULL;
	int status = CLI_DONE;

	if (!reply || den_message_kind(reply) == DEN_GRANT_OPEN) {
		den_message_free(reply);
		reply = NULL;
		status = prove_and_request(cli, a, rsa);
	}
	if (status != CLI_DONE)
		return status;
	acquisition_note_interruptions();
	return acquisition_finish(cli, a, reply ? reply : acquisition_await(cli, a));
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

static int open_files(struct cli *cli, const struct args *args, struct acquisition *a)
{
	a->store = &acquisition_files;
	if (acquisition_name_files(a, args->option[OPT_OUTPUT] ? args->option[OPT_OUTPUT] : a->login,
		args->option[OPT_OUTPUT] ? "" : ".p12", args->option[OPT_PEM]) != 0)
		return acquisition_refused(cli, DENCRYPT_BAD_ARGUMENT, "--output, --pem");
	return acquisition_check_paths(cli, a);
}

/* A key that never leaves the token is in no file. */
static int open_token(struct cli *cli, const struct args *args, struct acquisition *a)
{
	a->store = &acquisition_token;
	if (args->option[OPT_OUTPUT] || args->option[OPT_PEM])
		return refuse(cli, DEN_CLI_TOKEN_ALONE);
	return acquisition_open_token(cli, a, args->option[OPT_TOKEN]);
}

int cli_cert_get(struct cli *cli, const struct args *args)
{
	struct acquisition a = {0};
	int status = args->option[OPT_VIA] && !args->option[OPT_LOGIN] ? refuse(cli, DEN_CLI_LOGIN_NEEDED) :
		whose(cli, &a, args->option[OPT_LOGIN]);

	if (status == CLI_DONE)
		status = args->option[OPT_TOKEN] ? open_token(cli, args, &a) : open_files(cli, args, &a);
	if (status == CLI_DONE)
		status = a.store->resume(cli, &a);
	if (status == CLI_DONE)
		status = acquisition_reach(cli, args->option[OPT_VIA]);
	if (status == CLI_DONE)
		status = fetch_and_write(cli, &a, args->option[OPT_RSA] != NULL);
	acquisition_done(cli, &a);
	return status;
}
