#include "tools/denshi-directory/peer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/denshi-directory/survey.h"
#include "tools/server/tree.h"

int peer_find(struct peer *p, const struct run *r)
{
	struct configuration *c;
	struct survey v;
	char set[PATH_MAX];
	int result;

	memset(p, 0, sizeof(*p));
	if (run_set_in_use(r, set) != 0 || survey_read(&v, r, set) != 0)
		return -1;
	memcpy(p->organisation, v.organisation, sizeof(p->organisation));
	c = configuration_read(r, set);
	result = c ? configuration_facts(c, &p->facts) : -1;
	if (c && result != 0)
		fail(r, DEN_UPGRADE_FOREIGN, r->state, NULL);
	configuration_free(c);
	return result;
}

int peer_open(struct peer *p, const struct run *r, char why[DENDIR_WHY_SIZE])
{
	int result = -1;

	snprintf(why, DENDIR_WHY_SIZE, "%.200s", p->facts.peer);
	if (tree_path(p->ca, r->state, "tls/ca.pem") != 0 ||
		tree_path(p->certificate, r->state, "tls/server.pem") != 0 ||
		tree_path(p->key, r->state, "tls/server.key") != 0)
		return -1;
	p->site = (struct dendir_site){.uri = p->facts.peer_uri, .org = p->organisation, .host = p->facts.server,
		.tls_ca = p->ca, .tls_certificate = p->certificate, .tls_key = p->key};
	/* The key is slapd's: it is used by who may use it. */
	if (setegid(r->directory_user.gid) == 0 && seteuid(r->directory_user.uid) == 0)
		result = dendir_open_any(&p->d, &p->site, why) == DEN_OK ? 0 : -1;
	if (seteuid(0) != 0 || setegid(0) != 0)
		return -1;
	return result;
}

void peer_close(struct peer *p)
{
	dendir_close(p->d);
	p->d = NULL;
}
