/* RFC 4533: a search that goes on. */
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#include "core/clock.h"
#include "directory/connection-internal.h"
#include "directory/features.h"
#include "directory/sync.h"

#define IDLE_MS 1000 /* between two calls of idle, at most */
/* While it refreshes, a server that says nothing for so long is lost: it waits for changes that are
 * being written, and looks through all entries before it tells of the first. */
#define REFRESH_STALL_MS 60000

struct watch {
	struct dendir *d;
	const struct dendir_watcher *watcher;
	struct dendir_cookie *cookie; /* the caller's */
	struct dendir_cookie latest;  /* that came; while it refreshes, it would skip what hasn't been told yet */
	int msgid;
	int64_t heard_ms;
	int ended, refreshed, others_gone;
	enum den_code code; /* why it is over, where nobody ended it */
};

static void lose(struct watch *w, int result)
{
	w->code = dendir_note(w->d, result, NULL);
}

static void keep_cookie(struct watch *w)
{
	if (w->cookie && w->refreshed)
		*w->cookie = w->latest;
}

/* -- the messages ---------------------------------------------------------------------------- */

static void tell(struct watch *w, int (*callback)(void *, const unsigned char *), const unsigned char *uuid)
{
	if (callback && !w->ended)
		w->ended = callback(w->watcher->context, uuid);
}

static void tell_changed(struct watch *w, const unsigned char *uuid, LDAPMessage *message)
{
	struct dendir_entry e = {.ld = w->d->ld, .message = message};

	w->ended = w->watcher->changed(w->watcher->context, uuid, &e);
	if (e.lost)
		w->code = DEN_DIRECTORY_REFUSED;
	dendir_entry_done(&e);
}

/* The state that comes with an entry (RFC 4533, 2.3). 0 or -1. */
static int read_state(struct watch *w, LDAPMessage *message, struct dendir_sync_state *state)
{
	LDAPControl **controls = NULL, *c = NULL;
	int rc;

	if (ldap_get_entry_controls(w->d->ld, message, &controls) == LDAP_SUCCESS)
		c = ldap_control_find(LDAP_CONTROL_SYNC_STATE, controls, NULL);
	rc = c ? dendir_sync_read_state(&c->ldctl_value, state, &w->latest) : -1;
	ldap_controls_free(controls);
	return rc;
}

static void take_entry(struct watch *w, LDAPMessage *message)
{
	struct dendir_sync_state state;

	if (read_state(w, message, &state) != 0) {
		lose(w, LDAP_DECODING_ERROR);
		return;
	}
	keep_cookie(w);
	switch (state.state) {
	case DENDIR_SYNC_DELETE:
		tell(w, w->watcher->gone, state.uuid);
		break;
	case DENDIR_SYNC_PRESENT:
		tell(w, w->watcher->present, state.uuid);
		break;
	case DENDIR_SYNC_ADD:
	case DENDIR_SYNC_MODIFY:
		tell_changed(w, state.uuid, message);
		break;
	}
}

static void take_set(struct watch *w, const struct dendir_sync_info *info)
{
	int (*callback)(void *, const unsigned char *) = info->deletes ? w->watcher->gone : w->watcher->present;

	for (size_t i = 0; info->uuids && info->uuids[i].bv_val; i++)
		tell(w, callback, (const unsigned char *)info->uuids[i].bv_val);
}

static void end_refresh(struct watch *w, const struct dendir_sync_info *info)
{
	w->others_gone |= info->kind == DENDIR_SYNC_REFRESH_PRESENT;
	if (!info->done || w->refreshed)
		return;
	w->refreshed = 1;
	keep_cookie(w);
	if (w->watcher->refreshed)
		w->ended = w->watcher->refreshed(w->watcher->context, w->others_gone);
}

/* 0 or -1. */
static int read_info(struct watch *w, LDAPMessage *message, struct dendir_sync_info *info)
{
	struct berval *value = NULL;
	char *oid = NULL;
	int rc = -1;

	if (ldap_parse_intermediate(w->d->ld, message, &oid, &value, NULL, 0) == LDAP_SUCCESS && oid && value &&
		strcmp(oid, LDAP_SYNC_INFO) == 0)
		rc = dendir_sync_read_info(value, info, &w->latest);
	ldap_memfree(oid);
	ber_bvfree(value);
	return rc;
}

