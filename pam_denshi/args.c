#include "pam_denshi/args.h"

#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#include "core/duration.h"

enum kind { FLAG, CHOICE, WORD, PATH, DIGIT, NAMES, TIME };

#define EVERY (DENPAM_AUTH | DENPAM_ACCOUNT | DENPAM_PASSWORD | DENPAM_SESSION)
#define WORD_MAX 64

struct row {
	const char *name;
	enum kind kind;
	unsigned phases;
	size_t offset;
	const char *const *values; /* CHOICE */
	const char *allowed;
};

static const char *const certificate_values[] = {"required", "optional", "on-record", "off", NULL};
static const char *const approver_values[] = {"other", "any", NULL};
static const char *const of_values[] = {"user", "ruser", NULL};
/* What PAM tells of a transaction. */
static const char *const match_values[] = {"user", "ruser", "host", "rhost", "tty", "service", NULL};

#define AT(field) offsetof(struct denpam_args, field)
#define ALLOWED_WORD "1 to 64 half-width letters, digits, '-', '.' or '_'"
#define ALLOWED_FLAG "the word alone, without a value"

static const struct row rows[] = {
	{"certificate", CHOICE, DENPAM_AUTH | DENPAM_ACCOUNT, AT(certificate), certificate_values,
		"required, optional, on-record or off"},
	{"approve", FLAG, DENPAM_ACCOUNT, AT(approve), NULL, ALLOWED_FLAG},
	{"business", WORD, DENPAM_ACCOUNT, AT(business), NULL, ALLOWED_WORD},
	{"account", WORD, DENPAM_ACCOUNT, AT(account), NULL, ALLOWED_WORD},
	{"approver", CHOICE, DENPAM_ACCOUNT, AT(approver), approver_values, "other or any"},
	{"need", DIGIT, DENPAM_ACCOUNT, AT(need), NULL, "1 to 5"},
	{"match", NAMES, DENPAM_ACCOUNT, AT(match), match_values, "user, ruser, host, rhost, tty or service, with commas between"},
	{"once", FLAG, DENPAM_ACCOUNT, AT(once), NULL, ALLOWED_FLAG},
	{"within", TIME, DENPAM_ACCOUNT, AT(within), NULL, "a time as in 90s, 30m, 2h, at most 7d"},
	{"prompt", FLAG, DENPAM_ACCOUNT, AT(prompt), NULL, ALLOWED_FLAG},
	{"of", CHOICE, DENPAM_ACCOUNT, AT(of), of_values, "user or ruser"},
	{"use_first_pass", FLAG, DENPAM_AUTH | DENPAM_PASSWORD, AT(use_first_pass), NULL,
		ALLOWED_FLAG},
	{"try_first_pass", FLAG, DENPAM_AUTH | DENPAM_PASSWORD, AT(try_first_pass), NULL,
		ALLOWED_FLAG},
	{"use_authtok", FLAG, DENPAM_PASSWORD, AT(use_authtok), NULL, ALLOWED_FLAG},
	{"socket", PATH, EVERY, AT(socket), NULL, "an absolute path of at most 107 bytes"},
	{"debug", FLAG, EVERY, AT(debug), NULL, ALLOWED_FLAG},
	{"quiet", FLAG, EVERY, AT(quiet), NULL, ALLOWED_FLAG},
};

static const char known_names[] =
	"certificate=, approve, business=, account=, approver=, need=, match=, once, within=, prompt, of=, use_first_pass, try_first_pass, "
	"use_authtok, socket=, debug and quiet";

static const struct row *row_of(const char *argument, size_t len)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strlen(rows[i].name) == len && memcmp(rows[i].name, argument, len) == 0)
			return &rows[i];
	return NULL;
}

static const char **field_of(struct denpam_args *args, const struct row *row)
{
	return (const char **)((char *)args + row->offset);
}

/* Not isalnum(3): that follows the locale of the program. */
static int is_word(const char *s)
{
	size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._");

	return len >= 1 && len <= WORD_MAX && s[len] == '\0';
}

static int is_path(const char *s)
{
	return s[0] == '/' && strlen(s) < sizeof(((struct sockaddr_un *)NULL)->sun_path);
}

