#include "tools/denshi-ca/signer.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "directory/certificate.h"
#include "directory/schema.h"
#include "directory/user.h"
#include "directory/writer.h"
#include "tools/denshi-ca/log.h"
#include "tools/denshi-ca/publish.h"
#include "tools/denshi-ca/renewal.h"

/* A list is good for a day (crypto/ca.h); a missed one must leave time to notice. */
#define CRL_EVERY_S (6 * 3600)
#define FOLLOW_MS 2000
#define FILTER \
	"(&(objectClass=denshiGrant)(|(denshiRevoked=*)" \
	"(&(denshiSigningRequest=*)(!(denshiCertificate=*))(!(denshiRefused=*)))))"

/* -- one request ------------------------------------------------------------------------ */

/* DEN_OK, or why nothing is signed for this grant. DEN_DIRECTORY_DOWN: not to be answered now. */
static enum den_code judge(struct signer *s, const struct dendir_grant *g, int64_t now)
{
	struct dendir_user owner = {0};
	enum den_code code;

	if (g->revoked >= 0)
		return DEN_CA_REVOKED;
	if (g->expires <= now)
		return DEN_CA_EXPIRED;
	if (!*g->owner)
		return DEN_CA_OWNER;
	code = dendir_user_read(s->d, DENDIR_PEOPLE, g->owner, &owner);
	if (code == DEN_OK && strcmp(owner.state, "active") != 0)
		code = DEN_CA_OWNER;
	else if (code == DEN_UNKNOWN_USER)
		code = DEN_CA_OWNER;
	dendir_user_done(&owner);
	return code;
}

static void answer_lost(struct signer *s, const char *what, const struct dendir_grant *g, enum den_code code)
{
	/* Another signer was faster, or a master revoked it meanwhile: what is there holds. */
	if (code == DEN_GRANT_NONE) {
		log_info("answered-already grant=%s login=%s", g->id, g->owner);
		return;
	}
	log_warn("failed what=%s grant=%s login=%s reason=\"%s\"", what, g->id, g->owner, dendir_diagnostic(s->d));
	s->lost = code == DEN_DIRECTORY_DOWN;
}

static void refuse(struct signer *s, const struct dendir_grant *g, enum den_code why, const char *detail)
{
	const char *args[] = {detail};
	char reason[256];
	enum den_code code;

	den_text_format(reason, sizeof(reason), s->lang, why, args, 1);
	code = dendir_grant_refuse(s->d, g->id, reason);
	if (code == DEN_OK)
		log_info("refused grant=%s login=%s code=%s detail=\"%s\"", g->id, g->owner, den_code_name(why), detail);
	else
		answer_lost(s, "refuse", g, code);
}

/* What was in use before goes onto the list. Where that can't be told, as well. */
static int replaces_one(struct signer *s, const char *owner)
{
	struct dendir_issued *list;
	size_t n;
	int one = dendir_issued_read(s->d, owner, &list, &n) != DEN_OK || n > 1;

	free(list);
	return one;
}

static void issue(struct signer *s, const struct dendir_grant *g, const void *request, size_t len, time_t now)
{
	struct dencrypt_certificate *certificate = NULL;
	struct dencrypt_bytes der = DENCRYPT_BYTES_EMPTY;
	char until[DENDIR_TIME_SIZE];
	enum den_code code;
	enum dencrypt_result r = dencrypt_ca_sign(s->ca, request, len, g->owner,
		s->config->organisation, s->config->certificate_days, now, &certificate);

	if (r == DENCRYPT_OK)
		r = dencrypt_certificate_der(certificate, &der);
	if (r == DENCRYPT_INTERNAL || r == DENCRYPT_NO_MEMORY) {
		/* The key's fault, not the request's: it stays, and is answered by the next start. */
		log_warn("failed what=sign grant=%s login=%s reason=\"%s\"", g->id, g->owner, dencrypt_text(r));
		s->key_failed = s->lost = 1;
	} else if (r != DENCRYPT_OK) {
		refuse(s, g, DEN_CA_REQUEST, dencrypt_text(r));
	} else {
		code = dendir_grant_issue(s->d, g->id, der.data, der.size, dencrypt_certificate_serial(certificate));
		if (code == DEN_OK) {
			log_info("issued grant=%s login=%s serial=%s until=%s", g->id, g->owner,
				dencrypt_certificate_serial(certificate),
				dendir_time(until, dencrypt_certificate_not_after(certificate)));
			s->crl_due |= replaces_one(s, g->owner);
		} else {
			answer_lost(s, "issue", g, code);
		}
	}
	dencrypt_certificate_free(certificate);
	dencrypt_bytes_done(&der);
}

static enum den_code renew(struct signer *s, const struct dendir_grant *g, time_t now)
{
	struct dencrypt_bytes request = DENCRYPT_BYTES_EMPTY;
	enum dencrypt_result why;
	enum den_code code = renewal_open(s, g, now, &request, &why);

	if (code == DEN_OK)
		issue(s, g, request.data, request.size, now);
	else if (code == DEN_CA_RENEWAL)
		refuse(s, g, code, dencrypt_text(why));
	dencrypt_bytes_done(&request);
	return code == DEN_CA_RENEWAL ? DEN_OK : code;
}

