/* What was put in force, when and by whom (R-UPD-4). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory/rescue.h"
#include "directory/update.h"
#include "directory/version.h"

struct history {
	dendir_each_update *each;
	void *context;
	struct dendir_past_update past; /* the record whose lines are told */
	int found, failed, stopped;
};

static int in_order(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void tell(struct history *h, const char **lines, size_t n)
{
	h->past.lines = lines;
	h->past.nlines = n;
	h->stopped = h->each(h->context, &h->past) != 0;
}

/* -- the record: one value a line, with a number before it that keeps their order ------------ */

static int tell_record(void *context, struct dendir_entry *e)
{
	struct history *h = context;
	const char **lines = NULL, *line;
	size_t len, n = 0, room = 0;

	while (!h->failed && (line = dendir_entry_value(e, "denshiDiff", n, &len))) {
		if (n == room) {
			const char **more = reallocarray(lines, room = room ? 2 * room : 64, sizeof(*lines));

			h->failed = !more;
			lines = more ? more : lines;
		}
		if (!h->failed)
			lines[n++] = line;
	}
	if (n)
		qsort(lines, n, sizeof(*lines), in_order);
	for (size_t i = 0; i < n; i++) {
		const char *text = strchr(lines[i], ' ');

		lines[i] = text ? text + 1 : lines[i];
	}
	h->past.serial = dendir_entry_number(e, "denshiSerial", 0);
	h->past.time = dendir_parse_time(dendir_entry_string(e, "denshiUpdateTime"));
	dendir_login_of_dn(h->past.by, dendir_entry_string(e, "denshiMaster"));
	if (strcasecmp(dendir_entry_string(e, "denshiMaster"), DENDIR_DN_ROOT) == 0)
		snprintf(h->past.by, sizeof(h->past.by), "root");
	snprintf(h->past.state, sizeof(h->past.state), "%s", dendir_entry_string(e, "denshiState"));
	h->found = 1;
	if (!h->failed)
		tell(h, lines, n);
	free(lines);
	return h->failed;
}

/* -- its parts: one value of many lines each -------------------------------------------------- */

#define PART_NAME_SIZE 48

struct parts {
	char (*names)[PART_NAME_SIZE];
	size_t n, room;
	int failed;
};

static int keep_part(void *context, struct dendir_entry *e)
{
	struct parts *p = context;

	if (p->n == p->room) {
		size_t room = p->room ? 2 * p->room : 16;
		void *more = reallocarray(p->names, room, sizeof(*p->names));

		if (!more)
			return p->failed = 1;
		p->names = more;
		p->room = room;
	}
	snprintf(p->names[p->n++], PART_NAME_SIZE, "%s", dendir_entry_string(e, "cn"));
	return 0;
}

static int part_in_order(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int tell_part(void *context, struct dendir_entry *e)
{
	struct history *h = context;
	char *text = strdup(dendir_entry_string(e, "denshiDiffLines")), *rest = NULL;
	const char **lines = NULL;
	size_t n = 0, most = 1;

	for (const char *p = text; p && (p = strchr(p, '\n')); p++)
		most++;
	lines = text ? reallocarray(NULL, most, sizeof(*lines)) : NULL;
	h->failed = !lines;
	for (char *line = lines ? strtok_r(text, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest))
		lines[n++] = line;
	if (n)
		tell(h, lines, n);
	free(lines);
	free(text);
	return h->failed;
}

static enum den_code tell_parts(struct history *h, struct dendir *d)
{
	static const char *const name_only[] = {"cn", NULL}, *const lines_only[] = {"denshiDiffLines", NULL};
	struct parts p = {0};
	char dn[DENDIR_DN_SIZE];
	enum den_code code;

	dendir_dn(dn, d, "cn=%lld,ou=updates", (long long)h->past.serial);
	code = dendir_search(d, dn, DENDIR_ONE, "(objectClass=denshiUpdatePart)", name_only, keep_part, &p);
	if (p.n)
		qsort(p.names, p.n, sizeof(*p.names), part_in_order);
	for (size_t i = 0; code == DEN_OK && i < p.n && !h->failed && !h->stopped; i++) {
		dendir_dn(dn, d, "cn=%s,cn=%lld,ou=updates", p.names[i], (long long)h->past.serial);
		code = dendir_search(d, dn, DENDIR_BASE, NULL, lines_only, tell_part, h);
	}
	h->failed |= p.failed;
	free(p.names);
	return code;
}

/* -- rescues, by root --------------------------------------------------------------------------- */

/* Between the update of this serial and the next one. */
static enum den_code tell_rescues(struct history *h, struct dendir *d, int64_t serial)
{
	static const char *const name_only[] = {"cn", NULL};
	struct parts p = {0};
	char dn[DENDIR_DN_SIZE], filter[200];
	enum den_code code;

	snprintf(filter, sizeof(filter), "(&(denshiSerial=%lld)" DENDIR_RESCUES ")", (long long)serial);
	code = dendir_search(d, dendir_dn(dn, d, "ou=updates"), DENDIR_ONE, filter, name_only, keep_part, &p);
	if (p.n)
		qsort(p.names, p.n, sizeof(*p.names), part_in_order);
	for (size_t i = p.n; code == DEN_OK && i > 0 && !h->failed && !h->stopped; i--) {
		dendir_dn(dn, d, "cn=%s,ou=updates", p.names[i - 1]);
		code = dendir_search(d, dn, DENDIR_BASE, NULL, NULL, tell_record, h);
	}
	h->failed |= p.failed;
	free(p.names);
	return code;
}

/* -- the pages ------------------------------------------------------------------------------- */

enum den_code dendir_update_history(struct dendir *d, const struct dendir_page *page, dendir_each_update *each,
	void *context, int64_t *next)
{
	struct history h = {.each = each, .context = context};
	char dn[DENDIR_DN_SIZE];
	int64_t serial;
	size_t told = 0;
	enum den_code code = dendir_serial_read(d, &serial);

	/* One above the pointer may have a record: of a run that goes on, or that ended in the middle. */
	if (page->before <= 0 || page->before > serial + 2)
		serial++;
	else
		serial = page->before - 1;
	for (; code == DEN_OK && serial > 0 && !h.failed && !h.stopped; serial--) {
		if (page->limit && told == page->limit)
			break;
		code = tell_rescues(&h, d, serial);
		if (code != DEN_OK || h.failed || h.stopped)
			break;
		h.found = 0;
		dendir_dn(dn, d, "cn=%lld,ou=updates", (long long)serial);
		code = dendir_search(d, dn, DENDIR_BASE, NULL, NULL, tell_record, &h);
		if (code == DEN_OK && h.found && !h.stopped)
			code = tell_parts(&h, d);
		told += (size_t)h.found;
	}
	*next = serial > 0 ? serial + 1 : 0;
	return h.failed ? DEN_INTERNAL : code;
}
