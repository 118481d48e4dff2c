/* RFC 4533, by libldap's ldap_sync calls. */
#include <string.h>

#include "directory/connection-internal.h"

struct watch {
	const struct dendir_watcher *watcher;
	int ended, refreshed;
};

static int on_entry(ldap_sync_t *sync, LDAPMessage *message, struct berval *uuid, ldap_sync_refresh_t phase)
{
	struct watch *w = sync->ls_private;
	struct dendir_entry e = {.ld = sync->ls_ld, .message = message};

	if (!uuid || uuid->bv_len != 16 || w->ended)
		return LDAP_SUCCESS;
	if (phase == LDAP_SYNC_CAPI_DELETE)
		w->ended = w->watcher->gone(w->watcher->context, (const unsigned char *)uuid->bv_val);
	else if (phase == LDAP_SYNC_CAPI_ADD || phase == LDAP_SYNC_CAPI_MODIFY)
		w->ended = w->watcher->changed(w->watcher->context, (const unsigned char *)uuid->bv_val, &e);
	dendir_entry_done(&e);
	return LDAP_SUCCESS;
}

static int on_intermediate(ldap_sync_t *sync, LDAPMessage *message, BerVarray uuids,
	ldap_sync_refresh_t phase)
{
	struct watch *w = sync->ls_private;

	(void)message;
	if (phase == LDAP_SYNC_CAPI_DELETES_IDSET)
		for (size_t i = 0; uuids && uuids[i].bv_val && !w->ended; i++)
			if (uuids[i].bv_len == 16)
				w->ended = w->watcher->gone(w->watcher->context,
					(const unsigned char *)uuids[i].bv_val);
	if (phase == LDAP_SYNC_CAPI_DONE && !w->refreshed && !w->ended) {
		w->refreshed = 1;
		w->ended = w->watcher->refreshed(w->watcher->context);
	}
	return LDAP_SUCCESS;
}

static int on_result(ldap_sync_t *sync, LDAPMessage *message, int delete_phase)
{
	(void)sync;
	(void)message;
	(void)delete_phase;
	return LDAP_SUCCESS;
}

enum den_code dendir_watch(struct dendir *d, const char *base, const char *filter,
	const char *const *attributes, const struct dendir_watcher *watcher)
{
	struct watch w = {.watcher = watcher};
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

	/* From here on there is no operation that ends: only a stall does. */
	d->stream.until_ms = 0;
	rc = ldap_sync_init(&sync, LDAP_SYNC_REFRESH_AND_PERSIST);
	while (rc == LDAP_SUCCESS && !w.ended) {
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
	return DEN_DIRECTORY_DOWN;
}
