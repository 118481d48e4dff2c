/*
 * Asking denshid, and telling people what it answered.
 */
#ifndef DENSHI_CLI_ASK_H
#define DENSHI_CLI_ASK_H

#include <stddef.h>

#include "core/client.h"
#include "core/loginid.h"
#include "core/secret.h"
#include "tools/denshi/cli.h"

/* A request for the operation; ends the program where there is no memory. */
struct den_message *ask_new(unsigned int op);

/* Adds a password; nothing for NULL. */
void ask_add_secret(struct den_message *request, unsigned int tag, const struct den_secret *secret);

/* Sends the request, frees it, returns the final reply (never NULL; the caller's). */
struct den_message *ask(struct cli *cli, struct den_message *request, den_client_row *row,
	void *context);

/*
 * Whether the reply is a refusal: prints it to standard error with every reason
 * and its stable code (R-ALL-6, R-DATA-1), and returns the exit status. CLI_DONE
 * for every other reply, nothing printed.
 */
int ask_refused(struct cli *cli, const struct den_message *reply);

/* Prints `denshi: sentence [stable-code]`, returns the code's exit status. */
#define refuse(cli, code, ...)                                                                     \
	refuse_with(cli, code, (const char *const[]){NULL, ##__VA_ARGS__},                         \
		sizeof((const char *const[]){NULL, ##__VA_ARGS__}) / sizeof(char *) - 1)
int refuse_with(struct cli *cli, enum den_code code, const char *const *args, size_t nargs);

/* Prints one sentence and a newline. */
#define say(cli, stream, code, ...)                                                                \
	say_with(cli, stream, code, (const char *const[]){NULL, ##__VA_ARGS__},                    \
		sizeof((const char *const[]){NULL, ##__VA_ARGS__}) / sizeof(char *) - 1)
void say_with(struct cli *cli, FILE *stream, enum den_code code, const char *const *args,
	size_t nargs);

/* Whether a user update is due, where the reply tells (R-UPD-3). */
void ask_say_pending(struct cli *cli, const struct den_message *reply);

/*
 * The end of a changing command: refused, or else the reply's own sentence (for
 * OK: `done`, with the argument) or its JSON, a generated password, shown this
 * once, and the last line of R-UPD-3.
 * Frees the reply, returns the exit status.
 */
int ask_finish(struct cli *cli, struct den_message *reply, enum den_code done, const char *arg);

/* Asks who the caller is: the login ID, "" where it is no denshi user. Returns
 * the exit status, refusals printed. */
int ask_who(struct cli *cli, char login[DEN_LOGIN_ID_SIZE]);

/* Learns the language from denshid where the locale tells none (R-ALL-2). */
void ask_language(struct cli *cli);

/* The token of the session that pam_denshi opened; NULL where there is none. */
const char *ask_token(void);

#endif
