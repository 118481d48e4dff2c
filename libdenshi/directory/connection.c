#include "directory/connection.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "directory/connection-internal.h"
#include "directory/writer.h"
#include "directory/tls.h"
#include "directory/transport.h"

/* When an operation that starts now ends at the latest. */
static int64_t until_of(const struct dendir *d)
{
	int64_t until_ms = den_now_ms() + DENDIR_OPERATION_MS;

	return d->deadline_ms && d->deadline_ms < until_ms ? d->deadline_ms : until_ms;
}

/* Time that the next operation may take; never 0, which libldap takes for "no limit". */
static struct timeval patience(struct dendir *d)
{
	int64_t ms;

	d->stream.until_ms = until_of(d);
	ms = d->stream.until_ms - den_now_ms();
	if (ms < 1)
		ms = 1;
	return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

void dendir_set_deadline(struct dendir *d, int64_t monotonic_ms)
{
	d->deadline_ms = monotonic_ms;
	d->stream.until_ms = until_of(d);
}

const struct dendir_site *dendir_site_of(const struct dendir *d)
{
	return d->site;
}

const char *dendir_uri(const struct dendir *d)
{
	return d->uri;
}

const char *dendir_diagnostic(const struct dendir *d)
{
	return d->diagnostic;
}

int dendir_result(const struct dendir *d)
{
	return d->result;
}

void dendir_keep(const struct dendir *d, struct dendir_said *said)
{
	said->result = d->result;
	snprintf(said->diagnostic, sizeof(said->diagnostic), "%s", d->diagnostic);
}

void dendir_recall(struct dendir *d, const struct dendir_said *said)
{
	d->result = said->result;
	snprintf(d->diagnostic, sizeof(d->diagnostic), "%s", said->diagnostic);
}

int dendir_is_broken(const struct dendir *d)
{
	return !d->ld || d->result == LDAP_SERVER_DOWN || d->result == LDAP_TIMEOUT ||
		d->result == LDAP_CONNECT_ERROR || d->result == LDAP_UNAVAILABLE;
}

int dendir_is_stale(const struct dendir *d)
{
	struct pollfd p = {.fd = -1, .events = POLLIN};

	if (dendir_is_broken(d) || ldap_get_option(d->ld, LDAP_OPT_DESC, &p.fd) != LDAP_OPT_SUCCESS)
		return 1;
	/* With nothing outstanding, the only thing to read is the end (RFC 4511, 4.4.1). */
	return p.fd < 0 || poll(&p, 1, 0) != 0;
}

static int is_down(int result)
{
	return result == LDAP_SERVER_DOWN || result == LDAP_TIMEOUT || result == LDAP_CONNECT_ERROR ||
		result == LDAP_UNAVAILABLE || result == LDAP_BUSY || result == LDAP_LOCAL_ERROR;
}

/* A write that back-mdb has no room for, in its map or on the disk, is "other" to LDAP:
 * "txn_commit failed", "index add failed", "DN index add fail", or without a word. The guard says of an attempt that
 * it "can't be written". */
static int is_full(int result, LDAPMessage *response, const char *text)
{
	if (result != LDAP_OTHER || !response || ldap_msgtype(response) == LDAP_RES_SEARCH_RESULT)
		return 0;
	if (ldap_msgtype(response) == LDAP_RES_BIND)
		return text && strstr(text, "can't be written");
	return !text || !*text || strstr(text, "fail");
}

enum den_code dendir_note(struct dendir *d, int result, LDAPMessage *response)
{
	char *text = NULL;
	int full;

	if (response) {
		int rc = ldap_parse_result(d->ld, response, &d->result, NULL, &text, NULL, NULL, 0);

		if (rc != LDAP_SUCCESS)
			d->result = rc;
	} else {
		d->result = result;
	}
	snprintf(d->diagnostic, sizeof(d->diagnostic), "%s%s%s", ldap_err2string(d->result),
		text && *text ? ": " : "", text && *text ? text : "");
	full = is_full(d->result, response, text);
	ldap_memfree(text);
	if (d->result == LDAP_SUCCESS)
		return DEN_OK;
	if (full)
		return DEN_DIRECTORY_FULL;
	return is_down(d->result) ? DEN_DIRECTORY_DOWN : DEN_DIRECTORY_REFUSED;
}

/* uri of DENDIR_URI_SIZE, the next of the list at *at; 0 where there is no further one. */
static int next_uri(char *uri, const char **at)
{
	size_t len;

	*at += strspn(*at, " ");
	len = strcspn(*at, " ");
	if (len == 0 || len >= DENDIR_URI_SIZE)
		return 0;
	memcpy(uri, *at, len);
	uri[len] = '\0';
	*at += len;
	return 1;
}

static struct dendir *new_connection(const struct dendir_site *site, const char *uri, int64_t until_ms,
	char why[DENDIR_WHY_SIZE])
{
	struct dendir *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->site = site;
	snprintf(d->uri, sizeof(d->uri), "%s", uri);
	d->stream = (struct dendir_stream){.fd = -1, .until_ms = until_ms};
	d->ld = dendir_transport(site, uri, &d->stream, why);
	if (d->ld)
		return d;
	free(d);
	return NULL;
}

void dendir_close(struct dendir *d)
{
	if (!d)
		return;
	dendir_close(d->spare);
	if (d->ld)
		ldap_unbind_ext(d->ld, NULL, NULL);
	free(d);
}

void dendir_keep_spare(struct dendir *d, struct dendir *as)
{
	if (!d || !as || d->spare || dendir_is_broken(as) || strcmp(d->uri, as->uri) != 0)
		dendir_close(as);
	else
		d->spare = as;
}

struct dendir *dendir_take_spare(struct dendir *like)
{
	struct dendir *d = like->spare;
	char why[DENDIR_WHY_SIZE];

