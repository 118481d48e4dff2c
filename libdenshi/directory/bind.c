/* Simple binds. */
#include <ldap.h>
#include <stdio.h>
#include <string.h>

#include "core/oid.h"
#include "directory/connection-internal.h"

/* The longest answer to an attempt. */
#define ANSWER_SIZE 320

/* Takes an answer, "STATE COUNT TIME" or "STATE COUNT TIME LATEST"; time of DENDIR_TIME_SIZE. 0 or -1. */
static int read_answer(struct dendir_tried *tried, char *time, const struct berval *value)
{
	char text[ANSWER_SIZE], state[8];
	int end = 0;

	if (value->bv_len >= sizeof(text) || memchr(value->bv_val, '\0', value->bv_len))
		return -1;
	snprintf(text, sizeof(text), "%.*s", (int)value->bv_len, value->bv_val);
	if (sscanf(text, "%7s %1u %15s%n", state, &tried->taken, time, &end) != 3 || (text[end] && text[end] != ' '))
		return -1;
	snprintf(tried->latest, sizeof(tried->latest), "%s", text[end] ? text + end + 1 : "");
	if (strcmp(state, "tried") == 0)
		tried->state = DENDIR_TRIED;
	else if (strcmp(state, "locked") == 0)
		tried->state = DENDIR_LOCKED;
	else if (strcmp(state, "busy") == 0)
		tried->state = DENDIR_OTHERS;
	return tried->state == DENDIR_UNTOLD ? -1 : 0;
}

static void take_answer(struct dendir *like, struct dendir *d, LDAPMessage *response, struct dendir_tried *tried)
{
	LDAPControl **controls = NULL, *found;
	char time[DENDIR_TIME_SIZE] = "";

	if (ldap_parse_result(d->ld, response, NULL, NULL, NULL, NULL, &controls, 0) != LDAP_SUCCESS || !controls)
		return;
	found = ldap_control_find(DEN_OID_ATTEMPT, controls, NULL);
	if (found && found->ldctl_value.bv_val && read_answer(tried, time, &found->ldctl_value) == 0)
		dendir_note_time(like, time);
	else
		*tried = (struct dendir_tried){.state = DENDIR_UNTOLD};
	ldap_controls_free(controls);
}

/* controls: NULL, or that of an attempt. */
static enum den_code bind_as(struct dendir *like, struct dendir *d, const char *dn, const struct den_secret *password,
	LDAPControl **controls, struct dendir_tried *tried)
{
	struct berval cred = {
		.bv_val = (char *)den_secret_bytes(password),
		.bv_len = den_secret_len(password),
	};
	LDAPMessage *response;
	enum den_code code;
	int msgid = 0, rc;

	dendir_set_deadline(d, like->deadline_ms);
	rc = ldap_sasl_bind(d->ld, dn, LDAP_SASL_SIMPLE, &cred, controls, NULL, &msgid);
	if (rc != LDAP_SUCCESS)
		return dendir_note(d, rc, NULL);
	response = dendir_await(d, msgid, &code);
	if (!response)
		return code;
	if (controls)
		take_answer(like, d, response, tried);
	code = dendir_note(d, 0, response);
	ldap_msgfree(response);
	return d->result == LDAP_INVALID_CREDENTIALS ? DEN_LOGIN_WRONG : code;
}

static enum den_code open_as(struct dendir **out, struct dendir *like, const char *dn, const struct den_secret *password,
	LDAPControl **controls, struct dendir_tried *tried)
{
	struct dendir_said said;
	struct dendir *d;
	enum den_code code;

	*out = NULL;
	/* An empty password would be an unauthenticated bind, which succeeds (RFC 4513, 5.1.2). */
	if (den_secret_len(password) == 0)
		return DEN_LOGIN_WRONG;
	d = dendir_take_spare(like);
	if (!d)
		return DEN_DIRECTORY_DOWN;
	code = bind_as(like, d, dn, password, controls, tried);
	dendir_keep(d, &said);
	dendir_recall(like, &said);
	if (code == DEN_OK)
		*out = d;
	else
		dendir_keep_spare(like, d);
	return code;
}

enum den_code dendir_open_as(struct dendir **out, struct dendir *like, const char *dn,
	const struct den_secret *password)
{
	return open_as(out, like, dn, password, NULL, NULL);
}

enum den_code dendir_open_attempt(struct dendir **out, struct dendir *like, const char *dn,
	const struct den_secret *password, const char *from, struct dendir_tried *tried)
{
	LDAPControl attempt = {.ldctl_oid = (char *)DEN_OID_ATTEMPT,
		.ldctl_value = {.bv_val = (char *)from, .bv_len = strlen(from)},
		.ldctl_iscritical = 1};
	LDAPControl *controls[] = {&attempt, NULL};
	enum den_code code;

	*tried = (struct dendir_tried){.state = DENDIR_UNTOLD};
	code = open_as(out, like, dn, password, controls, tried);
	if (like->result == LDAP_UNAVAILABLE_CRITICAL_EXTENSION)
		snprintf(like->diagnostic, sizeof(like->diagnostic),
			"the server counts no attempts: no denshi-guard, or an older one (denshi directory upgrade)");
	return code;
}
