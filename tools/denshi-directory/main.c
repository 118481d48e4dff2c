/* denshi-directory(8): care of the directory, on its machine; `denshi directory` runs it. */
#include <fcntl.h>
#include <getopt.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "tools/denshi-directory/run.h"
#include "tools/server/interrupt.h"

#define O(key) (1u << (key))

enum option_key { O_STATE = 1, O_CONFIG, O_SCHEMA_DIR, O_DRY_RUN, O_YES, O_CA_KEY, O_FORCE, O_URI, O_PASSWORD_FD, O_HELP };

static const struct option options[] = {
	{"state", required_argument, NULL, O_STATE},
	{"config", required_argument, NULL, O_CONFIG},
	{"schema-dir", required_argument, NULL, O_SCHEMA_DIR},
	{"dry-run", no_argument, NULL, O_DRY_RUN},
	{"yes", no_argument, NULL, O_YES},
	{"with-ca-key", no_argument, NULL, O_CA_KEY},
	{"force", no_argument, NULL, O_FORCE},
	{"uri", required_argument, NULL, O_URI},
	{"password-fd", required_argument, NULL, O_PASSWORD_FD},
	{"help", no_argument, NULL, O_HELP},
	{NULL, 0, NULL, 0},
};

static const struct command {
	const char *name;
	int operands;
	unsigned options; /* beside --state and --config */
	int (*run)(const struct run *r, char **operands);
} commands[] = {
	{"backup", 1, O(O_CA_KEY), backup_run},
	{"restore", 1, O(O_DRY_RUN) | O(O_YES), restore_run},
	{"compare", 1, 0, compare_run},
	{"upgrade", 0, O(O_DRY_RUN) | O(O_YES) | O(O_SCHEMA_DIR), upgrade_run},
	{"add-replica", 2, O(O_YES) | O(O_URI) | O(O_SCHEMA_DIR), add_replica_run},
	{"join", 1, O(O_YES) | O(O_PASSWORD_FD) | O(O_SCHEMA_DIR), join_run},
	{"remove-replica", 1, O(O_YES) | O(O_SCHEMA_DIR), remove_replica_run},
	{"promote", 0, O(O_FORCE), promote_run},
	{"rescue", 1, O(O_YES), rescue_run},
	{"confirm", 0, 0, confirm_run},
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

static int take_descriptor(struct run *r, const char *text)
{
	char *end;
	long fd = strtol(text, &end, 10);

	if (end == text || *end || fd < 0 || fd > 65535 || fcntl((int)fd, F_SETFD, FD_CLOEXEC) != 0)
		return -1;
	r->password_fd = (int)fd;
	return 0;
}

static int take_option(struct run *r, int key, const char *value)
{
	const char **const texts[] = {[O_STATE] = &r->state, [O_CONFIG] = &r->config_path,
		[O_SCHEMA_DIR] = &r->schema_dir, [O_URI] = &r->uri, [O_HELP] = NULL};
	int *const flags[] = {[O_DRY_RUN] = &r->dry_run, [O_YES] = &r->yes, [O_CA_KEY] = &r->ca_key,
		[O_FORCE] = &r->force,
		[O_HELP] = NULL};

	if (texts[key])
		*texts[key] = value;
	else if (flags[key])
		*flags[key] = 1;
	else
		return take_descriptor(r, value);
	return 0;
}

/* 0; 1: only the help was wanted; -1 (said). */
static int take_options(struct run *r, const struct command *c, int argc, char **argv)
{
	int key;

	opterr = 0;
	while ((key = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (key == O_HELP) {
			say(r, DEN_DIRADM_USAGE, NULL);
			return 1;
		}
		if (key == '?' || !((c->options | EVERYWHERE) & O(key)))
			return fail(r, DEN_DIRADM_OPTION, argv[optind - 1], NULL);
		if (take_option(r, key, optarg) != 0)
			return fail(r, DEN_DIRADM_OPTION, argv[optind - 1], NULL);
	}
	if (argc - optind != c->operands)
		return fail(r, DEN_DIRADM_OPERANDS, c->name, NULL);
	return 0;
}

static int check_path(const struct run *r, const char *path)
{
	if (den_config_allows("snapshot", path) && strlen(path) <= 200)
		return 0;
	return fail(r, DEN_DIRADM_PATH, path, NULL);
}

static int find_users(struct run *r)
{
	const struct {
		const char *name;
		struct unix_user *user;
	} wanted[] = {{"openldap", &r->directory_user}, {"denshi", &r->denshid_user}, {"denshi-ca", &r->ca_user}};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		const struct passwd *found = getpwnam(wanted[i].name);

		if (!found || found->pw_uid == 0)
			return fail(r, DEN_SETUP_NO_USER, wanted[i].name, NULL);
		*wanted[i].user = (struct unix_user){found->pw_uid, found->pw_gid};
	}
	return 0;
}

static int run_command(struct run *r, const struct command *c, char **operands)
{
	if (geteuid() != 0)
		return fail(r, DEN_DIRADM_NOT_ROOT, NULL);
	if (check_path(r, r->state) != 0 || check_path(r, r->schema_dir) != 0 || find_users(r) != 0)
		return -1;
	interrupt_hold();
	return c->run(r, operands);
}

int main(int argc, char **argv)
{
	struct run r = {
		.lang = den_lang_from_environment(NULL),
		.state = SET_STATE,
		.config_path = DEN_CONFIG_PATH,
		.password_fd = -1,
		.schema_dir = DENSHI_DATADIR "/ldap-schema",
	};
	const struct command *c = argc > 1 ? find_command(argv[1]) : NULL;
	int result;

	umask(077);
	/* A child that ends early is an error of a write, not the end of this program. */
	signal(SIGPIPE, SIG_IGN);
	if (!c) {
		int help = argc > 1 && strcmp(argv[1], "--help") == 0;

		say(&r, DEN_DIRADM_USAGE, NULL);
		return help ? 0 : 2;
	}
	result = take_options(&r, c, argc - 1, argv + 1);
	if (result != 0)
		return result > 0 ? 0 : 2;
	return run_command(&r, c, argv + 1 + optind) == 0 ? 0 : 1;
}
