/*
 * What a new organisation's directory holds beyond the template: the host, the
 * catalogue and its groups, the first master in force under serial 1, with a
 * certificate grant and an initial login password; and the CA's certificate.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "crypto/digest.h"
#include "directory/certificate.h"
#include "directory/credential.h"
#include "directory/host.h"
#include "directory/numbers.h"
#include "directory/update.h"
#include "directory/version.h"
#include "tools/denshi-setup/setup.h"
#include "tools/server/server.h"

#define FIRST_SERIAL 1

/* Labels are the manual's words; a business's are two, an account has one. */
static const struct business {
	const char *id, *ja, *en;
	int approval_free, self_approval;
} businesses[] = {
	{"claim", "記録請求", "Record request", 0, 1},
	{"transfer", "譲渡", "Transfer", 0, 0},
	{"split", "分割", "Split", 0, 1},
	{"discount", "割引", "Discount", 0, 1},
	{"guarantee", "保証", "Guarantee", 0, 1},
	{"payment", "決済", "Payment", 0, 0},
	{"inquiry", "照会", "Inquiry", 1, 1},
};
#define BUSINESSES (sizeof(businesses) / sizeof(businesses[0]))

struct work {
	const struct setup *s;
	struct server server;
	struct dendir *d;
	unsigned next_gid;
	int64_t now;
	char dn[DENDIR_DN_SIZE];
};

static int refused(struct work *w, enum den_code code)
{
	const char *why = code == DEN_DIRECTORY_DOWN ? den_text(w->s->lang, code) : dendir_diagnostic(w->d);

	return fail(w->s, DEN_SETUP_ENTRY, w->dn, why, NULL);
}

/* Adds w->dn; takes m over. */
static int add(struct work *w, struct dendir_mods *m)
{
	enum den_code code = dendir_add(w->d, w->dn, m);

	dendir_mods_free(m);
	return code == DEN_OK ? 0 : refused(w, code);
}

static int modify(struct work *w, struct dendir_mods *m)
{
	enum den_code code = dendir_modify(w->d, w->dn, m);

	dendir_mods_free(m);
	return code == DEN_OK ? 0 : refused(w, code);
}

static struct dendir_mods *entry(const char *class, const char *cn)
{
	struct dendir_mods *m = dendir_mods_new();

	dendir_mods_put(m, DENDIR_ADD, "objectClass", class);
	if (cn)
		dendir_mods_put(m, DENDIR_ADD, "cn", cn);
	return m;
}

/* -- hosts -------------------------------------------------------------------------------------- */

static int add_host(struct work *w)
{
	struct dendir_host host = {0};
	enum den_code code;

	dendir_dn(w->dn, w->d, DENDIR_DN_HOST, w->s->host);
	snprintf(host.name, sizeof(host.name), "%s", w->s->host);
	if (dencrypt_random_id(host.id, sizeof(host.id)) != DENCRYPT_OK)
		return fail(w->s, DEN_SETUP_NO_PASSWORD, strerror(errno), NULL);
	code = dendir_host_add(w->d, &host);
	return code == DEN_OK ? 0 : refused(w, code);
}

/* -- the catalogue and its groups ------------------------------------------------------------------ */

/* A group as hosts replicate it: one version, under serial 1. */
static int publish_group(struct work *w, const char *name, unsigned gid)
{
	enum den_code code = dendir_version_add_group(w->d, name, gid, FIRST_SERIAL);

	return code == DEN_OK ? 0 : refused(w, code);
}

static int publish_authority(struct work *w, const char *before, const char *id, const char *after)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%s%s", before, id, after);
	return publish_group(w, name, w->next_gid++);
}

static int add_business(struct work *w, const struct business *b)
{
	struct dendir_mods *m = entry("denshiBusinessEntry", b->id);

	dendir_mods_put(m, DENDIR_ADD, "denshiKind", b->approval_free ? "free" : "required");
	if (!b->approval_free)
		dendir_mods_put(m, DENDIR_ADD, "denshiSelfApproval", b->self_approval ? "TRUE" : "FALSE");
	dendir_mods_put(m, DENDIR_ADD, "description;lang-ja", b->ja);
	dendir_mods_put(m, DENDIR_ADD, "description;lang-en", b->en);
	dendir_dn(w->dn, w->d, "cn=%s,ou=businesses", b->id);
	if (add(w, m) != 0)
		return -1;
	if (b->approval_free)
		return publish_authority(w, "", b->id, ".use");
	if (publish_authority(w, "", b->id, ".maker") != 0)
		return -1;
	return publish_authority(w, "", b->id, ".approver");
}