	like->spare = NULL;
	if (d && !dendir_is_stale(d))
		return d;
	dendir_close(d);
	return new_connection(like->site, like->uri, until_of(like), why);
}

LDAPMessage *dendir_await(struct dendir *d, int msgid, enum den_code *code)
{
	struct timeval limit = patience(d);
	LDAPMessage *response = NULL;
	int rc = ldap_result(d->ld, msgid, LDAP_MSG_ALL, &limit, &response);

	if (rc > 0)
		return response;
	if (rc == 0 && msgid != LDAP_RES_ANY)
		ldap_abandon_ext(d->ld, msgid, NULL, NULL);
	else
		ldap_get_option(d->ld, LDAP_OPT_RESULT_CODE, &rc);
	*code = dendir_note(d, rc == 0 ? LDAP_TIMEOUT : rc == LDAP_SUCCESS ? LDAP_SERVER_DOWN : rc, NULL);
	return NULL;
}

/* Ends an operation that was sent with result rc and message msgid. */
static enum den_code finish(struct dendir *d, int rc, int msgid)
{
	enum den_code code;
	LDAPMessage *response;

	if (rc != LDAP_SUCCESS)
		return dendir_note(d, rc, NULL);
	response = dendir_await(d, msgid, &code);
	if (!response)
		return code;
	code = dendir_note(d, 0, response);
	ldap_msgfree(response);
	return code;
}

static enum den_code bind_with(struct dendir *d, const char *dn, const char *mechanism, struct berval *cred)
{
	int msgid = 0, rc;

	rc = ldap_sasl_bind(d->ld, dn, mechanism, cred, NULL, NULL, &msgid);
	return finish(d, rc, msgid);
}

static enum den_code open_at(struct dendir **out, const struct dendir_site *site, const char *uri,
	char why[DENDIR_WHY_SIZE])
{
	int64_t until_ms = den_now_ms() + DENDIR_OPEN_MS;
	struct dendir *d = new_connection(site, uri, until_ms, why);
	char empty[] = "";
	struct berval none = {.bv_val = empty, .bv_len = 0};
	enum den_code code;

	*out = NULL;
	if (!d)
		return DEN_DIRECTORY_DOWN;
	d->deadline_ms = until_ms;
	code = bind_with(d, "", "EXTERNAL", &none);
	d->deadline_ms = 0;
	if (code == DEN_OK) {
		*out = d;
		return DEN_OK;
	}
	snprintf(why, DENDIR_WHY_SIZE, "%.120s: %.120s", uri, d->diagnostic);
	dendir_close(d);
	return code;
}

/* uri of DENDIR_URI_SIZE; returns it. */
static char *writer_uri(char *uri, const struct dendir_site *site)
{
	const char *at = site->writer && *site->writer ? site->writer : site->uri;

	if (dendir_follow_uri(site->follow, uri))
		return uri;
	if (!next_uri(uri, &at))
		uri[0] = '\0';
	return uri;
}

enum den_code dendir_open(struct dendir **out, const struct dendir_site *site)
{
	char uri[DENDIR_URI_SIZE], why[DENDIR_WHY_SIZE];

	return open_at(out, site, writer_uri(uri, site), why);
}

enum den_code dendir_open_any(struct dendir **out, const struct dendir_site *site, char why[DENDIR_WHY_SIZE])
{
	char uri[DENDIR_URI_SIZE];
	const char *at = site->uri;
	enum den_code code = DEN_DIRECTORY_DOWN;

