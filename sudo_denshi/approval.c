/*
 * denshi_approval.so: sudo's approval plugin (sudo_plugin(5), 1.9 and later). What sudoers allows a denshi user, somebody
 * else must have approved as well: this command line, as that user, on this host. It is asked last, after the policy and
 * just before the command is run, and what it is told is what will be run.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sudo_plugin.h>

#include "api/approval.h"
#include "core/duration.h"
#include "core/loginid.h"
#include "core/text.h"

#define COMMAND_SIZE 4096
#define WORDS_MAX 128
#define MATCH "host,runas,command"

/* Of one sudo, from open to close. */
static struct {
	sudo_printf_t print;
	struct denshi_demand demand;
	const char *user, *tty, *directory;
	char why[512]; /* what *errstr points to */
} plugin;

/* The value of NAME=VALUE; NULL: there is none. */
static const char *value_of(char *const list[], const char *name)
{
	size_t len = strlen(name);

	for (; list && *list; list++)
		if (strncmp(*list, name, len) == 0 && (*list)[len] == '=')
			return *list + len + 1;
	return NULL;
}

/* sudo itself logs *errstr, and shows it to nobody. */
static int fail(const char **errstr, const char *what, const char *which)
{
	snprintf(plugin.why, sizeof(plugin.why), "denshi_approval: %s%s", what, which);
	if (plugin.print)
		plugin.print(SUDO_CONV_ERROR_MSG, "sudo: %s\n", plugin.why);
	if (errstr)
		*errstr = plugin.why;
	return -1;
}

/* -- options of the line in sudo.conf ------------------------------------------------------ */

static int take_option(const char *option)
{
	struct denshi_demand *d = &plugin.demand;
	const char *value = strchr(option, '=');
	size_t len = value ? (size_t)(value++ - option) : strlen(option);
	int64_t within;

	if (!value)
		return -1;
	if (len == 8 && memcmp(option, "business", len) == 0) {
		d->business = value;
	} else if (len == 7 && memcmp(option, "account", len) == 0) {
		d->account = value;
	} else if (len == 6 && memcmp(option, "socket", len) == 0) {
		d->socket = value;
	} else if (len == 8 && memcmp(option, "approver", len) == 0) {
		d->any_approver = strcmp(value, "any") == 0;
		return d->any_approver || strcmp(value, "other") == 0 ? 0 : -1;
	} else if (len == 4 && memcmp(option, "need", len) == 0) {
		d->need = (unsigned)(value[0] - '0');
		return value[0] >= '1' && value[0] <= '5' && !value[1] ? 0 : -1;
	} else if (len == 6 && memcmp(option, "within", len) == 0) {
		within = den_duration_parse(value);
		d->within_s = within > 0 ? (unsigned)within : 0;
		return within > 0 ? 0 : -1;
	} else {
		return -1;
	}
	return *value ? 0 : -1;
}

static int plugin_open(unsigned int version, sudo_conv_t conversation, sudo_printf_t print, char *const settings[],
	char *const user_info[], int submit_optind, char *const submit_argv[], char *const submit_envp[],
	char *const options[], const char **errstr)
{
	const struct denshi_demand fresh = DENSHI_DEMAND_INIT;

	(void)conversation, (void)settings, (void)submit_optind, (void)submit_argv;
	plugin.print = print;
	if (SUDO_API_VERSION_GET_MAJOR(version) != SUDO_API_VERSION_MAJOR)
		return fail(errstr, "another version of sudo's interface than ", "1");
	plugin.demand = fresh;
	plugin.demand.business = "sudo";
	plugin.demand.service = "sudo";
	plugin.demand.match = MATCH;
	/* The user's: sudo's own environment has another by now. */
	plugin.demand.locale = den_locale_in(submit_envp);
	plugin.user = value_of(user_info, "user");
	plugin.tty = value_of(user_info, "tty");
	plugin.directory = value_of(user_info, "cwd");
	for (; options && *options; options++)
		if (take_option(*options) != 0)
			return fail(errstr, "sudo.conf: business=, account=, approver=other|any, need=1 to 5, within=2h and socket= are "
					    "allowed; found ", *options);
	return plugin.user ? 1 : fail(errstr, "sudo doesn't say who asks", "");
}

static void plugin_close(void)
{
}

/* -- what is asked for ---------------------------------------------------------------------------- */

/* The words that will be run: the file itself, then the arguments. NULL, or what stands in the way. */
static const char *command_of(char *const info[], char *const argv[], char text[COMMAND_SIZE])
{
	const char *words[WORDS_MAX], *path = value_of(info, "command");
	size_t n = 0;

	if (!path || path[0] != '/' || value_of(info, "sudoedit"))
		return "only a command with an absolute path can be approved, and not sudoedit";
	if (value_of(info, "chroot"))
		return "a command in another root can't be approved";
	words[n++] = path;
	for (size_t i = 1; argv && argv[0] && argv[i]; i++) {
		if (n == WORDS_MAX)
			return "too many arguments";
		words[n++] = argv[i];
	}
	return denshi_command_text(text, COMMAND_SIZE, words, n) == 0 ? NULL :
		"the command line is too long, or has control characters";
}

