/*
 * The record of an update (R-UPD-4): cn=SERIAL,ou=updates with the lines of the first
 * window, and below it a part for each further one, so that no entry grows with the
 * update. A part has one value, which nobody can add to.
 */
#include <ldap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "directory/update-internal.h"

#define LINE_SIZE (2 * DEN_NAME_SIZE + 80)

static char *record_dn(char *dn, const struct dendir *d, int64_t serial)
{
	return dendir_dn(dn, d, "cn=%lld,ou=updates", (long long)serial);
}

/* -- lines ------------------------------------------------------------------------------ */

/* Whatever a name has in it, a line is one line. */
static void one_line(char *line)
{
	for (; *line; line++)
		if ((unsigned char)*line < ' ' || *line == 0x7F)
			*line = '?';
}

static void write_line(char line[LINE_SIZE], const struct dendir_row *r)
{
	snprintf(line, LINE_SIZE, "%s %s %s: %s -> %s", r->action, r->login, r->attribute, *r->before ? r->before : "-",
		*r->after ? r->after : "-");
	one_line(line);
}

static void each_row(const struct dendir_update *u, dendir_each_row *each, void *context)
{
	for (size_t i = 0; i < u->window.n; i++)
		item_rows(&u->window.items[i], each, context);
}

struct lines {
	struct dendir_mods *mods;
	const char *prefix; /* keeps the lines in order: values of an attribute are a set */
	size_t n;
};

static int put_line(void *context, const struct dendir_row *r)
{
	struct lines *l = context;
	char line[LINE_SIZE], numbered[LINE_SIZE + RECORD_PREFIX_SIZE + 24];

	write_line(line, r);
	snprintf(numbered, sizeof(numbered), "%s%06zu %s", l->prefix, ++l->n, line);
	dendir_mods_put(l->mods, DENDIR_ADD, "denshiDiff", numbered);
	return 0;
}

/* -- the record ---------------------------------------------------------------------------- */

/*
 * What a run that goes on with another's record puts before its lines and parts: in the
 * order of the runs, and no two the same, though several may begin within a second.
 */
static void set_prefix(struct dendir_update *u)
{
	char when[DENDIR_TIME_SIZE];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(u->prefix, sizeof(u->prefix), "T%.14s.%09ldZ-", dendir_time(when, now.tv_sec), now.tv_nsec);
}

static enum den_code add_record(const struct dendir_update *u, const struct dendir_run *run)
{
	struct lines l = {.mods = dendir_mods_new(), .prefix = ""};
	char dn[DENDIR_DN_SIZE], who[DENDIR_DN_SIZE], when[DENDIR_TIME_SIZE];
	enum den_code code;

	dendir_mods_put(l.mods, DENDIR_ADD, "objectClass", "denshiUpdate");
	dendir_mods_put_number(l.mods, DENDIR_ADD, "cn", u->from + 1);
	dendir_mods_put_number(l.mods, DENDIR_ADD, "denshiSerial", u->from + 1);
	dendir_mods_put(l.mods, DENDIR_ADD, "denshiMaster", dendir_dn(who, run->master, DENDIR_DN_APPROVAL, run->by));
	dendir_mods_put(l.mods, DENDIR_ADD, "denshiUpdateTime", dendir_time(when, run->now));
	dendir_mods_put(l.mods, DENDIR_ADD, "denshiState", "running");
	each_row(u, put_line, &l);
	code = dendir_add(run->master, record_dn(dn, run->master, u->from + 1), l.mods);
	dendir_mods_free(l.mods);
	return code;
}

/* Only who is named in a record writes into it. */
static enum den_code join_record(const struct dendir_run *run, int64_t serial)
{
	struct dendir_mods *m = dendir_mods_new();
	char dn[DENDIR_DN_SIZE], who[DENDIR_DN_SIZE];
	enum den_code code;

	dendir_mods_put(m, DENDIR_ADD, "denshiMaster", dendir_dn(who, run->master, DENDIR_DN_APPROVAL, run->by));
	code = dendir_modify(run->master, record_dn(dn, run->master, serial), m);
	dendir_mods_free(m);
	return dendir_result(run->master) == LDAP_TYPE_OR_VALUE_EXISTS ? DEN_OK : code;
}

/* To the record of a run that ended in the middle, what this one does: the record only grows. */
static enum den_code continue_record(const struct dendir_update *u, const struct dendir_run *run)
{
	char dn[DENDIR_DN_SIZE], line[96];
	enum den_code code = join_record(run, u->from + 1);
	struct lines l = {.prefix = u->prefix};

