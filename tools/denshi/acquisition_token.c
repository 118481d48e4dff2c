/* A certificate being acquired into a PKCS#11 token: the key is made there and never leaves it. */
#include <string.h>

#include "tools/denshi/acquisition.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"
#include "tools/denshi/prompt.h"

#define LABEL_SIZE (DEN_LOGIN_ID_SIZE + 8)
#define RENEWAL "r-" /* what begins the name of a renewal, and of no grant */

static const char *label_of(const struct acquisition *a, char label[LABEL_SIZE])
{
	snprintf(label, LABEL_SIZE, "denshi %s", a->login);
	return label;
}

static int refused_by(struct cli *cli, const struct acquisition *a, enum dencrypt_result r)
{
	return r == DENCRYPT_WRONG_PIN ? refuse(cli, DEN_CERT_PIN_WRONG) : acquisition_refused(cli, r, a->uri);
}

int acquisition_open_token(struct cli *cli, struct acquisition *a, const char *name)
{
	enum dencrypt_result r = dencrypt_token_find(name, &a->token);
	int status;

	if (r == DENCRYPT_OK)
		r = dencrypt_token_uri(a->token, NULL, a->uri);
	if (r != DENCRYPT_OK)
		return acquisition_refused(cli, r, name);
	status = prompt_token_pin(cli, &a->pin);
	if (status != CLI_DONE)
		return status;
	r = dencrypt_token_login(a->token, den_secret_bytes(a->pin));
	return r == DENCRYPT_OK ? CLI_DONE : refused_by(cli, a, r);
}

/* -- the key ------------------------------------------------------------------------ */

static bool is_renewals(const char *id)
{
	return strncmp(id, RENEWAL, sizeof(RENEWAL) - 1) == 0;
}

static bool is_grants(const char *id)
{
	return !is_renewals(id);
}

static int resume(struct cli *cli, struct acquisition *a)
{
	char label[LABEL_SIZE], id[DENCRYPT_TOKEN_ID_SIZE];
	enum dencrypt_result r = dencrypt_token_waiting(a->token, label_of(a, label), a->is_renewal ? is_renewals : is_grants, id);

	if (r == DENCRYPT_OK && *id)
		r = dencrypt_token_key(a->token, id, &a->key);
	if (r != DENCRYPT_OK)
		return refused_by(cli, a, r);
	if (!*id)
		return CLI_DONE;
	snprintf(a->id, sizeof(a->id), "%s", id);
	a->resumed = 1;
	if (!cli->json)
		say(cli, stdout, DEN_CLI_WAITING_FOUND, a->uri);
	return CLI_DONE;
}

static int make_key(struct cli *cli, struct acquisition *a, int rsa)
{
	char label[LABEL_SIZE];
	enum dencrypt_result r;

	if (!cli->json)
		say(cli, stdout, DEN_CLI_MAKING_KEY);
	fflush(stdout);
	r = dencrypt_token_make_key(a->token, rsa ? DENCRYPT_RSA_3072 : DENCRYPT_EC_P256, label_of(a, label), a->id);
	if (r == DENCRYPT_OK)
		r = dencrypt_token_key(a->token, a->id, &a->key);
	return r == DENCRYPT_OK ? CLI_DONE : refused_by(cli, a, r);
}

/* With its certificate beside it, nothing waits. */
static int drop_key(struct cli *cli, struct acquisition *a)
{
	char label[LABEL_SIZE];
	enum dencrypt_result r = a->certificate ? DENCRYPT_OK : dencrypt_token_drop(a->token, label_of(a, label), a->id);

	return r == DENCRYPT_OK ? CLI_DONE : refused_by(cli, a, r);
}

/* -- the certificate -------------------------------------------------------------------- */

static int put(struct cli *cli, struct acquisition *a)
{
	char label[LABEL_SIZE];
	enum dencrypt_result r = dencrypt_token_put(a->token, label_of(a, label), a->id, a->certificate);

	if (r == DENCRYPT_OK)
		r = dencrypt_token_uri(a->token, a->id, a->uri);
	return r == DENCRYPT_OK ? CLI_DONE : refused_by(cli, a, r);
}

static void say_what_next(struct cli *cli, const struct acquisition *a)
{
	if (cli->json) {
		output_json(json_pack("{ss ss ss ss}", "code", den_code_name(DEN_OK), "login", a->login, "token", a->uri,
			"certificate_serial", dencrypt_certificate_serial(a->certificate)));
		return;
	}
	say(cli, stdout, DEN_CLI_TOKEN_STORED, a->uri);
	say(cli, stdout, DEN_CLI_NEXT_TOKEN_TERMINAL, a->uri);
	say(cli, stdout, DEN_CLI_NEXT_TOKEN_SSH, a->login);
	say(cli, stdout, DEN_CLI_NEXT_TOKEN_BROWSER);
}

static const char *place(const struct acquisition *a)
{
	return a->uri;
}

const struct acquisition_store acquisition_token = {resume, make_key, drop_key, put, say_what_next, place};
