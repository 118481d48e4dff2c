#include "slapd_guard/slots.h"

#include <ldap.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* Where the time is in "1:00000000 20260101000000Z HOST SERVICE RHOST". */
#define RECORD_TIME_AT 11
#define RECORD_TIME_LEN 15

static AttributeDescription *slot, *record, *server_lock, *reset;

int slots_begin(void)
{
	const char *text = NULL;

	if (slot)
		return 0;
	return slap_str2ad("denshiAttempt", &slot, &text) == LDAP_SUCCESS &&
		slap_str2ad("denshiAttemptRecord", &record, &text) == LDAP_SUCCESS &&
		slap_str2ad("pwdAccountLockedTime", &server_lock, &text) == LDAP_SUCCESS &&
		slap_str2ad("pwdReset", &reset, &text) == LDAP_SUCCESS ? 0 : -1;
}

int slots_are_all(const Modifications *m)
{
	if (!slot || !m)
		return 0;
	for (; m; m = m->sml_next)
		if (m->sml_desc != slot && m->sml_desc != record)
			return 0;
	return 1;
}

static void take_entry(struct slots *s, const Entry *e)
{
	const Attribute *a = attr_find(e->e_attrs, slot);

	memset(s, 0, sizeof(*s));
	s->server_lock = attr_find(e->e_attrs, server_lock) != NULL;
	s->is_initial = attr_find(e->e_attrs, reset) != NULL;
	for (unsigned i = 0; a && i < a->a_numvals; i++)
		if (a->a_vals[i].bv_len == 1 && *a->a_vals[i].bv_val >= '1' && *a->a_vals[i].bv_val <= '0' + SEAL)
			s->taken[*a->a_vals[i].bv_val - '0'] = 1;
	for (unsigned k = 1; k <= SLOTS; k++)
		s->count += s->taken[k];
	a = attr_find(e->e_attrs, record);
	for (unsigned i = 0; a && i < a->a_numvals && s->nrecords < RECORDS; i++)
		if (a->a_vals[i].bv_len < RECORD_SIZE)
			memcpy(s->records[s->nrecords++], a->a_vals[i].bv_val, a->a_vals[i].bv_len + 1);
}

int slots_read(Operation *op, struct slots *s)
{
	BackendDB *own = op->o_bd;
	Entry *e = NULL;
	int rc;

	op->o_bd = select_backend(&op->o_req_ndn, 0);
	rc = be_entry_get_rw(op, &op->o_req_ndn, NULL, NULL, 0, &e);
	if (rc == LDAP_SUCCESS && e) {
		take_entry(s, e);
		be_entry_release_rw(op, e, 0);
	}
	op->o_bd = own;
	return rc == LDAP_SUCCESS && !e ? LDAP_NO_SUCH_OBJECT : rc;
}

unsigned slots_lowest_free(const struct slots *s)
{
	unsigned k = 1;

	while (k <= SLOTS && s->taken[k])
		k++;
	return k;
}

/* The record of slot k; NULL where there is none. */
static const char *record_of(const struct slots *s, unsigned k)
{
	for (size_t i = 0; i < s->nrecords; i++)
		if (s->records[i][0] == (char)('0' + k))
			return s->records[i];
	return NULL;
}

int slots_are_same(const struct slots *a, const struct slots *b)
{
	for (unsigned k = 1; k <= SLOTS; k++) {
		const char *one = record_of(a, k), *other = record_of(b, k);

		if (a->taken[k] != b->taken[k] || !one != !other || (one && strcmp(one, other) != 0))
			return 0;
	}
	return 1;
}

/* Slots are taken in order: of two within one second the higher one is the later. */
static int is_later(const char *one, const char *other)
{
	int order = strncmp(one + RECORD_TIME_AT, other + RECORD_TIME_AT, RECORD_TIME_LEN);

	return order ? order > 0 : *one > *other;
}

