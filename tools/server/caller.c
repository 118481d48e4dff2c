#include "tools/server/caller.h"

#include <stdio.h>

const char *caller_login_uid(char *buf, size_t size)
{
	FILE *f = fopen("/proc/self/loginuid", "re");
	unsigned uid;

	if (!f || fscanf(f, "%u", &uid) != 1 || uid == (unsigned)-1)
		snprintf(buf, size, "-");
	else
		snprintf(buf, size, "%u", uid);
	if (f)
		fclose(f);
	return buf;
}
