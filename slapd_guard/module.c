/*
 * denshi-guard: takes the Relax Rules control (draft-zeilenga-ldap-relax) out of slapd.
 *
 * slapd 2.5 and 2.6 take it from everybody, and overlay constraint looks away when an operation
 * carries it: a user could give their credential a second password, a host one to
 * a prepared user, an approver could leave half a decision. Access rules can't refuse it: the right
 * to replace a value is the right to add one. Without it such an operation fails
 * (unavailableCriticalExtension), also for the administrator.
 *
 *	olcModuleLoad: denshi-guard
 */
#include "core/oid.h"
#include "slapd_guard/slapd.h"

#define RELAX "1.3.6.1.4.1.4203.666.5.12"

__attribute__((visibility("default"))) int init_module(int argc, char *argv[])
{
	static char oid[] = DEN_OID_GUARD;
	struct berval feature = {.bv_val = oid, .bv_len = sizeof(oid) - 1};

	(void)argc;
	(void)argv;
	/* Not there (-1, also in slapadd and its kin): all is well. */
	(void)unregister_supported_control(RELAX);
	return supported_feature_load(&feature);
}
