#include "directory/credential.h"

#include <ldap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const slot_attributes[] = {"denshiAttempt", "denshiAttemptRecord", NULL};

/* Slots and records as one reading of the credential showed them. */
struct slots {
	unsigned char taken[DENDIR_SEAL + 1];
	unsigned count; /* of 1..6 */
	char *records[2 * DENDIR_ATTEMPTS];
	size_t nrecords;
	int found;
};

struct dendir_proof {
	struct dendir *as;
	enum dendir_credential which;
	struct slots seen; /* still to be cleared, where any is taken */
	char dn[DENDIR_DN_SIZE];
};

static void slots_done(struct slots *s)
{
	for (size_t i = 0; i < s->nrecords; i++)
		free(s->records[i]);
	memset(s, 0, sizeof(*s));
}

static int read_slots(void *context, struct dendir_entry *e)
{
	struct slots *s = context;
	const char *value;
	size_t len;

	slots_done(s);
	s->found = 1;
	for (size_t i = 0; (value = dendir_entry_value(e, "denshiAttempt", i, &len)); i++)
		if (len == 1 && *value >= '1' && *value <= '0' + DENDIR_SEAL)
			s->taken[*value - '0'] = 1;
	for (unsigned k = 1; k <= DENDIR_ATTEMPTS; k++)
		s->count += s->taken[k];
	for (size_t i = 0; (value = dendir_entry_value(e, "denshiAttemptRecord", i, &len)) &&
		s->nrecords < 2 * DENDIR_ATTEMPTS; i++)
		if ((s->records[s->nrecords] = strndup(value, len)))
			s->nrecords++;
	return 0;
}

static const char *credential_dn(char *buf, const struct dendir *d, enum dendir_credential which,
	const char *login)
{
	return which == DENDIR_LOGIN ? dendir_dn(buf, d, DENDIR_DN_PEOPLE, login)
				     : dendir_dn(buf, d, DENDIR_DN_APPROVAL, login);
}

/* -- reserve ---------------------------------------------------------------------- */

/* One word of a record: what a program tells of itself and of its peer is ASCII without
 * blanks here, so that it can't look like another record. " " is a separator. */
static void put_word(char *record, size_t size, const char *word, size_t most)
{
	size_t used = strlen(record);

	if (!*word)
		word = "-";
	for (size_t i = 0; word[i] && i < most && used + 1 < size; i++) {
		unsigned char c = (unsigned char)word[i];

		record[used++] = (c > 0x20 && c < 0x7f) || most == 1 ? (char)c : '_';
	}
	record[used] = '\0';
}

static struct dendir_mods *reservation(unsigned slot, const struct dendir *d, const struct dendir_attempt *a)
{
	struct dendir_mods *m = dendir_mods_new();
	char record[256], when[DENDIR_TIME_SIZE];

	snprintf(record, sizeof(record), "%u %s %.120s ", slot, dendir_time(when, a->now), dendir_site_of(d)->host);
	put_word(record, sizeof(record), a->service, 40);
	put_word(record, sizeof(record), " ", 1);
	put_word(record, sizeof(record), a->rhost, 60);
	dendir_mods_put_number(m, DENDIR_ADD, "denshiAttempt", slot);
	dendir_mods_put(m, DENDIR_ADD, "denshiAttemptRecord", record);
	return m;
}

static enum den_code locked(enum dendir_credential which)
{
	return which == DENDIR_LOGIN ? DEN_LOGIN_LOCKED : DEN_APPROVAL_LOCKED;
}

static enum den_code missing(enum dendir_credential which)
{
	return which == DENDIR_LOGIN ? DEN_LOGIN_UNKNOWN : DEN_APPROVAL_NONE;
}

/*
 * Takes the lowest free slot, and tells what was taken afterwards. Slot 1 is
 * tried without reading first: the usual case costs one operation. A slot taken
 * by somebody else in between is a refusal (typeOrValueExists): look again.
 */
