/*
 * Requests, decisions and their one use (R-APP). What may be decided by whom is
 * denshid's (denshid/request.c) and, independently, the directory's access rules.
 */
#ifndef DENSHI_DIRECTORY_REQUEST_H
#define DENSHI_DIRECTORY_REQUEST_H

#include "core/loginid.h"
#include "core/name.h"
#include "directory/connection.h"

#define DENDIR_DIGEST_SIZE 65

struct dendir_request {
	char id[12];
	char maker[DEN_LOGIN_ID_SIZE];
	char business[33], account[33];
	char subject[DEN_SUBJECT_SIZE];
	char digest[DENDIR_DIGEST_SIZE]; /* SHA-256 of dendir_request_canonical, lower-case hex */
	int64_t requested, expires;
	char host[DENDIR_DN_SIZE]; /* who entered it into the directory: the host that vouched */
	char decision[12];	   /* "", "approved", "rejected" */
	char decided_by[DEN_LOGIN_ID_SIZE];
	char decided_digest[DENDIR_DIGEST_SIZE];
	char decided_on[160]; /* "TIME HOST" */
	char reason[DEN_SUBJECT_SIZE];
	char used[256]; /* "TIME HOST SERVICE USER", "" while not used */
};

/*
 * The bytes that the digest is of (R-APP-2): one line a field, in this order,
 * each ended by a newline (no field can hold one): "denshi-request-1", id,
 * maker, business, account, requested, expires (decimal seconds), subject.
 * Returns the length, or 0 where size is too small.
 */
size_t dendir_request_canonical(char *buf, size_t size, const struct dendir_request *r);
#define DENDIR_CANONICAL_SIZE (DEN_SUBJECT_SIZE + 256)

/* Adds it, under the host's identity. DEN_BUSY where the id is taken: make another. */
enum den_code dendir_request_add(struct dendir *host, const struct dendir_request *r);

enum den_code dendir_request_read(struct dendir *d, const char *id, struct dendir_request *r);

/* filter NULL: all. Non-zero from the callback ends it. */
typedef int dendir_each_request(void *context, const struct dendir_request *r);
/* The filter of those that haven't expired, and match `more` (a filter, "" for all): they are
 * few, however many there ever were. buf of DENDIR_REQUEST_FILTER_SIZE; returns it. */
#define DENDIR_REQUEST_FILTER_SIZE 512
char *dendir_request_filter(char *buf, const char *more, int64_t now);
enum den_code dendir_request_each(struct dendir *d, const char *filter, dendir_each_request *each,
	void *context);

/* Under the approver's approval identity. DEN_REQUEST_DECIDED where somebody was faster. */
enum den_code dendir_request_decide(struct dendir *approver, const char *id, const char *by,
	const char *decision, const char *digest, const char *reason, int64_t now);

/* Marks the one use, under the host's identity: of many at once, one gets DEN_OK,
 * the others DEN_APPROVAL_MISSING. */
enum den_code dendir_request_use(struct dendir *host, const char *id, const char *service,
	const char *user, int64_t now);

#endif
