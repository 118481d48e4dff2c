#include "core/secret.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct den_secret {
	union {
		size_t len;
		struct den_secret *next; /* while it is kept */
	};
	char bytes[DEN_PASSWORD_MAX + 1];
};

static struct {
	pthread_mutex_t lock;
	unsigned most, n;
	struct den_secret *first;
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

void den_secret_keep(unsigned most)
{
	kept.most = most;
}

static struct den_secret *take_kept(void)
{
	struct den_secret *s;

	pthread_mutex_lock(&kept.lock);
	s = kept.first;
	if (s) {
		kept.first = s->next;
		kept.n--;
		s->len = 0;
	}
	pthread_mutex_unlock(&kept.lock);
	return s;
}

/* Of one that is wiped. */
static int keep(struct den_secret *s)
{
	int keeps;

	pthread_mutex_lock(&kept.lock);
	keeps = kept.n < kept.most;
	if (keeps) {
		s->next = kept.first;
		kept.first = s;
		kept.n++;
	}
	pthread_mutex_unlock(&kept.lock);
	return keeps;
}

struct den_secret *den_secret_new(void)
{
	struct den_secret *s = kept.most ? take_kept() : NULL;

	if (s)
		return s;
	/* A mapping of its own: the advice below works on whole pages. */
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		return NULL;
	/* RLIMIT_MEMLOCK may be 0 in a stranger's process: a password that can't be
	 * locked is still a password that must be asked for. */
	(void)mlock(s, sizeof(*s));
	(void)madvise(s, sizeof(*s), MADV_DONTDUMP);
	(void)madvise(s, sizeof(*s), MADV_WIPEONFORK);
	return s;
}

void den_secret_free(struct den_secret *secret)
{
	if (!secret)
		return;
	explicit_bzero(secret, sizeof(*secret));
	if (!kept.most || !keep(secret))
		munmap(secret, sizeof(*secret));
}

int den_secret_set(struct den_secret *secret, const void *bytes, size_t len)
{
	explicit_bzero(secret, sizeof(*secret));
	if (len > DEN_PASSWORD_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	/* bytes may be NULL where len is 0. */
	if (len && memchr(bytes, '\0', len)) {
		errno = EINVAL;
		return -1;
	}
	if (len)
		memcpy(secret->bytes, bytes, len);
	secret->len = len;
	return 0;
}

const char *den_secret_bytes(const struct den_secret *secret)
{
	return secret ? secret->bytes : "";
}

size_t den_secret_len(const struct den_secret *secret)
{
	return secret ? secret->len : 0;
}

int den_secret_equal(const struct den_secret *a, const struct den_secret *b)
{
	unsigned char differs = a->len != b->len;

	for (size_t i = 0; i < sizeof(a->bytes); i++)
		differs |= (unsigned char)(a->bytes[i] ^ b->bytes[i]);
	return !differs;
}

int den_secret_read_line(struct den_secret *secret, int fd)
{
	explicit_bzero(secret, sizeof(*secret));
	for (;;) {
		char c;
		ssize_t n = read(fd, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0 || c == '\n')
			return 0;
		if (c == '\0' || secret->len == DEN_PASSWORD_MAX) {
			explicit_bzero(secret, sizeof(*secret));
			errno = c ? EMSGSIZE : EINVAL;
			return -1;
		}
		secret->bytes[secret->len++] = c;
	}
}
