/* The commands of root that are programs of their own: they run on the directory's machine. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"

static const struct {
	const char *word, *program;
	int is_command; /* of the program's: it takes the word as well */
} programs[] = {
	{"setup", DENSHI_LIBEXECDIR "/denshi-setup", 0},
	{"host", DENSHI_LIBEXECDIR "/denshi-host", 0},
	{"directory", DENSHI_LIBEXECDIR "/denshi-directory", 0},
	{"rescue", DENSHI_LIBEXECDIR "/denshi-directory", 1},
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
	size_t n = 0;
	char **words;

	while (argv[n])
		n++;
	/* One more for the program's name, and the NULL. */
	words = calloc(n + 2, sizeof(*words));
	if (!words)
		output_no_memory();
	for (size_t i = 0; i < PROGRAMS; i++)
		if (strcmp(programs[i].word, argv[0]) == 0) {
			path = programs[i].program;
			memcpy(words + programs[i].is_command, argv, n * sizeof(*words));
		}
	words[0] = (char *)(uintptr_t)path;
	execv(path, words);
	free(words);
	return refuse(cli, DEN_CLI_SETUP_MISSING, path, strerror(errno));
}
