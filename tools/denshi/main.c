/*
 * denshi: the command. One table of commands; each asks denshid and prints.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "tools/denshi/args.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"

#define O(id) (1ul << OPT_##id)
#define COMMON (O(JSON) | O(HELP))
#define ANY_NUMBER INT_MAX
#define SUGGEST_MAX 3 /* letters apart: farther isn't meant */
#define NAME_SIZE 64

static const struct command commands[] = {
	{"status", NULL, "", 0, 0, COMMON, DEN_CLI_DO_STATUS, DEN_OK, cli_status},
	{"user", "create", "[LOGIN]", 0, 1,
		COMMON | O(NAME) | O(MAIL) | O(ROLE) | O(LANGUAGE) | O(GENERATE) | O(PASSWORD_FD) |
			O(DRY_RUN) | O(YES),
		DEN_CLI_DO_USER_CREATE, DEN_CLI_SECRETS_INITIAL, cli_user_create},
	{"user", "import", "FILE.csv", 1, 1,
		COMMON | O(PASSWORDS) | O(GENERATE) | O(PASSWORD_FD) | O(DRY_RUN) | O(YES),
		DEN_CLI_DO_USER_IMPORT, DEN_CLI_SECRETS_IMPORT, cli_user_import},
	{"user", "export", "[FILE.csv]", 0, 1, COMMON, DEN_CLI_DO_USER_EXPORT, DEN_OK, cli_user_export},
	{"user", "change", "LOGIN", 1, 1,
		COMMON | O(NAME) | O(MAIL) | O(ROLE) | O(LANGUAGE) | O(DRY_RUN) | O(YES),
		DEN_CLI_DO_USER_CHANGE, DEN_OK, cli_user_change},
	{"user", "delete", "LOGIN", 1, 1, COMMON | O(DRY_RUN) | O(YES), DEN_CLI_DO_USER_DELETE,
		DEN_OK, cli_user_delete},
	{"user", "list", "[FILTER]", 0, 1, COMMON | O(LIMIT), DEN_CLI_DO_USER_LIST, DEN_OK, cli_user_list},
	{"user", "show", "LOGIN", 1, 1, COMMON, DEN_CLI_DO_USER_SHOW, DEN_OK, cli_user_show},
	{"user", "suspend", "LOGIN", 1, 1, COMMON | O(PASSWORD_FD), DEN_CLI_DO_USER_SUSPEND,
		DEN_CLI_SECRETS_APPROVAL, cli_user_suspend},
	{"user", "resume", "LOGIN", 1, 1, COMMON | O(PASSWORD_FD), DEN_CLI_DO_USER_RESUME,
		DEN_CLI_SECRETS_APPROVAL, cli_user_resume},
	{"user-update", NULL, "[FILTER]", 0, 1,
		COMMON | O(DRY_RUN) | O(YES) | O(HISTORY) | O(LIMIT) | O(BEFORE) | O(PASSWORD_FD), DEN_CLI_DO_UPDATE,
		DEN_CLI_SECRETS_APPROVAL, cli_user_update},
	{"authority", "list", "", 0, 0, COMMON, DEN_CLI_DO_AUTHORITY_LIST, DEN_OK,
		cli_authority_list},
	{"authority", "show", "LOGIN", 1, 1, COMMON, DEN_CLI_DO_AUTHORITY_SHOW, DEN_OK,
		cli_authority_show},
	{"authority", "give", "LOGIN AUTHORITY...", 2, ANY_NUMBER,
		COMMON | O(DRY_RUN) | O(YES) | O(PASSWORD_FD), DEN_CLI_DO_AUTHORITY_GIVE,
		DEN_CLI_SECRETS_AUTHORITY, cli_authority_give},
	{"authority", "take", "LOGIN AUTHORITY...", 2, ANY_NUMBER,
		COMMON | O(DRY_RUN) | O(YES) | O(PASSWORD_FD), DEN_CLI_DO_AUTHORITY_TAKE,
		DEN_CLI_SECRETS_APPROVAL, cli_authority_take},
	{"business", "add", "BUSINESS", 1, 1,
		COMMON | O(LABEL_EN) | O(LABEL_JA) | O(APPROVAL_FREE) | O(SELF_APPROVAL) | O(SIGNED) | O(NEED) | O(CURRENCY) |
			O(NEED_FROM) | O(LIMITS) | O(DRY_RUN) | O(PASSWORD_FD),
		DEN_CLI_DO_BUSINESS_ADD, DEN_CLI_SECRETS_APPROVAL, cli_business_add},
	{"business", "change", "BUSINESS", 1, 1,
		COMMON | O(LABEL_EN) | O(LABEL_JA) | O(SELF_APPROVAL) | O(SIGNED) | O(NEED) | O(CURRENCY) | O(NEED_FROM) |
			O(LIMITS) | O(DRY_RUN) | O(PASSWORD_FD),
		DEN_CLI_DO_BUSINESS_CHANGE, DEN_CLI_SECRETS_APPROVAL, cli_business_change},
	{"business", "delete", "BUSINESS", 1, 1, COMMON | O(DRY_RUN) | O(PASSWORD_FD),
		DEN_CLI_DO_BUSINESS_DELETE, DEN_CLI_SECRETS_APPROVAL, cli_business_delete},
	{"account", "add", "ACCOUNT", 1, 1, COMMON | O(LABEL) | O(DRY_RUN) | O(PASSWORD_FD),
		DEN_CLI_DO_ACCOUNT_ADD, DEN_CLI_SECRETS_APPROVAL, cli_account_add},
	{"account", "change", "ACCOUNT", 1, 1, COMMON | O(LABEL) | O(DRY_RUN) | O(PASSWORD_FD),
		DEN_CLI_DO_ACCOUNT_CHANGE, DEN_CLI_SECRETS_APPROVAL, cli_account_change},
	{"account", "delete", "ACCOUNT", 1, 1, COMMON | O(DRY_RUN) | O(PASSWORD_FD),
		DEN_CLI_DO_ACCOUNT_DELETE, DEN_CLI_SECRETS_APPROVAL, cli_account_delete},
	{"cert", "grant", "LOGIN...", 1, ANY_NUMBER, COMMON | O(DRY_RUN) | O(YES),
		DEN_CLI_DO_CERT_GRANT, DEN_OK, cli_cert_grant},
	{"cert", "list", "[LOGIN]", 0, 1, COMMON, DEN_CLI_DO_CERT_LIST, DEN_OK, cli_cert_list},
	{"cert", "show", "LOGIN", 1, 1, COMMON, DEN_CLI_DO_CERT_SHOW, DEN_OK, cli_cert_show},
	{"cert", "get", "", 0, 0,
		COMMON | O(LOGIN) | O(OUTPUT) | O(PEM) | O(TOKEN) | O(RSA) | O(VIA) | O(PASSWORD_FD) | O(PIN_FD),
		DEN_CLI_DO_CERT_GET, DEN_CLI_SECRETS_CERT_GET, cli_cert_get},
	{"cert", "renew", "FILE.p12|URI", 1, 1, COMMON | O(OUTPUT) | O(PEM) | O(RSA) | O(VIA) | O(PASSWORD_FD) | O(PIN_FD),
		DEN_CLI_DO_CERT_RENEW, DEN_CLI_SECRETS_CERT_RENEW, cli_cert_renew},
	{"cert", "revoke", "LOGIN", 1, 1, COMMON | O(REASON) | O(PASSWORD_FD),
		DEN_CLI_DO_CERT_REVOKE, DEN_CLI_SECRETS_APPROVAL, cli_cert_revoke},
	{"client-policy", NULL, "SITE...", 1, ANY_NUMBER, O(HELP) | O(BROWSER) | O(FORMAT) | O(IE_MODE) | O(CA),
		DEN_CLI_DO_CLIENT_POLICY, DEN_OK, cli_client_policy},
	{"request", NULL, "BUSINESS [-- COMMAND [ARGUMENT...]]", 1, ANY_NUMBER,
		COMMON | O(ACCOUNT) | O(SUBJECT) | O(AMOUNT) | O(ATTACH) | O(DIGEST) | O(NEED) | O(FOR) | O(RUN_AS) | O(COMMAND) |
			O(DRY_RUN),
		DEN_CLI_DO_REQUEST, DEN_OK, cli_request},
	{"requests", NULL, "", 0, 0, COMMON | O(MINE) | O(TO_APPROVE) | O(ALL) | O(WATCH),
		DEN_CLI_DO_REQUESTS, DEN_OK, cli_requests},
	{"approve", NULL, "ID...", 1, ANY_NUMBER, COMMON | O(DRY_RUN) | O(PASSWORD_FD) | O(PIN_FD), DEN_CLI_DO_APPROVE,
		DEN_CLI_SECRETS_DECIDE, cli_approve},
	{"reject", NULL, "ID", 1, 1, COMMON | O(REASON) | O(DRY_RUN) | O(PASSWORD_FD) | O(PIN_FD), DEN_CLI_DO_REJECT,
		DEN_CLI_SECRETS_DECIDE, cli_reject},
	{"withdraw", NULL, "ID...", 1, ANY_NUMBER, COMMON | O(DRY_RUN), DEN_CLI_DO_WITHDRAW, DEN_OK, cli_withdraw},
	{"check-approval", NULL, "BUSINESS", 1, 1,
		COMMON | O(ACCOUNT) | O(LOGIN) | O(APPROVER) | O(NEED) | O(MATCH) | O(FOR) | O(WITHIN) | O(USE),
		DEN_CLI_DO_CHECK_APPROVAL, DEN_OK, cli_check_approval},
	{"log", NULL, "[FILE]", 0, 1, COMMON | O(VERIFY) | O(HOST) | O(USER) | O(SINCE), DEN_CLI_DO_LOG, DEN_OK, cli_log},
	{"passwd", NULL, "", 0, 0, COMMON | O(APPROVAL) | O(PASSWORD_FD), DEN_CLI_DO_PASSWD,
		DEN_CLI_SECRETS_PASSWD, cli_passwd},
	{"unlock", NULL, "LOGIN", 1, 1, COMMON | O(APPROVAL) | O(GENERATE) | O(PASSWORD_FD),
		DEN_CLI_DO_UNLOCK, DEN_CLI_SECRETS_UNLOCK, cli_unlock},
	{"logout", NULL, "", 0, 0, COMMON | O(BUSINESS), DEN_CLI_DO_LOGOUT, DEN_OK, cli_logout},
	{"snapshot", "check", "[FILE]", 0, 1, COMMON, DEN_CLI_DO_SNAPSHOT_CHECK, DEN_OK, cli_snapshot_check},
	{"snapshot", "dump", "[FILE]", 0, 1, COMMON, DEN_CLI_DO_SNAPSHOT_DUMP, DEN_OK, cli_snapshot_dump},
	{"snapshot", "accept", "SERIAL", 1, 1, COMMON, DEN_CLI_DO_SNAPSHOT_ACCEPT, DEN_OK, cli_snapshot_accept},
	{"setup", NULL, "[ARGUMENT...]", 0, ANY_NUMBER, 0, DEN_CLI_DO_SETUP, DEN_OK, NULL},
	{"host", NULL, "[ARGUMENT...]", 0, ANY_NUMBER, 0, DEN_CLI_DO_HOST, DEN_OK, NULL},
	{"directory", NULL, "[ARGUMENT...]", 0, ANY_NUMBER, 0, DEN_CLI_DO_DIRECTORY, DEN_OK, NULL},
	{"rescue", NULL, "LOGIN", 0, ANY_NUMBER, 0, DEN_CLI_DO_RESCUE, DEN_OK, NULL},
	{"help", NULL, "[COMMAND]", 0, 2, 0, DEN_CLI_DO_HELP, DEN_OK, NULL},
	/* Other words for the same, found but not listed. */
	{"authority", "grant", "LOGIN AUTHORITY...", 2, ANY_NUMBER,
		COMMON | O(DRY_RUN) | O(YES) | O(PASSWORD_FD), DEN_OK, DEN_CLI_SECRETS_AUTHORITY,
		cli_authority_give},
	{"authority", "revoke", "LOGIN AUTHORITY...", 2, ANY_NUMBER,
		COMMON | O(DRY_RUN) | O(YES) | O(PASSWORD_FD), DEN_OK, DEN_CLI_SECRETS_APPROVAL,
		cli_authority_take},
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

/* -- help ------------------------------------------------------------------------ */

static char *full_name(char buf[NAME_SIZE], const struct command *c)
{
	snprintf(buf, NAME_SIZE, "%s%s%s", c->group, c->verb ? " " : "", c->verb ? c->verb : "");
	return buf;
}

static void print_usage(struct cli *cli, FILE *out, const struct command *c)
{
	char name[NAME_SIZE];

	fprintf(out, "%s: denshi %s", den_text(cli->lang, DEN_CLI_USAGE), full_name(name, c));
	if (*c->operands)
		fprintf(out, " %s", c->operands);
	for (int i = 0; i < OPT_COUNT; i++)
		if ((c->options & 1ul << i) && i != OPT_HELP)
			fprintf(out, " [--%s%s%s]", option_rows[i].name,
				option_rows[i].value ? " " : "",
				option_rows[i].value ? option_rows[i].value : "");
	fputc('\n', out);
}

static void print_options(struct cli *cli, const struct command *c)
{
	static const enum den_code no_headings[2] = {DEN_OK, DEN_OK};
	char names[OPT_COUNT][NAME_SIZE];
	const char *cells[2 * OPT_COUNT];
	size_t n = 0;

	for (int i = 0; i < OPT_COUNT; i++) {
		if (!(c->options & 1ul << i))
			continue;
		snprintf(names[i], NAME_SIZE, "  --%s%s%s", option_rows[i].name,
			option_rows[i].value ? " " : "",
			option_rows[i].value ? option_rows[i].value : "");
		cells[n++] = names[i];
		cells[n++] = den_text(cli->lang, option_rows[i].help);
	}
	if (n > 0)
		output_table(cli, no_headings, 2, cells, n / 2);
}

static int help_on(struct cli *cli, const struct command *c)
{
	print_usage(cli, stdout, c);
	if (c->summary != DEN_OK)
		say(cli, stdout, c->summary);
	fputc('\n', stdout);
	print_options(cli, c);
	if (c->secrets != DEN_OK) {
		fputc('\n', stdout);
		say(cli, stdout, DEN_CLI_SECRETS, den_text(cli->lang, c->secrets));
	}
	return CLI_DONE;
}

/* All commands, or those of one group. */
static int help_list(struct cli *cli, const char *group)
{
	static const enum den_code no_headings[2] = {DEN_OK, DEN_OK};
	char names[COMMANDS][NAME_SIZE + 2], name[NAME_SIZE];
	const char *cells[2 * COMMANDS];
	size_t n = 0;

	fprintf(stdout, "%s: denshi %s\n\n", den_text(cli->lang, DEN_CLI_USAGE),
		den_text(cli->lang, DEN_CLI_USAGE_OVERVIEW));
	for (size_t i = 0; i < COMMANDS; i++) {
		if (commands[i].summary == DEN_OK || (group && strcmp(group, commands[i].group) != 0))
			continue;
		snprintf(names[i], sizeof(names[i]), "  %s", full_name(name, &commands[i]));
		cells[n++] = names[i];
		cells[n++] = den_text(cli->lang, commands[i].summary);
	}
	output_table(cli, no_headings, 2, cells, n / 2);
	fputc('\n', stdout);
	say(cli, stdout, DEN_CLI_HELP_MORE);
	return CLI_DONE;
}

/* -- finding what is meant ------------------------------------------------------------ */

static int is_group(const char *word)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (commands[i].verb && strcmp(commands[i].group, word) == 0)
			return 1;
	return 0;
}

