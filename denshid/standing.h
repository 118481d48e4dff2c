/*
 * Approvals that stand: what was read of an approval for a time (within=), so that a service that asks with each
 * request (nginx), or from far away, doesn't cost the directory two searches each time. What is decided with it
 * is decided anew each time, by the users and authorities in force and the time of that moment (R-APP-4); only
 * what would be read of the directory isn't read again.
 *
 * What is kept counts while nothing has changed: a stream (RFC 4533) tells each change of a request, an
 * approval credential and a business, and at the first one all of it is forgotten. It counts for STANDING_MS at
 * most, for slapd tells nobody that it has locked a credential by itself; and not while the directory doesn't answer
 * (it is asked each second). The stream is there where approvals for a time are in use, and ends after a while
 * without.
 *
 * Thread rule: any thread.
 */
#ifndef DENSHI_DENSHID_STANDING_H
#define DENSHI_DENSHID_STANDING_H

#include "core/approval.h"
#include "directory/site.h"

/* As long as a revocation may take to be everywhere (R-CERT-4). */
#define STANDING_MS 5000

struct standing;

/* NULL without memory. Lives as long as the program. */
struct standing *standing_new(const struct dendir_site *site);

/* What was read of one that was good, its approvers' credentials too. */
struct standing_approval {
	char account[33]; /* as demanded; "": any */
	struct den_rules rules;
	struct den_request request;
};

/* To be called before what is to be kept is read: whatever changes from then on, it isn't kept. 0: nothing is. */
uint64_t standing_begin(struct standing *s);

/* Keeps a copy, if nothing has changed since. */
void standing_keep(struct standing *s, uint64_t begun, const char *account, const struct den_rules *rules,
	const struct den_request *request);

/* A copy of what still counts, the caller's to free(); NULL: it is to be read. */
struct standing_approval *standing_find(struct standing *s, const char *maker, const char *business, const char *account);

/* Something was changed from here: the stream comes a moment later. */
void standing_forget(struct standing *s);

#endif
