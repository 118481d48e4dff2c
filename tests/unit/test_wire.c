/* The wire: round trips, limits, damage. Under a sanitizer, every copy has just its size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/protocol.h"
#include "core/wire.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HEADER 8
#define MAX_PACKET (DEN_MESSAGE_MAX + 16)

/* The packet of m, as it is sent. */
static size_t packet_of(const struct den_message *m, unsigned char *out, size_t size)
{
	int ends[2];
	ssize_t n;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	assert_int_equal(den_message_send(ends[0], m, 1000), 0);
	n = recv(ends[1], out, size, MSG_TRUNC);
	assert_true(n > 0 && (size_t)n <= size);
	close(ends[0]);
	close(ends[1]);
	return (size_t)n;
}

static struct den_message *sample(void)
{
	struct den_message *m = den_message_new(DEN_OP_AUTH);

	assert_non_null(m);
	den_message_set_flags(m, DEN_MORE);
	den_message_add_string(m, DEN_TAG_LOGIN, "d-taro01");
	den_message_add_string(m, DEN_TAG_SERVICE, "");
	den_message_add(m, DEN_TAG_PASSWORD, "a\0b", 3);
	den_message_add_number(m, DEN_TAG_NUMBER, UINT64_MAX - 1);
	den_message_add_string(m, DEN_TAG_LOGIN, "d-second");
	den_message_add_string(m, DEN_TAG_TTY, NULL);
	den_message_add(m, 60000, "unknown tag", 11);
	return m;
}

/* A parse of a copy that ends where it ends. */
static struct den_message *parse_copy(const unsigned char *bytes, size_t len)
{
	unsigned char *copy = malloc(len + !len);
	struct den_message *m;

	assert_non_null(copy);
	if (len)
		memcpy(copy, bytes, len);
	m = den_message_parse(copy, len);
	free(copy);
	return m;
}

/* Every accessor over every field; returns their number. */
static size_t walk(const struct den_message *m)
{
	size_t cursor = 0, len, n = 0, sum = 0;
	const char *value;
	uint16_t tag;

	while (den_message_next(m, &cursor, &tag, &value, &len)) {
		n++;
		assert_int_equal(value[len], 0);
		for (size_t i = 0; i < len; i++)
			sum += (unsigned char)value[i];
		(void)den_message_string(m, tag);
		(void)den_message_number(m, tag, sum);
		assert_non_null(den_message_bytes(m, tag, &len));
	}
	return n;
}

static void check_sample(const struct den_message *m)
{
	size_t len = 0;

	assert_int_equal(den_message_kind(m), DEN_OP_AUTH);
	assert_int_equal(den_message_flags(m), DEN_MORE);
	assert_string_equal(den_message_string(m, DEN_TAG_LOGIN), "d-taro01");
	assert_string_equal(den_message_string(m, DEN_TAG_SERVICE), "");
	/* With a NUL within it is bytes, and no string. */
	assert_null(den_message_string(m, DEN_TAG_PASSWORD));
	assert_string_equal(den_message_string_or_empty(m, DEN_TAG_PASSWORD), "");
	assert_memory_equal(den_message_bytes(m, DEN_TAG_PASSWORD, &len), "a\0b", 3);
	assert_int_equal(len, 3);
	assert_true(den_message_number(m, DEN_TAG_NUMBER, 0) == UINT64_MAX - 1);
	/* Not there, or not a number. */
	assert_null(den_message_string(m, DEN_TAG_TTY));
	assert_null(den_message_bytes(m, DEN_TAG_TTY, &len));
	assert_string_equal(den_message_string_or_empty(m, DEN_TAG_TTY), "");
	assert_true(den_message_number(m, DEN_TAG_TTY, 7) == 7);
	assert_true(den_message_number(m, DEN_TAG_PASSWORD, 7) == 7);
	assert_int_equal(walk(m), 6);
}

static void round_trip(void **state)
{
	struct den_message *m = sample(), *copy;
	unsigned char packet[1024];
	size_t len;

	(void)state;
	check_sample(m);
	len = packet_of(m, packet, sizeof(packet));
	copy = parse_copy(packet, len);
	assert_non_null(copy);
	check_sample(copy);
	/* What was received may be answered with: fields can be added. */
	den_message_set_kind(copy, 9);
	den_message_set_flags(copy, 0);
	for (unsigned i = 0; i < 1000; i++)
		den_message_add_number(copy, DEN_TAG_SERIAL, i);
	assert_int_equal(den_message_kind(copy), 9);
	assert_int_equal(den_message_flags(copy), 0);
	assert_int_equal(walk(copy), 1006);
	den_message_free(copy);
	den_message_free(m);
	den_message_free(NULL);
}

