#include "crypto/ca.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/x509v3.h>

#include "crypto/digest.h"
#include "crypto/file.h"
#include "crypto/internal.h"
#include "crypto/token.h"

#define CA_DAYS 3652 /* ten years with their leap days */
#define CA_KEY_FILE_MAX 16384
#define CLOCK_SKEW_S (5 * 60)
#define CRL_LIFE_S (24 * 60 * 60)
#define DAY_S (24 * 60 * 60)
#define SERIAL_OCTETS 16
#define TOKEN_LABEL "denshi CA"

struct dencrypt_ca {
	struct dencrypt_key *key;
	struct dencrypt_certificate *certificate;
};

/* What goes into a certificate; X509V3_EXT_conf_nid() makes the encodings. */
struct extension {
	int nid;
	const char *value;
};

static const struct extension ca_extensions[] = {
	{ NID_basic_constraints, "critical,CA:TRUE,pathlen:0" },
	{ NID_key_usage, "critical,keyCertSign,cRLSign" },
	{ NID_subject_key_identifier, "hash" },
	{ 0, NULL },
};

static const struct extension client_extensions[] = {
	{ NID_basic_constraints, "critical,CA:FALSE" },
	{ NID_key_usage, "critical,digitalSignature" },
	{ NID_ext_key_usage, "clientAuth" },
	{ NID_subject_key_identifier, "hash" },
	{ NID_authority_key_identifier, "keyid:always" },
	{ 0, NULL },
};

/* A directory server is also the client of another one. Its names are added where it is signed. */
static const struct extension directory_extensions[] = {
	{ NID_basic_constraints, "critical,CA:FALSE" },
	{ NID_key_usage, "critical,digitalSignature" },
	{ NID_ext_key_usage, "serverAuth,clientAuth" },
	{ NID_subject_key_identifier, "hash" },
	{ NID_authority_key_identifier, "keyid:always" },
	{ 0, NULL },
};

static const EVP_MD *signing_digest(EVP_PKEY *key)
{
	/* ECDSA takes a digest as wide as its curve. */
	if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_bits(key) > 256)
		return EVP_sha384();
	return EVP_sha256();
}

static bool set_random_serial(X509 *x509)
{
	unsigned char octets[SERIAL_OCTETS];
	BIGNUM *number = NULL;
	bool done = false;

	if (dencrypt_random(octets, sizeof(octets)) != DENCRYPT_OK)
		return false;
	number = BN_bin2bn(octets, sizeof(octets), NULL);
	if (number && !BN_is_zero(number))
		done = BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != NULL;
	BN_free(number);
	return done;
}

static bool add_extensions(X509 *x509, X509 *issuer, const struct extension *extensions)
{
	X509V3_CTX context = { 0 };

	X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
	for (; extensions->value; extensions++) {
		X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &context, extensions->nid,
							  extensions->value);
		int added = ext && X509_add_ext(x509, ext, -1) == 1;

		X509_EXTENSION_free(ext);
		if (!added)
			return false;
	}
	return true;
}

static bool set_dates(X509 *x509, time_t from, time_t to)
{
	return ASN1_TIME_set(X509_getm_notBefore(x509), from) &&
	       ASN1_TIME_set(X509_getm_notAfter(x509), to);
}

static enum dencrypt_result set_name(X509_NAME *name, const char *common_name,
				     const char *organisation)
{
	enum dencrypt_result result;

	result = dencrypt_name_add(name, NID_organizationName, organisation);
	if (result == DENCRYPT_OK)
		result = dencrypt_name_add(name, NID_commonName, common_name);
	return result;
}

/* A certificate with all but its name, issuer, extensions and signature. */
static X509 *new_x509(EVP_PKEY *key, time_t from, time_t to)
{
	X509 *x509 = X509_new();

	if (x509 && X509_set_version(x509, X509_VERSION_3) == 1 && set_random_serial(x509) &&
	    set_dates(x509, from, to) && X509_set_pubkey(x509, key) == 1)
		return x509;
	X509_free(x509);
	return NULL;
}

