/*
 * memgrep - how often each text is in a process's memory (R-ALL-4). For tests: root only.
 *
 * usage: memgrep PID <TEXTS      a text a line on standard input, so that none is in argv
 * Prints for each its number TAB how often it was found. Exit status 1 where one was.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXTS_MAX 64
#define CHUNK (1 << 20)

static char texts[TEXTS_MAX][300];
static unsigned long found[TEXTS_MAX];
static size_t ntexts;

static void search(const char *bytes, size_t n)
{
	for (size_t t = 0; t < ntexts; t++) {
		size_t len = strlen(texts[t]);
		const char *at = bytes;

		while ((at = memmem(at, (size_t)(bytes + n - at), texts[t], len))) {
			found[t]++;
			at += len;
		}
	}
}

static void search_mapping(int mem, unsigned long from, unsigned long to)
{
	static char chunk[CHUNK];

	while (from < to) {
		size_t want = to - from < CHUNK ? to - from : CHUNK;
		ssize_t n = pread(mem, chunk, want, (off_t)from);

		if (n <= 0)
			return;
		search(chunk, (size_t)n);
		/* What lies across two chunks is seen in the second. */
		from += n == CHUNK ? (unsigned long)(n - 300) : (unsigned long)n;
	}
}

int main(int argc, char **argv)
{
	char path[64], line[512];
	unsigned long from, to;
	char readable;
	FILE *maps;
	int mem, status = 0;

	while (ntexts < TEXTS_MAX && fgets(texts[ntexts], sizeof(texts[0]), stdin)) {
		texts[ntexts][strcspn(texts[ntexts], "\n")] = '\0';
		ntexts += texts[ntexts][0] != '\0';
	}
	if (argc != 2 || ntexts == 0)
		return 2;
	snprintf(path, sizeof(path), "/proc/%s/maps", argv[1]);
	maps = fopen(path, "r");
	snprintf(path, sizeof(path), "/proc/%s/mem", argv[1]);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	if (!maps || mem < 0) {
		perror(path);
		return 2;
	}
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %c", &from, &to, &readable) == 3 && readable == 'r')
			search_mapping(mem, from, to);
	for (size_t t = 0; t < ntexts; t++) {
		printf("%zu\t%lu\n", t + 1, found[t]);
		status |= found[t] != 0;
	}
	return status;
}
