#include "core/secret.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct den_secret {
	size_t len;
	char bytes[DEN_PASSWORD_MAX + 1];
};

struct den_secret *den_secret_new(void)
{
	/* A mapping of its own: the advice below works on whole pages. */
	struct den_secret *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

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