static enum dencrypt_result self_sign(EVP_PKEY *key, const char *common_name,
				      const char *organisation, time_t now,
				      struct dencrypt_certificate **out)
{
	X509 *x509 = new_x509(key, now - CLOCK_SKEW_S, now + (time_t)CA_DAYS * DAY_S);
	enum dencrypt_result result;

	if (!x509)
		return dencrypt_failure(DENCRYPT_INTERNAL);
	result = set_name(X509_get_subject_name(x509), common_name, organisation);
	if (result == DENCRYPT_OK &&
	    (X509_set_issuer_name(x509, X509_get_subject_name(x509)) != 1 ||
	     !add_extensions(x509, x509, ca_extensions) ||
	     X509_sign(x509, key, signing_digest(key)) <= 0))
		result = dencrypt_failure(DENCRYPT_INTERNAL);
	if (result == DENCRYPT_OK)
		return dencrypt_certificate_wrap(x509, out);
	X509_free(x509);
	return result;
}

/* Takes the key over. */
static enum dencrypt_result make_ca_of(struct dencrypt_key *key, const char *organisation, const char *what, time_t now,
				       struct dencrypt_ca **out)
{
	struct dencrypt_ca *ca = OPENSSL_zalloc(sizeof(*ca));
	enum dencrypt_result result = DENCRYPT_BAD_ARGUMENT;
	char common_name[256 + 16];
	int length;

	if (!ca) {
		dencrypt_key_free(key);
		return dencrypt_failure(DENCRYPT_NO_MEMORY);
	}
	ca->key = key;
	length = snprintf(common_name, sizeof(common_name), "%s %s", organisation, what);
	if (*organisation && length > 0 && (size_t)length < sizeof(common_name))
		result = self_sign(ca->key->pkey, common_name, organisation, now,
				   &ca->certificate);
	if (result == DENCRYPT_OK)
		*out = ca;
	else
		dencrypt_ca_free(ca);
	return result;
}

static enum dencrypt_result make_ca(const char *organisation, const char *what,
				    enum dencrypt_key_type type, time_t now,
				    struct dencrypt_ca **out)
{
	struct dencrypt_key *key = NULL;
	enum dencrypt_result result = dencrypt_key_make(type, &key);

	return result == DENCRYPT_OK ? make_ca_of(key, organisation, what, now, out) : result;
}

enum dencrypt_result dencrypt_ca_make(const char *organisation, enum dencrypt_key_type type,
				      time_t now, struct dencrypt_ca **out)
{
	return make_ca(organisation, "denshi CA", type, now, out);
}

enum dencrypt_result dencrypt_ca_make_for_hosts(const char *organisation,
						enum dencrypt_key_type type, time_t now,
						struct dencrypt_ca **out)
{
	return make_ca(organisation, "denshi hosts CA", type, now, out);
}

void dencrypt_ca_free(struct dencrypt_ca *ca)
{
	if (!ca)
		return;
	dencrypt_key_free(ca->key);
	dencrypt_certificate_free(ca->certificate);
	OPENSSL_free(ca);
}

enum dencrypt_result dencrypt_ca_path(const char *folder, const char *name, const char *suffix, char *out)
{
	int length = snprintf(out, PATH_MAX, "%s/%s.%s", folder, name, suffix);

	return length > 0 && length < PATH_MAX ? DENCRYPT_OK : DENCRYPT_BAD_ARGUMENT;
}

static enum dencrypt_result write_line(const char *folder, const char *name, const char *suffix, const char *text, mode_t mode)
{
	char path[PATH_MAX], line[DENCRYPT_TOKEN_URI_SIZE + 1];
	struct dencrypt_bytes bytes = {(unsigned char *)line, 0};
	int length = snprintf(line, sizeof(line), "%s\n", text);
	enum dencrypt_result result = DENCRYPT_BAD_ARGUMENT;

	bytes.size = (size_t)length;
	if (length > 0 && bytes.size < sizeof(line))
		result = dencrypt_ca_path(folder, name, suffix, path);
	if (result == DENCRYPT_OK)
		result = dencrypt_write_new_file(path, &bytes, mode);
	explicit_bzero(line, sizeof(line));
	return result;
}

