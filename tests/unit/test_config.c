/* denshi.conf: what is read, and that every wrong file says what is wrong (R-ALL-5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"

static char path[] = "/tmp/denshi-test-config.XXXXXX";

#define ORG "organisation = \"acme\";\n"

static const struct bad {
	const char *text, *says[4]; /* pieces that the message must have */
} bad[] = {
	{"", {"organisation", "missing", "1 to 32"}},
	{"organisation = \"Acme\";", {":1: organisation", "found \"Acme\"", "a-z"}},
	{"organisation = \"-a\";", {":1: organisation", "\"-a\""}},
	{"organisation = \"\";", {":1: organisation", "\"\""}},
	{"organisation = \"abcdefghijklmnopqrstuvwxyz0123456\";", {"organisation", "1 to 32"}},
	{"organisation = \"a,b\";", {"organisation", "a,b"}},
	{"organisation = 5;", {":1: organisation", "found 5"}},
	{"organisation = (\"a\");", {":1: organisation", "{...}"}},
	{ORG "organisation = \"b\";", {":2: ", "duplicate"}},
	{ORG "workers = 0;", {":2: workers", "found 0", "1 to 256"}},
	{ORG "workers = 257;", {":2: workers", "found 257", "1 to 256"}},
	{ORG "workers = -1;", {":2: workers", "found -1"}},
	{ORG "workers = 99999999999L;", {":2: workers", "99999999999"}},
	{ORG "workers = \"4\";", {":2: workers", "found \"4\"", "whole number"}},
	{ORG "workers = 4.5;", {":2: workers", "found 4.5"}},
	{ORG "workers = true;", {":2: workers", "found true"}},
	{ORG "uid_floor = 999;", {":2: uid_floor", "1000 to"}},
	{ORG "gid_floor = 2147483648L;", {":2: gid_floor", "2147483647"}},
	{ORG "enumerate = 1;", {":2: enumerate", "found 1", "true or false"}},
	{ORG "enumerate = \"no\";", {":2: enumerate", "true or false"}},
	{ORG "certificate_days = 0;", {"certificate_days", "1 to 3650"}},
	{ORG "uri = \"http://host\";", {":2: uri", "http://host", "ldapi://"}},
	{ORG "uri = \"ldaps://\";", {":2: uri"}},
	{ORG "uri = \"ldaps://HOST\";", {":2: uri"}},
	{ORG "uri = \"ldaps://host:0\";", {":2: uri"}},
	{ORG "uri = \"ldaps://host:65536\";", {":2: uri"}},
	{ORG "uri = \"ldaps://host/o=acme\";", {":2: uri"}},
	{ORG "uri = \"ldaps://a ldapx://b\";", {":2: uri"}},
	{ORG "uri = \"\";", {":2: uri"}},
	{ORG "writer = \"ldaps://a ldaps://b\";", {":2: writer"}},
	{ORG "tls_key = \"host.key\";", {":2: tls_key"}},
	{ORG "uri = \"ldapi://%2F\";", {":2: uri"}},
	{ORG "uri = \"ldapi://%2Frun%2Fa b\";", {":2: uri"}},
	{ORG "host = \"a..b\";", {":2: host", "a..b"}},
	{ORG "host = \"-a\";", {":2: host"}},
	{ORG "host = \"a-\";", {":2: host"}},
	{ORG "host = \"A\";", {":2: host", "lower case"}},
	{ORG "host = \"a,cn=b\";", {":2: host"}},
	{ORG "host = \"\";", {":2: host"}},
	{ORG "notice_program = \"notice-mail\";", {":2: notice_program", "absolute path"}},
	{ORG "notice_program = \"/usr/../x\";", {":2: notice_program"}},
	{ORG "notice_seconds = 0;", {":2: notice_seconds", "1 to 600"}},
	{ORG "notice_seconds = 601;", {":2: notice_seconds", "found 601"}},
	{ORG "socket = \"run/x\";", {":2: socket", "absolute path", "107"}},
	{ORG "socket = \"/run/../x\";", {":2: socket"}},
	{ORG "snapshot = \"/\";", {":2: snapshot"}},
	{ORG "snapshot = \"/a\\nb\";", {":2: snapshot", "\"/a?b\""}},
	{ORG "language = \"fr\";", {":2: language", "\"fr\"", "ja or en, in quotes"}},
	{ORG "\nlangauge = \"ja\";", {":3: ", "no setting langauge", "language"}},
	{ORG "workers 4;", {":2: "}},
	{ORG "workers = ;", {":2: ", "not understood"}},
	{ORG "uri = \"x", {":2: "}},
};

static const char *const good[] = {
	ORG,
	ORG "workers = 4",
	"# a comment\n" ORG "// another\nenumerate = false; uid_floor = 1000;",
	ORG "host = \"h1.example\"; language = \"ja\"; workers = 256;",
	ORG "uri = \"ldapi://%2Frun%2Fslapd%2Fldapi\";",
	ORG "uri = \"ldaps://d1.acme.example ldap://d2:3890  ldapi://%2Frun%2Fldapi\"; writer = \"ldaps://d1:1636\";",
	ORG "notice_program = \"/usr/share/denshi/examples/notice-mail\"; notice_seconds = 600;",
	ORG "notice_program = \"\";",
	ORG "certificate_days = 3650; gid_floor = 2147483647;",
};

static void put(const char *text, size_t len)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static int read_it(struct den_config *c, char error[DEN_CONFIG_ERROR_SIZE])
{
	error[0] = '\0';
	return den_config_read(c, path, error, DEN_CONFIG_ERROR_SIZE);
}

