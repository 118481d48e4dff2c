/*
 * The arguments of a line of a PAM service file. The first byte chooses the phase,
 * each line is an argument. Whatever is accepted holds what args.h promises.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The module's rooms are no library: the file under test is taken in as it is. */
#include "pam_denshi/args.c"

#define ARGS_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int holds)
{
	if (!holds)
		abort();
}

static void check_accepted(const struct denpam_args *args, enum denpam_phase phase)
{
	demand(args->certificate && args->approver);
	demand(!args->approve == !args->business);
	demand(args->approve || !(args->account || args->need || args->match || args->within || args->prompt));
	demand(!args->within || !(args->once || args->prompt));
	demand(strcmp(args->of, "user") == 0 || strcmp(args->of, "ruser") == 0);
	demand(phase == DENPAM_ACCOUNT || !args->approve);
	demand(!(args->use_first_pass && args->try_first_pass));
	demand(strcmp(args->certificate, "required") == 0 || (phase & (DENPAM_AUTH | DENPAM_ACCOUNT)));
	demand(strcmp(args->approver, "other") == 0 || strcmp(args->approver, "any") == 0);
	demand(!args->socket || (args->socket[0] == '/' && strlen(args->socket) <= 107));
	demand(!args->business || (*args->business && strlen(args->business) <= 64));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum denpam_phase phases[] = {DENPAM_AUTH, DENPAM_ACCOUNT, DENPAM_PASSWORD,
		DENPAM_SESSION};
	struct denpam_args_error error = {NULL, NULL, NULL};
	const char *argv[ARGS_MAX];
	struct denpam_args args;
	enum denpam_phase phase;
	char *text, *rest, *line;
	int argc = 0;

	if (size == 0)
		return 0;
	phase = phases[data[0] % 4];
	text = malloc(size);
	demand(text != NULL);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	for (rest = text; argc < ARGS_MAX && (line = strsep(&rest, "\n"));)
		argv[argc++] = line;
	if (denpam_args_parse(&args, phase, argc, argv, &error) == 0)
		check_accepted(&args, phase);
	else
		demand(error.argument && error.found && error.allowed && *error.allowed);
	free(text);
	return 0;
}
