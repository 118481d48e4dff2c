#include "denshid/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crypto/digest.h"
#include "denshid/approval.h"
#include "denshid/last.h"
#include "denshid/log.h"
#include "directory/rescue.h"
#include "directory/user.h"

#define TOKEN_SIZE 27 /* 130 bits, and a NUL */

struct session {
	unsigned uid;
	char login[DEN_LOGIN_ID_SIZE];
	char business[8]; /* "open", "left" */
};

void session_folder(struct denshid *shared)
{
	const char *socket = shared->config->socket, *slash = strrchr(socket, '/');
	int n = snprintf(shared->sessions, sizeof(shared->sessions), "%.*s/sessions",
		(int)(slash ? slash - socket : 0), socket);

	if (n < 0 || (size_t)n >= sizeof(shared->sessions))
		log_fatal("socket %s: the path is too long", socket);
	if (mkdir(shared->sessions, 0700) != 0 && errno != EEXIST)
		log_fatal("%s: %s", shared->sessions, strerror(errno));
}

static int token_is_plain(const char *token)
{
	return strlen(token) == TOKEN_SIZE - 1 &&
		strspn(token, "abcdefghijklmnopqrstuvwxyz0123456789") == TOKEN_SIZE - 1;
}

static const char *path_of(char *buf, size_t size, const struct call *c, const char *token, const char *suffix)
{
	snprintf(buf, size, "%s/%s%s", c->shared->sessions, token, suffix);
	return buf;
}