static void field_lengths(void **state)
{
	(void)state;
	for (size_t len = 0; len < 70; len++) {
		struct den_message *m = den_message_new(1), *copy;
		unsigned char value[70], packet[256];
		size_t found, n;

		memset(value, 'v', sizeof(value));
		den_message_add(m, 1, value, len);
		den_message_add(m, 2, value, len);
		n = packet_of(m, packet, sizeof(packet));
		assert_int_equal(n, HEADER + 2 * (8 + ((len + 4) & ~(size_t)3)));
		copy = parse_copy(packet, n);
		assert_non_null(copy);
		assert_memory_equal(den_message_bytes(copy, 2, &found), value, len);
		assert_int_equal(found, len);
		den_message_free(copy);
		den_message_free(m);
	}
}

static void truncations(void **state)
{
	struct den_message *m = sample();
	unsigned char packet[1024];
	size_t len = packet_of(m, packet, sizeof(packet)), whole = 0;

	(void)state;
	den_message_free(m);
	for (size_t cut = 0; cut < len; cut++) {
		errno = 0;
		m = parse_copy(packet, cut);
		if (!m) {
			assert_int_equal(errno, EBADMSG);
			continue;
		}
		/* Only between two fields. */
		assert_int_equal(walk(m), whole++);
		den_message_free(m);
	}
	assert_int_equal(whole, 6);
	/* And one byte too many, also where it is zero. */
	packet[len] = 0;
	assert_null(parse_copy(packet, len + 1));
	assert_null(parse_copy(packet, len + 4));
}

static void damages(void **state)
{
	/* offset in the first field's packet, byte */
	static const struct {
		size_t at;
		unsigned char byte;
		int right;
	} rows[] = {
		{0, 'd', 0}, {3, '2', 0},		   /* magic */
		{4, 0xff, 1}, {5, 0xff, 1},		   /* any kind */
		{6, 1, 1}, {6, 2, 0}, {6, 3, 0}, {7, 1, 0}, /* unknown flags */
		{8, 0xff, 1}, {9, 0xff, 1},		   /* any tag */
		{10, 1, 0}, {11, 1, 0},			   /* must be zero */
		{12, 2, 0}, {12, 4, 0}, {12, 0, 0}, {12, 200, 0}, {13, 1, 0}, {14, 1, 0}, {15, 0x80, 0},
		{15, 0xff, 0}, {16, 'x', 1}, {19, 1, 0}, /* the value; its NUL */
	};
	struct den_message *m = den_message_new(1);
	unsigned char packet[64];
	size_t len;

	(void)state;
	den_message_add(m, 1, "abc", 3);
	len = packet_of(m, packet, sizeof(packet));
	den_message_free(m);
	assert_int_equal(len, 20);
	for (size_t i = 0; i < COUNT(rows); i++) {
		unsigned char copy[64];

		memcpy(copy, packet, len);
		copy[rows[i].at] = rows[i].byte;
		m = parse_copy(copy, len);
		if ((m != NULL) != rows[i].right)
			fail_msg("row %zu: byte %zu", i, rows[i].at);
		den_message_free(m);
	}
}

/* Reproducible: a failure names its seed. */
static void mutations(void **state)
{
	struct den_message *m = sample();
	unsigned char packet[1024], copy[1024];
	size_t len = packet_of(m, packet, sizeof(packet)), parsed = 0;
	unsigned seed = 20240229;

	(void)state;
	den_message_free(m);
	for (unsigned round = 0; round < 200000; round++) {
		size_t n = len;

		memcpy(copy, packet, len);
		for (int k = rand_r(&seed) % 4; k >= 0; k--)
			copy[(size_t)rand_r(&seed) % len] = (unsigned char)rand_r(&seed);
		if (rand_r(&seed) % 4 == 0)
			n = (size_t)rand_r(&seed) % (len + 1);
		m = parse_copy(copy, n);
		if (m) {
			parsed++;
			walk(m);
		}
		den_message_free(m);
	}
	/* Some must get through, else this tests nothing. */
	assert_true(parsed > 1000);
}

static void limits(void **state)
{
	static unsigned char big[DEN_MESSAGE_MAX + 1], packet[MAX_PACKET];
	struct den_message *m, *copy;
	size_t most = DEN_MESSAGE_MAX - HEADER - 8 - 1, n;

	(void)state;
	memset(big, 'b', sizeof(big));
	/* The largest field that fits, and a byte more. */
	m = den_message_new(1);
	den_message_add(m, 1, big, most);
	n = packet_of(m, packet, sizeof(packet));
	assert_int_equal(n, DEN_MESSAGE_MAX);
	copy = parse_copy(packet, n);
	assert_non_null(copy);
	assert_int_equal(walk(copy), 1);
	den_message_free(copy);
	/* Full is full, for good. */
	den_message_add(m, 2, "", 0);
	assert_int_equal(den_message_send(0, m, 0), -1);
	assert_int_equal(errno, EMSGSIZE);
	den_message_free(m);

	m = den_message_new(1);
	den_message_add(m, 1, big, most + 1);
	den_message_add(m, 2, "small", 5);
	assert_int_equal(den_message_send(0, m, 0), -1);
	assert_int_equal(errno, EMSGSIZE);
	den_message_free(m);

	m = den_message_new(1);
	den_message_add(m, 1, big, (size_t)-1);
	assert_int_equal(den_message_send(0, m, 0), -1);
	assert_int_equal(errno, EMSGSIZE);
	den_message_free(m);

	errno = 0;
	assert_null(den_message_parse(packet, DEN_MESSAGE_MAX + 1));
	assert_int_equal(errno, EMSGSIZE);
	assert_null(den_message_parse(packet, (size_t)-1));
	assert_null(den_message_parse(NULL, 0));
}

