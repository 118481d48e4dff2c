/* User updates (R-UPD). */
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "denshid/call.h"
#include "denshid/log.h"
#include "directory/normalise.h"
#include "directory/update.h"

/* A line has two names of up to 160 bytes at most: so many are within a message. */
#define HISTORY_LINES 100
#define PROGRESS_MS 500

void update_add_pending(struct call *c, struct dendir *d)
{
	unsigned count;

	if (dendir_prepared_count(d, &count) == DEN_OK)
		den_message_add_number(c->out, DEN_TAG_PENDING_COUNT, count);
}

static int send_row(void *context, const struct dendir_row *r)
{
	struct den_message *m = den_message_new(DEN_OK);

	if (m) {
		den_message_add_string(m, DEN_TAG_ACTION, r->action);
		den_message_add_string(m, DEN_TAG_LOGIN, r->login);
		den_message_add_string(m, DEN_TAG_ATTRIBUTE, r->attribute);
		den_message_add_string(m, DEN_TAG_BEFORE, r->before);
		den_message_add_string(m, DEN_TAG_AFTER, r->after);
	}
	return call_row(context, m);
}

/* Whose update is in the way. */
static void tell_other(struct call *c, const struct dendir_update *u, enum den_code code)
{
	char date[16];
	int64_t since;

	if (code != DEN_UPDATE_RUNNING && code != DEN_UPDATE_UNFINISHED)
		return;
	call_arg(c, "%s", dendir_update_other(u, &since));
	call_arg(c, "%s", call_date(date, since));
}

/* All that is pending under the request's filter; its rows are sent where `each` does. */
static enum den_code collect(struct call *c, struct dendir_update **update, dendir_each_row *each)
{
	char filter[DEN_NAME_SIZE];
	enum den_code code;
	struct dendir *d = call_directory(c, &code);

	*update = NULL;
	if (!d)
		return code;
	/* As names are stored, so that one that is typed in another form is found. */
	if (dendir_normalise(filter, sizeof(filter), call_string(c, DEN_TAG_FILTER)) < 0) {
		call_arg(c, "filter");
		return DEN_BAD_REQUEST;
	}
	code = dendir_update_new(update, d);
	if (code == DEN_OK)
		code = dendir_update_collect(*update, d, filter, each, c);
	tell_other(c, *update, code);
	return call_refused(c, d, code);
}

/* -- how far it is: rows of a large update, for who waits ----------------------------------- */

struct progress {
	struct call *call;
	int64_t told_ms;
	int in_force, nobody_reads;
};

static void tell_progress(void *context, size_t users, int64_t serial)
{
	struct progress *p = context;
	struct den_message *m;
	int news = serial != 0 && !p->in_force;

	if (p->nobody_reads || (!news && den_now_ms() - p->told_ms < PROGRESS_MS))
		return;
	m = den_message_new(DEN_OK);
	if (m) {
		den_message_add_number(m, DEN_TAG_NUMBER, users);
		if (serial)
			den_message_add_number(m, DEN_TAG_SERIAL, (uint64_t)serial);
	}
	/* It goes on all the same: half an update is worse than one that nobody waits for. */
	p->nobody_reads = call_row(p->call, m) != 0;
	p->in_force = serial != 0;
	p->told_ms = den_now_ms();
}

enum den_code update_execute(struct call *c, struct dendir_update *u, struct dendir_proof *proof, int64_t *serial)
{
	struct progress progress = {.call = c, .told_ms = den_now_ms()};
	enum den_code code;
	struct dendir_run run = {
		.host = call_directory(c, &code),
		.master = dendir_proof_connection(proof),
		.by = c->peer.login,
		.now = c->now,
		.progress = dendir_update_users(u) > DENDIR_USERS_MAX ? tell_progress : NULL,
		.context = &progress,
	};