	if (code != DEN_OK)
		return code;
	l.mods = dendir_mods_new();
	snprintf(line, sizeof(line), "%s000000 finish by %s", u->prefix, run->by);
	dendir_mods_put(l.mods, DENDIR_ADD, "denshiDiff", line);
	each_row(u, put_line, &l);
	code = dendir_modify(run->master, record_dn(dn, run->master, u->from + 1), l.mods);
	dendir_mods_free(l.mods);
	return code;
}

static int read_record(void *context, struct dendir_entry *e)
{
	struct dendir_update *u = context;

	dendir_login_of_dn(u->other, dendir_entry_string(e, "denshiMaster"));
	u->other_since = dendir_parse_time(dendir_entry_string(e, "denshiUpdateTime"));
	return 0;
}

void record_find_other(struct dendir_update *u, struct dendir *host)
{
	static const char *const attributes[] = {"denshiMaster", "denshiUpdateTime", NULL};
	char dn[DENDIR_DN_SIZE];

	(void)dendir_search(host, record_dn(dn, host, u->from + 1), DENDIR_BASE, NULL, attributes, read_record, u);
}

static int note_it_is_there(void *context, struct dendir_entry *e)
{
	(void)e;
	*(int *)context = 1;
	return 1;
}

/* What an interrupted run has changed already would come into force half. */
static enum den_code nothing_unfinished(const struct dendir_update *u, struct dendir *host)
{
	static const char *const none[] = {"1.1", NULL};
	char base[DENDIR_DN_SIZE], filter[64];
	int there = 0;
	enum den_code code;

	snprintf(filter, sizeof(filter), "(denshiSerial=%lld)", (long long)u->from + 1);
	code = dendir_search(host, dendir_dn(base, host, "ou=people"), DENDIR_ONE, filter, none, note_it_is_there, &there);
	return code == DEN_OK && there ? DEN_UPDATE_UNFINISHED : code;
}

enum den_code record_begin(struct dendir_update *u, struct dendir_run *run)
{
	enum den_code code = add_record(u, run);

	if (code != DEN_DIRECTORY_REFUSED || dendir_result(run->master) != LDAP_ALREADY_EXISTS)
		return code;
	set_prefix(u);
	record_find_other(u, run->host);
	/* All that is pending has what is unfinished in it; a direct change hasn't. */
	code = u->direct ? nothing_unfinished(u, run->host) : DEN_OK;
	return code == DEN_OK ? continue_record(u, run) : code;
}

static int print_line(void *context, const struct dendir_row *r)
{
	char line[LINE_SIZE];

	write_line(line, r);
	return fprintf(context, "%s\n", line) < 0;
}

static char *lines_of_window(const struct dendir_update *u)
{
	char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);

	if (!stream)
		return NULL;
	each_row(u, print_line, stream);
	if (fclose(stream) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

enum den_code record_part(const struct dendir_update *u, const struct dendir_run *run)
{
	char *text = lines_of_window(u);
	struct dendir_mods *m;
	char dn[DENDIR_DN_SIZE], name[RECORD_PREFIX_SIZE + 24];
	enum den_code code = text ? DEN_OK : DEN_INTERNAL;

	if (text && *text) {
		m = dendir_mods_new();
		snprintf(name, sizeof(name), "%s%06zu", u->prefix, u->window.first / WINDOW);
		dendir_mods_put(m, DENDIR_ADD, "objectClass", "denshiUpdatePart");
		dendir_mods_put(m, DENDIR_ADD, "cn", name);
		dendir_mods_put(m, DENDIR_ADD, "denshiDiffLines", text);
		dendir_dn(dn, run->master, "cn=%s,cn=%lld,ou=updates", name, (long long)u->from + 1);
		code = dendir_add(run->master, dn, m);
		dendir_mods_free(m);
	}
	free(text);
	return code;
}

static enum den_code say_done(struct dendir *master, int64_t serial)
{
	struct dendir_mods *m = dendir_mods_new();
	char dn[DENDIR_DN_SIZE];
	enum den_code code;

	dendir_mods_put(m, DENDIR_DELETE, "denshiState", "running");
	dendir_mods_put(m, DENDIR_ADD, "denshiState", "done");
	code = dendir_modify(master, record_dn(dn, master, serial), m);
	dendir_mods_free(m);
	return code;
}

void record_end(const struct dendir_run *run, int64_t serial)
{
	/* Another's, whose run ended while it swept. */
	if (say_done(run->master, serial) != DEN_OK && dendir_result(run->master) == LDAP_INSUFFICIENT_ACCESS &&
		join_record(run, serial) == DEN_OK)
		(void)say_done(run->master, serial);
}
