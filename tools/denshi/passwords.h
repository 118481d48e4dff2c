/*
 * The file of generated initial passwords: for its owner alone (0600), a line a user, each
 * on the disk before the user is registered. So a load that was interrupted at any point
 * goes on with the passwords that it made before.
 */
#ifndef DENSHI_CLI_PASSWORDS_H
#define DENSHI_CLI_PASSWORDS_H

#include "core/secret.h"
#include "tools/denshi/cli.h"

struct passwords;

/* A new initial password (R-INIT-1), letters and digits both (R-APW-2). CLI_DONE, or the reason
 * printed and *out NULL. */
int password_generate(struct cli *cli, struct den_secret **out);

/* Opens the file or makes it. CLI_DONE, or the reason printed and *out NULL. */
int passwords_open(struct cli *cli, const char *name, struct passwords **out);
/* Takes NULL; wipes. */
void passwords_close(struct passwords *p);

/* The login's password of a run before; NULL where there is none. */
const char *passwords_find(const struct passwords *p, const char *login);

/* The same, or a new one that is written at the next passwords_sync. NULL: the reason is printed. */
const char *passwords_make(struct cli *cli, struct passwords *p, const char *login);

/* What was made is on the disk. CLI_DONE, or the reason printed. */
int passwords_sync(struct cli *cli, struct passwords *p);

#endif
