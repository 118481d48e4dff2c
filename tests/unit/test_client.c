/* The caller of denshid, against peers that are slow, silent, gone or wrong: R-ALL-1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/client.h"
#include "core/clock.h"
#include "core/protocol.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum peer {
	ANSWERS,
	SLOW,	      /* 100 ms */
	SILENT,
	CLOSES,	      /* at once */
	CLOSES_LATE,  /* after it has read */
	GARBAGE,
	OVERSIZE,
	ROWS,	      /* three, and the end */
	ROWS_CUT,     /* three, and no end */
	ROWS_FOREVER,
	EMPTY,	      /* a packet of no bytes */
};

static char folder[] = "/tmp/denshi-client-XXXXXX", path[64];
static int listener = -1;

static void send_reply(int fd, unsigned flags, uint64_t n)
{
	struct den_message *m = den_message_new(DEN_OK);

	den_message_set_flags(m, (uint16_t)flags);
	den_message_add_number(m, DEN_TAG_NUMBER, n);
	den_message_send(fd, m, 1000);
	den_message_free(m);
}

static void wait_for_end(int fd)
{
	char byte;

	(void)!recv(fd, &byte, 1, 0);
}

static void rows_forever(int fd)
{
	struct den_message *m = den_message_new(DEN_OK);

	den_message_set_flags(m, DEN_MORE);
	while (den_message_send(fd, m, 1000) == 0)
		;
	den_message_free(m);
}

static void play(int fd, enum peer peer)
{
	static unsigned char big[DEN_MESSAGE_MAX + 100];
	int room = 4 * (int)sizeof(big);

	switch (peer) {
	case SLOW:
		usleep(100000);
		/* fall through */
	case ANSWERS:
		send_reply(fd, 0, 42);
		break;
	case GARBAGE:
		send(fd, "this is no message", 18, MSG_NOSIGNAL);
		break;
	case OVERSIZE:
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
		send(fd, big, sizeof(big), MSG_NOSIGNAL);
		break;
	case EMPTY:
		send(fd, big, 0, MSG_NOSIGNAL);
		break;
	case ROWS:
	case ROWS_CUT:
		for (unsigned i = 1; i <= 3; i++)
			send_reply(fd, DEN_MORE, i);
		if (peer == ROWS)
			send_reply(fd, 0, 4);
		break;
	case ROWS_FOREVER:
		rows_forever(fd);
		break;
	case SILENT:
		wait_for_end(fd);
		break;
	case CLOSES:
	case CLOSES_LATE:
		break;
	}
}

static void *serve(void *arg)
{
	enum peer peer = *(const enum peer *)arg;
	int fd = accept(listener, NULL, NULL);
	struct den_message *m = NULL;

	if (fd < 0)
		return NULL;
	if (peer != CLOSES)
		m = den_message_receive(fd, 2000);
	play(fd, peer);
	den_message_free(m);
	close(fd);
	return NULL;
}

static int listen_at(const char *where, int backlog)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", where);
	unlink(where);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

static int count_rows(void *context, const struct den_message *row)
{
	uint64_t *sum = context;

	*sum += den_message_number(row, DEN_TAG_NUMBER, 0);
	return 0;
}

static int refuse_row(void *context, const struct den_message *row)
{
	(void)context;
	(void)row;
	return 1;
}

static int slow_row(void *context, const struct den_message *row)
{
	(void)context;
	(void)row;
	usleep(10000);
	return 0;
}

static struct den_message *call(enum peer peer, int timeout_ms, den_client_row *row, void *context)
{
	struct den_message *request = den_message_new(DEN_OP_STATUS), *reply;
	pthread_t thread;

	den_message_add_string(request, DEN_TAG_LOGIN, "d-taro01");
	assert_int_equal(pthread_create(&thread, NULL, serve, &peer), 0);
	errno = ENOTTY;
	reply = den_client_call(path, request, timeout_ms, row, context);
	assert_int_equal(errno, ENOTTY);
	pthread_join(thread, NULL);
	den_message_free(request);
	assert_non_null(reply);
	return reply;
}

