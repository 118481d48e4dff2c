/*
 * Requests, decisions and their one use (R-APP), as entries. What may be decided by whom is
 * core/approval.h's and, independently, the directory's access rules.
 *
 * A request that needs N approvers is N entries: its own, r-ID, and one for each further
 * approver, r-ID-2 and so on, with the same content and digest. Each takes one decision, by
 * the same access rules. The further ones are approved first: the decision on the request's
 * own entry is the last one, and that of the whole.
 */
#ifndef DENSHI_DIRECTORY_REQUEST_H
#define DENSHI_DIRECTORY_REQUEST_H

#include "core/request.h"
#include "directory/connection.h"

/* Adds it, under the host's identity. DEN_BUSY where the id is taken: make another. */
enum den_code dendir_request_add(struct dendir *host, const struct den_request *r);

/* The whole of one, all decisions. DEN_REQUEST_UNKNOWN. */
enum den_code dendir_request_read(struct dendir *d, const char *id, struct den_request *r);

/* Fills the earlier decisions of one that was found by a search. */
enum den_code dendir_request_read_earlier(struct dendir *d, struct den_request *r);

/* What is asked for, where a search has to find requests: dendir_search's attributes. */
extern const char *const dendir_request_attributes[];

/* A request of its entry, without earlier decisions. -1 for the entry of a further approver. */
int dendir_request_fill(struct den_request *r, struct dendir_entry *e);

/* Each request, without earlier decisions. filter NULL: all. Non-zero from the callback ends it. */
typedef int dendir_each_request(void *context, const struct den_request *r);
enum den_code dendir_request_each(struct dendir *d, const char *filter, dendir_each_request *each,
	void *context);

/* The filter of those that haven't expired, and match `more` (a filter, "" for all): they are
 * few, however many there ever were. buf of DENDIR_REQUEST_FILTER_SIZE; returns it. */
#define DENDIR_REQUEST_FILTER_SIZE 512
/* What is looked for is by the clock of the maker's host, what is decided by the directory's: so many seconds earlier. */
#define DENDIR_REQUEST_SLACK_S 86400
char *dendir_request_filter(char *buf, const char *more, int64_t now);

/* A decision, under the approver's approval identity. */
struct dendir_verdict {
	const struct den_request *request;
	const char *by;
	const char *word;   /* "approved", "rejected" */
	const char *reason; /* NULL: none */
	const char *signature; /* "": none */
	int64_t now, serial;
	const char *anchor; /* of this host's audit records; "": none */
};
/* Puts it on the entry that is next. DEN_REQUEST_DECIDED where somebody was faster: read it again. */
enum den_code dendir_request_decide(struct dendir *approver, const struct dendir_verdict *v);

/* Under the host's identity, for the maker. DEN_DIRECTORY_REFUSED where it is decided. */
enum den_code dendir_request_withdraw(struct dendir *host, const char *id, int64_t now);

/* Marks the one use, under the host's identity: of many at once, one gets DEN_OK,
 * the others DEN_APPROVAL_MISSING. *at: when, by the directory's clock. */
enum den_code dendir_request_use(struct dendir *host, const char *id, const char *service,
	const char *user, int64_t now, int64_t *at);

#endif