/* The command that the words name; *words is how many they are. NULL for none. */
static const struct command *find(int argc, char **argv, int *words)
{
	for (size_t i = 0; i < COMMANDS && argc > 0; i++) {
		const struct command *c = &commands[i];

		if (strcmp(c->group, argv[0]) != 0)
			continue;
		*words = c->verb ? 2 : 1;
		if (!c->verb || (argc > 1 && strcmp(c->verb, argv[1]) == 0))
			return c;
	}
	return NULL;
}

static void suggest(struct cli *cli, const char *meant, unsigned int distance)
{
	if (distance <= SUGGEST_MAX)
		say(cli, stderr, DEN_CLI_DID_YOU_MEAN, meant);
}

static int unknown_command(struct cli *cli, int argc, char **argv)
{
	char typed[NAME_SIZE], name[NAME_SIZE], best[NAME_SIZE] = "";
	unsigned int least = UINT_MAX;
	int two = argc > 1 && argv[1][0] != '-';
	int status;

	snprintf(typed, sizeof(typed), "%s%s%s", argv[0], two ? " " : "", two ? argv[1] : "");
	status = refuse(cli, DEN_CLI_USAGE_COMMAND, typed);
	for (size_t i = 0; i < COMMANDS; i++) {
		const char *words = commands[i].verb ? typed : argv[0];
		unsigned int d = args_distance(words, full_name(name, &commands[i]));

		if (commands[i].summary == DEN_OK || d >= least)
			continue;
		least = d;
		memcpy(best, name, sizeof(best));
	}
	suggest(cli, best, least);
	fprintf(stderr, "%s: denshi %s\n", den_text(cli->lang, DEN_CLI_USAGE),
		den_text(cli->lang, DEN_CLI_USAGE_OVERVIEW));
	return status;
}

