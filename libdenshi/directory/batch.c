#include "directory/batch.h"

#include "directory/connection-internal.h"

/* Not answered yet; no LDAP result is below -0x1000. */
#define WAITING (-0x10000)

void dendir_batch_start(struct dendir_batch *b, struct dendir *d)
{
	b->d = d;
	b->n = b->waiting = 0;
}

/* Room for one more, or NULL; counted all the same, so that the end knows. */
static int *message_of_next(struct dendir_batch *b)
{
	return b->n < DENDIR_BATCH_MAX ? &b->operations[b->n].message : (b->n++, NULL);
}

/* The operation was sent with result rc. */
static void put(struct dendir_batch *b, int rc, int accepted)
{
	b->operations[b->n].accepted = accepted;
	b->operations[b->n].result = rc == LDAP_SUCCESS ? WAITING : rc;
	b->waiting += rc == LDAP_SUCCESS;
	b->n++;
}

void dendir_batch_add(struct dendir_batch *b, const char *dn, struct dendir_mods *m, int accepted)
{
	LDAPMod **list = dendir_mods_list(b->d, m);
	int *message = message_of_next(b);

	if (message)
		put(b, list ? ldap_add_ext(b->d->ld, dn, list, NULL, NULL, message) : LDAP_NO_MEMORY, accepted);
}

void dendir_batch_modify(struct dendir_batch *b, const char *dn, struct dendir_mods *m, int accepted)
{
	LDAPMod **list = dendir_mods_list(b->d, m);
	int *message = message_of_next(b);

	if (message)
		put(b, list ? ldap_modify_ext(b->d->ld, dn, list, NULL, NULL, message) : LDAP_NO_MEMORY, accepted);
}

void dendir_batch_move(struct dendir_batch *b, const char *dn, const char *rdn, const char *parent, int accepted)
{
	int *message = message_of_next(b);

	if (message)
		put(b, ldap_rename(b->d->ld, dn, rdn, parent, 0, NULL, NULL, message), accepted);
}

static void delete(struct dendir_batch *b, const char *dn, LDAPControl **controls, int accepted)
{
	int *message = message_of_next(b);

	if (message)
		put(b, ldap_delete_ext(b->d->ld, dn, controls, NULL, message), accepted);
}

void dendir_batch_delete(struct dendir_batch *b, const char *dn, int accepted)
{
	delete(b, dn, NULL, accepted);
}

void dendir_batch_delete_if(struct dendir_batch *b, const char *dn, const char *filter, int accepted)
{
	LDAPControl *controls[2] = {NULL, NULL};
	int rc = ldap_create_assertion_control(b->d->ld, (char *)filter, 1, &controls[0]);

	if (rc == LDAP_SUCCESS)
		delete(b, dn, controls, accepted);
	else if (message_of_next(b))
		put(b, rc, accepted);
	ldap_control_free(controls[0]);
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

	return result == LDAP_SUCCESS || (b->operations[i].accepted && result == b->operations[i].accepted);
}

/* Takes one response. *code stays where it is good; b->d keeps the words of a bad one. */
static void take(struct dendir_batch *b, LDAPMessage *response, enum den_code *code)
{
	long i = find(b, ldap_msgid(response));
	enum den_code told;

	if (i < 0)
		return;
	b->waiting--;
	if (*code == DEN_OK) {
		told = dendir_note(b->d, 0, response);
		b->operations[i].result = b->d->result;
		*code = is_good(b, (size_t)i) ? DEN_OK : told;
	} else if (ldap_parse_result(b->d->ld, response, &b->operations[i].result, NULL, NULL, NULL, NULL, 0) !=
		LDAP_SUCCESS) {
		b->operations[i].result = LDAP_DECODING_ERROR;
	}
}

/* Nothing more will be heard of those that are waiting. */
static enum den_code give_up(struct dendir_batch *b, enum den_code code)
{
	for (size_t i = 0; i < b->n && i < DENDIR_BATCH_MAX; i++)
		if (b->operations[i].result == WAITING) {
			ldap_abandon_ext(b->d->ld, b->operations[i].message, NULL, NULL);
			b->operations[i].result = b->d->result;
		}
	b->waiting = 0;
	return code;
}

/* Those that couldn't even be sent. */
static enum den_code unsent(struct dendir_batch *b)
{
	if (b->n > DENDIR_BATCH_MAX)
		return DEN_INTERNAL;
	for (size_t i = 0; i < b->n; i++)
		if (b->operations[i].result != WAITING)
			return dendir_note(b->d, b->operations[i].result, NULL);
	return DEN_OK;
}

enum den_code dendir_batch_end(struct dendir_batch *b)
{
	enum den_code code = unsent(b);

	if (b->n > DENDIR_BATCH_MAX)
		b->n = DENDIR_BATCH_MAX;
	while (b->waiting) {
		enum den_code lost;
		LDAPMessage *response = dendir_await(b->d, LDAP_RES_ANY, &lost);

		if (!response)
			return give_up(b, lost);
		take(b, response, &code);
		ldap_msgfree(response);
	}
	return code;
}

int dendir_batch_result(const struct dendir_batch *b, size_t i)
{
	return i < b->n ? b->operations[i].result : LDAP_PARAM_ERROR;
}
