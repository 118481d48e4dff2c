/*
 * How a connection comes to be: addresses, TLS, time limits. With tls.h, every option
 * of libldap is set here, and nothing is left to its own configuration files and environment.
 *
 * ldapi:// is a local socket. Over the network there is TLS 1.2 or newer, always: from
 * the first byte (ldaps://) or before the first operation (ldap://, StartTLS). The server
 * must show a certificate of the site's CA for the name in the URI; the host shows its own.
 */
#ifndef DENSHI_DIRECTORY_TRANSPORT_H
#define DENSHI_DIRECTORY_TRANSPORT_H

#include <ldap.h>

#include "directory/connection.h"
#include "directory/stream.h"

/*
 * An LDAP handle that is connected to uri (ldapi: will be, at its first operation), or
 * NULL with the reason in why. Resolving, connecting and the handshake are over at
 * stream->until_ms, whatever the other side does or doesn't. The stream lies below the
 * handle until that is unbound (ldapi: it doesn't).
 */
LDAP *dendir_transport(const struct dendir_site *site, const char *uri, struct dendir_stream *stream,
	char why[DENDIR_WHY_SIZE]);

#endif