static void peers(void **state)
{
	static const struct {
		enum peer peer;
		int timeout_ms, code, longest_ms;
	} rows[] = {
		{ANSWERS, 2000, DEN_OK, 500}, {SLOW, 2000, DEN_OK, 1000}, {SLOW, 30, DEN_DAEMON_LOST, 90},
		{SILENT, 200, DEN_DAEMON_LOST, 600}, {SILENT, 0, DEN_DAEMON_LOST, 400},
		{CLOSES, 2000, DEN_DAEMON_LOST, 500}, {CLOSES_LATE, 2000, DEN_DAEMON_LOST, 500},
		{GARBAGE, 2000, DEN_DAEMON_LOST, 500}, {OVERSIZE, 2000, DEN_DAEMON_LOST, 500},
		{EMPTY, 2000, DEN_DAEMON_LOST, 500}, {ROWS, 2000, DEN_OK, 500}, {ROWS_CUT, 2000, DEN_DAEMON_LOST, 500},
		{ROWS_FOREVER, 200, DEN_DAEMON_LOST, 900},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t start = den_now_ms(), took;
		struct den_message *reply = call(rows[i].peer, rows[i].timeout_ms, NULL, NULL);

		took = den_now_ms() - start;
		/* Without any time it may not even have been asked. */
		if ((int)den_message_kind(reply) != rows[i].code &&
			(rows[i].timeout_ms || den_message_kind(reply) != DEN_DAEMON_DOWN))
			fail_msg("peer %d: %s", rows[i].peer, den_code_name((enum den_code)den_message_kind(reply)));
		/* A busy machine takes its time; a client that hangs takes all there is. */
		if (took > rows[i].longest_ms + 5000)
			fail_msg("peer %d: %lld ms", rows[i].peer, (long long)took);
		if (rows[i].code == DEN_DAEMON_DOWN || rows[i].code == DEN_DAEMON_LOST)
			assert_non_null(den_message_string(reply, DEN_TAG_ARG));
		den_message_free(reply);
	}
}

static void rows_are_given(void **state)
{
	uint64_t sum = 0;
	struct den_message *reply = call(ROWS, 2000, count_rows, &sum);

	(void)state;
	assert_int_equal(den_message_kind(reply), DEN_OK);
	assert_int_equal(den_message_flags(reply), 0);
	assert_true(den_message_number(reply, DEN_TAG_NUMBER, 0) == 4);
	assert_true(sum == 6);
	den_message_free(reply);
	/* The caller has had enough: that is no success. */
	reply = call(ROWS, 2000, refuse_row, NULL);
	assert_int_equal(den_message_kind(reply), DEN_DAEMON_LOST);
	den_message_free(reply);
}

/* The peer is always ahead of the reader, so there is never nothing to read. */
static void rows_without_end(void **state)
{
	int64_t start = den_now_ms();
	struct den_message *reply = call(ROWS_FOREVER, 200, slow_row, NULL);

	(void)state;
	assert_int_equal(den_message_kind(reply), DEN_DAEMON_LOST);
	assert_true(den_now_ms() - start < 1000);
	den_message_free(reply);
}

static int code_at(const char *where, const struct den_message *request)
{
	struct den_message *reply = den_client_call(where, request, 500, NULL, NULL);
	int code;

	assert_non_null(reply);
	code = den_message_kind(reply);
	den_message_free(reply);
	return code;
}

static void nobody_there(void **state)
{
	struct den_message *request = den_message_new(DEN_OP_STATUS), *bad = den_message_new(DEN_OP_STATUS);
	static char big[DEN_MESSAGE_MAX];
	char stale[128], far[200];
	int fd;

	(void)state;
	snprintf(stale, sizeof(stale), "%s/stale", folder);
	assert_int_equal(code_at("/nowhere/at/all", request), DEN_DAEMON_DOWN);
	assert_int_equal(code_at("", request), DEN_DAEMON_DOWN);
	assert_int_equal(code_at("/etc/passwd", request), DEN_DAEMON_DOWN);
	memset(far, 'x', sizeof(far) - 1);
	far[0] = '/';
	far[sizeof(far) - 1] = '\0';
	assert_int_equal(code_at(far, request), DEN_DAEMON_DOWN);
	/* A socket that nobody listens on any more. */
	close(listen_at(stale, 1));
	assert_int_equal(code_at(stale, request), DEN_DAEMON_DOWN);
	unlink(stale);
	/* Nobody accepts: the kernel takes the request, no answer comes. */
	fd = listen_at(stale, 1);
	assert_int_equal(code_at(stale, request), DEN_DAEMON_LOST);
	close(fd);
	unlink(stale);
	/* A request that grew too large. */
	den_message_add(bad, DEN_TAG_TEXT, big, sizeof(big));
	assert_int_equal(code_at(path, bad), DEN_DAEMON_DOWN);
	den_message_free(bad);
	den_message_free(request);
	/* The connection above waits to be accepted. */
	close(accept(listener, NULL, NULL));
}

/* A backlog that is full may have room in a moment: within the time given, no longer. */
static void crowd(void **state)
{
	struct den_message *request = den_message_new(DEN_OP_STATUS);
	char full[128];
	int64_t start;
	int fd;

	(void)state;
	snprintf(full, sizeof(full), "%s/full", folder);
	fd = listen_at(full, 0);
	start = den_now_ms();
	/* The one or two that were let in are not answered, the others aren't let in. */
	for (int i = 0; i < 4; i++)
		assert_int_equal(code_at(full, request), i < 1 ? DEN_DAEMON_LOST : DEN_DAEMON_DOWN);
	assert_true(den_now_ms() - start < 4 * 500 + 400);
	close(fd);
	unlink(full);
	den_message_free(request);
}

/*
 * A socket of somebody who doesn't own its folder: a password goes to root and to the
 * folder's owner only. Seen only where this runs as root.
 */
