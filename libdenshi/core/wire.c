#include "core/wire.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/clock.h"

#define MAGIC 0x314e4544u /* "DEN1" */

struct header {
	uint32_t magic;
	uint16_t kind, flags;
};

struct field {
	uint16_t tag, zero;
	uint32_t len;
};

struct den_message {
	size_t used, room;
	int bad;
	unsigned char *bytes;
};

static struct header header_of(const struct den_message *m)
{
	struct header h;

	memcpy(&h, m->bytes, sizeof(h));
	return h;
}

static struct den_message *message_with_room(size_t room)
{
	struct den_message *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->bytes = calloc(1, room);
	if (!m->bytes) {
		free(m);
		return NULL;
	}
	m->room = room;
	return m;
}

struct den_message *den_message_new(uint16_t kind)
{
	struct den_message *m = message_with_room(1024);
	struct header h = {.magic = MAGIC, .kind = kind};

	if (!m)
		return NULL;
	memcpy(m->bytes, &h, sizeof(h));
	m->used = sizeof(h);
	return m;
}

void den_message_free(struct den_message *m)
{
	if (!m)
		return;
	explicit_bzero(m->bytes, m->room);
	free(m->bytes);
	free(m);
}

uint16_t den_message_kind(const struct den_message *m)
{
	return header_of(m).kind;
}

uint16_t den_message_flags(const struct den_message *m)
{
	return header_of(m).flags;
}

void den_message_set_kind(struct den_message *m, uint16_t kind)
{
	struct header h = header_of(m);

	h.kind = kind;
	memcpy(m->bytes, &h, sizeof(h));
}

void den_message_set_flags(struct den_message *m, uint16_t flags)
{
	struct header h = header_of(m);

	h.flags = flags;
	memcpy(m->bytes, &h, sizeof(h));
}

/* Room of a value with its NUL and padding. */
static size_t padded(size_t len)
{
	return (len + 1 + 3) & ~(size_t)3;
}

/* realloc would leave the old bytes, perhaps a password, in freed memory. */
static int grow(struct den_message *m, size_t need)
{
	size_t room = m->room;
	unsigned char *bytes;

	while (room < need)
		room *= 2;
	bytes = calloc(1, room);
	if (!bytes)
		return -1;
	memcpy(bytes, m->bytes, m->used);
	explicit_bzero(m->bytes, m->room);
	free(m->bytes);
	m->bytes = bytes;
	m->room = room;
	return 0;
}

void den_message_add(struct den_message *m, uint16_t tag, const void *bytes, size_t len)
{
	struct field f = {.tag = tag};
	size_t need;

	if (m->bad || len > DEN_MESSAGE_MAX) {
		m->bad = 1;
		return;
	}
	f.len = (uint32_t)len;
	need = m->used + sizeof(f) + padded(len);
	if (need > DEN_MESSAGE_MAX || (need > m->room && grow(m, need) != 0)) {
		m->bad = 1;
		return;
	}
	memcpy(m->bytes + m->used, &f, sizeof(f));
	if (len)
		memcpy(m->bytes + m->used + sizeof(f), bytes, len);
	m->used = need;
}

void den_message_add_string(struct den_message *m, uint16_t tag, const char *s)
{
	if (s)
		den_message_add(m, tag, s, strlen(s));
}

void den_message_add_number(struct den_message *m, uint16_t tag, uint64_t n)
{
	den_message_add(m, tag, &n, sizeof(n));
}

int den_message_next(const struct den_message *m, size_t *cursor, uint16_t *tag,
	const char **value, size_t *len)
{
	size_t at = *cursor ? *cursor : sizeof(struct header);
	struct field f;

	if (at >= m->used)
		return 0;
	memcpy(&f, m->bytes + at, sizeof(f));
	*tag = f.tag;
	*value = (const char *)m->bytes + at + sizeof(f);
	*len = f.len;
	*cursor = at + sizeof(f) + padded(f.len);
	return 1;
}

const void *den_message_bytes(const struct den_message *m, uint16_t tag, size_t *len)
{
	size_t cursor = 0, n;
	const char *value;
	uint16_t t;

	while (den_message_next(m, &cursor, &t, &value, &n))
		if (t == tag) {
			*len = n;
			return value;
		}
	return NULL;
}

const char *den_message_string(const struct den_message *m, uint16_t tag)
{
	size_t len;
	const char *s = den_message_bytes(m, tag, &len);

	return s && !memchr(s, '\0', len) ? s : NULL;
}

const char *den_message_string_or_empty(const struct den_message *m, uint16_t tag)
{
	const char *s = den_message_string(m, tag);

	return s ? s : "";
}

