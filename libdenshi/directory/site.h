/* The site that denshi.conf names; the strings stay the configuration's. */
#ifndef DENSHI_DIRECTORY_SITE_H
#define DENSHI_DIRECTORY_SITE_H

#include "config/config.h"
#include "directory/connection.h"

static inline struct dendir_site dendir_site_of_config(const struct den_config *c)
{
	return (struct dendir_site){
		.uri = c->uri,
		.writer = c->writer,
		.org = c->organisation,
		.host = c->host,
		.tls_ca = c->tls_ca,
		.tls_certificate = c->tls_certificate,
		.tls_key = c->tls_key,
	};
}

#endif
