#include "tools/denshi-ca/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

static int to_stderr;

void log_open(int foreground)
{
	to_stderr = foreground;
	openlog("denshi-ca", LOG_PID | LOG_NDELAY, LOG_AUTHPRIV);
}

__attribute__((format(printf, 2, 0))) static void put(int priority, const char *format, va_list ap)
{
	char line[1024];

	vsnprintf(line, sizeof(line), format, ap);
	if (to_stderr)
		fprintf(stderr, "denshi-ca: %s\n", line);
	else
		syslog(priority, "%s", line);
}

void log_info(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	put(LOG_INFO, format, ap);
	va_end(ap);
}

void log_warn(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	put(LOG_WARNING, format, ap);
	va_end(ap);
}
