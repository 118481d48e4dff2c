/*
 * Signing a decision with the user's certificate key, by denshi-prove: from a PKCS#12 file or a
 * PKCS#11 token (denshi-prove(8)).
 */
#ifndef DENSHI_CLI_SIGN_H
#define DENSHI_CLI_SIGN_H

#include "core/secret.h"
#include "core/wire.h"
#include "tools/denshi/cli.h"

/* Adds SIGNATURE, of text, to the request. CLI_DONE, or the exit status, the reason printed. */
int sign_decision(struct cli *cli, const char *login, const char *text, const struct den_secret *pin,
	struct den_message *request);

#endif
