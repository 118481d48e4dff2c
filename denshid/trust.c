#include "denshid/trust.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "crypto/certificate.h"
#include "crypto/file.h"
#include "denshid/log.h"

#define PATH_SIZE (sizeof(((struct den_config *)0)->snapshot) + 8)

struct trust {
	const struct dendir_site *site;
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
	if (r != DENCRYPT_OK)
		refuse(t, path, r == DENCRYPT_IO ? strerror(errno) : dencrypt_text(r));
	return r == DENCRYPT_OK;
}

/* Lower than what the file has: a server that lags behind, or an old list put back. */
static int is_older(const char *path, const struct dencrypt_certificate *ca, const struct dencrypt_crl *fresh)
{
	struct dencrypt_bytes pem = DENCRYPT_BYTES_EMPTY;
	struct dencrypt_crl *there = NULL;
	uint64_t old = 0, number = 0;

	if (dencrypt_read_file(path, DENCRYPT_FILE_PUBLIC, DENCRYPT_CRL_MAX, &pem) == DENCRYPT_OK &&
		dencrypt_crl_parse_pem(pem.data, pem.size, &there) == DENCRYPT_OK &&
		dencrypt_crl_check(there, ca) == DENCRYPT_OK)
		(void)dencrypt_crl_number(there, &old);
	dencrypt_crl_free(there);
	dencrypt_bytes_done(&pem);
	return dencrypt_crl_number(fresh, &number) != DENCRYPT_OK || number < old;
}

static void take_list(struct trust *t, const struct dencrypt_certificate *ca, const void *der, size_t size)
{
	struct dencrypt_bytes pem = DENCRYPT_BYTES_EMPTY;
	struct dencrypt_crl *crl = NULL;
	enum dencrypt_result r = dencrypt_crl_parse(der, size, &crl);

	if (r == DENCRYPT_OK)
		r = dencrypt_crl_check(crl, ca);
	if (r == DENCRYPT_OK)
		r = dencrypt_crl_pem(crl, &pem);
	if (r != DENCRYPT_OK)
		refuse(t, t->crl_path, dencrypt_text(r));
	else if (is_older(t->crl_path, ca, crl))
		refuse(t, t->crl_path, "the directory has an older revocation list");
	else if (replace(t, t->crl_path, &pem))
		log_info("%s is new", t->crl_path);
	dencrypt_bytes_done(&pem);
	dencrypt_crl_free(crl);
}

static void take_certificate(struct trust *t, const struct dencrypt_certificate *ca)
{
	struct dencrypt_bytes pem = DENCRYPT_BYTES_EMPTY;

	if (dencrypt_certificate_pem(ca, &pem) == DENCRYPT_OK && replace(t, t->ca_path, &pem))
		log_info("%s is new", t->ca_path);
	dencrypt_bytes_done(&pem);
}

static int on_changed(void *context, const unsigned char *uuid, struct dendir_entry *e)
{
	struct trust *t = context;
	struct dencrypt_certificate *ca = NULL;
	size_t len = 0, crl_len = 0;
	const void *der = dendir_entry_value(e, "denshiCACertificate", 0, &len);
	const void *crl = dendir_entry_value(e, "certificateRevocationList;binary", 0, &crl_len);
	enum dencrypt_result r;

	(void)uuid;
	/* Before the first start of denshi-ca there is none. */
	if (!der)
		return 0;
	r = dencrypt_certificate_parse(der, len, &ca);
	if (r != DENCRYPT_OK) {
		refuse(t, t->ca_path, dencrypt_text(r));
		return 0;
	}
	take_certificate(t, ca);
	if (crl)
		take_list(t, ca, crl, crl_len);
	dencrypt_certificate_free(ca);
	return 0;
}

static void watch(struct trust *t, struct dendir *d)
{
	static const char *const attributes[] = {"denshiCACertificate", "certificateRevocationList;binary", NULL};
	const struct dendir_watcher watcher = {.changed = on_changed, .context = t};
	char base[DENDIR_DN_SIZE];

	(void)dendir_watch(d, dendir_dn(base, d, "cn=ca,ou=certificates"), "(objectClass=denshiAuthorityCA)", attributes,
		NULL, &watcher);
}

/* The replica tells of a directory that is away; here it is only waited for. */
static void *run(void *context)
{
	struct trust *t = context;
	unsigned backoff_ms = DEN_BACKOFF_MS_FIRST;
	char why[DENDIR_WHY_SIZE];

	for (;;) {
		struct dendir *d = NULL;

		if (dendir_open_any(&d, t->site, why) == DEN_OK) {
			backoff_ms = DEN_BACKOFF_MS_FIRST;
			watch(t, d);
		}
		dendir_close(d);
		den_sleep_ms(backoff_ms);
		backoff_ms = den_backoff_after(backoff_ms);
	}
	return NULL;
}

int trust_start(const struct den_config *config, const struct dendir_site *site)
{
	struct trust *t = calloc(1, sizeof(*t));
	const char *slash = strrchr(config->snapshot, '/');
	int folder = slash ? (int)(slash - config->snapshot) : 0;
	pthread_t thread;

	if (!t)
		return -1;
	t->site = site;
	snprintf(t->ca_path, sizeof(t->ca_path), "%.*s/ca.pem", folder, config->snapshot);
	snprintf(t->crl_path, sizeof(t->crl_path), "%.*s/crl.pem", folder, config->snapshot);
	if (pthread_create(&thread, NULL, run, t) != 0) {
		free(t);
		return -1;
	}
	pthread_detach(thread);
	return 0;
}