static void receives(void **state)
{
	static unsigned char big[MAX_PACKET];
	struct den_message *m;
	int ends[2], room = 4 * MAX_PACKET;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	/* Nothing there. */
	errno = 0;
	assert_null(den_message_receive(ends[1], 20));
	assert_int_equal(errno, ETIMEDOUT);
	/* Two packets are two messages. */
	m = sample();
	assert_int_equal(den_message_send(ends[0], m, 100), 0);
	assert_int_equal(den_message_send(ends[0], m, 100), 0);
	den_message_free(m);
	for (int i = 0; i < 2; i++) {
		m = den_message_receive(ends[1], 100);
		assert_non_null(m);
		check_sample(m);
		den_message_free(m);
	}
	/* Garbage, and a packet that is too long. */
	assert_int_equal(send(ends[0], "garbage", 7, 0), 7);
	assert_null(den_message_receive(ends[1], 100));
	assert_int_equal(errno, EBADMSG);
	if (send(ends[0], big, sizeof(big), 0) == (ssize_t)sizeof(big)) {
		assert_null(den_message_receive(ends[1], 100));
		assert_int_equal(errno, EMSGSIZE);
	}
	/* Gone: no signal, an error. */
	close(ends[0]);
	assert_null(den_message_receive(ends[1], 100));
	assert_int_equal(errno, ECONNRESET);
	m = sample();
	assert_int_equal(den_message_send(ends[1], m, 100), -1);
	assert_int_equal(errno, EPIPE);
	den_message_free(m);
	close(ends[1]);
	assert_null(den_message_receive(-1, 10));
	assert_int_equal(errno, EBADF);
}

/* -- a peer that answers and closes between recv's two looks, at the queue and at the peer ------ */

static int answers_late = -1; /* that peer's end */

ssize_t recv(int fd, void *buf, size_t size, int flags)
{
	struct den_message *m;

	if (answers_late < 0)
		return recvfrom(fd, buf, size, flags, NULL, NULL);
	m = sample();
	assert_int_equal(den_message_send(answers_late, m, 100), 0);
	den_message_free(m);
	close(answers_late);
	answers_late = -1;
	return 0; /* what Linux says then: 7 of 100,000 such answers were lost */
}

static void last_words(void **state)
{
	struct den_message *m;
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	answers_late = ends[0];
	m = den_message_receive(ends[1], 100);
	assert_non_null(m);
	check_sample(m);
	den_message_free(m);
	assert_null(den_message_receive(ends[1], 100));
	assert_int_equal(errno, ECONNRESET);
	close(ends[1]);
}

/* A peer that reads nothing. */
static void send_times_out(void **state)
{
	struct den_message *m = den_message_new(1);
	static unsigned char big[DEN_MESSAGE_MAX / 2];
	struct timespec start, end;
	int ends[2], error = 0;

	(void)state;
	den_message_add(m, 1, big, sizeof(big));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = 0; i < 1000 && !error; i++)
		error = den_message_send(ends[0], m, 50) == 0 ? 0 : errno;
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_int_equal(error, ETIMEDOUT);
	assert_true(end.tv_sec - start.tv_sec < 5);
	den_message_free(m);
	close(ends[0]);
	close(ends[1]);
}

/* Descriptors that come along are closed. */
static void stray_descriptors(void **state)
{
	struct den_message *m = sample();
	unsigned char packet[1024];
	struct iovec iov = {packet, packet_of(m, packet, sizeof(packet))};
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.room = {0}};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	int ends[2], extra[2], lowest;

	(void)state;
	den_message_free(m);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	assert_int_equal(pipe(extra), 0);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &extra[0], sizeof(int));
	lowest = dup(0);
	close(lowest);
	assert_true(sendmsg(ends[0], &message, 0) > 0);
	m = den_message_receive(ends[1], 100);
	assert_non_null(m);
	den_message_free(m);
	assert_int_equal(dup(0), lowest);
	close(lowest);
	for (int i = 0; i < 2; i++) {
		close(ends[i]);
		close(extra[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(field_lengths),
		cmocka_unit_test(truncations),
		cmocka_unit_test(damages),
		cmocka_unit_test(mutations),
		cmocka_unit_test(limits),
		cmocka_unit_test(receives),
		cmocka_unit_test(last_words),
		cmocka_unit_test(send_times_out),
		cmocka_unit_test(stray_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