static void test_bad(void **state)
{
	struct den_config c;
	char error[DEN_CONFIG_ERROR_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(bad[i].text, strlen(bad[i].text));
		if (read_it(&c, error) != -1)
			fail_msg("accepted: %s", bad[i].text);
		assert_string_equal(c.organisation, "");
		if (!strstr(error, path))
			fail_msg("no file name in: %s", error);
		for (size_t k = 0; k < 4 && bad[i].says[k]; k++)
			if (!strstr(error, bad[i].says[k]))
				fail_msg("%s\nsays: %s\nwithout: %s", bad[i].text, error, bad[i].says[k]);
	}
}

static void test_good(void **state)
{
	static const char all[] =
		ORG "workers = 7; enumerate = false; host = \"h.example\"; socket = \"/x\";";
	struct den_config c;
	char error[DEN_CONFIG_ERROR_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		put(good[i], strlen(good[i]));
		if (read_it(&c, error) != 0)
			fail_msg("%s\nrefused: %s", good[i], error);
		assert_string_equal(c.organisation, "acme");
	}
	put(all, strlen(all));
	assert_int_equal(read_it(&c, error), 0);
	assert_int_equal(c.workers, 7);
	assert_int_equal(c.enumerate, 0);
	assert_string_equal(c.host, "h.example");
	assert_string_equal(c.socket, "/x");
	assert_string_equal(c.snapshot, "/var/lib/denshi/snapshot");
	assert_int_equal(c.uid_floor, 200000);
}

/* What is wrong about the file itself. */
static void test_file(void **state)
{
	static const char nul[] = ORG "workers = 4;\0workers = 5;";
	struct den_config c;
	char error[DEN_CONFIG_ERROR_SIZE], *large = malloc(70000);

	(void)state;
	assert_int_equal(den_config_read(&c, "/nonexistent/x", error, sizeof(error)), -1);
	assert_non_null(strstr(error, "/nonexistent/x: can't be read"));
	assert_int_equal(den_config_read(&c, "/tmp", error, sizeof(error)), -1);
	assert_non_null(strstr(error, "regular file"));
	put(nul, sizeof(nul) - 1);
	assert_int_equal(read_it(&c, error), -1);
	assert_non_null(large);
	memset(large, '\n', 70000);
	put(large, 70000);
	assert_int_equal(read_it(&c, error), -1);
	free(large);
	put(ORG, strlen(ORG));
	assert_int_equal(chmod(path, 0664), 0);
	assert_int_equal(read_it(&c, error), -1);
	assert_non_null(strstr(error, "nobody else may write"));
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(read_it(&c, error), 0);
}

/* What is there is read, what isn't is told from what is. */
static void test_part(void **state)
{
	struct den_config c;
	char error[DEN_CONFIG_ERROR_SIZE];

	(void)state;
	put("max_drop = 30; uri = \"ldaps://d\";", 32);
	assert_int_equal(den_config_read_part(&c, path, error, sizeof(error)), 0);
	assert_int_equal(c.max_drop, 30);
	assert_int_equal(c.workers, 16);
	assert_string_equal(c.uri, "ldaps://d");
	assert_string_equal(c.organisation, "");
	assert_string_equal(c.host, "");
	assert_string_equal(c.tls_key, "");
	assert_int_equal(den_config_read_part(&c, "/nonexistent/x", error, sizeof(error)), 0);
	assert_string_equal(c.uri, "");
	put("worker = 3;", 11);
	assert_int_equal(den_config_read_part(&c, path, error, sizeof(error)), -1);
	assert_non_null(strstr(error, "worker"));
}

static void test_include(void **state)
{
	struct den_config c;
	char error[DEN_CONFIG_ERROR_SIZE], other[] = "/tmp/denshi-test-included.XXXXXX", text[100];
	int fd = mkstemp(other);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "workers = 3;\n", 13), 13);
	close(fd);
	snprintf(text, sizeof(text), ORG "@include \"%s\"\n", other);
	put(text, strlen(text));
	assert_int_equal(read_it(&c, error), -1);
	unlink(other);
	assert_non_null(strstr(error, other));
}

static void test_japanese(void **state)
{
	struct den_config c;
	char error[DEN_CONFIG_ERROR_SIZE];

	(void)state;
	setenv("LC_ALL", "ja_JP.UTF-8", 1);
	put(ORG "workers = 0;", strlen(ORG "workers = 0;"));
	assert_int_equal(read_it(&c, error), -1);
	assert_non_null(strstr(error, ":2: workers: 設定値 0 は使えません。許される値: 1 から 256 までの整数"));
	setenv("LC_ALL", "C", 1);
}

static void test_allows(void **state)
{
	(void)state;
	assert_true(den_config_allows("organisation", "acme"));
	assert_false(den_config_allows("organisation", "ac me"));
	assert_true(den_config_allows("host", "a.b.example"));
	assert_false(den_config_allows("workers", "4"));
	assert_false(den_config_allows("nothing", "4"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),	 cmocka_unit_test(test_good),
		cmocka_unit_test(test_file),	 cmocka_unit_test(test_part),
		cmocka_unit_test(test_include),
		cmocka_unit_test(test_japanese), cmocka_unit_test(test_allows),
	};
	int fd = mkstemp(path), failed;

	if (fd < 0)
		return 1;
	close(fd);
	setenv("LC_ALL", "C", 1);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
