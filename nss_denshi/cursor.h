/*
 * Where a thread stands in an enumeration. It names the last ID returned, beside the place
 * behind its record: when the snapshot is replaced in the meantime the enumeration goes on in the
 * new one, and whoever is in both is returned exactly once. So no mapping is held for it, and a
 * thread may end, or a process fork, in the middle.
 */
#ifndef DENSHI_NSS_CURSOR_H
#define DENSHI_NSS_CURSOR_H

#include <stdint.h>

struct nss_denshi_cursor {
	uint64_t generation;	/* of the mapping that `pos` is about; 0: none yet */
	uint32_t pos;
	uint32_t last;		/* ID; none is 0 */
};

#endif
