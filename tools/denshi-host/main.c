/* The hosts of the organisation, on the directory's machine; `denshi host` runs it. */
#include <getopt.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directory/site.h"
#include "tools/denshi-host/host.h"
#include "tools/server/set.h"

#define O(key) (1u << (key))

enum option_key { O_STATE = 1, O_CONFIG, O_OUTPUT, O_URI, O_DESCRIPTION, O_JSON, O_DRY_RUN, O_YES, O_HELP };

static const struct option options[] = {
	{"state", required_argument, NULL, O_STATE},
	{"config", required_argument, NULL, O_CONFIG},
	{"output", required_argument, NULL, O_OUTPUT},
	{"uri", required_argument, NULL, O_URI},
	{"description", required_argument, NULL, O_DESCRIPTION},
	{"json", no_argument, NULL, O_JSON},
	{"dry-run", no_argument, NULL, O_DRY_RUN},
	{"yes", no_argument, NULL, O_YES},
	{"help", no_argument, NULL, O_HELP},
	{NULL, 0, NULL, 0},
};

static const struct command {
	const char *name;
	int operands;
	unsigned options; /* beside EVERYWHERE */
	host_command *run;
} commands[] = {
	{"add", 1, O(O_OUTPUT) | O(O_URI) | O(O_DESCRIPTION) | O(O_DRY_RUN), host_add},
	{"list", 0, O(O_JSON), host_list},
	{"show", 1, O(O_JSON), host_show},
	{"remove", 1, O(O_DRY_RUN) | O(O_YES), host_remove},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))
#define EVERYWHERE (O(O_STATE) | O(O_CONFIG) | O(O_HELP))

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void take_option(struct host_run *r, int key, const char *value)
{
	const char **const texts[] = {[O_STATE] = &r->state, [O_CONFIG] = &r->config_path, [O_OUTPUT] = &r->output,
		[O_URI] = &r->uri, [O_DESCRIPTION] = &r->description, [O_HELP] = NULL};
	int *const flags[] = {[O_JSON] = &r->json, [O_DRY_RUN] = &r->dry_run, [O_YES] = &r->yes, [O_HELP] = NULL};

	if (texts[key])
		*texts[key] = value;
	else if (flags[key])
		*flags[key] = 1;
}

/* 0; 1: only the help was wanted; -1 (said). */
static int take_options(struct host_run *r, const struct command *c, int argc, char **argv)
{
	int key;

	opterr = 0;
	while ((key = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (key == O_HELP) {
			say(r, DEN_HOST_USAGE, NULL);
			return 1;
		}
		if (key == '?' || !((c->options | EVERYWHERE) & O(key)))
			return fail(r, DEN_HOST_OPTION, argv[optind - 1], NULL);
		take_option(r, key, optarg);
	}
	if (argc - optind != c->operands)
		return fail(r, DEN_HOST_OPTION, argc > optind ? argv[argc - 1] : c->name, NULL);
	if (r->uri && !den_config_allows("uri", r->uri))
		return fail(r, DEN_HOST_OPTION, "--uri", NULL);
	if (r->description && strlen(r->description) >= sizeof(((struct dendir_host *)0)->description))
		return fail(r, DEN_HOST_OPTION, "--description", NULL);
	return 0;
}

static int run_command(struct host_run *r, const struct command *c, const char *name)
{
	char error[DEN_CONFIG_ERROR_SIZE];
	int result;

	if (c->operands && !den_config_allows("host", name))
		return fail(r, DEN_HOST_NAME, name, NULL);
	if (geteuid() != 0)
		return fail(r, DEN_HOST_NOT_ROOT, NULL);
	if (den_config_read(&r->config, r->config_path, error, sizeof(error)) != 0)
		return fail(r, DEN_SETUP_FILE, r->config_path, error, NULL);
	r->site = dendir_site_of_config(&r->config);
	if (dendir_open(&r->d, &r->site) != DEN_OK)
		return fail(r, DEN_HOST_DOWN, r->config.uri, NULL);
	result = c->run(r, name);
	dendir_close(r->d);
	return result;
}

int main(int argc, char **argv)
{
	struct host_run r = {
		.lang = den_lang_from_environment(NULL),
		.state = SET_STATE,
		.config_path = DEN_CONFIG_PATH,
	};
	const struct command *c = argc > 1 ? find_command(argv[1]) : NULL;
	int result;

	umask(077);
	if (!c) {
		say(&r, DEN_HOST_USAGE, NULL);
		return argc > 1 && strcmp(argv[1], "--help") == 0 ? 0 : 2;
	}
	result = take_options(&r, c, argc - 1, argv + 1);
	if (result != 0)
		return result > 0 ? 0 : 2;
	return run_command(&r, c, c->operands ? argv[1 + optind] : "") == 0 ? 0 : 1;
}
