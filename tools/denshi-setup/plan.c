/* What is asked for: options, their checks, the users and programs that must be there. */
#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/password.h"
#include "crypto/digest.h"
#include "directory/normalise.h"
#include "directory/numbers.h"
#include "tools/server/program.h"
#include "tools/denshi-setup/setup.h"
#include "tools/server/network.h"

enum option_key {
	O_ORGANISATION = 1,
	O_NAME,
	O_MASTER,
	O_MASTER_NAME,
	O_MASTER_MAIL,
	O_LANGUAGE,
	O_URI,
	O_STATE,
	O_HOST,
	O_ACCOUNTS,
	O_SAMPLE_ACCOUNTS,
	O_PASSWORD_FD,
	O_GENERATE,
	O_MEMORY,
	O_PASSES,
	O_FIRST_UID,
	O_LAST_UID,
	O_FIRST_GID,
	O_SCHEMA_DIR,
	O_CONFIG,
	O_DRY_RUN,
	O_YES,
	O_REMOVE,
	O_NETWORK,
	O_PORT,
	O_JOIN,
	O_EXISTING,
	O_SLAPD_CONFIG,
	O_HELP,
};

static const struct option options[] = {
	{"organisation", required_argument, NULL, O_ORGANISATION},
	{"name", required_argument, NULL, O_NAME},
	{"master", required_argument, NULL, O_MASTER},
	{"master-name", required_argument, NULL, O_MASTER_NAME},
	{"master-mail", required_argument, NULL, O_MASTER_MAIL},
	{"language", required_argument, NULL, O_LANGUAGE},
	{"uri", required_argument, NULL, O_URI},
	{"state", required_argument, NULL, O_STATE},
	{"host", required_argument, NULL, O_HOST},
	{"accounts", required_argument, NULL, O_ACCOUNTS},
	{"sample-accounts", no_argument, NULL, O_SAMPLE_ACCOUNTS},
	{"password-fd", required_argument, NULL, O_PASSWORD_FD},
	{"generate", no_argument, NULL, O_GENERATE},
	{"argon2-memory", required_argument, NULL, O_MEMORY},
	{"argon2-passes", required_argument, NULL, O_PASSES},
	{"first-uid", required_argument, NULL, O_FIRST_UID},
	{"last-uid", required_argument, NULL, O_LAST_UID},
	{"first-gid", required_argument, NULL, O_FIRST_GID},
	{"schema-dir", required_argument, NULL, O_SCHEMA_DIR},
	{"config", required_argument, NULL, O_CONFIG},
	{"dry-run", no_argument, NULL, O_DRY_RUN},
	{"yes", no_argument, NULL, O_YES},
	{"remove", no_argument, NULL, O_REMOVE},
	{"network", no_argument, NULL, O_NETWORK},
	{"port", required_argument, NULL, O_PORT},
	{"join", required_argument, NULL, O_JOIN},
	{"existing", required_argument, NULL, O_EXISTING},
	{"slapd-config", required_argument, NULL, O_SLAPD_CONFIG},
	{"help", no_argument, NULL, O_HELP},
	{NULL, 0, NULL, 0},
};

/* Numbers that an option may have. */
static const struct number {
	int key;
	const char *name;
	size_t offset;
	unsigned otherwise, min, max;
} numbers[] = {
	{O_PASSWORD_FD, "--password-fd", offsetof(struct setup, password_fd), (unsigned)-1, 0, 65535},
	/* 19 MiB and two passes, the OWASP minimum for Argon2id with one lane */
	{O_MEMORY, "--argon2-memory", offsetof(struct setup, memory_kib), 19456, 1024, 4194304},
	{O_PASSES, "--argon2-passes", offsetof(struct setup, passes), 2, 1, 100},
	{O_PORT, "--port", offsetof(struct setup, port), NETWORK_PORT, 1, 65535},
	{O_FIRST_UID, "--first-uid", offsetof(struct setup, first_uid), 200001, 200001, 2000000000},
	{O_LAST_UID, "--last-uid", offsetof(struct setup, last_uid), DENDIR_UID_LAST, 200001, DENDIR_UID_LAST},
	{O_FIRST_GID, "--first-gid", offsetof(struct setup, first_gid), 300001, 200001, 2000000000},
};
#define NUMBERS (sizeof(numbers) / sizeof(numbers[0]))