static int add_account(struct work *w, const struct setup_account *a)
{
	struct dendir_mods *m = entry("denshiAccountEntry", a->id);

	dendir_mods_put(m, DENDIR_ADD, "description", a->label);
	dendir_dn(w->dn, w->d, "cn=%s,ou=accounts", a->id);
	return add(w, m) != 0 ? -1 : publish_authority(w, "acct.", a->id, "");
}

static int add_catalogue(struct work *w)
{
	if (publish_group(w, "d-users", SETUP_PRIMARY_GID) != 0)
		return -1;
	for (size_t i = 0; i < BUSINESSES; i++)
		if (add_business(w, &businesses[i]) != 0)
			return -1;
	for (size_t i = 0; i < w->s->naccounts; i++)
		if (add_account(w, &w->s->accounts[i]) != 0)
			return -1;
	return 0;
}

/* -- the first master ------------------------------------------------------------------------------------ */

static void fill_master(struct dendir_user *u, const struct setup *s)
{
	memset(u, 0, sizeof(*u));
	snprintf(u->login, sizeof(u->login), "%s", s->master);
	snprintf(u->name, sizeof(u->name), "%s", s->master_name);
	snprintf(u->mail, sizeof(u->mail), "%s", s->mail);
	snprintf(u->role, sizeof(u->role), "master");
	snprintf(u->state, sizeof(u->state), "active");
	snprintf(u->lang, sizeof(u->lang), "%s", den_lang_name(s->org_lang));
	snprintf(u->home, sizeof(u->home), "/home/%s", s->master);
	snprintf(u->shell, sizeof(u->shell), "/bin/bash");
	u->uid = s->first_uid;
	u->gid = SETUP_PRIMARY_GID;
	u->serial = FIRST_SERIAL;
}

static int add_master(struct work *w)
{
	struct dendir_mods *m = entry("inetOrgPerson", w->s->master_name);
	struct dendir_user u;

	fill_master(&u, w->s);
	dendir_mods_put(m, DENDIR_ADD, "objectClass", "posixAccount");
	dendir_mods_put(m, DENDIR_ADD, "objectClass", "denshiUser");
	dendir_mods_put(m, DENDIR_ADD, "sn", u.name);
	dendir_mods_put(m, DENDIR_ADD, "uid", u.login);
	dendir_mods_put(m, DENDIR_ADD, "mail", u.mail);
	dendir_mods_put_number(m, DENDIR_ADD, "uidNumber", u.uid);
	dendir_mods_put_number(m, DENDIR_ADD, "gidNumber", u.gid);
	dendir_mods_put(m, DENDIR_ADD, "homeDirectory", u.home);
	dendir_mods_put(m, DENDIR_ADD, "loginShell", u.shell);
	dendir_mods_put(m, DENDIR_ADD, "preferredLanguage", u.lang);
	dendir_mods_put(m, DENDIR_ADD, "denshiRole", u.role);
	dendir_mods_put(m, DENDIR_ADD, "denshiState", u.state);
	dendir_mods_put_number(m, DENDIR_ADD, "denshiSerial", u.serial);
	dendir_dn(w->dn, w->d, DENDIR_DN_PEOPLE, u.login);
	return add(w, m);
}

static int publish_master(struct work *w)
{
	struct dendir_user u;
	enum den_code code;

	fill_master(&u, w->s);
	code = dendir_version_add(w->d, &u);
	return code == DEN_OK ? 0 : refused(w, code);
}

/* The record of the update that all of this is (R-UPD-4). */
static int add_record(struct work *w)
{
	const char *const rows[][2] = {{"name", w->s->master_name}, {"mail", w->s->mail}, {"role", "master"},
		{"certificate", "30 d"}};
	struct dendir_mods *m = entry("denshiUpdate", "1");
	char line[DEN_NAME_SIZE + 200], when[DENDIR_TIME_SIZE];

	dendir_mods_put_number(m, DENDIR_ADD, "denshiSerial", FIRST_SERIAL);
	dendir_mods_put(m, DENDIR_ADD, "denshiMaster", DENDIR_DN_ROOT);
	dendir_mods_put(m, DENDIR_ADD, "denshiUpdateTime", dendir_time(when, w->now));
	dendir_mods_put(m, DENDIR_ADD, "denshiState", "done");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(line, sizeof(line), "%06zu %s %s %s: - -> %s", i + 1, i == 3 ? "grant" : "add",
			w->s->master, rows[i][0], rows[i][1]);
		dendir_mods_put(m, DENDIR_ADD, "denshiDiff", line);
	}
	dendir_dn(w->dn, w->d, "cn=%d,ou=updates", FIRST_SERIAL);
	return add(w, m);
}