const char *slots_latest_but(const struct slots *s, unsigned own)
{
	const char *latest = NULL;

	for (size_t i = 0; i < s->nrecords; i++)
		if (s->records[i][0] != (char)('0' + own) && strlen(s->records[i]) > RECORD_TIME_AT + RECORD_TIME_LEN &&
			(!latest || is_later(s->records[i], latest)))
			latest = s->records[i];
	return latest ? latest + RECORD_TIME_AT : "";
}

/* -- writing ---------------------------------------------------------------------------------------- */

/*
 * In the guard's own name, which the access rules know, and which nobody can bind as. Where no other server
 * replicates from this one a login's attempts aren't news, and change no entryCSN (quiet.c is for where one does). Those of an
 * approval password are: approvals that stand are watched by that entry.
 */
static int write_slots(Operation *op, Modifications *mods)
{
	const char *suffix = "";
	enum guard_credential whose = guard_credential(&op->o_req_ndn, &suffix);
	char name[GUARD_DN_SIZE];
	struct berval who = {.bv_val = name};
	int len = snprintf(name, sizeof(name), GUARD_NAME ",ou=services,%s", suffix);

	if (whose == GUARD_NO_CREDENTIAL || len < 0 || (size_t)len >= sizeof(name)) {
		slap_mods_free(mods, 1);
		return LDAP_UNWILLING_TO_PERFORM;
	}
	who.bv_len = (ber_len_t)len;
	return guard_write(op, &who, mods, slap_serverID == 0 && whose == GUARD_LOGIN ? GUARD_HERE : GUARD_EVERYWHERE);
}

int slots_take(Operation *op, struct slots *s, unsigned k, const char *tail)
{
	char number[] = {(char)('0' + k), '\0'}, text[RECORD_SIZE], when[GUARD_TIME_SIZE];
	const char *const numbers[] = {number}, *const records[] = {text};
	Modifications *mods = NULL;
	uint32_t token;
	int rc;

	/* It makes this another record than that of the slot's taker before or after, within the same second and from
	 * the same place: what is freed is named by it. */
	if (getrandom(&token, sizeof(token), GRND_NONBLOCK) != sizeof(token))
		token = 0;
	snprintf(text, sizeof(text), "%u:%08x %s %s", k, token, guard_time(when), tail);
	guard_put(&mods, LDAP_MOD_ADD, record, records, 1);
	guard_put(&mods, LDAP_MOD_ADD, slot, numbers, 1);
	rc = write_slots(op, mods);
	if (rc == LDAP_SUCCESS && s->nrecords < RECORDS) {
		s->taken[k] = 1;
		s->count++;
		memcpy(s->records[s->nrecords++], text, sizeof(text));
	}
	return rc;
}

int slots_free(Operation *op, const struct slots *s)
{
	static const char digits[SLOTS][2] = {"1", "2", "3", "4", "5", "6"};
	const char *numbers[SLOTS], *records[RECORDS];
	Modifications *mods = NULL;
	size_t n = 0;

	for (unsigned k = 1; k <= SLOTS; k++)
		if (s->taken[k])
			numbers[n++] = digits[k - 1];
	for (size_t i = 0; i < s->nrecords; i++)
		records[i] = s->records[i];
	if (s->nrecords)
		guard_put(&mods, LDAP_MOD_DELETE, record, records, s->nrecords);
	if (n)
		guard_put(&mods, LDAP_MOD_DELETE, slot, numbers, n);
	return mods ? write_slots(op, mods) : LDAP_SUCCESS;
}

void slots_keep_what_stands(struct slots *s, const struct slots *now)
{
	size_t kept = 0;

	for (unsigned k = 1; k <= SLOTS; k++) {
		const char *before = record_of(s, k), *after = record_of(now, k);

		if (!now->taken[k] || !before || !after || strcmp(before, after) != 0)
			s->taken[k] = 0;
	}
	for (size_t i = 0; i < s->nrecords; i++) {
		unsigned k = (unsigned)(s->records[i][0] - '0');

		if (k >= 1 && k <= SLOTS && s->taken[k])
			memmove(s->records[kept++], s->records[i], RECORD_SIZE);
	}
	s->nrecords = kept;
}
