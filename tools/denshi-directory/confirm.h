/* Whether this server may start as the writer: see confirm.c. */
#ifndef DENSHI_DIRECTORY_CONFIRM_H
#define DENSHI_DIRECTORY_CONFIRM_H

#include "tools/denshi-directory/run.h"

/* The next start is allowed without the other server's word. -1 (said). */
int confirm_allow(const struct run *r);

#endif
