#include "crypto/bytes.h"

#include <limits.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "crypto/internal.h"

/* Enough for several RSA keys with their PEM forms, and small enough for any RLIMIT_MEMLOCK. */
#define SECURE_HEAP_SIZE (256 * 1024)
#define SECURE_HEAP_PIECE 32

static CRYPTO_ONCE heap_once = CRYPTO_ONCE_STATIC_INIT;

static void heap_init(void)
{
	/* Without it OpenSSL falls back to the ordinary heap, which it still wipes. */
	if (!CRYPTO_secure_malloc_initialized())
		CRYPTO_secure_malloc_init(SECURE_HEAP_SIZE, SECURE_HEAP_PIECE);
}

void dencrypt_secure_heap(void)
{
	(void)CRYPTO_THREAD_run_once(&heap_once, heap_init);
}

enum dencrypt_result dencrypt_failure(enum dencrypt_result otherwise)
{
	enum dencrypt_result result = otherwise;
	unsigned long error;

	while ((error = ERR_get_error()) != 0)
		if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
			result = DENCRYPT_NO_MEMORY;
	return result;
}

enum dencrypt_result dencrypt_bytes_new(struct dencrypt_bytes *bytes, size_t size, bool secret)
{
	size_t room = size ? size : 1;

	bytes->data = secret ? OPENSSL_secure_zalloc(room) : OPENSSL_zalloc(room);
	bytes->size = bytes->data ? size : 0;
	return bytes->data ? DENCRYPT_OK : dencrypt_failure(DENCRYPT_NO_MEMORY);
}

enum dencrypt_result dencrypt_bytes_take(struct dencrypt_bytes *bytes, unsigned char *der,
					 int size)
{
	if (size <= 0 || !der)
		return dencrypt_failure(DENCRYPT_INTERNAL);
	bytes->data = der;
	bytes->size = (size_t)size;
	return DENCRYPT_OK;
}

enum dencrypt_result dencrypt_bytes_from_bio(struct dencrypt_bytes *bytes, BIO *bio, bool written,
					     bool secret)
{
	enum dencrypt_result result = DENCRYPT_INTERNAL;
	char *data = NULL;
	long size = written ? BIO_get_mem_data(bio, &data) : 0;

	if (size > 0 && data)
		result = dencrypt_bytes_new(bytes, (size_t)size, secret);
	if (result == DENCRYPT_OK)
		memcpy(bytes->data, data, (size_t)size);
	BIO_free(bio);
	return result == DENCRYPT_OK ? result : dencrypt_failure(result);
}

void dencrypt_bytes_done(struct dencrypt_bytes *bytes)
{
	if (!bytes)
		return;
	/* Also right for what is not in the secure heap: wiped, then freed. */
	OPENSSL_secure_clear_free(bytes->data, bytes->size);
	bytes->data = NULL;
	bytes->size = 0;
}

enum dencrypt_result dencrypt_base64(const void *data, size_t size, char *out, size_t room)
{
	if (size > INT_MAX / 2 || DENCRYPT_BASE64_SIZE(size) > room)
		return DENCRYPT_TOO_BIG;
	EVP_EncodeBlock((unsigned char *)out, data, (int)size);
	return DENCRYPT_OK;
}

/* EVP_DecodeBlock takes blanks around it, and doesn't tell how much is padding. */
enum dencrypt_result dencrypt_from_base64(const char *text, size_t limit, struct dencrypt_bytes *out)
{
	size_t len = strlen(text), letters = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
	size_t padding = len - letters;
	enum dencrypt_result result;

	if (len == 0 || len % 4 != 0 || padding > 2 || strspn(text + letters, "=") != padding)
		return DENCRYPT_MALFORMED;
	if (len > INT_MAX / 2 || len / 4 * 3 - padding > limit)
		return DENCRYPT_TOO_BIG;
	result = dencrypt_bytes_new(out, len / 4 * 3, false);
	if (result == DENCRYPT_OK && EVP_DecodeBlock(out->data, (const unsigned char *)text, (int)len) < 0) {
		dencrypt_bytes_done(out);
		result = dencrypt_failure(DENCRYPT_MALFORMED);
	}
	if (result == DENCRYPT_OK)
		out->size -= padding;
	return result;
}
