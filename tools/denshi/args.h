/*
 * The command line: options are rows of one table, a command names the ones it
 * takes. Options may stand anywhere, `--` ends them, `--name=value` and
 * `--name value` are the same, none may be given twice.
 */
#ifndef DENSHI_CLI_ARGS_H
#define DENSHI_CLI_ARGS_H

#include "core/text.h"

/* OPTION(identifier, name, value's name or NULL, help) */
#define OPTIONS(OPTION)                                                                            \
	OPTION(NAME, "name", "NAME")                                                               \
	OPTION(MAIL, "mail", "ADDRESS")                                                            \
	OPTION(ROLE, "role", "master|general")                                                     \
	OPTION(LANGUAGE, "language", "en|ja")                                                      \
	OPTION(LOGIN, "login", "LOGIN")                                                            \
	OPTION(OUTPUT, "output", "FILE.p12")                                                       \
	OPTION(PEM, "pem", "FILE")                                                                 \
	OPTION(TOKEN, "token", "LABEL|URI")                                                        \
	OPTION(RSA, "rsa", NULL)                                                                   \
	OPTION(VIA, "via", "HOST")                                                                 \
	OPTION(BROWSER, "browser", "edge|chromium|firefox")                                        \
	OPTION(FORMAT, "format", "json|reg|ie-sites")                                              \
	OPTION(IE_MODE, "ie-mode", "URL")                                                          \
	OPTION(CA, "ca", "FILE")                                                                   \
	OPTION(ACCOUNT, "account", "ACCOUNT")                                                      \
	OPTION(LABEL, "label", "TEXT")                                                             \
	OPTION(LABEL_EN, "label-en", "TEXT")                                                       \
	OPTION(LABEL_JA, "label-ja", "TEXT")                                                       \
	OPTION(APPROVAL_FREE, "approval-free", NULL)                                               \
	OPTION(SELF_APPROVAL, "self-approval", "yes|no")                                           \
	OPTION(SIGNED, "signed", "required|off")                                                   \
	OPTION(SUBJECT, "subject", "TEXT")                                                         \
	OPTION(AMOUNT, "amount", "AMOUNT")                                                         \
	OPTION(ATTACH, "attach", "FILE")                                                           \
	OPTION(DIGEST, "digest", "SHA-256")                                                        \
	OPTION(NEED, "need", "N")                                                                  \
	OPTION(FOR, "for", "NAME=VALUE,...")                                                       \
	OPTION(RUN_AS, "run-as", "USER")                                                           \
	OPTION(COMMAND, "command", NULL)                                                           \
	OPTION(MATCH, "match", "NAME,...")                                                         \
	OPTION(WITHIN, "within", "TIME")                                                           \
	OPTION(APPROVER, "approver", "other|any")                                                  \
	OPTION(USE, "use", NULL)                                                                   \
	OPTION(WATCH, "watch", NULL)                                                               \
	OPTION(CURRENCY, "currency", "CUR,...")                                                    \
	OPTION(NEED_FROM, "need-from", "AMOUNT N,...")                                             \
	OPTION(LIMITS, "limits", "LOGIN AMOUNT,...")                                               \
	OPTION(VERIFY, "verify", NULL)                                                             \
	OPTION(HOST, "host", "HOST")                                                               \
	OPTION(USER, "user", "LOGIN")                                                              \
	OPTION(SINCE, "since", "DATE|TIME")                                                        \
	OPTION(REASON, "reason", "TEXT")                                                           \
	OPTION(MINE, "mine", NULL)                                                                 \
	OPTION(TO_APPROVE, "to-approve", NULL)                                                     \
	OPTION(ALL, "all", NULL)                                                                   \
	OPTION(APPROVAL, "approval", NULL)                                                         \
	OPTION(BUSINESS, "business", NULL)                                                         \
	OPTION(HISTORY, "history", NULL)                                                           \
	OPTION(LIMIT, "limit", "N")                                                                \
	OPTION(BEFORE, "before", "SERIAL")                                                         \
	OPTION(GENERATE, "generate", NULL)                                                         \
	OPTION(PASSWORDS, "passwords", "FILE")                                                     \
	OPTION(DRY_RUN, "dry-run", NULL)                                                           \
	OPTION(YES, "yes", NULL)                                                                   \
	OPTION(PASSWORD_FD, "password-fd", "N")                                                    \
	OPTION(PIN_FD, "pin-fd", "N")                                                              \
	OPTION(JSON, "json", NULL)                                                                 \
	OPTION(HELP, "help", NULL)

enum option {
#define OPTION(id, name, value) OPT_##id,
	OPTIONS(OPTION)
#undef OPTION
	OPT_COUNT
};

struct option_row {
	const char *name, *value;
	enum den_code help;
};

extern const struct option_row option_rows[OPT_COUNT];

/* Strings belong to argv. A flag that was given has the value "". */
struct args {
	const char *option[OPT_COUNT];
	const char **operand;
	int operands;
};

enum args_result {
	ARGS_OK,
	ARGS_UNKNOWN,	/* *wrong: an option that the command doesn't take */
	ARGS_NO_VALUE,	/* *wrong: an option without its value */
	ARGS_UNWANTED,	/* *wrong: a flag with a value */
	ARGS_TWICE,	/* *wrong: an option given twice */
	ARGS_NO_MEMORY,
};

/* Parses argc words (without the command's own) for a command that takes the set
 * `allowed`. Freed by args_done, also after a failure. */
enum args_result args_parse(struct args *args, int argc, char **argv, unsigned long allowed,
	const char **wrong);
void args_done(struct args *args);

/* A file descriptor number: 0 to INT_MAX, decimal digits only; otherwise -1. */
int args_number(const char *text);

/* How many letters have to be changed, added or dropped to make b of a (for "did you mean"). */
unsigned int args_distance(const char *a, const char *b);

#endif
