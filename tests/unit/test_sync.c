/* Messages of RFC 4533, as slapd sends them, as the RFC allows them, and broken ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "directory/sync.h"

#define UUID "0123456789abcdef"
#define UUID_TLV "\x04\x10" UUID
#define COOKIE "rid=000,csn=T#C#1#M"
#define COOKIE_TLV "\x04\x13" COOKIE
#define VALUE(s) {.bv_val = (char *)(s), .bv_len = sizeof(s) - 1}

static const struct {
	struct berval value;
	int rc, state;
	const char *cookie; /* of one that was "old" */
} states[] = {
	{VALUE("\x30\x15\x0a\x01\x00" UUID_TLV), 0, DENDIR_SYNC_PRESENT, "old"},
	{VALUE("\x30\x15\x0a\x01\x01" UUID_TLV), 0, DENDIR_SYNC_ADD, "old"},
	{VALUE("\x30\x2a\x0a\x01\x02" UUID_TLV COOKIE_TLV), 0, DENDIR_SYNC_MODIFY, COOKIE},
	{VALUE("\x30\x2a\x0a\x01\x03" UUID_TLV COOKIE_TLV), 0, DENDIR_SYNC_DELETE, COOKIE},
	/* one that others overtook; another server's words; none at all; cut off: what follows is told again */
	{VALUE("\x30\x1e\x0a\x01\x01" UUID_TLV "\x04\x07rid=000"), 0, DENDIR_SYNC_ADD, "old"},
	{VALUE("\x30\x26\x0a\x01\x01" UUID_TLV "\x04\x0frid=000,sid=001"), 0, DENDIR_SYNC_ADD, "old"},
	{VALUE("\x30\x1b\x0a\x01\x01" UUID_TLV "\x04\x04#1:2"), 0, DENDIR_SYNC_ADD, "#1:2"},
	{VALUE("\x30\x1a\x0a\x01\x01" UUID_TLV "\x04\x03" "a\0b"), 0, DENDIR_SYNC_ADD, ""},
	{VALUE("\x30\x2a\x0a\x01\x02" UUID_TLV "\x04\x7f" COOKIE), 0, DENDIR_SYNC_MODIFY, "old"},
	/* no such state, an ID too short, cut off, nothing, something else */
	{VALUE("\x30\x15\x0a\x01\x04" UUID_TLV), -1, 0, "old"},
	{VALUE("\x30\x15\x0a\x01\xff" UUID_TLV), -1, 0, "old"},
	{VALUE("\x30\x14\x0a\x01\x01\x04\x0f" "0123456789abcde"), -1, 0, "old"},
	{VALUE("\x30\x05\x0a\x01\x01\x04\x00"), -1, 0, "old"},
	{VALUE("\x30\x15\x0a\x01\x01\x04\x10" "0123"), -1, 0, "old"},
	{VALUE("\x30\x03\x0a\x01\x01"), -1, 0, "old"},
	{VALUE(""), -1, 0, "old"},
	{VALUE("\x04\x10" UUID), -1, 0, "old"},
};

static void reads_states(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		struct dendir_cookie cookie = {"old"};
		struct dendir_sync_state s;
		int rc = dendir_sync_read_state(&states[i].value, &s, &cookie);

		if (rc != states[i].rc || (rc == 0 && (int)s.state != states[i].state) ||
			strcmp(cookie.text, states[i].cookie) != 0)
			fail_msg("state %zu: %d, cookie %s", i, rc, cookie.text);
		if (rc == 0)
			assert_memory_equal(s.uuid, UUID, 16);
	}
}