/* All of them, the certificate last, or none: errno is that of the first that failed. */
static enum dencrypt_result save_token(const struct dencrypt_ca *ca, const char *uri, const char *pin, const char *folder,
				       const char *name)
{
	struct dencrypt_bytes pem = DENCRYPT_BYTES_EMPTY;
	enum dencrypt_result result = write_line(folder, name, "token", uri, 0644), made = result;
	char path[PATH_MAX];
	int error;

	if (result == DENCRYPT_OK)
		result = write_line(folder, name, "pin", pin, 0600);
	if (result == DENCRYPT_OK)
		result = dencrypt_certificate_pem(ca->certificate, &pem);
	if (result == DENCRYPT_OK)
		result = dencrypt_ca_path(folder, name, "pem", path);
	if (result == DENCRYPT_OK)
		result = dencrypt_write_new_file(path, &pem, 0644);
	error = errno;
	if (result != DENCRYPT_OK && made == DENCRYPT_OK) {
		(void)dencrypt_ca_drop(folder, name, "pin");
		(void)dencrypt_ca_drop(folder, name, "token");
	}
	errno = error;
	dencrypt_bytes_done(&pem);
	return result;
}

static enum dencrypt_result make_in(struct dencrypt_token *token, const char *id, const char *organisation, const char *pin,
				    const char *folder, const char *name, time_t now)
{
	char uri[DENCRYPT_TOKEN_URI_SIZE];
	struct dencrypt_key *key = NULL;
	struct dencrypt_ca *ca = NULL;
	enum dencrypt_result result = dencrypt_token_key(token, id, &key);

	if (result == DENCRYPT_OK)
		result = make_ca_of(key, organisation, "denshi CA", now, &ca);
	if (result == DENCRYPT_OK)
		result = dencrypt_token_uri(token, id, uri);
	if (result == DENCRYPT_OK)
		result = save_token(ca, uri, pin, folder, name);
	dencrypt_ca_free(ca);
	return result;
}

enum dencrypt_result dencrypt_ca_make_in_token_as(const char *organisation, const char *name_of_token, const char *pin,
						  const char *folder, const char *name, time_t now)
{
	struct dencrypt_token *token = NULL;
	char id[16] = "ca-";
	enum dencrypt_result result = dencrypt_random_id(id + 3, sizeof(id) - 3);
	int error;

	if (result == DENCRYPT_OK)
		result = dencrypt_token_find(name_of_token, &token);
	if (result == DENCRYPT_OK)
		result = dencrypt_token_login(token, pin);
	if (result == DENCRYPT_OK)
		result = dencrypt_token_make_key(token, DENCRYPT_EC_P384, TOKEN_LABEL, id);
	if (result == DENCRYPT_OK) {
		result = make_in(token, id, organisation, pin, folder, name, now);
		error = errno;
		if (result != DENCRYPT_OK)
			(void)dencrypt_token_drop(token, TOKEN_LABEL, id);
		errno = error;
	}
	dencrypt_token_close(token);
	return result;
}

enum dencrypt_result dencrypt_ca_make_in_token(const char *organisation, const char *token, const char *pin,
					       const char *folder, time_t now)
{
	char path[PATH_MAX];
	enum dencrypt_result result = dencrypt_ca_path(folder, "ca", "key", path);

	if (result == DENCRYPT_OK && access(path, F_OK) == 0)
		result = DENCRYPT_EXISTS;
	return result == DENCRYPT_OK ? dencrypt_ca_make_in_token_as(organisation, token, pin, folder, "ca", now) : result;
}

enum dencrypt_result dencrypt_ca_drop(const char *folder, const char *name, const char *suffix)
{
	char path[PATH_MAX];
	enum dencrypt_result result = dencrypt_ca_path(folder, name, suffix, path);

	if (result == DENCRYPT_OK && unlink(path) != 0 && errno != ENOENT)
		result = DENCRYPT_IO;
	return result;
}

enum dencrypt_result dencrypt_ca_save_as(const struct dencrypt_ca *ca, const char *folder, const char *name)
{
	struct dencrypt_bytes key = DENCRYPT_BYTES_EMPTY, pem = DENCRYPT_BYTES_EMPTY;
	char key_path[PATH_MAX], pem_path[PATH_MAX];
	enum dencrypt_result result;
	int error;

