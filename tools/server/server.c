#include "tools/server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "tools/server/program.h"
#include "tools/server/tree.h"

#define START_MS 15000
#define STOP_MS 15000
#define STEP_MS 20

/* ldapi://PATH, each byte that isn't plain as %XX (RFC 4516, 2.1). -1: too long. */
static int make_uri(char buf[PATH_MAX], const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
	size_t used = (size_t)snprintf(buf, PATH_MAX, "ldapi://");

	for (; *path; path++) {
		if (used + 4 > PATH_MAX)
			return -1;
		if (strchr(plain, *path))
			buf[used++] = *path;
		else
			used += (size_t)snprintf(buf + used, PATH_MAX - used, "%%%02X", (unsigned char)*path);
	}
	buf[used] = '\0';
	return 0;
}

static int await_answer(struct server *v)
{
	int64_t end = den_now_ms() + START_MS;

	while (den_now_ms() < end) {
		if (dendir_open(&v->root, &v->site) == DEN_OK) {
			v->running = 1;
			return 0;
		}
		if (child_ended(&v->child, STEP_MS))
			break;
	}
	child_stop(&v->child, STOP_MS);
	child_said(&v->child, v->why, sizeof(v->why));
	return -1;
}

static int refuse(struct server *v, int error)
{
	snprintf(v->why, sizeof(v->why), "%s", strerror(error));
	return -1;
}

int server_start(struct server *v, const char *set, const struct unix_user *user, const char *org,
	const char *host)
{
	char path[PATH_MAX], config[PATH_MAX];
	char *const argv[] = {(char *)PROGRAM_SLAPD, (char *)"-F", config, (char *)"-h", v->uri, (char *)"-d",
		(char *)"stats", NULL};

	memset(v, 0, sizeof(*v));
	/* The socket's path is bounded by sun_path. */
	if (snprintf(path, sizeof(path), "%s/run/ldapi", set) > 107 || make_uri(v->uri, path) != 0 ||
		tree_path(config, set, "directory/config") != 0)
		return refuse(v, ENAMETOOLONG);
	v->site = (struct dendir_site){.uri = v->uri, .org = org, .host = host};
	if (child_start(&v->child, argv, user, -1) != 0)
		return refuse(v, errno);
	return await_answer(v);
}

int server_stop(struct server *v)
{
	int result;

	if (!v->running)
		return 0;
	v->running = 0;
	dendir_close(v->root);
	result = child_stop(&v->child, STOP_MS);
	child_said(&v->child, v->why, sizeof(v->why));
	return result;
}

/* LMDB holds the first byte of its lock file as long as an environment is open. */
static int is_held(const char *path)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), held;

	if (fd < 0)
		return 0;
	held = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	close(fd);
	return held;
}

int server_is_open(const char *folder)
{
	/* An older directory has its databases one further below. */
	static const char *const names[] = {"directory/*/lock.mdb", "directory/*/*/lock.mdb"};
	char pattern[PATH_MAX];
	glob_t found;
	int held = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !held; i++) {
		if (tree_path(pattern, folder, names[i]) != 0 || glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
			continue;
		for (size_t k = 0; k < found.gl_pathc; k++)
			held |= is_held(found.gl_pathv[k]);
		globfree(&found);
	}
	return held;
}
