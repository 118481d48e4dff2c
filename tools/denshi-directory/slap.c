#include "tools/denshi-directory/slap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "directory/connection.h"
#include "tools/denshi-directory/lines.h"
#include "tools/server/interrupt.h"
#include "tools/server/program.h"
#include "tools/server/tree.h"

#define END_MS 120000 /* a database's last fsync */
#define WRITE_MS 120000

/* What a program complained about. */
static int complain(const struct run *r, const char *program, struct child *c)
{
	char text[512];

	return fail(r, DEN_SETUP_PROGRAM_FAILED, program, child_said(c, text, sizeof(text)), NULL);
}

static void forget(struct child *c)
{
	char text[512];

	child_said(c, text, sizeof(text));
}

/* -- reading ------------------------------------------------------------------------------ */

/* 0; 1: each ended it; -1 with errno. */
static int read_lines(int from, slap_line *each, void *context)
{
	struct lines l;
	char *line;
	size_t len;
	int got, stopped = 0;

	lines_init(&l, from);
	while (!stopped && (got = lines_next(&l, &line, &len)) > 0)
		stopped = interrupt_came() || each(context, line, len) != 0;
	lines_done(&l);
	return stopped ? 1 : got;
}

int slap_read(const struct run *r, const char *set, unsigned database, slap_line *each, void *context)
{
	char config[PATH_MAX], number[12];
	char *const argv[] = {(char *)PROGRAM_SLAPCAT, (char *)"-n", number, (char *)"-F", config, (char *)"-o",
		(char *)"ldif_wrap=no", NULL};
	int ends[2], result;
	struct child c;

	snprintf(number, sizeof(number), "%u", database);
	if (tree_path(config, set, "directory/config") != 0 || pipe2(ends, O_CLOEXEC) != 0)
		return fail_file(r, set);
	if (child_start_to(&c, argv, &r->directory_user, -1, ends[1]) != 0) {
		close(ends[0]);
		close(ends[1]);
		return fail_file(r, PROGRAM_SLAPCAT);
	}
	close(ends[1]);
	result = read_lines(ends[0], each, context);
	if (result != 0) {
		int saved = errno;

		child_stop(&c, 0);
		forget(&c);
		if (interrupt_came())
			return fail(r, DEN_SETUP_INTERRUPTED, NULL);
		errno = saved;
		return result > 0 ? -1 : fail_file(r, PROGRAM_SLAPCAT);
	}
	if (child_finish(&c, END_MS) != 0)
		return complain(r, "slapcat", &c);
	forget(&c);
	return 0;
}

/* -- writing ------------------------------------------------------------------------------- */

int slap_write_start(struct slap_writer *w, const struct run *r, const char *set, unsigned database)
{
	char config[PATH_MAX], number[12];
	/* -q: nothing is in use before all of it is on the disk (set_commit). Not for cn=config:
	 * the numbers of its values would not be made. */
	char *const argv[] = {(char *)PROGRAM_SLAPADD, (char *)"-n", number, (char *)"-F", config,
		(char *)(database ? "-qw" : NULL), NULL};
	int ends[2];

	w->run = r;
	w->used = 0;
	w->to = -1;
	snprintf(number, sizeof(number), "%u", database);
	if (tree_path(config, set, "directory/config") != 0 || pipe2(ends, O_CLOEXEC) != 0)
		return fail_file(r, set);
	if (child_start(&w->child, argv, &r->directory_user, ends[0]) != 0) {
		close(ends[0]);
		close(ends[1]);
		return fail_file(r, PROGRAM_SLAPADD);
	}
	close(ends[0]);
	w->to = ends[1];
	if (fcntl(w->to, F_SETFL, O_NONBLOCK) != 0)
		return fail_file(r, PROGRAM_SLAPADD);
	return 0;
}

/* 0, or -1: it takes no more; finish tells why. */
static int flush(struct slap_writer *w)
{
	int64_t end = den_now_ms() + WRITE_MS;
	size_t done = 0;

	while (done < w->used) {
		ssize_t n = write(w->to, w->buf + done, w->used - done);
		struct pollfd p = {.fd = w->to, .events = POLLOUT};

		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
		else if (den_now_ms() > end || poll(&p, 1, 1000) < 0)
			return -1;
	}
	w->used = 0;
	return 0;
}

int slap_write(struct slap_writer *w, const char *text, size_t len)
{
	while (len > 0) {
		size_t room = sizeof(w->buf) - w->used, n = len < room ? len : room;

		memcpy(w->buf + w->used, text, n);
		w->used += n;
		text += n;
		len -= n;
		if (w->used == sizeof(w->buf) && flush(w) != 0)
			return -1;
	}
	return 0;
}

int slap_write_finish(struct slap_writer *w)
{
	int result = -1, written;

	if (w->to < 0)
		return -1;
	written = flush(w);
	explicit_bzero(w->buf, sizeof(w->buf));
	close(w->to);
	w->to = -1;
	result = child_finish(&w->child, END_MS);
	if (written != 0 || result != 0)
		return complain(w->run, "slapadd", &w->child);
	forget(&w->child);
	return 0;
}
