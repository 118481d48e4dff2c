/*
 * seen - waits until a change is seen on this host.
 *
 * usage: seen USER GROUP in|out [SECONDS]
 * Asks through glibc, again and again, whether USER is in GROUP, until it is so (in) or isn't (out),
 * and prints the time then: CLOCK_REALTIME in ms, with fractions. Status 1 after SECONDS (10).
 */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GROUPS_MAX 1024
#define PAUSE_NS 200000

static double now_ms(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static int is_in(const char *user, const char *group)
{
	gid_t gids[GROUPS_MAX];
	int n = GROUPS_MAX;
	struct group *gr = getgrnam(group);

	if (gr == NULL || getgrouplist(user, (gid_t)-1, gids, &n) < 0)
		return 0;
	for (int i = 0; i < n; i++)
		if (gids[i] == gr->gr_gid)
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	double end = now_ms(CLOCK_MONOTONIC) + (argc > 4 ? strtod(argv[4], NULL) : 10) * 1e3;
	int wanted;

	if (argc < 4) {
		fputs("usage: seen USER GROUP in|out [SECONDS]\n", stderr);
		return 2;
	}
	wanted = strcmp(argv[3], "in") == 0;
	while (is_in(argv[1], argv[2]) != wanted) {
		if (now_ms(CLOCK_MONOTONIC) > end)
			return 1;
		nanosleep(&(struct timespec){ 0, PAUSE_NS }, NULL);
	}
	printf("%.3f\n", now_ms(CLOCK_REALTIME));
	return 0;
}
