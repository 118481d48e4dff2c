/* A certificate being acquired: the request. */
#include "core/protocol.h"
#include "tools/denshi/acquisition.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"

int acquisition_request(struct cli *cli, struct acquisition *a, struct den_message *request,
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
		(void)a->store->drop_key(cli, a);
	return status;
}
