#include "tools/denshi-directory/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "crypto/digest.h"

#define HEAD_MAX 8192
#define SUM_LINE "sha256 "
#define SUM_LINE_SIZE (sizeof(SUM_LINE) - 1 + DENCRYPT_DIGEST_HEX_SIZE) /* with its newline */
#define PIECE 65536

const struct archive_file archive_files[] = {
	{"ca", "ca.key", ARCHIVE_SIGNER, 0600, 1, 1},
	/* Where the key is in a token, which no backup has. */
	{"ca", "ca.token", ARCHIVE_SIGNER, 0644, 1, 1},
	{"ca", "ca.pin", ARCHIVE_SIGNER, 0600, 1, 1},
	{"ca", "ca.pem", ARCHIVE_SIGNER, 0644, 1, 0},
	/* While there is a CA before this one. */
	{"ca", "former.key", ARCHIVE_SIGNER, 0600, 1, 1},
	{"ca", "former.token", ARCHIVE_SIGNER, 0644, 1, 1},
	{"ca", "former.pin", ARCHIVE_SIGNER, 0600, 1, 1},
	{"ca", "former.pem", ARCHIVE_SIGNER, 0644, 1, 1},
	{"hosts-ca", "ca.key", ARCHIVE_ROOT, 0600, 1, 0},
	{"hosts-ca", "ca.pem", ARCHIVE_ROOT, 0644, 1, 0},
	{"tls", "ca.pem", ARCHIVE_ROOT, 0644, 0, 0},
	{"tls", "server.pem", ARCHIVE_ROOT, 0644, 0, 0},
	{"tls", "server.key", ARCHIVE_SLAPD, 0600, 0, 0},
	{"tls", "listen", ARCHIVE_ROOT, 0644, 0, 0},
	{NULL, NULL, ARCHIVE_ROOT, 0, 0, 0},
};

struct archive {
	int fd;
	gzFile gz;
	char path[PATH_MAX], aside[PATH_MAX]; /* of a new one; aside "": it has no name yet */
	off_t sum_at, body_at; /* where the checksum's line and the gzip stream begin */
	char *line; /* of archive_next */
	size_t size;
};

static void release(struct archive *a)
{
	int saved = errno;

	if (a->gz)
		gzclose(a->gz);
	if (a->fd >= 0)
		close(a->fd);
	if (a->line)
		explicit_bzero(a->line, a->size);
	free(a->line);
	free(a);
	errno = saved;
}

/* The gzip stream at body_at, by a descriptor of its own: gzclose closes it. */
static int open_body(struct archive *a, const char *mode)
{
	int fd;

	if (a->gz)
		gzclose(a->gz);
	a->gz = NULL;
	if (lseek(a->fd, a->body_at, SEEK_SET) < 0)
		return -1;
	fd = fcntl(a->fd, F_DUPFD_CLOEXEC, 3);
	if (fd >= 0)
		a->gz = gzdopen(fd, mode);
	if (!a->gz && fd >= 0)
		close(fd);
	return a->gz ? 0 : -1;
}

/* -- the checksum -------------------------------------------------------------------------- */

static int add_range(struct dencrypt_digest *d, int fd, off_t from, off_t to)
{
	unsigned char piece[PIECE];

	while (to < 0 || from < to) {
		size_t want = to < 0 || to - from > PIECE ? PIECE : (size_t)(to - from);
		ssize_t n = pread(fd, piece, want, from);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || (n == 0 && to >= 0))
			return -1;
		if (n == 0)
			break;
		if (dencrypt_digest_add(d, piece, (size_t)n) != DENCRYPT_OK)
			return -1;
		from += n;
	}
	return 0;
}

/* Of all but the checksum's own line. */
static int compute(const struct archive *a, char hex[DENCRYPT_DIGEST_HEX_SIZE])
{
	unsigned char sum[DENCRYPT_DIGEST_SIZE];
	struct dencrypt_digest *d = NULL;
	int result = -1;

	if (dencrypt_digest_new(&d) == DENCRYPT_OK && add_range(d, a->fd, 0, a->sum_at) == 0 &&
		add_range(d, a->fd, a->sum_at + (off_t)SUM_LINE_SIZE, -1) == 0 &&
		dencrypt_digest_end(d, sum) == DENCRYPT_OK) {
		dencrypt_hex(sum, sizeof(sum), hex);
		result = 0;
	}
	dencrypt_digest_free(d);
	return result;
}

