#include "directory/stream.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"

/* 1 where the socket is ready within the limits; 0 with errno. */
static int await(const struct dendir_stream *s, short events)
{
	struct pollfd p = {.fd = s->fd, .events = events};
	int64_t ms = DENDIR_STALL_MS;
	int ready;

	if (s->until_ms) {
		int64_t left = s->until_ms - den_now_ms();

		ms = left < 0 ? 0 : left < ms ? left : ms;
	}
	ready = poll(&p, 1, (int)ms);
	if (ready == 0)
		errno = ETIMEDOUT;
	return ready > 0 || (ready < 0 && errno == EINTR);
}

static ber_slen_t take(Sockbuf_IO_Desc *layer, void *buf, ber_len_t size)
{
	const struct dendir_stream *s = layer->sbiod_pvt;
	ssize_t n;

	do
		n = recv(s->fd, buf, size, MSG_DONTWAIT);
	while (n < 0 && (errno == EINTR || (errno == EAGAIN && await(s, POLLIN))));
	return n;
}

static ber_slen_t give(Sockbuf_IO_Desc *layer, void *buf, ber_len_t size)
{
	const struct dendir_stream *s = layer->sbiod_pvt;
	ssize_t n;

	do
		n = send(s->fd, buf, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && (errno == EINTR || (errno == EAGAIN && await(s, POLLOUT))));
	return n;
}

static int setup(Sockbuf_IO_Desc *layer, void *stream)
{
	layer->sbiod_pvt = stream;
	return 0;
}

static int removed(Sockbuf_IO_Desc *layer)
{
	(void)layer;
	return 0;
}

static int control(Sockbuf_IO_Desc *layer, int option, void *arg)
{
	(void)layer;
	(void)option;
	(void)arg;
	return 0;
}

static int end(Sockbuf_IO_Desc *layer)
{
	struct dendir_stream *s = layer->sbiod_pvt;

	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	return 0;
}

int dendir_stream_attach(struct dendir_stream *stream, Sockbuf *sb)
{
	static Sockbuf_IO layer = {
		.sbi_setup = setup,
		.sbi_remove = removed,
		.sbi_ctrl = control,
		.sbi_read = take,
		.sbi_write = give,
		.sbi_close = end,
	};

	return ber_sockbuf_add_io(sb, &layer, LBER_SBIOD_LEVEL_PROVIDER, stream);
}
