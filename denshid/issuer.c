#include "denshid/issuer.h"

#include <stdlib.h>

typedef int each(void *context, struct dencrypt_certificate *ca);

/* Until one is taken: non-zero, and then it is the taker's. What isn't a certificate is none of ours. */
static enum den_code each_ca(struct dendir *d, each *take, void *context)
{
	struct dendir_cas *cas = malloc(sizeof(*cas));
	enum den_code code = cas ? dendir_cas_read(d, cas) : DEN_INTERNAL;
	int taken = 0;

	for (size_t i = 0; code == DEN_OK && !taken && i < cas->n; i++) {
		struct dencrypt_certificate *ca = NULL;

		if (dencrypt_certificate_parse(cas->ca[i].der, cas->ca[i].len, &ca) == DENCRYPT_OK)
			taken = take(context, ca);
		if (!taken)
			dencrypt_certificate_free(ca);
	}
	free(cas);
	return code;
}

struct verification {
	const struct dencrypt_certificate *certificate;
	const char *login, *org;
	time_t when;
	enum dencrypt_result result;
};

static int verify_by(void *context, struct dencrypt_certificate *ca)
{
	struct verification *v = context;

	v->result = dencrypt_verify_client(v->certificate, ca, NULL, v->login, v->org, v->when);
	if (v->result == DENCRYPT_WRONG_CA)
		return 0;
	dencrypt_certificate_free(ca);
	return 1;
}

enum den_code issuer_verify(struct dendir *d, const struct dencrypt_certificate *certificate, const char *login, time_t when,
	enum dencrypt_result *result)
{
	struct verification v = {.certificate = certificate, .login = login, .org = dendir_site_of(d)->org, .when = when,
		.result = DENCRYPT_WRONG_CA};
	enum den_code code = each_ca(d, verify_by, &v);

	*result = v.result;
	return code;
}

struct finding {
	struct dencrypt_certificate *certificate, *ca;
};

static int is_issuer(void *context, struct dencrypt_certificate *ca)
{
	struct finding *f = context;

	if (!dencrypt_certificate_is_by(f->certificate, ca))
		return 0;
	f->ca = ca;
	return 1;
}

enum den_code issuer_find(struct dendir *d, const void *der, size_t len, struct dencrypt_certificate **ca)
{
	struct finding f = {NULL, NULL};
	enum den_code code = dencrypt_certificate_parse(der, len, &f.certificate) == DENCRYPT_OK ? each_ca(d, is_issuer, &f) : DEN_CERT_BAD;

	dencrypt_certificate_free(f.certificate);
	*ca = f.ca;
	return code == DEN_OK && !f.ca ? DEN_CERT_WRONG_CA : code;
}
