/*
 * ldapbind - simple binds to a directory on a Unix socket, and nothing around them: what a login
 * costs at the least, and how many guesses a directory evaluates when they come at once.
 *
 * Timing: N connections make R binds each; every one must succeed. Prints
 *   auth TAB label TAB median-ms TAB binds-per-second
 *
 * Race: N connections send one bind each, all before the first answer is read. The request
 * carries the control of draft-behera-ldap-password-policy, by whose answer a guess refused
 * because of the lock is told from one that was evaluated. Prints a line each:
 *   right, wrong, locked, other TAB count
 *
 * Guarded (-g): each bind with two durable writes around it, as the connection's owner: slot and record
 * are added and deleted. What a login that is guarded by a reservation costs a directory at the least.
 *
 * The few bytes of a bind (RFC 4511) are written here so that nothing of libldap is measured.
 *
 * Exit status: 0 fine, 1 a refused bind while timing, 2 usage or set-up.
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MAX_CLIENTS 256
#define MAX_CREDS 64
#define MAX_MESSAGE 4096
#define INVALID_CREDENTIALS 49

struct cred {
	char dn[256], password[128];
};

struct client {
	int fd, writer; /* writer: -1 where nothing is written */
	char slot;
	const struct cred *cred;
	int rounds;
	double *ms;
	double begun, ended;
	int refused;
	pthread_barrier_t *start;
	pthread_t thread;
};

struct answer {
	int code, locked;
};

static struct cred creds[MAX_CREDS];
static size_t ncreds;

static noreturn void die(const char *what)
{
	fprintf(stderr, "ldapbind: %s: %s\n", what, strerror(errno));
	exit(2);
}

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec * 1e-6;
}

/* ---- the protocol ---- */

struct message {
	unsigned char bytes[MAX_MESSAGE];
	size_t len;
};

/* Appends tag, length (always in two bytes, which BER allows) and value. */
static void put(struct message *m, unsigned char tag, const void *value, size_t len)
{
	const unsigned char head[] = {tag, 0x82, (unsigned char)(len >> 8), (unsigned char)len};

	if (len > sizeof(m->bytes) - m->len || sizeof(head) > sizeof(m->bytes) - m->len - len) {
		errno = EMSGSIZE;
		die("bind");
	}
	memcpy(m->bytes + m->len, head, sizeof(head));
	memcpy(m->bytes + m->len + sizeof(head), value, len);
	m->len += sizeof(head) + len;
}

static void wrap(struct message *m, unsigned char tag)
{
	struct message inner = *m;

	m->len = 0;
	put(m, tag, inner.bytes, inner.len);
}

static void make_bind(struct message *out, const struct cred *c)
{
	static const char policy[] = "1.3.6.1.4.1.42.2.27.8.5.1";
	struct message bind = {.len = 0}, oid = {.len = 0}, control = {.len = 0}, all = {.len = 0};

	put(&bind, 0x02, "\x03", 1);
	put(&bind, 0x04, c->dn, strlen(c->dn));
	put(&bind, 0x80, c->password, strlen(c->password));
	put(&oid, 0x04, policy, sizeof(policy) - 1);
	put(&control, 0x30, oid.bytes, oid.len);
	put(&all, 0x02, "\x01", 1);
	put(&all, 0x60, bind.bytes, bind.len);
	put(&all, 0xa0, control.bytes, control.len);
	out->len = 0;
	put(out, 0x30, all.bytes, all.len);
}

static void send_message(int fd, const struct message *m)
{
	if (write(fd, m->bytes, m->len) != (ssize_t)m->len)
		die("write");
}

static void send_bind(int fd, const struct cred *c)
{
	struct message m;

	make_bind(&m, c);
	send_message(fd, &m);
}

/* An operation of that tag, as a message of its own. */
static void send_operation(int fd, unsigned char tag, const struct message *operation)
{
	struct message all = {.len = 0};

	put(&all, 0x02, "\x01", 1);
	put(&all, tag, operation->bytes, operation->len);
	wrap(&all, 0x30);
	send_message(fd, &all);
}