static int is_one_of(const char *const *values, const char *s, size_t len)
{
	for (const char *const *v = values; *v; v++)
		if (strlen(*v) == len && memcmp(*v, s, len) == 0)
			return 1;
	return 0;
}

static int are_names(const char *const *values, const char *s)
{
	for (;;) {
		size_t len = strcspn(s, ",");

		if (!is_one_of(values, s, len))
			return 0;
		if (!s[len])
			return 1;
		s += len + 1;
	}
}

/* value is NULL where the argument has no `=`. */
static int fits(const struct row *row, const char *value)
{
	if (row->kind == FLAG || !value)
		return row->kind == FLAG && !value;
	switch (row->kind) {
	case CHOICE:
		return is_one_of(row->values, value, strlen(value));
	case WORD:
		return is_word(value);
	case PATH:
		return is_path(value);
	case DIGIT:
		return value[0] >= '1' && value[0] <= '5' && !value[1];
	case NAMES:
		return are_names(row->values, value);
	case TIME:
		return den_duration_parse(value) > 0;
	case FLAG:
		break;
	}
	return 0;
}

static int wrong(struct denpam_args_error *error, const char *argument, const char *found,
	const char *allowed)
{
	*error = (struct denpam_args_error){argument, found, allowed};
	return -1;
}

/* Where an argument belongs that was found on another line. */
static const char *lines_of(const struct row *row)
{
	switch (row->phases) {
	case DENPAM_AUTH | DENPAM_ACCOUNT:
		return "it on auth and account lines";
	case DENPAM_AUTH | DENPAM_PASSWORD:
		return "it on auth and password lines";
	case DENPAM_PASSWORD:
		return "it on password lines";
	default:
		return "it on account lines";
	}
}

static int parse_one(struct denpam_args *args, enum denpam_phase phase, const char *argument,
	struct denpam_args_error *error)
{
	size_t len = strcspn(argument, "=");
	const char *value = argument[len] ? argument + len + 1 : NULL;
	const struct row *row = row_of(argument, len);

	if (!row)
		return wrong(error, argument, "an unknown argument", known_names);
	if (!(row->phases & phase))
		return wrong(error, row->name, "it on a line where it has no meaning",
			lines_of(row));
	if (!fits(row, value))
		return wrong(error, row->name, value ? value : "no value", row->allowed);
	if (*field_of(args, row))
		return wrong(error, row->name, "it twice", "it once");
	*field_of(args, row) = value ? value : argument;
	return 0;
}

static const char *const with_approve[] = {"business", "account", "approver", "need", "match", "once", "within",
	"prompt", "of"};

/* What one argument demands of the others. */
static int check_together(struct denpam_args *args, struct denpam_args_error *error)
{
	if (args->approve && !args->business)
		return wrong(error, "approve", "no business=",
			"approve together with business=NAME");
	for (size_t i = 0; !args->approve && i < sizeof(with_approve) / sizeof(with_approve[0]); i++)
		if (*field_of(args, row_of(with_approve[i], strlen(with_approve[i]))))
			return wrong(error, with_approve[i], "no approve", "it together with approve");
	if (args->once && args->within)
		return wrong(error, "within", "once as well", "one of the two");
	if (args->within && args->prompt)
		return wrong(error, "prompt", "within= as well", "one of the two");
	if (args->use_first_pass && args->try_first_pass)
		return wrong(error, "try_first_pass", "use_first_pass as well", "one of the two");
	return 0;
}

int denpam_args_of_ruser(int argc, const char *const *argv)
{
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "of=ruser") == 0)
			return 1;
	return 0;
}

int denpam_args_parse(struct denpam_args *args, enum denpam_phase phase, int argc,
	const char *const *argv, struct denpam_args_error *error)
{
	*args = (struct denpam_args){0};
	for (int i = 0; i < argc; i++)
		if (parse_one(args, phase, argv[i], error) != 0)
			return -1;
	if (check_together(args, error) != 0)
		return -1;
	if (!args->certificate)
		args->certificate = "required";
	if (!args->approver)
		args->approver = "other";
	if (!args->of)
		args->of = "user";
	return 0;
}
