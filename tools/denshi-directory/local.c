#include "tools/denshi-directory/local.h"

#include <string.h>

#include "directory/site.h"

#define SOCKET "ldapi://%2Frun%2Fdenshi-slapd%2Fldapi"

enum den_code local_open(struct local *l, const struct run *r, const char *org)
{
	char error[DEN_CONFIG_ERROR_SIZE];

	l->root = NULL;
	if (den_config_read(&l->config, r->config_path, error, sizeof(error)) != 0)
		den_config_defaults(&l->config);
	l->site = dendir_site_of_config(&l->config);
	l->site.writer = NULL;
	/* The hosts' way may be the network, where root is nobody. */
	if (strncmp(l->site.uri, "ldapi:", 6) != 0)
		l->site.uri = SOCKET;
	if (org)
		l->site.org = org;
	return dendir_open(&l->root, &l->site);
}

void local_close(struct local *l)
{
	dendir_close(l->root);
	l->root = NULL;
}
