#include "tools/server/set.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/server/tree.h"

#define PREFIX "set-"
#define ASIDE ".link" /* becomes the link, by a rename */

static int open_state(const char *state)
{
	return open(state, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int close_keeping_errno(int fd, int result)
{
	int saved = errno;

	close(fd);
	errno = saved;
	return result;
}

int set_lock(const char *state)
{
	struct stat st;
	int dir;

	/* Whatever the umask: others go through it, to the folders that are theirs. */
	if (mkdir(state, 0755) == 0 ? chmod(state, 0755) != 0 : errno != EEXIST)
		return -1;
	if (lstat(state, &st) != 0)
		return -1;
	if (!S_ISDIR(st.st_mode) || st.st_uid != 0 || (st.st_mode & 022))
		return 1;
	dir = open_state(state);
	if (dir < 0)
		return -1;
	/* dir stays open: it is the lock */
	return flock(dir, LOCK_EX | LOCK_NB) == 0 ? 0 : close_keeping_errno(dir, -1);
}

int set_make(const char *state, char path[PATH_MAX])
{
	if (tree_path(path, state, PREFIX "XXXXXX") != 0 || !mkdtemp(path))
		return -1;
	return chmod(path, 0755);
}

int set_in_use(const char *state, const char *link)
{
	char path[PATH_MAX];
	struct stat st;

	return tree_path(path, state, link) == 0 && lstat(path, &st) == 0;
}

static int put_link(int dir, const char *set, const char *name)
{
	char target[PATH_MAX];

	if (tree_path(target, set, name) != 0 || tree_remove(dir, ASIDE) != 0)
		return -1;
	if (symlinkat(target, dir, ASIDE) != 0)
		return -1;
	return renameat(dir, ASIDE, dir, name);
}

int set_commit(const char *state, const char *path, const char *const *names)
{
	int dir = open_state(state), result = -1;

	if (dir < 0)
		return -1;
	result = syncfs(dir);
	for (; result == 0 && *names; names++)
		result = put_link(dir, strrchr(path, '/') + 1, *names);
	if (result == 0)
		result = fsync(dir);
	return close_keeping_errno(dir, result);
}

int set_unlink(const char *state, const char *link)
{
	int dir = open_state(state);

	return dir < 0 ? -1 : close_keeping_errno(dir, tree_remove(dir, link));
}

int set_discard(const char *state, const char *path)
{
	int dir = open_state(state);

	return dir < 0 ? -1 : close_keeping_errno(dir, tree_remove(dir, path + strlen(state) + 1));
}

/* -- sweeping ------------------------------------------------------------------------------- */

/* Calls each(dir, name, context) for every entry until one returns non-zero. */
static int walk(int dir, int (*each)(int dir, const char *name, const char *context), const char *context)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), result = 0;
	DIR *folder = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *entry;

	if (!folder)
		return copy >= 0 ? close_keeping_errno(copy, -1) : -1;
	while (result == 0 && (entry = readdir(folder)))
		result = each(dir, entry->d_name, context);
	closedir(folder);
	return result;
}

static int refers_to(int dir, const char *name, const char *set)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);
	size_t len = strlen(set);

	if (n < 0)
		return 0;
	target[n] = '\0';
	return strncmp(target, set, len) == 0 && (target[len] == '/' || target[len] == '\0');
}

static int remove_unused(int dir, const char *name, const char *unused)
{
	(void)unused;
	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0 || walk(dir, refers_to, name) != 0)
		return 0;
	return tree_remove(dir, name);
}

int set_sweep(const char *state)
{
	int dir = open_state(state);

	return dir < 0 ? -1 : close_keeping_errno(dir, walk(dir, remove_unused, NULL));
}
