#include "directory/credential.h"

#include <ldap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"

/* How long six attempts may be in flight, on a busy server; and how long others wait for a slot. */
#define IN_FLIGHT_MS 1000
#define WAIT_MS 2000
#define PAUSE_MS 20

/* Where an attempt comes from: three words. */
#define FROM_SIZE 224

#define SERVER_LOCK "pwdAccountLockedTime"
static const char *const slot_attributes[] = {"denshiAttempt", "denshiAttemptRecord", SERVER_LOCK, NULL};

/* Slots and records as one reading of the credential showed them. */
struct slots {
	unsigned char taken[DENDIR_SEAL + 1];
	unsigned count; /* of 1..6 */
	char *records[2 * DENDIR_ATTEMPTS];
	size_t nrecords;
	int found, server_lock; /* slapo-ppolicy's own */
};

struct dendir_proof {
	struct dendir *as;
	enum dendir_credential which;
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
	s->server_lock = *dendir_entry_string(e, SERVER_LOCK) != '\0';
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

static int is_locked(const struct slots *s)
{
	return s->taken[DENDIR_SEAL] || s->server_lock;
}

/* The record of slot k; NULL where there is none. */
static const char *record_of(const struct slots *s, unsigned k)
{
	for (size_t i = 0; i < s->nrecords; i++)
		if (s->records[i][0] == (char)('0' + k))
			return s->records[i];
	return NULL;
}

static const char *credential_dn(char *buf, const struct dendir *d, enum dendir_credential which,
	const char *login)
{
	return which == DENDIR_LOGIN ? dendir_dn(buf, d, DENDIR_DN_PEOPLE, login)
				     : dendir_dn(buf, d, DENDIR_DN_APPROVAL, login);
}

/* -- looking ---------------------------------------------------------------------- */

static enum den_code locked(enum dendir_credential which)
{
	return which == DENDIR_LOGIN ? DEN_LOGIN_LOCKED : DEN_APPROVAL_LOCKED;
}

static enum den_code missing(enum dendir_credential which)
{
	return which == DENDIR_LOGIN ? DEN_LOGIN_UNKNOWN : DEN_APPROVAL_NONE;
}

/* Whether attempts are the same, by their records. */
static int is_same(const struct slots *a, const struct slots *b)
{
	if (a->count != b->count)
		return 0;
	for (unsigned k = 1; k <= DENDIR_ATTEMPTS; k++) {
		const char *one = record_of(a, k), *other = record_of(b, k);

		if (!one != !other || (one && strcmp(one, other) != 0))
			return 0;
	}
	return 1;
}

static enum den_code look(struct dendir *d, const char *dn, enum dendir_credential which, struct slots *seen)
{
	enum den_code code;

	slots_done(seen);
	code = dendir_search(d, dn, DENDIR_BASE, NULL, slot_attributes, read_slots, seen);
	if (code == DEN_OK && !seen->found)
		return missing(which);
	return code == DEN_OK && is_locked(seen) ? locked(which) : code;
}

/* Six are taken, as *seen has them: a lock, or they are in flight, right ones among them. Waits until they are others;
 * where the same six stand for IN_FLIGHT_MS, none is. */
static enum den_code await_others(struct dendir *d, const char *dn, enum dendir_credential which,
	struct slots *seen)
{
	static const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
	int64_t end = den_now_ms() + IN_FLIGHT_MS;
	struct slots before = *seen;
	enum den_code code;

	memset(seen, 0, sizeof(*seen));
	do {
		nanosleep(&pause, NULL);
		code = look(d, dn, which, seen);
	} while (code == DEN_OK && is_same(&before, seen) && den_now_ms() <= end);
	if (code == DEN_OK && is_same(&before, seen))
		code = locked(which);
	slots_done(&before);
	return code;
}

enum den_code dendir_credential_is_open(struct dendir *d, enum dendir_credential which, const char *login)
{
	struct slots seen = {0};
	char dn[DENDIR_DN_SIZE];
	enum den_code code = look(d, credential_dn(dn, d, which, login), which, &seen);

