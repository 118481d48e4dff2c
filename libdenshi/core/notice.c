#include "core/notice.h"

#include <stdio.h>
#include <string.h>

int den_notice_folder(char *buf, size_t size, const char *socket)
{
	const char *slash = strrchr(socket, '/');
	int n = snprintf(buf, size, "%.*s/notices", (int)(slash ? slash - socket : 0), socket);

	return n > 0 && (size_t)n < size ? 0 : -1;
}
