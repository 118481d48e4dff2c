/* Which operation is which function, and what a request goes through before it. */
#include <poll.h>
#include <string.h>
#include <time.h>

#include "core/client.h"
#include "core/clock.h"
#include "denshid/call.h"
#include "denshid/log.h"
#include "denshid/standing.h"

/* The module gives up after DEN_TIMEOUT_LOGIN_MS: an answer after that would count
 * an attempt that nobody hears of. */
#define LOGIN_MS (DEN_TIMEOUT_LOGIN_MS - 500)
#define COMMAND_MS (DEN_TIMEOUT_COMMAND_MS - 2000)
#define UPDATE_MS (DEN_TIMEOUT_UPDATE_MS - 2000)
#define HANG_UP_MS 1000
#define HERE_TOO_MS 1000

enum needs { ANYONE, USER, MASTER };

static const struct row {
	enum den_op op;
	operation *run;
	enum needs needs;
	int patience_ms;
	int reads; /* changes nothing, and checks no password */
} table[] = {
	{DEN_OP_BEGIN, login_begin, ANYONE, LOGIN_MS, 0},
	{DEN_OP_AUTH, login_auth, ANYONE, LOGIN_MS, 0},
	{DEN_OP_ACCOUNT, login_account, ANYONE, LOGIN_MS, 0},
	{DEN_OP_PASSWD, login_passwd, ANYONE, LOGIN_MS, 0},
	{DEN_OP_APPROVAL_USE, approval_use, ANYONE, LOGIN_MS, 0},
	{DEN_OP_APPROVAL_SPOT, approval_on_the_spot, ANYONE, LOGIN_MS, 0},
	{DEN_OP_SESSION_OPEN, session_open, ANYONE, LOGIN_MS, 0},
	{DEN_OP_SESSION_CLOSE, session_close, ANYONE, LOGIN_MS, 0},
	{DEN_OP_PROVE, login_prove, ANYONE, LOGIN_MS, 0},
	{DEN_OP_STATUS, status_show, ANYONE, LOGIN_MS, 0},
	{DEN_OP_USER_CREATE, user_create, MASTER, COMMAND_MS, 0},
	{DEN_OP_USER_CHANGE, user_change, MASTER, COMMAND_MS, 0},
	{DEN_OP_USER_DELETE, user_delete, MASTER, COMMAND_MS, 0},
	{DEN_OP_USER_LIST, user_list, USER, COMMAND_MS, 1},
	{DEN_OP_USER_SUSPEND, user_suspend, MASTER, COMMAND_MS, 0},
	/* Each message of it renews the time. */
	{DEN_OP_USER_IMPORT, user_import, MASTER, COMMAND_MS, 0},
	{DEN_OP_USER_EXPORT, user_export, MASTER, COMMAND_MS, 1},
	{DEN_OP_CERT_GRANT, certificate_grant, MASTER, COMMAND_MS, 0},
	{DEN_OP_CERT_LIST, certificate_list, USER, COMMAND_MS, 1},
	/* A user without a certificate can't log in yet: the password is the proof. */
	{DEN_OP_CERT_GRANTED, certificate_granted, ANYONE, LOGIN_MS, 0},
	{DEN_OP_CERT_REQUEST, certificate_request, ANYONE, LOGIN_MS, 0},
	{DEN_OP_CERT_FETCH, certificate_fetch, ANYONE, LOGIN_MS, 0},
	{DEN_OP_CERT_RENEW, certificate_renew, ANYONE, LOGIN_MS, 0},
	{DEN_OP_CERT_REVOKE, certificate_revoke, MASTER, COMMAND_MS, 0},
	{DEN_OP_SSH_KEYS, certificate_ssh_keys, ANYONE, LOGIN_MS, 0},
	{DEN_OP_UPDATE_SHOW, update_show, MASTER, UPDATE_MS, 1},
	{DEN_OP_UPDATE_RUN, update_run, MASTER, UPDATE_MS, 0},
	{DEN_OP_UPDATE_HISTORY, update_history, MASTER, UPDATE_MS, 1},
	{DEN_OP_AUTHORITY_LIST, authority_list, USER, COMMAND_MS, 1},
	{DEN_OP_AUTHORITY_SHOW, authority_show, USER, COMMAND_MS, 1},
	{DEN_OP_AUTHORITY_CHANGE, authority_change, MASTER, COMMAND_MS, 0},
	{DEN_OP_CATALOGUE_CHANGE, catalogue_change, MASTER, COMMAND_MS, 0},
	{DEN_OP_REQUEST_NEW, request_new, USER, COMMAND_MS, 0},
	{DEN_OP_REQUEST_LIST, request_list, USER, COMMAND_MS, 1},
	{DEN_OP_REQUEST_DECIDE, request_decide, USER, COMMAND_MS, 0},
	{DEN_OP_REQUEST_WITHDRAW, request_withdraw, USER, COMMAND_MS, 0},
	{DEN_OP_LOG, record_list, ANYONE, UPDATE_MS, 1},
	{DEN_OP_UNLOCK, user_unlock, MASTER, COMMAND_MS, 0},
	{DEN_OP_LOGOUT, session_logout, USER, COMMAND_MS, 0},
};

