/*
 * Asking the person: on /dev/tty, secrets without echo; or, for scripts, secrets
 * as lines of a descriptor (R-ALL-4). From a descriptor a secret is read once,
 * where a person types it twice.
 */
#ifndef DENSHI_CLI_PROMPT_H
#define DENSHI_CLI_PROMPT_H

#include <stddef.h>

#include "core/secret.h"
#include "tools/denshi/cli.h"

/* 1 where there is a terminal to ask on. */
int prompt_terminal(void);

/*
 * One line, echoed, without blanks around it. `after` is printed behind the label ("d-"); an
 * empty input keeps what is in buf, which is then shown in brackets. 0, or -1:
 * no terminal, or the end of input.
 */
int prompt_line(struct cli *cli, enum den_code label, const char *after, char *buf, size_t size);

/* A question answered by y or yes; everything else is no. With --yes don't ask. CLI_DONE
 * for yes, otherwise the exit status, the reason printed. */
int prompt_confirm(struct cli *cli, enum den_code question);

/*
 * A secret from --password-fd or the terminal, in *out, the caller's to free. CLI_DONE, or the
 * exit status, the reason printed and *out NULL: no terminal, nothing entered, too long.
 */
int prompt_secret(struct cli *cli, enum den_code label, struct den_secret **out);

/* A new secret: on the terminal twice, and again where the two differ (R-INIT-1). */
int prompt_new_secret(struct cli *cli, enum den_code label, enum den_code again,
	struct den_secret **out);

/* The PIN of a PKCS#12 file that is there, once; from where prompt_pin has it. */
int prompt_known_pin(struct cli *cli, struct den_secret **out);

/* The PIN of a PKCS#11 token, once; from there, too. */
int prompt_token_pin(struct cli *cli, struct den_secret **out);

/* The PIN of a PKCS#12 file, twice: from --pin-fd, else from --password-fd, else the terminal. */
int prompt_pin(struct cli *cli, struct den_secret **out);

#endif
