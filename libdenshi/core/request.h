/*
 * What a request for an approval is (R-APP-1), and the bytes that its digest is of (R-APP-2).
 * The form is documented in docs/approval.md.
 *
 * Thread rule: pure functions, no state.
 */
#ifndef DENSHI_CORE_REQUEST_H
#define DENSHI_CORE_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "core/amount.h"
#include "core/loginid.h"
#include "core/name.h"

#define DEN_DIGEST_SIZE 65	  /* SHA-256, lower-case hexadecimal, and NUL */
#define DEN_APPROVERS_MAX 5	  /* of one request, together */
#define DEN_REQUEST_DAYS 7	  /* until a request expires (R-APP-1); no request lives longer */
#define DEN_BINDINGS_MAX 9	  /* of one request */
#define DEN_BINDING_SIZE (DEN_SUBJECT_SIZE + 16) /* one of them: NAME=VALUE */
#define DEN_BINDINGS_SIZE (2 * DEN_SUBJECT_SIZE) /* all of them, a line each */
#define DEN_FILE_NAME_SIZE 256

/* "SECONDS FINGERPRINT SIGNATURE": when by the directory's clock, SHA-256 of the certificate in hexadecimal, base64 */
#define DEN_SIGNATURE_SIZE 800

/* One approver's decision. */
struct den_decision {
	char word[12]; /* "", "approved", "rejected" */
	char by[DEN_LOGIN_ID_SIZE];
	char digest[DEN_DIGEST_SIZE]; /* of what they saw */
	char on[256]; /* "TIME HOST SERIAL ANCHOR": when, where, under which authorities, where that host's audit chain stood */
	char signature[DEN_SIGNATURE_SIZE]; /* of den_decision_text; "": none */
	int64_t at;			    /* by the directory's clock; 0: it isn't written yet */
};

/* A file that the request is about: it is named and digested, never stored. */
struct den_attachment {
	char name[DEN_FILE_NAME_SIZE]; /* "": of a bare digest */
	uint64_t size;
	char digest[DEN_DIGEST_SIZE]; /* "": there is none */
};

struct den_request {
	char id[12];
	char maker[DEN_LOGIN_ID_SIZE];
	char business[33], account[33];
	char subject[DEN_SUBJECT_SIZE];
	struct den_amount amount;
	struct den_attachment attachment;
	unsigned need;			    /* approvers */
	char bindings[DEN_BINDINGS_SIZE];   /* NAME=VALUE lines in the order of their bytes: where it may be used */
	char session[160];		    /* where the maker entered it: terminal, remote host */
	char digest[DEN_DIGEST_SIZE];	    /* of den_request_canonical */
	int64_t requested, expires;	    /* by the clock of the maker's host */
	int64_t created, changed;	    /* by the directory's: entered, last step */
	char host[256];			    /* who entered it into the directory: the host that vouched */
	struct den_decision decision;	    /* of the request; of several approvers, the last one's */
	struct den_decision earlier[DEN_APPROVERS_MAX - 1]; /* the others' */
	char reason[DEN_SUBJECT_SIZE];	    /* of a rejection */
	char withdrawn[160];		    /* "TIME HOST", "" while it isn't */
	char used[256];			    /* "TIME HOST SERVICE USER", "" while not used */
};

/*
 * The canonical form. Returns its length, or 0 where size is too small. No field can hold a
 * newline, so that no two requests have the same form.
 */
size_t den_request_canonical(char *buf, size_t size, const struct den_request *r);
#define DEN_CANONICAL_SIZE (DEN_SUBJECT_SIZE + DEN_BINDINGS_SIZE + DEN_BINDINGS_MAX * 16 + 1024)

/*
 * What the approver's certificate key signs where a business wants that: the decision, of this
 * digest, at a time. Returns its length, or 0 where size is too small. reason: "" of an approval.
 */
size_t den_decision_text(char *buf, size_t size, const struct den_request *r, const struct den_decision *d, int64_t at,
	const char *reason);
#define DEN_DECISION_TEXT_BEGINS "denshi-decision-1\n"
#define DEN_DECISION_TEXT_SIZE (DEN_SUBJECT_SIZE + 256)

/* Names that a request may be bound by; what each means in a PAM transaction is told in pam_denshi(8). */
#define DEN_BINDING_NAMES "user", "ruser", "host", "rhost", "tty", "service", "runas", "command", "directory"

/* Adds NAME=VALUE in its place. -1: no such name, a name twice, a value that is empty, too long or
 * not plain text. */
int den_bindings_add(char bindings[DEN_BINDINGS_SIZE], const char *binding);

/* The value of a name, into buf (DEN_BINDING_SIZE); 1 where there is one. */
int den_bindings_get(const char *bindings, const char *name, char *buf);

/*
 * Whether every binding of the request holds for the facts (lines of the same form): "" or the first
 * name that doesn't. A fact that isn't known doesn't hold.
 */
const char *den_bindings_differ(const char *bindings, const char *facts, char name[16]);

/*
 * The words of a command as one text, for people to read and programs to compare: a word of
 * plain letters as it is, others in single quotes, ' as '\''. Two commands have the same
 * text only where all words are the same. -1: it doesn't fit, or has a control character.
 */
int den_command_text(char *buf, size_t size, const char *const *words, size_t n);

#endif