/* As who the other end sees in the socket: SASL EXTERNAL. */
static void send_external(int fd)
{
	struct message bind = {.len = 0}, sasl = {.len = 0};

	put(&sasl, 0x04, "EXTERNAL", 8);
	put(&sasl, 0x04, "", 0); /* as oneself: without, the server asks for it */
	put(&bind, 0x02, "\x03", 1);
	put(&bind, 0x04, "", 0);
	put(&bind, 0xa3, sasl.bytes, sasl.len);
	send_operation(fd, 0x60, &bind);
}

static void put_change(struct message *m, char how, const char *attribute, const char *value)
{
	struct message set = {.len = 0}, change = {.len = 0}, all = {.len = 0};

	put(&set, 0x04, value, strlen(value));
	put(&change, 0x04, attribute, strlen(attribute));
	put(&change, 0x31, set.bytes, set.len);
	put(&all, 0x0a, &how, 1);
	put(&all, 0x30, change.bytes, change.len);
	put(m, 0x30, all.bytes, all.len);
}

/* how: 0 adds, 1 deletes. */
static void send_write(int fd, const struct cred *c, char how, char slot)
{
	struct message modify = {.len = 0}, changes = {.len = 0};
	const char number[] = {slot, '\0'};
	char record[64];

	snprintf(record, sizeof(record), "%c:00000000 20260101000000Z bench.example bench -", slot);
	put_change(&changes, how, "denshiAttempt", number);
	put_change(&changes, how, "denshiAttemptRecord", record);
	put(&modify, 0x04, c->dn, strlen(c->dn));
	put(&modify, 0x30, changes.bytes, changes.len);
	send_operation(fd, 0x66, &modify);
}

static void read_all(int fd, unsigned char *at, size_t len)
{
	while (len > 0) {
		ssize_t n = read(fd, at, len);

		if (n <= 0) {
			errno = n == 0 ? ECONNRESET : errno;
			die("read");
		}
		at += n;
		len -= (size_t)n;
	}
}

/* An answer of one message; its length is in one byte or, after 0x8N, in N. */
static struct answer read_answer(int fd)
{
	static const unsigned char account_locked[] = {0x81, 0x01, 0x01};
	struct answer a = {.code = -1};
	unsigned char m[MAX_MESSAGE];
	const unsigned char *code;
	size_t len;

	read_all(fd, m, 2);
	len = m[1];
	if (len & 0x80) {
		size_t bytes = len & 0x7f;

		len = 0;
		if (bytes > 4)
			goto bad;
		read_all(fd, m, bytes);
		for (size_t i = 0; i < bytes; i++)
			len = len << 8 | m[i];
	}
	if (len > sizeof(m))
		goto bad;
	read_all(fd, m, len);
	code = memmem(m, len, "\x0a\x01", 2);
	if (code == NULL || code + 2 >= m + len)
		goto bad;
	a.code = code[2];
	a.locked = memmem(m, len, account_locked, sizeof(account_locked)) != NULL;
	return a;
bad:
	errno = EPROTO;
	die("answer");
}

static int connect_to(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0)
		die(path);
	return fd;
}

/* ---- race and timing ---- */

static int race(const char *path, int n)
{
	int right = 0, wrong = 0, locked = 0, other = 0;
	int fd[MAX_CLIENTS];

	for (int i = 0; i < n; i++)
		fd[i] = connect_to(path);
	for (int i = 0; i < n; i++)
		send_bind(fd[i], &creds[(size_t)i % ncreds]);
	for (int i = 0; i < n; i++) {
		struct answer a = read_answer(fd[i]);

		if (a.locked)
			locked++;
		else if (a.code == 0)
			right++;
		else if (a.code == INVALID_CREDENTIALS)
			wrong++;
		else
			other++;
		close(fd[i]);
	}
	printf("right\t%d\nwrong\t%d\nlocked\t%d\nother\t%d\n", right, wrong, locked, other);
	return 0;
}

static int bind_once(const struct client *c)
{
	send_bind(c->fd, c->cred);
	return read_answer(c->fd).code == 0;
}

static int write_once(const struct client *c, char how)
{
	if (c->writer < 0)
		return 1;
	send_write(c->writer, c->cred, how, c->slot);
	return read_answer(c->writer).code == 0;
}

