/*
 * Writer of the snapshot: writes the file aside and puts it into force in place of the one that is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/snapshot_write-internal.h"

static int begin_file(void *context, size_t size)
{
	return ftruncate(*(const int *)context, (off_t)size) < 0 ? -errno : 0;
}

static int put_into_file(void *context, size_t at, const void *bytes, size_t size)
{
	const uint8_t *p = bytes;

	while (size > 0) {
		ssize_t n = pwrite(*(const int *)context, p, size, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		p += n;
		at += (size_t)n;
		size -= (size_t)n;
	}
	return 0;
}

/* The new file, complete and on disk under the name ASIDE; on errors there is none. */
static int write_aside(int dir, const char *aside, const struct den_snapshot_frame *frame,
		       const struct den_snapshot_source *source)
{
	int fd, r;
	struct den_snap_sink sink = { begin_file, put_into_file, &fd };

	if (unlinkat(dir, aside, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(dir, aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = den_snap_lay_out(frame, source, &sink);
	/* whatever the umask: every process reads it */
	if (r == 0 && fchmod(fd, 0644) < 0)
		r = -errno;
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir, aside, 0);
	return r;
}

/* The file to be replaced, open for marking; -ENOENT if there is none or it is no snapshot. */
static int open_old(int dir, const char *name)
{
	struct den_snap_header h;
	struct stat st;
	int fd;

	fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno == ELOOP || errno == EISDIR || errno == ENXIO ? -ENOENT : -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    pread(fd, &h, sizeof h, 0) == (ssize_t)sizeof h &&
	    memcmp(h.magic, DEN_SNAP_MAGIC, sizeof h.magic) == 0)
		return fd;
	close(fd);
	return -ENOENT;
}

static int mark(int fd, uint32_t superseded)
{
	off_t at = offsetof(struct den_snap_header, superseded);

	if (fd < 0)
		return 0;
	if (pwrite(fd, &superseded, sizeof superseded, at) != (ssize_t)sizeof superseded)
		return errno ? -errno : -EIO;
	return 0;
}

/*
 * Renames ASIDE to NAME. The old file is marked before that as well: were it not, a writer killed
 * just behind the rename would leave readers with a file that has lost its name, never to be
 * marked by anybody.
 */
static int replace(int dir, const char *aside, const char *name)
{
	int old = open_old(dir, name), r;

	r = old < 0 && old != -ENOENT ? old : 0;
	if (r == 0)
		r = mark(old, DEN_SNAPSHOT_REPLACING);
	if (r == 0 && renameat(dir, aside, dir, name) < 0)
		r = -errno;
	if (r == 0) {
		mark(old, DEN_SNAPSHOT_REPLACED);
		/* the file is in force for every reader, so this failure takes nothing back */
		fsync(dir);
	} else {
		mark(old, DEN_SNAPSHOT_IN_FORCE);
		unlinkat(dir, aside, 0);
	}
	if (old >= 0)
		close(old);
	return r;
}

/* Opens the folder of PATH and sets *NAME to the rest. */
static int open_folder(const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	char *folder;
	int dir;

	*name = slash ? slash + 1 : path;
	if (**name == '\0')
		return -EINVAL;
	folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	if (folder == NULL)
		return -ENOMEM;
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		dir = -errno;
	free(folder);
	return dir;
}

/*
 * Holds other writers off until the descriptor is closed. The lock is on a file of its own that
 * only the writer can open: on the folder, or the snapshot, any local user could take it.
 */
static int lock(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
	int r;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	r = errno == EWOULDBLOCK ? -EBUSY : -errno;
	close(fd);
	return r;
}

int den_snapshot_write(const char *path, const struct den_snapshot_frame *frame,
		       const struct den_snapshot_source *source)
{
	char *aside = NULL, *lock_name = NULL;
	int dir, locked = -1, r;
	const char *name;

	dir = open_folder(path, &name);
	if (dir < 0)
		return dir;
	if (asprintf(&aside, "%s.new", name) < 0 || asprintf(&lock_name, "%s.lock", name) < 0) {
		r = -ENOMEM;
		goto out;
	}
	r = locked = lock(dir, lock_name);
	if (r < 0)
		goto out;
	r = write_aside(dir, aside, frame, source);
	if (r == 0)
		r = replace(dir, aside, name);
out:
	free(aside);
	free(lock_name);
	if (locked >= 0)
		close(locked);
	close(dir);
	return r;
}
