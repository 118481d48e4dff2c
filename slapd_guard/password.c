/*
 * Whoever may not write a password gets no further with one.
 *
 * slapo-ppolicy compares the old password with what an operation deletes or sets before slapd
 * asks who may: its answers tell a right guess from a wrong one, to anybody, without end and
 * without a bind that could be counted (R-LOCK-2). So this stands before it and asks first.
 */
#include <ldap.h>

#include "slapd_guard/guard.h"

static AttributeDescription *password;

int guard_password_begin(void)
{
	const char *text = NULL;

	/* One of slapd's own attributes: it is there before any schema is read. */
	return slap_str2ad("userPassword", &password, &text) == LDAP_SUCCESS ? 0 : -1;
}

static int has_password(const Modifications *m)
{
	for (; m; m = m->sml_next)
		if (is_ad_subtype(m->sml_desc, password))
			return 1;
	return 0;
}

/* Replacing is deleting and adding, to slapd as well (RFC 3062 replaces). */
static int may_write(Operation *op, slap_overinst *on)
{
	Entry *e = NULL;
	int allowed;

	/* No entry: the answer is the database's. */
	if (overlay_entry_get_ov(op, &op->o_req_ndn, NULL, NULL, 0, &e, on) != LDAP_SUCCESS || !e)
		return 1;
	allowed = access_allowed_mask(op, e, password, NULL, ACL_WDEL, NULL, NULL);
	overlay_entry_release_ov(op, e, 0, on);
	return allowed;
}

int guard_password(Operation *op, SlapReply *rs)
{
	if (!has_password(op->orm_modlist) || be_isroot(op) || may_write(op, op->o_bd->bd_info))
		return SLAP_CB_CONTINUE;
	return guard_refuse(op, rs, NULL);
}