/* -- writing --------------------------------------------------------------------------------- */

static int write_all(int fd, const char *text, size_t len, off_t at)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, text, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		text += n;
		len -= (size_t)n;
		at += n;
	}
	return 0;
}

/* With room for the checksum. */
static int write_head(struct archive *a, const struct archive_head *h)
{
	char head[HEAD_MAX];
	int n = snprintf(head, sizeof(head),
		"denshi-backup 1\nschema %u\norganisation %s\nmade %s\nset %s\ndenshid %u:%u\ndenshi-ca %u:%u\n"
		"ca-key %s\n",
		h->schema, h->organisation, h->made, h->set, h->denshid.uid, h->denshid.gid, h->ca.uid,
		h->ca.gid, h->ca_key ? "yes" : "no");

	a->sum_at = n;
	n += snprintf(head + n, sizeof(head) - (size_t)n, SUM_LINE "%064d\n\n", 0);
	a->body_at = n;
	return write_all(a->fd, head, (size_t)n, 0);
}

static void find_folder(char folder[PATH_MAX], const char *path)
{
	const char *slash = strrchr(path, '/');

	snprintf(folder, PATH_MAX, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
}

/* Without a name, so that nothing is left of it, whatever ends the program; beside it where the
 * file system can't do that. */
static int open_aside(struct archive *a)
{
	char folder[PATH_MAX];
	int fd;

	find_folder(folder, a->path);
	fd = open(folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	if (snprintf(a->aside, PATH_MAX, "%s.XXXXXX", a->path) < PATH_MAX)
		return mkostemp(a->aside, O_CLOEXEC);
	a->aside[0] = '\0';
	errno = ENAMETOOLONG;
	return -1;
}

/* Nothing may be there by now. */
static int give_name(const struct archive *a)
{
	char unnamed[32];

	if (*a->aside)
		return renameat2(AT_FDCWD, a->aside, AT_FDCWD, a->path, RENAME_NOREPLACE);
	snprintf(unnamed, sizeof(unnamed), "/proc/self/fd/%d", a->fd);
	return linkat(AT_FDCWD, unnamed, AT_FDCWD, a->path, AT_SYMLINK_FOLLOW);
}

struct archive *archive_create(const char *path, const struct archive_head *head)
{
	struct archive *a = calloc(1, sizeof(*a));
	struct stat st;

	if (!a)
		return NULL;
	a->fd = -1;
	if (lstat(path, &st) == 0)
		errno = EEXIST;
	else if (snprintf(a->path, PATH_MAX, "%s", path) >= PATH_MAX)
		errno = ENAMETOOLONG;
	else
		a->fd = open_aside(a);
	if (a->fd < 0) {
		release(a);
		return NULL;
	}
	if (fchmod(a->fd, 0600) == 0 && write_head(a, head) == 0 && open_body(a, "wb6") == 0)
		return a;
	archive_abandon(a);
	return NULL;
}

int archive_put(struct archive *a, const char *text, size_t len)
{
	for (size_t done = 0; done < len;) {
		unsigned n = len - done > PIECE ? PIECE : (unsigned)(len - done);

		if (gzwrite(a->gz, text + done, n) != (int)n)
			return -1;
		done += n;
	}
	return 0;
}

static int sync_folder(const char *path)
{
	char folder[PATH_MAX];
	int fd, result;

	find_folder(folder, path);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	result = fsync(fd);
	close(fd);
	return result;
}

int archive_finish(struct archive *a)
{
	char hex[DENCRYPT_DIGEST_HEX_SIZE];
	int closed = gzclose(a->gz);

	a->gz = NULL;
	if (closed == Z_OK && compute(a, hex) == 0 &&
		write_all(a->fd, hex, sizeof(hex) - 1, a->sum_at + (off_t)sizeof(SUM_LINE) - 1) == 0 &&
		fsync(a->fd) == 0 && give_name(a) == 0) {
		int result = sync_folder(a->path);

		release(a);
		return result;
	}
	archive_abandon(a);
	return -1;
}

void archive_abandon(struct archive *a)
{
	int saved = errno;

	if (!a)
		return;
	if (*a->aside)
		unlink(a->aside);
	errno = saved;
	release(a);
}

/* -- reading ------------------------------------------------------------------------------------ */

static int read_head(struct archive *a, char head[HEAD_MAX])
{
	ssize_t n = pread(a->fd, head, HEAD_MAX - 1, 0);
	char *sum, *end;

	if (n <= 0)
		return -1;
	head[n] = '\0';
	sum = strstr(head, "\n" SUM_LINE);
	end = strstr(head, "\n\n");
	if (!sum || !end || (size_t)(end - sum) != SUM_LINE_SIZE)
		return -1;
	a->sum_at = sum + 1 - head;
	a->body_at = end + 2 - head;
	end[1] = '\0';
	return 0;
}

static int parse_head(struct archive_head *h, const char *head)
{
	char ca_key[4];

	memset(h, 0, sizeof(*h));
	if (sscanf(head,
		    "denshi-backup 1\nschema %9u\norganisation %32s\nmade %15s\nset %4095s\ndenshid %u:%u\n"
		    "denshi-ca %u:%u\nca-key %3s\n",
		    &h->schema, h->organisation, h->made, h->set, &h->denshid.uid, &h->denshid.gid, &h->ca.uid,
		    &h->ca.gid, ca_key) != 9)
		return -1;
	h->ca_key = strcmp(ca_key, "yes") == 0;
	return dendir_name_is_plain(h->organisation) && h->set[0] == '/' ? 0 : -1;
}

static enum archive_result check(struct archive *a, struct archive_head *h)
{
	char head[HEAD_MAX], hex[DENCRYPT_DIGEST_HEX_SIZE];

	if (read_head(a, head) != 0 || parse_head(h, head) != 0)
		return ARCHIVE_FOREIGN;
	if (compute(a, hex) != 0)
		return errno ? ARCHIVE_IO : ARCHIVE_DAMAGED;
	return memcmp(head + a->sum_at + sizeof(SUM_LINE) - 1, hex, sizeof(hex) - 1) == 0 ? ARCHIVE_OK :
										       ARCHIVE_DAMAGED;
}

enum archive_result archive_open(struct archive **out, const char *path, struct archive_head *head)
{
	struct archive *a = calloc(1, sizeof(*a));
	enum archive_result result = ARCHIVE_IO;
	struct stat st;

	*out = NULL;
	if (!a)
		return ARCHIVE_IO;
	a->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (a->fd >= 0 && fstat(a->fd, &st) == 0) {
		errno = 0;
		result = S_ISREG(st.st_mode) ? check(a, head) : ARCHIVE_FOREIGN;
	}
	if (result == ARCHIVE_OK)
		result = archive_rewind(a);
	if (result == ARCHIVE_OK)
		*out = a;
	else
		release(a);
	return result;
}

enum archive_result archive_rewind(struct archive *a)
{
	return open_body(a, "rb") == 0 ? ARCHIVE_OK : ARCHIVE_IO;
}

/* Twice the room; what the old one held is wiped. */
static int grow(struct archive *a)
{
	size_t size = a->size ? 2 * a->size : PIECE;
	char *bigger = size > INT_MAX ? NULL : malloc(size);

	if (!bigger)
		return -1;
	if (a->line) {
		memcpy(bigger, a->line, a->size);
		explicit_bzero(a->line, a->size);
		free(a->line);
	}
	a->line = bigger;
	a->size = size;
	return 0;
}

enum archive_result archive_next(struct archive *a, const char **line, size_t *len)
{
	size_t used = 0;

	*line = NULL;
	*len = 0;
	for (;;) {
		if (a->size < used + 2 && grow(a) != 0)
			return ARCHIVE_IO;
		if (!gzgets(a->gz, a->line + used, (int)(a->size - used))) {
			int error;

			gzerror(a->gz, &error);
			return used == 0 && (error == Z_OK || error == Z_STREAM_END) ? ARCHIVE_OK :
										      ARCHIVE_DAMAGED;
		}
		used += strlen(a->line + used);
		if (used == 0)
			return ARCHIVE_DAMAGED; /* a NUL byte */
		if (a->line[used - 1] == '\n')
			break;
	}
	*line = a->line;
	*len = used;
	return ARCHIVE_OK;
}

void archive_close(struct archive *a)
{
	if (a)
		release(a);
}
