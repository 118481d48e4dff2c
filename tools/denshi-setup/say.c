/* Messages, and questions on the terminal. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "tools/denshi-setup/setup.h"

static void format(char buf[DEN_TEXT_MAX], enum den_lang lang, enum den_code code, va_list ap)
{
	const char *args[DEN_TEXT_ARGS_MAX], *arg;
	size_t n = 0;

	while (n < DEN_TEXT_ARGS_MAX && (arg = va_arg(ap, const char *)))
		args[n++] = arg;
	den_text_format(buf, DEN_TEXT_MAX, lang, code, args, n);
}

void say(const struct setup *s, enum den_code code, ...)
{
	char buf[DEN_TEXT_MAX];
	va_list ap;

	va_start(ap, code);
	format(buf, s->lang, code, ap);
	va_end(ap);
	puts(buf);
	fflush(stdout);
}

int fail(const struct setup *s, enum den_code code, ...)
{
	char buf[DEN_TEXT_MAX];
	va_list ap;

	va_start(ap, code);
	format(buf, s->lang, code, ap);
	va_end(ap);
	fflush(stdout);
	fprintf(stderr, "denshi setup: %s [%s]\n", buf, den_code_name(code));
	return -1;
}

int confirm(const struct setup *s, enum den_code question)
{
	char line[16] = "";
	FILE *tty = fopen("/dev/tty", "r+e");

	if (!tty)
		return 0;
	fputs(den_text(s->lang, question), tty);
	fflush(tty);
	if (!fgets(line, sizeof(line), tty))
		line[0] = '\0';
	fclose(tty);
	line[strcspn(line, "\r\n")] = '\0';
	return strcmp(line, "y") == 0 || strcmp(line, "Y") == 0 || strcmp(line, "yes") == 0;
}

int ask_line(const struct setup *s, enum den_code label, char *buf, size_t size)
{
	FILE *tty = fopen("/dev/tty", "r+e");

	buf[0] = '\0';
	if (!tty)
		return -1;
	fputs(den_text(s->lang, label), tty);
	fflush(tty);
	if (!fgets(buf, (int)size, tty))
		buf[0] = '\0';
	fclose(tty);
	buf[strcspn(buf, "\r\n")] = '\0';
	return *buf ? 0 : -1;
}

/* Signals wait while echo is off: the terminal must not be left that way. */
static int read_hidden(int tty, struct den_secret *secret)
{
	struct termios before, hidden;
	sigset_t all, mask;
	int result;

	if (tcgetattr(tty, &before) != 0)
		return -1;
	hidden = before;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ISIG);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &mask);
	tcsetattr(tty, TCSAFLUSH, &hidden);
	result = den_secret_read_line(secret, tty);
	tcsetattr(tty, TCSAFLUSH, &before);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return result;
}

int ask_secret(const struct setup *s, enum den_code label, struct den_secret *secret)
{
	const char *text = den_text(s->lang, label);
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY), result = -1;

	if (tty < 0)
		return fail(s, DEN_SETUP_NO_TERMINAL, NULL);
	if (write(tty, text, strlen(text)) >= 0)
		result = read_hidden(tty, secret);
	if (write(tty, "\n", 1) < 0)
		result = -1;
	close(tty);
	return result == 0 ? 0 : fail(s, DEN_SETUP_NO_PASSWORD, strerror(errno), NULL);
}
