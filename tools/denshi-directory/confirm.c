/*
 * denshi directory confirm: asked by the unit before slapd starts. A server that was the
 * writer when it stopped may not be any more: the other may have been promoted by
 * force meanwhile, and until that change arrives two would take guesses. So it
 * asks the other first, catches up with what that says, and doesn't start without an answer.
 */
#include "tools/denshi-directory/confirm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "directory/writer.h"
#include "tools/denshi-directory/peer.h"
#include "tools/denshi-directory/slap.h"
#include "tools/server/server.h"
#include "tools/server/tree.h"

#define ALLOWED "start-allowed"
#define CATCH_UP_MS 60000
#define STEP_US 100000

int confirm_allow(const struct run *r)
{
	char path[PATH_MAX];
	int fd = -1;

	if (tree_path(path, r->state, ALLOWED) == 0)
		fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail_file(r, path);
	close(fd);
	return 0;
}

/* Once, also where it wasn't needed: what a person decided was about now. */
static int take_allowance(const struct run *r)
{
	char path[PATH_MAX];

	return tree_path(path, r->state, ALLOWED) == 0 && unlink(path) == 0;
}

/* -- what this server's own entries say ----------------------------------------------------- */

struct own {
	char dn[DENDIR_DN_SIZE + 8], name[DENDIR_SERVER_NAME_MAX + 1];
	int inside;
};

static int on_line(void *context, const char *line, size_t len)
{
	struct own *o = context;

	(void)len;
	if (strncmp(line, "dn:", 3) == 0)
		o->inside = strcmp(line, o->dn) == 0;
	else if (o->inside)
		(void)sscanf(line, "denshiWriter: %64s", o->name);
	return 0;
}

static int read_own(struct own *o, const struct run *r, const struct peer *p)
{
	char set[PATH_MAX];

	memset(o, 0, sizeof(*o));
	snprintf(o->dn, sizeof(o->dn), "dn: " DENDIR_DN_WRITER ",o=%s\n", p->organisation);
	if (run_set_in_use(r, set) != 0)
		return -1;
	return slap_read(r, set, 1, on_line, o);
}

/* -- catching up ------------------------------------------------------------------------------- */

static int await_name(struct dendir *root, const char *name)
{
	int64_t end = den_now_ms() + CATCH_UP_MS;
	struct dendir_writer w;

	while (den_now_ms() < end) {
		if (dendir_writer_read(root, &w) == DEN_OK && strcmp(w.name, name) == 0)
			return 0;
		usleep(STEP_US);
	}
	return -1;
}

/* A slapd that nobody but this program reaches follows the other, until its entries say
 * who the writer is. */
static int catch_up(const struct run *r, const struct peer *p, const char *name)
{
	static struct server server; /* too much for a stack */
	char set[PATH_MAX], folder[PATH_MAX];
	int result;

	if (run_set_in_use(r, set) != 0)
		return -1;
	if (tree_make_way(set, "run", &r->directory_user) != 0 || tree_path(folder, set, "run") != 0)
		return fail_file(r, set);
	result = server_start(&server, set, &r->directory_user, p->organisation, p->facts.server);
	if (result == 0) {
		result = await_name(server.root, name);
		snprintf(server.why, sizeof(server.why), "cn=writer");
		result |= server_stop(&server);
	}
	(void)set_discard(r->state, folder);
	return result == 0 ? 0 : fail(r, DEN_CONFIRM_BEHIND, p->facts.peer, server.why, NULL);
}

/* -- and the other server's ------------------------------------------------------------------ */

static int ask(const struct run *r, struct peer *p, int allowed)
{
	struct dendir_writer w;
	char why[DENDIR_WHY_SIZE];
	enum den_code code;

	if (peer_open(p, r, why) != 0)
		return allowed ? 0 : fail(r, DEN_CONFIRM_UNREACHABLE, p->facts.peer, why, NULL);
	code = dendir_writer_read(p->d, &w);
	peer_close(p);
	if (code != DEN_OK || !*w.name)
		return fail(r, DEN_CONFIRM_UNREACHABLE, p->facts.peer, "cn=writer", NULL);
	if (strcmp(w.name, p->facts.server) == 0)
		return 0;
	say(r, DEN_CONFIRM_OTHER, w.name, NULL);
	return catch_up(r, p, w.name);
}

int confirm_run(const struct run *r, char **operands)
{
	struct peer p;
	struct own own;
	int allowed = take_allowance(r);

	(void)operands;
	if (peer_find(&p, r) != 0)
		return -1;
	if (!*p.facts.peer)
		return 0;
	if (read_own(&own, r, &p) != 0)
		return -1;
	return strcmp(own.name, p.facts.server) == 0 ? ask(r, &p, allowed) : 0;
}