	*out = NULL;
	snprintf(why, DENDIR_WHY_SIZE, "no URI");
	while (code != DEN_OK && next_uri(uri, &at))
		code = open_at(out, site, uri, why);
	return code;
}

int dendir_is_at_first(const struct dendir *d)
{
	char uri[DENDIR_URI_SIZE];
	const char *at = d->site->uri;

	return next_uri(uri, &at) && strcmp(uri, d->uri) == 0;
}

int dendir_is_at_writer(const struct dendir *d)
{
	char uri[DENDIR_URI_SIZE];

	return strcmp(writer_uri(uri, d->site), d->uri) == 0;
}

int dendir_first_answers(const struct dendir_site *site)
{
	char uri[DENDIR_URI_SIZE], why[DENDIR_WHY_SIZE];
	const char *at = site->uri;
	struct dendir *d = NULL;
	int answers = next_uri(uri, &at) && open_at(&d, site, uri, why) == DEN_OK;

	dendir_close(d);
	return answers;
}

static int needs_tls(const char *list)
{
	char uri[DENDIR_URI_SIZE];

	while (list && next_uri(uri, &list))
		if (strncmp(uri, "ldapi:", 6) != 0)
			return 1;
	return 0;
}

int dendir_site_is_safe(const struct dendir_site *site, char why[DENDIR_WHY_SIZE])
{
	if (!needs_tls(site->uri) && !needs_tls(site->writer))
		return 1;
	return dendir_tls_files_are_safe(site, why);
}

enum den_code dendir_delete(struct dendir *d, const char *dn)
{
	int msgid = 0, rc;

	rc = ldap_delete_ext(d->ld, dn, NULL, NULL, &msgid);
	return finish(d, rc, msgid);
}

enum den_code dendir_move(struct dendir *d, const char *dn, const char *rdn, const char *parent)
{
	int msgid = 0, rc;

	rc = ldap_rename(d->ld, dn, rdn, parent, 0, NULL, NULL, &msgid);
	return finish(d, rc, msgid);
}

enum den_code dendir_set_password(struct dendir *d, const char *dn, const struct den_secret *password)
{
	struct berval who = {.bv_val = (char *)(dn ? dn : ""), .bv_len = dn ? strlen(dn) : 0};
	struct berval new = {
		.bv_val = (char *)den_secret_bytes(password),
		.bv_len = den_secret_len(password),
	};
	int msgid = 0, rc;

	rc = ldap_passwd(d->ld, dn ? &who : NULL, NULL, &new, NULL, NULL, &msgid);
	return finish(d, rc, msgid);
}

enum den_code dendir_search(struct dendir *d, const char *base, enum dendir_scope scope,
	const char *filter, const char *const *attributes, dendir_each *each, void *context)
{
	static const int scopes[] = {
		[DENDIR_BASE] = LDAP_SCOPE_BASE,
		[DENDIR_ONE] = LDAP_SCOPE_ONELEVEL,
		[DENDIR_SUBTREE] = LDAP_SCOPE_SUBTREE,
	};
	struct timeval limit;
	LDAPMessage *message = NULL;
	enum den_code code = DEN_OK;
	int msgid, rc, stop = 0;

	/* The server's limit is for the whole list, which may be long: what is watched is the
	 * time between two entries. */
	rc = ldap_search_ext(d->ld, base, scopes[scope], filter, (char **)attributes, 0, NULL, NULL, NULL, 0, &msgid);
	if (rc != LDAP_SUCCESS)
		return dendir_note(d, rc, NULL);
	/* One entry at a time: a list of 100,000 users is not held in memory. */
	while (!stop) {
		limit = patience(d);
		rc = ldap_result(d->ld, msgid, LDAP_MSG_ONE, &limit, &message);
		if (rc <= 0) {
			ldap_abandon_ext(d->ld, msgid, NULL, NULL);
			return dendir_note(d, rc == 0 ? LDAP_TIMEOUT : LDAP_SERVER_DOWN, NULL);
		}
		if (rc == LDAP_RES_SEARCH_ENTRY) {
			struct dendir_entry e = {.ld = d->ld, .message = message};

			stop = each(context, &e) || e.lost;
			if (e.lost)
				code = DEN_DIRECTORY_REFUSED;
			dendir_entry_done(&e);
			if (stop)
				ldap_abandon_ext(d->ld, msgid, NULL, NULL);
		} else if (rc == LDAP_RES_SEARCH_RESULT) {
			code = dendir_note(d, 0, message);
			if (d->result == LDAP_NO_SUCH_OBJECT)
				code = DEN_OK;
			stop = 1;
		}
		ldap_msgfree(message);
		message = NULL;
	}
	return code;
}

/* -- changes -------------------------------------------------------------------- */

enum den_code dendir_add(struct dendir *d, const char *dn, struct dendir_mods *m)
{
	LDAPMod **list = dendir_mods_list(d, m);
	int msgid = 0, rc;

