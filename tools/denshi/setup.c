#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tools/denshi/ask.h"

#define PROGRAM DENSHI_LIBEXECDIR "/denshi-setup"

int cli_setup(struct cli *cli, char **argv)
{
	argv[0] = (char *)(uintptr_t)PROGRAM;
	execv(PROGRAM, argv);
	return refuse(cli, DEN_CLI_SETUP_MISSING, PROGRAM, strerror(errno));
}
