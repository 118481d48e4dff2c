/*
 * pam_denshi.so as libpam loads it, against a peer that answers what a test wants:
 * which answer becomes which return code, what is asked and said, what is sent. The
 * real denshid is the sandboxed tests' part.
 *
 * The module: PAM_MODULE, or the first argument, or ../pam_denshi.so beside the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <security/pam_appl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/protocol.h"
#include "core/text.h"
#include "core/wire.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SILENT 0xffffu /* as an answer: none */

static char module[PATH_MAX], folder[] = "/tmp/denshi-pam-XXXXXX", sock[64];

/* -- the peer: what it answers, what it was asked ----------------------------------- */

#define OPS 8
static struct {
	unsigned code;	     /* the reply's kind */
	int dry_run_passes;  /* DEN_OK to what has DRY_RUN */
	uint64_t number;
	int has_number;
	const char *lang, *token, *arg;
	unsigned reason; /* a CODE field */
} answers[OPS];
static struct {
	unsigned count;
	char login[64], service[64], password[300], current[300], kind[32], certificate[16], auth_info[64],
		business[64], account[64], approver[16], token[64];
	int dry_run;
} asked[OPS];

static void note(char *out, size_t size, const struct den_message *m, uint16_t tag)
{
	snprintf(out, size, "%s", den_message_string_or_empty(m, tag));
}

static void take_note(unsigned op, const struct den_message *m)
{
	asked[op].count++;
	note(asked[op].login, sizeof(asked[op].login), m, DEN_TAG_LOGIN);
	note(asked[op].service, sizeof(asked[op].service), m, DEN_TAG_SERVICE);
	note(asked[op].password, sizeof(asked[op].password), m, DEN_TAG_PASSWORD);
	note(asked[op].current, sizeof(asked[op].current), m, DEN_TAG_CURRENT);
	note(asked[op].kind, sizeof(asked[op].kind), m, DEN_TAG_KIND);
	note(asked[op].certificate, sizeof(asked[op].certificate), m, DEN_TAG_CERTIFICATE);
	note(asked[op].auth_info, sizeof(asked[op].auth_info), m, DEN_TAG_AUTH_INFO);
	note(asked[op].business, sizeof(asked[op].business), m, DEN_TAG_BUSINESS);
	note(asked[op].account, sizeof(asked[op].account), m, DEN_TAG_ACCOUNT);
	note(asked[op].approver, sizeof(asked[op].approver), m, DEN_TAG_APPROVER);
	note(asked[op].token, sizeof(asked[op].token), m, DEN_TAG_TOKEN);
	asked[op].dry_run = den_message_number(m, DEN_TAG_DRY_RUN, 0) == 1;
}

static struct den_message *answer_to(unsigned op)
{
	unsigned code = asked[op].dry_run && answers[op].dry_run_passes ? DEN_OK : answers[op].code;
	struct den_message *reply = den_message_new((uint16_t)code);

	assert_non_null(reply);
	if (answers[op].has_number)
		den_message_add_number(reply, DEN_TAG_NUMBER, answers[op].number);
	den_message_add_string(reply, DEN_TAG_LANG, answers[op].lang);
	den_message_add_string(reply, DEN_TAG_TOKEN, answers[op].token);
	den_message_add_string(reply, DEN_TAG_ARG, answers[op].arg);
	if (answers[op].reason && code != DEN_OK) {
		den_message_add_number(reply, DEN_TAG_CODE, answers[op].reason);
		den_message_add_string(reply, DEN_TAG_CODE_ARG, "6");
	} else if (answers[op].reason && op == DEN_OP_SESSION_OPEN) {
		den_message_add_number(reply, DEN_TAG_CODE, answers[op].reason);
		den_message_add_string(reply, DEN_TAG_CODE_ARG, "3");
	}
	return reply;
}

static void serve_one(int fd)
{
	struct den_message *m = den_message_receive(fd, 2000), *reply;
	unsigned op = m ? den_message_kind(m) : 0;

	if (m && op < OPS) {
		take_note(op, m);
		if (answers[op].code == SILENT) {
			char byte;

			/* Until the caller gives up. */
			(void)!recv(fd, &byte, 1, 0);
		} else {
			reply = answer_to(op);
			den_message_send(fd, reply, 2000);
			den_message_free(reply);
		}
	}
	den_message_free(m);
	close(fd);
}

static void *serve(void *listener)
{
	for (;;) {
		int fd = accept4(*(int *)listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			return NULL;
		serve_one(fd);
	}
}

static void start_peer(void)
{
	static int listener;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	pthread_t thread;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", sock);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_true(listener >= 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(pthread_create(&thread, NULL, serve, &listener), 0);
	pthread_detach(thread);
}

static unsigned traffic(void)
{
	unsigned n = 0;

	for (size_t i = 0; i < OPS; i++)
		n += asked[i].count;
	return n;
}

/* Everything goes well, in English. */
static int fresh(void **state)
{
	(void)state;
	memset(asked, 0, sizeof(asked));
	memset(answers, 0, sizeof(answers));
	answers[DEN_OP_ACCOUNT].has_number = 1;
	answers[DEN_OP_SESSION_OPEN].token = "token-1";
	answers[DEN_OP_APPROVAL_USE].code = DEN_APPROVAL_USED;
	return 0;
}

/* -- the conversation ------------------------------------------------------------------ */

static struct {
	const char *const *replies;
	size_t nreplies, used;
	char said[8192];
} chat;

static int converse(int n, const struct pam_message **messages, struct pam_response **out, void *data)
{
	struct pam_response *r = calloc((size_t)n, sizeof(*r));

	(void)data;
	assert_non_null(r);
	for (int i = 0; i < n; i++) {
		size_t used = strlen(chat.said);
		int prompt = messages[i]->msg_style == PAM_PROMPT_ECHO_OFF;

		assert_int_not_equal(messages[i]->msg_style, PAM_PROMPT_ECHO_ON);
		snprintf(chat.said + used, sizeof(chat.said) - used, "%c %s\n",
			prompt ? '?' : messages[i]->msg_style == PAM_ERROR_MSG ? '!' : '-', messages[i]->msg);
		if (prompt && chat.used >= chat.nreplies) {
			free(r);
			return PAM_CONV_ERR;
		}
		if (prompt)
			r[i].resp = strdup(chat.replies[chat.used++]);
	}
	*out = r;
	return PAM_SUCCESS;
}

static struct pam_conv conversation = {converse, NULL};
static struct pam_conv no_conversation = {NULL, NULL};

static void will_answer(const char *const *replies, size_t n)
{
	memset(&chat, 0, sizeof(chat));
	chat.replies = replies;
	chat.nreplies = n;
}
#define WILL_ANSWER(...) \
	static const char *const will_say[] = {__VA_ARGS__}; \
	will_answer(will_say, COUNT(will_say))

/* -- a service file, and a handle of it --------------------------------------------------- */

static void write_service(const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/svc", folder);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* One line a phase, with arguments. */
static void service(const char *auth, const char *account, const char *password, const char *session)
{
	char text[4 * PATH_MAX + 1024];

	snprintf(text, sizeof(text),
		"auth required %s socket=%s %s\naccount required %s socket=%s %s\n"
		"password required %s socket=%s %s\nsession required %s socket=%s %s\n",
		module, sock, auth, module, sock, account, module, sock, password, module, sock, session);
	write_service(text);
}

static pam_handle_t *begin_as(const char *user, const struct pam_conv *conv)
{
	pam_handle_t *h = NULL;

	assert_int_equal(pam_start_confdir("svc", user, conv, folder, &h), PAM_SUCCESS);
	return h;
}

static pam_handle_t *begin(const char *auth, const char *account, const char *password, const char *session)
{
	service(auth, account, password, session);
	return begin_as("d-taro01", &conversation);
}

static const char *user_of(pam_handle_t *h)
{
	const void *user = NULL;

	assert_int_equal(pam_get_item(h, PAM_USER, &user), PAM_SUCCESS);
	return user;
}

/* -- which answer becomes which return code -------------------------------------------------- */

struct expected {
	unsigned code;
	int result;
};

static int lookup(const struct expected *rows, size_t n, unsigned code, int otherwise)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].code == code)
			return rows[i].result;
	return otherwise;
}

