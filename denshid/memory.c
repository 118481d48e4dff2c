/*
 * Freed memory is wiped, whoever frees it (R-ALL-4): libldap packs a password into a request, sends
 * it, and frees the memory as it is. Its own memory functions (LBER_OPT_MEMORY_FNS) are not used
 * where it gives no context, which is everywhere in requests; so free(3) and realloc(3) of the
 * whole program are these. glibc allows that, and exports what they stand on.
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

#define EXPORT __attribute__((visibility("default")))

void __libc_free(void *memory);

EXPORT void free(void *memory)
{
	int kept = errno;

	if (memory)
		explicit_bzero(memory, malloc_usable_size(memory));
	__libc_free(memory);
	errno = kept;
}

/* glibc's own leaves a copy where the memory was. */
EXPORT void *realloc(void *memory, size_t size)
{
	size_t old = memory ? malloc_usable_size(memory) : 0;
	void *fresh;

	if (memory && size == 0) {
		free(memory);
		return NULL;
	}
	fresh = malloc(size);
	if (!fresh || !memory)
		return fresh;
	memcpy(fresh, memory, old < size ? old : size);
	free(memory);
	return fresh;
}

#endif
