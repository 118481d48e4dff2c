/*
 * Six wrong passwords and no more (R-LOCK-1, R-LOCK-2): each simple bind as a credential takes one of its six slots,
 * durably, before the password is looked at; a right one frees those that it saw, when its answer is on the way. Slapd
 * refuses a value that is there already, so of those who race for a slot one gets it. Where all six are taken and nobody is
 * in between, it is locked.
 *
 * The control DEN_OID_ATTEMPT says where the attempt comes from (R-LOCK-6), "HOST SERVICE RHOST", and is answered with what
 * the attempt met:
 *	"STATE COUNT TIME" or "STATE COUNT TIME LATEST"
 * STATE tried, locked or busy; COUNT of slots that are taken, its own among them; TIME of this server, and LATEST the
 * record of the latest failure before, both as in a record. Only what was tried was evaluated. Where the entry isn't
 * there, or an attempt can't be written, no control comes back.
 */
#include <ldap.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/oid.h"
#include "slapd_guard/slots.h"

/* How often somebody else may be faster in taking a slot. */
#define TRIES 40
/* What of a record comes from who asks. */
#define TAIL_MAX (RECORD_SIZE - sizeof("1:00000000 20260101000000Z "))
#define PLAIN_TAIL "- ldap -"

/* What is put into slapd's log, and told whoever asked. */
#define NOT_TRIED "not tried: "

enum state { TRIED, LOCKED, BUSY };
static const char *const states[] = {"tried", "locked", "busy"};

/* A bind from before its slot is taken until it is freed or left. */
struct attempt {
	slap_callback callback;
	struct attempt *next;
	const LDAPControl *asked; /* NULL: a plain bind, or nothing to answer */
	enum state state;
	unsigned slot;
	int is_clear; /* already, before the answer */
	struct slots seen;
	char dn[];
};

static int control_id;

/* -- who is in between -------------------------------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct attempt *in_flight;

static void join(struct attempt *a)
{
	pthread_mutex_lock(&lock);
	a->next = in_flight;
	in_flight = a;
	pthread_mutex_unlock(&lock);
}

static int has_others(const struct attempt *a)
{
	int others = 0;

	pthread_mutex_lock(&lock);
	for (const struct attempt *other = in_flight; other; other = other->next)
		others |= other != a && strcmp(other->dn, a->dn) == 0;
	pthread_mutex_unlock(&lock);
	return others;
}

static void leave(const struct attempt *a)
{
	struct attempt **at = &in_flight;

	pthread_mutex_lock(&lock);
	while (*at && *at != a)
		at = &(*at)->next;
	if (*at)
		*at = a->next;
	pthread_mutex_unlock(&lock);
}

/* -- the answer ------------------------------------------------------------------------------------------ */

/* slapd frees it after it is sent. */
static LDAPControl *reply(Operation *op, const struct attempt *a)
{
	char text[2 * RECORD_SIZE], when[GUARD_TIME_SIZE];
	const char *latest = slots_latest_but(&a->seen, a->slot);
	int len = snprintf(text, sizeof(text), "%s %u %s%s%s", states[a->state], a->seen.count, guard_time(when),
		*latest ? " " : "", latest);
	LDAPControl *control = slap_sl_malloc(sizeof(*control) + sizeof(text), op->o_hdr->oh_tmpmemctx);

	*control = (LDAPControl){.ldctl_oid = (char *)DEN_OID_ATTEMPT,
		.ldctl_value = {.bv_val = (char *)(control + 1), .bv_len = (ber_len_t)len}};
	memcpy(control + 1, text, sizeof(text));
	return control;
}

/* Another right password may have freed some of them in between: the rest, then. What isn't freed errs to the safe side. */
static void clear(Operation *op, struct attempt *a)
{
	for (unsigned tries = 0; tries <= SLOTS && slots_free(op, &a->seen) == LDAP_NO_SUCH_ATTRIBUTE; tries++) {
		struct slots now;

		if (slots_read(op, &now) != LDAP_SUCCESS)
			return;
		slots_keep_what_stands(&a->seen, &now);
	}
}

static int when_answered(Operation *op, SlapReply *rs)
{
	struct attempt *a = guard_rest(op)->o_callback->sc_private;

	if (a->asked) {
		LDAPControl *controls[] = {reply(op, a), NULL};

		slap_add_ctrls(op, rs, controls);
	}
	/* From its own answer on slapo-ppolicy lets nothing be written on such a connection but a new password. */
	if (a->state == TRIED && rs->sr_err == LDAP_SUCCESS && a->seen.is_initial) {
		clear(op, a);
		a->is_clear = 1;
	}
	return SLAP_CB_CONTINUE;
}

static int when_sent(Operation *op, SlapReply *rs)
{
	OperationRest *rest = guard_rest(op);
	struct attempt *a = rest->o_callback->sc_private;

	if (a->state == TRIED && rs->sr_err == LDAP_SUCCESS && !a->is_clear)
		clear(op, a);
	leave(a);
	rest->o_callback = NULL; /* slapd's way to take it off the list */
	free(a);
	return SLAP_CB_CONTINUE;
}

/* -- a slot --------------------------------------------------------------------------------------------- */

/* "HOST SERVICE RHOST": printable ASCII, one blank between two words. */
static int is_tail(const struct berval *value)
{
	unsigned blanks = 0;

	if (value->bv_len == 0 || value->bv_len > TAIL_MAX)
		return 0;
	for (ber_len_t i = 0; i < value->bv_len; i++) {
		unsigned char c = (unsigned char)value->bv_val[i];

		if (c < 0x20 || c > 0x7e)
			return 0;
		if (c == ' ' && (i == 0 || i + 1 == value->bv_len || value->bv_val[i - 1] == ' '))
			return 0;
		blanks += c == ' ';
	}
	return blanks == 2;
}