/* One more than there are: an answer of a newer denshid. */
#define EACH_CODE(c) for (unsigned c = 0; c <= DEN_CODE_COUNT; c++)

static void check(unsigned code, int found, int expected)
{
	if (found != expected)
		fail_msg("%s: %d, expected %d; said: %s", den_code_name((enum den_code)code), found, expected, chat.said);
}

static void auth_codes(void **state)
{
	static const struct expected rows[] = {
		{DEN_OK, PAM_SUCCESS}, {DEN_LOGIN_LOCKED, PAM_MAXTRIES},
		{DEN_DIRECTORY_DOWN, PAM_AUTHINFO_UNAVAIL}, {DEN_DAEMON_DOWN, PAM_AUTHINFO_UNAVAIL},
		{DEN_DAEMON_LOST, PAM_AUTHINFO_UNAVAIL}, {DEN_DIRECTORY_FULL, PAM_AUTHINFO_UNAVAIL},
		{DEN_BUSY, PAM_AUTHINFO_UNAVAIL}, {DEN_MODULE_ARGUMENT, PAM_SERVICE_ERR},
	};
	pam_handle_t *h;

	service("", "", "", "");
	EACH_CODE (code) {
		WILL_ANSWER("secret1");

		fresh(state);
		answers[DEN_OP_AUTH].code = code;
		h = begin_as("d-taro01", &conversation);
		check(code, pam_authenticate(h, 0), lookup(rows, COUNT(rows), code, PAM_AUTH_ERR));
		assert_int_equal(asked[DEN_OP_AUTH].count, 1);
		/* Every refusal is told, with its name. */
		assert_true(code == DEN_OK || strstr(chat.said, "! "));
		pam_end(h, PAM_SUCCESS);
	}
}

static void begin_codes(void **state)
{
	static const struct expected rows[] = {
		{DEN_OK, PAM_SUCCESS}, {DEN_LOGIN_LOCKED, PAM_MAXTRIES},
		{DEN_DIRECTORY_DOWN, PAM_AUTHINFO_UNAVAIL}, {DEN_DAEMON_DOWN, PAM_AUTHINFO_UNAVAIL},
		{DEN_DAEMON_LOST, PAM_AUTHINFO_UNAVAIL}, {DEN_DIRECTORY_FULL, PAM_AUTHINFO_UNAVAIL},
		{DEN_BUSY, PAM_AUTHINFO_UNAVAIL}, {DEN_MODULE_ARGUMENT, PAM_SERVICE_ERR},
	};
	pam_handle_t *h;

	service("certificate=required", "", "", "");
	EACH_CODE (code) {
		WILL_ANSWER("secret1");

		fresh(state);
		answers[DEN_OP_BEGIN].code = code;
		h = begin_as("d-taro01", &conversation);
		check(code, pam_authenticate(h, 0), lookup(rows, COUNT(rows), code, PAM_AUTH_ERR));
		/* R-LOGIN-2: refused, no password is asked and none is sent. */
		assert_int_equal(asked[DEN_OP_AUTH].count, code == DEN_OK);
		assert_int_equal(chat.used, code == DEN_OK);
		pam_end(h, PAM_SUCCESS);
	}
}

static void account_codes(void **state)
{
	static const struct expected rows[] = {
		{DEN_OK, PAM_SUCCESS}, {DEN_UNKNOWN_USER, PAM_USER_UNKNOWN},
		{DEN_LOGIN_UNKNOWN, PAM_USER_UNKNOWN}, {DEN_NOT_IN_FORCE, PAM_USER_UNKNOWN},
		{DEN_FIRST_CHANGE_NEEDED, PAM_NEW_AUTHTOK_REQD}, {DEN_APPROVAL_INITIAL, PAM_NEW_AUTHTOK_REQD},
		{DEN_LOGIN_EXPIRED, PAM_NEW_AUTHTOK_REQD},
		{DEN_MODULE_ARGUMENT, PAM_SERVICE_ERR},
	};
	pam_handle_t *h;

	service("", "", "", "");
	EACH_CODE (code) {
		fresh(state);
		will_answer(NULL, 0);
		answers[DEN_OP_ACCOUNT].code = code;
		h = begin_as("d-taro01", &conversation);
		check(code, pam_acct_mgmt(h, 0), lookup(rows, COUNT(rows), code, PAM_PERM_DENIED));
		pam_end(h, PAM_SUCCESS);
	}
}

static void approve_codes(void **state)
{
	static const struct expected rows[] = {
		/* "ok" isn't "used"; and nothing that a stack could ignore. */
		{DEN_OK, PAM_PERM_DENIED}, {DEN_APPROVAL_USED, PAM_SUCCESS}, {DEN_APPROVAL_STANDS, PAM_SUCCESS},
		{DEN_ALLOWED, PAM_SUCCESS}, {DEN_MODULE_ARGUMENT, PAM_SERVICE_ERR},
	};
	pam_handle_t *h;

	service("", "approve business=transfer account=001-1234567 approver=any", "", "");
	EACH_CODE (code) {
		fresh(state);
		will_answer(NULL, 0);
		answers[DEN_OP_APPROVAL_USE].code = code;
		h = begin_as("d-taro01", &conversation);
		check(code, pam_acct_mgmt(h, 0), lookup(rows, COUNT(rows), code, PAM_PERM_DENIED));
		assert_string_equal(asked[DEN_OP_APPROVAL_USE].business, "transfer");
		assert_string_equal(asked[DEN_OP_APPROVAL_USE].account, "001-1234567");
		assert_string_equal(asked[DEN_OP_APPROVAL_USE].approver, "any");
		assert_string_equal(asked[DEN_OP_APPROVAL_USE].service, "svc");
		pam_end(h, PAM_SUCCESS);
	}
}

