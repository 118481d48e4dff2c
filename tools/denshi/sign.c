#include "tools/denshi/sign.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/protocol.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"

#define PROVER DENSHI_LIBEXECDIR "/denshi-prove"
#define HELLO_MS 5000
#define SIGN_MS 30000 /* a card takes its time */
#define END_MS 2000

__attribute__((noreturn)) static void become(int fd)
{
	static char *const arguments[] = {(char *)"denshi-prove", NULL};
	static char *const environment[] = {(char *)"PATH=/usr/bin:/bin", NULL};

	if (dup2(fd, 0) < 0 || close_range(3, ~0U, 0) != 0)
		_exit(127);
	execve(PROVER, arguments, environment);
	_exit(127);
}

/* Its end of the socket, or -1. */
static int start(pid_t *pid)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
		return -1;
	*pid = fork();
	if (*pid == 0)
		become(ends[1]);
	close(ends[1]);
	if (*pid > 0)
		return ends[0];
	close(ends[0]);
	return -1;
}

/* It ends when its socket does, and lets go of a card before; for what hangs there is a signal. */
static void end(int fd, pid_t pid)
{
	struct pollfd p = {.fd = pidfd_open(pid, 0), .events = POLLIN};

	close(fd);
	if (p.fd < 0 || poll(&p, 1, END_MS) <= 0)
		kill(pid, SIGKILL);
	if (p.fd >= 0)
		close(p.fd);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int refused(struct cli *cli, const char *login, const struct den_message *said)
{
	unsigned kind = said ? den_message_kind(said) : DEN_CERT_BAD;

	if (kind == DEN_CERT_NONE_SHOWN)
		return refuse(cli, DEN_CERT_NONE_SHOWN, login);
	if (kind == DEN_CERT_PIN_WRONG || kind == DEN_CERT_KEY_MISMATCH)
		return refuse(cli, (enum den_code)kind);
	return refuse(cli, DEN_CERT_BAD, said ? den_message_string_or_empty(said, DEN_TAG_ARG) : "denshi-prove does not answer");
}

/* Whether there is a certificate; then its signature. NULL: it doesn't answer. */
static struct den_message *converse(int fd, const char *text, const struct den_secret *pin)
{
	struct den_message *said = den_message_receive(fd, HELLO_MS), *question;

	if (!said || den_message_kind(said) != DEN_OK)
		return said;
	den_message_free(said);
	question = ask_new(DEN_OP_REQUEST_DECIDE);
	den_message_add_string(question, DEN_TAG_TEXT, text);
	ask_add_secret(question, DEN_TAG_PASSWORD, pin);
	said = den_message_send(fd, question, HELLO_MS) == 0 ? den_message_receive(fd, SIGN_MS) : NULL;
	den_message_free(question);
	return said;
}

int sign_decision(struct cli *cli, const char *login, const char *text, const struct den_secret *pin,
	struct den_message *request)
{
	pid_t pid = -1;
	int fd = start(&pid), status = CLI_DONE;
	struct den_message *said = fd >= 0 ? converse(fd, text, pin) : NULL;
	size_t len = 0;
	const void *signature = said && den_message_kind(said) == DEN_OK ? den_message_bytes(said, DEN_TAG_SIGNATURE, &len) : NULL;

	if (signature)
		den_message_add(request, DEN_TAG_SIGNATURE, signature, len);
	else
		status = refused(cli, login, said);
	den_message_free(said);
	if (fd >= 0)
		end(fd, pid);
	return status;
}