static int wrong_usage(struct cli *cli, enum args_result result, const char *wrong)
{
	static const enum den_code codes[] = {
		[ARGS_UNKNOWN] = DEN_CLI_USAGE_OPTION,
		[ARGS_NO_VALUE] = DEN_CLI_USAGE_VALUE,
		[ARGS_UNWANTED] = DEN_CLI_USAGE_UNWANTED,
		[ARGS_TWICE] = DEN_CLI_USAGE_TWICE,
	};
	unsigned int least = UINT_MAX;
	char best[NAME_SIZE] = "";
	int status = refuse(cli, codes[result], wrong);

	for (int i = 0; result == ARGS_UNKNOWN && i < OPT_COUNT; i++) {
		unsigned int d = args_distance(wrong + strspn(wrong, "-"), option_rows[i].name);

		if (!(cli->command->options & 1ul << i) || d >= least)
			continue;
		least = d;
		snprintf(best, sizeof(best), "--%s", option_rows[i].name);
	}
	suggest(cli, best, least);
	print_usage(cli, stderr, cli->command);
	return status;
}

/* -- running --------------------------------------------------------------------------- */

/* An open descriptor above the standard output and error; -1 and printed otherwise. */
static int take_descriptor(struct cli *cli, const char *text, int *fd)
{
	*fd = -1;
	if (!text)
		return CLI_DONE;
	*fd = args_number(text);
	if (*fd >= 0 && *fd != 1 && *fd != 2 && fcntl(*fd, F_SETFD, FD_CLOEXEC) == 0)
		return CLI_DONE;
	return refuse(cli, DEN_CLI_USAGE_DESCRIPTOR, text);
}