static const struct {
	struct berval value;
	int rc, kind, flag; /* done, or deletes */
	size_t uuids;
	const char *cookie;
} infos[] = {
	{VALUE("\x80\x13" COOKIE), 0, DENDIR_SYNC_COOKIE, 0, 0, COOKIE},
	{VALUE("\x80\x07rid=000"), 0, DENDIR_SYNC_COOKIE, 0, 0, "old"},
	{VALUE("\xa1\x00"), 0, DENDIR_SYNC_REFRESH_DELETE, 1, 0, "old"},
	{VALUE("\xa1\x15" COOKIE_TLV), 0, DENDIR_SYNC_REFRESH_DELETE, 1, 0, COOKIE},
	{VALUE("\xa2\x18" COOKIE_TLV "\x01\x01\xff"), 0, DENDIR_SYNC_REFRESH_PRESENT, 1, 0, COOKIE},
	{VALUE("\xa2\x03\x01\x01\x00"), 0, DENDIR_SYNC_REFRESH_PRESENT, 0, 0, "old"},
	{VALUE("\xa3\x14\x31\x12" UUID_TLV), 0, DENDIR_SYNC_ID_SET, 0, 1, "old"},
	{VALUE("\xa3\x3e" COOKIE_TLV "\x01\x01\xff\x31\x24" UUID_TLV UUID_TLV), 0, DENDIR_SYNC_ID_SET, 1, 2, COOKIE},
	{VALUE("\xa3\x02\x31\x00"), 0, DENDIR_SYNC_ID_SET, 0, 0, "old"},
	/* an ID of another size, the first or a later one; cut off; no set; no such choice; nothing */
	{VALUE("\xa3\x05\x31\x03\x04\x01x"), -1, 0, 0, 0, "old"},
	{VALUE("\xa3\x17\x31\x15" UUID_TLV "\x04\x01x"), -1, 0, 0, 0, "old"},
	{VALUE("\xa3\x14\x31\x12\x04\x10" "0123"), -1, 0, 0, 0, "old"},
	{VALUE("\xa3\x03\x01\x01\xff"), -1, 0, 0, 0, "old"},
	{VALUE("\xa2\x7f"), -1, 0, 0, 0, "old"},
	{VALUE("\x80\x7fx"), -1, 0, 0, 0, "old"},
	{VALUE("\xa4\x00"), -1, 0, 0, 0, "old"},
	{VALUE(""), -1, 0, 0, 0, "old"},
};

static void reads_infos(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(infos) / sizeof(infos[0]); i++) {
		struct dendir_cookie cookie = {"old"};
		struct dendir_sync_info info;
		size_t n = 0;
		int rc = dendir_sync_read_info(&infos[i].value, &info, &cookie);

		while (info.uuids && info.uuids[n].bv_val)
			n++;
		if (rc != infos[i].rc || n != infos[i].uuids || strcmp(cookie.text, infos[i].cookie) != 0 ||
			(rc == 0 && ((int)info.kind != infos[i].kind || !(info.done || info.deletes) != !infos[i].flag)))
			fail_msg("info %zu: %d, %zu uuids, cookie %s", i, rc, n, cookie.text);
		ber_bvarray_free(info.uuids);
	}
}

/* What is known, what is told, and what is known then: the servers' numbers are the third fields. */
static const struct {
	const char *known, *told, *then;
} cookies[] = {
	{"", "rid=000,sid=001,csn=a#0#001#0", "rid=000,csn=a#0#001#0"},
	{"rid=000,csn=a#0#001#0", "rid=000,sid=002,csn=b#0#001#0", "rid=000,csn=b#0#001#0"},
	{"rid=000,csn=a#0#001#0;a#0#002#0", "rid=000,csn=b#0#002#0", "rid=000,csn=b#0#002#0;a#0#001#0"},
	{"rid=000,csn=a#0#001#0", "rid=000,sid=001,csn=b#0#001#0;c#0#002#0", "rid=000,csn=b#0#001#0;c#0#002#0"},
	/* as an older denshi kept it */
	{"rid=000,sid=001,csn=a#0#001#0;a#0#002#0", "rid=000,sid=002,csn=b#0#002#0", "rid=000,csn=b#0#002#0;a#0#001#0"},
	{"rid=000,csn=a#0#001#0", "rid=000,sid=001", "rid=000,csn=a#0#001#0"},
	{"rid=000,csn=a#0#001#0", "rid=000,csn=", "rid=000,csn=a#0#001#0"},
	{"rid=000,csn=a#0#001#0", "rid=000,csn=b#0;;c,delcsn=d#0#001#0", "rid=000,csn=a#0#001#0"},
	{"rid=000,csn=a#0#001#0", "rid=000,csn=b#0#001#0,delcsn=d#0#002#0", "rid=000,csn=b#0#001#0"},
	{"rid=000,csn=a#0#001#0", "#1:2", "#1:2"},
	{"#1:2", "rid=000,csn=a#0#001#0", "rid=000,csn=a#0#001#0"},
};

static void keeps_what_each_server_has_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cookies) / sizeof(cookies[0]); i++) {
		size_t len = strlen(cookies[i].told);
		char bytes[128] = "\x80";
		struct berval value = {.bv_val = bytes, .bv_len = len + 2};
		struct dendir_cookie cookie;
		struct dendir_sync_info info;

		snprintf(cookie.text, sizeof(cookie.text), "%s", cookies[i].known);
		bytes[1] = (char)len;
		memcpy(bytes + 2, cookies[i].told, len);
		assert_int_equal(dendir_sync_read_info(&value, &info, &cookie), 0);
		assert_string_equal(cookie.text, cookies[i].then);
	}
}

