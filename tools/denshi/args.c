#include "tools/denshi/args.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

const struct option_row option_rows[OPT_COUNT] = {
#define OPTION(id, name, value) [OPT_##id] = {name, value, DEN_CLI_OPTION_##id},
	OPTIONS(OPTION)
#undef OPTION
};

#define WORD_MAX 32 /* longer words are like nothing we know */

static enum option option_named(const char *name, size_t len, unsigned long allowed)
{
	for (int i = 0; i < OPT_COUNT; i++)
		if ((allowed & 1ul << i) && strlen(option_rows[i].name) == len &&
			memcmp(option_rows[i].name, name, len) == 0)
			return (enum option)i;
	return OPT_COUNT;
}

/* argv[*i] is an option; takes its value from the same word or from the next one. */
static enum args_result take_option(struct args *args, int argc, char **argv, int *i,
	unsigned long allowed)
{
	const char *name = argv[*i] + 2, *equals = strchr(name, '=');
	enum option o = option_named(name, equals ? (size_t)(equals - name) : strlen(name), allowed);

	if (o == OPT_COUNT)
		return ARGS_UNKNOWN;
	if (args->option[o])
		return ARGS_TWICE;
	if (!option_rows[o].value) {
		args->option[o] = "";
		return equals ? ARGS_UNWANTED : ARGS_OK;
	}
	if (equals)
		args->option[o] = equals + 1;
	else if (*i + 1 < argc)
		args->option[o] = argv[++*i];
	else
		return ARGS_NO_VALUE;
	return ARGS_OK;
}

enum args_result args_parse(struct args *args, int argc, char **argv, unsigned long allowed,
	const char **wrong)
{
	int words_only = 0;

	*args = (struct args){.operand = calloc((size_t)argc + 1, sizeof(*args->operand))};
	if (!args->operand)
		return ARGS_NO_MEMORY;
	for (int i = 0; i < argc; i++) {
		enum args_result result = ARGS_OK;

		*wrong = argv[i];
		if (words_only || argv[i][0] != '-' || argv[i][1] == '\0')
			args->operand[args->operands++] = argv[i];
		else if (strcmp(argv[i], "-h") == 0 && (allowed & 1ul << OPT_HELP))
			args->option[OPT_HELP] = "";
		else if (argv[i][1] != '-')
			result = ARGS_UNKNOWN;
		else if (argv[i][2] == '\0')
			words_only = 1;
		else
			result = take_option(args, argc, argv, &i, allowed);
		/* All of what follows is another program's. */
		words_only |= args->option[OPT_COMMAND] != NULL;
		if (result != ARGS_OK)
			return result;
	}
	return ARGS_OK;
}

void args_done(struct args *args)
{
	free(args->operand);
	args->operand = NULL;
	args->operands = 0;
}

int args_number(const char *text)
{
	long n = 0;

	if (!*text)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		n = 10 * n + (*text - '0');
		if (n > INT_MAX)
			return -1;
	}
	return (int)n;
}

static unsigned int least(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int m = a < b ? a : b;

	return m < c ? m : c;
}

unsigned int args_distance(const char *a, const char *b)
{
	unsigned int row[WORD_MAX + 1];
	size_t la = strlen(a), lb = strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return UINT_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned int diagonal = row[0];

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned int above = row[j];

			row[j] = least(row[j] + 1, row[j - 1] + 1,
				diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[lb];
}