/* slapd ends values with NUL, and has looked at this one when it came. */
static const char *tail(const struct attempt *a)
{
	return a->asked ? a->asked->ldctl_value.bv_val : PLAIN_TAIL;
}

/* All six are taken, as a->seen has them. Nobody is in between, and they are the same: they were wrong. */
static enum state when_all_are_taken(Operation *op, const struct attempt *a)
{
	struct slots now;

	if (has_others(a) || slots_read(op, &now) != LDAP_SUCCESS)
		return BUSY;
	return slots_are_same(&a->seen, &now) ? LOCKED : BUSY;
}

/* Takes the lowest free slot. An LDAP result; where it is 0, a->state is known. A seal that comes in between is
 * kept by the access rules: no password is looked at there. */
static int reserve(Operation *op, struct attempt *a)
{
	for (unsigned tries = 0; tries < TRIES; tries++) {
		int rc = slots_read(op, &a->seen);

		if (rc != LDAP_SUCCESS)
			return rc;
		a->slot = slots_lowest_free(&a->seen);
		if (a->seen.taken[SEAL] || a->seen.server_lock)
			a->state = LOCKED;
		else if (a->slot > SLOTS)
			a->state = when_all_are_taken(op, a);
		if (a->state != TRIED)
			return LDAP_SUCCESS;
		rc = slots_take(op, &a->seen, a->slot, tail(a));
		if (rc != LDAP_TYPE_OR_VALUE_EXISTS)
			return rc;
	}
	/* Again and again somebody else was faster: a race of very many. */
	a->state = BUSY;
	return LDAP_SUCCESS;
}

/* -- the bind --------------------------------------------------------------------------------------------- */

static int refuse(Operation *op, SlapReply *rs, int result, const char *text)
{
	rs->sr_err = result;
	rs->sr_text = text;
	slap_send_ldap_result(op, rs);
	return rs->sr_err;
}

static int refuse_state(Operation *op, SlapReply *rs, enum state state)
{
	return state == BUSY ? refuse(op, rs, LDAP_BUSY, NOT_TRIED "others are being tried")
			     : refuse(op, rs, LDAP_INVALID_CREDENTIALS, NOT_TRIED "locked");
}

static int refuse_result(Operation *op, SlapReply *rs, int result)
{
	if (result == LDAP_INSUFFICIENT_ACCESS)
		return refuse(op, rs, result,
			NOT_TRIED "this server isn't the writer, or its access rules are older than denshi-guard");
	return refuse(op, rs, LDAP_OTHER, NOT_TRIED "the attempt can't be written: fail");
}

static struct attempt *begin(Operation *op)
{
	struct attempt *a = ch_calloc(1, sizeof(*a) + op->o_req_ndn.bv_len + 1);
	const OperationRest *rest = guard_rest(op);

	memcpy(a->dn, op->o_req_ndn.bv_val, op->o_req_ndn.bv_len);
	a->asked = rest->o_ctrlflag[control_id] ? rest->o_controls[control_id] : NULL;
	return a;
}

/* From here on slapd frees it. */
static void tell_when_answered(Operation *op, struct attempt *a)
{
	OperationRest *rest = guard_rest(op);

	a->callback = (slap_callback){.sc_next = rest->o_callback, .sc_response = when_answered, .sc_cleanup = when_sent,
		.sc_private = a};
	rest->o_callback = &a->callback;
}

int guard_attempt(Operation *op, SlapReply *rs)
{
	const char *suffix;
	struct attempt *a;
	int rc;

	if (op->orb_method != LDAP_AUTH_SIMPLE || guard_credential(&op->o_req_ndn, &suffix) == GUARD_NO_CREDENTIAL)
		return SLAP_CB_CONTINUE;
	if (!guard_controls(op))
		return refuse(op, rs, LDAP_UNWILLING_TO_PERFORM, NOT_TRIED "this slapd is another one");
	a = begin(op);
	join(a);
	rc = reserve(op, a);
	if (rc == LDAP_NO_SUCH_OBJECT) {
		leave(a);
		free(a);
		return SLAP_CB_CONTINUE;
	}
	tell_when_answered(op, a);
	if (rc != LDAP_SUCCESS) {
		a->asked = NULL;
		return refuse_result(op, rs, rc);
	}
	return a->state == TRIED ? SLAP_CB_CONTINUE : refuse_state(op, rs, a->state);
}

/* -- beginning ----------------------------------------------------------------------------------------- */

static int parse(Operation *op, SlapReply *rs, LDAPControl *control)
{
	OperationRest *rest = guard_rest(op);

	if (rest->o_ctrlflag[control_id] || !is_tail(&control->ldctl_value)) {
		rs->sr_text = "an attempt is HOST SERVICE RHOST";
		return LDAP_PROTOCOL_ERROR;
	}
	rest->o_controls[control_id] = control;
	rest->o_ctrlflag[control_id] = control->ldctl_iscritical ? SLAP_CONTROL_CRITICAL : SLAP_CONTROL_NONCRITICAL;
	return LDAP_SUCCESS;
}

int guard_attempt_load(void)
{
	return register_supported_control2(DEN_OID_ATTEMPT, SLAP_CTRL_BIND, NULL, parse, 0, &control_id) == LDAP_SUCCESS ? 0 : -1;
}

int guard_attempt_begin(BackendDB *bd)
{
	return slots_begin() == 0 && overlay_register_control(bd, DEN_OID_ATTEMPT) == 0 ? 0 : -1;
}

void guard_attempt_end(BackendDB *bd)
{
	overlay_unregister_control(bd, DEN_OID_ATTEMPT);
}
