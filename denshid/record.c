/* Reading the audit records of this host, and whether their chain holds (R-ALL-3). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "denshid/call.h"
#include "denshid/chain.h"
#include "directory/request.h"

/* What a decision in the directory says of this host's chain. */
struct anchor {
	uint64_t number;
	char digest[CHAIN_DIGEST_SIZE], request[12];
};

struct reading {
	struct call *c;
	const char *login;
	int64_t since;
	int only_verify;
	uint64_t broken; /* the first record that doesn't fit; 0: none */
	uint64_t count;
	struct anchor *anchors; /* by number */
	size_t n, next;
	char unfit[12]; /* a request whose decision knows another chain */
};

/* -- anchors ------------------------------------------------------------------------------ */

static int take_anchor(struct reading *in, const struct den_request *r, const struct den_decision *d)
{
	char host[256], time[32];
	long long serial;
	struct anchor a, *more;

	if (sscanf(d->on, "%31s %255s %lld %" SCNu64 ":%64[0-9a-f]", time, host, &serial, &a.number, a.digest) != 5 ||
		strcmp(host, in->c->shared->site->host) != 0)
		return 0;
	memcpy(a.request, r->id, sizeof(a.request));
	more = reallocarray(in->anchors, in->n + 1, sizeof(*more));
	if (!more)
		return 1;
	in->anchors = more;
	more[in->n++] = a;
	return 0;
}

static int note_request(void *context, const struct den_request *r)
{
	return take_anchor(context, r, &r->decision);
}

static int by_number(const void *a, const void *b)
{
	const struct anchor *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static void check_anchors(struct reading *in, const struct chain_record *r)
{
	while (in->next < in->n && in->anchors[in->next].number <= r->number) {
		const struct anchor *a = &in->anchors[in->next++];

		if ((a->number != r->number || strcmp(a->digest, r->digest) != 0) && !*in->unfit)
			memcpy(in->unfit, a->request, sizeof(in->unfit));
	}
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

static int send_record(struct reading *in, const struct chain_record *r)
{
	struct den_message *m = den_message_new(DEN_OK);

	if (!m)
		return 1;
	den_message_add_number(m, DEN_TAG_NUMBER, r->number);
	den_message_add_number(m, DEN_TAG_TIME, (uint64_t)r->time);
	den_message_add_string(m, DEN_TAG_RECORD, r->text);
	return call_row(in->c, m);
}

static int take(void *context, const struct chain_record *r)
{
	struct reading *in = context;

	in->count++;
	if (!r->fits && !in->broken)
		in->broken = r->number;
	check_anchors(in, r);
	if (in->only_verify || r->time < in->since || (*in->login && !is_about(r->text, in->login)))
		return 0;
	return send_record(in, r);
}

static enum den_code tell(struct reading *in)
{
	struct call *c = in->c;

	/* Those that are beyond the end. */
	if (in->next < in->n && !*in->unfit)
		memcpy(in->unfit, in->anchors[in->next].request, sizeof(in->unfit));
	den_message_add_number(c->out, DEN_TAG_NUMBER, in->count);
	if (in->broken) {
		call_arg(c, "%llu", (unsigned long long)in->broken);
		return DEN_LOG_BROKEN;
	}
	if (*in->unfit) {
		call_arg(c, "%s", in->unfit);
		return DEN_LOG_UNFIT;
	}
	call_arg(c, "%llu", (unsigned long long)in->count);
	call_arg(c, "%zu", in->n);
	return in->only_verify ? DEN_LOG_SOUND : DEN_OK;
}

enum den_code record_list(struct call *c)
{
	struct reading in = {.c = c, .login = call_string(c, DEN_TAG_LOGIN),
		.since = (int64_t)den_message_number(c->in, DEN_TAG_TIME, 0),
		.only_verify = den_message_number(c->in, DEN_TAG_DRY_RUN, 0) != 0};
	enum den_code code = c->uid == 0 ? DEN_OK : call_needs_master(c);
	struct dendir *d = code == DEN_OK && in.only_verify ? call_directory(c, &code) : NULL;

	if (code == DEN_OK && d)
		code = call_refused(c, d, dendir_request_each(d, "(&(objectClass=denshiRequest)(denshiDecidedOn=*))", note_request, &in));
	if (code == DEN_OK && in.n)
		qsort(in.anchors, in.n, sizeof(*in.anchors), by_number);
	if (code == DEN_OK && chain_each(take, &in) != 0) {
		call_arg(c, "the audit records can't be read");
		code = DEN_INTERNAL;
	}
	if (code == DEN_OK)
		code = tell(&in);
	free(in.anchors);
	return code;
}