static int load(const struct call *c, const char *token, struct session *s)
{
	char path[256], text[128];
	ssize_t n = -1;
	int fd;

	if (!token_is_plain(token))
		return -1;
	fd = open(path_of(path, sizeof(path), c, token, ""), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	if (n <= 0)
		return -1;
	text[n] = '\0';
	return sscanf(text, "%u %14s %7s", &s->uid, s->login, s->business) == 3 ? 0 : -1;
}

/* Written aside and renamed: a session is there whole or not at all. */
static int store(const struct call *c, const char *token, const struct session *s)
{
	char path[256], aside[256], text[128];
	int n = snprintf(text, sizeof(text), "%u %s %s\n", s->uid, s->login, s->business), ok, fd;

	path_of(path, sizeof(path), c, token, "");
	path_of(aside, sizeof(aside), c, token, ".new");
	fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -1;
	ok = write(fd, text, (size_t)n) == n;
	ok = close(fd) == 0 && ok;
	if (ok && rename(aside, path) == 0)
		return 0;
	unlink(aside);
	return -1;
}

static void forget(const struct call *c, const char *token)
{
	char path[256];

	if (token_is_plain(token))
		unlink(path_of(path, sizeof(path), c, token, ""));
}

/* -- messages at login ---------------------------------------------------------------- */

/* How long every master is told of a rescue, at each login. */
#define RESCUE_SHOWN_DAYS 90

/* R-LOCK-7. Who comes later than that is told at the first login on each host. */
static void add_rescue(struct call *c, struct dendir *d, int64_t last)
{
	int64_t since = c->now - RESCUE_SHOWN_DAYS * DAY_S;
	struct dendir_rescue latest;
	char text[DEN_LOGIN_ID_SIZE + 32], date[16];

	if (dendir_rescue_latest(d, last < since ? last : since, &latest) != DEN_OK || !latest.time)
		return;
	snprintf(text, sizeof(text), "%s, %s", latest.login, call_date(date, latest.time));
	call_reason(c, DEN_RESCUED, text);
}

static void add_certificate_end(struct call *c, const char *login, int64_t end)
{
	char date[16];

	den_message_add_number(c->out, DEN_TAG_CODE, DEN_CERT_ENDS);
	den_message_add_string(c->out, DEN_TAG_CODE_ARG, call_date(date, end));
	den_message_add_string(c->out, DEN_TAG_CODE_ARG, login);
}

/* R-APW-4, R-APP-6, R-CERT-4. A directory that doesn't answer costs the messages, not the login. */
static void add_messages(struct call *c, const struct view_user *user, int64_t last)
{
	struct dendir_credential_state approval;
	unsigned waiting;
	enum den_code code;
	struct dendir *d = call_directory(c, &code);
	char text[16];
	int64_t end;

	if (!d)
		return;
	end = certificate_end_near(c, user->login);
	if (end)
		add_certificate_end(c, user->login, end);
	if (!(user->flags & (DEN_USER_MASTER | DEN_USER_APPROVER)))
		return;
	if (user->flags & DEN_USER_MASTER)
		add_rescue(c, d, last);
	if (dendir_credential_state(d, DENDIR_APPROVAL, user->login, &approval) == DEN_OK && approval.exists) {
		end = call_approval_end(d, approval.changed);
		if (end < c->now)
			call_reason(c, DEN_APPROVAL_EXPIRED, call_date(text, end));
		else if (end - c->now < APPROVAL_WARNING_DAYS * DAY_S)
			call_reason(c, DEN_APPROVAL_EXPIRES_SOON, call_date(text, end));
	}
	waiting = user->flags & DEN_USER_APPROVER ? approval_waiting(c, d, user->login) : 0;
	if (waiting) {
		snprintf(text, sizeof(text), "%u", waiting);
		call_reason(c, DEN_APPROVALS_WAITING, text);
	}
}

/* A key alone clears no attempts: those on record are told as well. */
static int64_t tell_last(struct call *c, const char *login, const struct dendir_credential_state *credential)
{
	struct dendir_failures still = {.count = credential->taken};

	if (credential->nrecords)
		memcpy(still.latest, credential->records[credential->nrecords - 1], sizeof(still.latest));
	return last_tell(c, login, &still);
}

/* -- operations --------------------------------------------------------------------------- */

enum den_code session_open(struct call *c)
{
	struct session s = {.business = "open"};
	struct dendir_credential_state credential;
	struct view_user user;
	char login[DEN_LOGIN_ID_SIZE], token[TOKEN_SIZE];
	enum den_code code;
	struct dendir *d;
	int64_t last;

	if (!call_login(c, login) || !view_user_by_login(c->shared->view, login, &user))
		return DEN_LOGIN_UNKNOWN;
	/* Only who could have checked a login may say that there was one. */
	if (c->uid != 0) {
		call_arg(c, "%s", login);
		return DEN_NOT_PERMITTED;
	}
	/* A session without the change is impossible (R-FIRST-1), also where a service asks
	 * for nothing but a session. */
	d = call_directory(c, &code);
	if (d)
		code = call_refused(c, d, dendir_credential_state(d, DENDIR_LOGIN, login, &credential));
	if (code == DEN_OK && credential.must_change)
		code = DEN_FIRST_CHANGE_NEEDED;
	if (code != DEN_OK)
		return code;
	s.uid = user.uid;
	memcpy(s.login, user.login, sizeof(s.login));
	if (dencrypt_random_id(token, sizeof(token)) != DENCRYPT_OK || store(c, token, &s) != 0) {
		call_arg(c, "the session can't be recorded: %s", strerror(errno));
		return DEN_INTERNAL;
	}
	den_message_add_string(c->out, DEN_TAG_TOKEN, token);
	last = tell_last(c, login, &credential);
	add_messages(c, &user, last);
	log_audit("session-open", "user", user.login, "service", call_string(c, DEN_TAG_SERVICE), "rhost",
		call_string(c, DEN_TAG_RHOST), "tty", call_string(c, DEN_TAG_TTY), NULL);
	return DEN_OK;
}

enum den_code session_close(struct call *c)
{
	const char *token = call_string(c, DEN_TAG_TOKEN);
	struct session s;

	if (load(c, token, &s) != 0)
		return DEN_OK;
	if (c->uid != 0 && c->uid != s.uid) {
		call_arg(c, "%s", s.login);
		return DEN_NOT_PERMITTED;
	}
	forget(c, token);
	log_audit("session-close", "user", s.login, NULL);
	return DEN_OK;
}

/* The token's session, where it is the caller's. */
static int own(const struct call *c, struct session *s)
{
	return load(c, call_string(c, DEN_TAG_TOKEN), s) == 0 && s->uid == c->uid &&
		strcmp(s->login, c->peer.login) == 0;
}

enum den_code session_check(struct call *c)
{
	struct session s;

	return own(c, &s) && strcmp(s.business, "open") == 0 ? DEN_OK : DEN_SESSION_NONE;
}

enum den_code session_logout(struct call *c)
{
	const char *which = call_string(c, DEN_TAG_WHICH), *token = call_string(c, DEN_TAG_TOKEN);
	struct session s;

	if (!own(c, &s))
		return DEN_SESSION_NONE;
	if (strcmp(which, "login") == 0) {
		forget(c, token);
		log_audit("logout", "user", s.login, "step", "login", NULL);
		return DEN_LOGOUT_LOGIN;
	}
	if (strcmp(which, "business") != 0) {
		call_arg(c, "which %s", which);
		return DEN_BAD_REQUEST;
	}
	snprintf(s.business, sizeof(s.business), "left");
	if (store(c, token, &s) != 0) {
		/* What can't be marked as left is forgotten: it is closed either way. */
		forget(c, token);
	}
	log_audit("logout", "user", s.login, "step", "business", NULL);
	return DEN_LOGOUT_BUSINESS;
}