	if (code == DEN_OK && seen.count == DENDIR_ATTEMPTS)
		code = await_others(d, dn, which, &seen);
	slots_done(&seen);
	return code;
}

/* -- checking ------------------------------------------------------------------------ */

struct dendir *dendir_proof_connection(struct dendir_proof *proof)
{
	return proof->as;
}

void dendir_proof_free(struct dendir_proof *proof)
{
	if (!proof)
		return;
	dendir_close(proof->as);
	free(proof);
}

/* One word of where an attempt comes from: what a program tells of itself and of its peer is ASCII without
 * blanks here, so that it can't look like another record. */
static void put_word(char *from, size_t size, const char *word, size_t most)
{
	size_t used = strlen(from);

	if (used && used + 1 < size)
		from[used++] = ' ';
	if (!*word)
		word = "-";
	for (size_t i = 0; word[i] && i < most && used + 1 < size; i++)
		from[used++] = (char)(word[i] > 0x20 && word[i] < 0x7f ? word[i] : '_');
	from[used] = '\0';
}

/* "HOST SERVICE RHOST", for the record. */
static void put_from(char *from, size_t size, const struct dendir *d, const struct dendir_attempt *attempt)
{
	*from = '\0';
	put_word(from, size, dendir_site_of(d)->host, 110);
	put_word(from, size, attempt->service, 40);
	put_word(from, size, attempt->rhost, 60);
}

/* One attempt; again while six others are in flight. */
static enum den_code attempt_in_turn(struct dendir **as, struct dendir *d, const char *dn,
	const struct dendir_attempt *attempt, const struct den_secret *password, struct dendir_tried *tried)
{
	static const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
	int64_t end = den_now_ms() + WAIT_MS;
	char from[FROM_SIZE];
	enum den_code code;

	put_from(from, sizeof(from), d, attempt);
	for (;;) {
		code = dendir_open_attempt(as, d, dn, password, from, tried);
		if (code == DEN_OK || tried->state != DENDIR_OTHERS)
			return code;
		if (den_now_ms() > end)
			return DEN_BUSY;
		nanosleep(&pause, NULL);
	}
}

static void tell_before(struct dendir_failures *before, const struct dendir_tried *tried)
{
	before->count = tried->state == DENDIR_TRIED && tried->taken ? tried->taken - 1 : 0;
	snprintf(before->latest, sizeof(before->latest), "%s", before->count ? tried->latest : "");
}

/* What the server's answer means. */
static enum den_code judge(enum dendir_credential which, enum den_code code, const struct dendir_tried *tried)
{
	if (tried->state == DENDIR_LOCKED)
		return locked(which);
	if (code == DEN_LOGIN_WRONG)
		return tried->state == DENDIR_UNTOLD ? missing(which)
			: which == DENDIR_LOGIN      ? DEN_LOGIN_WRONG
						     : DEN_APPROVAL_WRONG;
	/* A server that knows the control and doesn't answer it has counted nothing. */
	return code == DEN_OK && tried->state != DENDIR_TRIED ? DEN_DIRECTORY_REFUSED : code;
}

enum den_code dendir_credential_check(struct dendir *d, enum dendir_credential which,
	const struct dendir_attempt *attempt, const struct den_secret *password, struct dendir_proof **proof,
	unsigned *left)
{
	struct dendir_proof *p = calloc(1, sizeof(*p));
	struct dendir_tried tried;
	enum den_code code;

	if (proof)
		*proof = NULL;
	*left = 0;
	if (!p)
		return DEN_DIRECTORY_DOWN;
	p->which = which;
	credential_dn(p->dn, d, which, attempt->login);
	code = judge(which, attempt_in_turn(&p->as, d, p->dn, attempt, password, &tried), &tried);
	if (attempt->before)
		tell_before(attempt->before, &tried);
	if (tried.state == DENDIR_TRIED && tried.taken <= DENDIR_ATTEMPTS)
		*left = DENDIR_ATTEMPTS - tried.taken;
	if (code == DEN_OK && proof) {
		*proof = p;
		return code;
	}
	if (code == DEN_OK) {
		dendir_keep_spare(d, p->as);
		p->as = NULL;
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
	dendir_keep_spare(d, never);
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
	s->taken = is_locked(&r->slots) ? DENDIR_ATTEMPTS : r->slots.count;
	s->must_change = strcmp(dendir_entry_string(e, "pwdReset"), "TRUE") == 0;
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
	static const char *const attributes[] = {"denshiAttempt", "denshiAttemptRecord", SERVER_LOCK,
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

static const char *initial_policy(char *buf, const struct dendir *d, enum dendir_credential which)
{
	return dendir_dn(buf, d, "cn=initial-%s,ou=policies", which == DENDIR_LOGIN ? "login" : "approval");
}

void dendir_mark_initial(struct dendir_mods *m, const struct dendir *d, enum dendir_credential which)
{
	char policy[DENDIR_DN_SIZE];

	dendir_mods_put(m, DENDIR_REPLACE, "pwdReset", "TRUE");
	dendir_mods_put(m, DENDIR_REPLACE, "pwdPolicySubentry", initial_policy(policy, d, which));
}

/* Back under the ordinary policy; not at all where it is already. */
static void leave_initial_policy(struct dendir_proof *proof)
{
	struct dendir_mods *m = dendir_mods_new();
	char policy[DENDIR_DN_SIZE];

	dendir_mods_put(m, DENDIR_DELETE, "pwdPolicySubentry", initial_policy(policy, proof->as, proof->which));
	(void)dendir_modify(proof->as, proof->dn, m);
	dendir_mods_free(m);
}

/* The mark of an initial password, pwdReset, is the server's: it goes in the same operation. */
enum den_code dendir_credential_change(struct dendir_proof *proof, const struct den_secret *password)
{
	enum den_code code = dendir_set_password(proof->as, NULL, password);

	/* denshi's rules were kept: what is left for the server's is an initial password again. */
	if (dendir_result(proof->as) == LDAP_CONSTRAINT_VIOLATION)
		return DEN_PW_IS_CURRENT;
	if (code != DEN_OK)
		return code;
	leave_initial_policy(proof);
	return DEN_OK;
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

/* Sealed from the first moment: it opens with its mark, not before. */
static enum den_code ensure_approval(struct dendir *master, const char *dn)
{
	struct dendir_mods *m = dendir_mods_new();
	enum den_code code;

	put_approval_entry(m);
	dendir_mods_put_number(m, DENDIR_ADD, "denshiAttempt", DENDIR_SEAL);
	code = dendir_add(master, dn, m);
	dendir_mods_free(m);
	return dendir_result(master) == LDAP_ALREADY_EXISTS ? DEN_OK : code;
}

/* What was seen, by value: what came since stays. */
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

/* Both locks and the records go, and the mark comes, in one operation. */
static enum den_code open_marked(struct dendir *master, const char *dn, enum dendir_credential which,
	const struct slots *seen)
{
	struct dendir_mods *m = clearing(seen);
	enum den_code code;

	dendir_mark_initial(m, master, which);
	dendir_mods_drop(m, SERVER_LOCK);
	code = dendir_modify(master, dn, m);
	dendir_mods_free(m);
	return code;
}

static enum den_code unseal(struct dendir *master, const char *dn, enum dendir_credential which)
{
	enum den_code code = DEN_BUSY;

	/* A right password of a moment ago may clear slots between the two. */
	for (unsigned tries = 0; tries < DENDIR_ATTEMPTS; tries++) {
		struct slots seen = {0};

		code = dendir_search(master, dn, DENDIR_BASE, NULL, slot_attributes, read_slots, &seen);
		if (code == DEN_OK && !seen.found)
			code = missing(which);
		else if (code == DEN_OK)
			code = open_marked(master, dn, which, &seen);
		slots_done(&seen);
		if (dendir_result(master) != LDAP_NO_SUCH_ATTRIBUTE)
			break;
	}
	return code;
}

static enum den_code seal(struct dendir *master, const char *dn)
{
	struct dendir_mods *m = dendir_mods_new();
	enum den_code code;

	dendir_mods_put_number(m, DENDIR_ADD, "denshiAttempt", DENDIR_SEAL);
	code = dendir_modify(master, dn, m);
	dendir_mods_free(m);
	return dendir_result(master) == LDAP_TYPE_OR_VALUE_EXISTS ? DEN_OK : code;
}

enum den_code dendir_credential_reset(struct dendir *master, enum dendir_credential which, const char *login,
	const struct den_secret *initial)
{
	char dn[DENDIR_DN_SIZE];
	enum den_code code = DEN_OK;

	credential_dn(dn, master, which, login);
	if (which == DENDIR_APPROVAL)
		code = ensure_approval(master, dn);
	/* Ended anywhere in between, it is sealed; and it is never open without the mark. */
	if (code == DEN_OK)
		code = seal(master, dn);
	if (code == DEN_OK)
		code = dendir_set_password(master, dn, initial);
	return code == DEN_OK ? unseal(master, dn, which) : code;
}

enum den_code dendir_approval_disable(struct dendir *master, const char *login)
{
	char dn[DENDIR_DN_SIZE];
	enum den_code code = dendir_delete(master, dendir_dn(dn, master, DENDIR_DN_APPROVAL, login));

	return dendir_result(master) == LDAP_NO_SUCH_OBJECT ? DEN_OK : code;
}