static void session_codes(void **state)
{
	pam_handle_t *h;

	service("", "", "", "");
	EACH_CODE (code) {
		fresh(state);
		will_answer(NULL, 0);
		answers[DEN_OP_SESSION_OPEN].code = code;
		h = begin_as("d-taro01", &conversation);
		check(code, pam_open_session(h, 0), code == DEN_OK ? PAM_SUCCESS :
			code == DEN_MODULE_ARGUMENT ? PAM_SERVICE_ERR : PAM_SESSION_ERR);
		assert_int_equal(pam_getenv(h, "DENSHI_SESSION") != NULL, code == DEN_OK);
		pam_end(h, PAM_SUCCESS);
	}
}

static int may_choose_again(unsigned code)
{
	return code == DEN_PASSWORD_NOT_CHANGED || (code >= DEN_PW_TOO_SHORT && code <= DEN_PW_MISMATCH);
}

static void password_codes(void **state)
{
	static const struct expected rows[] = {
		{DEN_OK, PAM_SUCCESS}, {DEN_UNKNOWN_USER, PAM_USER_UNKNOWN},
		{DEN_LOGIN_UNKNOWN, PAM_USER_UNKNOWN}, {DEN_NOT_IN_FORCE, PAM_USER_UNKNOWN},
		{DEN_DIRECTORY_DOWN, PAM_TRY_AGAIN}, {DEN_DAEMON_DOWN, PAM_TRY_AGAIN},
		{DEN_DAEMON_LOST, PAM_TRY_AGAIN}, {DEN_DIRECTORY_FULL, PAM_TRY_AGAIN},
		{DEN_BUSY, PAM_TRY_AGAIN}, {DEN_LOGIN_WRONG, PAM_AUTH_ERR},
		{DEN_APPROVAL_WRONG, PAM_AUTH_ERR},
		{DEN_LOGIN_LOCKED, PAM_PERM_DENIED}, {DEN_APPROVAL_LOCKED, PAM_PERM_DENIED},
		{DEN_SUSPENDED, PAM_PERM_DENIED}, {DEN_NOT_PERMITTED, PAM_PERM_DENIED},
		{DEN_ROOT_CHANGES_NOTHING, PAM_PERM_DENIED}, {DEN_MODULE_ARGUMENT, PAM_SERVICE_ERR},
	};
	pam_handle_t *h;

	service("", "", "", "");
	EACH_CODE (code) {
		WILL_ANSWER("initial1", "new1", "new1", "new2", "new2", "new3", "new3");

		fresh(state);
		answers[DEN_OP_ACCOUNT].number = DEN_PENDING_LOGIN;
		answers[DEN_OP_PASSWD].code = code;
		h = begin_as("d-taro01", &conversation);
		/* The first pass alone: what it makes of the code. */
		if (code != DEN_OK) {
			int expected = code == DEN_UNKNOWN_USER || code == DEN_LOGIN_UNKNOWN ||
				code == DEN_NOT_IN_FORCE ? PAM_USER_UNKNOWN :
				code == DEN_ROOT_CHANGES_NOTHING ? PAM_PERM_DENIED :
				code == DEN_MODULE_ARGUMENT ? PAM_SERVICE_ERR : PAM_TRY_AGAIN;

			check(code, pam_chauthtok(h, PAM_CHANGE_EXPIRED_AUTHTOK), expected);
			check(code, (int)asked[DEN_OP_PASSWD].count, 1);
			assert_true(asked[DEN_OP_PASSWD].dry_run);
			assert_int_equal(chat.used, 0);
		}
		pam_end(h, PAM_SUCCESS);
		memset(asked, 0, sizeof(asked));
		memset(chat.said, 0, sizeof(chat.said));
		/* Both: the first one passes. */
		answers[DEN_OP_PASSWD].dry_run_passes = 1;
		h = begin_as("d-taro01", &conversation);
		check(code, pam_chauthtok(h, PAM_CHANGE_EXPIRED_AUTHTOK),
			lookup(rows, COUNT(rows), code, PAM_AUTHTOK_ERR));
		assert_int_equal(asked[DEN_OP_PASSWD].count, may_choose_again(code) ? 4 : 2);
		assert_false(asked[DEN_OP_PASSWD].dry_run);
		pam_end(h, PAM_SUCCESS);
	}
}

/* -- arguments ------------------------------------------------------------------------------------ */

static void wrong_arguments(void **state)
{
	enum { AUTH, ACCOUNT, PASSWORD, SESSION };
	static const struct {
		int phase;
		const char *text;
		int right;
	} rows[] = {
		{AUTH, "certificate=maybe", 0}, {AUTH, "certificate", 0}, {AUTH, "certificate=", 0},
		{AUTH, "certificate=Required", 0}, {AUTH, "certificates=off", 0}, {AUTH, "nonsense", 0},
		{AUTH, "debug=1", 0}, {AUTH, "certificate=off certificate=off", 0},
		{AUTH, "certificate=off certificate=required", 0}, {AUTH, "approve business=transfer", 0},
		{AUTH, "use_first_pass try_first_pass", 0}, {AUTH, "use_authtok", 0}, {AUTH, "=", 0},
		{AUTH, "socket=/x", 0}, {AUTH, "certificate=optional debug quiet", 1},
		{AUTH, "try_first_pass", 1}, {ACCOUNT, "approve", 0}, {ACCOUNT, "business=transfer", 0},
		{ACCOUNT, "account=001", 0}, {ACCOUNT, "approver=any", 0}, {ACCOUNT, "approve business=", 0},
		{ACCOUNT, "approve business=a/b", 0}, {ACCOUNT, "approve business=x approver=self", 0},
		{ACCOUNT, "approve=yes business=x", 0}, {ACCOUNT, "use_first_pass", 0},
		{ACCOUNT, "prompt", 0}, {ACCOUNT, "certificate=optional", 1},
		{ACCOUNT, "approve business=transfer", 1}, {ACCOUNT, "approve business=x once within=2h", 0},
		{ACCOUNT, "approve business=x within=2h", 1}, {ACCOUNT, "approve business=x within=8d", 0},
		{ACCOUNT, "approve business=x within=2", 0}, {ACCOUNT, "approve business=x need=2", 1},
		{ACCOUNT, "approve business=x need=0", 0}, {ACCOUNT, "approve business=x need=6", 0},
		{ACCOUNT, "approve business=x match=host,tty", 1}, {ACCOUNT, "approve business=x match=user,ruser", 1}, {ACCOUNT, "approve business=x match=host,", 0},
		{ACCOUNT, "approve business=x match=command", 0}, {ACCOUNT, "approve business=x match=", 0},
		{ACCOUNT, "approve business=x prompt", 1}, {ACCOUNT, "approve business=x prompt within=2h", 0},
		{ACCOUNT, "approve business=x of=user", 1}, {ACCOUNT, "approve business=x of=root", 0},
		{ACCOUNT, "need=2", 0}, {ACCOUNT, "within=2h", 0}, {ACCOUNT, "match=host", 0}, {ACCOUNT, "of=user", 0},
		{AUTH, "prompt", 0}, {PASSWORD, "certificate=off", 0},
		{PASSWORD, "approve", 0}, {PASSWORD, "nullok", 0}, {PASSWORD, "use_authtok quiet", 1},
		{SESSION, "certificate=off", 0}, {SESSION, "use_first_pass", 0}, {SESSION, "debug", 1},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *args[4] = {"", "", "", ""};
		pam_handle_t *h;
		int result = PAM_SUCCESS;
		WILL_ANSWER("secret1");

		fresh(state);
		args[rows[i].phase] = rows[i].text;
		h = begin(args[0], args[1], args[2], args[3]);
		switch (rows[i].phase) {
		case AUTH:
			result = pam_authenticate(h, 0);
			break;
		case ACCOUNT:
			result = pam_acct_mgmt(h, 0);
			break;
		case PASSWORD:
			result = pam_chauthtok(h, PAM_CHANGE_EXPIRED_AUTHTOK);
			break;
		case SESSION:
			result = pam_open_session(h, 0);
			break;
		}
		if (result != (rows[i].right ? PAM_SUCCESS : PAM_SERVICE_ERR))
			fail_msg("%s: %d", rows[i].text, result);
		if (!rows[i].right) {
			assert_int_equal(traffic(), 0);
			assert_non_null(strstr(chat.said, "[module-argument]"));
		}
		pam_end(h, PAM_SUCCESS);
	}
}

