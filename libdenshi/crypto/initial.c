#include "crypto/initial.h"

#include <string.h>

#include "crypto/digest.h"

enum dencrypt_result dencrypt_initial_password(char out[DENCRYPT_INITIAL_SIZE])
{
	static const char digits[] = "0123456789";
	enum dencrypt_result result;
	size_t n;

	do {
		result = dencrypt_random_id(out, DENCRYPT_INITIAL_SIZE);
		n = strlen(out);
	} while (result == DENCRYPT_OK && (strcspn(out, digits) == n || strspn(out, digits) == n));
	return result;
}
