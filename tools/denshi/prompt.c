#include "tools/denshi/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "tools/denshi/ask.h"

#define TRIES 3
#define PIN_MIN 6
#define PIN_MAX 128
#define ANSWER_SIZE 16
#define LINE_SIZE 4096 /* the longest line that a terminal hands over */

/*
 * While echo is off, a signal that ends or stops the program must first give the
 * terminal back: the handler notes it, the reader restores and raises it again.
 */
static volatile sig_atomic_t caught;
static const int watched[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
#define WATCHED (sizeof(watched) / sizeof(*watched))

static void note(int signal_number)
{
	caught = signal_number;
}

struct terminal {
	int fd;
	struct termios before;
	struct sigaction handlers[WATCHED];
	sigset_t mask;
};

static int open_terminal(void)
{
	return open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
}

int prompt_terminal(void)
{
	int fd = open_terminal();

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void put(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

/* Signals stay blocked except while the terminal is waited for: none is missed in between. */
static void take_terminal(struct terminal *t, int echo)
{
	struct sigaction action = {.sa_handler = note};
	struct termios quiet;
	sigset_t block;

	sigemptyset(&action.sa_mask);
	sigemptyset(&block);
	for (size_t i = 0; i < WATCHED; i++)
		sigaddset(&block, watched[i]);
	sigprocmask(SIG_BLOCK, &block, &t->mask);
	caught = 0;
	for (size_t i = 0; i < WATCHED; i++) {
		sigaction(watched[i], NULL, &t->handlers[i]);
		/* What is ignored (nohup) stays ignored. */
		if (t->handlers[i].sa_handler != SIG_IGN)
			sigaction(watched[i], &action, NULL);
	}
	tcgetattr(t->fd, &t->before);
	quiet = t->before;
	if (!echo)
		quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	quiet.c_lflag |= ICANON | ISIG;
	tcsetattr(t->fd, echo ? TCSADRAIN : TCSAFLUSH, &quiet);
}

static void give_terminal_back(struct terminal *t)
{
	tcsetattr(t->fd, TCSADRAIN, &t->before);
	for (size_t i = 0; i < WATCHED; i++)
		sigaction(watched[i], &t->handlers[i], NULL);
	sigprocmask(SIG_SETMASK, &t->mask, NULL);
}

/* Waits for a line. 1: there is one (or the end of input); 0: a signal came; -1: no more terminal. */
static int wait_for_line(struct terminal *t)
{
	struct pollfd p = {.fd = t->fd, .events = POLLIN};

	while (!caught) {
		int n = ppoll(&p, 1, NULL, &t->mask);

		if (n > 0)
			return p.revents & POLLIN ? 1 : -1;
		if (n < 0 && errno != EINTR)
			return -1;
	}
	return 0;
}

/* Waits in the terminal's line mode until a whole line is there. Returns 0 with the terminal
 * taken, so that the line is read under the same conditions; -1 without. */
static int ask_on(struct terminal *t, const char *label, int echo)
{
	for (;;) {
		int signal_number, ready;

		take_terminal(t, echo);
		put(t->fd, label);
		ready = wait_for_line(t);
		if (ready > 0)
			return 0;
		if (!echo)
			put(t->fd, "\n");
		signal_number = caught;
		give_terminal_back(t);
		if (ready < 0)
			return -1;
		/* Ends or stops the program; after a stop the question is asked again. */
		raise(signal_number);
	}
}

static int read_line(int fd, char *buf, size_t size)
{
	char line[LINE_SIZE];
	ssize_t n = read(fd, line, sizeof(line));
	char *start = line;

	if (n <= 0 || (size_t)n >= sizeof(line))
		return -1;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	start += strspn(start, " \t");
	for (size_t len = strlen(start); len > 0 && strchr(" \t", start[len - 1]); len--)
		start[len - 1] = '\0';
	if (strlen(start) >= size)
		return -1;
	if (*start)
		memcpy(buf, start, strlen(start) + 1);
	return 0;
}

int prompt_line(struct cli *cli, enum den_code label, const char *after, char *buf, size_t size)
{
	struct terminal t = {.fd = open_terminal()};
	char text[DEN_TEXT_MAX];
	int result = -1;

	if (t.fd < 0)
		return -1;
	fflush(stdout);
	snprintf(text, sizeof(text), "%s%s%s%s: %s", den_text(cli->lang, label), *buf ? " [" : "",
		buf, *buf ? "]" : "", *buf ? "" : after);
	if (ask_on(&t, text, 1) == 0) {
		result = read_line(t.fd, buf, size);
		give_terminal_back(&t);
	}
	close(t.fd);
	return result;
}

int prompt_confirm(struct cli *cli, enum den_code question)
{
	char answer[ANSWER_SIZE] = "";

	if (!prompt_terminal())
		return refuse(cli, DEN_CLI_NO_TERMINAL, "--yes");
	if (prompt_line(cli, question, "", answer, sizeof(answer)) == 0 &&
		(strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0))
		return CLI_DONE;
	return refuse(cli, DEN_CLI_NOT_CONFIRMED);
}

static int secret_error(struct cli *cli)
{
	return errno == EMSGSIZE ? refuse(cli, DEN_PASSWORD_TOO_LONG)
				 : refuse(cli, DEN_CLI_SECRET_UNREADABLE, strerror(errno));
}

static int secret_from_terminal(struct cli *cli, const char *label, struct den_secret *secret)
{
	struct terminal t = {.fd = open_terminal()};
	int result, error;

	if (t.fd < 0)
		return refuse(cli, DEN_CLI_NO_TERMINAL, "--password-fd");
	fflush(stdout);
	if (ask_on(&t, label, 0) != 0) {
		close(t.fd);
		return refuse(cli, DEN_CLI_SECRET_EMPTY);
	}
	result = den_secret_read_line(secret, t.fd);
	error = errno;
	if (result != 0)
		tcflush(t.fd, TCIFLUSH);
	put(t.fd, "\n");
	give_terminal_back(&t);
	close(t.fd);
	errno = error;
	return result == 0 ? CLI_DONE : secret_error(cli);
}

static int read_secret(struct cli *cli, const char *label, int fd, struct den_secret **out)
{
	struct den_secret *secret = den_secret_new();
	int status = CLI_DONE;

	*out = NULL;
	if (!secret)
		return refuse(cli, DEN_CLI_SECRET_UNREADABLE, strerror(errno));
	if (fd < 0)
		status = secret_from_terminal(cli, label, secret);
	else if (den_secret_read_line(secret, fd) != 0)
		status = secret_error(cli);
	/* An empty guess would still be an attempt: it is taken as "no, not now". */
	if (status == CLI_DONE && den_secret_len(secret) == 0)
		status = refuse(cli, DEN_CLI_SECRET_EMPTY);
	if (status == CLI_DONE)
		*out = secret;
	else
		den_secret_free(secret);
	return status;
}

int prompt_secret(struct cli *cli, enum den_code label, struct den_secret **out)
{
	return read_secret(cli, den_text(cli->lang, label), cli->password_fd, out);
}

static int read_twice(struct cli *cli, enum den_code label, enum den_code again, int fd,
	struct den_secret **out)
{
	struct den_secret *second = NULL;
	int status = CLI_REFUSED;

	for (int i = 0; i < TRIES; i++) {
		int same;

		status = read_secret(cli, den_text(cli->lang, label), fd, out);
		if (status != CLI_DONE || fd >= 0)
			return status;
		status = read_secret(cli, den_text(cli->lang, again), fd, &second);
		same = status == CLI_DONE && den_secret_equal(*out, second);
		den_secret_free(second);
		if (same)
			return CLI_DONE;
		den_secret_free(*out);
		*out = NULL;
		if (status != CLI_DONE)
			return status;
		status = refuse(cli, DEN_PW_MISMATCH);
	}
	return status;
}

int prompt_new_secret(struct cli *cli, enum den_code label, enum den_code again,
	struct den_secret **out)
{
	return read_twice(cli, label, again, cli->password_fd, out);
}

/* Programs disagree on how other characters are encoded in a PKCS#12 file. */
static int pin_is_valid(const struct den_secret *pin)
{
	const char *p = den_secret_bytes(pin);

	while (*p >= 0x20 && *p <= 0x7E)
		p++;
	return !*p && den_secret_len(pin) >= PIN_MIN && den_secret_len(pin) <= PIN_MAX;
}

int prompt_known_pin(struct cli *cli, struct den_secret **out)
{
	return read_secret(cli, den_text(cli->lang, DEN_ASK_CERT_PIN), cli->pin_fd >= 0 ? cli->pin_fd : cli->password_fd, out);
}

int prompt_token_pin(struct cli *cli, struct den_secret **out)
{
	return read_secret(cli, den_text(cli->lang, DEN_CLI_ASK_TOKEN_PIN), cli->pin_fd >= 0 ? cli->pin_fd : cli->password_fd, out);
}

int prompt_pin(struct cli *cli, struct den_secret **out)
{
	int fd = cli->pin_fd >= 0 ? cli->pin_fd : cli->password_fd;
	int status = CLI_REFUSED;

	for (int i = 0; i < (fd < 0 ? TRIES : 1); i++) {
		status = read_twice(cli, DEN_CLI_ASK_PIN, DEN_CLI_ASK_PIN_AGAIN, fd, out);
		if (status != CLI_DONE || pin_is_valid(*out))
			return status;
		den_secret_free(*out);
		*out = NULL;
		status = refuse(cli, DEN_CLI_PIN_RULE);
	}
	return status;
}