static void csns_that_do_not_fit_leave_none(void **state)
{
	char bytes[2 + 4 + DENDIR_COOKIE_SIZE] = "\x80\x82";
	struct dendir_cookie cookie = {"rid=000,csn=a#0#001#0"};
	struct dendir_sync_info info;
	struct berval value = {.bv_val = bytes};
	int len = snprintf(bytes + 4, DENDIR_COOKIE_SIZE, "rid=000,csn=%0*d#0#002#0", DENDIR_COOKIE_SIZE - 24, 0);

	(void)state;
	bytes[2] = (char)(len >> 8);
	bytes[3] = (char)(len & 0xff);
	value.bv_len = (size_t)len + 4;
	assert_int_equal(dendir_sync_read_info(&value, &info, &cookie), 0);
	assert_string_equal(cookie.text, "");
}

static void a_cookie_too_long_is_none(void **state)
{
	char bytes[4 + DENDIR_COOKIE_SIZE] = "\x80\x82";
	struct berval value = {.bv_val = bytes, .bv_len = sizeof(bytes)};
	struct dendir_cookie cookie = {"old"};
	struct dendir_sync_info info;

	(void)state;
	bytes[2] = (char)(DENDIR_COOKIE_SIZE >> 8);
	bytes[3] = (char)(DENDIR_COOKIE_SIZE & 0xff);
	memset(bytes + 4, 'x', DENDIR_COOKIE_SIZE);
	assert_int_equal(dendir_sync_read_info(&value, &info, &cookie), 0);
	assert_string_equal(cookie.text, "");
	/* one less fits, with its NUL */
	bytes[2] = (char)((DENDIR_COOKIE_SIZE - 1) >> 8);
	bytes[3] = (char)((DENDIR_COOKIE_SIZE - 1) & 0xff);
	value.bv_len--;
	assert_int_equal(dendir_sync_read_info(&value, &info, &cookie), 0);
	assert_int_equal(strlen(cookie.text), DENDIR_COOKIE_SIZE - 1);
}

static void asks(const char *cookie, int quiet, const struct berval *expected)
{
	struct dendir_cookie from;
	LDAPControl *c = NULL;

	snprintf(from.text, sizeof(from.text), "%s", cookie);
	assert_int_equal(dendir_sync_request(&from, quiet, &c), LDAP_SUCCESS);
	assert_string_equal(c->ldctl_oid, LDAP_CONTROL_SYNC);
	assert_true(c->ldctl_iscritical);
	assert_int_equal(c->ldctl_value.bv_len, expected->bv_len);
	assert_memory_equal(c->ldctl_value.bv_val, expected->bv_val, expected->bv_len);
	ldap_control_free(c);
}

static void asks_from_a_cookie_on(void **state)
{
	static const struct berval everything = VALUE("\x30\x06\x0a\x01\x03\x01\x01\x00");
	static const struct berval since = VALUE("\x30\x1b\x0a\x01\x03" COOKIE_TLV "\x01\x01\xff");

	(void)state;
	asks("", 0, &everything);
	asks(COOKIE, 0, &since);
	asks("rid=000,sid=001,csn=T#C#1#M", 0, &since);
	asks("rid=000,sid=001", 0, &everything);
}

static void a_quiet_one_has_the_sid_of_nobody(void **state)
{
	static const struct berval everything = VALUE("\x30\x17\x0a\x01\x03\x04\x0frid=000,sid=fff\x01\x01\xff");
	static const struct berval since = VALUE("\x30\x23\x0a\x01\x03\x04\x1brid=000,sid=fff,csn=T#C#1#M\x01\x01\xff");
	static const struct berval others = VALUE("\x30\x0c\x0a\x01\x03\x04\x04#1:2\x01\x01\xff");

	(void)state;
	asks("", 1, &everything);
	asks(COOKIE, 1, &since);
	asks("rid=000,sid=001,csn=T#C#1#M", 1, &since);
	asks("#1:2", 1, &others);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_states),
		cmocka_unit_test(reads_infos),
		cmocka_unit_test(keeps_what_each_server_has_told),
		cmocka_unit_test(csns_that_do_not_fit_leave_none),
		cmocka_unit_test(a_cookie_too_long_is_none),
		cmocka_unit_test(asks_from_a_cookie_on),
		cmocka_unit_test(a_quiet_one_has_the_sid_of_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
