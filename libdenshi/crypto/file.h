/*
 * Files of the crypto room: keys, certificates, PKCS#12. Written aside and renamed, read through
 * the descriptor that was checked. No thread holds anything between calls.
 */
#ifndef DENSHI_CRYPTO_FILE_H
#define DENSHI_CRYPTO_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "crypto/bytes.h"
#include "crypto/result.h"

/* Who may be able to touch a file that is read. */
enum dencrypt_file_kind {
	DENCRYPT_FILE_PUBLIC, /* nobody else may write it (group, others) */
	DENCRYPT_FILE_SECRET, /* nobody else may read or write it */
	DENCRYPT_FILE_ANYONES, /* owner and bits don't matter: it is what the caller was told to read */
};

/* All of them, however many calls that takes; waits where the descriptor does. -1 with errno: some may
 * be written. */
int dencrypt_write_all(int fd, const void *bytes, size_t size);

/*
 * Puts the bytes at `path` with the permission bits `mode`: a file beside it (O_EXCL, O_NOFOLLOW)
 * is filled, synced and renamed over it, so that readers see the old contents or the new (R-CERT-2:
 * nothing stays behind, also after a failure). A symbolic link at `path` is replaced, not followed.
 * DENCRYPT_IO (errno set) or DENCRYPT_BAD_ARGUMENT.
 */
enum dencrypt_result dencrypt_write_file(const char *path, const struct dencrypt_bytes *bytes,
					 mode_t mode);

/* The same, but DENCRYPT_EXISTS if there is anything at `path`; decided by the rename itself. */
enum dencrypt_result dencrypt_write_new_file(const char *path, const struct dencrypt_bytes *bytes,
					     mode_t mode);

/*
 * Reads a regular file of at most `limit` bytes into `out` (caller: dencrypt_bytes_done()), in the
 * secure heap if it is a secret. DENCRYPT_UNSAFE_FILE if it is a symbolic link or no regular file,
 * if its owner is neither root nor the effective user, or by the kind's permission bits;
 * DENCRYPT_TOO_BIG, DENCRYPT_IO (errno set), DENCRYPT_NO_MEMORY.
 */
enum dencrypt_result dencrypt_read_file(const char *path, enum dencrypt_file_kind kind,
					size_t limit, struct dencrypt_bytes *out);

#endif
