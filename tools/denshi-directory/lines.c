#include "tools/denshi-directory/lines.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_SIZE 65536

void lines_init(struct lines *l, int fd)
{
	*l = (struct lines){.fd = fd};
}

/* Room for more behind what is there. */
static int make_room(struct lines *l)
{
	char *bigger;
	size_t size = l->size ? 2 * l->size : FIRST_SIZE;

	if (l->start > 0) {
		memmove(l->buf, l->buf + l->start, l->end - l->start);
		l->end -= l->start;
		l->start = 0;
	}
	if (l->end + 1 < l->size) /* with room for a NUL */
		return 0;
	/* Not realloc: what it leaves behind would hold password hashes. */
	bigger = malloc(size);
	if (!bigger)
		return -1;
	if (l->buf) {
		memcpy(bigger, l->buf, l->end);
		explicit_bzero(l->buf, l->size);
		free(l->buf);
	}
	l->buf = bigger;
	l->size = size;
	return 0;
}

static int read_more(struct lines *l)
{
	struct pollfd p = {.fd = l->fd, .events = POLLIN};
	ssize_t n;
	int ready;

	if (make_room(l) != 0)
		return -1;
	do {
		ready = poll(&p, 1, LINES_MS);
	} while (ready < 0 && errno == EINTR);
	if (ready == 0)
		errno = ETIMEDOUT;
	if (ready <= 0)
		return -1;
	do {
		n = read(l->fd, l->buf + l->end, l->size - l->end - 1);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	l->end += (size_t)n;
	l->at_end = n == 0;
	return 0;
}

int lines_next(struct lines *l, char **line, size_t *len)
{
	size_t seen = 0;

	if (l->keeps)
		l->buf[l->start] = l->kept;
	l->keeps = 0;
	for (;;) {
		char *newline = l->end - l->start > seen ?
			memchr(l->buf + l->start + seen, '\n', l->end - l->start - seen) : NULL;

		if (newline || (l->at_end && l->end > l->start)) {
			*line = l->buf + l->start;
			*len = newline ? (size_t)(newline - *line) + 1 : l->end - l->start;
			l->start += *len;
			l->kept = l->buf[l->start];
			l->keeps = 1;
			l->buf[l->start] = '\0';
			return 1;
		}
		if (l->at_end)
			return 0;
		seen = l->end - l->start;
		if (read_more(l) != 0)
			return -1;
	}
}

void lines_done(struct lines *l)
{
	if (l->buf)
		explicit_bzero(l->buf, l->size);
	free(l->buf);
	if (l->fd >= 0)
		close(l->fd);
	*l = (struct lines){.fd = -1};
}