static int check_operands(struct cli *cli, const struct args *args)
{
	const struct command *c = cli->command;
	int status = CLI_DONE;

	if (args->operands < c->operands_min)
		status = refuse(cli, DEN_CLI_USAGE_MISSING, c->operands);
	else if (args->operands > c->operands_max)
		status = refuse(cli, DEN_CLI_USAGE_EXTRA, args->operand[c->operands_max]);
	if (status != CLI_DONE)
		print_usage(cli, stderr, c);
	return status;
}

static int run(struct cli *cli, const struct args *args)
{
	const struct command *c = cli->command;
	int status;

	cli->json = args->option[OPT_JSON] != NULL;
	if (args->option[OPT_HELP])
		return help_on(cli, c);
	status = check_operands(cli, args);
	if (status != CLI_DONE)
		return status;
	status = take_descriptor(cli, args->option[OPT_PASSWORD_FD], &cli->password_fd);
	if (status == CLI_DONE)
		status = take_descriptor(cli, args->option[OPT_PIN_FD], &cli->pin_fd);
	if (status != CLI_DONE)
		return status;
	ask_language(cli);
	return c->run(cli, args);
}

static int parse_and_run(struct cli *cli, int argc, char **argv)
{
	const char *wrong = NULL;
	struct args args;
	enum args_result result =
		args_parse(&args, argc, argv, cli->command->options, &wrong);
	int status;

	if (result == ARGS_NO_MEMORY)
		output_no_memory();
	status = result == ARGS_OK ? run(cli, &args) : wrong_usage(cli, result, wrong);
	args_done(&args);
	return status;
}