/* What was given, before it is checked. */
struct given {
	const char *org, *org_name, *master, *master_name, *mail, *lang, *uri, *host;
	char typed_name[DEN_NAME_SIZE + 2], typed_mail[DEN_MAIL_MAX + 3];
	int wrong, refused;
};

static void put_number(struct setup *s, const struct number *n, unsigned value)
{
	memcpy((char *)s + n->offset, &value, sizeof(value));
}

static void defaults(struct setup *s)
{
	for (size_t i = 0; i < NUMBERS; i++)
		put_number(s, &numbers[i], numbers[i].otherwise);
	s->lang = den_lang_from_environment(NULL);
	s->state = SET_STATE;
	s->schema_dir = DENSHI_DATADIR "/ldap-schema";
	s->config_path = DEN_CONFIG_PATH;
	s->slapd_config = "/etc/ldap/slapd.d";
}

static void missing(struct setup *s, struct given *g, const char *option)
{
	fail(s, DEN_SETUP_MISSING, option, NULL);
	g->wrong = 1;
}

static void wrong(struct setup *s, struct given *g, const char *option, const char *found, enum den_code allowed)
{
	char may[DEN_TEXT_MAX];
	const char *limits[] = {"1", allowed == DEN_CONFIG_ORGANISATION ? "32" : "64"};

	den_text_format(may, sizeof(may), s->lang, allowed, limits, 2);
	fail(s, DEN_SETUP_OPTION, option, found, may, NULL);
	g->wrong = 1;
}

static void wrong_number(struct setup *s, struct given *g, const char *option, const char *found, unsigned least,
	unsigned most)
{
	char min[16], max[16], may[DEN_TEXT_MAX];
	const char *limits[] = {min, max};

	snprintf(min, sizeof(min), "%u", least);
	snprintf(max, sizeof(max), "%u", most);
	den_text_format(may, sizeof(may), s->lang, DEN_CONFIG_NUMBER, limits, 2);
	fail(s, DEN_SETUP_OPTION, option, found, may, NULL);
	g->wrong = 1;
}

static void take_number(struct setup *s, struct given *g, const struct number *n, const char *text)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno && value >= n->min && value <= n->max) {
		put_number(s, n, (unsigned)value);
		return;
	}
	wrong_number(s, g, n->name, text, n->min, n->max);
}

static void take_text(struct setup *s, struct given *g, int key, const char *text)
{
	const char **where[] = {
		[O_ORGANISATION] = &g->org,	[O_NAME] = &g->org_name,
		[O_MASTER] = &g->master,	[O_MASTER_NAME] = &g->master_name,
		[O_MASTER_MAIL] = &g->mail,	[O_LANGUAGE] = &g->lang,
		[O_URI] = &g->uri,		[O_STATE] = &s->state,
		[O_HOST] = &g->host,		[O_ACCOUNTS] = &s->accounts_file,
		[O_SCHEMA_DIR] = &s->schema_dir, [O_CONFIG] = &s->config_path,
		[O_JOIN] = &s->join_file,	[O_EXISTING] = &s->existing,
		[O_SLAPD_CONFIG] = &s->slapd_config, [O_HELP] = NULL,
	};
	int *const flags[] = {
		[O_SAMPLE_ACCOUNTS] = &s->sample, [O_GENERATE] = &s->generate, [O_DRY_RUN] = &s->dry_run,
		[O_YES] = &s->yes, [O_REMOVE] = &s->remove, [O_NETWORK] = &s->network,
		[O_HELP] = NULL,
	};

	if (where[key])
		*where[key] = text;
	else if (flags[key])
		*flags[key] = 1;
	for (size_t i = 0; i < NUMBERS; i++)
		if (numbers[i].key == key)
			take_number(s, g, &numbers[i], text);
}

/* -- checks ------------------------------------------------------------------------------ */

static void check_name(struct setup *s, struct given *g, const char *option, const char *text, char *out)
{
	if (!text) {
		missing(s, g, option);
	} else if (dendir_normalise(out, DEN_NAME_SIZE, text) < 0 || !den_name_is_valid(out, strlen(out))) {
		fail(s, DEN_SETUP_NAME, option, text, NULL);
		g->wrong = 1;
	}
}

static void check_setting(struct setup *s, struct given *g, const char *setting, const char *option,
	const char *text, char *out, size_t size, enum den_code allowed)
{
	if (!text)
		missing(s, g, option);
	else if (!den_config_allows(setting, text))
		wrong(s, g, option, text, allowed);
	else
		snprintf(out, size, "%s", text);
}

