#include "denshid/trust.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "crypto/certificate.h"
#include "crypto/file.h"
#include "denshid/log.h"
#include "directory/certificate.h"

/* Between two looks: a revocation is on every host within five seconds (R-CERT-4). */
#define LOOK_MS 2000
#define CSN_SIZE 64
#define PATH_SIZE (sizeof(((struct den_config *)0)->snapshot) + 8)

struct trust {
	int64_t looked_ms;
	char seen[CSN_SIZE]; /* the entry's CSN when both files were as it says; "" before */
	int unwritten;	     /* a file of this look couldn't be */
	char ca_path[PATH_SIZE], crl_path[PATH_SIZE];
	char refused[128]; /* the last refusal: told once */
};

static void refuse(struct trust *t, const char *path, const char *why)
{
	char told[sizeof(t->refused)];

	snprintf(told, sizeof(told), "%s: %s", path, why);
	if (strcmp(told, t->refused) != 0)
		log_warn("%s; it stays as it was", told);
	memcpy(t->refused, told, sizeof(told));
}

/* 1 where it was written. */
static int replace(struct trust *t, const char *path, const struct dencrypt_bytes *pem)
{
	struct dencrypt_bytes there = DENCRYPT_BYTES_EMPTY;
	enum dencrypt_result r = dencrypt_read_file(path, DENCRYPT_FILE_PUBLIC, pem->size, &there);
	int same = r == DENCRYPT_OK && there.size == pem->size && memcmp(there.data, pem->data, pem->size) == 0;

	dencrypt_bytes_done(&there);
	if (same)
		return 0;
	r = dencrypt_write_file(path, pem, 0644);
	if (r == DENCRYPT_OK)
		return 1;
	refuse(t, path, r == DENCRYPT_IO ? strerror(errno) : dencrypt_text(r));
	t->unwritten = 1;
	return 0;
}

/* The organisation's CAs, and what they have signed: a PEM file each. */
struct authorities {
	struct dencrypt_certificate *ca[DENDIR_CA_MAX];
	size_t n;
};

static int add_pem(struct dencrypt_bytes *all, struct dencrypt_bytes *one)
{
	unsigned char *bytes = realloc(all->data, all->size + one->size);

	if (!bytes)
		return -1;
	memcpy(bytes + all->size, one->data, one->size);
	all->data = bytes;
	all->size += one->size;
	return 0;
}

static int is_trusted(const struct authorities *a, const struct dencrypt_crl *crl)
{
	for (size_t i = 0; i < a->n; i++)
		if (dencrypt_crl_check(crl, a->ca[i]) == DENCRYPT_OK)
			return 1;
	return 0;
}

/* Lower than what the file has: a server that lags behind, or an old list put back. Lists that are
 * published together have one number. */
static int is_older(const char *path, const struct authorities *a, const struct dencrypt_crl *fresh)
{
	struct dencrypt_bytes pem = DENCRYPT_BYTES_EMPTY;
	struct dencrypt_crl *there = NULL;
	uint64_t old = 0, number = 0;

	if (dencrypt_read_file(path, DENCRYPT_FILE_PUBLIC, DENCRYPT_CRL_MAX, &pem) == DENCRYPT_OK &&
		dencrypt_crl_parse_pem(pem.data, pem.size, &there) == DENCRYPT_OK && is_trusted(a, there))
		(void)dencrypt_crl_number(there, &old);
	dencrypt_crl_free(there);
	dencrypt_bytes_done(&pem);
	return dencrypt_crl_number(fresh, &number) != DENCRYPT_OK || number < old;
}

/* One list; 1 where it is to be had, 0 where it isn't, the reason told. */
static int take_list(struct trust *t, const struct authorities *a, const void *der, size_t size, struct dencrypt_bytes *all)
{
	struct dencrypt_bytes pem = DENCRYPT_BYTES_EMPTY;
	struct dencrypt_crl *crl = NULL;
	enum dencrypt_result r = dencrypt_crl_parse(der, size, &crl);
	int taken = 0;

	if (r == DENCRYPT_OK && !is_trusted(a, crl))
		r = DENCRYPT_CRL_UNTRUSTED;
	if (r == DENCRYPT_OK)
		r = dencrypt_crl_pem(crl, &pem);
	if (r != DENCRYPT_OK)
		refuse(t, t->crl_path, dencrypt_text(r));
	else if (is_older(t->crl_path, a, crl))
		refuse(t, t->crl_path, "the directory has an older revocation list");
	else
		taken = add_pem(all, &pem) == 0;
	dencrypt_bytes_done(&pem);
	dencrypt_crl_free(crl);
	return taken;
}

