/*
 * pw-argon2id.so as slapd loads it, and slapd's own argon2.so beside it: either verifies
 * what the other made. This program has the symbols that slapd exports to both.
 *
 * usage: test_slapd_argon2id MODULE [STOCK]	(else /usr/lib/ldap/argon2.so)
 */
#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <cmocka.h>

#include "core/oid.h"
#include "slapd_argon2id/slapd.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* -- what slapd exports ------------------------------------------------------------------- */

struct scheme {
	struct berval name;
	lutil_passwd_check *check;
	lutil_passwd_make *make;
};

static struct scheme added, ours, stock;

__attribute__((visibility("default"))) int lutil_passwd_add(struct berval *scheme, lutil_passwd_check *check,
	lutil_passwd_make *make)
{
	added = (struct scheme){*scheme, check, make};
	return 0;
}

/* What it shows in the root DSE; the stock module shows nothing. */
static char shown[128];
__attribute__((visibility("default"))) int supported_feature_load(struct berval *oid)
{
	snprintf(shown, sizeof(shown), "%.*s", (int)oid->bv_len, oid->bv_val);
	return 0;
}

/* The stock module's own needs (include/lutil.h). */
__attribute__((visibility("default"))) int lutil_entropy(unsigned char *buf, ber_len_t n);
int lutil_entropy(unsigned char *buf, ber_len_t n)
{
	return getrandom(buf, n, 0) == (ssize_t)n ? 0 : -1;
}

__attribute__((visibility("default"))) int lutil_atoulx(unsigned long *v, const char *s, int base);
int lutil_atoulx(unsigned long *v, const char *s, int base)
{
	char *end;

	*v = strtoul(s, &end, base);
	return *s && !*end ? 0 : -1;
}

/* -- loading ------------------------------------------------------------------------------ */

static const char *module_path, *stock_path;

static int (*init_of(const char *path))(int, char **)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	int (*init)(int, char **);

	if (!handle)
		fprintf(stderr, "%s\n", dlerror());
	assert_non_null(handle);
	*(void **)&init = dlsym(handle, "init_module");
	assert_non_null(init);
	return init;
}

static int load(const char *path, const char *m, const char *t)
{
	char *argv[] = {(char *)m, (char *)t, (char *)"p=1", NULL};

	memset(&added, 0, sizeof(added));
	return init_of(path)(3, argv);
}

static int load_both(void **state)
{
	(void)state;
	assert_int_equal(load(stock_path, "m=64", "t=2"), 0);
	stock = added;
	assert_string_equal(shown, "");
	assert_int_equal(load(module_path, "m=1024", "t=2"), 0);
	ours = added;
	return 0;
}

static void shows_itself(void **state)
{
	(void)state;
	assert_string_equal(shown, DEN_OID_ARGON2ID);
}

static void takes_the_stock_scheme(void **state)
{
	(void)state;
	assert_int_equal(ours.name.bv_len, 8);
	assert_string_equal(ours.name.bv_val, "{ARGON2}");
	assert_memory_equal(ours.name.bv_val, stock.name.bv_val, 9);
}

/* -- making and checking -------------------------------------------------------------------- */

static struct berval bytes(const char *text)
{
	return (struct berval){.bv_len = strlen(text), .bv_val = (char *)text};
}

static int verifies(const struct scheme *by, const struct berval *made, const char *password)
{
	struct berval cred = bytes(password), value;
	const char *text = NULL;
	int result;

	/* slapd gives the check the value behind {SCHEME}. */
	value = (struct berval){made->bv_len - by->name.bv_len, made->bv_val + by->name.bv_len};
	result = by->check(&by->name, &value, &cred, &text);
	/* It is told to whoever tries to bind. */
	assert_null(text);
	return result;
}

static void makes_what_the_other_verifies(void **state)
{
	static const char *const passwords[] = {"himitsu-1", "p", "\xe3\x83\x91\xe3\x82\xb9 1", "{ARGON2}x"};
	static const struct {
		const struct scheme *maker;
		const char *prefix;
	} rows[] = {{&ours, "{ARGON2}$argon2id$v=19$m=1024,t=2,p=1$"}, {&stock, "{ARGON2}$argon2"}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t k = 0; k < COUNT(passwords); k++) {
			struct berval cred = bytes(passwords[k]), made = {0};
			const char *text = NULL;

			assert_int_equal(rows[i].maker->make(&rows[i].maker->name, &cred, &made, &text), LUTIL_PASSWD_OK);
			assert_int_equal(strncmp(made.bv_val, rows[i].prefix, strlen(rows[i].prefix)), 0);
			if (rows[i].maker == &ours)
				assert_int_equal(made.bv_len, strlen(made.bv_val));
			assert_int_equal(verifies(&ours, &made, passwords[k]), LUTIL_PASSWD_OK);
			assert_int_equal(verifies(&stock, &made, passwords[k]), LUTIL_PASSWD_OK);
			assert_int_equal(verifies(&ours, &made, "another-1"), LUTIL_PASSWD_ERR);
			assert_int_equal(verifies(&stock, &made, "another-1"), LUTIL_PASSWD_ERR);
			ber_memfree(made.bv_val);
		}
}

static void refuses_what_is_no_hash(void **state)
{
	static const char *const rows[] = {"{ARGON2}", "{ARGON2}himitsu-1", "{ARGON2}$argon2id$",
		"{ARGON2}$argon2id$v=19$m=4194304,t=100,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct berval value = bytes(rows[i]);

		assert_int_equal(verifies(&ours, &value, "himitsu-1"), LUTIL_PASSWD_ERR);
	}
}

static void refuses_wrong_arguments(void **state)
{
	static const char *const rows[][2] = {{"m=", "t=2"}, {"m=1024k", "t=2"}, {"m=-1", "t=2"}, {"m=7", "t=2"},
		{"m=99999999999999999999", "t=2"}, {"m=4294967297", "t=2"}, {"m=1024", "t=0"}, {"m=1024", "x=1"},
		{"m=1024", ""}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_not_equal(load(module_path, rows[i][0], rows[i][1]), 0);
		assert_null(added.make);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_itself),
		cmocka_unit_test(takes_the_stock_scheme),
		cmocka_unit_test(makes_what_the_other_verifies),
		cmocka_unit_test(refuses_what_is_no_hash),
		cmocka_unit_test(refuses_wrong_arguments),
	};

	if (argc < 2)
		return 2;
	module_path = argv[1];
	stock_path = argc > 2 ? argv[2] : "/usr/lib/ldap/argon2.so";
	return cmocka_run_group_tests(tests, load_both, NULL);
}
