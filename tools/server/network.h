/*
 * What a directory that serves the network has beside its data:
 *
 *	STATE/hosts-ca/{ca.key,ca.pem}	     the CA of hosts and directory servers, root's
 *	STATE/tls/{ca.pem,server.pem,server.key}   what slapd shows and whom it believes
 *	STATE/tls/listen		     where slapd listens, and where hosts find it
 *
 * Functions return 0, or -1 with errno, or where a result of the crypto room is named, that.
 */
#ifndef DENSHI_SERVER_NETWORK_H
#define DENSHI_SERVER_NETWORK_H

#include <limits.h>

#include "crypto/ca.h"
#include "tools/server/child.h"

#define NETWORK_CA "hosts-ca"
#define NETWORK_TLS "tls"
#define NETWORK_PORT 636
/* As long as the CA: who is a host, the directory says at each operation. */
#define NETWORK_DAYS 3650

/* Writes folder/name, new, out of what something gave that r says the result of; ends bytes. */
enum dencrypt_result network_put_file(const char *folder, const char *name, enum dencrypt_result r,
	struct dencrypt_bytes *bytes, mode_t mode);

/* The hosts' CA in folder/hosts-ca, new; *ca is the caller's. */
enum dencrypt_result network_make_ca(const char *folder, const char *org, struct dencrypt_ca **ca);

/* folder/tls, new, for the server `name`; the key belongs to user. */
enum dencrypt_result network_make_server(const char *folder, const struct dencrypt_ca *ca, const char *org,
	const char *name, unsigned port, const struct unix_user *user);

/* The same out of a certificate that was made elsewhere, on its machine. */
enum dencrypt_result network_put_server(const char *folder, const struct dencrypt_certificate *ca,
	const struct dencrypt_certificate *server, const struct dencrypt_key *key, const char *name, unsigned port,
	const struct unix_user *user);

/* Where the hosts find the server; -1 with ENOENT where it serves no network. */
int network_uri(const char *state, char *uri, size_t size);

#endif
