#include "denshid/signature.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/certificate.h"
#include "crypto/digest.h"
#include "crypto/proof.h"
#include "denshid/issuer.h"
#include "directory/certificate.h"

/* From when a request was shown to when it is decided: reading it, finding the token, typing. */
#define SIGNED_WITHIN_S 900
/* The directory's clock, as it is known here and as it is there. */
#define CLOCK_S 60
/* A new certificate begins by its CA's clock, and takes a moment to be fetched. */
#define REPLACED_S 600

#define SIGNATURE_MAX 512 /* RSA 4096 */

/* -- its written form -------------------------------------------------------------------- */

struct signature {
	int64_t at;
	char fingerprint[65];
	unsigned char bytes[SIGNATURE_MAX + 4];
	size_t size;
};

static int parse(struct signature *s, const char *text)
{
	struct dencrypt_bytes bytes = DENCRYPT_BYTES_EMPTY;
	int at = 0;

	if (sscanf(text, "%" SCNd64 " %64[0-9a-f] %n", &s->at, s->fingerprint, &at) != 2 || !at ||
		dencrypt_from_base64(text + at, SIGNATURE_MAX, &bytes) != DENCRYPT_OK)
		return -1;
	memcpy(s->bytes, bytes.data, bytes.size);
	s->size = bytes.size;
	dencrypt_bytes_done(&bytes);
	return 0;
}

/* -- the certificate ------------------------------------------------------------------------ */

/* The one that signed, among all that its owner was ever given. */
struct search {
	const char *fingerprint;
	struct dencrypt_certificate *found;
	int64_t revoked; /* by the directory's clock; -1: not */
	int64_t replaced; /* when the next one began; -1: by none */
};

static int look_at(void *context, const struct dendir_grant *g)
{
	struct search *s = context;
	struct dencrypt_certificate *one = NULL;

	if (!g->certificate_len || dencrypt_certificate_parse(g->certificate, g->certificate_len, &one) != DENCRYPT_OK)
		return 0;
	if (!s->found && strcmp(dencrypt_certificate_fingerprint(one), s->fingerprint) == 0) {
		s->found = one;
		/* Nothing is written to a grant after it was revoked. */
		s->revoked = g->revoked >= 0 ? g->changed : -1;
		return 0;
	}
	if (s->found && s->replaced < 0)
		s->replaced = (int64_t)dencrypt_certificate_not_before(one);
	dencrypt_certificate_free(one);
	return 0;
}

/* Chained to the organisation's CA, this approver's, and within its dates at `when`. */
static enum den_code check_dates(struct dendir *d, const struct dencrypt_certificate *certificate,
	const char *by, int64_t when)
{
	enum dencrypt_result result;
	enum den_code code = issuer_verify(d, certificate, by, (time_t)when, &result);

	return code == DEN_OK && result != DENCRYPT_OK ? DEN_SIGNATURE_CERTIFICATE : code;
}

/* In force at the decision. One that isn't written yet counts from now on: then whatever revoked the
 * certificate did so before. */
static enum den_code check_certificate(struct dendir *d, const struct search *s, int64_t now,
	const struct den_decision *decision)
{
	int64_t when = decision->at ? decision->at : now;

	if (!s->found || (s->revoked >= 0 && (!decision->at || s->revoked <= when)))
		return DEN_SIGNATURE_CERTIFICATE;
	if (s->replaced >= 0 && (!decision->at || s->replaced + REPLACED_S <= when))
		return DEN_SIGNATURE_CERTIFICATE;
	return check_dates(d, s->found, decision->by, when);
}

static enum den_code check_text(const struct search *s, const struct signature *signature, const struct den_request *r,
	const struct den_decision *decision)
{
	char text[DEN_DECISION_TEXT_SIZE];
	const char *reason = strcmp(decision->word, "rejected") == 0 ? r->reason : "";
	size_t len = den_decision_text(text, sizeof(text), r, decision, signature->at, reason);

	return len && dencrypt_text_verify(s->found, text, len, signature->bytes, signature->size) == DENCRYPT_OK ?
		DEN_OK :
		DEN_SIGNATURE_WRONG;
}

enum den_code signature_check(struct dendir *d, int64_t now, const struct den_request *r,
	const struct den_decision *decision)
{
	struct signature signature = {.size = 0};
	struct search s = {.fingerprint = signature.fingerprint, .revoked = -1, .replaced = -1};
	int64_t when = decision->at ? decision->at : now;
	enum den_code code;

	if (!d)
		return DEN_DIRECTORY_DOWN;
	if (parse(&signature, decision->signature) != 0)
		return DEN_SIGNATURE_WRONG;
	code = dendir_grant_each(d, decision->by, look_at, &s);
	if (code == DEN_OK)
		code = check_certificate(d, &s, now, decision);
	if (code == DEN_OK)
		code = check_text(&s, &signature, r, decision);
	if (code == DEN_OK && (signature.at < when - SIGNED_WITHIN_S || signature.at > when + CLOCK_S))
		code = DEN_SIGNATURE_LATE;
	dencrypt_certificate_free(s.found);
	/* All else is that it couldn't be found out. */
	return code == DEN_OK || code == DEN_SIGNATURE_CERTIFICATE || code == DEN_SIGNATURE_WRONG ||
			code == DEN_SIGNATURE_LATE ?
		code :
		DEN_DIRECTORY_DOWN;
}

/* -- a new one ---------------------------------------------------------------------------------- */

static int keep_newest(void *context, const struct dendir_grant *g)
{
	char *fingerprint = context;
	struct dencrypt_certificate *one = NULL;

	if (g->certificate_len && dencrypt_certificate_parse(g->certificate, g->certificate_len, &one) == DENCRYPT_OK)
		snprintf(fingerprint, 65, "%s", dencrypt_certificate_fingerprint(one));
	dencrypt_certificate_free(one);
	return 0;
}

enum den_code signature_take(struct call *c, struct dendir *d, struct den_decision *decision)
{
	char base64[DENCRYPT_BASE64_SIZE(SIGNATURE_MAX)], fingerprint[65] = "";
	size_t len = 0;
	const void *given = den_message_bytes(c->in, DEN_TAG_SIGNATURE, &len);
	uint64_t at = den_message_number(c->in, DEN_TAG_TIME, 0);
	enum den_code code;

	*decision->signature = '\0';
	if (!given)
		return DEN_OK;
	code = dendir_grant_each(d, decision->by, keep_newest, fingerprint);
	if (code != DEN_OK)
		return code;
	if (dencrypt_base64(given, len, base64, sizeof(base64)) != DENCRYPT_OK) {
		call_arg(c, "signature");
		return DEN_BAD_REQUEST;
	}
	/* Without a certificate on record it is nobody's: the check says so. */
	snprintf(decision->signature, sizeof(decision->signature), "%" PRId64 " %s %s", (int64_t)at,
		*fingerprint ? fingerprint : "0", base64);
	return DEN_OK;
}
