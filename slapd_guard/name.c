/*
 * slapd asks for the right to rename an entry, and for none to the values that its new name brings:
 * by two renames an entry has any value of any attribute, an authority or a lock, and some of
 * slapd's own end it. So an entry keeps its name; where it lies may change, as the rules say.
 */
#include <string.h>

#include "slapd_guard/guard.h"

static int keeps_name(const Operation *op)
{
	const struct berval *dn = &op->o_req_ndn, *rdn = &op->orr_nnewrdn;

	return dn->bv_len >= rdn->bv_len && memcmp(dn->bv_val, rdn->bv_val, rdn->bv_len) == 0 &&
		(dn->bv_len == rdn->bv_len || dn->bv_val[rdn->bv_len] == ',');
}

int guard_name(Operation *op, SlapReply *rs)
{
	if (keeps_name(op) || be_isroot(op))
		return SLAP_CB_CONTINUE;
	return guard_refuse(op, rs, "entries keep their names");
}
