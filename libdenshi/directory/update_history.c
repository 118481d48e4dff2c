/* What was put in force, when and by whom (R-UPD-4). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory/update.h"

struct history {
	dendir_each_update *each;
	void *context;
	int64_t *serials;
	size_t n;
	int failed, stopped;
};

static int keep_serial(void *context, struct dendir_entry *e)
{
	struct history *h = context;
	int64_t serial = dendir_entry_number(e, "denshiSerial", -1);
	int64_t *serials;

	if (serial < 0)
		return 0;
	serials = reallocarray(h->serials, h->n + 1, sizeof(*serials));
	if (!serials)
		return h->failed = 1;
	h->serials = serials;
	h->serials[h->n++] = serial;
	return 0;
}

static int newest_first(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? 1 : *x > *y ? -1 : 0;
}

static int lines_in_order(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int tell_update(void *context, struct dendir_entry *e)
{
	struct history *h = context;
	struct dendir_past_update past = {0};
	const char **lines = NULL, *line;
	size_t len;

	for (size_t i = 0; (line = dendir_entry_value(e, "denshiDiff", i, &len)); i++) {
		const char **more = reallocarray(lines, i + 1, sizeof(*lines));

		if (!more) {
			free(lines);
			return h->failed = 1;
		}
		lines = more;
		lines[i] = line;
		past.nlines = i + 1;
	}
	if (lines)
		qsort(lines, past.nlines, sizeof(*lines), lines_in_order);
	past.lines = lines;
	past.serial = dendir_entry_number(e, "denshiSerial", 0);
	past.time = dendir_parse_time(dendir_entry_string(e, "denshiUpdateTime"));
	dendir_login_of_dn(past.by, dendir_entry_string(e, "denshiMaster"));
	snprintf(past.state, sizeof(past.state), "%s", dendir_entry_string(e, "denshiState"));
	h->stopped = h->each(h->context, &past) != 0;
	free(lines);
	return 0;
}

enum den_code dendir_update_history(struct dendir *d, dendir_each_update *each, void *context)
{
	static const char *const serial_only[] = {"denshiSerial", NULL};
	struct history h = {.each = each, .context = context};
	char dn[DENDIR_DN_SIZE];
	enum den_code code = dendir_search(d, dendir_dn(dn, d, "ou=updates"), DENDIR_ONE,
		"(objectClass=denshiUpdate)", serial_only, keep_serial, &h);

	if (h.n)
		qsort(h.serials, h.n, sizeof(*h.serials), newest_first);
	for (size_t i = 0; code == DEN_OK && i < h.n && !h.failed && !h.stopped; i++) {
		dendir_dn(dn, d, "cn=%lld,ou=updates", (long long)h.serials[i]);
		code = dendir_search(d, dn, DENDIR_BASE, NULL, NULL, tell_update, &h);
	}
	free(h.serials);
	return h.failed ? DEN_DIRECTORY_REFUSED : code;
}
