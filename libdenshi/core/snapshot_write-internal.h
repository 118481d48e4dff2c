/* What the three parts of the writer share: laying out, a builder, putting into force. */
#ifndef DENSHI_CORE_SNAPSHOT_WRITE_INTERNAL_H
#define DENSHI_CORE_SNAPSHOT_WRITE_INTERNAL_H

#include "core/snapshot-internal.h"
#include "core/snapshot_write.h"

/* Where the file's bytes go. */
struct den_snap_sink {
	/* the size of all, before the first byte */
	int (*begin)(void *context, size_t size);
	int (*put)(void *context, size_t at, const void *bytes, size_t size);
	void *context;
};

/* Reads SOURCE and writes the file's bytes into SINK, the header last. 0 or as its headers tell. */
int den_snap_lay_out(const struct den_snapshot_frame *frame,
		     const struct den_snapshot_source *source, const struct den_snap_sink *sink);

#endif
