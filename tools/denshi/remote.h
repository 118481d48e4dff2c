/* denshid on another machine, asked by ssh(1) and denshi-relay(8) there. */
#ifndef DENSHI_CLI_REMOTE_H
#define DENSHI_CLI_REMOTE_H

#include "core/wire.h"

struct remote;

/* Starts ssh to [USER@]HOST, as user denshi-get unless told otherwise. NULL with errno. */
struct remote *remote_open(const char *destination);

/* As den_client_call(): always a reply, but without memory. */
struct den_message *remote_call(struct remote *r, const struct den_message *request, int timeout_ms);

/* Takes NULL; ssh has ended then. */
void remote_close(struct remote *r);

#endif
