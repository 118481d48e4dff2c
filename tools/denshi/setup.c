/* The commands of root that are programs of their own: they run on the directory's machine. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tools/denshi/ask.h"

static const struct {
	const char *word, *program;
} programs[] = {
	{"setup", DENSHI_LIBEXECDIR "/denshi-setup"},
	{"host", DENSHI_LIBEXECDIR "/denshi-host"},
	{"directory", DENSHI_LIBEXECDIR "/denshi-directory"},
};
#define PROGRAMS (sizeof(programs) / sizeof(programs[0]))

int cli_is_program(const char *word)
{
	for (size_t i = 0; i < PROGRAMS; i++)
		if (strcmp(programs[i].word, word) == 0)
			return 1;
	return 0;
}

int cli_program(struct cli *cli, char **argv)
{
	const char *path = "";

	for (size_t i = 0; i < PROGRAMS; i++)
		if (strcmp(programs[i].word, argv[0]) == 0)
			path = programs[i].program;
	argv[0] = (char *)(uintptr_t)path;
	execv(path, argv);
	return refuse(cli, DEN_CLI_SETUP_MISSING, path, strerror(errno));
}
