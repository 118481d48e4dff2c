#include "tools/denshi-directory/survey.h"

#include <stdio.h>
#include <string.h>

#include "tools/denshi-directory/slap.h"

#define LOG_SUFFIX "cn=accesslog"

static void note_suffix(struct survey *v, const char *suffix, size_t len)
{
	char name[DENDIR_DN_SIZE];

	if (v->ndatabases == SURVEY_DATABASES_MAX || len >= sizeof(name))
		return;
	memcpy(name, suffix, len);
	name[len] = '\0';
	if (strcmp(name, LOG_SUFFIX) == 0)
		return;
	if (strncmp(name, "o=", 2) == 0 && dendir_name_is_plain(name + 2))
		snprintf(v->organisation, sizeof(v->organisation), "%.32s", name + 2);
	memcpy(v->databases[v->ndatabases].suffix, name, len + 1);
	v->databases[v->ndatabases++].number = v->current;
}

static int on_line(void *context, const char *line, size_t len)
{
	static const char suffix[] = "olcSuffix: ";
	struct survey *v = context;

	if (strncmp(line, "dn:", 3) == 0 && sscanf(line, "dn: olcDatabase={%u}mdb,cn=config", &v->current) != 1)
		v->current = 0;
	if (v->current && len > sizeof(suffix) && strncmp(line, suffix, sizeof(suffix) - 1) == 0)
		note_suffix(v, line + sizeof(suffix) - 1, len - sizeof(suffix));
	return 0;
}

int survey_read(struct survey *v, const struct run *r, const char *set)
{
	memset(v, 0, sizeof(*v));
	if (slap_read(r, set, 0, on_line, v) != 0)
		return -1;
	return *v->organisation ? 0 : fail(r, DEN_SETUP_NOTHING, set, NULL);
}
