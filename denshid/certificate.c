/* Certificates: grants, signing requests, and the proof at login (R-CERT, R-LOGIN-1). */
#include "directory/certificate.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/certificate.h"
#include "crypto/csr.h"
#include "crypto/proof.h"
#include "crypto/renewal.h"
#include "crypto/sshkey.h"
#include "denshid/call.h"
#include "denshid/issuer.h"
#include "denshid/log.h"
#include "directory/user.h"


/* -- the certificate on record ------------------------------------------------------------ */

/* The newest certificate that was issued; what came before it is superseded. */
static int keep_issued(void *context, const struct dendir_grant *g)
{
	if (g->certificate_len)
		memcpy(context, g, sizeof(*g));
	return 0;
}

static enum den_code code_of(struct call *c, enum dencrypt_result result, const char *login)
{
	static const struct {
		enum dencrypt_result result;
		enum den_code code;
	} rows[] = {
		{DENCRYPT_OK, DEN_OK},
		{DENCRYPT_EXPIRED, DEN_CERT_EXPIRED},
		{DENCRYPT_NOT_YET_VALID, DEN_CERT_NOT_YET_VALID},
		{DENCRYPT_REVOKED, DEN_CERT_REVOKED},
		{DENCRYPT_WRONG_CA, DEN_CERT_WRONG_CA},
		{DENCRYPT_BAD_SIGNATURE, DEN_CERT_WRONG_CA},
		{DENCRYPT_WRONG_SUBJECT, DEN_CERT_WRONG_SUBJECT},
		{DENCRYPT_WRONG_ORGANISATION, DEN_CERT_WRONG_SUBJECT},
		{DENCRYPT_KEY_MISMATCH, DEN_CERT_NOT_THE_ONE},
		{DENCRYPT_NOT_ON_RECORD, DEN_CERT_NOT_THE_ONE},
		{DENCRYPT_NO_PUBLIC_KEY, DEN_CERT_NONE_SHOWN},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].result == result) {
			if (result != DENCRYPT_OK)
				call_arg(c, "%s", login);
			return rows[i].code;
		}
	call_arg(c, "%s", dencrypt_text(result));
	return DEN_CERT_BAD;
}

/* Checks the certificate with the organisation's CA. The revocation is the record's own,
 * as fresh as the directory: no list is needed beside it. */
static enum den_code verify(struct call *c, struct dendir *d, const struct dencrypt_certificate *certificate,
	const char *login)
{
	enum dencrypt_result result;
	enum den_code code = call_refused(c, d, issuer_verify(d, certificate, login, (time_t)c->now, &result));

	return code == DEN_OK ? code_of(c, result, login) : code;
}

/* The certificate on record, parsed and found good; freed by the caller. */
static enum den_code on_record(struct call *c, const char *login, struct dencrypt_certificate **certificate)
{
	struct dendir_grant *g = calloc(1, sizeof(*g));
	enum den_code code;
	struct dendir *d = call_directory(c, &code);

	*certificate = NULL;
	if (d && !g)
		code = DEN_INTERNAL;
	if (code == DEN_OK)
		code = call_refused(c, d, dendir_grant_each(d, login, keep_issued, g));
	if (code == DEN_OK && !g->certificate_len) {
		call_arg(c, "%s", login);
		code = DEN_CERT_NONE_ON_RECORD;
	}
	if (code == DEN_OK && g->revoked >= 0) {
		call_arg(c, "%s", login);
		code = DEN_CERT_REVOKED;
	}
	if (code == DEN_OK)
		code = code_of(c, dencrypt_certificate_parse(g->certificate, g->certificate_len, certificate), login);
	if (code == DEN_OK)
		code = verify(c, d, *certificate, login);
	free(g);
	return code;
}

enum den_code certificate_check_login(struct call *c, const char *login)
{
	struct dencrypt_certificate *certificate;
	enum den_code code = on_record(c, login, &certificate);

