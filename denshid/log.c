#include "denshid/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

static int to_stderr, debugging;
static void (*keeper)(const char *record);

void log_open(int foreground, int debug)
{
	to_stderr = foreground;
	debugging = debug;
	openlog("denshid", LOG_PID | LOG_NDELAY, LOG_AUTHPRIV);
}

static void put(int priority, const char *line)
{
	syslog(priority, "%s", line);
	if (to_stderr)
		fprintf(stderr, "denshid: %s\n", line);
}

static void vput(int priority, const char *format, va_list ap) __attribute__((format(printf, 2, 0)));
static void vput(int priority, const char *format, va_list ap)
{
	char line[1024];

	vsnprintf(line, sizeof(line), format, ap);
	put(priority, line);
}

void log_info(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vput(LOG_INFO, format, ap);
	va_end(ap);
}

void log_warn(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vput(LOG_WARNING, format, ap);
	va_end(ap);
}

void log_debug(const char *format, ...)
{
	va_list ap;

	if (!debugging)
		return;
	va_start(ap, format);
	vput(LOG_DEBUG, format, ap);
	va_end(ap);
}

void log_fatal(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vput(LOG_ERR, format, ap);
	va_end(ap);
	exit(1);
}

/* A value may come from outside (a remote host's name): blanks, quotes and
 * controls are percent-encoded, so that no value can look like another field. */
static size_t put_value(char *line, size_t used, size_t size, const char *value)
{
	static const char hex[] = "0123456789ABCDEF";

	for (; *value && used + 4 < size; value++) {
		unsigned char c = (unsigned char)*value;

		if (c > 0x20 && c != 0x7f && c != '"' && c != '%' && c != '=') {
			line[used++] = (char)c;
		} else {
			line[used++] = '%';
			line[used++] = hex[c >> 4];
			line[used++] = hex[c & 15];
		}
	}
	line[used] = '\0';
	return used;
}

void log_keep(void (*keep)(const char *record))
{
	keeper = keep;
}

void log_audit(const char *event, ...)
{
	char line[1024];
	size_t used = (size_t)snprintf(line, sizeof(line), "audit event=%s", event);
	const char *key;
	va_list ap;

	va_start(ap, event);
	while ((key = va_arg(ap, const char *))) {
		const char *value = va_arg(ap, const char *);

		if (!value || !*value || used + strlen(key) + 8 >= sizeof(line))
			continue;
		used += (size_t)snprintf(line + used, sizeof(line) - used, " %s=", key);
		used = put_value(line, used, sizeof(line), value);
	}
	va_end(ap);
	put(LOG_NOTICE, line);
	if (keeper)
		keeper(line + strlen("audit "));
}
