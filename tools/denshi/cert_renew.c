/* Renewing the certificate (R-CERT-4): the key before signs the request for the next one. */
#include <string.h>

#include "core/protocol.h"
#include "crypto/digest.h"
#include "crypto/pkcs12.h"
#include "crypto/proof.h"
#include "crypto/renewal.h"
#include "tools/denshi/acquisition.h"
#include "tools/denshi/args.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"
#include "tools/denshi/prompt.h"


struct before {
	struct dencrypt_key *key;
	struct dencrypt_certificate *certificate;
};

/* Whose it is, is what it says. */
static int take_name(struct cli *cli, struct acquisition *a, const char *from, const struct before *before)
{
	const char *name = dencrypt_certificate_common_name(before->certificate);

	if (!name || den_login_id_parse(a->login, name, strlen(name)) != 0)
		return acquisition_refused(cli, DENCRYPT_WRONG_SUBJECT, from);
	return CLI_DONE;
}

/* Opens the old file: its PIN becomes that of the new one. */
static int open_file(struct cli *cli, struct acquisition *a, const char *path, struct before *before)
{
	struct dencrypt_bytes file = DENCRYPT_BYTES_EMPTY;
	enum dencrypt_result r = dencrypt_read_file(path, DENCRYPT_FILE_SECRET, DENCRYPT_PKCS12_MAX, &file);
	int status;

	if (r != DENCRYPT_OK)
		return acquisition_refused(cli, r, path);
	status = prompt_known_pin(cli, &a->pin);
	if (status == CLI_DONE) {
		r = dencrypt_pkcs12_read(file.data, file.size, den_secret_bytes(a->pin), &before->key, &before->certificate);
		if (r == DENCRYPT_WRONG_PIN)
			status = refuse(cli, DEN_CERT_PIN_WRONG);
		else if (r != DENCRYPT_OK)
			status = acquisition_refused(cli, r, path);
	}
	dencrypt_bytes_done(&file);
	return status == CLI_DONE ? take_name(cli, a, path, before) : status;
}

/* The key before stays in the token, and signs there; the next one is made beside it. */
static int open_token(struct cli *cli, struct acquisition *a, const char *uri, struct before *before)
{
	int status = acquisition_open_token(cli, a, uri);
	enum dencrypt_result r;

	if (status != CLI_DONE)
		return status;
	r = dencrypt_token_open(uri, den_secret_bytes(a->pin), &before->key, &before->certificate);
	return r == DENCRYPT_OK ? take_name(cli, a, uri, before) : acquisition_refused(cli, r, uri);
}

static struct den_message *renew_request(const struct acquisition *a)
{
	struct den_message *request = ask_new(DEN_OP_CERT_RENEW);

	den_message_add_string(request, DEN_TAG_LOGIN, a->login);
	return request;
}

static int is_due(struct cli *cli, const struct acquisition *a)
{
	struct den_message *reply = ask(cli, renew_request(a), NULL, NULL);
	int status = ask_refused(cli, reply);

	den_message_free(reply);
	return status;
}

/* The key waits under a name that no grant has yet: this run's, or a later one's request gets it. */
static int make_named_key(struct cli *cli, struct acquisition *a, int rsa)
{
	unsigned short number;
	enum dencrypt_result r = dencrypt_random(&number, sizeof(number));

	if (r != DENCRYPT_OK)
		return acquisition_refused(cli, r, NULL);
	/* The directory takes no other name: a user can't fill it (ldap-schema/directory.ldif.in). */
	snprintf(a->id, sizeof(a->id), "%s-r%u", a->login, number % 1000u);
	return a->store->make_key(cli, a, rsa);
}

static enum dencrypt_result signed_request(const struct acquisition *a, const struct before *before, struct dencrypt_bytes *out)
{
	struct dencrypt_bytes csr = DENCRYPT_BYTES_EMPTY;
	enum dencrypt_result r = dencrypt_csr_make(a->key, a->login, &csr);

