/*
 * The bytes of a network connection, with an eye on the clock: the lowest layer below
 * libldap, which by itself waits for the rest of a message, or of a TLS handshake, for as
 * long as the other side likes.
 */
#ifndef DENSHI_DIRECTORY_STREAM_H
#define DENSHI_DIRECTORY_STREAM_H

#include <lber.h>
#include <stdint.h>

struct dendir_stream {
	int fd;		  /* a connected socket; closed with the connection */
	int64_t until_ms; /* CLOCK_MONOTONIC; reading and writing fail from then on. 0: never */
};

/* A read or write that can't go on for so long fails, whatever until_ms says. */
#define DENDIR_STALL_MS 3000

/* Puts the stream below a connection, whose it is until that is closed. 0 or -1. */
int dendir_stream_attach(struct dendir_stream *stream, Sockbuf *sb);

#endif
