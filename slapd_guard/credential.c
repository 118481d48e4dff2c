#include <string.h>

#include "slapd_guard/guard.h"

static int begins(const char *at, const char *with)
{
	return strncmp(at, with, strlen(with)) == 0;
}

enum guard_credential guard_credential(const struct berval *dn, const char **suffix)
{
	static const char approval[] = "cn=approval,", people[] = "ou=people,";
	int is_approval = begins(dn->bv_val, approval);
	const char *at = is_approval ? dn->bv_val + sizeof(approval) - 1 : dn->bv_val;

	if (!begins(at, "uid=") || !(at = strchr(at, ',')) || !begins(at + 1, people))
		return GUARD_NO_CREDENTIAL;
	*suffix = at + sizeof(people);
	return is_approval ? GUARD_APPROVAL : GUARD_LOGIN;
}
