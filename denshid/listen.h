/*
 * The socket: takes connections and one message of each, and hands it to the
 * workers. Who is slow, silent or too many is sent away here.
 */
#ifndef DENSHI_DENSHID_LISTEN_H
#define DENSHI_DENSHID_LISTEN_H

#include <event2/event.h>

#include "denshid/call.h"

struct listener;

/* Binds config->socket and starts the workers. Exits with a message where it can't;
 * another denshid that answers there is left alone. */
struct listener *listener_new(struct event_base *base, const struct denshid *shared);

/* Removes the socket. */
void listener_free(struct listener *l);

#endif
