/* denshi directory upgrade: an older directory, brought to what is installed. */
#include <stdio.h>

#include "directory/schema.h"
#include "tools/denshi-directory/rebuild.h"

static int finish(const struct run *r, struct rebuild *u)
{
	char to[16];

	if (r->dry_run)
		return fail(r, DEN_UPGRADE_DUE, NULL);
	if (confirmed(r, DEN_UPGRADE_CONFIRM) != 0 || rebuild_finish(u, NULL, NULL) != 0)
		return -1;
	snprintf(to, sizeof(to), "%d", DENDIR_SCHEMA_VERSION);
	say(r, DEN_UPGRADE_DONE, rebuild_organisation(u), to, NULL);
	return 0;
}

int upgrade_run(const struct run *r, char **operands)
{
	struct rebuild *u = rebuild_look(r);
	int result = u ? rebuild_prepare(u) : -1;

	(void)operands;
	if (result == 0 && !rebuild_is_due(u)) {
		say(r, DEN_UPGRADE_NONE, rebuild_organisation(u), NULL);
	} else if (result == 0) {
		rebuild_show(u);
		result = finish(r, u);
	}
	rebuild_done(u);
	return result;
}
