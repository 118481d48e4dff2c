#include "tools/denshi-ca/publish.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "directory/certificate.h"
#include "tools/denshi-ca/log.h"

/* Of the list in the directory only the number is of interest: larger ones are done without. */
#define CRL_READ_MAX (4 * 1024 * 1024)

static int failed(struct signer *s, const char *what)
{
	log_warn("failed what=%s reason=\"%s\"", what, dendir_diagnostic(s->d));
	s->lost = 1;
	return -1;
}

/* -- whose certificates ------------------------------------------------------------------ */

static int add_ca(struct dendir_cas *cas, const struct dencrypt_ca *ca)
{
	struct dencrypt_bytes der = DENCRYPT_BYTES_EMPTY;

	if (!ca)
		return 0;
	if (dencrypt_certificate_der(dencrypt_ca_certificate(ca), &der) != DENCRYPT_OK || der.size > DENDIR_DER_MAX)
		return -1;
	memcpy(cas->ca[cas->n].der, der.data, der.size);
	cas->ca[cas->n++].len = der.size;
	dencrypt_bytes_done(&der);
	return 0;
}

static int has_each_of(const struct dendir_cas *all, const struct dendir_cas *some)
{
	for (size_t i = 0; i < some->n; i++) {
		size_t k = 0;

		while (k < all->n && (all->ca[k].len != some->ca[i].len || memcmp(all->ca[k].der, some->ca[i].der, some->ca[i].len) != 0))
			k++;
		if (k == all->n)
			return 0;
	}
	return 1;
}

static int publish(struct signer *s, const struct dendir_cas *ours, struct dendir_cas *there)
{
	if (dendir_cas_read(s->d, there) != DEN_OK)
		return failed(s, "read-ca");
	if (!has_each_of(ours, there)) {
		log_warn("failed what=publish reason=\"the directory has another CA's certificate; this key is not the organisation's\"");
		return -1;
	}
	if (there->n == ours->n)
		return 0;
	return dendir_cas_write(s->d, ours) == DEN_OK ? 0 : failed(s, "write-ca");
}

int publish_certificates(struct signer *s)
{
	struct dendir_cas *ours = calloc(1, sizeof(*ours)), *there = calloc(1, sizeof(*there));
	int result = -1;

	if (!ours || !there || add_ca(ours, s->ca) != 0 || add_ca(ours, s->former) != 0)
		log_warn("failed what=own-certificate");
	else
		result = publish(s, ours, there);
	free(ours);
	free(there);
	return result;
}

/* -- the end of the one before ------------------------------------------------------------ */

struct living {
	const struct dencrypt_certificate *ca;
	time_t now;
	int found;
};

/* What can't be read may be one. */
static int is_living(void *context, const struct dendir_grant *g)
{
	struct living *l = context;
	struct dencrypt_certificate *certificate = NULL;

	if (!g->certificate_len)
		return 0;
	l->found = dencrypt_certificate_parse(g->certificate, g->certificate_len, &certificate) != DENCRYPT_OK ||
		(dencrypt_certificate_not_after(certificate) > l->now && dencrypt_certificate_is_by(certificate, l->ca));
	dencrypt_certificate_free(certificate);
	return l->found;
}

/* First nobody believes it any more, then its key goes. */
static int end_former(struct signer *s)
{
	struct dencrypt_ca *former = s->former;
	struct dendir_cas *ours = calloc(1, sizeof(*ours));
	int result = ours && add_ca(ours, s->ca) == 0 && dendir_cas_write(s->d, ours) == DEN_OK ? 0 : failed(s, "write-ca");

	free(ours);
	if (result != 0)
		return result;
	s->former = NULL;
	log_info("former-ended serial=%s", dencrypt_certificate_serial(dencrypt_ca_certificate(former)));
	if (dencrypt_ca_drop_former(s->config->ca_state) != DENCRYPT_OK)
		log_warn("failed what=drop-former folder=%s reason=\"%s\"", s->config->ca_state, strerror(errno));
	dencrypt_ca_free(former);
	return 0;
}

static int look_at_former(struct signer *s)
{
	struct living l = {.now = time(NULL)};

	if (!s->former)
		return 0;
	l.ca = dencrypt_ca_certificate(s->former);
	if (dendir_grant_each(s->d, "", is_living, &l) != DEN_OK)
		return failed(s, "read-certificates");
	return l.found ? 0 : end_former(s);
}