	result = dencrypt_ca_path(folder, name, "key", key_path);
	if (result == DENCRYPT_OK)
		result = dencrypt_ca_path(folder, name, "pem", pem_path);
	if (result == DENCRYPT_OK)
		result = dencrypt_key_pem(ca->key, &key);
	if (result == DENCRYPT_OK)
		result = dencrypt_certificate_pem(ca->certificate, &pem);
	if (result == DENCRYPT_OK)
		result = dencrypt_write_new_file(key_path, &key, 0600);
	if (result == DENCRYPT_OK) {
		result = dencrypt_write_new_file(pem_path, &pem, 0644);
		error = errno;
		/* A key without a certificate would stand in the way of the next try. */
		if (result != DENCRYPT_OK)
			unlink(key_path);
		errno = error;
	}
	dencrypt_bytes_done(&key);
	dencrypt_bytes_done(&pem);
	return result;
}

enum dencrypt_result dencrypt_ca_save(const struct dencrypt_ca *ca, const char *folder)
{
	return dencrypt_ca_save_as(ca, folder, "ca");
}

/* A line of a file. */
static enum dencrypt_result read_line(const char *folder, const char *name, const char *suffix, enum dencrypt_file_kind kind,
				      struct dencrypt_bytes *line)
{
	char path[PATH_MAX];
	struct dencrypt_bytes file = DENCRYPT_BYTES_EMPTY;
	enum dencrypt_result result = dencrypt_ca_path(folder, name, suffix, path);

	if (result == DENCRYPT_OK)
		result = dencrypt_read_file(path, kind, DENCRYPT_TOKEN_URI_SIZE, &file);
	if (result == DENCRYPT_OK)
		result = dencrypt_bytes_new(line, file.size + 1, true);
	if (result == DENCRYPT_OK) {
		memcpy(line->data, file.data, file.size);
		line->data[file.size] = '\0';
		line->data[strcspn((char *)line->data, "\r\n")] = '\0';
	}
	dencrypt_bytes_done(&file);
	return result;
}

static enum dencrypt_result load_token_key(const char *folder, const char *name, struct dencrypt_key **out)
{
	struct dencrypt_bytes uri = DENCRYPT_BYTES_EMPTY, pin = DENCRYPT_BYTES_EMPTY;
	enum dencrypt_result result = read_line(folder, name, "token", DENCRYPT_FILE_PUBLIC, &uri);

	if (result == DENCRYPT_OK)
		result = read_line(folder, name, "pin", DENCRYPT_FILE_SECRET, &pin);
	if (result == DENCRYPT_OK)
		result = dencrypt_engine_key((char *)uri.data, (char *)pin.data, out);
	dencrypt_bytes_done(&uri);
	dencrypt_bytes_done(&pin);
	return result;
}

/* The file; without one, the token that is named instead. */
static enum dencrypt_result load_key(const char *folder, const char *name, struct dencrypt_key **out)
{
	struct dencrypt_bytes pem = DENCRYPT_BYTES_EMPTY;
	char path[PATH_MAX];
	enum dencrypt_result result = dencrypt_ca_path(folder, name, "key", path);

	if (result == DENCRYPT_OK)
		result = dencrypt_read_file(path, DENCRYPT_FILE_SECRET, CA_KEY_FILE_MAX, &pem);
	if (result == DENCRYPT_OK)
		result = dencrypt_key_parse_pem(pem.data, pem.size, out);
	else if (result == DENCRYPT_IO && errno == ENOENT)
		result = load_token_key(folder, name, out);
	dencrypt_bytes_done(&pem);
	return result;
}

static enum dencrypt_result load_certificate(const char *path, struct dencrypt_certificate **out)
{
	struct dencrypt_bytes pem = DENCRYPT_BYTES_EMPTY;
	enum dencrypt_result result;

	result = dencrypt_read_file(path, DENCRYPT_FILE_PUBLIC, DENCRYPT_CERTIFICATE_MAX, &pem);
	if (result == DENCRYPT_OK)
		result = dencrypt_certificate_parse_pem(pem.data, pem.size, out);
	dencrypt_bytes_done(&pem);
	return result;
}

