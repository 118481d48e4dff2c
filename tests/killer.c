/* Ends the program with SIGKILL at the Nth of the calls by which it shows anything to the outside
 * (LD_PRELOAD, KILL_AT=N): files made, written, named and removed, messages sent and received. Each
 * N up to the end is a step. tests/sandboxed/cert-killed.sh, cert-token.sh, cert-rollover.sh. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void step(void)
{
	static long n;
	const char *at = getenv("KILL_AT");

	if (at && ++n == strtol(at, NULL, 10))
		kill(getpid(), SIGKILL);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int openat(int folder, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode = 0;

	va_start(ap, flags);
	if (flags & (O_CREAT | __O_TMPFILE))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	step();
	return REAL(openat)(folder, path, flags, mode);
}

ssize_t write(int fd, const void *data, size_t size)
{
	step();
	return REAL(write)(fd, data, size);
}

/* The objects of a softhsm2 token, as it writes them. The token's own file is left out: softhsm2 writes it again
 * at each login, and one that is killed there has lost the token, whoever it is. */
static void step_of_object(FILE *file)
{
	char link[64], path[4096];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fileno(file));
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	if (strstr(path, ".object") && !strstr(path, "/token.object"))
		step();
}

size_t fwrite(const void *data, size_t size, size_t n, FILE *to)
{
	step_of_object(to);
	return REAL(fwrite)(data, size, n, to);
}

int fflush(FILE *file)
{
	if (file)
		step_of_object(file);
	return REAL(fflush)(file);
}

int remove(const char *path)
{
	step();
	return REAL(remove)(path);
}

int fsync(int fd)
{
	step();
	return REAL(fsync)(fd);
}

int linkat(int from, const char *path, int to, const char *name, int flags)
{
	step();
	return REAL(linkat)(from, path, to, name, flags);
}

int link(const char *from, const char *to)
{
	step();
	return REAL(link)(from, to);
}

int rename(const char *from, const char *to)
{
	step();
	return REAL(rename)(from, to);
}

int unlink(const char *path)
{
	step();
	return REAL(unlink)(path);
}

ssize_t send(int fd, const void *data, size_t size, int flags)
{
	step();
	return REAL(send)(fd, data, size, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	step();
	return REAL(sendmsg)(fd, message, flags);
}

ssize_t recv(int fd, void *data, size_t size, int flags)
{
	step();
	return REAL(recv)(fd, data, size, flags);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	step();
	return REAL(recvmsg)(fd, message, flags);
}