static int help(struct cli *cli, int argc, char **argv)
{
	int words = 0;
	const struct command *c = find(argc, argv, &words);

	if (c)
		return help_on(cli, c);
	if (argc == 0 || (argc == 1 && is_group(argv[0])))
		return help_list(cli, argc ? argv[0] : NULL);
	return unknown_command(cli, argc, argv);
}

static int dispatch(struct cli *cli, int argc, char **argv)
{
	int words = 0;

	if (argc == 0 || (argc == 1 && is_group(argv[0]))) {
		help_list(cli, argc ? argv[0] : NULL);
		return CLI_USAGE;
	}
	if (strcmp(argv[0], "--version") == 0) {
		puts("denshi " DENSHI_VERSION);
		return CLI_DONE;
	}
	if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0 ||
		strcmp(argv[0], "help") == 0)
		return help(cli, argc - 1, argv + 1);
	if (cli_is_program(argv[0]))
		return cli_program(cli, argv);
	if (argc == 2 && is_group(argv[0]) && strcmp(argv[1], "--help") == 0)
		return help_list(cli, argv[0]);
	cli->command = find(argc, argv, &words);
	if (!cli->command)
		return unknown_command(cli, argc, argv);
	return parse_and_run(cli, argc - words, argv + words);
}

/* Passwords pass through here: no core file, and no other process of the user may look in. */
static void guard_memory(void)
{
	const struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
}

int main(int argc, char **argv)
{
	struct cli cli = {.password_fd = -1, .pin_fd = -1};
	int status;

	guard_memory();
	output_start();
	cli.lang = den_lang_from_environment(&cli.lang_known);
	status = dispatch(&cli, argc - 1, argv + 1);
	/* An answer that couldn't be written was not given. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("denshi");
		return status == CLI_DONE ? CLI_REFUSED : status;
	}
	return status;
}
