#include "tools/server/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAID_MAX 600

static void become(const struct unix_user *user)
{
	if (setgroups(1, &user->gid) != 0 || setresgid(user->gid, user->gid, user->gid) != 0 ||
		setresuid(user->uid, user->uid, user->uid) != 0)
		_exit(126);
	/* After the change of user, which would undo the first. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		_exit(126);
}

__attribute__((noreturn)) static void run(char *const argv[], const struct unix_user *user, int input,
	int output, int errors, pid_t parent)
{
	static char *const environment[] = {
		(char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", (char *)"LC_ALL=C", NULL};
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (input < 0)
		input = open("/dev/null", O_RDONLY);
	if (dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(errors, 2) < 0 || chdir("/") != 0)
		_exit(126);
	close_range(3, ~0u, 0);
	umask(077);
	become(user);
	if (getppid() != parent)
		_exit(126);
	execve(argv[0], argv, environment);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

int child_start(struct child *c, char *const argv[], const struct unix_user *user, int input)
{
	return child_start_to(c, argv, user, input, -1);
}

int child_start_to(struct child *c, char *const argv[], const struct unix_user *user, int input, int output)
{
	pid_t parent = getpid();

	c->pidfd = -1;
	c->output = memfd_create("output", MFD_CLOEXEC);
	if (c->output < 0)
		return -1;
	c->pid = fork();
	if (c->pid == 0)
		run(argv, user, input, output < 0 ? c->output : output, c->output, parent);
	if (c->pid > 0)
		c->pidfd = pidfd_open(c->pid, 0);
	if (c->pid < 0 || c->pidfd < 0) {
		int saved = errno;

		if (c->pid > 0) {
			kill(c->pid, SIGKILL);
			waitpid(c->pid, NULL, 0);
		}
		close(c->output);
		errno = saved;
		return -1;
	}
	return 0;
}

int child_ended(const struct child *c, int timeout_ms)
{
	struct pollfd p = {.fd = c->pidfd, .events = POLLIN};

	return poll(&p, 1, timeout_ms) > 0;
}

static int reap(struct child *c)
{
	int status = -1;

	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(c->pidfd);
	c->pidfd = -1;
	return status == 0 ? 0 : -1;
}

int child_finish(struct child *c, int timeout_ms)
{
	if (!child_ended(c, timeout_ms))
		kill(c->pid, SIGKILL);
	return reap(c);
}

int child_stop(struct child *c, int timeout_ms)
{
	kill(c->pid, SIGTERM);
	return child_finish(c, timeout_ms);
}

char *child_said(struct child *c, char *buf, size_t size)
{
	char text[SAID_MAX + 1];
	off_t end = lseek(c->output, 0, SEEK_END);
	off_t start = end > SAID_MAX ? end - SAID_MAX : 0;
	ssize_t n = pread(c->output, text, SAID_MAX, start);
	size_t used = 0;

	close(c->output);
	c->output = -1;
	if (n < 0)
		n = 0;
	for (ssize_t i = 0; i < n && used + 1 < size; i++)
		buf[used++] = (unsigned char)text[i] < ' ' || text[i] == 127 ? ' ' : text[i];
	while (used > 0 && buf[used - 1] == ' ')
		used--;
	buf[used] = '\0';
	return buf;
}
