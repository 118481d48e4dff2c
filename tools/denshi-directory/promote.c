/*
 * denshi directory promote: this server becomes the writer. The present one stops first,
 * by one Modify there; this one starts when that change arrives, behind all that the
 * other took before. So there is no moment with two. Only where the other is dead, a
 * person decides instead (--force).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "directory/writer.h"
#include "tools/denshi-directory/confirm.h"
#include "tools/denshi-directory/local.h"
#include "tools/denshi-directory/peer.h"
#include "tools/server/terminal.h"

#define ARRIVAL_MS 15000
#define STEP_US 100000

/* Until this server is the writer by its own entries. */
static int await_arrival(const struct run *r, struct dendir *root, const struct peer *p)
{
	int64_t end = den_now_ms() + ARRIVAL_MS;
	struct dendir_writer w;

	while (den_now_ms() < end) {
		if (dendir_writer_read(root, &w) == DEN_OK && strcmp(w.name, p->facts.server) == 0)
			return 0;
		usleep(STEP_US);
	}
	return fail(r, DEN_PROMOTE_NOT_ARRIVED, p->facts.peer, p->facts.server, NULL);
}

/* The present writer hands over. */
static int hand_over(const struct run *r, struct dendir *root, struct peer *p, const char *from)
{
	char why[DENDIR_WHY_SIZE];
	enum den_code code;

	if (peer_open(p, r, why) != 0)
		return fail(r, DEN_PROMOTE_UNREACHABLE, from, why, NULL);
	code = dendir_writer_change(p->d, from, p->facts.server);
	if (code != DEN_OK) {
		fail(r, DEN_PROMOTE_REFUSED, from, dendir_diagnostic(p->d), NULL);
		peer_close(p);
		return -1;
	}
	peer_close(p);
	return await_arrival(r, root, p);
}

/* Its name, typed: nobody says by mistake that a server is dead. */
static int confirm_dead(const struct run *r, const char *name)
{
	char typed[DENDIR_SERVER_NAME_MAX + 2];

	say(r, DEN_PROMOTE_FORCE, name, NULL);
	if (terminal_ask(r->lang, DEN_PROMOTE_TYPE, typed, sizeof(typed)) != 0 || strcmp(typed, name) != 0)
		return fail(r, DEN_SETUP_NOT_CONFIRMED, NULL);
	return 0;
}

static int force(const struct run *r, struct dendir *root, struct peer *p, const char *from)
{
	char why[DENDIR_WHY_SIZE];

	if (peer_open(p, r, why) == 0) {
		peer_close(p);
		return fail(r, DEN_PROMOTE_ALIVE, from, NULL);
	}
	if (confirm_dead(r, from) != 0)
		return -1;
	if (dendir_writer_change(root, from, p->facts.server) != DEN_OK)
		return fail(r, DEN_PROMOTE_REFUSED, p->facts.server, dendir_diagnostic(root), NULL);
	return 0;
}

/* The server isn't running, since it can't ask the other whether it still is the writer. */
static int force_start(const struct run *r, const struct peer *p)
{
	if (!r->force)
		return fail(r, DEN_PROMOTE_NOT_RUNNING, NULL);
	if (confirm_dead(r, p->facts.peer) != 0 || confirm_allow(r) != 0)
		return -1;
	say(r, DEN_PROMOTE_START, NULL);
	return 0;
}

static int promote(const struct run *r, struct dendir *root, struct peer *p)
{
	struct dendir_writer w;

	if (dendir_writer_read(root, &w) != DEN_OK)
		return fail(r, DEN_PROMOTE_REFUSED, p->facts.server, dendir_diagnostic(root), NULL);
	if (strcmp(w.name, p->facts.server) == 0) {
		say(r, DEN_PROMOTE_ALREADY, w.name, NULL);
		return 0;
	}
	if ((r->force ? force : hand_over)(r, root, p, w.name) != 0)
		return -1;
	say(r, DEN_PROMOTE_DONE, p->facts.server, w.name, NULL);
	return 0;
}

int promote_run(const struct run *r, char **operands)
{
	struct local local;
	struct peer p;
	int result;

	(void)operands;
	if (peer_find(&p, r) != 0)
		return -1;
	if (!*p.facts.peer)
		return fail(r, DEN_PROMOTE_ALONE, NULL);
	if (local_open(&local, r, p.organisation) != DEN_OK)
		return force_start(r, &p);
	result = promote(r, local.root, &p);
	local_close(&local);
	return result;
}