	if (r == DENCRYPT_OK)
		r = dencrypt_renewal_make(before->key, before->certificate, csr.data, csr.size, out);
	dencrypt_bytes_done(&csr);
	return r;
}

static int send_request(struct cli *cli, struct acquisition *a, const struct before *before, const struct den_secret *password)
{
	struct dencrypt_bytes der = DENCRYPT_BYTES_EMPTY;
	enum dencrypt_result r = signed_request(a, before, &der);
	struct den_message *request;
	int status;

	if (r != DENCRYPT_OK)
		return acquisition_refused(cli, r, NULL);
	request = renew_request(a);
	ask_add_secret(request, DEN_TAG_PASSWORD, password);
	status = acquisition_request(cli, a, request, &der);
	dencrypt_bytes_done(&der);
	return status;
}

static int prove_and_request(struct cli *cli, struct acquisition *a, const struct before *before, int rsa)
{
	struct den_secret *password = NULL;
	int status = is_due(cli, a);

	if (status == CLI_DONE)
		status = prompt_secret(cli, DEN_ASK_PASSWORD, &password);
	if (status == CLI_DONE && !a->key)
		status = make_named_key(cli, a, rsa);
	if (status == CLI_DONE)
		status = send_request(cli, a, before, password);
	den_secret_free(password);
	return status;
}

static int renew(struct cli *cli, struct acquisition *a, const struct before *before, int rsa)
{
	struct den_message *reply = a->resumed ? acquisition_await(cli, a) : NULL;
	int status = CLI_DONE;

	if (!reply || den_message_kind(reply) == DEN_GRANT_NONE) {
		den_message_free(reply);
		reply = NULL;
		status = prove_and_request(cli, a, before, rsa);
	}
	if (status != CLI_DONE)
		return status;
	acquisition_note_interruptions();
	return acquisition_finish(cli, a, reply ? reply : acquisition_await(cli, a));
}

/* LOGIN.p12 becomes LOGIN.renewed.p12, unless told otherwise. */
static int name_files(struct acquisition *a, const struct args *args)
{
	const char *old = args->operand[0];
	size_t len = strlen(old);
	char base[PATH_MAX];

	if (args->option[OPT_OUTPUT])
		return acquisition_name_files(a, args->option[OPT_OUTPUT], "", args->option[OPT_PEM]);
	if (len >= sizeof(base))
		return -1;
	if (len > 4 && strcmp(old + len - 4, ".p12") == 0)
		len -= 4;
	snprintf(base, sizeof(base), "%.*s", (int)len, old);
	return acquisition_name_files(a, base, ".renewed.p12", args->option[OPT_PEM]);
}

static int open_before(struct cli *cli, const struct args *args, struct acquisition *a, struct before *before)
{
	const char *what = args->operand[0];
	int in_token = strncmp(what, "pkcs11:", 7) == 0, status;

	a->is_renewal = 1;
	a->store = in_token ? &acquisition_token : &acquisition_files;
	if (in_token)
		return args->option[OPT_OUTPUT] || args->option[OPT_PEM] ? refuse(cli, DEN_CLI_TOKEN_ALONE) :
			open_token(cli, a, what, before);
	if (name_files(a, args) != 0)
		return acquisition_refused(cli, DENCRYPT_BAD_ARGUMENT, "--output, --pem");
	status = acquisition_check_paths(cli, a);
	return status == CLI_DONE ? open_file(cli, a, what, before) : status;
}

int cli_cert_renew(struct cli *cli, const struct args *args)
{
	struct acquisition a = {0};
	struct before before = {0};
	int status = open_before(cli, args, &a, &before);

	if (status == CLI_DONE)
		status = a.store->resume(cli, &a);
	if (status == CLI_DONE)
		status = acquisition_reach(cli, args->option[OPT_VIA]);
	if (status == CLI_DONE)
		status = renew(cli, &a, &before, args->option[OPT_RSA] != NULL);
	dencrypt_key_free(before.key);
	dencrypt_certificate_free(before.certificate);
	acquisition_done(cli, &a);
	return status;
}
