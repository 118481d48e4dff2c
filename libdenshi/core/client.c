#include "core/client.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/protocol.h"

#define BACKLOG_NAP_MS 5
#define BACKLOG_PATIENCE_MS 1000

static struct den_message *no_answer(enum den_code code, int error)
{
	struct den_message *m = den_message_new((uint16_t)code);
	char text[128];

	if (m)
		den_message_add_string(m, DEN_TAG_ARG, strerror_r(error, text, sizeof(text)));
	return m;
}

struct den_message *den_client_down(int error)
{
	return no_answer(DEN_DAEMON_DOWN, error);
}

/* Whoever owns the folder decides what listens in it: root, or denshid's own user. */
static int trusted_peer(int fd, const struct sockaddr_un *address)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	char folder[sizeof(address->sun_path)];
	struct stat st;
	char *slash;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return 0;
	if (peer.uid == 0)
		return 1;
	memcpy(folder, address->sun_path, sizeof(folder));
	slash = strrchr(folder, '/');
	if (!slash || slash == folder)
		return 0;
	*slash = '\0';
	return stat(folder, &st) == 0 && st.st_uid == peer.uid && !(st.st_mode & S_IWOTH);
}

static int dial(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	int fd, error;

	if (len >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, len + 1);
	/* Non-blocking: a full backlog is EAGAIN at once, not a hang. */
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
		if (trusted_peer(fd, &address))
			return fd;
		errno = EPERM;
	}
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

int den_client_connect(const char *path)
{
	return dial(path ? path : DEN_SOCKET_PATH);
}

/* Somebody may fill the backlog for a moment: it is tried again, for a while. */
static int dial_patiently(const char *path, int64_t deadline)
{
	static const struct timespec nap = {.tv_nsec = BACKLOG_NAP_MS * 1000000};
	int64_t until = den_now_ms() + BACKLOG_PATIENCE_MS;
	int fd;

	while ((fd = den_client_connect(path)) < 0 && errno == EAGAIN && den_now_ms() < until && den_now_ms() < deadline)
		nanosleep(&nap, NULL);
	return fd;
}

/* *code: what it is where there is no answer. */
static struct den_message *converse(int fd, const struct den_message *request, int64_t deadline,
	den_client_row *row, void *context, enum den_code *code)
{
	if (den_message_send(fd, request, (int)(deadline - den_now_ms())) != 0)
		return NULL;
	*code = DEN_DAEMON_LOST;
	for (;;) {
		int64_t left = deadline - den_now_ms();
		struct den_message *m;

		/* Rows without end, each in time, are a hang too. */
		if (left <= 0) {
			errno = ETIMEDOUT;
			return NULL;
		}
		m = den_message_receive(fd, (int)left);
		if (!m || !(den_message_flags(m) & DEN_MORE))
			return m;
		if (row && row(context, m) != 0) {
			den_message_free(m);
			errno = ECANCELED;
			return NULL;
		}
		den_message_free(m);
	}
}

struct den_message *den_client_call(const char *path, const struct den_message *request,
	int timeout_ms, den_client_row *row, void *context)
{
	int kept = errno;
	int64_t deadline = den_now_ms() + timeout_ms;
	enum den_code code = DEN_DAEMON_DOWN;
	struct den_message *reply = NULL;
	int fd = dial_patiently(path, deadline);

	if (fd >= 0)
		reply = converse(fd, request, deadline, row, context, &code);
	if (!reply)
		reply = no_answer(code, errno);
	if (fd >= 0)
		close(fd);
	errno = kept;
	return reply;
}

char *den_client_sentence(char *buf, enum den_lang lang, const struct den_message *reply)
{
	const char *args[DEN_TEXT_ARGS_MAX], *value;
	size_t n = 0, cursor = 0, len;
	uint16_t tag;

	while (n < DEN_TEXT_ARGS_MAX && den_message_next(reply, &cursor, &tag, &value, &len))
		if (tag == DEN_TAG_ARG)
			args[n++] = value;
	return den_text_format(buf, DEN_TEXT_MAX, lang, (enum den_code)den_message_kind(reply), args, n);
}

enum den_code den_client_next_reason(const struct den_message *reply, size_t *cursor, char *buf,
	enum den_lang lang)
{
	const char *args[DEN_TEXT_ARGS_MAX], *value;
	size_t n = 0, len, ahead;
	uint16_t tag;
	uint64_t code;

	do {
		if (!den_message_next(reply, cursor, &tag, &value, &len))
			return DEN_OK;
	} while (tag != DEN_TAG_CODE || len != sizeof(code));
	memcpy(&code, value, sizeof(code));
	/* DEN_OK is the end of the list, and no reason: neither as such nor cut to an enum. */
	if (code == DEN_OK || code >= DEN_CODE_COUNT)
		code = DEN_INTERNAL;
	ahead = *cursor;
	while (n < DEN_TEXT_ARGS_MAX && den_message_next(reply, &ahead, &tag, &value, &len) &&
		tag == DEN_TAG_CODE_ARG) {
		args[n++] = value;
		*cursor = ahead;
	}
	den_text_format(buf, DEN_TEXT_MAX, lang, (enum den_code)code, args, n);
	return (enum den_code)code;
}
