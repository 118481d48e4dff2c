#include "tools/denshi-ca/renewal.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/renewal.h"

/* The newest certificate; what came before it is superseded. */
static int keep_newest(void *context, const struct dendir_grant *g)
{
	if (g->certificate_len)
		memcpy(context, g, sizeof(*g));
	return 0;
}

static enum dencrypt_result verify_by(const struct signer *s, const struct dencrypt_ca *ca, const struct dencrypt_certificate *old,
	const char *owner, time_t now)
{
	return dencrypt_verify_client(old, dencrypt_ca_certificate(ca), NULL, owner, s->config->organisation, now);
}

static enum dencrypt_result open_with(struct signer *s, const struct dendir_grant *g, const struct dendir_grant *before,
	time_t now, struct dencrypt_bytes *request)
{
	struct dencrypt_certificate *old = NULL;
	enum dencrypt_result r = DENCRYPT_NOT_ON_RECORD;

	if (before->certificate_len)
		r = before->revoked >= 0 ? DENCRYPT_REVOKED :
			dencrypt_certificate_parse(before->certificate, before->certificate_len, &old);
	if (r == DENCRYPT_OK)
		r = verify_by(s, s->ca, old, g->owner, now);
	if (r == DENCRYPT_WRONG_CA && s->former)
		r = verify_by(s, s->former, old, g->owner, now);
	if (r == DENCRYPT_OK)
		r = dencrypt_renewal_due(old, now);
	if (r == DENCRYPT_OK)
		r = dencrypt_renewal_open(g->request, g->request_len, old, request);
	dencrypt_certificate_free(old);
	return r;
}

enum den_code renewal_open(struct signer *s, const struct dendir_grant *g, time_t now, struct dencrypt_bytes *request,
	enum dencrypt_result *why)
{
	struct dendir_grant *before = calloc(1, sizeof(*before));
	enum den_code code = before ? dendir_grant_each(s->d, g->owner, keep_newest, before) : DEN_DIRECTORY_REFUSED;

	*why = DENCRYPT_OK;
	if (code == DEN_OK)
		*why = open_with(s, g, before, now, request);
	free(before);
	return code == DEN_OK && *why != DENCRYPT_OK ? DEN_CA_RENEWAL : code;
}