	if (!run.host)
		return code;
	code = dendir_update_run(u, &run);
	*serial = run.serial;
	if (code == DEN_LAST_MASTER || code == DEN_NOT_ONESELF)
		call_arg(c, "%s", c->peer.login);
	tell_other(c, u, code);
	if (code == DEN_NUMBERS_USED_UP)
		call_arg(c, "%lld", (long long)run.left);
	if (code == DEN_OK) {
		c->in_force = run.serial;
		den_message_add_number(c->out, DEN_TAG_SERIAL, (uint64_t)run.serial);
	}
	return call_refused(c, run.master, code);
}

enum den_code update_show(struct call *c)
{
	struct dendir_update *u;
	enum den_code code = collect(c, &u, send_row);

	if (code == DEN_OK) {
		den_message_add_number(c->out, DEN_TAG_PENDING_COUNT, dendir_update_users(u));
		den_message_add_string(c->out, DEN_TAG_DIGEST, dendir_update_digest(u));
	}
	dendir_update_free(u);
	return code;
}

static enum den_code run_update(struct call *c, struct dendir_update *u)
{
	struct dendir_proof *proof = NULL;
	int64_t serial = 0;
	enum den_code code = call_approve(c, &proof), again;
	struct dendir *d;

	if (code == DEN_OK)
		code = update_execute(c, u, proof, &serial);
	if (code == DEN_OK) {
		call_arg(c, "%lld", (long long)serial);
		call_arg(c, "%zu", dendir_update_users(u));
		if ((d = call_directory(c, &again)))
			update_add_pending(c, d);
		code = DEN_UPDATE_DONE;
	}
	dendir_proof_free(proof);
	return code;
}

enum den_code update_run(struct call *c)
{
	struct dendir_update *u;
	char serial[24];
	enum den_code code = collect(c, &u, NULL);

	if (code == DEN_OK && dendir_update_users(u) == 0)
		code = DEN_UPDATE_NOT_DUE;
	else if (code == DEN_OK && strcmp(dendir_update_digest(u), call_string(c, DEN_TAG_DIGEST)) != 0)
		code = DEN_UPDATE_CHANGED_MEANWHILE;
	else if (code == DEN_OK)
		code = run_update(c, u);
	dendir_update_free(u);
	snprintf(serial, sizeof(serial), "%llu",
		(unsigned long long)den_message_number(c->out, DEN_TAG_SERIAL, 0));
	log_audit("user-update", "by", c->peer.login, "result", den_code_name(code), "serial", serial, NULL);
	return code;
}

/* One row of at most HISTORY_LINES lines of it, from the first on. */
static int send_past_part(struct call *c, const struct dendir_past_update *p, size_t first)
{
	struct den_message *m = den_message_new(DEN_OK);

	if (!m)
		return -1;
	den_message_add_number(m, DEN_TAG_SERIAL, (uint64_t)p->serial);
	den_message_add_number(m, DEN_TAG_TIME, (uint64_t)p->time);
	den_message_add_string(m, DEN_TAG_LOGIN, p->by);
	den_message_add_string(m, DEN_TAG_STATE, p->state);
	for (size_t i = first; i < p->nlines && i < first + HISTORY_LINES; i++)
		den_message_add_string(m, DEN_TAG_TEXT, p->lines[i]);
	return call_row(c, m);
}

/* A large update takes several rows: a message is bounded. */
static int send_past(void *context, const struct dendir_past_update *p)
{
	size_t first = 0;

	do {
		if (send_past_part(context, p, first) != 0)
			return -1;
		first += HISTORY_LINES;
	} while (first < p->nlines);
	return 0;
}

enum den_code update_history(struct call *c)
{
	const struct dendir_page page = {
		.before = (int64_t)den_message_number(c->in, DEN_TAG_SERIAL, 0),
		.limit = (size_t)den_message_number(c->in, DEN_TAG_NUMBER, 0),
	};
	enum den_code code;
	struct dendir *d = call_directory(c, &code);
	int64_t next = 0;

	if (!d)
		return code;
	code = dendir_update_history(d, &page, send_past, c, &next);
	if (code == DEN_OK && next)
		den_message_add_number(c->out, DEN_TAG_SERIAL, (uint64_t)next);
	return call_refused(c, d, code);
}