enum dencrypt_result dencrypt_ca_load_as(const char *folder, const char *name, struct dencrypt_ca **out)
{
	struct dencrypt_ca *ca = OPENSSL_zalloc(sizeof(*ca));
	enum dencrypt_result result;
	char path[PATH_MAX];

	if (!ca)
		return dencrypt_failure(DENCRYPT_NO_MEMORY);
	result = load_key(folder, name, &ca->key);
	if (result == DENCRYPT_OK)
		result = dencrypt_ca_path(folder, name, "pem", path);
	if (result == DENCRYPT_OK)
		result = load_certificate(path, &ca->certificate);
	if (result == DENCRYPT_OK)
		result = dencrypt_key_matches(ca->key, ca->certificate);
	if (result == DENCRYPT_OK && X509_check_ca(ca->certificate->x509) != 1)
		result = DENCRYPT_WRONG_CA;
	if (result == DENCRYPT_OK)
		*out = ca;
	else
		dencrypt_ca_free(ca);
	return result;
}

enum dencrypt_result dencrypt_ca_load(const char *folder, struct dencrypt_ca **out)
{
	return dencrypt_ca_load_as(folder, "ca", out);
}

const struct dencrypt_certificate *dencrypt_ca_certificate(const struct dencrypt_ca *ca)
{
	return ca->certificate;
}

/* Signs what has its name already (result says how that went); takes x509 over. */
static enum dencrypt_result issue(const struct dencrypt_ca *ca, X509 *x509,
				  enum dencrypt_result result, const struct extension *extensions,
				  const struct extension *more, struct dencrypt_certificate **out)
{
	X509 *issuer = ca->certificate->x509;
	EVP_PKEY *ca_key = ca->key->pkey;

	if (result == DENCRYPT_OK &&
	    (X509_set_issuer_name(x509, X509_get_subject_name(issuer)) != 1 ||
	     !add_extensions(x509, issuer, extensions) || !add_extensions(x509, issuer, more) ||
	     X509_sign(x509, ca_key, signing_digest(ca_key)) <= 0))
		result = dencrypt_failure(DENCRYPT_INTERNAL);
	if (result == DENCRYPT_OK)
		return dencrypt_certificate_wrap(x509, out);
	X509_free(x509);
	return result;
}

static const struct extension no_extensions[] = { { 0, NULL } };

static enum dencrypt_result sign_client(const struct dencrypt_ca *ca, EVP_PKEY *key,
					const char *login_id, const char *organisation,
					time_t from, time_t to, struct dencrypt_certificate **out)
{
	X509 *x509 = new_x509(key, from, to);
	enum dencrypt_result result;

	if (!x509)
		return dencrypt_failure(DENCRYPT_INTERNAL);
	result = set_name(X509_get_subject_name(x509), login_id, organisation);
	return issue(ca, x509, result, client_extensions, no_extensions, out);
}

/* When a certificate of so many days ends; no later than the CA itself. */
static enum dencrypt_result end_of(const struct dencrypt_ca *ca, unsigned int days, time_t now,
				   time_t *until)
{
	*until = now + (time_t)days * DAY_S;
	if (days < 1 || days > DENCRYPT_DAYS_MAX)
		return DENCRYPT_BAD_ARGUMENT;
	if (now < ca->certificate->not_before)
		return DENCRYPT_NOT_YET_VALID;
	if (now >= ca->certificate->not_after)
		return DENCRYPT_EXPIRED;
	if (*until > ca->certificate->not_after)
		*until = ca->certificate->not_after;
	return DENCRYPT_OK;
}

enum dencrypt_result dencrypt_ca_sign(const struct dencrypt_ca *ca, const void *request,
				      size_t size, const char *login_id, const char *organisation,
				      unsigned int days, time_t now,
				      struct dencrypt_certificate **out)
{
	enum dencrypt_result result;
	EVP_PKEY *key = NULL;
	time_t until;

	result = end_of(ca, days, now, &until);
	if (result == DENCRYPT_OK)
		result = dencrypt_csr_key(request, size, &key);
	if (result == DENCRYPT_OK)
		result = sign_client(ca, key, login_id, organisation, now - CLOCK_SKEW_S, until,
				     out);
	EVP_PKEY_free(key);
	return result;
}

