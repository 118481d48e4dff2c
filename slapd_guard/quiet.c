/*
 * Who watches what is in force isn't told of each attempt.
 *
 * slapo-syncprov tells whoever watches any part of the database of every write in it: where it is
 * none of theirs, a cookie. A login is two writes, to each of a thousand hosts, in a thousand tasks of slapd's.
 * But it sends nothing back to where a write came from, which it knows by the sid of the cookie that they
 * watch with. No server has DEN_QUIET_SID; those who watch with it, as denshid does, are quiet hosts, and a
 * write of an attempt is given out as theirs. The other servers of the organisation, with sids of their own,
 * are told of it as ever.
 *
 * Once a second a login's last write is told, so that the cookie of whoever comes back isn't too old for
 * slapd to tell them just what they missed.
 */
#include <ldap.h>
#include <stdatomic.h>

#include "core/oid.h"
#include "slapd_guard/slots.h"

static int is_on;

int guard_quiet_begin(void)
{
	is_on = slap_cids.sc_LDAPsync > 0 && slap_serverID != DEN_QUIET_SID;
	return is_on ? 0 : -1;
}

/* Not one of an approval password: approvals that stand are watched by that entry too. */
static int is_login(const struct berval *dn)
{
	const char *suffix;

	return guard_credential(dn, &suffix) == GUARD_LOGIN;
}

/* The one of a login that ends it, once a second. */
static int is_to_be_told(const Operation *op)
{
	static _Atomic(time_t) told;
	time_t last = atomic_load_explicit(&told, memory_order_relaxed);

	return op->orm_modlist->sml_op == LDAP_MOD_DELETE && op->o_time != last &&
		atomic_compare_exchange_strong(&told, &last, op->o_time);
}

void guard_quiet(Operation *op)
{
	static struct sync_cookie ours = {.sid = DEN_QUIET_SID};
	void **controls;

	if (!is_on || !slots_are_all(op->orm_modlist) || !is_login(&op->o_req_ndn) || is_to_be_told(op))
		return;
	controls = guard_controls(op);
	/* What another server has handed on has that one's already. */
	if (controls && !controls[slap_cids.sc_LDAPsync])
		controls[slap_cids.sc_LDAPsync] = &ours;
}
