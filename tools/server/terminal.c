#include "tools/server/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>


static void format(char buf[DEN_TEXT_MAX], enum den_lang lang, enum den_code code, va_list ap)
{
	const char *args[DEN_TEXT_ARGS_MAX], *arg;
	size_t n = 0;

	while (n < DEN_TEXT_ARGS_MAX && (arg = va_arg(ap, const char *)))
		args[n++] = arg;
	den_text_format(buf, DEN_TEXT_MAX, lang, code, args, n);
}

void terminal_say(enum den_lang lang, enum den_code code, va_list ap)
{
	char buf[DEN_TEXT_MAX];

	format(buf, lang, code, ap);
	puts(buf);
	fflush(stdout);
}

int terminal_fail(enum den_lang lang, const char *program, enum den_code code, va_list ap)
{
	char buf[DEN_TEXT_MAX];

	format(buf, lang, code, ap);
	fflush(stdout);
	fprintf(stderr, "%s: %s [%s]\n", program, buf, den_code_name(code));
	return -1;
}

int terminal_confirm(enum den_lang lang, enum den_code question)
{
	char line[16] = "";
	FILE *tty = fopen("/dev/tty", "r+e");

	if (!tty)
		return 0;
	fputs(den_text(lang, question), tty);
	fflush(tty);
	if (!fgets(line, sizeof(line), tty))
		line[0] = '\0';
	fclose(tty);
	line[strcspn(line, "\r\n")] = '\0';
	return strcmp(line, "y") == 0 || strcmp(line, "Y") == 0 || strcmp(line, "yes") == 0;
}

int terminal_ask(enum den_lang lang, enum den_code label, char *buf, size_t size)
{
	FILE *tty = fopen("/dev/tty", "r+e");

	buf[0] = '\0';
	if (!tty)
		return -1;
	fputs(den_text(lang, label), tty);
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

int terminal_ask_secret(enum den_lang lang, enum den_code label, struct den_secret *secret)
{
	const char *text = den_text(lang, label);
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY), result = -1, saved;

	if (tty < 0)
		return -1;
	if (write(tty, text, strlen(text)) >= 0)
		result = read_hidden(tty, secret);
	saved = errno;
	if (write(tty, "\n", 1) < 0)
		result = -1;
	close(tty);
	errno = saved;
	return result;
}