	/* sshd has checked that the key's owner signed: what is left is whose key it is. */
	if (code == DEN_OK)
		code = code_of(c, dencrypt_ssh_used(call_string(c, DEN_TAG_AUTH_INFO), certificate), login);
	dencrypt_certificate_free(certificate);
	return code;
}

struct superseded {
	const struct dencrypt_certificate *shown;
	int found;
};

static int is_superseded(void *context, const struct dendir_grant *g)
{
	struct superseded *s = context;
	struct dencrypt_certificate *other = NULL;

	if (g->certificate_len && dencrypt_certificate_parse(g->certificate, g->certificate_len, &other) == DENCRYPT_OK)
		s->found = dencrypt_same_certificate(s->shown, other) == DENCRYPT_OK;
	dencrypt_certificate_free(other);
	return s->found;
}

/* It isn't the one on record, which is good: what is it, then? */
static enum den_code why_another(struct call *c, const char *login, const struct dencrypt_certificate *shown)
{
	struct superseded s = {.shown = shown};
	enum den_code code, bad = DEN_OK;
	struct dendir *d = call_directory(c, &code);

	if (code == DEN_OK)
		code = call_refused(c, d, dendir_grant_each(d, login, is_superseded, &s));
	if (code == DEN_OK && !s.found)
		bad = verify(c, d, shown, login);
	if (code != DEN_OK || bad != DEN_OK)
		return code != DEN_OK ? code : bad;
	call_arg(c, "%s", login);
	return s.found ? DEN_CERT_SUPERSEDED : DEN_CERT_NOT_THE_ONE;
}

/* The certificate that was shown is the one on record, and its key signed. */
enum den_code certificate_check_proof(struct call *c, const char *login)
{
	struct dencrypt_certificate *record = NULL, *shown = NULL;
	size_t len = 0, signature_len = 0, challenge_len = 0;
	const void *der = den_message_bytes(c->in, DEN_TAG_BYTES, &len);
	const void *signature = den_message_bytes(c->in, DEN_TAG_SIGNATURE, &signature_len);
	const void *challenge = den_message_bytes(c->in, DEN_TAG_CHALLENGE, &challenge_len);
	enum den_code code = on_record(c, login, &record);

	if (code == DEN_OK && (!der || !signature || challenge_len != DENCRYPT_CHALLENGE_SIZE))
		code = DEN_BAD_REQUEST;
	if (code == DEN_OK)
		code = code_of(c, dencrypt_certificate_parse(der, len, &shown), login);
	if (code == DEN_OK && dencrypt_same_certificate(shown, record) != DENCRYPT_OK)
		code = why_another(c, login, shown);
	if (code == DEN_OK && dencrypt_proof_verify(record, login, call_string(c, DEN_TAG_SERVICE), challenge,
		signature, signature_len) != DENCRYPT_OK) {
		call_arg(c, "%s", login);
		code = DEN_CERT_PROOF_BAD;
	}
	dencrypt_certificate_free(shown);
	dencrypt_certificate_free(record);
	return code;
}

enum den_code certificate_check_record(struct call *c, const char *login)
{
	struct dencrypt_certificate *certificate;
	enum den_code code = on_record(c, login, &certificate);

	dencrypt_certificate_free(certificate);
	return code;
}

enum den_code certificate_ssh_keys(struct call *c)
{
	struct dencrypt_certificate *certificate = NULL;
	char login[DEN_LOGIN_ID_SIZE], line[DENCRYPT_SSH_LINE_SIZE];
	struct view_user user;
	enum den_code code;

	if (!call_login(c, login) || !view_user_by_login(c->shared->view, login, &user))
		return DEN_LOGIN_UNKNOWN;
	code = on_record(c, login, &certificate);
	if (code == DEN_OK)
		code = code_of(c, dencrypt_ssh_line(certificate, login, line), login);
	if (code == DEN_OK)
		den_message_add_string(c->out, DEN_TAG_TEXT, line);
	dencrypt_certificate_free(certificate);
	return code;
}

