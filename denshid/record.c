/* Reading the audit records of this host, and whether their chain holds (R-ALL-3). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "denshid/call.h"
#include "denshid/chain.h"
#include "directory/anchor.h"
#include "directory/host.h"
#include "directory/request.h"
#include "directory/version.h"

struct reading {
	struct call *c;
	const char *login;
	int64_t since;
	int only_verify;
	struct dencrypt_verification verification;
};

/* -- anchors: what the directory says of a host's chain --------------------------------------- */

struct anchors {
	struct dendir_host host;
	int64_t in_force; /* the serial */
	int (*take)(void *context, const struct dencrypt_anchor *a);
	void *context;
};

static int take_decision(void *context, const struct den_request *r)
{
	struct anchors *in = context;
	struct dencrypt_anchor a = {0};
	char host[256], time[32], head[128];
	long long serial;

	if (sscanf(r->decision.on, "%31s %255s %lld %127s", time, host, &serial, head) != 4 ||
		strcmp(host, in->host.name) != 0)
		return 0;
	/* Of another machine of that name, before this one. */
	if (dendir_parse_time(time) < in->host.since)
		return 0;
	dencrypt_anchor_head(&a, head);
	snprintf(a.of, sizeof(a.of), "%s", r->id);
	return in->take(in->context, &a);
}

static int take_update(void *context, int64_t serial, const char *head)
{
	struct anchors *in = context;
	struct dencrypt_anchor a = {.serial = serial};

	dencrypt_anchor_head(&a, head);
	snprintf(a.of, sizeof(a.of), "%" PRId64, serial);
	return in->take(in->context, &a);
}

static enum den_code read_anchors(struct call *c, const char *host, struct anchors *in)
{
	enum den_code code;
	struct dendir *d = call_directory(c, &code);

	if (!d)
		return code;
	code = dendir_host_find(d, host, &in->host);
	if (code == DEN_HOST_UNKNOWN)
		call_arg(c, "%s", host);
	if (code == DEN_OK)
		code = dendir_request_each(d, NULL, take_decision, in);
	if (code == DEN_OK)
		code = dendir_anchor_each(d, in->host.dn, take_update, in);
	if (code == DEN_OK)
		code = dendir_serial_read(d, &in->in_force);
	if (code == DEN_OK)
		den_message_add_number(c->out, DEN_TAG_SERIAL, (uint64_t)in->in_force);
	return call_refused(c, d, code);
}

static int keep_anchor(void *context, const struct dencrypt_anchor *a)
{
	struct reading *in = context;

	return dencrypt_verify_anchor(&in->verification, a) != DENCRYPT_OK;
}

/* For those who have its records from elsewhere. */
static int send_anchor(void *context, const struct dencrypt_anchor *a)
{
	struct den_message *m = den_message_new(DEN_OK);

	if (!m)
		return 1;
	den_message_add_number(m, DEN_TAG_NUMBER, a->number);
	den_message_add_string(m, DEN_TAG_DIGEST, a->digest);
	den_message_add_string(m, DEN_TAG_KIND, a->serial ? "update" : "decision");
	den_message_add_string(m, DEN_TAG_ID, a->of);
	return call_row(context, m);
}

/* -- records --------------------------------------------------------------------------------- */

/* A value of the record is this login ID, whatever its key is. */
static int is_about(const char *text, const char *login)
{
	size_t len = strlen(login);

	for (const char *at = strchr(text, '='); at; at = strchr(at + 1, '='))
		if (strncmp(at + 1, login, len) == 0 && (at[len + 1] == ' ' || !at[len + 1]))
			return 1;
	return 0;
}

static int send_record(struct reading *in, const struct dencrypt_record *r)
{
	struct den_message *m = den_message_new(DEN_OK);

	if (!m)
		return 1;
	den_message_add_number(m, DEN_TAG_NUMBER, r->number);
	den_message_add_number(m, DEN_TAG_TIME, (uint64_t)r->time);
	den_message_add_string(m, DEN_TAG_RECORD, r->text);
	return call_row(in->c, m);
}

static int take(void *context, const struct dencrypt_record *r)
{
	struct reading *in = context;

	dencrypt_verify_record(&in->verification, r);
	if (in->only_verify || r->time < in->since || (*in->login && !is_about(r->text, in->login)))
		return 0;
	return send_record(in, r);
}

static enum den_code tell(struct reading *in, int64_t in_force)
{
	struct dencrypt_verification *v = &in->verification;
	enum dencrypt_verdict verdict = dencrypt_verify_end(v);
	struct call *c = in->c;

	den_message_add_number(c->out, DEN_TAG_NUMBER, v->records);
	call_arg(c, "%s", c->shared->site->host);
	if (verdict == DENCRYPT_CHAIN_BROKEN) {
		call_arg(c, "%" PRIu64, v->broken);
		return DEN_LOG_BROKEN;
	}
	if (verdict == DENCRYPT_CHAIN_UNFIT) {
		call_arg(c, "%s", v->unfit->of);
		call_arg(c, "%" PRIu64, v->unfit->number);
		return v->unfit->serial ? DEN_LOG_UNFIT_UPDATE : DEN_LOG_UNFIT;
	}
	call_arg(c, "%" PRIu64, v->records);
	call_arg(c, "%zu", v->n - v->updates);
	call_arg(c, "%zu", v->updates);
	call_arg(c, "%" PRId64, v->last_update);
	call_arg(c, "%" PRId64, in_force);
	return in->only_verify ? DEN_LOG_SOUND : DEN_OK;
}

static enum den_code list_own(struct call *c)
{
	struct reading in = {.c = c, .login = call_string(c, DEN_TAG_LOGIN),
		.since = (int64_t)den_message_number(c->in, DEN_TAG_TIME, 0),
		.only_verify = den_message_number(c->in, DEN_TAG_DRY_RUN, 0) != 0};
	struct anchors anchors = {.take = keep_anchor, .context = &in};
	enum den_code code = in.only_verify ? read_anchors(c, c->shared->site->host, &anchors) : DEN_OK;

	if (code == DEN_OK && chain_each(take, &in) != 0) {
		call_arg(c, "the audit records can't be read");
		code = DEN_INTERNAL;
	}
	if (code == DEN_OK)
		code = tell(&in, anchors.in_force);
	dencrypt_verification_done(&in.verification);
	return code;
}

enum den_code record_list(struct call *c)
{
	struct anchors anchors = {.take = send_anchor, .context = c};
	const char *host = call_string(c, DEN_TAG_HOST);
	enum den_code code = c->uid == 0 ? DEN_OK : call_needs_master(c);

	if (code != DEN_OK)
		return code;
	return *host ? read_anchors(c, host, &anchors) : list_own(c);
}
