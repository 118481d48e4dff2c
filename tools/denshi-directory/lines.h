/* Lines of any length from a pipe, with a limit on the waiting. */
#ifndef DENSHI_DIRECTORY_LINES_H
#define DENSHI_DIRECTORY_LINES_H

#include <stddef.h>

struct lines {
	int fd;
	char *buf;
	size_t start, end, size;
	int at_end;
	char kept; /* what stood where the last line's NUL is */
	int keeps;
};

/* Takes fd over. */
void lines_init(struct lines *l, int fd);
/* The next line with its newline (the last one may have none) and a NUL, valid until the next
 * call. 1; 0 at the end; -1 with errno: ETIMEDOUT after LINES_MS without a byte. */
#define LINES_MS 60000
int lines_next(struct lines *l, char **line, size_t *len);
/* Wipes, frees, closes. */
void lines_done(struct lines *l);

#endif
