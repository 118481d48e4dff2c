#include "core/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"

#define HEAD 4

static int await(int fd, short events, int64_t deadline)
{
	struct pollfd p = {.fd = fd, .events = events};
	int64_t left = deadline - den_now_ms();
	int n = left > 0 ? poll(&p, 1, (int)left) : 0;

	if (n == 0)
		errno = ETIMEDOUT;
	return n > 0 || (n < 0 && errno == EINTR) ? 0 : -1;
}

static int unblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 ? -1 : flags & O_NONBLOCK ? 0 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

static int put(int fd, const unsigned char *bytes, size_t size, int64_t deadline)
{
	while (size > 0) {
		ssize_t n = write(fd, bytes, size);

		if (n > 0) {
			bytes += n;
			size -= (size_t)n;
		} else if (errno == EAGAIN ? await(fd, POLLOUT, deadline) != 0 : errno != EINTR) {
			return -1;
		}
	}
	return 0;
}

static int get(int fd, unsigned char *bytes, size_t size, int64_t deadline)
{
	while (size > 0) {
		ssize_t n = read(fd, bytes, size);

		if (n > 0) {
			bytes += n;
			size -= (size_t)n;
		} else if (n == 0) {
			errno = ECONNRESET;
			return -1;
		} else if (errno == EAGAIN ? await(fd, POLLIN, deadline) != 0 : errno != EINTR) {
			return -1;
		}
	}
	return 0;
}

int den_frame_write(int fd, const struct den_message *m, int timeout_ms)
{
	int64_t deadline = den_now_ms() + timeout_ms;
	size_t size;
	const unsigned char *bytes = den_message_packet(m, &size);
	unsigned char head[HEAD];

	if (!bytes) {
		errno = EMSGSIZE;
		return -1;
	}
	for (size_t i = 0; i < HEAD; i++)
		head[i] = (unsigned char)(size >> 8 * (HEAD - 1 - i));
	if (unblock(fd) != 0 || put(fd, head, HEAD, deadline) != 0)
		return -1;
	return put(fd, bytes, size, deadline);
}

struct den_message *den_frame_read(int fd, int timeout_ms)
{
	int64_t deadline = den_now_ms() + timeout_ms;
	struct den_message *m = NULL;
	unsigned char head[HEAD], *bytes;
	size_t size = 0;
	int error;

	if (unblock(fd) != 0 || get(fd, head, HEAD, deadline) != 0)
		return NULL;
	for (size_t i = 0; i < HEAD; i++)
		size = size << 8 | head[i];
	if (size == 0 || size > DEN_MESSAGE_MAX) {
		errno = EMSGSIZE;
		return NULL;
	}
	bytes = malloc(size);
	if (!bytes)
		return NULL;
	if (get(fd, bytes, size, deadline) == 0)
		m = den_message_parse(bytes, size);
	error = errno;
	explicit_bzero(bytes, size);
	free(bytes);
	errno = error;
	return m;
}
