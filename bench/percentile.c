/*
 * percentile - how long the slowest look-ups take: getpwnam_r through glibc, each one timed.
 *
 * usage: percentile -k KEYS [-L LABEL] [-n LOOK-UPS]
 * Prints op TAB label TAB us for p50, p99 and p999, of LOOK-UPS (500000). The clock's own time is in
 * each. Status 1 for a wrong answer.
 */
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KEYS_MAX 10000

static struct {
	char name[32];
	unsigned int uid;
} keys[KEYS_MAX];

static size_t read_keys(const char *dir)
{
	char path[PATH_MAX];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof path, "%s/users.txt", dir);
	f = fopen(path, "re");
	if (f == NULL) {
		fprintf(stderr, "percentile: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	while (n < KEYS_MAX && fscanf(f, "%31s %u %*u", keys[n].name, &keys[n].uid) == 2)
		n++;
	fclose(f);
	return n;
}

static uint32_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint32_t)((uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec);
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	const char *dir = NULL, *label = "nss";
	size_t count = 500000, nkeys;
	uint32_t *took;
	int opt;

	while ((opt = getopt(argc, argv, "k:L:n:")) != -1)
		switch (opt) {
		case 'k': dir = optarg; break;
		case 'L': label = optarg; break;
		case 'n': count = strtoul(optarg, NULL, 10); break;
		default: return 2;
		}
	nkeys = dir ? read_keys(dir) : 0;
	took = reallocarray(NULL, count, sizeof *took);
	if (nkeys == 0 || count == 0 || took == NULL) {
		fputs("usage: percentile -k KEYS [-L LABEL] [-n LOOK-UPS]\n", stderr);
		return 2;
	}
	for (size_t i = 0; i < count; i++) {
		size_t k = i * 7919 % nkeys;
		struct passwd pw, *found = NULL;
		char buf[1024];
		uint32_t from = now_ns();
		int r = getpwnam_r(keys[k].name, &pw, buf, sizeof buf, &found);

		took[i] = now_ns() - from;
		if (r != 0 || found == NULL || pw.pw_uid != keys[k].uid) {
			fprintf(stderr, "percentile: WRONG: %s\n", keys[k].name);
			return 1;
		}
	}
	qsort(took, count, sizeof *took, by_value);
	printf("p50\t%s\t%.3f\n", label, took[count / 2] / 1e3);
	printf("p99\t%s\t%.3f\n", label, took[count / 100 * 99] / 1e3);
	printf("p999\t%s\t%.3f\n", label, took[count / 1000 * 999] / 1e3);
	return 0;
}