/* -- granting ------------------------------------------------------------------------------------ */

static enum den_code grant_to(struct call *c, struct dendir *d, const char *typed)
{
	struct dendir_user_change change = {.grant_days = GRANT_DAYS, .by = c->peer.login};
	struct dendir_user user = {0};
	char login[DEN_LOGIN_ID_SIZE];
	enum den_code code = DEN_UNKNOWN_USER;

	if (den_login_id_parse(login, typed, strlen(typed)) == 0) {
		code = dendir_user_read(d, DENDIR_PEOPLE, login, &user);
		if (code == DEN_UNKNOWN_USER)
			code = dendir_user_read(d, DENDIR_PREPARED, login, &user);
		dendir_user_done(&user);
	}
	if (code == DEN_OK && !call_dry_run(c)) {
		code = dendir_user_prepare_change(d, login, &change);
		log_audit("certificate-grant", "by", c->peer.login, "user", login, "result", den_code_name(code), NULL);
	}
	if (code == DEN_UNKNOWN_USER || code == DEN_AUTHORITIES_PREPARED)
		call_arg(c, "%s", typed);
	return call_refused(c, d, code);
}

enum den_code certificate_grant(struct call *c)
{
	size_t cursor = 0, len;
	const char *value;
	uint16_t tag;
	enum den_code code;
	struct dendir *d = call_directory(c, &code);

	while (code == DEN_OK && den_message_next(c->in, &cursor, &tag, &value, &len))
		if (tag == DEN_TAG_LOGIN)
			code = grant_to(c, d, value);
	if (code == DEN_OK)
		update_add_pending(c, d);
	return code;
}

/* -- listing ------------------------------------------------------------------------------------------ */

static const char *state_of(const struct call *c, const struct dendir_grant *g)
{
	if (g->revoked >= 0)
		return "revoked";
	if (g->certificate_len)
		return "issued";
	if (*g->refused)
		return "refused";
	if (g->request_len)
		return "requested";
	return g->expires <= c->now ? "expired" : "granted";
}

struct newest {
	const struct call *c;
	const char *state;
};

static int keep_state(void *context, const struct dendir_grant *g)
{
	struct newest *n = context;

	n->state = state_of(n->c, g);
	return 0;
}

const char *certificate_state(struct call *c, struct dendir *d, const char *login)
{
	struct newest n = {.c = c, .state = ""};

	/* What can't be read is shown as unknown, not as none. */
	return dendir_grant_each(d, login, keep_state, &n) == DEN_OK ? *n.state ? n.state : "none" : "";
}

static int send_grant(void *context, const struct dendir_grant *g)
{
	struct call *c = context;
	struct dencrypt_certificate *certificate = NULL;
	struct den_message *m = den_message_new(DEN_OK);
	int64_t end = g->expires;

	if (!m)
		return 1;
	if (g->certificate_len &&
		dencrypt_certificate_parse(g->certificate, g->certificate_len, &certificate) == DENCRYPT_OK) {
		end = dencrypt_certificate_not_after(certificate);
		den_message_add_number(m, DEN_TAG_TIME, (uint64_t)dencrypt_certificate_not_before(certificate));
		den_message_add_string(m, DEN_TAG_DIGEST, dencrypt_certificate_fingerprint(certificate));
	}
	dencrypt_certificate_free(certificate);
	if (*g->reason || *g->refused)
		den_message_add_string(m, DEN_TAG_REASON, *g->reason ? g->reason : g->refused);
	den_message_add_string(m, DEN_TAG_ID, g->id);
	den_message_add_string(m, DEN_TAG_LOGIN, g->owner);
	den_message_add_string(m, DEN_TAG_STATE, state_of(c, g));
	den_message_add_number(m, DEN_TAG_EXPIRES, (uint64_t)end);
	den_message_add_string(m, DEN_TAG_SERIAL_HEX, g->serial_hex);
	return call_row(c, m);
}

