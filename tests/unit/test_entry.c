/* An entry that comes in a post-read control (RFC 4527), and what isn't one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "directory/connection-internal.h"

#define VALUE(s) {.bv_val = (char *)(s), .bv_len = sizeof(s) - 1}

static void reads_an_entry(void **state)
{
	struct berval value = VALUE("\x30\x10\x04\x03" "o=x\x30\x09\x30\x07\x04\x02sn\x31\x01\x00");
	struct berval whole = VALUE("\x30\x12\x04\x03" "o=x\x30\x0b\x30\x09\x04\x02sn\x31\x03\x04\x01y");
	struct dendir_entry e = {.ld = NULL};

	(void)state;
	assert_int_equal(dendir_entry_decode(&e, &whole), 0);
	assert_string_equal(dendir_entry_string(&e, "sn"), "y");
	assert_string_equal(dendir_entry_string(&e, "cn"), "");
	dendir_entry_done(&e);
	e = (struct dendir_entry){.ld = NULL};
	assert_int_equal(dendir_entry_decode(&e, &value), -1);
	dendir_entry_done(&e);
}

static void refuses_what_is_none(void **state)
{
	struct berval wrong[] = {
		VALUE(""), VALUE("\x30"), VALUE("\x30\x00"), VALUE("\x30\x7f\x04\x03o=x"), VALUE("\x04\x03o=x"),
		VALUE("\x30\x05\x04\x7fo=x")};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct dendir_entry e = {.ld = NULL};

		if (dendir_entry_decode(&e, &wrong[i]) != -1)
			fail_msg("value %zu was read", i);
		dendir_entry_done(&e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_an_entry),
		cmocka_unit_test(refuses_what_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