static enum den_code reserve(struct dendir *d, const char *dn, enum dendir_credential which,
	const struct dendir_attempt *attempt, struct slots *seen)
{
	unsigned slot = 1;

	for (unsigned tries = 0; tries <= 2 * DENDIR_ATTEMPTS; tries++) {
		struct dendir_mods *m = reservation(slot, d, attempt);
		enum den_code code = dendir_modify_read(d, dn, m, slot_attributes, read_slots, seen);

		dendir_mods_free(m);
		if (code == DEN_OK)
			return DEN_OK;
		if (code == DEN_DIRECTORY_DOWN)
			return code;
		if (dendir_result(d) == LDAP_NO_SUCH_OBJECT)
			return missing(which);
		if (dendir_result(d) != LDAP_TYPE_OR_VALUE_EXISTS)
			return code;
		slots_done(seen);
		code = dendir_search(d, dn, DENDIR_BASE, NULL, slot_attributes, read_slots, seen);
		if (code != DEN_OK)
			return code;
		for (slot = 1; slot <= DENDIR_ATTEMPTS && seen->taken[slot]; slot++)
			;
		if (slot > DENDIR_ATTEMPTS || seen->taken[DENDIR_SEAL])
			return locked(which);
	}
	/* Twelve times somebody else was faster: a race of many wrong guesses. */
	return DEN_BUSY;
}

/* -- clear, seal -------------------------------------------------------------------- */

static struct dendir_mods *clearing(const struct slots *seen)
{
	struct dendir_mods *m = dendir_mods_new();

	for (unsigned k = 1; k <= DENDIR_SEAL; k++)
		if (seen->taken[k])
			dendir_mods_put_number(m, DENDIR_DELETE, "denshiAttempt", k);
	for (size_t i = 0; i < seen->nrecords; i++)
		dendir_mods_put(m, DENDIR_DELETE, "denshiAttemptRecord", seen->records[i]);
	return m;
}

/* The slots that were seen, by value: what others reserved since stays. A clearing
 * that is lost errs to the safe side. */
static void clear_seen(struct dendir_proof *proof)
{
	struct dendir_mods *m = clearing(&proof->seen);

	if (dendir_modify(proof->as, proof->dn, m) == DEN_OK)
		slots_done(&proof->seen);
	dendir_mods_free(m);
}

struct dendir *dendir_proof_connection(struct dendir_proof *proof)
{
	return proof->as;
}

void dendir_proof_free(struct dendir_proof *proof)
{
	if (!proof)
		return;
	slots_done(&proof->seen);
	dendir_close(proof->as);
	free(proof);
}

/* The sixth wrong guess shuts the credential for binds that reserve nothing, too. */
static void seal(struct dendir *d, const char *dn)
{
	struct dendir_mods *m = dendir_mods_new();

	dendir_mods_put_number(m, DENDIR_ADD, "denshiAttempt", DENDIR_SEAL);
	(void)dendir_modify(d, dn, m);
	dendir_mods_free(m);
}

enum den_code dendir_credential_check(struct dendir *d, enum dendir_credential which,
	const struct dendir_attempt *attempt, const struct den_secret *password, struct dendir_proof **proof,
	unsigned *left)
{
	struct dendir_proof *p = calloc(1, sizeof(*p));
	enum den_code code;

	if (proof)
		*proof = NULL;
	*left = 0;
	if (!p)
		return DEN_DIRECTORY_DOWN;
	p->which = which;
	credential_dn(p->dn, d, which, attempt->login);
	code = reserve(d, p->dn, which, attempt, &p->seen);
	if (code == DEN_OK)
		code = dendir_open_as(&p->as, d, p->dn, password);
	if (code == DEN_LOGIN_WRONG) {
		*left = DENDIR_ATTEMPTS - p->seen.count;
		if (*left == 0)
			seal(d, p->dn);
		code = which == DENDIR_LOGIN ? DEN_LOGIN_WRONG : DEN_APPROVAL_WRONG;
	} else if (code == DEN_OK) {
		clear_seen(p);
		if (proof) {
			*proof = p;
			p = NULL;
		}
	}
	dendir_proof_free(p);
	return code;
}