enum den_code certificate_list(struct call *c)
{
	char login[DEN_LOGIN_ID_SIZE] = "";
	enum den_code code = DEN_OK;
	struct dendir *d;

	if (den_message_string(c->in, DEN_TAG_LOGIN) && !call_login(c, login)) {
		call_arg(c, "%s", call_string(c, DEN_TAG_LOGIN));
		return DEN_UNKNOWN_USER;
	}
	if (strcmp(login, c->peer.login) != 0)
		code = call_needs_master(c);
	if (code != DEN_OK || !(d = call_directory(c, &code)))
		return code;
	return call_refused(c, d, dendir_grant_each(d, login, send_grant, c));
}

/* -- acquiring (R-CERT-2) --------------------------------------------------------------------------------- */

struct open_grant {
	int64_t now;
	char id[33];
};

/* The grant that can be used: none of its own request yet, not over, not revoked. The oldest: what is
 * acquired last is then the newest, which is the one on record. */
static int find_open(void *context, const struct dendir_grant *g)
{
	struct open_grant *o = context;

	if (g->request_len || g->revoked >= 0 || g->expires <= o->now || g->is_renewal)
		return 0;
	memcpy(o->id, g->id, sizeof(o->id));
	return 1;
}

/* The user's grant in force, their password checked first: who doesn't know it learns nothing. */
static enum den_code open_grant(struct call *c, struct dendir_proof **proof, char id[33])
{
	struct den_secret *password = call_secret(c, DEN_TAG_PASSWORD);
	struct open_grant open = {.now = c->now};
	struct view_user user;
	char login[DEN_LOGIN_ID_SIZE];
	struct dendir *d;
	enum den_code code = DEN_INTERNAL;

	*proof = NULL;
	if (!password)
		return code;
	if (!call_login(c, login) || !view_user_by_login(c->shared->view, login, &user)) {
		if ((d = call_directory(c, &code))) {
			dendir_credential_decoy(d, password);
			code = DEN_LOGIN_UNKNOWN;
		}
	} else if (user.flags & DEN_USER_SUSPENDED) {
		call_arg(c, "%s", login);
		code = DEN_SUSPENDED;
	} else {
		code = call_check_password(c, DENDIR_LOGIN, login, "denshi-cert", password, proof, NULL);
	}
	den_secret_free(password);
	if (code != DEN_OK)
		return code;
	d = call_directory(c, &code);
	if (d)
		code = call_refused(c, d, dendir_grant_each(d, login, find_open, &open));
	if (code == DEN_OK && !*open.id) {
		call_arg(c, "%s", login);
		code = DEN_GRANT_NONE;
	}
	memcpy(id, open.id, sizeof(open.id));
	return code;
}

enum den_code certificate_granted(struct call *c)
{
	struct dendir_proof *proof;
	char id[33];
	enum den_code code = open_grant(c, &proof, id);

	if (code == DEN_OK) {
		den_message_add_string(c->out, DEN_TAG_ORG, c->shared->site->org);
		den_message_add_string(c->out, DEN_TAG_ID, id);
	}
	dendir_proof_free(proof);
	return code;
}

enum den_code certificate_request(struct call *c)
{
	struct dendir_proof *proof;
	char id[33];
	size_t len = 0;
	const void *der = den_message_bytes(c->in, DEN_TAG_BYTES, &len);
	enum dencrypt_result result;
	enum den_code code;

