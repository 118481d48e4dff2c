/*
 * Asking denshid, from a module or a command. One connection, one request, its
 * replies; nothing is kept open between calls (modules live in other programs).
 */
#ifndef DENSHI_CORE_CLIENT_H
#define DENSHI_CORE_CLIENT_H

#include "core/text.h"
#include "core/wire.h"

/* The longest a login waits for denshid, which itself waits for the directory
 * for less (R-ALL-1). Commands that put much into force wait longer. */
#define DEN_TIMEOUT_LOGIN_MS 5000
#define DEN_TIMEOUT_COMMAND_MS 60000
#define DEN_TIMEOUT_UPDATE_MS 900000

/* Called for each reply flagged DEN_MORE; a non-zero return ends the call with -1. */
typedef int den_client_row(void *context, const struct den_message *row);

/*
 * Sends request to the socket at path (NULL: DEN_SOCKET_PATH) and returns the
 * final reply, to be freed by the caller. Where there is none, it makes one:
 * kind DEN_DAEMON_DOWN, or DEN_DAEMON_LOST where the request had been sent, with
 * the reason as argument; so the result is NULL only without memory. The peer must be root or the owner of the socket's directory:
 * a password goes to no one else. `row` may be NULL: rows are then dropped.
 * timeout_ms is for the whole call. errno is kept.
 */
struct den_message *den_client_call(const char *path, const struct den_message *request,
	int timeout_ms, den_client_row *row, void *context);

/*
 * A connection for an operation that is a conversation (core/protocol.h): messages are
 * then sent and received by core/wire.h. -1 with errno. The caller closes it.
 */
int den_client_connect(const char *path);

/* The reply that den_client_call makes where there is none, for an errno. */
struct den_message *den_client_down(int error);

/* The reply's code and arguments as a sentence; buf of DEN_TEXT_MAX. Returns buf. */
char *den_client_sentence(char *buf, enum den_lang lang, const struct den_message *reply);

/* Walks the CODE fields of a reply: *cursor starts at 0; each call gives one
 * sentence and returns its code, DEN_OK at the end. */
enum den_code den_client_next_reason(const struct den_message *reply, size_t *cursor, char *buf,
	enum den_lang lang);

#endif
