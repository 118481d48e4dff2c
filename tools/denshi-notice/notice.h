/* A notice of core/notice.h, as the program is given it. */
#ifndef DENSHI_NOTICE_NOTICE_H
#define DENSHI_NOTICE_NOTICE_H

#define NOTICE_FACTS 9

struct notice {
	char *environment[NOTICE_FACTS + 3]; /* PATH, LC_ALL, DENSHI_NAME=VALUE..., NULL */
	int approvers;			     /* a descriptor to read from: LOGIN LANGUAGE MAIL lines */
};

/* 0, or -1 where there is none, or it isn't one. The caller: notice_done(). */
int notice_read(struct notice *n, const char *path);
/* Its own ID, "" where it has none. */
const char *notice_id(const struct notice *n);
void notice_done(struct notice *n);

#endif
