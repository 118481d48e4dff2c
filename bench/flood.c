/*
 * flood - a bad neighbour on denshid's socket, for its broker to bear.
 *
 * usage: flood -u UID -m MODE [-n CONNECTIONS] [-t SECONDS] [-s SOCKET]
 *   silent   connects and says nothing (slowloris); again as soon as it is sent away
 *   half     shuts its own side at once, and waits
 *   dies     sends a guess and closes without reading the answer
 *   guesses  guesses at names that nobody has, as fast as it is answered
 *   garbage  packets that are no message
 * Prints how many connections were made. Exit status 1 where none could be.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "core/protocol.h"
#include "core/wire.h"

#define MOST 512

enum mode { SILENT, HALF, DIES, GUESSES, GARBAGE, MODES };
static const char *const names[MODES] = {"silent", "half", "dies", "guesses", "garbage"};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void guess(int fd, unsigned long n)
{
	struct den_message *m = den_message_new(DEN_OP_AUTH);
	char text[32];

	if (!m)
		return;
	snprintf(text, sizeof(text), "d-nb%08lu", n % 100000000);
	den_message_add_string(m, DEN_TAG_LOGIN, text);
	den_message_add_string(m, DEN_TAG_SERVICE, "flood");
	den_message_add_string(m, DEN_TAG_PASSWORD, text);
	(void)den_message_send(fd, m, 0);
	den_message_free(m);
}

static int dial(const struct sockaddr_un *a, enum mode mode, unsigned long n)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)a, sizeof(*a)) != 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (mode == HALF)
		shutdown(fd, SHUT_WR);
	if (mode == DIES || mode == GUESSES)
		guess(fd, n);
	if (mode == GARBAGE && send(fd, "\1\2\3\4garbage", 11, MSG_NOSIGNAL) < 0)
		n = 0;
	if (mode == DIES) {
		close(fd);
		return -1;
	}
	return fd;
}

static unsigned long flood(const struct sockaddr_un *a, enum mode mode, size_t most, double seconds)
{
	struct pollfd p[MOST];
	unsigned long made = 0;
	double end = now() + seconds;

	for (size_t i = 0; i < most; i++)
		p[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	while (now() < end) {
		for (size_t i = 0; i < most; i++)
			if (p[i].fd < 0 && ((p[i].fd = dial(a, mode, made)) >= 0 || mode == DIES))
				made++;
		/* Answered, or sent away: the next one. */
		if (poll(p, most, mode == DIES ? 1 : 50) <= 0)
			continue;
		for (size_t i = 0; i < most; i++)
			if (p[i].fd >= 0 && p[i].revents) {
				close(p[i].fd);
				p[i].fd = -1;
			}
	}
	return made;
}

int main(int argc, char **argv)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = DEN_SOCKET_PATH};
	unsigned long n = 64, uid = 65534, seconds = 5, made;
	enum mode mode = MODES;
	int c;

	while ((c = getopt(argc, argv, "u:m:n:t:s:")) != -1) {
		if (c == 'u')
			uid = strtoul(optarg, NULL, 10);
		else if (c == 'n')
			n = strtoul(optarg, NULL, 10);
		else if (c == 't')
			seconds = strtoul(optarg, NULL, 10);
		else if (c == 's' && strlen(optarg) < sizeof(a.sun_path))
			memcpy(a.sun_path, optarg, strlen(optarg) + 1);
		else if (c == 'm')
			for (mode = SILENT; mode < MODES && strcmp(names[mode], optarg) != 0;)
				mode++;
	}
	if (mode == MODES || n == 0 || n > MOST || (uid && setuid((uid_t)uid) != 0)) {
		fputs("usage: flood -u UID -m silent|half|dies|guesses|garbage [-n CONNECTIONS] [-t SECONDS] [-s SOCKET]\n",
			stderr);
		return 2;
	}
	made = flood(&a, mode, n, (double)seconds);
	printf("%s\t%lu\n", names[mode], made);
	return made ? 0 : 1;
}
