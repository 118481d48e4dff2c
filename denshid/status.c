/* denshi status (R-ALL-7). */
#include "denshid/call.h"

enum den_code status_show(struct call *c)
{
	struct den_snapshot_meta meta;
	size_t users;
	enum den_code code;
	struct dendir *d = call_directory(c, &code);

	den_message_add_string(c->out, DEN_TAG_ORG, c->shared->site->org);
	den_message_add_string(c->out, DEN_TAG_HOST, c->shared->site->host);
	den_message_add_string(c->out, DEN_TAG_STATE, d && view_is_up(c->shared->view) ? "up" : "down");
	if (view_meta(c->shared->view, &meta, &users)) {
		den_message_add_number(c->out, DEN_TAG_SERIAL, meta.serial);
		den_message_add_number(c->out, DEN_TAG_TIME, (uint64_t)meta.created);
		den_message_add_number(c->out, DEN_TAG_NUMBER, users);
	}
	if (*c->peer.login) {
		den_message_add_string(c->out, DEN_TAG_LOGIN, c->peer.login);
		den_message_add_string(c->out, DEN_TAG_ROLE, c->peer.flags & DEN_USER_MASTER ? "master" : "general");
	}
	if (d)
		update_add_pending(c, d);
	/* What is known without the directory is told without it. */
	return DEN_OK;
}