	/* Before the grant is spent on it: is it a request, and is its key proven? */
	result = der ? dencrypt_csr_check(der, len) : DENCRYPT_MALFORMED;
	if (result != DENCRYPT_OK) {
		call_arg(c, "%s", dencrypt_text(result));
		return DEN_CA_REFUSED;
	}
	code = open_grant(c, &proof, id);
	/* The key waits for this grant: another one wouldn't find it again. */
	if (code == DEN_OK && strcmp(id, call_string(c, DEN_TAG_ID)) != 0) {
		call_arg(c, "%s", call_string(c, DEN_TAG_LOGIN));
		code = DEN_GRANT_NONE;
	}
	if (code == DEN_OK) {
		code = dendir_grant_request(dendir_proof_connection(proof), id, der, len);
		call_refused(c, dendir_proof_connection(proof), code);
	}
	if (code == DEN_OK)
		den_message_add_string(c->out, DEN_TAG_ID, id);
	log_audit("certificate-request", "user", call_string(c, DEN_TAG_LOGIN), "grant", code == DEN_OK ? id : "",
		"result", den_code_name(code), NULL);
	dendir_proof_free(proof);
	return code;
}

/* -- renewing (R-CERT-4) ------------------------------------------------------------------------------------ */

#define DAY_S 86400

static enum den_code due(struct call *c, const char *login, const struct dencrypt_certificate *record)
{
	enum dencrypt_result result = dencrypt_renewal_due(record, (time_t)c->now);
	char date[16];

	if (result != DENCRYPT_NOT_DUE)
		return code_of(c, result, login);
	call_arg(c, "%s", login);
	call_arg(c, "%s", call_date(date, (int64_t)dencrypt_certificate_not_after(record) - DENCRYPT_RENEWAL_DAYS * DAY_S));
	return DEN_CERT_NOT_DUE;
}

int64_t certificate_end_near(struct call *c, const char *login)
{
	struct dencrypt_certificate *record = NULL;
	int64_t end = 0;

	if (on_record(c, login, &record) == DEN_OK && dencrypt_renewal_due(record, (time_t)c->now) == DENCRYPT_OK)
		end = (int64_t)dencrypt_certificate_not_after(record);
	dencrypt_certificate_free(record);
	return end;
}

/* Signed by the key on record: told before the password is asked for, and again by denshi-ca. */
static enum den_code check_renewal(struct call *c, const char *login, const void *der, size_t len)
{
	struct dencrypt_certificate *record = NULL;
	struct dencrypt_bytes request = DENCRYPT_BYTES_EMPTY;
	enum den_code code = on_record(c, login, &record);
	enum dencrypt_result result = DENCRYPT_OK;

	if (code == DEN_OK)
		code = due(c, login, record);
	if (code == DEN_OK && der)
		result = dencrypt_renewal_open(der, len, record, &request);
	if (result != DENCRYPT_OK) {
		call_arg(c, "%s", result == DENCRYPT_BAD_SIGNATURE ? login : dencrypt_text(result));
		code = result == DENCRYPT_BAD_SIGNATURE ? DEN_CERT_PROOF_BAD : DEN_CA_REFUSED;
	}
	dencrypt_bytes_done(&request);
	dencrypt_certificate_free(record);
	return code;
}

static enum den_code renew(struct call *c, const char *login, const void *der, size_t len)
{
	struct den_secret *password = call_secret(c, DEN_TAG_PASSWORD);
	struct dendir_proof *proof = NULL;
	enum den_code code = DEN_INTERNAL;

	if (password)
		code = call_check_password(c, DENDIR_LOGIN, login, "denshi-cert", password, &proof, NULL);
	den_secret_free(password);
	if (code == DEN_OK) {
		code = dendir_grant_renew(dendir_proof_connection(proof), call_string(c, DEN_TAG_ID), login, der, len,
			c->now + DAY_S);
		call_refused(c, dendir_proof_connection(proof), code);
	}
	dendir_proof_free(proof);
	return code;
}

enum den_code certificate_renew(struct call *c)
{
	char login[DEN_LOGIN_ID_SIZE];
	struct view_user user;
	size_t len = 0;
	const void *der = den_message_bytes(c->in, DEN_TAG_BYTES, &len);
	enum den_code code;

