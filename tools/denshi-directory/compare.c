/* denshi directory compare FILE: a backup and the directory, entry by entry. */
#include "tools/denshi-directory/compare.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "directory/schema.h"
#include "tools/denshi-directory/digests.h"
#include "tools/denshi-directory/slap.h"
#include "tools/denshi-directory/survey.h"

#define TOLD_MAX 20 /* differences; the rest is counted */

int compare_open(struct archive **a, struct archive_head *head, const struct run *r, const char *path)
{
	char found[16], known[16];

	switch (archive_open(a, path, head)) {
	case ARCHIVE_OK:
		break;
	case ARCHIVE_IO:
		return fail_file(r, path);
	case ARCHIVE_FOREIGN:
		return fail(r, DEN_BACKUP_FOREIGN, path, NULL);
	default:
		return fail(r, DEN_BACKUP_DAMAGED, path, NULL);
	}
	if (head->schema <= DENDIR_SCHEMA_VERSION)
		return 0;
	archive_close(*a);
	*a = NULL;
	snprintf(found, sizeof(found), "%u", head->schema);
	snprintf(known, sizeof(known), "%d", DENDIR_SCHEMA_VERSION);
	return fail(r, DEN_DIRECTORY_NEWER, found, known, NULL);
}

/* -- the two sides ----------------------------------------------------------------------------- */

static int add_backup(struct digests *d, struct archive *a)
{
	const char *line;
	size_t len;
	int wanted = 0, whole = 0;

	if (archive_rewind(a) != ARCHIVE_OK)
		return -1;
	while (archive_next(a, &line, &len) == ARCHIVE_OK && line) {
		whole = strcmp(line, ARCHIVE_END) == 0;
		if (strncmp(line, ARCHIVE_PART, sizeof(ARCHIVE_PART) - 1) == 0)
			wanted = strncmp(line, ARCHIVE_PART "database ", sizeof(ARCHIVE_PART "database ") - 1) == 0;
		else if (wanted && digests_add(d, line, len) != 0)
			return -1;
	}
	return whole ? 0 : -1;
}

static int on_line(void *context, const char *line, size_t len)
{
	return digests_add(context, line, len);
}

static int add_set(struct digests *d, const struct run *r, const char *set)
{
	struct survey v;

	if (survey_read(&v, r, set) != 0)
		return -1;
	for (size_t i = 0; i < v.ndatabases; i++)
		if (slap_read(r, set, v.databases[i].number, on_line, d) != 0)
			return -1;
	return 0;
}

/* -- differences -------------------------------------------------------------------------------- */

struct telling {
	const struct run *run;
	size_t told;
};

static void tell(void *context, enum digests_difference how, const char *dn)
{
	static const enum den_code codes[] = {DEN_COMPARE_ONLY_BACKUP, DEN_COMPARE_ONLY_DIRECTORY,
		DEN_COMPARE_DIFFERS};
	struct telling *t = context;

	if (t->told++ < TOLD_MAX)
		say(t->run, codes[how], dn, NULL);
}

int compare_with(const struct run *r, struct archive *a, const char *path, const char *set, size_t *entries)
{
	struct digests *backup = digests_new(), *directory = digests_new();
	struct telling t = {.run = r};
	char number[24];
	int result = -1;

	if (!backup || !directory)
		fail(r, DEN_SETUP_FILE, path, strerror(ENOMEM), NULL);
	else if (add_backup(backup, a) != 0)
		fail(r, DEN_BACKUP_DAMAGED, path, NULL);
	else if (add_set(directory, r, set) == 0) {
		size_t n = digests_compare(backup, directory, tell, &t);

		*entries = digests_count(backup);
		snprintf(number, sizeof(number), "%zu", n);
		result = n == 0 ? 0 : fail(r, DEN_COMPARE_DIFFERENT, number, NULL);
	}
	digests_free(backup);
	digests_free(directory);
	return result;
}

int compare_run(const struct run *r, char **operands)
{
	struct archive *a = NULL;
	struct archive_head head;
	char set[PATH_MAX], number[24];
	size_t entries = 0;
	int result;

	if (run_set_in_use(r, set) != 0 || compare_open(&a, &head, r, operands[0]) != 0)
		return -1;
	result = compare_with(r, a, operands[0], set, &entries);
	archive_close(a);
	snprintf(number, sizeof(number), "%zu", entries);
	if (result == 0)
		say(r, DEN_COMPARE_SAME, number, NULL);
	return result;
}
