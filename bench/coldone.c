/*
 * coldone - what the first look-up of a new process costs.
 *
 * Starts itself again and again, in turn doing no look-up and one
 * getpwnam(3), and prints the median wall time of each from before the
 * fork to after the wait, and the median of the differences of neighbours:
 *
 *   cold0    LABEL  ms    a process that looks nothing up
 *   cold1    LABEL  ms    a process that looks one user up
 *   colddiff LABEL  ms    what the look-up added
 *
 * Exit status: 0 fine, 1 a wrong answer, 2 usage or set-up.
 */
#include <getopt.h>
#include <pwd.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHILD "--look-up"

extern char **environ;

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec * 1e-6;
}

/* The child: with a user, look it up; without, do nothing. */
static int child(const char *user)
{
	struct passwd *pw;

	if (user == NULL)
		return 0;
	pw = getpwnam(user);
	return pw == NULL || strcmp(pw->pw_name, user) != 0;
}

static double one(const char *user)
{
	const char *const argv[] = {"coldone", CHILD, user, NULL};
	double begun = now_ms();
	int status;
	pid_t pid;

	if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, (char *const *)argv, environ)) {
		perror("coldone: posix_spawn");
		exit(2);
	}
	if (waitpid(pid, &status, 0) != pid) {
		perror("coldone: waitpid");
		exit(2);
	}
	if (status != 0) {
		fprintf(stderr, "coldone: WRONG: no answer for %s (status %#x)\n",
			user ? user : "-", (unsigned)status);
		exit(1);
	}
	return now_ms() - begun;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void report(const char *what, const char *label, double *v, int n)
{
	qsort(v, (size_t)n, sizeof *v, by_value);
	printf("%s\t%s\t%.3f\n", what, label, v[n / 2]);
}

static char *next_user(FILE *keys)
{
	static char *line;
	static size_t cap;

	for (int again = 0; again < 2; again++) {
		while (getline(&line, &cap, keys) != -1) {
			line[strcspn(line, " \t\r\n")] = '\0';
			if (*line && *line != '#')
				return line;
		}
		rewind(keys);
	}
	fputs("coldone: no users in the key file\n", stderr);
	exit(2);
}

static void usage(void)
{
	fputs("usage: coldone {-k KEYDIR | -u USER} [-n PAIRS] [-L LABEL]\n", stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	const char *user = NULL, *dir = NULL, *label = "glibc";
	double *none, *with, *diff;
	FILE *keys = NULL;
	char *path;
	int n = 101, c;

	if (argc >= 2 && strcmp(argv[1], CHILD) == 0)
		return child(argv[2]);

	while ((c = getopt(argc, argv, "k:u:n:L:h")) != -1) {
		switch (c) {
		case 'k':
			dir = optarg;
			break;
		case 'u':
			user = optarg;
			break;
		case 'n':
			n = (int)strtol(optarg, NULL, 10);
			break;
		case 'L':
			label = optarg;
			break;
		default:
			usage();
		}
	}
	if (n < 1 || (!user && !dir) || optind != argc)
		usage();
	if (!user) {
		if (asprintf(&path, "%s/users.txt", dir) < 0)
			return 2;
		keys = fopen(path, "re");
		if (keys == NULL) {
			perror(path);
			return 2;
		}
		free(path);
	}
	none = calloc((size_t)n * 3, sizeof *none);
	if (none == NULL)
		return 2;
	with = none + n;
	diff = with + n;

	for (int i = -3; i < n; i++) { /* the first three warm the disk up */
		const char *u = user ? user : next_user(keys);
		double a = one(NULL), b = one(u);

		if (i >= 0) {
			none[i] = a;
			with[i] = b;
			diff[i] = b - a;
		}
	}
	report("cold0", label, none, n);
	report("cold1", label, with, n);
	report("colddiff", label, diff, n);
	if (keys)
		fclose(keys);
	free(none);
	return 0;
}
