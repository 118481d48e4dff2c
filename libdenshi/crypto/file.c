#include "crypto/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/digest.h"
#include "crypto/internal.h"

#define TEMP_ID_SIZE 13

static enum dencrypt_result io_error(int error)
{
	errno = error;
	return DENCRYPT_IO;
}

/* Opens the folder of `path` and points `name` at the last part. */
static int open_folder(const char *path, const char **name)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;

	*name = slash ? slash + 1 : path;
	if (length >= sizeof(folder)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(folder, path, length);
	folder[length] = '\0';
	if (length == 0)
		snprintf(folder, sizeof(folder), "%s", slash ? "/" : ".");
	return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int dencrypt_write_all(int fd, const void *bytes, size_t size)
{
	const unsigned char *data = bytes;

	while (size > 0) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

static enum dencrypt_result fill(int fd, const struct dencrypt_bytes *bytes, mode_t mode)
{
	if (dencrypt_write_all(fd, bytes->data, bytes->size) != 0 || fchmod(fd, mode) != 0 ||
	    fsync(fd) != 0)
		return DENCRYPT_IO;
	return DENCRYPT_OK;
}

static enum dencrypt_result write_aside(int folder, const char *name, const char *temp,
					const struct dencrypt_bytes *bytes, mode_t mode,
					unsigned int rename_flags)
{
	enum dencrypt_result result;
	int fd, error;

	fd = openat(folder, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return DENCRYPT_IO;
	result = fill(fd, bytes, mode);
	error = errno;
	if (close(fd) != 0 && result == DENCRYPT_OK) {
		result = DENCRYPT_IO;
		error = errno;
	}
	if (result == DENCRYPT_OK && renameat2(folder, temp, folder, name, rename_flags) == 0)
		return fsync(folder) == 0 ? DENCRYPT_OK : DENCRYPT_IO;
	if (result == DENCRYPT_OK) {
		error = errno;
		result = error == EEXIST ? DENCRYPT_EXISTS : DENCRYPT_IO;
	}
	unlinkat(folder, temp, 0);
	errno = error;
	return result;
}

/*
 * Without a name until it is whole: whatever ends the program, no part of it is left in the folder.
 * DENCRYPT_BAD_ARGUMENT where the file system can't do that.
 */
static enum dencrypt_result write_unnamed(int folder, const char *name, const struct dencrypt_bytes *bytes,
					  mode_t mode)
{
	enum dencrypt_result result;
	char path[32];
	int fd, error;

	fd = openat(folder, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
	if (fd < 0)
		return DENCRYPT_BAD_ARGUMENT;
	result = fill(fd, bytes, mode);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (result == DENCRYPT_OK && linkat(AT_FDCWD, path, folder, name, AT_SYMLINK_FOLLOW) != 0)
		result = errno == EEXIST ? DENCRYPT_EXISTS :
			 errno == ENOENT || errno == EXDEV || errno == EOPNOTSUPP ? DENCRYPT_BAD_ARGUMENT : DENCRYPT_IO;
	if (result == DENCRYPT_OK && fsync(folder) != 0)
		result = DENCRYPT_IO;
	error = errno;
	close(fd);
	errno = error;
	return result;
}

static enum dencrypt_result write_named(const char *path, const struct dencrypt_bytes *bytes,
					mode_t mode, unsigned int rename_flags)
{
	char temp[NAME_MAX + 1], id[TEMP_ID_SIZE];
	enum dencrypt_result result;
	const char *name;
	int folder, length, error;

	if (mode & ~(mode_t)0777)
		return DENCRYPT_BAD_ARGUMENT;
	result = dencrypt_random_id(id, sizeof(id));
	if (result != DENCRYPT_OK)
		return result;
	folder = open_folder(path, &name);
	if (folder < 0)
		return DENCRYPT_IO;
	length = snprintf(temp, sizeof(temp), ".%s.%s", name, id);
	if (*name == '\0')
		result = DENCRYPT_BAD_ARGUMENT;
	else if (length < 0 || (size_t)length >= sizeof(temp))
		result = io_error(ENAMETOOLONG);
	else
		result = rename_flags & RENAME_NOREPLACE ? write_unnamed(folder, name, bytes, mode) : DENCRYPT_BAD_ARGUMENT;
	if (result == DENCRYPT_BAD_ARGUMENT && *name != '\0')
		result = write_aside(folder, name, temp, bytes, mode, rename_flags);
	error = errno;
	close(folder);
	errno = error;
	return result;
}

enum dencrypt_result dencrypt_write_file(const char *path, const struct dencrypt_bytes *bytes,
					 mode_t mode)
{
	return write_named(path, bytes, mode, 0);
}

enum dencrypt_result dencrypt_write_new_file(const char *path, const struct dencrypt_bytes *bytes,
					     mode_t mode)
{
	return write_named(path, bytes, mode, RENAME_NOREPLACE);
}

static enum dencrypt_result check_file(int fd, enum dencrypt_file_kind kind, size_t limit,
				       size_t *size)
{
	mode_t forbidden = kind == DENCRYPT_FILE_SECRET ? 077 : 022;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return DENCRYPT_IO;
	if (!S_ISREG(st.st_mode))
		return DENCRYPT_UNSAFE_FILE;
	if (kind != DENCRYPT_FILE_ANYONES &&
	    ((st.st_mode & forbidden) || (st.st_uid != geteuid() && st.st_uid != 0)))
		return DENCRYPT_UNSAFE_FILE;
	if (st.st_size < 0 || (uintmax_t)st.st_size > limit)
		return DENCRYPT_TOO_BIG;
	*size = (size_t)st.st_size;
	return DENCRYPT_OK;
}

static enum dencrypt_result read_all(int fd, struct dencrypt_bytes *bytes)
{
	size_t done = 0;

	while (done < bytes->size) {
		ssize_t n = read(fd, bytes->data + done, bytes->size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return DENCRYPT_IO;
		if (n == 0)
			return io_error(EIO);
		done += (size_t)n;
	}
	return DENCRYPT_OK;
}

enum dencrypt_result dencrypt_read_file(const char *path, enum dencrypt_file_kind kind,
					size_t limit, struct dencrypt_bytes *out)
{
	struct dencrypt_bytes bytes = DENCRYPT_BYTES_EMPTY;
	enum dencrypt_result result;
	size_t size = 0;
	int fd, error;

	/* O_NONBLOCK: opening a FIFO must not wait for its writer. */
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return errno == ELOOP ? DENCRYPT_UNSAFE_FILE : DENCRYPT_IO;
	result = check_file(fd, kind, limit, &size);
	if (result == DENCRYPT_OK) {
		if (kind == DENCRYPT_FILE_SECRET)
			dencrypt_secure_heap();
		result = dencrypt_bytes_new(&bytes, size, kind == DENCRYPT_FILE_SECRET);
	}
	if (result == DENCRYPT_OK)
		result = read_all(fd, &bytes);
	error = errno;
	if (result == DENCRYPT_OK)
		*out = bytes;
	else
		dencrypt_bytes_done(&bytes);
	close(fd);
	errno = error;
	return result;
}