/* A name stands in an extension's text: nothing of it may be taken for syntax. */
static bool is_machine_name(const char *name)
{
	size_t length = strlen(name);

	return length >= 1 && length <= 64 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == length;
}

static enum dencrypt_result name_machine(X509_NAME *subject, enum dencrypt_machine kind,
					 const char *name, const char *id,
					 const char *organisation)
{
	enum dencrypt_result result = dencrypt_name_add(subject, NID_organizationName, organisation);

	if (result == DENCRYPT_OK)
		result = dencrypt_name_add(subject, NID_organizationalUnitName,
					   kind == DENCRYPT_HOST ? "hosts" : "directory");
	if (result == DENCRYPT_OK)
		result = dencrypt_name_add(subject, NID_commonName, name);
	if (result == DENCRYPT_OK)
		result = dencrypt_name_add(subject, NID_serialNumber, id);
	return result;
}

enum dencrypt_result dencrypt_ca_sign_machine(const struct dencrypt_ca *ca,
					      const struct dencrypt_key *key,
					      enum dencrypt_machine kind, const char *name,
					      const char *id, const char *organisation,
					      unsigned int days, time_t now,
					      struct dencrypt_certificate **out)
{
	char names[128];
	const struct extension server_names[] = { { NID_subject_alt_name, names }, { 0, NULL } };
	bool serves = kind == DENCRYPT_DIRECTORY;
	enum dencrypt_result result;
	time_t until;
	X509 *x509;

	if (!is_machine_name(name))
		return DENCRYPT_BAD_ARGUMENT;
	result = end_of(ca, days, now, &until);
	if (result != DENCRYPT_OK)
		return result;
	x509 = new_x509(key->pkey, now - CLOCK_SKEW_S, until);
	if (!x509)
		return dencrypt_failure(DENCRYPT_INTERNAL);
	snprintf(names, sizeof(names), "DNS:%s", name);
	result = name_machine(X509_get_subject_name(x509), kind, name, id, organisation);
	return issue(ca, x509, result, serves ? directory_extensions : client_extensions,
		     serves ? server_names : no_extensions, out);
}

static ASN1_INTEGER *serial_from_hex(const char *hex)
{
	size_t length = strlen(hex);
	ASN1_INTEGER *serial = NULL;
	BIGNUM *number = NULL;

	if (length >= 1 && length <= 2 * DENCRYPT_SERIAL_OCTETS &&
	    strspn(hex, "0123456789abcdefABCDEF") == length && BN_hex2bn(&number, hex) != 0 &&
	    !BN_is_zero(number))
		serial = BN_to_ASN1_INTEGER(number, NULL);
	BN_free(number);
	return serial;
}

static bool reason_known(enum dencrypt_revocation reason)
{
	switch (reason) {
	case DENCRYPT_REVOKED_UNSPECIFIED:
	case DENCRYPT_REVOKED_KEY_COMPROMISE:
	case DENCRYPT_REVOKED_AFFILIATION_CHANGED:
	case DENCRYPT_REVOKED_SUPERSEDED:
	case DENCRYPT_REVOKED_CESSATION:
	case DENCRYPT_REVOKED_PRIVILEGE_WITHDRAWN:
		return true;
	}
	return false;
}

static bool set_reason(X509_REVOKED *entry, enum dencrypt_revocation reason)
{
	ASN1_ENUMERATED *asn1;
	bool done;

	/* RFC 5280, 5.3.1: "unspecified" is said by leaving the extension out. */
	if (reason == DENCRYPT_REVOKED_UNSPECIFIED)
		return true;
	asn1 = ASN1_ENUMERATED_new();
	done = asn1 && ASN1_ENUMERATED_set(asn1, reason) == 1 &&
	       X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, asn1, 0, 0) == 1;
	ASN1_ENUMERATED_free(asn1);
	return done;
}

static enum dencrypt_result add_revoked(X509_CRL *crl, const struct dencrypt_revoked *revoked)
{
	ASN1_INTEGER *serial = serial_from_hex(revoked->serial);
	ASN1_TIME *when = ASN1_TIME_set(NULL, revoked->when);
	enum dencrypt_result result = DENCRYPT_BAD_ARGUMENT;
	X509_REVOKED *entry = NULL;

