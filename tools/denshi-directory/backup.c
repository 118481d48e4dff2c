/* denshi directory backup FILE: cn=config and every database, each as it is at one moment. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "directory/schema.h"
#include "tools/denshi-directory/archive.h"
#include "tools/denshi-directory/slap.h"
#include "tools/denshi-directory/survey.h"
#include "tools/server/tree.h"

#define FILE_MAX 65536

struct backup {
	const struct run *run;
	const char *path;
	struct archive *archive;
	struct survey survey;
	char set[PATH_MAX];
	size_t entries;
};

static int put(struct backup *b, const char *text, size_t len)
{
	return archive_put(b->archive, text, len) == 0 ? 0 : fail_file(b->run, b->path);
}

static int begin_part(struct backup *b, const char *what)
{
	char line[DENDIR_DN_SIZE + 64];
	int n = snprintf(line, sizeof(line), ARCHIVE_PART "%s\n", what);

	return put(b, line, (size_t)n);
}

/* -- databases ----------------------------------------------------------------------------- */

static int on_line(void *context, const char *line, size_t len)
{
	struct backup *b = context;

	b->entries += strncmp(line, "dn:", 3) == 0;
	return put(b, line, len);
}

static int put_databases(struct backup *b)
{
	char what[DENDIR_DN_SIZE + 32];

	if (begin_part(b, "config") != 0 || slap_read(b->run, b->set, 0, on_line, b) != 0)
		return -1;
	b->entries = 0;
	for (size_t i = 0; i < b->survey.ndatabases; i++) {
		unsigned n = b->survey.databases[i].number;

		snprintf(what, sizeof(what), "database %u %s", n, b->survey.databases[i].suffix);
		if (begin_part(b, what) != 0 || slap_read(b->run, b->set, n, on_line, b) != 0)
			return -1;
	}
	return 0;
}

/* -- files ----------------------------------------------------------------------------------- */

/* The whole of a regular file; its length, or -1 with errno. */
static ssize_t read_file(const char *path, char buf[FILE_MAX])
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, buf, FILE_MAX);
	if (n == FILE_MAX) {
		errno = EFBIG;
		n = -1;
	}
	close(fd);
	return n;
}

static int put_file(struct backup *b, const char *name, const char *path)
{
	char text[FILE_MAX], what[64];
	ssize_t n = read_file(path, text);
	int result;

	if (n < 0)
		return fail_file(b->run, path);
	snprintf(what, sizeof(what), "file %s", name);
	result = begin_part(b, what);
	if (result == 0)
		result = put(b, text, (size_t)n);
	if (result == 0 && n > 0 && text[n - 1] != '\n')
		result = put(b, "\n", 1);
	explicit_bzero(text, sizeof(text));
	return result;
}

static int put_files(struct backup *b)
{
	char path[PATH_MAX];

	if (access(b->run->config_path, F_OK) == 0 && put_file(b, ARCHIVE_CONF, b->run->config_path) != 0)
		return -1;
	for (const struct archive_file *f = archive_files; f->folder; f++) {
		char name[64];

		snprintf(name, sizeof(name), "%s/%s", f->folder, f->name);
		if ((f->is_ca && !b->run->ca_key) || !set_in_use(b->run->state, f->folder))
			continue;
		if (tree_path(path, b->run->state, name) != 0)
			return -1;
		if (f->may_lack && access(path, F_OK) != 0 && errno == ENOENT)
			continue;
		if (put_file(b, name, path) != 0)
			return -1;
	}
	return 0;
}

/* -- all of it ----------------------------------------------------------------------------------- */

static int create(struct backup *b)
{
	struct archive_head head = {
		.schema = DENDIR_SCHEMA_VERSION,
		.denshid = b->run->denshid_user,
		.ca = b->run->ca_user,
		.ca_key = b->run->ca_key,
	};

	memcpy(head.organisation, b->survey.organisation, sizeof(head.organisation));
	memcpy(head.set, b->set, sizeof(head.set));
	dendir_time(head.made, time(NULL));
	b->archive = archive_create(b->path, &head);
	return b->archive ? 0 : fail_file(b->run, b->path);
}

static int write_all(struct backup *b)
{
	struct archive *a = b->archive;

	if (put_databases(b) != 0 || put_files(b) != 0 || put(b, ARCHIVE_END, sizeof(ARCHIVE_END) - 1) != 0)
		return -1;
	b->archive = NULL;
	return archive_finish(a) == 0 ? 0 : fail_file(b->run, b->path);
}

int backup_run(const struct run *r, char **operands)
{
	struct backup b = {.run = r, .path = operands[0]};
	char entries[24];

	if (run_set_in_use(r, b.set) != 0 || survey_read(&b.survey, r, b.set) != 0 || create(&b) != 0)
		return -1;
	if (write_all(&b) != 0) {
		archive_abandon(b.archive);
		return -1;
	}
	snprintf(entries, sizeof(entries), "%zu", b.entries);
	say(r, DEN_BACKUP_DONE, b.survey.organisation, entries, b.path, NULL);
	say(r, r->ca_key ? DEN_BACKUP_WITH_KEY : DEN_BACKUP_WITHOUT_KEY, r->state, NULL);
	return 0;
}
