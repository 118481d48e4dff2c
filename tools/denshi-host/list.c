/* denshi host list and show: lines for people, or JSON. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tools/denshi-host/host.h"

static const char *date(char buf[20], int64_t t)
{
	time_t seconds = (time_t)t;
	struct tm tm;

	if (t <= 0 || !gmtime_r(&seconds, &tm) || !strftime(buf, 20, "%Y-%m-%d %H:%M", &tm))
		snprintf(buf, 20, "-");
	return buf;
}

static json_t *as_json(const struct dendir_host *host)
{
	char when[20];

	return json_pack("{s:s, s:s, s:s, s:s}", "host", host->name, "since", date(when, host->since),
		"description", host->description, "id", host->id);
}

static void print_line(const struct dendir_host *host)
{
	char when[20];

	printf("%-40s  %s%s%s\n", host->name, date(when, host->since), *host->description ? "  " : "",
		host->description);
}

static int print_json(json_t *json)
{
	int result = json ? json_dumpf(json, stdout, JSON_INDENT(2) | JSON_SORT_KEYS) : -1;

	json_decref(json);
	puts("");
	return result;
}

static int each(void *context, const struct dendir_host *host)
{
	json_t *all = context;

	if (all)
		return json_array_append_new(all, as_json(host));
	print_line(host);
	return 0;
}

int host_list(struct host_run *r, const char *name)
{
	json_t *all = r->json ? json_array() : NULL;
	enum den_code code = dendir_host_each(r->d, each, all);

	(void)name;
	if (code != DEN_OK) {
		json_decref(all);
		return fail_directory(r, code, "");
	}
	return all ? print_json(all) : 0;
}

int host_show(struct host_run *r, const char *name)
{
	struct dendir_host host;
	enum den_code code = dendir_host_read(r->d, name, &host);

	if (code != DEN_OK)
		return fail_directory(r, code, name);
	if (r->json)
		return print_json(as_json(&host));
	print_line(&host);
	return 0;
}
