#include "directory/batch.h"

#include "directory/connection-internal.h"

/* Not answered yet; no LDAP result is below -0x1000. */
#define WAITING (-0x10000)
/* More than slapd's threads: none of them waits for us. */
#define UNDER_WAY 32

void dendir_batch_start(struct dendir_batch *b, struct dendir *d)
{
	b->d = d;
	b->n = b->waiting = 0;
	b->lost = 0;
	b->code = DEN_OK;
}

/* The operation that a response belongs to; -1: none of these. Messages are numbered in
 * the order in which they are sent. */
static long find(const struct dendir_batch *b, int message)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->operations[i].result == WAITING && b->operations[i].message == message)
			return (long)i;
	return -1;
}

static int is_good(const struct dendir_batch *b, size_t i)
{
	int result = b->operations[i].result;
	const int *accepted = b->operations[i].accepted;

	return result == LDAP_SUCCESS || (accepted[0] && result == accepted[0]) || (accepted[1] && result == accepted[1]);
}

/* Takes one response. b->code stays where it is good; b->d keeps the words of a bad one. */
static void take(struct dendir_batch *b, LDAPMessage *response)
{
	long i = find(b, ldap_msgid(response));
	enum den_code told;

	if (i < 0)
		return;
	b->waiting--;
	if (b->code == DEN_OK) {
		told = dendir_note(b->d, 0, response);
		b->operations[i].result = b->d->result;
		b->code = is_good(b, (size_t)i) ? DEN_OK : told;
	} else if (ldap_parse_result(b->d->ld, response, &b->operations[i].result, NULL, NULL, NULL, NULL, 0) !=
		LDAP_SUCCESS) {
		b->operations[i].result = LDAP_DECODING_ERROR;
	}
}

/* Nothing more will be heard of those that are waiting. */
static void give_up(struct dendir_batch *b, enum den_code code)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->operations[i].result == WAITING) {
			ldap_abandon_ext(b->d->ld, b->operations[i].message, NULL, NULL);
			b->operations[i].result = b->d->result;
		}
	b->waiting = 0;
	b->lost = 1;
	b->code = code;
}

static void take_one(struct dendir_batch *b)
{
	enum den_code code = DEN_DIRECTORY_DOWN;
	LDAPMessage *response = dendir_await(b->d, LDAP_RES_ANY, &code);

	if (response)
		take(b, response);
	else
		give_up(b, code);
	ldap_msgfree(response);
}

/* Room for one more, or NULL: nothing is sent where the server is lost. A number too many
 * is counted all the same, so that the end knows. */
static int *message_of_next(struct dendir_batch *b)
{
	while (b->waiting >= UNDER_WAY)
		take_one(b);
	if (b->n < DENDIR_BATCH_MAX && !b->lost)
		return &b->operations[b->n].message;
	if (b->n < DENDIR_BATCH_MAX)
		b->operations[b->n].result = LDAP_SERVER_DOWN;
	b->n++;
	return NULL;
}

/* The operation was sent with result rc. */
static void put(struct dendir_batch *b, int rc, int accepted, int accepted_too)
{
	b->operations[b->n].accepted[0] = accepted;
	b->operations[b->n].accepted[1] = accepted_too;
	b->operations[b->n].result = rc == LDAP_SUCCESS ? WAITING : rc;
	b->n++;
	if (rc == LDAP_SUCCESS)
		b->waiting++;
	else
		b->code = dendir_note(b->d, rc, NULL);
}

void dendir_batch_add(struct dendir_batch *b, const char *dn, struct dendir_mods *m, int accepted)
{
	LDAPMod **list = dendir_mods_list(b->d, m);
	int *message = message_of_next(b);

	if (message)
		put(b, list ? ldap_add_ext(b->d->ld, dn, list, NULL, NULL, message) : LDAP_NO_MEMORY, accepted, 0);
}

/* One control, or none where the filter is NULL. LDAP_SUCCESS, or why it can't be made. */
static int assertion(const struct dendir_batch *b, const char *filter, LDAPControl *controls[2])
{
	controls[0] = controls[1] = NULL;
	return filter ? ldap_create_assertion_control(b->d->ld, (char *)filter, 1, &controls[0]) : LDAP_SUCCESS;
}

void dendir_batch_modify(struct dendir_batch *b, const char *dn, struct dendir_mods *m, const char *filter)
{
	LDAPControl *controls[2];
	LDAPMod **list = dendir_mods_list(b->d, m);
	int rc = assertion(b, filter, controls);
	int *message = message_of_next(b);

	if (message && rc == LDAP_SUCCESS)
		rc = list ? ldap_modify_ext(b->d->ld, dn, list, controls, NULL, message) : LDAP_NO_MEMORY;
	if (message)
		put(b, rc, 0, 0);
	ldap_control_free(controls[0]);
}

void dendir_batch_move(struct dendir_batch *b, const char *dn, const char *rdn, const char *parent, const char *filter)
{
	LDAPControl *controls[2];
	int rc = assertion(b, filter, controls);
	int *message = message_of_next(b);

	if (message && rc == LDAP_SUCCESS)
		rc = ldap_rename(b->d->ld, dn, rdn, parent, 0, controls, NULL, message);
	if (message)
		put(b, rc, 0, 0);
	ldap_control_free(controls[0]);
}

void dendir_batch_delete(struct dendir_batch *b, const char *dn)
{
	int *message = message_of_next(b);

	if (message)
		put(b, ldap_delete_ext(b->d->ld, dn, NULL, NULL, message), LDAP_NO_SUCH_OBJECT, 0);
}

void dendir_batch_delete_if(struct dendir_batch *b, const char *dn, const char *filter)
{
	LDAPControl *controls[2];
	int rc = assertion(b, filter, controls);
	int *message = message_of_next(b);

	if (message && rc == LDAP_SUCCESS)
		rc = ldap_delete_ext(b->d->ld, dn, controls, NULL, message);
	if (message)
		put(b, rc, LDAP_NO_SUCH_OBJECT, LDAP_ASSERTION_FAILED);
	ldap_control_free(controls[0]);
}

enum den_code dendir_batch_end(struct dendir_batch *b)
{
	if (b->n > DENDIR_BATCH_MAX) {
		b->n = DENDIR_BATCH_MAX;
		b->code = DEN_INTERNAL;
	}
	while (b->waiting)
		take_one(b);
	return b->code;
}

int dendir_batch_result(const struct dendir_batch *b, size_t i)
{
	return i < b->n ? b->operations[i].result : LDAP_PARAM_ERROR;
}
