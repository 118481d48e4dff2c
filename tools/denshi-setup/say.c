/* What setup says and asks, in its own name. */
#include <errno.h>
#include <string.h>

#include "tools/denshi-setup/setup.h"
#include "tools/server/terminal.h"

void say(const struct setup *s, enum den_code code, ...)
{
	va_list ap;

	va_start(ap, code);
	terminal_say(s->lang, code, ap);
	va_end(ap);
}

int fail(const struct setup *s, enum den_code code, ...)
{
	va_list ap;

	va_start(ap, code);
	terminal_fail(s->lang, "denshi setup", code, ap);
	va_end(ap);
	return -1;
}

int confirm(const struct setup *s, enum den_code question)
{
	return terminal_confirm(s->lang, question);
}

int ask_line(const struct setup *s, enum den_code label, char *buf, size_t size)
{
	return terminal_ask(s->lang, label, buf, size);
}

int ask_secret(const struct setup *s, enum den_code label, struct den_secret *secret)
{
	if (terminal_ask_secret(s->lang, label, secret) == 0)
		return 0;
	if (errno == ENXIO || errno == ENOENT)
		return fail(s, DEN_SETUP_NO_TERMINAL, NULL);
	return fail(s, DEN_SETUP_NO_PASSWORD, strerror(errno), NULL);
}