static void name_of_target(char *const info[], char name[64])
{
	const char *uid = value_of(info, "runas_uid");
	char *end = NULL;
	unsigned long number = uid ? strtoul(uid, &end, 10) : 0;
	struct passwd *p = uid && *uid && !*end ? getpwuid((uid_t)number) : NULL;

	if (p)
		snprintf(name, 64, "%s", p->pw_name);
	else
		snprintf(name, 64, "#%s", uid ? uid : "?");
}

/* How it is asked for: with the words as they will be. */
static void say_how(const char *target, const char *command, const struct denshi_answer *answer)
{
	const char *args[] = {plugin.demand.business, plugin.demand.account ? " --account " : "",
		plugin.demand.account ? plugin.demand.account : "", target, command};
	char text[DEN_TEXT_MAX + COMMAND_SIZE];

	den_text_format(text, sizeof(text), den_lang_from_name(answer->language), DEN_SUDO_HOW, args, 5);
	plugin.print(SUDO_CONV_ERROR_MSG, "sudo: %s [%s]\n", text, answer->code);
}

static int is_missing(const char *code)
{
	return strcmp(code, den_code_name(DEN_APPROVAL_MISSING)) == 0 ||
		strcmp(code, den_code_name(DEN_REQUEST_UNBOUND)) == 0 ||
		strcmp(code, den_code_name(DEN_REQUEST_ELSEWHERE)) == 0 ||
		strcmp(code, den_code_name(DEN_REQUEST_EXPIRED)) == 0;
}

static int refuse(const struct denshi_answer *answer, const char *target, const char *command, const char **errstr)
{
	if (is_missing(answer->code))
		say_how(target, command, answer);
	else
		plugin.print(SUDO_CONV_ERROR_MSG, "sudo: %s [%s]\n", answer->message, answer->code);
	/* For sudo's own log. */
	snprintf(plugin.why, sizeof(plugin.why), "denshi: %.60s", answer->code);
	if (errstr)
		*errstr = plugin.why;
	return 0;
}

static int plugin_check(char *const info[], char *const argv[], char *const envp[], const char **errstr)
{
	char command[COMMAND_SIZE], target[64], facts[6][COMMAND_SIZE + 16];
	const char *list[7] = {facts[0], facts[1], facts[2]}, *cwd = value_of(info, "cwd");
	struct denshi_answer answer;
	const char *problem;
	size_t n = 3;

	(void)envp;
	/* Root and the machine's own users aren't denshi's business (R-ID-2). */
	if (!den_login_id_is_ours(plugin.user))
		return 1;
	problem = command_of(info, argv, command);
	if (problem) {
		(void)fail(errstr, problem, "");
		return 0;
	}
	name_of_target(info, target);
	snprintf(facts[0], sizeof(facts[0]), "command=%s", command);
	snprintf(facts[1], sizeof(facts[1]), "runas=%s", target);
	snprintf(facts[2], sizeof(facts[2]), "user=%s", plugin.user);
	if (plugin.tty && snprintf(facts[n], sizeof(facts[n]), "tty=%s", plugin.tty) > 4)
		list[n] = facts[n], n++;
	if ((cwd || plugin.directory) &&
		snprintf(facts[n], sizeof(facts[n]), "directory=%.2048s", cwd ? cwd : plugin.directory) > 10)
		list[n] = facts[n], n++;
	snprintf(facts[n], sizeof(facts[n]), "service=sudo");
	list[n] = facts[n];
	plugin.demand.login = plugin.user;
	plugin.demand.facts = list;
	if (denshi_approval_use(&plugin.demand, &answer) != DENSHI_GRANTED)
		return refuse(&answer, target, command, errstr);
	plugin.print(SUDO_CONV_INFO_MSG, "sudo: %s\n", answer.message);
	return 1;
}

static int plugin_show_version(int verbose)
{
	(void)verbose;
	plugin.print(SUDO_CONV_INFO_MSG, "denshi approval plugin version " DENSHI_VERSION "\n");
	return 1;
}

extern const struct approval_plugin denshi_approval;
__attribute__((visibility("default"))) const struct approval_plugin denshi_approval = {
	.type = SUDO_APPROVAL_PLUGIN,
	.version = SUDO_API_VERSION,
	.open = plugin_open,
	.close = plugin_close,
	.check = plugin_check,
	.show_version = plugin_show_version,
};
