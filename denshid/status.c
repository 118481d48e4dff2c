/* denshi status (R-ALL-7). */
#include <inttypes.h>
#include <stdio.h>

#include "denshid/call.h"
#include "directory/features.h"

/* What the directory has and this host doesn't take over. */
static void add_refused(struct call *c)
{
	char text[24];
	int64_t serial;
	enum den_code why = view_refused(c->shared->view, &serial);

	snprintf(text, sizeof(text), "%" PRId64, serial);
	if (why != DEN_OK)
		call_reason(c, why, text);
}

/* What the directory's server lacks. */
static void add_lacking(struct call *c, struct dendir *d)
{
	struct dendir_features f;

	if (dendir_features_read(d, &f) != DEN_OK)
		return;
	if (!f.argon2id)
		call_reason(c, DEN_STATUS_ARGON2I, dendir_uri(d));
	if (!f.guarded)
		call_reason(c, DEN_STATUS_UNGUARDED, dendir_uri(d));
}

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
	add_refused(c);
	if (d) {
		add_lacking(c, d);
		update_add_pending(c, d);
	}
	/* What is known without the directory is told without it. */
	return DEN_OK;
}
