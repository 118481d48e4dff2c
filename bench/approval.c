/*
 * approval - what the check of an approval costs beside one LDAP search, on the same slapd.
 *
 * usage: approval SOCKET USER DN LOGIN BUSINESS TIMES
 *   SOCKET is slapd's, DN an entry that the host's identity (denshid's USER, EXTERNAL) reads. In turns, TIMES each: a
 *   search for that entry over a connection that stays open; the check that the account phase makes, through denshid, which
 *   has found it good before; and the same looked up in the directory, as the first time (a dry run always is). Prints
 *   three medians in microseconds: "search N", "check N" and "fresh N".
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "core/client.h"
#include "core/protocol.h"

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void give_up(const char *what)
{
	fprintf(stderr, "approval: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* -- as much of LDAP as it takes (RFC 4511): short definite lengths throughout --------------- */

struct packet {
	unsigned char bytes[256];
	size_t len;
};

static void put(struct packet *p, unsigned char tag, const void *bytes, size_t len)
{
	if (len > 127 || p->len + len + 2 > sizeof(p->bytes))
		give_up("packet");
	p->bytes[p->len++] = tag;
	p->bytes[p->len++] = (unsigned char)len;
	memcpy(p->bytes + p->len, bytes, len);
	p->len += len;
}

static void send_request(int fd, unsigned char id, unsigned char tag, const struct packet *body)
{
	struct packet message = {.len = 0}, whole = {.len = 0};

	put(&message, 0x02, &id, 1);
	put(&message, tag, body->bytes, body->len);
	put(&whole, 0x30, message.bytes, message.len);
	if (send(fd, whole.bytes, whole.len, MSG_NOSIGNAL) != (ssize_t)whole.len)
		give_up("send");
}

static size_t length_of(const unsigned char *p, size_t *header)
{
	size_t n = 0;

	*header = 2;
	if (!(p[1] & 0x80))
		return p[1];
	for (int i = 0; i < (p[1] & 0x7f) && i < 4; i++, (*header)++)
		n = n << 8 | p[2 + i];
	return n;
}

/* Reads messages until one with the tag; its result code. */
static int await(int fd, unsigned char tag)
{
	static unsigned char buf[262144];
	size_t have = 0;

	for (;;) {
		size_t header, at, total;
		ssize_t n;

		while (have >= 6 && (total = length_of(buf, &header) + header) <= have) {
			size_t op = header + 3, inner;

			if (buf[op] == tag) {
				(void)length_of(buf + op, &inner);
				return buf[op + inner + 2];
			}
			memmove(buf, buf + total, have - total);
			have -= total;
		}
		at = have;
		n = recv(fd, buf + at, sizeof(buf) - at, 0);
		if (n <= 0)
			give_up("receive");
		have += (size_t)n;
	}
}

/* The kernel tells slapd who connects. */
static int connect_to(const char *path, const char *user)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	struct packet bind = {.len = 0}, sasl = {.len = 0};
	const unsigned char version = 3;
	const struct passwd *p = getpwnam(user);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	if (fd < 0 || !p || initgroups(user, p->pw_gid) != 0 || setegid(p->pw_gid) != 0 || seteuid(p->pw_uid) != 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 ||
		seteuid(0) != 0 || setegid(0) != 0)
		give_up(path);
	put(&bind, 0x02, &version, 1);
	put(&bind, 0x04, "", 0);
	put(&sasl, 0x04, "EXTERNAL", 8);
	put(&sasl, 0x04, "", 0);
	put(&bind, 0xA3, sasl.bytes, sasl.len);
	send_request(fd, 1, 0x60, &bind);
	if (await(fd, 0x61) != 0)
		give_up("bind");
	return fd;
}

static double search(int fd, const char *dn)
{
	static const unsigned char zero, no[1];
	struct packet body = {.len = 0};
	double from;

	put(&body, 0x04, dn, strlen(dn));
	put(&body, 0x0A, &zero, 1); /* base */
	put(&body, 0x0A, &zero, 1);
	put(&body, 0x02, &zero, 1);
	put(&body, 0x02, &zero, 1);
	put(&body, 0x01, no, 1);
	put(&body, 0x87, "objectClass", 11);
	put(&body, 0x30, "", 0);
	from = now_us();
	send_request(fd, 2, 0x63, &body);
	if (await(fd, 0x65) != 0)
		give_up("search");
	return now_us() - from;
}

/* -- denshid ----------------------------------------------------------------------------------- */

static double check(const char *login, const char *business, int fresh)
{
	struct den_message *request = den_message_new(DEN_OP_APPROVAL_USE), *reply;
	double from, took;

	den_message_add_string(request, DEN_TAG_LOGIN, login);
	den_message_add_string(request, DEN_TAG_BUSINESS, business);
	den_message_add_string(request, DEN_TAG_SERVICE, "bench");
	den_message_add_number(request, DEN_TAG_WITHIN, 3600);
	if (fresh)
		den_message_add_number(request, DEN_TAG_DRY_RUN, 1);
	from = now_us();
	reply = den_client_call(NULL, request, DEN_TIMEOUT_LOGIN_MS, NULL, NULL);
	took = now_us() - from;
	if (!reply || den_message_kind(reply) != DEN_APPROVAL_STANDS) {
		fprintf(stderr, "approval: %s\n", reply ? den_code_name((enum den_code)den_message_kind(reply)) : "no memory");
		exit(1);
	}
	den_message_free(reply);
	den_message_free(request);
	return took;
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), by_size);
	return values[n / 2];
}

int main(int argc, char **argv)
{
	size_t times = argc == 7 ? strtoul(argv[6], NULL, 10) : 0;
	double *searches = calloc(times + 1, sizeof(*searches)), *checks = calloc(times + 1, sizeof(*checks)),
	       *fresh = calloc(times + 1, sizeof(*fresh));
	int fd;

	if (times == 0 || !searches || !checks || !fresh) {
		fprintf(stderr, "usage: approval SOCKET USER DN LOGIN BUSINESS TIMES\n");
		return 2;
	}
	fd = connect_to(argv[1], argv[2]);
	for (size_t i = 0; i < times; i++) {
		searches[i] = search(fd, argv[3]);
		checks[i] = check(argv[4], argv[5], 0);
		fresh[i] = check(argv[4], argv[5], 1);
	}
	printf("search %.1f\ncheck %.1f\nfresh %.1f\n", median(searches, times), median(checks, times), median(fresh, times));
	return 0;
}
