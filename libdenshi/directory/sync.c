#include "directory/sync.h"

#include <stdio.h>
#include <string.h>

#include "core/oid.h"
#include "directory/ber.h"

#define UUID_SIZE 16

/* -- cookies --------------------------------------------------------------------------------- */

/*
 * slapd's are "rid=000,sid=001,csn=TIME#COUNT#SID#MOD;...": of each server that has written, up to where it
 * was told. Whoever sends a sid is taken for the server of that number, and is never told what that one
 * has written: ours have none, or DEN_QUIET_SID. What comes with an entry names the entry's writer alone.
 */
#define OURS "rid=000,csn="

static int is_slapds(const char *cookie)
{
	return strncmp(cookie, "rid=", 4) == 0;
}

static const char *csns_of(const char *cookie)
{
	const char *at = strstr(cookie, ",csn=");

	return is_slapds(cookie) && at ? at + 5 : "";
}

/* The third field of a CSN of len bytes, with the # on both sides; NULL: it isn't one. */
static const char *writer_of(const char *csn, size_t len, size_t *size)
{
	const char *count = memchr(csn, '#', len);
	const char *sid = count ? memchr(count + 1, '#', (size_t)(csn + len - count - 1)) : NULL;
	const char *mod = sid ? memchr(sid + 1, '#', (size_t)(csn + len - sid - 1)) : NULL;

	*size = mod ? (size_t)(mod + 1 - sid) : 0;
	return mod ? sid : NULL;
}

/* 1 where the cookie has a CSN of the same writer. */
static int has_writer(const char *cookie, const char *writer, size_t size)
{
	return memmem(csns_of(cookie), strlen(csns_of(cookie)), writer, size) != NULL;
}

/* Adds those of writers that it has none of yet. One that doesn't fit leaves "". */
static void add_csns(struct dendir_cookie *cookie, const char *csns)
{
	size_t len, used, size;

	for (; *csns && *csns != ','; csns += len + (csns[len] == ';')) {
		const char *writer;

		len = strcspn(csns, ";,");
		writer = writer_of(csns, len, &size);
		if (!writer || has_writer(cookie->text, writer, size))
			continue;
		used = strlen(cookie->text);
		if (used + len + sizeof(OURS) + 1 > sizeof(cookie->text)) {
			cookie->text[0] = '\0';
			return;
		}
		snprintf(cookie->text + used, sizeof(cookie->text) - used, "%s%.*s", used ? ";" : OURS, (int)len, csns);
	}
}

static void take_cookie(const struct berval *told, struct dendir_cookie *cookie)
{
	struct dendir_cookie fresh = {""}, merged = {""};

	if (told->bv_len < sizeof(fresh.text) && !memchr(told->bv_val, '\0', told->bv_len))
		snprintf(fresh.text, sizeof(fresh.text), "%.*s", (int)told->bv_len, told->bv_val);
	if (!is_slapds(fresh.text)) {
		*cookie = fresh;
		return;
	}
	add_csns(&merged, csns_of(fresh.text));
	if (*merged.text) {
		add_csns(&merged, csns_of(cookie->text));
		*cookie = merged;
	}
}

/* What is sent for it; "" for nothing. A snapshot of an older denshi's has it as slapd said it. */
static void put_cookie(const struct dendir_cookie *cookie, int quiet, char *out, size_t size)
{
	struct dendir_cookie ours = {""};
	const char *csns;

	if (*cookie->text && !is_slapds(cookie->text)) {
		snprintf(out, size, "%s", cookie->text);
		return;
	}
	add_csns(&ours, csns_of(cookie->text));
	csns = csns_of(ours.text);
	if (quiet)
		snprintf(out, size, "rid=000,sid=%03x%s%s", DEN_QUIET_SID, *csns ? ",csn=" : "", csns);
	else
		snprintf(out, size, "%s", ours.text);
}

/* -- messages -------------------------------------------------------------------------------- */

int dendir_sync_request(const struct dendir_cookie *cookie, int quiet, LDAPControl **control)
{
	BerElement *ber = ber_alloc_t(LBER_USE_DER);
	char sent[DENDIR_COOKIE_SIZE + sizeof("sid=fff,")];
	struct berval value = {.bv_val = NULL};
	int rc = LDAP_NO_MEMORY, written = -1;

	put_cookie(cookie, quiet, sent, sizeof(sent));
	if (ber && *sent)
		written = ber_printf(ber, "{esb}", LDAP_SYNC_REFRESH_AND_PERSIST, sent, 1);
	else if (ber)
		written = ber_printf(ber, "{eb}", LDAP_SYNC_REFRESH_AND_PERSIST, 0);
	if (written != -1 && ber_flatten2(ber, &value, 0) == 0)
		rc = ldap_control_create(LDAP_CONTROL_SYNC, 1, &value, 1, control);
	ber_free(ber, 1);
	return rc;
}