	if (!list)
		return DEN_DIRECTORY_REFUSED;
	rc = ldap_add_ext(d->ld, dn, list, NULL, NULL, &msgid);
	return finish(d, rc, msgid);
}

enum den_code dendir_modify(struct dendir *d, const char *dn, struct dendir_mods *m)
{
	LDAPMod **list = dendir_mods_list(d, m);
	int msgid = 0, rc;

	if (!list)
		return DEN_DIRECTORY_REFUSED;
	if (!*list)
		return DEN_OK;
	rc = ldap_modify_ext(d->ld, dn, list, NULL, NULL, &msgid);
	return finish(d, rc, msgid);
}

enum den_code dendir_modify_if(struct dendir *d, const char *dn, const char *filter, struct dendir_mods *m)
{
	LDAPMod **list = dendir_mods_list(d, m);
	LDAPControl *controls[2] = {NULL, NULL};
	int msgid = 0, rc;
	enum den_code code;

	if (!list)
		return DEN_DIRECTORY_REFUSED;
	rc = ldap_create_assertion_control(d->ld, (char *)filter, 1, &controls[0]);
	if (rc != LDAP_SUCCESS)
		return dendir_note(d, rc, NULL);
	rc = ldap_modify_ext(d->ld, dn, list, controls, NULL, &msgid);
	code = finish(d, rc, msgid);
	ldap_control_free(controls[0]);
	return code;
}

/* The request value of a read-entry control: the attributes wanted (RFC 4527, 3). */
static LDAPControl *post_read(const char *const *attributes)
{
	BerElement *ber = ber_alloc_t(LBER_USE_DER);
	struct berval value = {0};
	LDAPControl *control = NULL;

	if (ber && ber_printf(ber, "{v}", (char **)attributes) >= 0 && ber_flatten2(ber, &value, 1) == 0)
		ldap_control_create(LDAP_CONTROL_POST_READ, 1, &value, 0, &control);
	if (!control)
		ber_memfree(value.bv_val);
	if (ber)
		ber_free(ber, 1);
	return control;
}

void dendir_note_time(struct dendir *d, const char *text)
{
	d->told_time = *text ? dendir_parse_time(text) : 0;
	d->told_ms = den_now_ms();
}

int64_t dendir_told_time(struct dendir *d)
{
	int64_t t = d->told_time;

	d->told_time = 0;
	return t > 0 ? t + (den_now_ms() - d->told_ms) / 1000 : 0;
}

/* Tells `each` of the entry that came with a response; -1 where none came. */
static int tell_post_read(struct dendir *d, LDAPMessage *response, dendir_each *each, void *context)
{
	LDAPControl **controls = NULL, *found;
	struct dendir_entry e = {.ld = d->ld};
	int told = -1;

	if (ldap_parse_result(d->ld, response, NULL, NULL, NULL, NULL, &controls, 0) != LDAP_SUCCESS)
		return -1;
	found = ldap_control_find(LDAP_CONTROL_POST_READ, controls, NULL);
	if (found && dendir_entry_decode(&e, &found->ldctl_value) == 0) {
		each(context, &e);
		dendir_note_time(d, dendir_entry_string(&e, "modifyTimestamp"));
		told = e.lost ? -1 : 0;
	}
	dendir_entry_done(&e);
	ldap_controls_free(controls);
	return told;
}

enum den_code dendir_modify_read(struct dendir *d, const char *dn, struct dendir_mods *m,
	const char *const *attributes, dendir_each *each, void *context)
{
	LDAPControl *controls[2] = {NULL, NULL};
	LDAPMessage *response = NULL;
	enum den_code code = DEN_DIRECTORY_REFUSED;
	LDAPMod **list = dendir_mods_list(d, m);
	int msgid = 0, rc;

	if (!list || !(controls[0] = post_read(attributes)))
		return DEN_DIRECTORY_REFUSED;
	rc = ldap_modify_ext(d->ld, dn, list, controls, NULL, &msgid);
	if (rc != LDAP_SUCCESS)
		code = dendir_note(d, rc, NULL);
	else
		response = dendir_await(d, msgid, &code);
	if (response) {
		code = dendir_note(d, 0, response);
		if (code == DEN_OK && tell_post_read(d, response, each, context) != 0) {
			snprintf(d->diagnostic, sizeof(d->diagnostic), "no post-read control in the answer");
			code = DEN_DIRECTORY_REFUSED;
		}
		ldap_msgfree(response);
	}
	ldap_control_free(controls[0]);
	return code;
}