static void check_path(struct setup *s, struct given *g, const char *option, const char *path)
{
	if (!den_config_allows("snapshot", path) || strlen(path) > 200)
		wrong(s, g, option, path, DEN_CONFIG_ABSOLUTE_PATH);
}

static void check_range(struct setup *s, struct given *g)
{
	char last[16];

	snprintf(last, sizeof(last), "%u", s->last_uid);
	if (s->last_uid < s->first_uid)
		wrong_number(s, g, "--last-uid", last, s->first_uid, DENDIR_UID_LAST);
}

/* Asked for where a person gave only the login ID; the address twice (R-MAIL-1). */
static void ask_missing(struct setup *s, struct given *g)
{
	char again[sizeof(g->typed_mail)];

	if (!g->master_name && ask_line(s, DEN_SETUP_ASK_NAME, g->typed_name, sizeof(g->typed_name)) == 0)
		g->master_name = g->typed_name;
	if (g->mail || ask_line(s, DEN_SETUP_ASK_MAIL, g->typed_mail, sizeof(g->typed_mail)) != 0)
		return;
	if (ask_line(s, DEN_SETUP_ASK_MAIL_AGAIN, again, sizeof(again)) == 0 && strcmp(g->typed_mail, again) == 0) {
		g->mail = g->typed_mail;
	} else {
		fail(s, DEN_FIELD_MAIL_MISMATCH, NULL);
		g->wrong = 1;
	}
}

static void check_master(struct setup *s, struct given *g)
{
	if (g->master && !g->wrong)
		ask_missing(s, g);
	if (!g->master) {
		missing(s, g, "--master");
	} else if (den_login_id_parse(s->master, g->master, strlen(g->master)) != 0) {
		fail(s, DEN_FIELD_LOGIN_ID, g->master, NULL);
		g->wrong = 1;
	}
	check_name(s, g, "--master-name", g->master_name, s->master_name);
	if (!g->mail) {
		missing(s, g, "--master-mail");
	} else if (!den_mail_is_valid(g->mail, strlen(g->mail))) {
		fail(s, DEN_FIELD_MAIL, NULL);
		g->wrong = 1;
	} else {
		snprintf(s->mail, sizeof(s->mail), "%s", g->mail);
	}
}

/* A local socket: only there root is the server's administrator. */
static void check_existing(struct setup *s, struct given *g)
{
	if (!s->existing)
		return;
	if (strcmp(s->existing, "ldapi:///") == 0)
		s->existing = "ldapi://%2Fvar%2Frun%2Fslapd%2Fldapi";
	if (strncmp(s->existing, "ldapi:", 6) != 0 || !den_config_allows("writer", s->existing))
		wrong(s, g, "--existing", s->existing, DEN_CONFIG_URI);
	if (s->network) {
		fail(s, DEN_EXISTING_NO_NETWORK, NULL);
		g->wrong = 1;
	}
	check_path(s, g, "--slapd-config", s->slapd_config);
	if (!g->uri)
		g->uri = s->existing;
}

static void check(struct setup *s, struct given *g)
{
	struct den_config config;

	check_path(s, g, "--state", s->state);
	check_path(s, g, "--config", s->config_path);
	if (s->remove || s->join_file)
		return;
	/* Before anybody is asked for a second one's data. */
	if (!g->wrong && files_in_use(s)) {
		g->refused = fail(s, DEN_SETUP_EXISTS, s->state, NULL) != 0;
		return;
	}
	den_config_defaults(&config);
	check_setting(s, g, "organisation", "--organisation", g->org, s->org, sizeof(s->org),
		DEN_CONFIG_ORGANISATION);
	check_existing(s, g);
	check_setting(s, g, "uri", "--uri", g->uri ? g->uri : config.uri, s->uri, sizeof(s->uri), DEN_CONFIG_URI);
	check_setting(s, g, "host", "--host", g->host ? g->host : config.host, s->host, sizeof(s->host),
		DEN_CONFIG_HOST);
	if (g->org_name || g->org)
		check_name(s, g, "--name", g->org_name ? g->org_name : g->org, s->org_name);
	check_master(s, g);
	check_range(s, g);
	check_path(s, g, "--schema-dir", s->schema_dir);
	s->org_lang = g->lang ? den_lang_from_name(g->lang) : s->lang;
	if (g->lang && !den_config_allows("language", g->lang))
		wrong(s, g, "--language", g->lang, DEN_CONFIG_LANGUAGE);
}