	if (!serial || !when || !reason_known(revoked->reason))
		goto out;
	result = DENCRYPT_INTERNAL;
	entry = X509_REVOKED_new();
	if (!entry || X509_REVOKED_set_serialNumber(entry, serial) != 1 ||
	    X509_REVOKED_set_revocationDate(entry, when) != 1 ||
	    !set_reason(entry, revoked->reason) || X509_CRL_add0_revoked(crl, entry) != 1)
		goto out;
	entry = NULL; /* the list's now */
	result = DENCRYPT_OK;
out:
	X509_REVOKED_free(entry);
	ASN1_TIME_free(when);
	ASN1_INTEGER_free(serial);
	return result == DENCRYPT_OK ? result : dencrypt_failure(result);
}

static bool add_crl_extensions(X509_CRL *crl, X509 *issuer, uint64_t number)
{
	X509V3_CTX context = { 0 };
	X509_EXTENSION *ext;
	ASN1_INTEGER *asn1;
	bool done;

	X509V3_set_ctx(&context, issuer, NULL, NULL, crl, 0);
	ext = X509V3_EXT_conf_nid(NULL, &context, NID_authority_key_identifier, "keyid:always");
	asn1 = ASN1_INTEGER_new();
	done = ext && asn1 && X509_CRL_add_ext(crl, ext, -1) == 1 &&
	       ASN1_INTEGER_set_uint64(asn1, number) == 1 &&
	       X509_CRL_add1_ext_i2d(crl, NID_crl_number, asn1, 0, 0) == 1;
	X509_EXTENSION_free(ext);
	ASN1_INTEGER_free(asn1);
	return done;
}

/* A list with all but its entries and signature. */
static X509_CRL *new_crl(X509 *issuer, uint64_t number, time_t now)
{
	ASN1_TIME *last = ASN1_TIME_set(NULL, now - CLOCK_SKEW_S);
	ASN1_TIME *next = ASN1_TIME_set(NULL, now + CRL_LIFE_S);
	X509_CRL *crl = X509_CRL_new();
	bool done;

	done = last && next && crl && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
	       X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) == 1 &&
	       X509_CRL_set1_lastUpdate(crl, last) == 1 &&
	       X509_CRL_set1_nextUpdate(crl, next) == 1 &&
	       add_crl_extensions(crl, issuer, number);
	ASN1_TIME_free(last);
	ASN1_TIME_free(next);
	if (done)
		return crl;
	X509_CRL_free(crl);
	return NULL;
}

/*
 * OpenSSL takes in a list's extensions when the list is parsed, not when it is built; so what is
 * handed out is the parsed form.
 */
static enum dencrypt_result reparse(X509_CRL *crl, struct dencrypt_crl **out)
{
	struct dencrypt_crl built = { crl };
	struct dencrypt_bytes der = DENCRYPT_BYTES_EMPTY;
	enum dencrypt_result result = dencrypt_crl_der(&built, &der);

	if (result == DENCRYPT_OK)
		result = dencrypt_crl_parse(der.data, der.size, out);
	dencrypt_bytes_done(&der);
	return result;
}

enum dencrypt_result dencrypt_ca_sign_crl(const struct dencrypt_ca *ca,
					  const struct dencrypt_revoked *revoked, size_t count,
					  uint64_t number, time_t now, struct dencrypt_crl **out)
{
	enum dencrypt_result result = DENCRYPT_OK;
	EVP_PKEY *key = ca->key->pkey;
	X509_CRL *crl;

	if (count > DENCRYPT_REVOKED_MAX)
		return DENCRYPT_BAD_ARGUMENT;
	crl = new_crl(ca->certificate->x509, number, now);
	if (!crl)
		return dencrypt_failure(DENCRYPT_INTERNAL);
	for (size_t i = 0; i < count && result == DENCRYPT_OK; i++)
		result = add_revoked(crl, &revoked[i]);
	if (result == DENCRYPT_OK && X509_CRL_sign(crl, key, signing_digest(key)) <= 0)
		result = dencrypt_failure(DENCRYPT_INTERNAL);
	if (result == DENCRYPT_OK)
		result = reparse(crl, out);
	X509_CRL_free(crl);
	return result;
}
