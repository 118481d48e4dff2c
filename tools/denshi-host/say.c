#include <stdio.h>
#include <syslog.h>

#include "tools/denshi-host/host.h"
#include "tools/server/terminal.h"

void say(const struct host_run *r, enum den_code code, ...)
{
	va_list ap;

	va_start(ap, code);
	terminal_say(r->lang, code, ap);
	va_end(ap);
}

int fail(const struct host_run *r, enum den_code code, ...)
{
	va_list ap;

	va_start(ap, code);
	terminal_fail(r->lang, "denshi host", code, ap);
	va_end(ap);
	return -1;
}

int fail_directory(const struct host_run *r, enum den_code code, const char *name)
{
	if (code == DEN_DIRECTORY_REFUSED)
		return fail(r, code, dendir_diagnostic(r->d), NULL);
	if (code == DEN_DIRECTORY_DOWN)
		return fail(r, DEN_HOST_DOWN, r->config.uri, NULL);
	return fail(r, code, name, NULL);
}

/* The user who logged in, before sudo: loginuid(5); "-" where there is none. */
static void login_user(char *buf, size_t size)
{
	FILE *f = fopen("/proc/self/loginuid", "re");
	unsigned uid;

	if (!f || fscanf(f, "%u", &uid) != 1 || uid == (unsigned)-1)
		snprintf(buf, size, "-");
	else
		snprintf(buf, size, "%u", uid);
	if (f)
		fclose(f);
}

void audit(const char *event, const char *host)
{
	char by[16];

	login_user(by, sizeof(by));
	openlog("denshi-host", LOG_PID, LOG_AUTHPRIV);
	syslog(LOG_NOTICE, "audit event=%s host=%s by-uid=%s", event, host, by);
	closelog();
}

int confirmed(const struct host_run *r, enum den_code question)
{
	if (r->yes || terminal_confirm(r->lang, question))
		return 0;
	return fail(r, DEN_SETUP_NOT_CONFIRMED, NULL);
}
