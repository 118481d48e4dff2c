/* Unicode normalisation of what people type (R-NAME-1), by libunistring. */
#ifndef DENSHI_DIRECTORY_NORMALISE_H
#define DENSHI_DIRECTORY_NORMALISE_H

#include <stddef.h>

/*
 * NFC of text, without leading and trailing blanks (half or full width), into
 * buf of size, NUL-terminated. Returns its length; -1 where text isn't UTF-8 or
 * doesn't fit.
 */
long dendir_normalise(char *buf, size_t size, const char *text);

#endif
