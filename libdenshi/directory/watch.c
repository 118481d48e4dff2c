/* RFC 4533, by libldap's ldap_sync calls. */
#include <stdio.h>
#include <string.h>

#include "directory/connection-internal.h"

/* syncInfoValue's choice refreshPresent (RFC 4533, 2.5), which libldap reads and doesn't tell. */
#define REFRESH_PRESENT 0xa2

struct watch {
	const struct dendir_watcher *watcher;
	struct dendir_cookie *cookie;
	int ended, refreshed, refused;
};

/* One that doesn't fit is none: the next watch then begins anew. */
static void take_cookie(const struct watch *w, const ldap_sync_t *sync)
{
	const struct berval *c = &sync->ls_cookie;
	int fits = c->bv_val && c->bv_len < sizeof(w->cookie->text) && !memchr(c->bv_val, '\0', c->bv_len);

	snprintf(w->cookie->text, sizeof(w->cookie->text), "%.*s", fits ? (int)c->bv_len : 0,
		fits ? c->bv_val : "");
}

static int on_entry(ldap_sync_t *sync, LDAPMessage *message, struct berval *uuid, ldap_sync_refresh_t phase)
{
	struct watch *w = sync->ls_private;
	struct dendir_entry e = {.ld = sync->ls_ld, .message = message};
	const unsigned char *id;

	if (!uuid || uuid->bv_len != 16 || w->ended)
		return LDAP_SUCCESS;
	id = (const unsigned char *)uuid->bv_val;
	/* While it refreshes, a cookie would skip what hasn't been told yet. */
	if (w->refreshed)
		take_cookie(w, sync);
	if (phase == LDAP_SYNC_CAPI_DELETE && w->watcher->gone)
		w->ended = w->watcher->gone(w->watcher->context, id);
	else if (phase == LDAP_SYNC_CAPI_PRESENT && w->watcher->present)
		w->ended = w->watcher->present(w->watcher->context, id);
	else if (phase == LDAP_SYNC_CAPI_ADD || phase == LDAP_SYNC_CAPI_MODIFY)
		w->ended = w->watcher->changed(w->watcher->context, id, &e);
	if (e.lost)
		w->refused = 1;
	dendir_entry_done(&e);
	return LDAP_SUCCESS;
}

static void each_uuid(struct watch *w, BerVarray uuids, int (*tell)(void *, const unsigned char *))
{
	for (size_t i = 0; tell && uuids && uuids[i].bv_val && !w->ended; i++)
		if (uuids[i].bv_len == 16)
			w->ended = tell(w->watcher->context, (const unsigned char *)uuids[i].bv_val);
}

static int ends_with_present(LDAP *ld, LDAPMessage *message)
{
	struct berval *value = NULL;
	char *oid = NULL;
	int present = ldap_parse_intermediate(ld, message, &oid, &value, NULL, 0) == LDAP_SUCCESS && value &&
		value->bv_len > 0 && (unsigned char)value->bv_val[0] == REFRESH_PRESENT;

	ldap_memfree(oid);
	ber_bvfree(value);
	return present;
}

static int on_intermediate(ldap_sync_t *sync, LDAPMessage *message, BerVarray uuids,
	ldap_sync_refresh_t phase)
{
	struct watch *w = sync->ls_private;

	if (w->refreshed)
		take_cookie(w, sync);
	if (phase == LDAP_SYNC_CAPI_DELETES_IDSET)
		each_uuid(w, uuids, w->watcher->gone);
	if (phase == LDAP_SYNC_CAPI_PRESENTS_IDSET)
		each_uuid(w, uuids, w->watcher->present);
	if (phase == LDAP_SYNC_CAPI_DONE && !w->refreshed && !w->ended) {
		w->refreshed = 1;
		take_cookie(w, sync);
		if (w->watcher->refreshed)
			w->ended = w->watcher->refreshed(w->watcher->context, ends_with_present(sync->ls_ld, message));
	}
	return LDAP_SUCCESS;
}

/* The server has ended the search. */
static int on_result(ldap_sync_t *sync, LDAPMessage *message, int delete_phase)
{
	struct watch *w = sync->ls_private;
	int code = LDAP_OTHER;

	(void)delete_phase;
	w->refused = ldap_parse_result(sync->ls_ld, message, &code, NULL, NULL, NULL, NULL, 0) == LDAP_SUCCESS &&
		code != LDAP_SUCCESS && code != LDAP_UNAVAILABLE && code != LDAP_BUSY;
	return LDAP_SUCCESS;
}

enum den_code dendir_watch(struct dendir *d, const char *base, const char *filter,
	const char *const *attributes, struct dendir_cookie *cookie, const struct dendir_watcher *watcher)
{
	struct dendir_cookie none = {""};
	struct watch w = {.watcher = watcher, .cookie = cookie ? cookie : &none};
	ldap_sync_t sync;
	int rc;

	ldap_sync_initialize(&sync);
	sync.ls_base = (char *)base;
	sync.ls_scope = LDAP_SCOPE_SUBTREE;
	sync.ls_filter = (char *)filter;
	sync.ls_attrs = (char **)attributes;
	sync.ls_timelimit = 0;
	sync.ls_sizelimit = 0;
	sync.ls_timeout = 1; /* seconds between two calls of idle */
	sync.ls_search_entry = on_entry;
	sync.ls_intermediate = on_intermediate;
	sync.ls_search_result = on_result;
	sync.ls_private = &w;
	sync.ls_ld = d->ld;
	if (*w.cookie->text) {
		ber_str2bv(w.cookie->text, 0, 1, &sync.ls_cookie);
		sync.ls_reloadHint = 1; /* rather all of it than a refusal, where it is too old */
	}

	/* From here on there is no operation that ends: only a stall does. */
	d->stream.until_ms = 0;
	rc = ldap_sync_init(&sync, LDAP_SYNC_REFRESH_AND_PERSIST);
	while (rc == LDAP_SUCCESS && !w.ended && !w.refused) {
		if (watcher->idle)
			w.ended = watcher->idle(watcher->context);
		if (!w.ended)
			rc = ldap_sync_poll(&sync);
	}
	/* Strings and the handle are the caller's and d's: ldap_sync_destroy must not free them. */
	sync.ls_base = NULL;
	sync.ls_filter = NULL;
	sync.ls_attrs = NULL;
	sync.ls_ld = NULL;
	ldap_sync_destroy(&sync, 0);
	if (w.ended)
		return DEN_OK;
	dendir_note(d, rc == LDAP_SUCCESS ? LDAP_SERVER_DOWN : rc, NULL);
	return w.refused ? DEN_DIRECTORY_REFUSED : DEN_DIRECTORY_DOWN;
}