/* -- whom it is about ------------------------------------------------------------------------------ */

/* A stack that succeeds only where pam_denshi says PAM_IGNORE. */
static void only_ignored(const char *args)
{
	static const char *const phases[] = {"auth", "account", "password", "session"};
	char text[8 * PATH_MAX];
	size_t used = 0;

	for (size_t i = 0; i < 4; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
			"%s [ignore=1 default=die] %s socket=%s %s\n%s required pam_deny.so\n"
			"%s required pam_permit.so\n",
			phases[i], module, sock, args, phases[i], phases[i]);
	write_service(text);
}

static void others_are_ignored(void **state)
{
	static const char *const users[] = {"root", "alice", "taro01", "dtaro01", "d_taro01", "e-taro01", "-d",
		"d", "\xef\xbd\x84-taro01", "xd-taro01", " d-taro01"};
	static const char *const args[] = {"", "nonsense=1"};

	(void)state;
	for (size_t a = 0; a < COUNT(args); a++) {
		only_ignored(args[a]);
		for (size_t i = 0; i < COUNT(users); i++) {
			pam_handle_t *h = begin_as(users[i], &conversation);

			will_answer(NULL, 0);
			assert_int_equal(pam_authenticate(h, 0), PAM_SUCCESS);
			assert_int_equal(pam_setcred(h, PAM_ESTABLISH_CRED), PAM_SUCCESS);
			assert_int_equal(pam_acct_mgmt(h, 0), PAM_SUCCESS);
			assert_int_equal(pam_chauthtok(h, 0), PAM_SUCCESS);
			assert_int_equal(pam_open_session(h, 0), PAM_SUCCESS);
			assert_int_equal(pam_close_session(h, 0), PAM_SUCCESS);
			assert_int_equal(traffic(), 0);
			assert_string_equal(chat.said, "");
			pam_end(h, PAM_SUCCESS);
		}
	}
}

static void no_login_ids(void **state)
{
	static const char *const users[] = {"d-", "d-short", "D-SHORT", "d-toolong123456", "d-taro_01",
		"d-d-taro1", "d-taro01 ", "d-\xef\xbd\x94\xef\xbd\x81ro01", "d-taro01\n", "d-../../etc"};

	(void)state;
	service("", "", "", "");
	for (size_t i = 0; i < COUNT(users); i++) {
		pam_handle_t *h = begin_as(users[i], &conversation);

		will_answer(NULL, 0);
		assert_int_equal(pam_authenticate(h, 0), PAM_USER_UNKNOWN);
		assert_int_equal(pam_setcred(h, PAM_ESTABLISH_CRED), PAM_USER_UNKNOWN);
		assert_int_equal(pam_acct_mgmt(h, 0), PAM_USER_UNKNOWN);
		assert_int_equal(pam_chauthtok(h, PAM_CHANGE_EXPIRED_AUTHTOK), PAM_USER_UNKNOWN);
		assert_int_equal(pam_open_session(h, 0), PAM_USER_UNKNOWN);
		assert_int_equal(pam_close_session(h, 0), PAM_USER_UNKNOWN);
		assert_int_equal(traffic(), 0);
		pam_end(h, PAM_SUCCESS);
	}
}

static void one_user_one_name(void **state)
{
	static const char *const users[] = {"d-taro01", "D-taro01", "d-TARO01", "D-TARO01"};

	service("", "", "", "");
	for (size_t i = 0; i < COUNT(users); i++) {
		pam_handle_t *h = begin_as(users[i], &conversation);
		WILL_ANSWER("secret1");

		fresh(state);
		/* Without auth, the program's name for them stays what it is. */
		assert_int_equal(pam_acct_mgmt(h, 0), PAM_SUCCESS);
		assert_string_equal(asked[DEN_OP_ACCOUNT].login, "d-taro01");
		assert_string_equal(user_of(h), users[i]);
		assert_int_equal(pam_authenticate(h, 0), PAM_SUCCESS);
		assert_string_equal(user_of(h), "d-taro01");
		assert_string_equal(asked[DEN_OP_AUTH].login, "d-taro01");
		pam_end(h, PAM_SUCCESS);
	}
}

/* An unknown name looks like a known one until the password is refused (R-LOCK-4). */
static void unknown_names(void **state)
{
	static const unsigned codes[] = {DEN_UNKNOWN_USER, DEN_NOT_IN_FORCE, DEN_LOGIN_UNKNOWN};

	for (size_t i = 0; i < COUNT(codes); i++) {
		pam_handle_t *h;
		WILL_ANSWER("secret1");

		fresh(state);
		answers[DEN_OP_BEGIN].code = answers[DEN_OP_AUTH].code = codes[i];
		answers[DEN_OP_BEGIN].arg = answers[DEN_OP_AUTH].arg = "d-taro01";
		h = begin("certificate=off", "", "", "");
		assert_int_equal(pam_authenticate(h, 0), PAM_AUTH_ERR);
		assert_string_equal(chat.said,
			"? Login password: \n! wrong login ID or password [login-unknown]\n");
		pam_end(h, PAM_SUCCESS);
	}
}

