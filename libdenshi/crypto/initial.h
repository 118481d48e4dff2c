/* Initial passwords that a program makes up (R-INIT-1). */
#ifndef DENSHI_CRYPTO_INITIAL_H
#define DENSHI_CRYPTO_INITIAL_H

#include "crypto/result.h"

/* With NUL: 12 characters of 5 bits, the longest initial password (R-INIT-1), 60 bits. */
#define DENCRYPT_INITIAL_SIZE 13

/* Letters and digits both (R-APW-2). The caller wipes it. */
enum dencrypt_result dencrypt_initial_password(char out[DENCRYPT_INITIAL_SIZE]);

#endif
