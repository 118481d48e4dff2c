/*
 * TLS of the directory's connections: whom the host believes, and what it shows.
 * Keys and certificates are read once, and again when a file has changed.
 *
 * Thread rule: may be called by several threads at once.
 */
#ifndef DENSHI_DIRECTORY_TLS_H
#define DENSHI_DIRECTORY_TLS_H

#include <ldap.h>

#include "directory/connection.h"

/* Prepares a handle for ldap_install_tls. 0, or -1 with the reason in why. */
int dendir_tls_prepare(LDAP *ld, const struct dendir_site *site, char why[DENDIR_WHY_SIZE]);

/* 1 where TLS 1.2 or newer was agreed on, whatever the library made of its options. */
int dendir_tls_is_new_enough(LDAP *ld);

/* 1 where the site's files are there and nobody else may change them (the key: nor read). */
int dendir_tls_files_are_safe(const struct dendir_site *site, char why[DENDIR_WHY_SIZE]);

#endif
