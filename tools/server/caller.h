/* Who is behind root. */
#ifndef DENSHI_SERVER_CALLER_H
#define DENSHI_SERVER_CALLER_H

#include <stddef.h>

/* The uid that logged in, before sudo: loginuid(5); "-" where there is none. */
const char *caller_login_uid(char *buf, size_t size);

#endif