	if (!call_login(c, login) || !view_user_by_login(c->shared->view, login, &user))
		return DEN_LOGIN_UNKNOWN;
	if (user.flags & DEN_USER_SUSPENDED) {
		call_arg(c, "%s", login);
		return DEN_SUSPENDED;
	}
	code = check_renewal(c, login, der, len);
	if (code != DEN_OK || !der)
		return code;
	code = renew(c, login, der, len);
	log_audit("certificate-renew", "user", login, "grant", call_string(c, DEN_TAG_ID), "result", den_code_name(code), NULL);
	return code;
}

enum den_code certificate_fetch(struct call *c)
{
	struct dendir_grant *g = calloc(1, sizeof(*g));
	struct dencrypt_bytes der = DENCRYPT_BYTES_EMPTY;
	struct dencrypt_certificate *ca = NULL;
	enum den_code code;
	struct dendir *d = call_directory(c, &code);

	if (d && !g)
		code = DEN_INTERNAL;
	if (code == DEN_OK)
		code = dendir_grant_read(d, call_string(c, DEN_TAG_ID), g);
	if (code == DEN_OK && !g->request_len && !g->certificate_len && g->revoked < 0 && g->expires > c->now) {
		code = DEN_GRANT_OPEN;
	} else if (code == DEN_OK && g->revoked >= 0) {
		call_arg(c, "%s", g->owner);
		code = g->certificate_len ? DEN_CERT_REVOKED : DEN_GRANT_NONE;
	} else if (code == DEN_OK && !g->request_len && !g->certificate_len) {
		call_arg(c, "%s", g->owner);
		code = DEN_GRANT_NONE;
	} else if (code == DEN_OK && *g->refused) {
		call_arg(c, "%s", g->refused);
		code = DEN_CA_REFUSED;
	} else if (code == DEN_OK && !g->certificate_len) {
		code = DEN_CA_SILENT;
	}
	if (code == DEN_OK)
		code = issuer_find(d, g->certificate, g->certificate_len, &ca);
	if (code == DEN_CERT_WRONG_CA)
		call_arg(c, "%s", g->owner);
	if (code == DEN_OK && dencrypt_certificate_der(ca, &der) != DENCRYPT_OK)
		code = DEN_INTERNAL;
	if (code == DEN_OK) {
		/* A certificate is public: whoever has the grant's name may have it. */
		den_message_add(c->out, DEN_TAG_BYTES, g->certificate, g->certificate_len);
		den_message_add(c->out, DEN_TAG_CA_BYTES, der.data, der.size);
	}
	dencrypt_bytes_done(&der);
	dencrypt_certificate_free(ca);
	free(g);
	return d ? call_refused(c, d, code) : code;
}

/* -- revoking ------------------------------------------------------------------------------------------------ */

enum den_code certificate_revoke(struct call *c)
{
	struct dendir_grant *g = calloc(1, sizeof(*g));
	const char *reason = call_string(c, DEN_TAG_REASON);
	char login[DEN_LOGIN_ID_SIZE] = "";
	struct dendir_proof *proof = NULL;
	enum den_code code;
	struct dendir *d = call_directory(c, &code);

	if (d && !g)
		code = DEN_INTERNAL;
	if (code == DEN_OK && !den_subject_is_valid(reason, strlen(reason)))
		code = DEN_REASON_NEEDED;
	if (code == DEN_OK && call_login(c, login))
		code = call_refused(c, d, dendir_grant_each(d, login, keep_issued, g));
	if (code == DEN_OK && (!g->certificate_len || g->revoked >= 0)) {
		call_arg(c, "%s", call_string(c, DEN_TAG_LOGIN));
		code = DEN_CERT_NONE_ON_RECORD;
	}
	if (code == DEN_OK)
		code = call_approve(c, &proof);
	if (code == DEN_OK) {
		code = dendir_grant_revoke(dendir_proof_connection(proof), g->id, reason, c->now);
		call_refused(c, dendir_proof_connection(proof), code);
	}
	log_audit("certificate-revoke", "by", c->peer.login, "user", login, "result", den_code_name(code), NULL);
	dendir_proof_free(proof);
	free(g);
	return code;
}
