/*
 * Messages in a stream, as ssh carries them: the length in four bytes, the highest first, then the
 * message as in core/wire.h. The two machines need the same byte order; otherwise it is EBADMSG.
 */
#ifndef DENSHI_CORE_FRAME_H
#define DENSHI_CORE_FRAME_H

#include "core/wire.h"

/* fd is made non-blocking. -1 with errno (ETIMEDOUT, EMSGSIZE, EPIPE where SIGPIPE is ignored, ...). */
int den_frame_write(int fd, const struct den_message *m, int timeout_ms);

/* NULL with errno: ETIMEDOUT, ECONNRESET at the end of the stream, EMSGSIZE, EBADMSG. */
struct den_message *den_frame_read(int fd, int timeout_ms);

#endif