uint64_t den_message_number(const struct den_message *m, uint16_t tag, uint64_t otherwise)
{
	size_t len;
	const void *bytes = den_message_bytes(m, tag, &len);
	uint64_t n;

	if (!bytes || len != sizeof(n))
		return otherwise;
	memcpy(&n, bytes, sizeof(n));
	return n;
}

/* Walks the fields of an untrusted packet: every length inside it, every pad zero. */
static int well_formed(const unsigned char *bytes, size_t len)
{
	struct header h;
	size_t at = sizeof(h);

	if (len < sizeof(h))
		return 0;
	memcpy(&h, bytes, sizeof(h));
	if (h.magic != MAGIC || (h.flags & ~DEN_MORE))
		return 0;
	while (at < len) {
		struct field f;

		if (len - at < sizeof(f))
			return 0;
		memcpy(&f, bytes + at, sizeof(f));
		at += sizeof(f);
		if (f.zero || f.len > DEN_MESSAGE_MAX || padded(f.len) > len - at)
			return 0;
		for (size_t i = f.len; i < padded(f.len); i++)
			if (bytes[at + i])
				return 0;
		at += padded(f.len);
	}
	return 1;
}

struct den_message *den_message_parse(const void *bytes, size_t len)
{
	struct den_message *m;

	if (len > DEN_MESSAGE_MAX) {
		errno = EMSGSIZE;
		return NULL;
	}
	if (!well_formed(bytes, len)) {
		errno = EBADMSG;
		return NULL;
	}
	m = message_with_room(len);
	if (!m)
		return NULL;
	memcpy(m->bytes, bytes, len);
	m->used = len;
	return m;
}

static int wait_for(int fd, short events, int64_t deadline_ms)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = events};
		int64_t left = deadline_ms - den_now_ms();
		int n = poll(&p, 1, left > 0 ? (int)left : 0);

		if (n > 0)
			return 0;
		if (n == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (errno != EINTR)
			return -1;
	}
}

const void *den_message_packet(const struct den_message *m, size_t *len)
{
	*len = m->used;
	return m->bad ? NULL : m->bytes;
}

int den_message_send(int fd, const struct den_message *m, int timeout_ms)
{
	int64_t deadline = den_now_ms() + timeout_ms;

	if (m->bad) {
		errno = EMSGSIZE;
		return -1;
	}
	for (;;) {
		ssize_t n = send(fd, m->bytes, m->used, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n == (ssize_t)m->used)
			return 0;
		if (n >= 0) {
			errno = EMSGSIZE;
			return -1;
		}
		if (errno == EINTR)
			continue;
		if ((errno != EAGAIN && errno != EWOULDBLOCK) || wait_for(fd, POLLOUT, deadline) != 0)
			return -1;
	}
}

/* Length of the next packet, which stays where it is; 0 at the end. */
static ssize_t next_length(int fd)
{
	/* MSG_TRUNC: the true length, and nothing is copied. */
	const int peek = MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC;
	ssize_t n = recv(fd, NULL, 0, peek);

	/* Linux looks for a packet first and whether the peer has closed then: of one that
	 * answers and closes in between, it says that there is nothing more. */
	return n == 0 ? recv(fd, NULL, 0, peek) : n;
}

/* The same, waited for; -1 with errno. */
static ssize_t await_packet(int fd, int64_t deadline)
{
	for (;;) {
		ssize_t n = next_length(fd);

		if (n >= 0)
			return n;
		if (errno == EINTR)
			continue;
		if ((errno != EAGAIN && errno != EWOULDBLOCK) || wait_for(fd, POLLIN, deadline) != 0)
			return -1;
	}
}

struct den_message *den_message_receive(int fd, int timeout_ms)
{
	ssize_t n = await_packet(fd, den_now_ms() + timeout_ms);
	struct den_message *m = NULL;
	unsigned char *packet;
	int kept;

	if (n < 0)
		return NULL;
	if (n == 0 || (size_t)n > DEN_MESSAGE_MAX) {
		/* Out of the way of the next one. */
		(void)!recv(fd, NULL, 0, MSG_DONTWAIT);
		errno = n == 0 ? ECONNRESET : EMSGSIZE;
		return NULL;
	}
	packet = malloc((size_t)n);
	if (!packet)
		return NULL;
	/* There already: nobody else reads here. */
	if (recv(fd, packet, (size_t)n, MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC) == n)
		m = den_message_parse(packet, (size_t)n);
	kept = errno;
	explicit_bzero(packet, (size_t)n);
	free(packet);
	errno = kept;
	return m;
}