static void *client_main(void *arg)
{
	struct client *c = arg;

	/* the first, which is not counted, warms up */
	for (int i = -1; i < c->rounds; i++) {
		double begun;

		if (i == 0) {
			pthread_barrier_wait(c->start);
			c->begun = now_ms();
		}
		begun = now_ms();
		if (!write_once(c, 0) || !bind_once(c) || !write_once(c, 1))
			c->refused++;
		c->ended = now_ms();
		if (i >= 0)
			c->ms[i] = c->ended - begun;
	}
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* A connection that may write. */
static int connect_writer(const char *path)
{
	int fd = connect_to(path);

	send_external(fd);
	if (read_answer(fd).code != 0) {
		errno = EACCES;
		die("SASL EXTERNAL");
	}
	return fd;
}

static int timing(const char *path, int n, int rounds, int guarded, const char *label)
{
	size_t total = (size_t)n * (size_t)rounds;
	double *ms = calloc(total, sizeof(*ms)), begun = 0, ended = 0;
	struct client clients[MAX_CLIENTS];
	pthread_barrier_t start;
	int refused = 0;

	if (ms == NULL)
		die("timing");
	pthread_barrier_init(&start, NULL, (unsigned)n);
	for (int i = 0; i < n; i++) {
		clients[i] = (struct client){.fd = connect_to(path),
			.writer = guarded ? connect_writer(path) : -1,
			/* Where several share a credential: each its own. */
			.slot = (char)('1' + (size_t)i / ncreds % 6),
			.rounds = rounds,
			.cred = &creds[(size_t)i % ncreds],
			.ms = ms + i * rounds,
			.start = &start};
		errno = pthread_create(&clients[i].thread, NULL, client_main, &clients[i]);
		if (errno)
			die("pthread_create");
	}
	for (int i = 0; i < n; i++) {
		pthread_join(clients[i].thread, NULL);
		refused += clients[i].refused;
		if (i == 0 || clients[i].begun < begun)
			begun = clients[i].begun;
		if (i == 0 || clients[i].ended > ended)
			ended = clients[i].ended;
		close(clients[i].fd);
		if (clients[i].writer >= 0)
			close(clients[i].writer);
	}
	pthread_barrier_destroy(&start);
	qsort(ms, total, sizeof(*ms), by_value);
	printf("auth\t%s\t%.3f\t%.1f\n", label, ms[total / 2],
		(double)total * 1e3 / (ended - begun));
	free(ms);
	if (refused > 0)
		fprintf(stderr, "ldapbind: WRONG: %d binds refused\n", refused);
	return refused > 0;
}

/* ---- main ---- */

static noreturn void usage(void)
{
	fputs("usage: ldapbind -s SOCKET -f FILE [-c CLIENTS] [-r ROUNDS] [-g] [-L LABEL]\n"
	      "       ldapbind -s SOCKET -f FILE -R CONNECTIONS\n"
	      "  -f FILE  lines of 'DN password', used in turn\n"
	      "  -c, -r   1 connection, 20 binds each\n"
	      "  -g       two writes around each bind\n"
	      "  -R N     race of N connections, one bind each\n",
		stderr);
	exit(2);
}

static void read_creds(const char *path)
{
	FILE *f = fopen(path, "re");

	if (f == NULL)
		die(path);
	while (ncreds < MAX_CREDS &&
		fscanf(f, "%255s %127[^\n]", creds[ncreds].dn, creds[ncreds].password) == 2)
		ncreds++;
	fclose(f);
}

static int number(const char *s, long high)
{
	char *end;
	long v = strtol(s, &end, 10);

	if (end == s || *end || v < 1 || v > high)
		usage();
	return (int)v;
}

int main(int argc, char **argv)
{
	const char *path = NULL, *label = "ldap";
	int clients = 1, rounds = 20, racers = 0, guarded = 0, c;

	while ((c = getopt(argc, argv, "s:f:c:r:L:R:gh")) != -1) {
		switch (c) {
		case 's':
			path = optarg;
			break;
		case 'f':
			read_creds(optarg);
			break;
		case 'c':
			clients = number(optarg, MAX_CLIENTS);
			break;
		case 'r':
			rounds = number(optarg, 100000);
			break;
		case 'L':
			label = optarg;
			break;
		case 'g':
			guarded = 1;
			break;
		case 'R':
			racers = number(optarg, MAX_CLIENTS);
			break;
		default:
			usage();
		}
	}
	if (path == NULL || ncreds == 0 || optind != argc)
		usage();
	return racers ? race(path, racers) : timing(path, clients, rounds, guarded, label);
}
