/*
 * What the replica makes of the base and of what the directory told: after any sequence of
 * changes the snapshot is the one that everything told at once would give.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "denshid/published.h"

#define USERS 120
#define GROUPS 8
#define ROUNDS 60
#define UID(i) (300000u + (unsigned int)(i) * 3u)
#define GID(j) (310000u + (unsigned int)(j))

/* What the directory holds: of each name one version, or none. */
struct model_user {
	uint32_t serial;
	unsigned int authorities; /* a bit each */
	int there, removed;
	unsigned char uuid;	  /* counts its versions */
};
static struct model_user users[USERS];
static struct {
	uint32_t serial, gid;
	int there;
	unsigned char uuid;
} groups[GROUPS];

static char folder[64], path[96];
static uint32_t seed;

static unsigned int draw(unsigned int below)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % below;
}

static void uuid_of(unsigned char uuid[16], int is_group, int i, unsigned char version)
{
	memset(uuid, is_group ? 0xa0 : 0x50, 16);
	uuid[0] = (unsigned char)i;
	uuid[1] = version;
}

static void tell_user(struct versions *vs, int i)
{
	struct dendir_version v = {.serial = users[i].serial};
	unsigned char uuid[16];

	uuid_of(uuid, 0, i, users[i].uuid);
	snprintf(v.user.login, sizeof(v.user.login), "d-user%04u", (unsigned)i % 10000);
	snprintf(v.user.name, sizeof(v.user.name), "User %d at %u", i, users[i].serial);
	snprintf(v.user.home, sizeof(v.user.home), i % 5 ? "/home/d-user%04d" : "/srv", i);
	snprintf(v.user.shell, sizeof(v.user.shell), "/bin/sh");
	snprintf(v.user.state, sizeof(v.user.state), users[i].removed ? "removed" : "active");
	snprintf(v.user.role, sizeof(v.user.role), i % 7 ? "general" : "master");
	v.user.uid = UID(i);
	v.user.gid = 300000;
	for (int j = 0; j < GROUPS; j++) {
		char name[32];

		snprintf(name, sizeof(name), "biz%d.use", j);
		if (users[i].authorities & 1u << j)
			assert_int_equal(dendir_user_give(&v.user, name), 0);
	}
	assert_int_equal(versions_put(vs, uuid, &v), 0);
	dendir_user_done(&v.user);
}

static void tell_group(struct versions *vs, int j)
{
	struct dendir_version v = {.serial = groups[j].serial, .is_group = 1};
	unsigned char uuid[16];

	uuid_of(uuid, 1, j, groups[j].uuid);
	snprintf(v.user.name, sizeof(v.user.name), "biz%d.use", j);
	v.user.gid = groups[j].gid;
	assert_int_equal(versions_put(vs, uuid, &v), 0);
}

static void tell_all(struct versions *vs)
{
	for (int j = 0; j < GROUPS; j++)
		if (groups[j].there)
			tell_group(vs, j);
	for (int i = 0; i < USERS; i++)
		if (users[i].there)
			tell_user(vs, i);
}

static int publish(const char *to, const struct base *base, struct versions *vs, uint32_t serial, int whole,
	unsigned int max_drop)
{
	struct den_snapshot_frame frame = {.meta = {.serial = serial, .created = 1}};
	struct published p = {
		.base = base, .versions = vs, .serial = serial, .max_drop = max_drop, .whole = whole};
	struct den_snapshot_source source;
	int rc = published_begin(&p);

	if (rc == 0) {
		source = published_source(&p);
		rc = den_snapshot_write(to, &frame, &source);
	}
	published_done(&p);
	return rc;
}

static void check_sound(const char *file)
{
	struct den_snapshot *s;

	assert_int_equal(den_snapshot_open(file, &s), 0);
	assert_int_equal(den_snapshot_verify(s), 0);
	den_snapshot_close(s);
}

/* The bytes of both files are equal. */
static void check_same(const char *a, const char *b)
{
	char command[256];

	check_sound(a);
	check_sound(b);
	snprintf(command, sizeof(command), "cmp %s %s", a, b);
	assert_int_equal(system(command), 0);
}

