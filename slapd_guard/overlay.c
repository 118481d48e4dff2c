/* The overlay of the database: what it stands before, and that it says so. */
#include <ldap.h>
#include <stdio.h>

#include "core/oid.h"
#include "slapd_guard/guard.h"

int guard_refuse(Operation *op, SlapReply *rs, const char *text)
{
	rs->sr_err = LDAP_INSUFFICIENT_ACCESS;
	rs->sr_text = text;
	slap_send_ldap_result(op, rs);
	return rs->sr_err;
}

static int tell(const char *oid)
{
	char text[128];
	struct berval feature = {.bv_val = text};

	feature.bv_len = (ber_len_t)snprintf(text, sizeof(text), "%s", oid);
	return supported_feature_load(&feature);
}

/* At work: only now does the root DSE say so. */
static int when_opened(BackendDB *bd, void *reply)
{
	static int is_told;

	(void)reply;
	if (guard_attempt_begin(bd) != 0)
		return -1;
	if (is_told)
		return 0;
	if (tell(DEN_OID_GUARD) != 0 || tell(DEN_OID_ATTEMPT) != 0 || (guard_quiet_begin() == 0 && tell(DEN_OID_QUIET) != 0))
		return -1;
	is_told = 1;
	return 0;
}

/* And opened again, where cn=config changes what it is made of. */
static int when_closed(BackendDB *bd, void *reply)
{
	(void)reply;
	guard_attempt_end(bd);
	return 0;
}

static int when_modified(Operation *op, SlapReply *rs)
{
	int rc = guard_password(op, rs);

	if (rc == SLAP_CB_CONTINUE)
		guard_quiet(op);
	return rc;
}

int guard_overlay(void)
{
	static slap_overinst overlay = {.on_bi = {
		.bi_type = GUARD_OVERLAY,
		.bi_db_open = when_opened,
		.bi_db_close = when_closed,
		.bi_op_bind = guard_attempt,
		.bi_op_modify = when_modified,
		.bi_op_modrdn = guard_name,
	}};

	return guard_password_begin() == 0 && guard_attempt_load() == 0 && overlay_register(&overlay) == 0 ? 0 : -1;
}
