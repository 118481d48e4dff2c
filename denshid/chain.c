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

#include "crypto/file.h"
#include "denshid/call.h"
#include "denshid/log.h"

static struct {
	pthread_mutex_t lock;
	char path[256];
	int fd; /* -1: not open */
	uint64_t number;
	char digest[DENCRYPT_DIGEST_HEX_SIZE];
} chain = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

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
	char digest[DENCRYPT_DIGEST_HEX_SIZE], line[DENCRYPT_CHAIN_LINE];
	int64_t now = time(NULL);
	int n;

	pthread_mutex_lock(&chain.lock);
	if (chain.fd >= 0 && dencrypt_chain_digest(digest, chain.digest, chain.number + 1, now, record) == DENCRYPT_OK) {
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

int chain_each(int (*each)(void *context, const struct dencrypt_record *r), void *context)
{
	struct dencrypt_chain in = DENCRYPT_CHAIN_BEGIN;
	FILE *file = fopen(chain.path, "re");
	char line[DENCRYPT_CHAIN_LINE];
	int stop = 0, failed;
	uint64_t last;

	if (!file)
		return -1;
	pthread_mutex_lock(&chain.lock);
	last = chain.number;
	pthread_mutex_unlock(&chain.lock);
	while (!stop && in.number < last && fgets(line, sizeof(line), file)) {
		struct dencrypt_record r;

		dencrypt_chain_next(&in, line, &r);
		stop = each(context, &r);
	}
	/* Fewer than there were: taken away at the end. */
	if (!stop && in.number < last) {
		const struct dencrypt_record missing = {.number = in.number + 1, .text = "?"};

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
	char line[DENCRYPT_CHAIN_LINE];
	off_t whole = 0;

	while (fgets(line, sizeof(line), file)) {
		struct dencrypt_record r;

		if (!strchr(line, '\n'))
			break;
		whole = ftello(file);
		if (dencrypt_record_parse(line, &r) != DENCRYPT_OK)
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
	memcpy(chain.digest, DENCRYPT_CHAIN_NONE, sizeof(chain.digest));
	chain.fd = open(chain.path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	file = chain.fd >= 0 ? fopen(chain.path, "re") : NULL;
	if (!file || fstat(chain.fd, &st) != 0 || !S_ISREG(st.st_mode))
		log_fatal("%s: %s", chain.path, strerror(errno));
	find_end(file);
	fclose(file);
	log_keep(append);
}
