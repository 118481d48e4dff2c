/* Reading BER that a server sent, by liblber. Only entry.c and sync.c need it. */
#ifndef DENSHI_DIRECTORY_BER_H
#define DENSHI_DIRECTORY_BER_H

#include <lber.h>

/* A reader of a copy of value, for ber_free(reader, 1), which takes NULL too. NULL without memory, and of
 * an empty value: liblber reads that all the same, at NULL. */
BerElement *dendir_ber_reader(const struct berval *value);

#endif