static const struct row *find(uint16_t op)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].op == op)
			return &table[i];
	return NULL;
}

int dispatch_patience_ms(uint16_t op)
{
	const struct row *row = find(op);

	return row ? row->patience_ms : LOGIN_MS;
}

/* Who goes on at once, a script, is to find here what was put in force; a host that lags holds nobody
 * up for long. */
static void await_here(const struct call *c)
{
	int64_t now_ms = den_now_ms(), left = (c->deadline_ms - now_ms) / 2;

	if (c->in_force && left > 0)
		view_await(c->shared->view, c->in_force, now_ms + (left < HERE_TOO_MS ? left : HERE_TOO_MS));
}

static enum den_code run(struct call *c)
{
	const struct row *row = find(den_message_kind(c->in));
	enum den_code code = DEN_OK;

	if (!row) {
		call_arg(c, "operation %u", den_message_kind(c->in));
		return DEN_BAD_REQUEST;
	}
	c->reads = row->reads;
	if (row->needs == USER)
		code = call_needs_user(c);
	if (row->needs == MASTER)
		code = call_needs_master(c);
	if (code == DEN_OK)
		code = row->run(c);
	/* A command that may have changed what approvals stand on, before its answer is seen. */
	if (row->needs != ANYONE && !row->reads)
		standing_forget(c->shared->standing);
	await_here(c);
	return code;
}

/* What is unread when a socket is closed takes the answer with it: until the caller hangs up. */
static void let_read(struct call *c)
{
	struct den_message *m;
	int64_t until = den_now_ms() + HANG_UP_MS;

	while (den_now_ms() < until && (m = den_message_receive(c->fd, HANG_UP_MS)))
		den_message_free(m);
}

static int has_gone(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLRDHUP};

	return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR));
}

void dispatch(struct call *c)
{
	enum den_code code;

	c->now = time(NULL);
	if (!view_user_by_uid(c->shared->view, c->uid, &c->peer))
		memset(&c->peer, 0, sizeof(c->peer));
	/* Waited in the queue for too long, or for somebody who went away: nothing is tried,
	 * nothing counts. */
	if (den_now_ms() >= c->deadline_ms || has_gone(c->fd))
		code = DEN_BUSY;
	else
		code = run(c);
	den_message_add_string(c->out, DEN_TAG_LANG, call_language(c));
	den_message_set_kind(c->out, (uint16_t)code);
	if (den_message_send(c->fd, c->out, 1000) != 0)
		log_debug("a reply (%s) was not read", den_code_name(code));
	else if (c->is_conversation)
		let_read(c);
	if (*c->pooled && dendir_is_broken(*c->pooled)) {
		dendir_close(*c->pooled);
		*c->pooled = NULL;
	}
}
