/*
 * Other programs, run as another user: no shell, a bare environment, nothing
 * inherited but standard input, and their complaints kept for the message. They
 * die with the program that started them.
 */
#ifndef DENSHI_SERVER_CHILD_H
#define DENSHI_SERVER_CHILD_H

#include <stddef.h>
#include <sys/types.h>

struct unix_user {
	uid_t uid;
	gid_t gid;
};

struct child {
	pid_t pid;
	int pidfd;
	int output; /* what it complained about, and what it wrote where nobody else takes that */
};

/* argv[0] is the program's path; input: a descriptor, or -1 for none. -1 with errno. */
int child_start(struct child *c, char *const argv[], const struct unix_user *user, int input);
/* The same; standard output goes to the descriptor `output`, only errors are kept. */
int child_start_to(struct child *c, char *const argv[], const struct unix_user *user, int input, int output);

/* 1 where it has ended within timeout_ms, 0 where it still runs. */
int child_ended(const struct child *c, int timeout_ms);

/* Waits for its end, after timeout_ms makes it end. 0 where it ended well by itself. */
int child_finish(struct child *c, int timeout_ms);

/* Asks it to end, makes it after timeout_ms. 0 where it ended when asked. */
int child_stop(struct child *c, int timeout_ms);

/* The last lines of what it wrote, as one line; buf of size. Then releases c. */
char *child_said(struct child *c, char *buf, size_t size);

#endif
