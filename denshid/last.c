#include "denshid/last.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crypto/file.h"
#include "denshid/log.h"

#define LINE_MAX_BYTES 400

void last_folder(struct denshid *shared)
{
	const char *snapshot = shared->config->snapshot, *slash = strrchr(snapshot, '/');
	int n = snprintf(shared->last, sizeof(shared->last), "%.*s/last", (int)(slash ? slash - snapshot : 0),
		snapshot);

	if (n < 0 || (size_t)n >= sizeof(shared->last) ||
		(mkdir(shared->last, 0700) != 0 && errno != EEXIST)) {
		log_warn("%s: %s: last logins are not kept", shared->last, strerror(errno));
		*shared->last = '\0';
	}
}

/* "" where there are to be none. A login ID is no path. */
static const char *path_of(char *buf, size_t size, const struct denshid *shared, const char *login,
	const char *suffix)
{
	int n = *shared->last ? snprintf(buf, size, "%s/%s%s", shared->last, login, suffix) : -1;

	if (n < 0 || (size_t)n >= size)
		*buf = '\0';
	return buf;
}

static void put(const char *path, const char *line)
{
	struct dencrypt_bytes bytes = {.data = (unsigned char *)line, .size = strlen(line)};

	if (*path && dencrypt_write_file(path, &bytes, 0600) != DENCRYPT_OK)
		log_warn("%s can't be written: %s", path, strerror(errno));
}

/* The one line of a file; "" where there is none. */
static char *get(const char *path, char line[LINE_MAX_BYTES])
{
	struct dencrypt_bytes bytes = {0};

	*line = '\0';
	if (*path && dencrypt_read_file(path, DENCRYPT_FILE_SECRET, LINE_MAX_BYTES - 1, &bytes) == DENCRYPT_OK) {
		memcpy(line, bytes.data, bytes.size);
		line[bytes.size] = '\0';
	}
	dencrypt_bytes_done(&bytes);
	return line;
}

/* "COUNT LATEST" */
static void read_failures(const char *path, struct dendir_failures *f)
{
	char line[LINE_MAX_BYTES];

	memset(f, 0, sizeof(*f));
	if (sscanf(get(path, line), "%u %159[^\n]", &f->count, f->latest) != 2)
		memset(f, 0, sizeof(*f));
}

static void add(struct dendir_failures *to, const struct dendir_failures *more)
{
	to->count += more->count;
	/* A record begins with its time: the later one is the greater. */
	if (strcmp(more->latest, to->latest) > 0)
		memcpy(to->latest, more->latest, sizeof(to->latest));
}

void last_keep_failures(const struct denshid *shared, const char *login, const struct dendir_failures *f)
{
	char path[300], line[LINE_MAX_BYTES];
	struct dendir_failures all;

	if (!f->count)
		return;
	path_of(path, sizeof(path), shared, login, ".failed");
	read_failures(path, &all);
	add(&all, f);
	snprintf(line, sizeof(line), "%u %s", all.count, all.latest);
	put(path, line);
}

/* When that was. */
static int64_t tell_login(struct call *c, const char *path)
{
	char line[LINE_MAX_BYTES];
	struct stat st;

	if (!*get(path, line))
		return 0;
	call_reason(c, DEN_LAST_LOGIN, line);
	return stat(path, &st) == 0 ? st.st_mtime : 0;
}

static void remember_login(struct call *c, const char *path)
{
	const char *rhost = call_string(c, DEN_TAG_RHOST);
	time_t now = (time_t)c->now;
	char line[LINE_MAX_BYTES], when[32];
	struct tm tm;

	if (!gmtime_r(&now, &tm) || !strftime(when, sizeof(when), "%Y-%m-%d %H:%M UTC", &tm))
		return;
	snprintf(line, sizeof(line), "%s, %.40s%s%.120s", when, call_string(c, DEN_TAG_SERVICE), *rhost ? ", " : "",
		rhost);
	put(path, line);
}

int64_t last_tell(struct call *c, const char *login, const struct dendir_failures *still)
{
	struct dendir_failures failed;
	char path[300], text[16];
	int64_t before;

	path_of(path, sizeof(path), c->shared, login, "");
	before = tell_login(c, path);
	remember_login(c, path);
	path_of(path, sizeof(path), c->shared, login, ".failed");
	read_failures(path, &failed);
	add(&failed, still);
	if (!failed.count)
		return before;
	snprintf(text, sizeof(text), "%u", failed.count);
	call_reason(c, DEN_FAILED_SINCE, text);
	den_message_add_string(c->out, DEN_TAG_CODE_ARG, failed.latest);
	if (*path)
		unlink(path);
	return before;
}