static void take_lists(struct trust *t, const struct authorities *a, struct dendir_entry *e)
{
	struct dencrypt_bytes all = DENCRYPT_BYTES_EMPTY;
	const void *der;
	size_t size;

	for (size_t i = 0; (der = dendir_entry_value(e, "certificateRevocationList;binary", i, &size)); i++)
		if (!take_list(t, a, der, size, &all))
			goto out;
	if (all.size && replace(t, t->crl_path, &all))
		log_info("%s is new", t->crl_path);
out:
	free(all.data);
}

static int take_authorities(struct trust *t, struct authorities *a, struct dendir_entry *e)
{
	struct dencrypt_bytes all = DENCRYPT_BYTES_EMPTY;
	enum dencrypt_result r = DENCRYPT_OK;
	const void *der;
	size_t size;

	while (r == DENCRYPT_OK && a->n < DENDIR_CA_MAX && (der = dendir_entry_value(e, "denshiCACertificate", a->n, &size))) {
		struct dencrypt_bytes pem = DENCRYPT_BYTES_EMPTY;

		r = dencrypt_certificate_parse(der, size, &a->ca[a->n]);
		if (r == DENCRYPT_OK)
			r = dencrypt_certificate_pem(a->ca[a->n++], &pem);
		if (r == DENCRYPT_OK && add_pem(&all, &pem) != 0)
			r = DENCRYPT_NO_MEMORY;
		dencrypt_bytes_done(&pem);
	}
	if (r != DENCRYPT_OK)
		refuse(t, t->ca_path, dencrypt_text(r));
	else if (a->n && replace(t, t->ca_path, &all))
		log_info("%s is new", t->ca_path);
	free(all.data);
	return r == DENCRYPT_OK && a->n ? 0 : -1;
}

static int take_entry(void *context, struct dendir_entry *e)
{
	struct trust *t = context;
	struct authorities a = {.n = 0};

	t->unwritten = 0;
	/* Before the first start of denshi-ca there is none. */
	if (take_authorities(t, &a, e) == 0)
		take_lists(t, &a, e);
	while (a.n > 0)
		dencrypt_certificate_free(a.ca[--a.n]);
	snprintf(t->seen, sizeof(t->seen), "%s", t->unwritten ? "" : dendir_entry_string(e, "entryCSN"));
	return 0;
}

void trust_look(struct trust *t, struct dendir *d)
{
	static const char *const attributes[] = {"denshiCACertificate", "certificateRevocationList;binary", "entryCSN", NULL};
	char base[DENDIR_DN_SIZE], changed[CSN_SIZE + 64] = "(objectClass=denshiAuthorityCA)";
	int64_t now_ms = den_now_ms();

	if (t->looked_ms && now_ms - t->looked_ms < LOOK_MS)
		return;
	t->looked_ms = now_ms;
	if (*t->seen && t->seen[strspn(t->seen, "0123456789abcdef.#Z")] == '\0')
		snprintf(changed, sizeof(changed), "(&(objectClass=denshiAuthorityCA)(!(entryCSN=%s)))", t->seen);
	(void)dendir_search(d, dendir_dn(base, d, "cn=ca,ou=certificates"), DENDIR_BASE, changed, attributes, take_entry, t);
}

struct trust *trust_new(const struct den_config *config)
{
	struct trust *t = calloc(1, sizeof(*t));
	const char *slash = strrchr(config->snapshot, '/');
	int folder = slash ? (int)(slash - config->snapshot) : 0;

	if (!t)
		return NULL;
	snprintf(t->ca_path, sizeof(t->ca_path), "%.*s/ca.pem", folder, config->snapshot);
	snprintf(t->crl_path, sizeof(t->crl_path), "%.*s/crl.pem", folder, config->snapshot);
	return t;
}
