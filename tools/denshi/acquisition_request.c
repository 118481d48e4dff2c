/* A certificate being acquired: its key, and the request that is made with it. */
#include "core/protocol.h"
#include "tools/denshi/acquisition.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"

int acquisition_make_key(struct cli *cli, struct acquisition *a, int rsa)
{
	enum dencrypt_result r;

	if (!cli->json)
		say(cli, stdout, DEN_CLI_MAKING_KEY);
	fflush(stdout);
	r = dencrypt_key_make(rsa ? DENCRYPT_RSA_3072 : DENCRYPT_EC_P256, &a->key);
	return r == DENCRYPT_OK ? acquisition_keep_key(cli, a) : acquisition_refused(cli, r, NULL);
}

int acquisition_request(struct cli *cli, const struct acquisition *a, struct den_message *request,
	const struct dencrypt_bytes *der)
{
	struct den_message *reply;
	int status;

	den_message_add_string(request, DEN_TAG_ID, a->id);
	den_message_add(request, DEN_TAG_BYTES, der->data, der->size);
	reply = ask(cli, request, NULL, NULL);
	/* A former run's own request may have arrived meanwhile: what is fetched tells. */
	status = a->resumed && den_message_kind(reply) == DEN_GRANT_NONE ? CLI_DONE : ask_refused(cli, reply);
	den_message_free(reply);
	/* Refused the first time: nothing was used. Otherwise the key may be needed. */
	if (status != CLI_DONE && status != CLI_DOWN && !a->resumed)
		(void)acquisition_drop_key(cli, a);
	return status;
}
