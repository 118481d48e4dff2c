/*
 * What the one decision on approvals (core/approval.h) is asked with here: the snapshot in force,
 * the directory's catalogue and credentials, the directory's clock.
 */
#ifndef DENSHI_DENSHID_APPROVAL_H
#define DENSHI_DENSHID_APPROVAL_H

#include "core/approval.h"
#include "denshid/call.h"
#include "directory/catalogue.h"

/* The context of a world, which lives as long. */
struct approval_context {
	struct call *c;
	struct dendir *d; /* NULL: credentials count as good (lists, which decide nothing) */
	char date[16];	  /* out: when an approval password ended */
};
void approval_world(struct den_world *world, struct approval_context *context);

/* Decides, and puts the arguments of a refusal into the reply. */
enum den_code approval_decide(struct den_world *world, const struct den_case *k);

/* The digest as people compare it. */
void approval_short_digest(const struct den_request *r, char *text);
int approval_digest(void *context, const struct den_request *r, char hex[DEN_DIGEST_SIZE]);

/* A business of the catalogue; refusals are told. */
enum den_code approval_rules(struct call *c, struct dendir *d, const char *business, struct dendir_business *found);

/* Enters it: id and digest are made. */
enum den_code approval_enter(struct call *c, struct dendir *d, struct den_request *r);

/* FACT fields as NAME=VALUE lines. DEN_FIELD_BINDING for the first wrong one, told. */
enum den_code approval_facts(struct call *c, char facts[DEN_BINDINGS_SIZE]);

/* How many requests wait for this approver (R-APP-6). */
unsigned approval_waiting(struct call *c, struct dendir *d, const char *login);

/* Every business, for many decisions at a time. */
struct approval_catalogue {
	struct den_rules *rules;
	size_t n;
};
enum den_code approval_catalogue_load(struct dendir *d, struct approval_catalogue *all);
void approval_catalogue_done(struct approval_catalogue *all);
/* NULL: there is none of this name. */
const struct den_rules *approval_catalogue_find(const struct approval_catalogue *all, const char *business);

#endif
