#include <string.h>

#include "tools/denshi-host/host.h"

int host_remove(struct host_run *r, const char *name)
{
	struct dendir_host host;
	enum den_code code;

	/* denshid and denshi-ca of this machine would have no directory, and there'd be no one to ask. */
	if (strcmp(name, r->config.host) == 0)
		return fail(r, DEN_HOST_IS_THIS, name, NULL);
	code = dendir_host_read(r->d, name, &host);
	if (code != DEN_OK)
		return fail_directory(r, code, name);
	say(r, DEN_HOST_SHOW_REMOVE, name, NULL);
	if (r->dry_run)
		return 0;
	if (confirmed(r, DEN_HOST_CONFIRM_REMOVE) != 0)
		return -1;
	code = dendir_host_remove(r->d, name);
	if (code != DEN_OK)
		return fail_directory(r, code, name);
	audit("host-remove", name);
	say(r, DEN_HOST_REMOVED, name, NULL);
	return 0;
}
