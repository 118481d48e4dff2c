/*
 * denshi-guard, a module of slapd. It closes three ways around the access rules, and one to end slapd; and
 * spares the server what nobody needs:
 *
 * 1. The Relax Rules control (draft-zeilenga-ldap-relax) is taken out of slapd. 2.5 and 2.6 take it from
 *    everybody, and overlay constraint looks away when an operation carries it: a user could
 *    give their credential a second password, a host one to a prepared user, an approver could leave
 *    half a decision. Access rules can't refuse it: the right to replace a value is the right to add
 *    one. Without it such an operation fails (unavailableCriticalExtension), also for the
 *    administrator.
 * 2. Passwords can't be guessed without a bind: password.c.
 * 3. A new name brings no values: name.c.
 *
 * 4. No transaction begins (RFC 5805): an operation of one may be freed while it is answered (slapd
 *    2.5.13), so that anybody who may connect could end the server.
 *
 * 5. A login isn't told to whoever watches what is in force: quiet.c. That is for speed.
 *
 * The first and the fourth are of the whole server, the others of a database with its overlay:
 *
 *	olcModuleLoad: denshi-guard
 *	olcOverlay: denshi-guard
 */
#include <ldap.h>

#include "slapd_guard/guard.h"
#include "slapd_guard/slapd.h"

#define RELAX "1.3.6.1.4.1.4203.666.5.12"
#define START_TRANSACTION "1.3.6.1.1.21.1"

int guard_slapd_version(void)
{
	LDAPAPIInfo info = {.ldapai_info_version = LDAP_API_INFO_VERSION};

	if (ldap_get_option(NULL, LDAP_OPT_API_INFO, &info) != LDAP_OPT_SUCCESS)
		return 0;
	ldap_memfree(info.ldapai_vendor_name);
	ber_memvfree((void **)info.ldapai_extensions);
	return info.ldapai_vendor_version;
}

static int is_known_slapd(void)
{
	int version = guard_slapd_version();

	return version >= SLAPD_MIN && version <= SLAPD_MAX;
}

__attribute__((visibility("default"))) int init_module(int argc, char *argv[])
{
	static char oid[] = START_TRANSACTION;
	const struct berval start = {.bv_val = oid, .bv_len = sizeof(oid) - 1};

	(void)argc;
	(void)argv;
	if (!is_known_slapd())
		return -1;
	/* Not there (-1, also in slapadd and its kin): all is well. */
	(void)unregister_supported_control(RELAX);
	/* Its control is known to the databases, and stays: without a transaction it is refused. */
	(void)unload_extop(&start, NULL, 0);
	return guard_overlay();
}