void dendir_credential_decoy(struct dendir *d, const struct den_secret *password)
{
	char dn[DENDIR_DN_SIZE];
	struct dendir *never = NULL;

	dendir_dn(dn, d, "cn=decoy,ou=policies");
	(void)dendir_open_as(&never, d, dn, password);
	dendir_close(never);
}

/* -- state ------------------------------------------------------------------------------ */

struct state_reader {
	struct slots slots;
	struct dendir_credential_state *state;
};

static int read_state(void *context, struct dendir_entry *e)
{
	struct state_reader *r = context;
	struct dendir_credential_state *s = r->state;
	const char *changed = dendir_entry_string(e, "pwdChangedTime");

	read_slots(&r->slots, e);
	/* An entry whose password was never set is no credential yet. */
	s->exists = *changed != '\0';
	s->taken = r->slots.taken[DENDIR_SEAL] ? DENDIR_ATTEMPTS : r->slots.count;
	s->must_change = strcmp(dendir_entry_string(e, "denshiMustChange"), "TRUE") == 0 ||
		strcmp(dendir_entry_string(e, "pwdReset"), "TRUE") == 0;
	s->changed = dendir_parse_time(changed);
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

enum den_code dendir_credential_state(struct dendir *d, enum dendir_credential which, const char *login,
	struct dendir_credential_state *state)
{
	static const char *const attributes[] = {"denshiAttempt", "denshiAttemptRecord", "denshiMustChange",
		"pwdReset", "pwdChangedTime", NULL};
	struct state_reader r = {.state = state};
	char dn[DENDIR_DN_SIZE];
	enum den_code code;

	memset(state, 0, sizeof(*state));
	credential_dn(dn, d, which, login);
	code = dendir_search(d, dn, DENDIR_BASE, NULL, attributes, read_state, &r);
	for (size_t i = 0; i < r.slots.nrecords && state->nrecords < DENDIR_ATTEMPTS; i++) {
		/* Without the slot's number: people read it. */
		const char *text = strchr(r.slots.records[i], ' ');

		snprintf(state->records[state->nrecords++], sizeof(state->records[0]), "%s", text ? text + 1 : "?");
	}
	qsort(state->records, state->nrecords, sizeof(state->records[0]), by_text);
	slots_done(&r.slots);
	return code;
}

/* -- setting -------------------------------------------------------------------------------- */

enum den_code dendir_credential_change(struct dendir_proof *proof, const struct den_secret *password)
{
	struct dendir_mods *m;
	enum den_code code = dendir_set_password(proof->as, NULL, password);

	if (code != DEN_OK)
		return code;
	if (proof->seen.count)
		clear_seen(proof);
	/* An approval credential's mark is the server's own (pwdReset): it is gone now. */
	if (proof->which == DENDIR_APPROVAL)
		return DEN_OK;
	m = dendir_mods_new();
	dendir_mods_put(m, DENDIR_DELETE, "denshiMustChange", "TRUE");
	code = dendir_modify(proof->as, proof->dn, m);
	dendir_mods_free(m);
	return dendir_result(proof->as) == LDAP_NO_SUCH_ATTRIBUTE ? DEN_OK : code;
}

static void put_approval_entry(struct dendir_mods *m)
{
	dendir_mods_put(m, DENDIR_ADD, "objectClass", "denshiApproval");
	dendir_mods_put(m, DENDIR_ADD, "objectClass", "denshiCredential");
	dendir_mods_put(m, DENDIR_ADD, "cn", "approval");
}

enum den_code dendir_approval_create_own(struct dendir_proof *login, const struct den_secret *password)
{
	struct dendir_mods *m = dendir_mods_new();
	char id[DEN_LOGIN_ID_SIZE], dn[DENDIR_DN_SIZE];
	enum den_code code;

	put_approval_entry(m);
	dendir_login_of_dn(id, login->dn);
	code = dendir_add(login->as, dendir_dn(dn, login->as, DENDIR_DN_APPROVAL, id), m);
	dendir_mods_free(m);
	/* One without a password was left by an attempt that ended here; one with a
	 * password is refused by the directory. */
	if (code != DEN_OK && dendir_result(login->as) != LDAP_ALREADY_EXISTS)
		return code;
	return dendir_set_password(login->as, dn, password);
}

/* An absent attribute is no reason to fail: the credential may never have been locked. */
static enum den_code drop_attribute(struct dendir *master, const char *dn, const char *attribute)
{
	struct dendir_mods *m = dendir_mods_new();
	enum den_code code;

	dendir_mods_drop(m, attribute);
	code = dendir_modify(master, dn, m);
	dendir_mods_free(m);
	return code;
}

static enum den_code mark_initial(struct dendir *master, const char *dn, enum dendir_credential which)
{
	struct dendir_mods *m = dendir_mods_new();
	enum den_code code;

	dendir_mods_put(m, DENDIR_REPLACE, which == DENDIR_LOGIN ? "denshiMustChange" : "pwdReset", "TRUE");
	code = dendir_modify(master, dn, m);
	dendir_mods_free(m);
	return code;
}

static enum den_code ensure_approval(struct dendir *master, const char *dn)
{
	struct dendir_mods *m = dendir_mods_new();
	char policy[DENDIR_DN_SIZE];
	enum den_code code;

	put_approval_entry(m);
	dendir_mods_put(m, DENDIR_ADD, "pwdPolicySubentry", dendir_dn(policy, master, "cn=approval,ou=policies"));
	code = dendir_add(master, dn, m);
	dendir_mods_free(m);
	if (code == DEN_OK || dendir_result(master) != LDAP_ALREADY_EXISTS)
		return code;
	/* One that a master made for themself is under the ordinary policy so far. */
	m = dendir_mods_new();
	dendir_mods_put(m, DENDIR_REPLACE, "pwdPolicySubentry", policy);
	code = dendir_modify(master, dn, m);
	dendir_mods_free(m);
	return code;
}

enum den_code dendir_credential_reset(struct dendir *master, struct dendir *host,
	enum dendir_credential which, const char *login, const struct den_secret *initial)
{
	char dn[DENDIR_DN_SIZE];
	struct slots seen = {0};
	struct dendir_mods *m;
	enum den_code code = DEN_OK;

	credential_dn(dn, master, which, login);
	if (which == DENDIR_APPROVAL)
		code = ensure_approval(master, dn);
	/* The mark first, then the password, the slots last: killed in between, the
	 * credential is still locked, never open without the mark. */
	if (code == DEN_OK && which == DENDIR_LOGIN)
		code = mark_initial(master, dn, which);
	if (code == DEN_OK)
		code = dendir_set_password(master, dn, initial);
	/* pwdReset is taken away by a change of the password: it comes after. */
	if (code == DEN_OK && which == DENDIR_APPROVAL)
		code = mark_initial(master, dn, which);
	if (code == DEN_OK)
		code = drop_attribute(master, dn, "pwdAccountLockedTime");
	if (code == DEN_OK)
		code = dendir_search(host, dn, DENDIR_BASE, NULL, slot_attributes, read_slots, &seen);
	if (code == DEN_OK && !seen.found)
		code = missing(which);
	if (code == DEN_OK) {
		m = clearing(&seen);
		code = dendir_modify(master, dn, m);
		dendir_mods_free(m);
	}
	slots_done(&seen);
	return code;
}

enum den_code dendir_approval_disable(struct dendir *master, const char *login)
{
	char dn[DENDIR_DN_SIZE];
	enum den_code code = dendir_delete(master, dendir_dn(dn, master, DENDIR_DN_APPROVAL, login));

	return dendir_result(master) == LDAP_NO_SUCH_OBJECT ? DEN_OK : code;
}