static void empty_directory(void)
{
	memset(users, 0, sizeof(users));
	memset(groups, 0, sizeof(groups));
	for (int j = 0; j < GROUPS; j++) {
		groups[j].serial = 1;
		groups[j].gid = GID(j);
		groups[j].there = j < GROUPS - 1;
	}
	for (int i = 0; i < USERS; i++)
		users[i] = (struct model_user){.serial = 1, .authorities = draw(1u << GROUPS), .there = i < USERS - 20};
}

/* The base, and the versions that are in it. */
static void begin(struct base *base, struct versions **vs)
{
	empty_directory();
	*vs = versions_new();
	*base = (struct base){0};
	tell_all(*vs);
	assert_int_equal(publish(path, base, *vs, 1, 1, 50), 0);
	versions_forget(*vs, 1);
	assert_int_equal(base_open(base, path), 0);
}

static void forget(struct base *base, const struct versions *vs, const unsigned char *uuid)
{
	int64_t number = base_find(base, uuid);
	struct version *v = vs ? versions_find(vs, uuid) : NULL;

	if (v)
		v->gone = 1;
	if (number >= 0)
		base->state[number] |= BASE_GONE;
}

/* One change under a serial: told as a new version, the old one deleted before, or not yet. */
static void change(struct base *base, struct versions *vs, uint32_t serial)
{
	unsigned char uuid[16];
	int i = (int)draw(USERS), j = (int)draw(GROUPS);

	switch (draw(8)) {
	case 0: /* a group comes, or another number for it */
		uuid_of(uuid, 1, j, groups[j].uuid);
		forget(base, vs, uuid);
		groups[j].there = 1;
		groups[j].serial = serial;
		groups[j].gid = GID(draw(4) ? j : j + (int)serial * GROUPS);
		groups[j].uuid++;
		tell_group(vs, j);
		break;
	case 1: /* removed: its last version stays */
		if (!users[i].there)
			break;
		users[i].removed = 1;
		/* fall through */
	default:
		uuid_of(uuid, 0, i, users[i].uuid);
		/* of one serial there is one version only; an older one may go later */
		if (users[i].serial == serial || draw(2))
			forget(base, vs, uuid);
		users[i].there = 1;
		users[i].serial = serial;
		users[i].authorities = draw(1u << GROUPS);
		users[i].uuid++;
		tell_user(vs, i);
	}
}

static void changes_give_the_same_as_everything(void **state)
{
	struct base base, none = {0};
	char other[128];
	struct versions *vs;

	(void)state;
	seed = 4711;
	snprintf(other, sizeof(other), "%s.whole", path);
	begin(&base, &vs);
	for (uint32_t serial = 2; serial < ROUNDS; serial++) {
		struct versions *all = versions_new();

		for (unsigned int n = draw(6); n > 0; n--)
			change(&base, vs, serial);
		assert_int_equal(publish(path, &base, vs, serial, 0, 50), 0);
		tell_all(all);
		unlink(other);
		assert_int_equal(publish(other, &none, all, serial, 1, 50), 0);
		check_same(path, other);
		versions_free(all);
		base_close(&base);
		assert_int_equal(base_open(&base, path), 0);
		versions_forget(vs, serial);
	}
	unlink(other);
	base_close(&base);
	versions_free(vs);
}

static void what_is_above_the_pointer_waits(void **state)
{
	struct den_snapshot_user u;
	struct den_snapshot *s;
	struct versions *vs;
	struct base base;

	(void)state;
	seed = 1;
	begin(&base, &vs);
	users[7].serial = 3;
	users[7].uuid = 9;
	tell_user(vs, 7);
	assert_int_equal(publish(path, &base, vs, 2, 0, 50), 0);
	assert_int_equal(den_snapshot_open(path, &s), 0);
	assert_int_equal(den_snapshot_user_by_uid(s, UID(7), &u), 0);
	assert_string_equal(u.gecos, "User 7 at 1");
	den_snapshot_close(s);
	assert_int_equal(versions_forget(vs, 2), 1);
	assert_int_equal(publish(path, &base, vs, 3, 0, 50), 0);
	assert_int_equal(den_snapshot_open(path, &s), 0);
	assert_int_equal(den_snapshot_user_by_uid(s, UID(7), &u), 0);
	assert_string_equal(u.gecos, "User 7 at 3");
	den_snapshot_close(s);
	base_close(&base);
	versions_free(vs);
}