/* -- login --------------------------------------------------------------------------------------------- */

static void certificate_fields(void **state)
{
	static const struct {
		const char *args, *certificate, *auth_info;
	} rows[] = {
		{"certificate=required", "required", "publickey ssh-ed25519 AAAA"},
		{"certificate=optional", "optional", "publickey ssh-ed25519 AAAA"},
		{"certificate=off", "off", ""}, {"", "required", "publickey ssh-ed25519 AAAA"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		pam_handle_t *h = begin(rows[i].args, rows[i].args, "", "");
		WILL_ANSWER("secret1");

		fresh(state);
		pam_putenv(h, "SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAA");
		assert_int_equal(pam_authenticate(h, 0), PAM_SUCCESS);
		assert_int_equal(pam_acct_mgmt(h, 0), PAM_SUCCESS);
		assert_string_equal(asked[DEN_OP_BEGIN].certificate, rows[i].certificate);
		assert_string_equal(asked[DEN_OP_BEGIN].auth_info, rows[i].auth_info);
		assert_string_equal(asked[DEN_OP_ACCOUNT].certificate, rows[i].certificate);
		assert_string_equal(asked[DEN_OP_ACCOUNT].auth_info, rows[i].auth_info);
		assert_int_equal(pam_setcred(h, PAM_ESTABLISH_CRED), PAM_SUCCESS);
		pam_end(h, PAM_SUCCESS);
	}
}

static void password_lengths(void **state)
{
	char text[300];
	const char *const replies[] = {text};
	static const struct {
		size_t len;
		int sent;
	} rows[] = {{0, 0}, {1, 1}, {256, 1}, {257, 0}, {299, 0}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		pam_handle_t *h = begin("", "", "", "");

		fresh(state);
		memset(text, 'a', rows[i].len);
		text[rows[i].len] = '\0';
		will_answer(replies, 1);
		assert_int_equal(pam_authenticate(h, 0), rows[i].sent ? PAM_SUCCESS : PAM_AUTH_ERR);
		assert_int_equal(asked[DEN_OP_AUTH].count, rows[i].sent);
		if (rows[i].sent)
			assert_string_equal(asked[DEN_OP_AUTH].password, text);
		else
			assert_non_null(strstr(chat.said, "! "));
		pam_end(h, PAM_SUCCESS);
	}
}

/* Two lines: the second takes the first one's password, or has none to take. */
static void first_pass(void **state)
{
	static const struct {
		const char *second;
		int first_asks;
		unsigned prompts;
		int result;
	} rows[] = {
		{"use_first_pass", 1, 1, PAM_SUCCESS}, {"try_first_pass", 1, 1, PAM_SUCCESS},
		{"", 1, 2, PAM_SUCCESS}, {"use_first_pass", 0, 0, PAM_AUTH_ERR},
		{"try_first_pass", 0, 1, PAM_SUCCESS},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[4 * PATH_MAX];
		pam_handle_t *h;
		WILL_ANSWER("secret1", "secret1");

		fresh(state);
		if (rows[i].first_asks)
			snprintf(text, sizeof(text), "auth required %s socket=%s\nauth required %s socket=%s %s\n",
				module, sock, module, sock, rows[i].second);
		else
			snprintf(text, sizeof(text), "auth required %s socket=%s %s\n", module, sock,
				rows[i].second);
		write_service(text);
		h = begin_as("d-taro01", &conversation);
		assert_int_equal(pam_authenticate(h, 0), rows[i].result);
		assert_int_equal(chat.used, rows[i].prompts);
		pam_end(h, PAM_SUCCESS);
	}
}

static void languages(void **state)
{
	static const struct {
		const char *lang, *said;
	} rows[] = {
		{"ja", "? ログインパスワード: \n! ログイン ID またはパスワードが違います。残り 5 回 [login-wrong]\n"},
		{"en", "? Login password: \n! wrong login ID or password; attempts left: 5 [login-wrong]\n"},
		{NULL, "? Login password: \n! wrong login ID or password; attempts left: 5 [login-wrong]\n"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		pam_handle_t *h = begin("", "", "", "");
		WILL_ANSWER("wrong1");

		fresh(state);
		answers[DEN_OP_BEGIN].lang = rows[i].lang;
		answers[DEN_OP_AUTH].code = DEN_LOGIN_WRONG;
		answers[DEN_OP_AUTH].arg = "5";
		assert_int_equal(pam_authenticate(h, 0), PAM_AUTH_ERR);
		assert_string_equal(chat.said, rows[i].said);
		pam_end(h, PAM_SUCCESS);
	}
}

static void nobody_to_talk_to(void **state)
{
	pam_handle_t *h;

	fresh(state);
	will_answer(NULL, 0);
	answers[DEN_OP_SESSION_OPEN].reason = DEN_APPROVALS_WAITING;
	service("", "approve business=transfer", "", "");
	h = begin_as("d-taro01", &no_conversation);
	assert_int_equal(pam_authenticate(h, 0), PAM_CONV_ERR);
	assert_int_equal(asked[DEN_OP_AUTH].count, 0);
	/* cron: the account phase and the session work all the same. */
	assert_int_equal(pam_acct_mgmt(h, 0), PAM_SUCCESS);
	assert_int_equal(pam_open_session(h, 0), PAM_SUCCESS);
	assert_int_equal(pam_close_session(h, 0), PAM_SUCCESS);
	answers[DEN_OP_APPROVAL_USE].code = DEN_APPROVAL_MISSING;
	assert_int_equal(pam_acct_mgmt(h, 0), PAM_PERM_DENIED);
	answers[DEN_OP_ACCOUNT].number = DEN_PENDING_LOGIN;
	assert_int_equal(pam_acct_mgmt(h, 0), PAM_NEW_AUTHTOK_REQD);
	assert_int_equal(pam_chauthtok(h, PAM_CHANGE_EXPIRED_AUTHTOK), PAM_CONV_ERR);
	pam_end(h, PAM_SUCCESS);
}

static void silence(void **state)
{
	pam_handle_t *h;

	fresh(state);
	will_answer(NULL, 0);
	answers[DEN_OP_SESSION_OPEN].reason = DEN_APPROVALS_WAITING;
	answers[DEN_OP_APPROVAL_USE].code = DEN_APPROVAL_MISSING;
	h = begin("", "approve business=transfer", "", "");
	assert_int_equal(pam_acct_mgmt(h, PAM_SILENT), PAM_PERM_DENIED);
	assert_int_equal(pam_open_session(h, PAM_SILENT), PAM_SUCCESS);
	assert_string_equal(chat.said, "");
	pam_end(h, PAM_SUCCESS);
	/* quiet: no information, but why not. */
	h = begin("", "quiet approve business=transfer", "", "quiet");
	assert_int_equal(pam_open_session(h, 0), PAM_SUCCESS);
	assert_string_equal(chat.said, "");
	assert_int_equal(pam_acct_mgmt(h, 0), PAM_PERM_DENIED);
	assert_non_null(strstr(chat.said, "[approval-missing]"));
	pam_end(h, PAM_SUCCESS);
}

/* -- account, passwords, session ----------------------------------------------------------------------------- */

static void pending(void **state)
{
	static const struct {
		int has_number;
		uint64_t number;
		int result;
	} rows[] = {
		{1, 0, PAM_SUCCESS}, {1, DEN_PENDING_LOGIN, PAM_NEW_AUTHTOK_REQD},
		{1, DEN_PENDING_APPROVAL, PAM_NEW_AUTHTOK_REQD},
		{1, DEN_PENDING_APPROVAL_NEW, PAM_NEW_AUTHTOK_REQD}, {1, 1u << 30, PAM_NEW_AUTHTOK_REQD},
		/* "ok" without saying what is to do isn't "nothing". */
		{0, 0, PAM_PERM_DENIED},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		pam_handle_t *h = begin("", "approve business=transfer", "", "");

		fresh(state);
		will_answer(NULL, 0);
		answers[DEN_OP_ACCOUNT].has_number = rows[i].has_number;
		answers[DEN_OP_ACCOUNT].number = rows[i].number;
		assert_int_equal(pam_acct_mgmt(h, 0), rows[i].result);
		/* No approval is used up by one who can't go on. */
		assert_int_equal(asked[DEN_OP_APPROVAL_USE].count, rows[i].result == PAM_SUCCESS);
		assert_string_equal(asked[DEN_OP_APPROVAL_USE].approver,
			rows[i].result == PAM_SUCCESS ? "other" : "");
		pam_end(h, PAM_SUCCESS);
	}
}

static void first_login(void **state)
{
	pam_handle_t *h = begin("", "", "", "");
	WILL_ANSWER("initial1", "mine12", "other2", "mine12", "mine12", "appr99", "appr77", "appr77");

	fresh(state);
	answers[DEN_OP_ACCOUNT].number = DEN_PENDING_LOGIN | DEN_PENDING_APPROVAL;
	assert_int_equal(pam_acct_mgmt(h, 0), PAM_NEW_AUTHTOK_REQD);
	assert_int_equal(pam_chauthtok(h, PAM_CHANGE_EXPIRED_AUTHTOK), PAM_SUCCESS);
	assert_string_equal(chat.said,
		"- This is the first login: choose a login password of your own.\n"
		"? Current login password: \n? New login password: \n? New login password again: \n"
		"! the two inputs differ [pw-mismatch]\n"
		"? New login password: \n? New login password again: \n"
		"- the login password was changed\n"
		"- Change the initial approval password that the master gave you.\n"
		"? Current approval password: \n? New approval password: \n? New approval password again: \n"
		"- the approval password was set\n");
	/* Asked once, in the account phase: the handle remembers. Two dry runs, two changes. */
	assert_int_equal(asked[DEN_OP_ACCOUNT].count, 1);
	assert_int_equal(asked[DEN_OP_PASSWD].count, 4);
	assert_string_equal(asked[DEN_OP_PASSWD].kind, "approval");
	assert_string_equal(asked[DEN_OP_PASSWD].current, "appr99");
	assert_string_equal(asked[DEN_OP_PASSWD].password, "appr77");
	/* Nothing is pending any more. */
	assert_int_equal(pam_chauthtok(h, PAM_CHANGE_EXPIRED_AUTHTOK), PAM_SUCCESS);
	assert_int_equal(asked[DEN_OP_PASSWD].count, 4);
	pam_end(h, PAM_SUCCESS);
}

/* A master's first approval password: made under the login identity, known from the step before. */
static void first_approval_password(void **state)
{
	pam_handle_t *h = begin("", "", "", "");
	WILL_ANSWER("initial1", "mine12", "mine12", "appr77", "appr77");

	fresh(state);
	answers[DEN_OP_ACCOUNT].number = DEN_PENDING_LOGIN | DEN_PENDING_APPROVAL_NEW;
	assert_int_equal(pam_chauthtok(h, PAM_CHANGE_EXPIRED_AUTHTOK), PAM_SUCCESS);
	assert_int_equal(chat.used, 5);
	assert_string_equal(asked[DEN_OP_PASSWD].kind, "approval");
	assert_string_equal(asked[DEN_OP_PASSWD].current, "mine12");
	assert_string_equal(asked[DEN_OP_PASSWD].password, "appr77");
	pam_end(h, PAM_SUCCESS);
}

static void broken_rules(void **state)
{
	pam_handle_t *h = begin("", "", "", "");
	WILL_ANSWER("initial1", "a", "a", "b", "b", "c", "c", "d", "d");

	fresh(state);
	answers[DEN_OP_ACCOUNT].number = DEN_PENDING_LOGIN;
	answers[DEN_OP_PASSWD].dry_run_passes = 1;
	answers[DEN_OP_PASSWD].code = DEN_PASSWORD_NOT_CHANGED;
	answers[DEN_OP_PASSWD].reason = DEN_PW_TOO_SHORT;
	assert_int_equal(pam_chauthtok(h, PAM_CHANGE_EXPIRED_AUTHTOK), PAM_AUTHTOK_ERR);
	/* The current one once, three new ones. */
	assert_int_equal(chat.used, 7);
	assert_int_equal(asked[DEN_OP_PASSWD].count, 4);
	assert_non_null(strstr(chat.said, "! the password needs at least 6 characters [pw-too-short]\n"));
	assert_non_null(strstr(chat.said, "! the password was not changed [password-not-changed]\n"));
	pam_end(h, PAM_SUCCESS);
}

static void giving_up(void **state)
{
	pam_handle_t *h = begin("", "", "", "");
	WILL_ANSWER("initial1", "");

	fresh(state);
	answers[DEN_OP_ACCOUNT].number = DEN_PENDING_LOGIN;
	assert_int_equal(pam_chauthtok(h, PAM_CHANGE_EXPIRED_AUTHTOK), PAM_AUTHTOK_ERR);
	assert_int_equal(asked[DEN_OP_PASSWD].count, 1);
	pam_end(h, PAM_SUCCESS);
}

static void root_changes_nothing(void **state)
{
	pam_handle_t *h = begin("", "", "", "");
	WILL_ANSWER("current1", "mine12", "mine12");

	fresh(state);
	if (getuid() == 0) {
		assert_int_equal(pam_chauthtok(h, 0), PAM_PERM_DENIED);
		assert_int_equal(traffic(), 0);
		assert_non_null(strstr(chat.said, "[root-changes-nothing]"));
	} else {
		assert_int_equal(pam_chauthtok(h, 0), PAM_SUCCESS);
		assert_string_equal(asked[DEN_OP_PASSWD].kind, "login");
		assert_string_equal(asked[DEN_OP_PASSWD].current, "current1");
	}
	pam_end(h, PAM_SUCCESS);
}

static void unknown_pending(void **state)
{
	pam_handle_t *h = begin("", "", "", "");

	fresh(state);
	will_answer(NULL, 0);
	answers[DEN_OP_ACCOUNT].number = DEN_PENDING_LOGIN | 1u << 30;
	assert_int_equal(pam_chauthtok(h, PAM_CHANGE_EXPIRED_AUTHTOK), PAM_AUTHTOK_ERR);
	assert_int_equal(asked[DEN_OP_PASSWD].count, 0);
	pam_end(h, PAM_SUCCESS);
}

static void sessions(void **state)
{
	pam_handle_t *h = begin("", "", "", "");

	fresh(state);
	will_answer(NULL, 0);
	answers[DEN_OP_SESSION_OPEN].reason = DEN_APPROVALS_WAITING;
	/* Nothing open, nothing to close. */
	assert_int_equal(pam_close_session(h, 0), PAM_SUCCESS);
	assert_int_equal(traffic(), 0);
	assert_int_equal(pam_open_session(h, 0), PAM_SUCCESS);
	assert_string_equal(pam_getenv(h, "DENSHI_SESSION"), "token-1");
	assert_string_equal(chat.said, "- 3 request(s) wait for your decision: denshi requests --to-approve\n");
	assert_int_equal(pam_close_session(h, 0), PAM_SUCCESS);
	assert_string_equal(asked[DEN_OP_SESSION_CLOSE].token, "token-1");
	assert_null(pam_getenv(h, "DENSHI_SESSION"));
	pam_end(h, PAM_SUCCESS);
	/* A session without a token is none. */
	h = begin("", "", "", "");
	answers[DEN_OP_SESSION_OPEN].token = NULL;
	assert_int_equal(pam_open_session(h, 0), PAM_SESSION_ERR);
	pam_end(h, PAM_SUCCESS);
}

/* -- a guest in other programs ------------------------------------------------------------------------------- */

static int open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void leaves_nothing_open(void **state)
{
	int before;
	pam_handle_t *h;

	(void)state;
	for (int i = 0; i < 3; i++) {
		WILL_ANSWER("secret1");

		fresh(NULL);
		h = begin("debug", "debug approve business=transfer", "", "debug");
		if (i == 1)
			before = open_descriptors();
		errno = ENOTTY;
		assert_int_equal(pam_authenticate(h, 0), PAM_SUCCESS);
		assert_int_equal(pam_acct_mgmt(h, 0), PAM_SUCCESS);
		assert_int_equal(pam_open_session(h, 0), PAM_SUCCESS);
		assert_int_equal(pam_close_session(h, 0), PAM_SUCCESS);
		/* The peer closes its end a moment later. */
		for (int wait_ms = 0; i == 1 && open_descriptors() != before && wait_ms < 1000; wait_ms++)
			usleep(1000);
		if (i == 1)
			assert_int_equal(open_descriptors(), before);
		pam_end(h, PAM_SUCCESS);
	}
}

#define HIDDEN 0x5a
/* In front of it: what malloc(3) writes into freed memory wipes nothing more. */
#define FRONT 64
static const char hidden_password[] = {'s' ^ HIDDEN, 'E' ^ HIDDEN, 'c' ^ HIDDEN, 'r' ^ HIDDEN, '3' ^ HIDDEN,
	't' ^ HIDDEN, '-' ^ HIDDEN, 'x' ^ HIDDEN, 'Q' ^ HIDDEN, '7' ^ HIDDEN, 'z' ^ HIDDEN, 'K' ^ HIDDEN};

static size_t count_in(const char *bytes, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i + sizeof(hidden_password) <= len; i++) {
		size_t k = 0;

		while (k < sizeof(hidden_password) && (bytes[i + k] ^ HIDDEN) == hidden_password[k])
			k++;
		n += k == sizeof(hidden_password);
	}
	return n;
}

/* How often the password stands in this process's writable memory. */
static size_t passwords_in_memory(void)
{
	static char block[1 << 16];
	FILE *maps = fopen("/proc/self/maps", "re");
	int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	unsigned long first, last;
	char line[512], mode[8];
	size_t n = 0;

	assert_non_null(maps);
	assert_true(memory >= 0);
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %7s", &first, &last, mode) != 3 || strncmp(mode, "rw-p", 4) != 0)
			continue;
		/* A sanitizer's shadow is terabytes of nothing. */
		if (last - first > 1ul << 30)
			continue;
		for (; first < last; first += sizeof(block) / 2) {
			ssize_t got = pread(memory, block, sizeof(block), (off_t)first);

			if (got > 0)
				n += count_in(block, (size_t)got < last - first ? (size_t)got : last - first);
			memset(block, 0, sizeof(block));
		}
	}
	fclose(maps);
	close(memory);
	return n;
}

