/* Targets of the crypto room: what is set up before the first input. */
#ifndef DENSHI_TESTS_FUZZ_OPENSSL_H
#define DENSHI_TESTS_FUZZ_OPENSSL_H

#include <stdlib.h>

#include <openssl/rand.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);

/*
 * OpenSSL's random generators are made here, before the room sets up the secure heap: the leak
 * checker does not look into that heap and would take what hangs from it for lost.
 */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	unsigned char byte;

	(void)argc, (void)argv;
	if (RAND_bytes(&byte, 1) != 1 || RAND_priv_bytes(&byte, 1) != 1)
		abort();
	return 0;
}

#endif
