#include <syslog.h>

#include "tools/denshi-host/host.h"
#include "tools/server/caller.h"
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

void audit(const char *event, const char *host)
{
	char by[16];

	openlog("denshi-host", LOG_PID, LOG_AUTHPRIV);
	syslog(LOG_NOTICE, "audit event=%s host=%s by-uid=%s", event, host, caller_login_uid(by, sizeof(by)));
	closelog();
}

int confirmed(const struct host_run *r, enum den_code question)
{
	if (r->yes || terminal_confirm(r->lang, question))
		return 0;
	return fail(r, DEN_SETUP_NOT_CONFIRMED, NULL);
}
