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

/* What the directory says of this host's chain: a decision on a request, or a user update. */
struct anchor {
	uint64_t number;
	char digest[CHAIN_DIGEST_SIZE], of[24]; /* the request, or the serial */
	enum den_code unfit; /* what is told where it doesn't fit */
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
	size_t ndecisions;
	int64_t added; /* when this host was added to the organisation */
	const struct anchor *unfit; /* the first that knows another chain */
};

/* -- anchors ------------------------------------------------------------------------------ */

static int put_anchor(struct reading *in, const struct anchor *a)
{
	struct anchor *more = reallocarray(in->anchors, in->n + 1, sizeof(*more));

	if (!more)
		return 1;
	in->anchors = more;
	more[in->n++] = *a;
	in->ndecisions += a->unfit == DEN_LOG_UNFIT;
	return 0;
}

static int take_decision(void *context, const struct den_request *r)
{
	struct reading *in = context;
	struct anchor a = {.unfit = DEN_LOG_UNFIT};
	char host[256], time[32];
	long long serial;

	if (sscanf(r->decision.on, "%31s %255s %lld %" SCNu64 ":%64[0-9a-f]", time, host, &serial, &a.number, a.digest) != 5 ||
		strcmp(host, in->c->shared->site->host) != 0)
		return 0;
	/* Of another machine of that name, before this one. */
	if (dendir_parse_time(time) < in->added)
		return 0;
	snprintf(a.of, sizeof(a.of), "%s", r->id);
	return put_anchor(in, &a);
}

static int take_update(void *context, int64_t serial, const char *head)
{
	struct anchor a = {.unfit = DEN_LOG_UNFIT_UPDATE};

	/* What isn't a head fits no record. */
	(void)sscanf(head, "%" SCNu64 ":%64[0-9a-f]", &a.number, a.digest);
	snprintf(a.of, sizeof(a.of), "%" PRId64, serial);
	return put_anchor(context, &a);
}

static int by_number(const void *a, const void *b)
{
	const struct anchor *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static enum den_code read_anchors(struct reading *in, struct dendir *d)
{
	struct dendir_host self;
	enum den_code code = dendir_host_read(d, dendir_site_of(d)->host, &self);

	in->added = self.since;
	if (code == DEN_OK)
		code = dendir_request_each(d, "(&(objectClass=denshiRequest)(denshiDecidedOn=*))", take_decision, in);
	if (code == DEN_OK)
		code = dendir_anchor_each(d, self.dn, take_update, in);
	if (code == DEN_OK && in->n)
		qsort(in->anchors, in->n, sizeof(*in->anchors), by_number);
	return call_refused(in->c, d, code);
}

static void check_anchors(struct reading *in, uint64_t number, const char *digest)
{
	while (!in->unfit && in->next < in->n && in->anchors[in->next].number <= number) {
		const struct anchor *a = &in->anchors[in->next++];

		if (a->number != number || strcmp(a->digest, digest) != 0)
			in->unfit = a;
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
	check_anchors(in, r->number, r->digest);
	if (in->only_verify || r->time < in->since || (*in->login && !is_about(r->text, in->login)))
		return 0;
	return send_record(in, r);
}

static enum den_code tell(struct reading *in)
{
	struct call *c = in->c;

	/* Those that are beyond the end. */
	if (!in->unfit && in->next < in->n)
		in->unfit = &in->anchors[in->next];
	den_message_add_number(c->out, DEN_TAG_NUMBER, in->count);
	if (in->broken) {
		call_arg(c, "%llu", (unsigned long long)in->broken);
		return DEN_LOG_BROKEN;
	}
	if (in->unfit) {
		call_arg(c, "%s", in->unfit->of);
		call_arg(c, "%llu", (unsigned long long)in->unfit->number);
		return in->unfit->unfit;
	}
	call_arg(c, "%llu", (unsigned long long)in->count);
	call_arg(c, "%zu", in->ndecisions);
	call_arg(c, "%zu", in->n - in->ndecisions);
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
		code = read_anchors(&in, d);
	/* The head of a chain without records. */
	check_anchors(&in, 0, CHAIN_NONE);
	if (code == DEN_OK && chain_each(take, &in) != 0) {
		call_arg(c, "the audit records can't be read");
		code = DEN_INTERNAL;
	}
	if (code == DEN_OK)
		code = tell(&in);
	free(in.anchors);
	return code;
}
