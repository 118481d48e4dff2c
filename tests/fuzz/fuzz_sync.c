/*
 * What a directory tells of changes: whatever the bytes are, what is read of them is whole, and a
 * cookie is a string.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "directory/sync.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);
	struct berval value = {.bv_val = copy, .bv_len = size};
	struct dendir_cookie cookie = {"old"};
	struct dendir_sync_state state;
	struct dendir_sync_info info;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (dendir_sync_read_state(&value, &state, &cookie) == 0 && state.state > DENDIR_SYNC_DELETE)
		abort();
	if (dendir_sync_read_info(&value, &info, &cookie) != 0 && info.uuids)
		abort();
	for (size_t i = 0; info.uuids && info.uuids[i].bv_val; i++)
		if (info.uuids[i].bv_len != 16)
			abort();
	if (!memchr(cookie.text, '\0', sizeof(cookie.text)))
		abort();
	ber_bvarray_free(info.uuids);
	free(copy);
	return 0;
}