int plan_options(struct setup *s, int argc, char **argv)
{
	struct given g = {0};
	int key;

	defaults(s);
	opterr = 0;
	while ((key = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (key == '?' || key == ':') {
			fail(s, DEN_SETUP_UNKNOWN_OPTION, argv[optind - 1], NULL);
			g.wrong = 1;
		} else if (key == O_HELP) {
			say(s, DEN_SETUP_USAGE, NULL);
			return 0;
		} else {
			take_text(s, &g, key, optarg);
		}
	}
	if (optind < argc) {
		fail(s, DEN_SETUP_UNKNOWN_OPTION, argv[optind], NULL);
		g.wrong = 1;
	}
	if (argc <= 1) {
		say(s, DEN_SETUP_USAGE, NULL);
		return 2;
	}
	check(s, &g);
	return g.refused ? 1 : g.wrong ? 2 : PLAN_GO_ON;
}

/* -- accounts ------------------------------------------------------------------------------ */

static int add_account(struct setup *s, const char *id, const char *label)
{
	struct setup_account *more;

	for (const char *p = id; *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", *p))
			return -1;
	if (!*id || strlen(id) > 32 || id[0] == '-' || id[strlen(id) - 1] == '-' ||
		s->naccounts == SETUP_ACCOUNTS_MAX)
		return -1;
	for (size_t i = 0; i < s->naccounts; i++)
		if (strcmp(s->accounts[i].id, id) == 0)
			return -1;
	more = reallocarray(s->accounts, s->naccounts + 1, sizeof(*more));
	if (!more)
		return -1;
	s->accounts = more;
	more += s->naccounts;
	snprintf(more->id, sizeof(more->id), "%s", id);
	if (dendir_normalise(more->label, sizeof(more->label), label) < 1 ||
		den_characters(more->label, strlen(more->label)) < 1 ||
		den_characters(more->label, strlen(more->label)) > SETUP_LABEL_CHARACTERS)
		return -1;
	s->naccounts++;
	return 0;
}

static int read_accounts(struct setup *s)
{
	FILE *f = fopen(s->accounts_file, "re");
	char *line = NULL, number[16];
	size_t size = 0;
	int result = 0;

	if (!f)
		return fail(s, DEN_SETUP_FILE, s->accounts_file, strerror(errno), NULL);
	for (unsigned n = 1; getline(&line, &size, f) > 0; n++) {
		char *tab = strchr(line, '\t');

		line[strcspn(line, "\r\n")] = '\0';
		if (!*line || *line == '#')
			continue;
		if (tab)
			*tab = '\0';
		snprintf(number, sizeof(number), "%u", n);
		if (!tab || add_account(s, line, tab + 1) != 0)
			result = fail(s, DEN_SETUP_ACCOUNT, s->accounts_file, number, line, NULL);
	}
	free(line);
	fclose(f);
	return result;
}

static int sample_accounts(struct setup *s)
{
	int ja = s->org_lang == DEN_LANG_JA;

	if (add_account(s, "001-1234567", ja ? "本店 当座預金" : "Head office, current account") != 0 ||
		add_account(s, "002-7654321", ja ? "大阪支店 普通預金" : "Osaka branch, ordinary account") != 0)
		return fail(s, DEN_SETUP_ACCOUNT, "--sample-accounts", "1", "001-1234567", NULL);
	return 0;
}

/* -- surroundings ------------------------------------------------------------------------------- */

static int find_user(const struct setup *s, const char *name, struct unix_user *user)
{
	const struct passwd *found = getpwnam(name);

	if (!found || found->pw_uid == 0)
		return fail(s, DEN_SETUP_NO_USER, name, NULL);
	user->uid = found->pw_uid;
	user->gid = found->pw_gid;
	return 0;
}

static int find_program(const struct setup *s, const char *path)
{
	return access(path, X_OK) == 0 ? 0 : fail(s, DEN_SETUP_NO_PROGRAM, path, NULL);
}

int plan_host(struct setup *s)
{
	return find_user(s, "denshi", &s->denshid_user);
}

/* Without it the rules of the directory have a hole: no directory then. */
static int find_guard(const struct setup *s)
{
	static const char path[] = LDAP_MODULES "/" LDAP_GUARD ".so";

	return access(path, R_OK) == 0 ? 0 : fail(s, DEN_SETUP_NO_PROGRAM, path, NULL);
}

int plan_surroundings(struct setup *s)
{
	int result = 0;

	result |= find_user(s, "openldap", &s->directory_user);
	result |= find_user(s, "denshi", &s->denshid_user);
	result |= find_user(s, "denshi-ca", &s->ca_user);
	result |= find_program(s, PROGRAM_SLAPADD);
	result |= find_program(s, PROGRAM_SLAPD);
	result |= find_guard(s);
	s->argon2id = access(LDAP_MODULES "/" LDAP_ARGON2ID ".so", R_OK) == 0;
	if (s->accounts_file)
		result |= read_accounts(s);
	if (s->sample)
		result |= sample_accounts(s);
	return result;
}

void plan_show(const struct setup *s)
{
	char master[DEN_NAME_SIZE + 64], memory[16], passes[16], port[16];

	say(s, DEN_SETUP_SHOW_ORGANISATION, s->org, s->org_name, den_lang_name(s->org_lang), NULL);
	snprintf(master, sizeof(master), "%s (%s)", s->master, s->master_name);
	say(s, DEN_SETUP_SHOW_MASTER, master, s->mail, NULL);
	say(s, DEN_SETUP_SHOW_HOST, s->host, s->uri, s->state, NULL);
	snprintf(port, sizeof(port), "%u", s->port);
	if (s->network)
		say(s, DEN_SETUP_SHOW_NETWORK, s->host, port, NULL);
	snprintf(memory, sizeof(memory), "%u", s->memory_kib);
	snprintf(passes, sizeof(passes), "%u", s->passes);
	say(s, s->argon2id ? DEN_SETUP_SHOW_ARGON2ID : DEN_SETUP_SHOW_ARGON2I, memory, passes, NULL);
	for (size_t i = 0; i < s->naccounts; i++)
		say(s, DEN_SETUP_SHOW_ACCOUNT, s->accounts[i].id, s->accounts[i].label, NULL);
}

/* -- the master's initial login password ------------------------------------------------------------ */

static int check_password(const struct setup *s)
{
	const struct den_password_policy *policy = den_password_preset("densai");
	unsigned broken = den_password_check(policy, DEN_PASSWORD_INITIAL, s->master,
		den_secret_bytes(s->password), den_secret_len(s->password));

	for (unsigned rule = 0; rule < DEN_RULES; rule++) {
		unsigned limit = 0;
		char text[16];
		int code;

		if (!(broken & (1u << rule)))
			continue;
		code = den_password_rule_code(policy, DEN_PASSWORD_INITIAL, rule, &limit);
		snprintf(text, sizeof(text), "%u", limit);
		fail(s, (enum den_code)code, text, NULL);
	}
	return broken ? -1 : 0;
}

static int generate(struct setup *s)
{
	char made[13]; /* 60 random bits, in letters and digits that aren't taken for others */

	if (dencrypt_random_id(made, sizeof(made)) != DENCRYPT_OK || den_secret_set(s->password, made, 12) != 0)
		return fail(s, DEN_SETUP_NO_PASSWORD, strerror(errno), NULL);
	explicit_bzero(made, sizeof(made));
	return 0;
}

static int ask_twice(struct setup *s)
{
	struct den_secret *again = den_secret_new();
	int result = -1;

	if (!again)
		return fail(s, DEN_SETUP_NO_PASSWORD, strerror(errno), NULL);
	if (ask_secret(s, DEN_ASK_INITIAL, s->password) == 0 &&
		ask_secret(s, DEN_ASK_INITIAL_AGAIN, again) == 0)
		result = den_secret_equal(s->password, again) ? 0 : fail(s, DEN_PW_MISMATCH, NULL);
	den_secret_free(again);
	return result;
}

int plan_password(struct setup *s)
{
	int result;

	s->password = den_secret_new();
	if (!s->password)
		return fail(s, DEN_SETUP_NO_PASSWORD, strerror(errno), NULL);
	if (s->generate)
		return generate(s);
	if (s->password_fd < 0)
		result = ask_twice(s);
	else if (den_secret_read_line(s->password, s->password_fd) != 0)
		result = fail(s, DEN_SETUP_NO_PASSWORD, strerror(errno), NULL);
	else
		result = 0;
	return result == 0 ? check_password(s) : -1;
}