/* The same once the peer, a thread of this process, has wiped what it was sent: it answers first. */
static size_t passwords_left(void)
{
	static const struct timespec pause = {.tv_nsec = 10000000};
	size_t n = passwords_in_memory();

	for (int tries = 0; n && tries < 100; tries++) {
		nanosleep(&pause, NULL);
		n = passwords_in_memory();
	}
	return n;
}

static int converse_hidden(int n, const struct pam_message **messages, struct pam_response **out, void *data)
{
	struct pam_response *r = calloc((size_t)n, sizeof(*r));

	(void)data;
	(void)messages;
	assert_non_null(r);
	r->resp = calloc(1, FRONT + sizeof(hidden_password) + 1);
	assert_non_null(r->resp);
	memset(r->resp, 'f', FRONT);
	for (size_t i = 0; i < sizeof(hidden_password); i++)
		r->resp[FRONT + i] = (char)(hidden_password[i] ^ HIDDEN);
	*out = r;
	return PAM_SUCCESS;
}

/* R-ALL-4: nothing of it is left after login and change. */
static void leaves_no_password(void **state)
{
	struct pam_conv conv = {converse_hidden, NULL};
	pam_handle_t *h;

	service("", "", "", "");
	for (unsigned code = 0; code < 2; code++) {
		fresh(state);
		answers[DEN_OP_AUTH].code = code ? DEN_LOGIN_WRONG : DEN_OK;
		answers[DEN_OP_ACCOUNT].number = DEN_PENDING_LOGIN | DEN_PENDING_APPROVAL_NEW;
		h = begin_as("d-taro01", &conv);
		assert_int_equal(pam_authenticate(h, 0), code ? PAM_AUTH_ERR : PAM_SUCCESS);
		assert_int_equal(strlen(asked[DEN_OP_AUTH].password), FRONT + sizeof(hidden_password));
		/* The peer's notes; and that the search finds what is there. */
		assert_true(passwords_in_memory() >= 1);
		memset(asked, 0, sizeof(asked));
		assert_int_equal(passwords_left(), 0);
		assert_int_equal(pam_chauthtok(h, PAM_CHANGE_EXPIRED_AUTHTOK), PAM_SUCCESS);
		memset(asked, 0, sizeof(asked));
		assert_int_equal(passwords_left(), 0);
		pam_end(h, PAM_SUCCESS);
	}
}