/* What comes next in a sequence is optional, and has this tag. */
static int comes_next(BerElement *ber, ber_tag_t tag)
{
	ber_len_t len;

	return ber_peek_tag(ber, &len) == tag;
}

static int read_cookie(BerElement *ber, struct dendir_cookie *cookie)
{
	struct berval told;

	if (ber_scanf(ber, "m", &told) == LBER_ERROR)
		return -1;
	take_cookie(&told, cookie);
	return 0;
}

static int read_optional_cookie(BerElement *ber, struct dendir_cookie *cookie)
{
	return comes_next(ber, LDAP_TAG_SYNC_COOKIE) ? read_cookie(ber, cookie) : 0;
}

static int read_flag(BerElement *ber, ber_tag_t tag, int *flag)
{
	return !comes_next(ber, tag) || ber_scanf(ber, "b", flag) != LBER_ERROR ? 0 : -1;
}

int dendir_sync_read_state(const struct berval *value, struct dendir_sync_state *state, struct dendir_cookie *cookie)
{
	BerElement *ber = dendir_ber_reader(value);
	struct berval uuid;
	ber_int_t number;
	int rc = -1;

	if (ber && ber_scanf(ber, "{em", &number, &uuid) != LBER_ERROR && uuid.bv_len == UUID_SIZE &&
		number >= LDAP_SYNC_PRESENT && number <= LDAP_SYNC_DELETE) {
		state->state = number;
		memcpy(state->uuid, uuid.bv_val, UUID_SIZE);
		rc = read_optional_cookie(ber, cookie);
	}
	ber_free(ber, 1);
	return rc;
}

static int are_uuids(BerVarray uuids)
{
	for (size_t i = 0; uuids && uuids[i].bv_val; i++)
		if (uuids[i].bv_len != UUID_SIZE)
			return 0;
	return 1;
}

static int read_refresh(BerElement *ber, struct dendir_sync_info *info, struct dendir_cookie *cookie)
{
	info->done = 1; /* by default */
	if (ber_scanf(ber, "{") == LBER_ERROR || read_optional_cookie(ber, cookie) != 0)
		return -1;
	return read_flag(ber, LDAP_TAG_REFRESHDONE, &info->done);
}

static int read_set(BerElement *ber, struct dendir_sync_info *info, struct dendir_cookie *cookie)
{
	if (ber_scanf(ber, "{") == LBER_ERROR || read_optional_cookie(ber, cookie) != 0 ||
		read_flag(ber, LDAP_TAG_REFRESHDELETES, &info->deletes) != 0 ||
		ber_scanf(ber, "[W]", &info->uuids) == LBER_ERROR)
		return -1;
	if (are_uuids(info->uuids))
		return 0;
	ber_bvarray_free(info->uuids);
	info->uuids = NULL;
	return -1;
}

int dendir_sync_read_info(const struct berval *value, struct dendir_sync_info *info, struct dendir_cookie *cookie)
{
	BerElement *ber = dendir_ber_reader(value);
	ber_len_t len;
	int rc = -1;

	memset(info, 0, sizeof(*info));
	if (!ber)
		return -1;
	switch (ber_peek_tag(ber, &len)) {
	case LDAP_TAG_SYNC_NEW_COOKIE:
		info->kind = DENDIR_SYNC_COOKIE;
		rc = read_cookie(ber, cookie);
		break;
	case LDAP_TAG_SYNC_REFRESH_DELETE:
		info->kind = DENDIR_SYNC_REFRESH_DELETE;
		rc = read_refresh(ber, info, cookie);
		break;
	case LDAP_TAG_SYNC_REFRESH_PRESENT:
		info->kind = DENDIR_SYNC_REFRESH_PRESENT;
		rc = read_refresh(ber, info, cookie);
		break;
	case LDAP_TAG_SYNC_ID_SET:
		info->kind = DENDIR_SYNC_ID_SET;
		rc = read_set(ber, info, cookie);
		break;
	}
	ber_free(ber, 1);
	return rc;
}
