/*
 * denshi-notice: runs the program of denshi.conf's notice_program for each notice that denshid has
 * left, and ends when there is none (denshi-notice(8)). It has no rights of denshid's: a user of its
 * own, no way to the directory. A notice is taken away when its program has ended, however that was.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "config/config.h"
#include "core/clock.h"
#include "core/notice.h"
#include "tools/denshi-notice/notice.h"

#define TOGETHER 4 /* programs at a time */
#define NAME_SIZE 32

struct running {
	char name[NAME_SIZE], id[NAME_SIZE];
	pid_t pid; /* 0: none, what is left is to take it away */
	int pidfd;
};

/* Why it isn't run: whoever could change the program could be told of every request. NULL: it is. */
static const char *unsafe(const char *program)
{
	struct stat st;

	if (stat(program, &st) != 0)
		return strerror(errno);
	if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111))
		return "it isn't a program";
	return st.st_uid != 0 || (st.st_mode & 022) ? "others than root may change it" : NULL;
}

__attribute__((noreturn)) static void become(const char *program, const struct notice *n)
{
	char *const argv[] = {(char *)program, NULL};

	if (setsid() < 0 || dup2(n->approvers, 0) < 0 || dup2(2, 1) < 0 || chdir("/") != 0)
		_exit(126);
	close_range(3, ~0u, 0);
	umask(077);
	execve(program, argv, n->environment);
	syslog(LOG_WARNING, "%s: %s", program, strerror(errno));
	_exit(127);
}

static void start(struct running *r, const char *program)
{
	struct notice n;
	const char *why = unsafe(program);

	r->pid = 0;
	if (notice_read(&n, r->name) != 0) {
		syslog(LOG_WARNING, "%s can't be read as a notice", r->name);
		return;
	}
	snprintf(r->id, sizeof(r->id), "%s", notice_id(&n));
	if (!why) {
		r->pid = fork();
		if (r->pid == 0)
			become(program, &n);
		r->pidfd = r->pid > 0 ? pidfd_open(r->pid, 0) : -1;
		why = r->pid < 0 ? strerror(errno) : NULL;
	}
	if (why)
		syslog(LOG_WARNING, "request %s: %s isn't run: %s", r->id, program, why);
	if (r->pid < 0)
		r->pid = 0;
	notice_done(&n);
}

/* With all that it has started, unless that has left its session. */
static void end(const struct running *r)
{
	kill(-r->pid, SIGKILL);
	kill(r->pid, SIGKILL);
}

static void finish(struct running *r, int64_t until_ms)
{
	struct pollfd ended = {.fd = r->pidfd, .events = POLLIN};
	int64_t left = until_ms - den_now_ms();
	int status = 0, late;

	if (!r->pid)
		return;
	late = poll(&ended, 1, left > 0 ? (int)left : 0) <= 0;
	end(r);
	while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r->pidfd >= 0)
		close(r->pidfd);
	if (late)
		syslog(LOG_WARNING, "request %s: the program took too long, and was ended", r->id);
	else if (status != 0)
		syslog(LOG_WARNING, "request %s: the program failed: %s %d", r->id,
			WIFSIGNALED(status) ? "signal" : "status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	else
		syslog(LOG_INFO, "request %s: told", r->id);
}

/* The first of them, TOGETHER at most. -1 where the folder, which is the working directory, can't be read. */
static int find(struct running found[TOGETHER])
{
	DIR *dir = opendir(".");
	int n = 0;

	if (!dir)
		return -1;
	for (const struct dirent *e; n < TOGETHER && (e = readdir(dir));)
		if (e->d_name[0] != '.') {
			memset(&found[n], 0, sizeof(found[n]));
			snprintf(found[n++].name, NAME_SIZE, "%.*s", NAME_SIZE - 1, e->d_name);
		}
	closedir(dir);
	return n;
}

/* How many there were; -1 where one can't be taken away: it would be told of for ever. */
static int run_some(const struct den_config *config)
{
	struct running some[TOGETHER];
	int n = find(some), rc = n;
	int64_t until_ms = den_now_ms() + (int64_t)config->notice_seconds * 1000;

	for (int i = 0; i < n; i++)
		start(&some[i], config->notice_program);
	for (int i = 0; i < n; i++) {
		finish(&some[i], until_ms);
		if (unlink(some[i].name) != 0 && errno != ENOENT) {
			syslog(LOG_ERR, "%s can't be removed: %s", some[i].name, strerror(errno));
			rc = -1;
		}
	}
	return rc;
}

static int take_options(int argc, char **argv, const char **config)
{
	static const struct option longs[] = {{"config", required_argument, NULL, 'c'}, {NULL, 0, NULL, 0}};
	int opt = getopt_long(argc, argv, "c:", longs, NULL);

	*config = opt == 'c' ? optarg : DEN_CONFIG_PATH;
	if ((opt == -1 || opt == 'c') && optind == argc)
		return 0;
	fputs("usage: denshi-notice [--config FILE]\n", stderr);
	return -1;
}

int main(int argc, char **argv)
{
	static struct den_config config;
	char error[DEN_CONFIG_ERROR_SIZE], folder[128];
	const char *path;
	int n;

	if (take_options(argc, argv, &path) != 0)
		return 2;
	openlog("denshi-notice", LOG_PID | LOG_PERROR, LOG_DAEMON);
	if (geteuid() == 0) {
		syslog(LOG_ERR, "runs no program as root: see denshi-notice.service");
		return 2;
	}
	if (den_config_read(&config, path, error, sizeof(error)) != 0) {
		syslog(LOG_ERR, "%s", error);
		return 1;
	}
	if (den_notice_folder(folder, sizeof(folder), config.socket) != 0 || chdir(folder) != 0) {
		syslog(LOG_ERR, "%s: %s", folder, strerror(errno));
		return 1;
	}
	signal(SIGPIPE, SIG_DFL);
	while ((n = run_some(&config)) > 0)
		;
	return n == 0 ? 0 : 1;
}