static void never_hangs(void **state)
{
	pam_handle_t *h = begin("", "", "", "");
	struct timespec start, end;

	fresh(state);
	will_answer(NULL, 0);
	answers[DEN_OP_BEGIN].code = SILENT;
	clock_gettime(CLOCK_MONOTONIC, &start);
	assert_int_equal(pam_authenticate(h, 0), PAM_AUTHINFO_UNAVAIL);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_in_range(end.tv_sec - start.tv_sec, 4, 6);
	assert_non_null(strstr(chat.said, "[daemon-lost]"));
	pam_end(h, PAM_SUCCESS);
}

static void nobody_listens(void **state)
{
	char text[5 * PATH_MAX];
	pam_handle_t *h;

	(void)state;
	will_answer(NULL, 0);
	snprintf(text, sizeof(text),
		"auth required %s socket=/nowhere/x\naccount required %s socket=/nowhere/x\n"
		"password required %s socket=/nowhere/x\nsession required %s socket=/nowhere/x\n",
		module, module, module, module);
	write_service(text);
	h = begin_as("d-taro01", &conversation);
	assert_int_equal(pam_authenticate(h, 0), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(pam_acct_mgmt(h, 0), PAM_PERM_DENIED);
	assert_int_equal(pam_chauthtok(h, PAM_CHANGE_EXPIRED_AUTHTOK), PAM_TRY_AGAIN);
	assert_int_equal(pam_open_session(h, 0), PAM_SESSION_ERR);
	pam_end(h, PAM_SUCCESS);
}

/* The output of a command about the module, a line at a time. */
static FILE *run(const char *const *argv, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	extern char **environ;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	assert_int_equal(posix_spawnp(pid, argv[0], &actions, NULL, (char *const *)argv, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	return fdopen(ends[0], "r");
}

static void exports(void **state)
{
	static const char *const names[] = {"pam_sm_acct_mgmt", "pam_sm_authenticate", "pam_sm_chauthtok",
		"pam_sm_close_session", "pam_sm_open_session", "pam_sm_setcred"};
	const char *const argv[] = {"nm", "-D", "--defined-only", module, NULL};
	char line[256], name[128];
	size_t n = 0;
	pid_t pid;
	FILE *f = run(argv, &pid);
	int status;

	(void)state;
	while (fgets(line, sizeof(line), f)) {
		assert_int_equal(sscanf(line, "%*s T %127s", name), 1);
		assert_true(n < COUNT(names));
		/* nm sorts by name. */
		assert_string_equal(name, names[n++]);
	}
	fclose(f);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(n, COUNT(names));
}

static void libraries(void **state)
{
	const char *const argv[] = {"readelf", "-d", "-W", module, NULL};
	char line[512];
	unsigned needed = 0;
	pid_t pid;
	FILE *f = run(argv, &pid);
	int status;

	(void)state;
	while (fgets(line, sizeof(line), f)) {
		if (!strstr(line, "(NEEDED)"))
			continue;
		needed++;
		/* A sanitizer's runtime is the build's, not the module's. */
		if (!strstr(line, "[libc.so.") && !strstr(line, "[libpam.so.") && !strstr(line, "[libasan.so.") &&
			!strstr(line, "[libubsan.so."))
			fail_msg("%s", line);
	}
	fclose(f);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(needed >= 2);
}

static void find_module(int argc, char **argv)
{
	const char *given = argc > 1 ? argv[1] : getenv("PAM_MODULE");
	char beside[PATH_MAX], self[PATH_MAX - 32];
	ssize_t n;

	if (!given) {
		n = readlink("/proc/self/exe", self, sizeof(self) - 1);
		self[n > 0 ? n : 0] = '\0';
		snprintf(beside, sizeof(beside), "%s/../pam_denshi.so", dirname(self));
		given = beside;
	}
	if (!realpath(given, module)) {
		fprintf(stderr, "%s: %s\n", given, strerror(errno));
		exit(2);
	}
}

static void remove_folder(void)
{
	char path[128];

	unlink(sock);
	snprintf(path, sizeof(path), "%s/svc", folder);
	unlink(path);
	rmdir(folder);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(auth_codes, fresh),
		cmocka_unit_test_setup(begin_codes, fresh),
		cmocka_unit_test_setup(account_codes, fresh),
		cmocka_unit_test_setup(approve_codes, fresh),
		cmocka_unit_test_setup(session_codes, fresh),
		cmocka_unit_test_setup(password_codes, fresh),
		cmocka_unit_test_setup(wrong_arguments, fresh),
		cmocka_unit_test_setup(others_are_ignored, fresh),
		cmocka_unit_test_setup(no_login_ids, fresh),
		cmocka_unit_test_setup(one_user_one_name, fresh),
		cmocka_unit_test_setup(unknown_names, fresh),
		cmocka_unit_test_setup(certificate_fields, fresh),
		cmocka_unit_test_setup(password_lengths, fresh),
		cmocka_unit_test_setup(first_pass, fresh),
		cmocka_unit_test_setup(languages, fresh),
		cmocka_unit_test_setup(nobody_to_talk_to, fresh),
		cmocka_unit_test_setup(silence, fresh),
		cmocka_unit_test_setup(pending, fresh),
		cmocka_unit_test_setup(first_login, fresh),
		cmocka_unit_test_setup(first_approval_password, fresh),
		cmocka_unit_test_setup(broken_rules, fresh),
		cmocka_unit_test_setup(giving_up, fresh),
		cmocka_unit_test_setup(root_changes_nothing, fresh),
		cmocka_unit_test_setup(unknown_pending, fresh),
		cmocka_unit_test_setup(sessions, fresh),
		cmocka_unit_test_setup(leaves_nothing_open, fresh),
		cmocka_unit_test_setup(leaves_no_password, fresh),
		cmocka_unit_test_setup(never_hangs, fresh),
		cmocka_unit_test_setup(nobody_listens, fresh),
		cmocka_unit_test_setup(exports, fresh),
		cmocka_unit_test_setup(libraries, fresh),
	};
	int failed;

	find_module(argc, argv);
	/* The language is the answer's, not this terminal's. */
	unsetenv("LC_ALL");
	unsetenv("LC_MESSAGES");
	unsetenv("LANG");
	if (!mkdtemp(folder))
		return 2;
	snprintf(sock, sizeof(sock), "%s/sock", folder);
	start_peer();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	remove_folder();
	return failed != 0;
}