static void answer(struct signer *s, const char *id)
{
	struct dendir_grant *g = calloc(1, sizeof(*g));
	int64_t now = time(NULL);
	enum den_code code;

	if (!g)
		return;
	/* Read anew: what the watch told may be old. */
	code = dendir_grant_read(s->d, id, g);
	if (code == DEN_OK && g->request_len > 0 && g->certificate_len == 0 && !*g->refused) {
		code = judge(s, g, now);
		if (code == DEN_OK && g->is_renewal)
			code = renew(s, g, (time_t)now);
		else if (code == DEN_OK)
			issue(s, g, g->request, g->request_len, (time_t)now);
		else if (code != DEN_DIRECTORY_DOWN && code != DEN_DIRECTORY_REFUSED)
			refuse(s, g, code, g->owner);
	}
	if (code == DEN_DIRECTORY_DOWN || code == DEN_DIRECTORY_REFUSED) {
		log_warn("failed what=read grant=%s reason=\"%s\"", id, dendir_diagnostic(s->d));
		s->lost = 1;
	}
	free(g);
}

/* -- the watch ----------------------------------------------------------------------------- */

static int ended(const struct signer *s)
{
	return *s->stop || s->lost;
}

static int on_changed(void *context, const unsigned char *uuid, struct dendir_entry *e)
{
	struct signer *s = context;

	(void)uuid;
	if (*dendir_entry_string(e, "denshiRevoked"))
		s->crl_due = 1;
	if (!*dendir_entry_string(e, "denshiCertificateSerial"))
		answer(s, dendir_entry_string(e, "cn"));
	return ended(s);
}

/* It left the filter: answered. */
static int on_gone(void *context, const unsigned char *uuid)
{
	(void)uuid;
	return ended(context);
}

/* Another server is the writer by now: begun anew, with that one. */
static int is_elsewhere(struct signer *s)
{
	int64_t now_ms = den_now_ms();

	if (!strchr(s->site.uri, ' ') || now_ms - s->followed_ms < FOLLOW_MS)
		return 0;
	s->followed_ms = now_ms;
	return dendir_follow_update(s->d) == DEN_OK && !dendir_is_at_writer(s->d);
}

/* Also where the clock was put back, or the machine slept. */
static int is_stale(const struct signer *s)
{
	int64_t age = (int64_t)time(NULL) - s->crl_made;

	return age < 0 || age > CRL_EVERY_S;
}

static int on_idle(void *context)
{
	struct signer *s = context;

	if (is_elsewhere(s))
		s->lost = 1;
	if (!ended(s) && s->refreshed && (s->crl_due || is_stale(s)))
		(void)publish_crl(s);
	return ended(s);
}

static int on_refreshed(void *context, int others_gone)
{
	struct signer *s = context;

	(void)others_gone;
	/* Only now: a certificate revoked before is told before. */
	s->refreshed = 1;
	if (publish_crl(s) == 0) {
		s->ready = 1;
		log_info("ready organisation=%s", s->config->organisation);
	}
	return ended(s);
}

static void watch(struct signer *s, struct dendir *d)
{
	static const char *const attributes[] = {"cn", "denshiRevoked", "denshiCertificateSerial", NULL};
	const struct dendir_watcher watcher = {
		.changed = on_changed,
		.gone = on_gone,
		.refreshed = on_refreshed,
		.idle = on_idle,
		.context = s,
	};
	char base[DENDIR_DN_SIZE];

	if (dendir_watch(d, dendir_dn(base, d, "ou=certificates"), FILTER, attributes, NULL, &watcher) != DEN_OK)
		log_warn("lost reason=\"%s\"", dendir_diagnostic(d));
}

/* Where there are several servers, each knows who the writer is, or was. */
static void find_writer(struct signer *s)
{
	struct dendir *d = NULL;
	char why[DENDIR_WHY_SIZE];

	if (strchr(s->site.uri, ' ') && dendir_open_any(&d, &s->site, why) == DEN_OK)
		(void)dendir_follow_update(d);
	dendir_close(d);
}

int signer_run(struct signer *s)
{
	struct dendir *watching = NULL;
	struct dendir_policy policy;
	unsigned found;

	s->lost = s->crl_due = s->refreshed = s->ready = 0;
	find_writer(s);
	if (dendir_open(&s->d, &s->site) != DEN_OK || dendir_open(&watching, &s->site) != DEN_OK) {
		/* Once: it may be away for days. */
		if (!s->told_unreachable)
			log_warn("unreachable uri=%s", s->site.uri);
		s->told_unreachable = 1;
	} else if (dendir_check_schema(s->d, &found) == DEN_DIRECTORY_NEWER) {
		log_warn("newer schema=%u known=%d", found, DENDIR_SCHEMA_VERSION);
	} else {
		s->told_unreachable = 0;
		s->lang = den_lang_from_name(s->config->language);
		if (dendir_policy_read(s->d, &policy) == DEN_OK && *policy.lang)
			s->lang = den_lang_from_name(policy.lang);
		if (publish_certificates(s) == 0)
			watch(s, watching);
	}
	dendir_close(watching);
	dendir_close(s->d);
	s->d = NULL;
	return s->ready ? 0 : -1;
}