static void untrusted_peer(void **state)
{
	static const struct {
		uid_t owner;
		mode_t mode;
		int code;
	} rows[] = {
		{4242, 0755, DEN_OK}, {0, 0755, DEN_DAEMON_DOWN}, {4242, 0757, DEN_DAEMON_DOWN},
		{4243, 0755, DEN_DAEMON_DOWN},
	};
	char room[64], where[128];

	(void)state;
	if (geteuid() != 0)
		skip();
	snprintf(room, sizeof(room), "%s/room", folder);
	snprintf(where, sizeof(where), "%s/sock", room);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct den_message *request = den_message_new(DEN_OP_STATUS);
		enum peer peer = ANSWERS;
		int kept = listener;
		pthread_t thread;

		assert_int_equal(mkdir(room, 0755), 0);
		/* The peer is who called listen(2). */
		assert_int_equal(seteuid(0), 0);
		assert_int_equal(chmod(room, 0777), 0);
		assert_int_equal(chmod(folder, 0755), 0);
		assert_int_equal(seteuid(4242), 0);
		listener = listen_at(where, 1);
		assert_int_equal(seteuid(0), 0);
		assert_int_equal(chown(room, rows[i].owner, 0), 0);
		assert_int_equal(chmod(room, rows[i].mode), 0);
		assert_int_equal(pthread_create(&thread, NULL, serve, &peer), 0);
		if (code_at(where, request) != rows[i].code)
			fail_msg("row %zu", i);
		pthread_join(thread, NULL);
		close(listener);
		listener = kept;
		unlink(where);
		rmdir(room);
		den_message_free(request);
	}
}

static void sentences(void **state)
{
	struct den_message *m = den_message_new(DEN_UPDATE_DONE);
	char buf[DEN_TEXT_MAX];

	(void)state;
	den_message_add_string(m, DEN_TAG_LOGIN, "skipped");
	den_message_add_string(m, DEN_TAG_ARG, "7");
	den_message_add_string(m, DEN_TAG_ARG, "3");
	for (int i = 0; i < 10; i++)
		den_message_add_string(m, DEN_TAG_ARG, "too many");
	assert_string_equal(den_client_sentence(buf, DEN_LANG_EN, m),
		"user update done: serial 7 is in force, 3 change(s)");
	assert_string_equal(den_client_sentence(buf, DEN_LANG_JA, m),
		"ユーザ更新が完了しました: 更新番号 7、変更 3 件を反映しました");
	den_message_set_kind(m, 65535);
	den_client_sentence(buf, DEN_LANG_EN, m);
	den_message_free(m);
}

static void reasons(void **state)
{
	static const struct {
		unsigned code;
		const char *text;
	} rows[] = {
		{DEN_PW_TOO_SHORT, "the password needs at least 6 characters"},
		{DEN_PW_NO_DIGIT, "the password needs at least one half-width digit"},
		/* Neither zero nor a number that an enum cuts to zero ends the list. */
		{DEN_INTERNAL, "internal error: ?; see the log of denshid"},
		{DEN_INTERNAL, "internal error: ?; see the log of denshid"},
		{DEN_FIELD_LOGIN_ID, "login ID: d- and 6 to 12 half-width letters or digits (found: x)"},
	};
	struct den_message *m = den_message_new(DEN_FIELDS_WRONG);
	char buf[DEN_TEXT_MAX];
	size_t cursor = 0;

	(void)state;
	den_message_add_string(m, DEN_TAG_LANG, "en");
	den_message_add_number(m, DEN_TAG_CODE, DEN_PW_TOO_SHORT);
	den_message_add_string(m, DEN_TAG_CODE_ARG, "6");
	den_message_add(m, DEN_TAG_CODE, "shrt", 4); /* no number: skipped */
	den_message_add_number(m, DEN_TAG_CODE, DEN_PW_NO_DIGIT);
	den_message_add_number(m, DEN_TAG_CODE, 0);
	den_message_add_number(m, DEN_TAG_CODE, UINT64_C(1) << 32);
	den_message_add_number(m, DEN_TAG_CODE, DEN_FIELD_LOGIN_ID);
	den_message_add_string(m, DEN_TAG_CODE_ARG, "x");
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(den_client_next_reason(m, &cursor, buf, DEN_LANG_EN), rows[i].code);
		assert_string_equal(buf, rows[i].text);
	}
	assert_int_equal(den_client_next_reason(m, &cursor, buf, DEN_LANG_EN), DEN_OK);
	assert_int_equal(den_client_next_reason(m, &cursor, buf, DEN_LANG_EN), DEN_OK);
	den_message_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peers),
		cmocka_unit_test(rows_are_given),
		cmocka_unit_test(rows_without_end),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(crowd),
		cmocka_unit_test(untrusted_peer),
		cmocka_unit_test(sentences),
		cmocka_unit_test(reasons),
	};
	int failed;

	if (!mkdtemp(folder))
		return 2;
	snprintf(path, sizeof(path), "%s/sock", folder);
	listener = listen_at(path, 8);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	close(listener);
	unlink(path);
	rmdir(folder);
	return failed != 0;
}