/* -- the list --------------------------------------------------------------------------- */

struct revoked_list {
	struct dendir_issued *issued;
	struct dencrypt_revoked *items;
	size_t n;
};

/* Revoked by a master, or replaced by their owner's next certificate: logins take the newest alone. */
static int collect(struct signer *s, struct revoked_list *l)
{
	size_t n = 0;

	if (dendir_issued_read(s->d, "", &l->issued, &n) != DEN_OK)
		return -1;
	l->items = calloc(n ? n : 1, sizeof(*l->items));
	if (!l->items)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct dendir_issued *this = &l->issued[i], *next = this + 1;
		int replaced = i + 1 < n && strcmp(next->owner, this->owner) == 0;

		if (this->revoked < 0 && !replaced)
			continue;
		l->items[l->n++] = (struct dencrypt_revoked){
			.serial = this->serial_hex,
			.when = (time_t)(this->revoked >= 0 ? this->revoked : next->made),
			.reason = this->revoked >= 0 ? DENCRYPT_REVOKED_UNSPECIFIED : DENCRYPT_REVOKED_SUPERSEDED,
		};
	}
	return 0;
}

static void list_done(struct revoked_list *l)
{
	free(l->issued);
	free(l->items);
}

/* Numbers must increase, also where the clock was put back. */
static uint64_t next_number(struct signer *s, time_t now)
{
	unsigned char *crl = malloc(CRL_READ_MAX);
	size_t crl_len = CRL_READ_MAX;
	struct dencrypt_crl *last = NULL;
	uint64_t number = 0;

	if (crl && dendir_crl_read(s->d, crl, &crl_len) == DEN_OK && crl_len > 0 && dencrypt_crl_parse(crl, crl_len, &last) == DENCRYPT_OK)
		(void)dencrypt_crl_number(last, &number);
	dencrypt_crl_free(last);
	free(crl);
	return number >= (uint64_t)now ? number + 1 : (uint64_t)now;
}

/* The list as ca signs it. */
static enum dencrypt_result add_list(struct dendir_mods *m, const struct dencrypt_ca *ca, const struct revoked_list *l,
	uint64_t number, time_t when)
{
	struct dencrypt_crl *crl = NULL;
	struct dencrypt_bytes der = DENCRYPT_BYTES_EMPTY;
	enum dencrypt_result r = dencrypt_ca_sign_crl(ca, l->items, l->n, number, when, &crl);

	if (r == DENCRYPT_OK)
		r = dencrypt_crl_der(crl, &der);
	if (r == DENCRYPT_OK)
		dendir_mods_put_bytes(m, DENDIR_REPLACE, "certificateRevocationList;binary", der.data, der.size);
	dencrypt_crl_free(crl);
	dencrypt_bytes_done(&der);
	return r;
}

/* Each CA's list has what was revoked of both: numbers are random, so none is another's. The directory tells
 * lists apart by issuer and time (RFC 4523, certificateListExactMatch), and both issuers have one name. */
static int put_lists(struct signer *s, const struct revoked_list *l, time_t now)
{
	struct dendir_mods *m = dendir_mods_new();
	uint64_t number = next_number(s, now);
	char dn[DENDIR_DN_SIZE];
	enum dencrypt_result r = add_list(m, s->ca, l, number, now);
	int result = -1;

	if (r == DENCRYPT_OK && s->former)
		r = add_list(m, s->former, l, number, now - 1);
	if (r != DENCRYPT_OK) {
		log_warn("failed what=crl reason=\"%s\"", dencrypt_text(r));
		s->key_failed = s->lost = 1;
	} else if (dendir_modify(s->d, dendir_dn(dn, s->d, "cn=ca,ou=certificates"), m) == DEN_OK) {
		result = 0;
	} else {
		failed(s, "crl");
	}
	dendir_mods_free(m);
	return result;
}

int publish_crl(struct signer *s)
{
	struct revoked_list list = {0};
	time_t now = time(NULL);
	int result = -1;

	/* Before looking: what is revoked meanwhile makes another list due. */
	s->crl_due = 0;
	if (look_at_former(s) != 0)
		return -1;
	if (collect(s, &list) != 0)
		failed(s, "read-revoked");
	else
		result = put_lists(s, &list, now);
	if (result == 0) {
		s->crl_made = now;
		log_info("crl revoked=%zu", list.n);
	}
	list_done(&list);
	return result;
}
