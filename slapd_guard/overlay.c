/* The overlay of the database: what it stands before, and that it says so. */
#include <ldap.h>

#include "core/oid.h"
#include "slapd_guard/guard.h"

int guard_refuse(Operation *op, SlapReply *rs, const char *text)
{
	rs->sr_err = LDAP_INSUFFICIENT_ACCESS;
	rs->sr_text = text;
	slap_send_ldap_result(op, rs);
	return rs->sr_err;
}

/* At work: only now does the root DSE say so. */
static int when_opened(BackendDB *bd, void *reply)
{
	static char oid[] = DEN_OID_GUARD;
	static int is_told;
	struct berval feature = {.bv_val = oid, .bv_len = sizeof(oid) - 1};

	(void)bd;
	(void)reply;
	if (!is_told && supported_feature_load(&feature) != 0)
		return -1;
	is_told = 1;
	return 0;
}

int guard_overlay(void)
{
	static slap_overinst overlay = {.on_bi = {
		.bi_type = GUARD_OVERLAY,
		.bi_db_open = when_opened,
		.bi_op_modify = guard_password,
		.bi_op_modrdn = guard_name,
	}};

	return guard_password_begin() == 0 && overlay_register(&overlay) == 0 ? 0 : -1;
}