/* In force from setup: there is no master yet who could grant it (R-CERT-1). */
static int add_grant(struct work *w)
{
	char id[12];
	enum den_code code = dendir_grant_add(w->d, dendir_random_name(id, "g-"), w->s->master, DENDIR_DN_ROOT,
		w->now + SETUP_GRANT_DAYS * 86400);

	return code == DEN_OK ? 0 : refused(w, code);
}

static int add_pointer(struct work *w)
{
	struct dendir_mods *m = entry("denshiSerialPointer", "serial");

	dendir_mods_put_number(m, DENDIR_ADD, "denshiSerial", FIRST_SERIAL);
	dendir_dn(w->dn, w->d, "cn=serial,ou=published");
	return add(w, m);
}

/* The ids that are taken now. */
static int store_next_ids(struct work *w)
{
	struct dendir_mods *m = dendir_mods_new();

	dendir_mods_put_number(m, DENDIR_REPLACE, "denshiNextUid", w->s->first_uid + 1);
	if (w->s->last_uid != DENDIR_UID_LAST)
		dendir_mods_put_number(m, DENDIR_REPLACE, "denshiLastUid", w->s->last_uid);
	dendir_mods_put_number(m, DENDIR_REPLACE, "denshiNextGid", w->next_gid);
	dendir_dn(w->dn, w->d, "cn=policy");
	return modify(w, m);
}

/* -- passwords: hashed by the directory (RFC 3062) --------------------------------------------------- */

static int set_password(struct work *w, const struct den_secret *password)
{
	enum den_code code = dendir_set_password(w->d, w->dn, password);

	return code == DEN_OK ? 0 : refused(w, code);
}

static int add_decoy(struct work *w)
{
	struct dendir_mods *m = entry("device", "decoy");
	struct den_secret *nobody_knows = den_secret_new();
	char bytes[65], policy[DENDIR_DN_SIZE];
	int result;

	dendir_mods_put(m, DENDIR_ADD, "objectClass", "denshiCredential");
	dendir_mods_put(m, DENDIR_ADD, "pwdPolicySubentry",
		dendir_dn(policy, w->d, "cn=decoypolicy,ou=policies"));
	dendir_dn(w->dn, w->d, "cn=decoy,ou=policies");
	result = add(w, m);
	if (result == 0 && (!nobody_knows || dencrypt_random_id(bytes, sizeof(bytes)) != DENCRYPT_OK ||
		den_secret_set(nobody_knows, bytes, sizeof(bytes) - 1) != 0))
		result = fail(w->s, DEN_SETUP_NO_PASSWORD, strerror(errno), NULL);
	if (result == 0)
		result = set_password(w, nobody_knows);
	explicit_bzero(bytes, sizeof(bytes));
	den_secret_free(nobody_knows);
	return result;
}

static int set_master_password(struct work *w)
{
	struct dendir_mods *m = dendir_mods_new();

	dendir_dn(w->dn, w->d, DENDIR_DN_PEOPLE, w->s->master);
	/* An initial one (R-FIRST-1); a mark from before the password would go with it. */
	dendir_mark_initial(m, w->d, DENDIR_LOGIN);
	if (set_password(w, w->s->password) == 0)
		return modify(w, m);
	dendir_mods_free(m);
	return -1;
}

/* -- the CA's certificate ------------------------------------------------------------------------------- */

static int publish_ca(struct work *w)
{
	struct dendir_mods *m = dendir_mods_new();

	dendir_dn(w->dn, w->d, "cn=ca,ou=certificates");
	dendir_mods_put_bytes(m, DENDIR_REPLACE, "denshiCACertificate", w->s->ca_der.data, w->s->ca_der.size);
	return modify(w, m);
}

/* -- all of it ---------------------------------------------------------------------------------------------- */

int entries_make(struct setup *s)
{
	static int (*const steps[])(struct work *) = {add_host, add_catalogue, store_next_ids,
		add_decoy, add_master, set_master_password, add_grant, publish_ca, publish_master, add_record,
		add_pointer};
	struct work w = {.s = s, .next_gid = s->first_gid, .now = time(NULL)};
	int result = 0;

	if (server_start(&w.server, s->set, &s->directory_user, s->org, s->host) != 0)
		return fail(s, DEN_SETUP_PROGRAM_FAILED, "slapd", w.server.why, NULL);
	w.d = w.server.root;
	for (size_t i = 0; result == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		result = steps[i](&w);
	if (server_stop(&w.server) != 0 && result == 0)
		result = fail(s, DEN_SETUP_PROGRAM_FAILED, "slapd", w.server.why, NULL);
	return result;
}
