#include "denshid/chain.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crypto/digest.h"
#include "crypto/file.h"
#include "denshid/call.h"
#include "denshid/log.h"

#define LINE_SIZE 2048

static struct {
	pthread_mutex_t lock;
	char path[256];
	int fd; /* -1: not open */
	uint64_t number;
	char digest[CHAIN_DIGEST_SIZE];
} chain = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

static int digest_of(char hex[CHAIN_DIGEST_SIZE], const char *before, uint64_t number, int64_t time, const char *text)
{
	char line[LINE_SIZE + 256];
	int n = snprintf(line, sizeof(line), "%s %" PRIu64 " %" PRId64 " %s", before, number, time, text);

	return n > 0 && (size_t)n < sizeof(line) && dencrypt_sha256_hex(line, (size_t)n, hex) == DENCRYPT_OK ? 0 : -1;
}

/* -- writing ----------------------------------------------------------------------------- */

static void keep(const char *line, size_t len, const char *digest)
{
	off_t end = lseek(chain.fd, 0, SEEK_END);

	if (dencrypt_write_all(chain.fd, line, len) == 0) {
		chain.number++;
		memcpy(chain.digest, digest, sizeof(chain.digest));
		return;
	}
	log_warn("%s: %s", chain.path, strerror(errno));
	/* Not half a line: the next one goes on from the last whole one. */
	if (end < 0 || ftruncate(chain.fd, end) != 0)
		log_warn("%s: %s", chain.path, strerror(errno));
}

/* What log_audit has written. A record that can't be kept is told in the log, where it stands too. */
static void append(const char *record)
{
	char digest[CHAIN_DIGEST_SIZE], line[LINE_SIZE + 256];
	int64_t now = time(NULL);
	int n;

	pthread_mutex_lock(&chain.lock);
	if (chain.fd >= 0 && digest_of(digest, chain.digest, chain.number + 1, now, record) == 0) {
		n = snprintf(line, sizeof(line), "%" PRIu64 " %" PRId64 " %s %s\n", chain.number + 1, now, digest, record);
		if (n > 0 && (size_t)n < sizeof(line))
			keep(line, (size_t)n, digest);
	}
	pthread_mutex_unlock(&chain.lock);
}

char *chain_anchor(char buf[CHAIN_ANCHOR_SIZE])
{
	pthread_mutex_lock(&chain.lock);
	snprintf(buf, CHAIN_ANCHOR_SIZE, "%" PRIu64 ":%s", chain.number, chain.digest);
	pthread_mutex_unlock(&chain.lock);
	if (fdatasync(chain.fd) != 0)
		log_warn("%s: %s", chain.path, strerror(errno));
	return buf;
}

/* -- reading ------------------------------------------------------------------------------ */

/* Takes a line apart; text points into it. -1: it isn't one. */
static int parse(char *line, struct chain_record *r)
{
	int at = 0;

	if (sscanf(line, "%" SCNu64 " %" SCNd64 " %64[0-9a-f] %n", &r->number, &r->time, r->digest, &at) != 3 || !at ||
		strlen(r->digest) != CHAIN_DIGEST_SIZE - 1)
		return -1;
	line[strcspn(line, "\n")] = '\0';
	r->text = line + at;
	return 0;
}

struct reading {
	char before[CHAIN_DIGEST_SIZE];
	uint64_t number;
};

static void check(struct reading *in, struct chain_record *r, int parsed)
{
	char digest[CHAIN_DIGEST_SIZE];

	r->fits = parsed == 0 && r->number == in->number + 1 &&
		digest_of(digest, in->before, r->number, r->time, r->text) == 0 && strcmp(digest, r->digest) == 0;
	in->number = parsed == 0 ? r->number : in->number + 1;
	if (parsed == 0)
		memcpy(in->before, r->digest, sizeof(in->before));
}

int chain_each(int (*each)(void *context, const struct chain_record *r), void *context)
{
	struct reading in = {.before = CHAIN_NONE};
	FILE *file = fopen(chain.path, "re");
	char line[LINE_SIZE + 256];
	int stop = 0, failed;
	uint64_t last;

	if (!file)
		return -1;
	pthread_mutex_lock(&chain.lock);
	last = chain.number;
	pthread_mutex_unlock(&chain.lock);
	while (!stop && in.number < last && fgets(line, sizeof(line), file)) {
		struct chain_record r = {.number = in.number + 1, .text = "?"};

		check(&in, &r, parse(line, &r));
		stop = each(context, &r);
	}
	/* Fewer than there were: taken away at the end. */
	if (!stop && in.number < last) {
		const struct chain_record missing = {.number = in.number + 1, .text = "?"};

		each(context, &missing);
	}
	failed = ferror(file);
	fclose(file);
	return failed ? -1 : 0;
}

/* -- opening ------------------------------------------------------------------------------- */

/* The last whole line is what the next record stands on. */
static void find_end(FILE *file)
{
	char line[LINE_SIZE + 256];
	off_t whole = 0;

	while (fgets(line, sizeof(line), file)) {
		struct chain_record r;

		if (!strchr(line, '\n'))
			break;
		whole = ftello(file);
		if (parse(line, &r) != 0)
			continue;
		chain.number = r.number;
		memcpy(chain.digest, r.digest, sizeof(chain.digest));
	}
	if (!feof(file) || whole != ftello(file)) {
		log_warn("%s: the last record was cut off, and is taken away", chain.path);
		if (ftruncate(chain.fd, whole) != 0)
			log_fatal("%s: %s", chain.path, strerror(errno));
	}
}

void chain_open(const struct denshid *shared)
{
	const char *snapshot = shared->config->snapshot, *slash = strrchr(snapshot, '/');
	struct stat st;
	FILE *file;

	snprintf(chain.path, sizeof(chain.path), "%.*s/audit", (int)(slash ? slash - snapshot : 0), snapshot);
	memcpy(chain.digest, CHAIN_NONE, sizeof(chain.digest));
	chain.fd = open(chain.path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	file = chain.fd >= 0 ? fopen(chain.path, "re") : NULL;
	if (!file || fstat(chain.fd, &st) != 0 || !S_ISREG(st.st_mode))
		log_fatal("%s: %s", chain.path, strerror(errno));
	find_end(file);
	fclose(file);
	log_keep(append);
}
