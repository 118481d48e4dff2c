#include "tools/denshi-directory/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/server/terminal.h"
#include "tools/server/tree.h"

void say(const struct run *r, enum den_code code, ...)
{
	va_list ap;

	va_start(ap, code);
	terminal_say(r->lang, code, ap);
	va_end(ap);
}

int fail(const struct run *r, enum den_code code, ...)
{
	va_list ap;

	va_start(ap, code);
	terminal_fail(r->lang, "denshi directory", code, ap);
	va_end(ap);
	return -1;
}

int fail_file(const struct run *r, const char *path)
{
	return fail(r, DEN_SETUP_FILE, path, strerror(errno), NULL);
}

int confirmed(const struct run *r, enum den_code question)
{
	if (r->yes || terminal_confirm(r->lang, question))
		return 0;
	return fail(r, DEN_SETUP_NOT_CONFIRMED, NULL);
}

int run_set_in_use(const struct run *r, char set[PATH_MAX])
{
	static const char tail[] = "/directory";
	char link[PATH_MAX], target[PATH_MAX];
	ssize_t n;

	if (tree_path(link, r->state, "directory") != 0)
		return fail_file(r, r->state);
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		return errno == ENOENT ? fail(r, DEN_SETUP_NOTHING, r->state, NULL) : fail_file(r, link);
	target[n] = '\0';
	if ((size_t)n < sizeof(tail) || strcmp(target + n - (sizeof(tail) - 1), tail) != 0 || strchr(target, '/') !=
		target + n - (sizeof(tail) - 1))
		return fail(r, DEN_SETUP_NOTHING, r->state, NULL);
	target[n - (ssize_t)(sizeof(tail) - 1)] = '\0';
	return tree_path(set, r->state, target) == 0 ? 0 : fail_file(r, link);
}
