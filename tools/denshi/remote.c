#include "tools/denshi/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/client.h"
#include "core/frame.h"

#define USER "denshi-get"

extern char **environ;

struct remote {
	pid_t ssh;
	int to, from;
};

/* Both ends leave no trace in other programs but ssh. */
static int start(struct remote *r, const char *destination, int in, int out)
{
	const char *const argv[] = {"ssh", "-T", "-a", "-x", "-l", USER, "--", destination, "denshi-relay", NULL};
	const char *const argv_user[] = {"ssh", "-T", "-a", "-x", "--", destination, "denshi-relay", NULL};
	posix_spawn_file_actions_t actions;
	int error;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	error = posix_spawnp(&r->ssh, "ssh", &actions, NULL, (char **)(uintptr_t)(strchr(destination, '@') ? argv_user : argv),
		environ);
	posix_spawn_file_actions_destroy(&actions);
	errno = error;
	return error ? -1 : 0;
}

struct remote *remote_open(const char *destination)
{
	struct remote *r = calloc(1, sizeof(*r));
	int in[2], out[2], started;

	if (!r || pipe2(in, O_CLOEXEC) != 0) {
		free(r);
		return NULL;
	}
	if (pipe2(out, O_CLOEXEC) != 0) {
		close(in[0]);
		close(in[1]);
		free(r);
		return NULL;
	}
	/* ssh that ends is an answer that doesn't come, not the end of this program. */
	signal(SIGPIPE, SIG_IGN);
	started = start(r, destination, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	r->to = in[1];
	r->from = out[0];
	if (started == 0)
		return r;
	close(r->to);
	close(r->from);
	free(r);
	return NULL;
}

struct den_message *remote_call(struct remote *r, const struct den_message *request, int timeout_ms)
{
	struct den_message *reply = NULL;

	if (den_frame_write(r->to, request, timeout_ms) == 0)
		reply = den_frame_read(r->from, timeout_ms);
	return reply ? reply : den_client_down(errno);
}

void remote_close(struct remote *r)
{
	if (!r)
		return;
	/* The end of its input is the end of it. */
	close(r->to);
	close(r->from);
	while (waitpid(r->ssh, NULL, 0) < 0 && errno == EINTR)
		;
	free(r);
}
