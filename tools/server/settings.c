#include "tools/server/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int settings_are_in_text(const char *text)
{
	while (*text) {
		text += strspn(text, " \t\r\n");
		if (*text && *text != '#' && strncmp(text, "//", 2) != 0)
			return 1;
		text += strcspn(text, "\n");
	}
	return 0;
}

int settings_are_in(const char *path)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	int found = 0;

	if (!f)
		return errno == ENOENT ? 0 : -1;
	while (!found && getline(&line, &size, f) > 0)
		found = settings_are_in_text(line);
	if (ferror(f))
		found = -1;
	free(line);
	fclose(f);
	return found;
}
