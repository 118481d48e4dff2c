#include "tools/denshi-ca/publish.h"

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

static int put(struct signer *s, const char *attribute, enum dendir_mod op, const struct dencrypt_bytes *der)
{
	struct dendir_mods *m = dendir_mods_new();
	char dn[DENDIR_DN_SIZE];
	enum den_code code;

	dendir_mods_put_bytes(m, op, attribute, der->data, der->size);
	code = dendir_modify(s->d, dendir_dn(dn, s->d, "cn=ca,ou=certificates"), m);
	dendir_mods_free(m);
	return code == DEN_OK ? 0 : failed(s, attribute);
}

int publish_certificate(struct signer *s)
{
	unsigned char there[DENDIR_DER_MAX];
	size_t len = sizeof(there), crl_len = 0;
	struct dencrypt_bytes der = DENCRYPT_BYTES_EMPTY;
	int result = -1;

	if (dendir_ca_read(s->d, there, &len, NULL, &crl_len) != DEN_OK)
		return failed(s, "read-ca");
	if (dencrypt_certificate_der(dencrypt_ca_certificate(s->ca), &der) != DENCRYPT_OK)
		log_warn("failed what=own-certificate");
	else if (len == sizeof(there) || len == 0)
		result = put(s, "denshiCACertificate", DENDIR_ADD, &der);
	else if (len != der.size || memcmp(there, der.data, len) != 0)
		log_warn("failed what=publish reason=\"the directory has another CA's certificate; this key "
			 "is not the organisation's\"");
	else
		result = 0;
	dencrypt_bytes_done(&der);
	return result;
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
	unsigned char certificate[DENDIR_DER_MAX], *crl = malloc(CRL_READ_MAX);
	size_t len = sizeof(certificate), crl_len = CRL_READ_MAX;
	struct dencrypt_crl *last = NULL;
	uint64_t number = 0;

	if (crl && dendir_ca_read(s->d, certificate, &len, crl, &crl_len) == DEN_OK && crl_len > 0 &&
		crl_len < CRL_READ_MAX && dencrypt_crl_parse(crl, crl_len, &last) == DENCRYPT_OK)
		(void)dencrypt_crl_number(last, &number);
	dencrypt_crl_free(last);
	free(crl);
	return number >= (uint64_t)now ? number + 1 : (uint64_t)now;
}

int publish_crl(struct signer *s)
{
	struct revoked_list list = {0};
	struct dencrypt_crl *crl = NULL;
	struct dencrypt_bytes der = DENCRYPT_BYTES_EMPTY;
	time_t now = time(NULL);
	enum dencrypt_result r;
	int result = -1;

	/* Before looking: what is revoked meanwhile makes another list due. */
	s->crl_due = 0;
	if (collect(s, &list) != 0) {
		failed(s, "read-revoked");
		goto out;
	}
	r = dencrypt_ca_sign_crl(s->ca, list.items, list.n, next_number(s, now), now, &crl);
	if (r == DENCRYPT_OK)
		r = dencrypt_crl_der(crl, &der);
	if (r != DENCRYPT_OK)
		log_warn("failed what=crl reason=\"%s\"", dencrypt_text(r));
	else
		result = put(s, "certificateRevocationList;binary", DENDIR_REPLACE, &der);
	if (result == 0) {
		s->crl_made = now;
		log_info("crl revoked=%zu", list.n);
	}
out:
	dencrypt_crl_free(crl);
	dencrypt_bytes_done(&der);
	list_done(&list);
	return result;
}
