#include "tools/server/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int tree_path(char *buf, const char *folder, const char *name)
{
	if (snprintf(buf, PATH_MAX, "%s/%s", folder, name) < PATH_MAX)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

int tree_make(const char *path, const struct unix_user *user)
{
	if (mkdir(path, 0700) != 0)
		return -1;
	return lchown(path, user->uid, user->gid);
}

int tree_make_way(const char *base, const char *below, const struct unix_user *user)
{
	char path[PATH_MAX], part[PATH_MAX];
	size_t len = strcspn(below, "\n");

	for (size_t i = 1; i <= len; i++) {
		if (i < len && below[i] != '/')
			continue;
		snprintf(part, sizeof(part), "%.*s", (int)i, below);
		if (tree_path(path, base, part) != 0 || (tree_make(path, user) != 0 && errno != EEXIST))
			return -1;
	}
	return 0;
}

static int remove_contents(int fd)
{
	DIR *folder = fdopendir(fd);
	struct dirent *entry;
	int result = 0;

	if (!folder) {
		close(fd);
		return -1;
	}
	while (result == 0 && (entry = readdir(folder)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			result = tree_remove(fd, entry->d_name);
	closedir(folder);
	return result;
}

int tree_remove(int dir, const char *name)
{
	int fd;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -1;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || remove_contents(fd) != 0)
		return -1;
	return unlinkat(dir, name, AT_REMOVEDIR);
}