static void take_info(struct watch *w, LDAPMessage *message)
{
	struct dendir_sync_info info;

	if (read_info(w, message, &info) != 0) {
		lose(w, LDAP_DECODING_ERROR);
		return;
	}
	keep_cookie(w);
	if (info.kind == DENDIR_SYNC_ID_SET)
		take_set(w, &info);
	else if (info.kind != DENDIR_SYNC_COOKIE)
		end_refresh(w, &info);
	ber_bvarray_free(info.uuids);
}

/* The server has ended the search. */
static void take_result(struct watch *w, LDAPMessage *message)
{
	w->code = dendir_note(w->d, 0, message);
	if (w->code == DEN_OK)
		lose(w, LDAP_SERVER_DOWN);
}

static void take(struct watch *w, LDAPMessage *message)
{
	switch (ldap_msgtype(message)) {
	case LDAP_RES_SEARCH_ENTRY:
		take_entry(w, message);
		break;
	case LDAP_RES_INTERMEDIATE:
		take_info(w, message);
		break;
	case LDAP_RES_SEARCH_RESULT:
		take_result(w, message);
		break;
	default: /* a reference: other servers are the site's business */
		break;
	}
}

/* -- the search ------------------------------------------------------------------------------ */

static int start(struct watch *w, int quiet, const char *base, const char *filter, const char *const *attributes)
{
	LDAPControl *controls[2] = {NULL, NULL};
	int rc = dendir_sync_request(&w->latest, quiet, &controls[0]);

	if (rc == LDAP_SUCCESS)
		rc = ldap_search_ext(w->d->ld, base, LDAP_SCOPE_SUBTREE, filter, (char **)attributes, 0, controls, NULL, NULL,
			LDAP_NO_LIMIT, &w->msgid);
	ldap_control_free(controls[0]);
	return rc;
}

static int is_over(const struct watch *w)
{
	return w->ended || w->code != DEN_OK;
}

static void idle(struct watch *w)
{
	if (w->watcher->idle)
		w->ended = w->watcher->idle(w->watcher->context);
	/* It has asked, and there was no answer. */
	if (!w->ended && dendir_is_broken(w->d))
		w->code = DEN_DIRECTORY_DOWN;
	/* Nor is there a time by which the next message is to come: only one in its middle may stall. */
	w->d->stream.until_ms = 0;
}

/* One message, or a second without one. What idle's questions left in libldap's queue, of this search,
 * is taken from there one by one. */
static void look(struct watch *w)
{
	struct timeval limit = {.tv_sec = IDLE_MS / 1000};
	LDAPMessage *message = NULL;
	int rc = ldap_result(w->d->ld, w->msgid, LDAP_MSG_ONE, &limit, &message);

	if (rc < 0)
		lose(w, LDAP_SERVER_DOWN);
	else if (rc > 0)
		take(w, message);
	ldap_msgfree(message);
	if (rc > 0)
		w->heard_ms = den_now_ms();
	else if (rc == 0 && !w->refreshed && den_now_ms() - w->heard_ms >= REFRESH_STALL_MS)
		lose(w, LDAP_TIMEOUT);
}

enum den_code dendir_watch(struct dendir *d, const char *base, const char *filter,
	const char *const *attributes, struct dendir_cookie *cookie, const struct dendir_watcher *watcher)
{
	struct watch w = {.d = d, .watcher = watcher, .cookie = cookie, .heard_ms = den_now_ms()};
	struct dendir_features features;
	enum den_code code = dendir_features_read(d, &features);
	int rc;

	if (code != DEN_OK)
		return code;
	if (cookie)
		w.latest = *cookie;
	d->stream.until_ms = 0;
	rc = start(&w, features.quiet, base, filter, attributes);
	if (rc != LDAP_SUCCESS)
		return dendir_note(d, rc, NULL);
	while (!is_over(&w)) {
		idle(&w);
		if (!is_over(&w))
			look(&w);
	}
	if (!dendir_is_broken(d))
		ldap_abandon_ext(d->ld, w.msgid, NULL, NULL);
	return w.code;
}