static void a_mass_drop_is_refused(void **state)
{
	struct versions *vs, *half, *none = versions_new();
	struct base base;

	(void)state;
	seed = 2;
	begin(&base, &vs);
	half = versions_new();
	for (int j = 0; j < GROUPS - 1; j++)
		tell_group(half, j);
	for (int i = 0; i < 50; i++)
		tell_user(half, i);
	assert_int_equal(publish(path, &base, half, 1, 1, 49), -ECANCELED);
	check_sound(path);
	assert_int_equal(publish(path, &base, half, 1, 1, 50), 0);
	assert_int_equal(publish(path, &base, none, 1, 1, 99), -ECANCELED);
	assert_int_equal(publish(path, &base, vs, 1, 1, 100), 0);
	base_close(&base);
	versions_free(vs);
	versions_free(half);
	versions_free(none);
}

/* A version in force was deleted: what lies below it, only the directory knows. */
static void a_hole_is_not_guessed(void **state)
{
	unsigned char uuid[16];
	struct versions *vs;
	struct base base;

	(void)state;
	seed = 3;
	begin(&base, &vs);
	uuid_of(uuid, 0, 5, 0);
	forget(&base, NULL, uuid);
	assert_int_equal(publish(path, &base, vs, 2, 0, 50), -ESTALE);
	check_sound(path);
	base_close(&base);
	versions_free(vs);
}

static void bad_entries_keep_nobody_out(void **state)
{
	struct dendir_version v = {.serial = 2};
	struct den_snapshot_user u;
	struct den_snapshot *s;
	struct versions *vs;
	struct base base;
	unsigned char uuid[16] = "another one....";

	(void)state;
	seed = 4;
	begin(&base, &vs);
	/* root, by another name; somebody else's uid; no login ID at all */
	snprintf(v.user.state, sizeof(v.user.state), "active");
	snprintf(v.user.login, sizeof(v.user.login), "d-hacker1");
	assert_int_equal(versions_put(vs, uuid, &v), 0);
	uuid[0]++;
	v.user.uid = UID(9);
	v.user.gid = 300000;
	snprintf(v.user.login, sizeof(v.user.login), "d-hacker2");
	assert_int_equal(versions_put(vs, uuid, &v), 0);
	uuid[0]++;
	v.user.uid = 400000;
	snprintf(v.user.login, sizeof(v.user.login), "root");
	assert_int_equal(versions_put(vs, uuid, &v), 0);
	uuid[0]++;
	snprintf(v.user.login, sizeof(v.user.login), "d-colon01");
	snprintf(v.user.name, sizeof(v.user.name), "a:0:0");
	assert_int_equal(versions_put(vs, uuid, &v), 0);
	assert_int_equal(publish(path, &base, vs, 2, 0, 50), 0);
	check_sound(path);
	assert_int_equal(den_snapshot_open(path, &s), 0);
	assert_int_equal(den_snapshot_user_count(s), USERS - 20);
	assert_int_equal(den_snapshot_user_by_uid(s, UID(9), &u), 0);
	assert_string_equal(u.name, "d-user0009");
	den_snapshot_close(s);
	base_close(&base);
	versions_free(vs);
}

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test_published.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	chmod(folder, 0755);
	snprintf(path, sizeof(path), "%s/snapshot", folder);
	return 0;
}

static int remove_folder(void **state)
{
	static const char *const suffixes[] = {"", ".lock", ".whole", ".whole.lock"};
	char name[128];

	(void)state;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		unlink(name);
	}
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_give_the_same_as_everything),
		cmocka_unit_test(what_is_above_the_pointer_waits),
		cmocka_unit_test(a_mass_drop_is_refused),
		cmocka_unit_test(a_hole_is_not_guessed),
		cmocka_unit_test(bad_entries_keep_nobody_out),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
