/*
 * The snapshot's writer and reader: everything that was put in is found, nothing else is, and a
 * damaged, cut or foreign file is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/snapshot.h"
#include "core/snapshot_write.h"

#define NOW 1000000000
#define USERS 300u
#define GROUPS 40u
#define UID(i) (20000u + (i) * 7u)
#define GID(i) (50000u + (i) * 3u)
#define SUPERSEDED_AT 24

static char folder[64];
static char path[96];

static const char *user_name(unsigned int i)
{
	static char name[2][32];
	static int turn;

	turn = !turn;
	snprintf(name[turn], sizeof name[turn], "d-user%02u%.*s", i, (int)(i % 5), "abcde");
	return name[turn];
}

static const char *group_name(unsigned int i)
{
	static const char *const pattern[] = { "d-team%u", "biz%u.use", "biz%u.maker",
					       "biz%u.approver", "acct.%03u-1234567" };
	static char name[64];

	/* the pattern comes from the table above */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(name, sizeof name, pattern[i % 5], i);
#pragma GCC diagnostic pop
	return name;
}

static bool is_member(unsigned int user, unsigned int group)
{
	return (user * 31 + group * 17) % 11 == 0 || (group == 3 && user % 2 == 0);
}

static struct den_snapshot_builder *new_builder(void)
{
	struct den_snapshot_meta meta = { .serial = 7, .created = NOW };
	struct den_snapshot_builder *b = den_snapshot_builder_new(&meta);

	assert_non_null(b);
	return b;
}

static struct den_snapshot_user plain_user(const char *name, uint32_t uid)
{
	return (struct den_snapshot_user){
		.name = name, .uid = uid, .gid = 20000, .gecos = "山田 太郎", .dir = "/srv/home",
		.shell = "/bin/bash",
	};
}

/* The model: in descending order, so that sorting has work to do. */
static struct den_snapshot_builder *model_builder(unsigned int users, unsigned int groups)
{
	struct den_snapshot_builder *b = new_builder();

	for (unsigned int i = groups; i-- > 0;)
		assert_int_equal(den_snapshot_builder_add_group(b, group_name(i), GID(i)), 0);
	for (unsigned int i = users; i-- > 0;) {
		char dir[64], gecos[32], extra[16];
		struct den_snapshot_user u = plain_user(user_name(i), UID(i));

		snprintf(dir, sizeof dir, "/home/%s", user_name(i));
		snprintf(gecos, sizeof gecos, "User %u", i);
		memset(extra, (int)i, sizeof extra);
		if (i % 3 != 0)
			u.dir = dir;
		u.gecos = gecos;
		u.flags = i;
		u.until = i % 4 == 0 ? NOW + i : 0;
		u.extra = extra;
		u.extra_size = i % 17;
		u.mail = i % 6 == 0 ? "taro@example.org" : NULL;
		if (i % 2)
			memcpy(u.lang, "ja", 3);
		assert_int_equal(den_snapshot_builder_add_user(b, &u), 0);
	}
	for (unsigned int i = 0; i < users; i++)
		for (unsigned int j = 0; j < groups; j++)
			if (is_member(i, j))
				assert_int_equal(den_snapshot_builder_add_membership(
							 b, user_name(i), group_name(j), 0), 0);
	assert_int_equal(den_snapshot_builder_set_cookie(b, "rid=001,csn=x", 13), 0);
	return b;
}

static struct den_snapshot *open_image(struct den_snapshot_builder *b, void **image, size_t *size)
{
	struct den_snapshot *s = NULL;

	assert_int_equal(den_snapshot_builder_image(b, image, size), 0);
	assert_int_equal(den_snapshot_open_memory(*image, *size, &s), 0);
	return s;
}

static void check_user(const struct den_snapshot *s, const struct den_snapshot_user *u,
		       unsigned int i)
{
	uint32_t gids[GROUPS];
	unsigned int n = 0;
	char text[64];

	assert_string_equal(u->name, user_name(i));
	assert_int_equal(u->uid, UID(i));
	assert_int_equal(u->gid, 20000);
	assert_int_equal(u->flags, i);
	assert_int_equal(u->until, i % 4 == 0 ? NOW + i : 0);
	assert_string_equal(u->lang, i % 2 ? "ja" : "");
	snprintf(text, sizeof text, "/home/%s", user_name(i));
	assert_string_equal(u->dir, i % 3 ? text : "/srv/home");
	snprintf(text, sizeof text, "User %u", i);
	assert_string_equal(u->gecos, text);
	assert_string_equal(u->shell, "/bin/bash");
	if (i % 6 == 0)
		assert_string_equal(u->mail, "taro@example.org");
	else
		assert_null(u->mail);
	assert_int_equal(u->extra_size, i % 17);
	for (size_t k = 0; k < u->extra_size; k++)
		assert_int_equal(((const uint8_t *)u->extra)[k], i & 255);
	assert_in_range(den_snapshot_user_groups(s, u, NOW, gids, GROUPS), 0, GROUPS);
	for (unsigned int j = 0; j < GROUPS; j++)
		if (is_member(i, j))
			assert_int_equal(gids[n++], GID(j));
	assert_int_equal(den_snapshot_user_groups(s, u, NOW, gids, GROUPS), n);
}

static int count_name(const char *name, void *arg)
{
	assert_true(den_snapshot_is_user_name(name));
	++*(unsigned int *)arg;
	return 0;
}

static void finds_everything(void **state)
{
	struct den_snapshot_builder *b = model_builder(USERS, GROUPS);
	struct den_snapshot_group g;
	struct den_snapshot_user u;
	struct den_snapshot_meta meta;
	struct den_snapshot *s;
	const void *cookie;
	uint32_t pos = 0;
	void *image;
	size_t size;

	(void)state;
	s = open_image(b, &image, &size);
	for (unsigned int i = 0; i < USERS; i++) {
		assert_int_equal(den_snapshot_user_by_name(s, user_name(i), &u), 0);
		check_user(s, &u, i);
		assert_int_equal(den_snapshot_user_by_uid(s, UID(i), &u), 0);
		check_user(s, &u, i);
		assert_int_equal(den_snapshot_next_user(s, &pos, &u), 0);
		check_user(s, &u, i);
		assert_int_equal(den_snapshot_user_by_uid(s, UID(i) + 1, &u), -ENOENT);
	}
	assert_int_equal(den_snapshot_next_user(s, &pos, &u), -ENOENT);
	pos = 0;
	for (unsigned int j = 0; j < GROUPS; j++) {
		unsigned int n = 0, want = 0;

		assert_int_equal(den_snapshot_next_group(s, &pos, &g), 0);
		assert_int_equal(g.gid, GID(j));
		assert_int_equal(den_snapshot_group_by_name(s, group_name(j), &g), 0);
		assert_int_equal(g.gid, GID(j));
		assert_int_equal(den_snapshot_group_by_gid(s, GID(j), &g), 0);
		assert_string_equal(g.name, group_name(j));
		for (unsigned int i = 0; i < USERS; i++)
			want += is_member(i, j);
		assert_int_equal(den_snapshot_group_members(s, &g, NOW, count_name, &n), 0);
		assert_int_equal(n, want);
		assert_int_equal(den_snapshot_group_by_gid(s, GID(j) + 1, &g), -ENOENT);
	}
	assert_int_equal(den_snapshot_next_group(s, &pos, &g), -ENOENT);
	den_snapshot_meta(s, &meta);
	assert_int_equal(meta.serial, 7);
	assert_int_equal(meta.created, NOW);
	assert_int_equal(den_snapshot_user_count(s), USERS);
	assert_int_equal(den_snapshot_group_count(s), GROUPS);
	assert_int_equal(den_snapshot_cookie(s, &cookie, &size), 0);
	assert_int_equal(size, 13);
	assert_memory_equal(cookie, "rid=001,csn=x", 13);
	assert_int_equal(den_snapshot_verify(s), 0);
	den_snapshot_close(s);
	free(image);
	den_snapshot_builder_free(b);
}

static void finds_nothing_else(void **state)
{
	static const char *const users[] = { "", "d", "d-", "root", "d-user0", "D-USER07AB",
					     "d-user07ab ", "d-user99z", "d-user07ab-no",
					     "d-user07aba", "d-user07abcdefghijkl", "d-ユーザー" };
	static const char *const groups[] = { "", ".", "root", "d-", "d-team1", "biz1", "biz1.us",
					      "BIZ1.use", "biz1.use.use", ".use", "acct.", "d-a.b",
					      "biz1.master", "acct.001-123456" };
	struct den_snapshot_builder *b = model_builder(20, 10);
	struct den_snapshot_group g;
	struct den_snapshot_user u;
	struct den_snapshot *s;
	void *image;
	size_t size;

	(void)state;
	s = open_image(b, &image, &size);
	for (size_t i = 0; i < sizeof users / sizeof *users; i++)
		assert_int_equal(den_snapshot_user_by_name(s, users[i], &u), -ENOENT);
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
		assert_int_equal(den_snapshot_group_by_name(s, groups[i], &g), -ENOENT);
	assert_int_equal(den_snapshot_user_by_uid(s, 0, &u), -ENOENT);
	assert_int_equal(den_snapshot_user_by_uid(s, 999, &u), -ENOENT);
	assert_int_equal(den_snapshot_group_by_gid(s, 0, &g), -ENOENT);
	den_snapshot_close(s);
	free(image);
	den_snapshot_builder_free(b);
}

static void empty_is_sound(void **state)
{
	struct den_snapshot_builder *b = new_builder();
	struct den_snapshot_group g;
	struct den_snapshot_user u;
	struct den_snapshot *s;
	const void *cookie;
	uint32_t pos = 0;
	void *image;
	size_t size;

	(void)state;
	s = open_image(b, &image, &size);
	assert_int_equal(den_snapshot_verify(s), 0);
	assert_int_equal(den_snapshot_user_by_name(s, "d-taro01", &u), -ENOENT);
	assert_int_equal(den_snapshot_group_by_gid(s, 50000, &g), -ENOENT);
	assert_int_equal(den_snapshot_next_user(s, &pos, &u), -ENOENT);
	assert_int_equal(den_snapshot_next_group(s, &pos, &g), -ENOENT);
	assert_int_equal(den_snapshot_cookie(s, &cookie, &size), -ENOENT);
	den_snapshot_close(s);
	free(image);
	den_snapshot_builder_free(b);
}

/* Names and IDs that go into a snapshot, or don't. */
static void refuses_what_is_not_denshis(void **state)
{
	static const struct {
		const char *name;
		uint32_t uid;
		int want;
	} users[] = {
		{ "d-taro01", 20001, 0 },	{ "d-taro01", 20002, -EEXIST },
		{ "d-taro02", 20001, -EEXIST }, { "d-abcdefghijkl", 20003, 0 },
		{ "d-abcde", 20004, -EINVAL },	{ "d-abcdefghijklm", 20004, -EINVAL },
		{ "d-Taro03", 20004, -EINVAL }, { "taro03", 20004, -EINVAL },
		{ "d-taro-3", 20004, -EINVAL }, { "d-taro03", 0, -EINVAL },
		{ "d-taro03", 999, -EINVAL },	{ "d-taro03", 65534, -EINVAL },
		{ "d-taro03", UINT32_MAX, -EINVAL }, { "d-taro03", 1000, 0 },
	};
	static const struct {
		const char *name;
		uint32_t gid;
		int want;
	} groups[] = {
		{ "d-staff", 50000, 0 },	 { "d-staff", 50001, -EEXIST },
		{ "d-other", 50000, -EEXIST },	 { "transfer.use", 50001, 0 },
		{ "claim.maker", 50002, 0 },	 { "claim.approver", 50003, 0 },
		{ "acct.001-1234567", 50004, 0 }, { "claim.master", 50005, -EINVAL },
		{ "sudo", 50005, -EINVAL },	 { "x.use\n", 50005, -EINVAL },
		{ "d-root", 0, -EINVAL },	 { "d-low", 999, -EINVAL },
	};
	struct den_snapshot_builder *b = new_builder();

	(void)state;
	for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
		struct den_snapshot_user u = plain_user(users[i].name, users[i].uid);

		assert_int_equal(den_snapshot_builder_add_user(b, &u), users[i].want);
	}
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
		assert_int_equal(den_snapshot_builder_add_group(b, groups[i].name, groups[i].gid),
				 groups[i].want);
	assert_int_equal(den_snapshot_builder_add_membership(b, "d-nobody9", "d-staff", 0),
			 -ENOENT);
	assert_int_equal(den_snapshot_builder_add_membership(b, "d-taro01", "d-nothing", 0),
			 -ENOENT);
	assert_int_equal(den_snapshot_builder_add_membership(b, "d-taro01", "d-staff", -1),
			 -EINVAL);
	den_snapshot_builder_free(b);
}

static void refuses_bad_strings(void **state)
{
	struct den_snapshot_builder *b = new_builder();
	struct den_snapshot_user u;
	char longer[300];

	(void)state;
	memset(longer, 'x', sizeof longer);
	longer[256] = '\0';
	u = plain_user("d-taro01", 20001);
	u.gecos = "a:b";
	assert_int_equal(den_snapshot_builder_add_user(b, &u), -EINVAL);
	u.gecos = "a\nb";
	assert_int_equal(den_snapshot_builder_add_user(b, &u), -EINVAL);
	u.gecos = longer;
	assert_int_equal(den_snapshot_builder_add_user(b, &u), -ENAMETOOLONG);
	longer[255] = '\0';
	memcpy(u.lang, "J", 2);
	assert_int_equal(den_snapshot_builder_add_user(b, &u), -EINVAL);
	memcpy(u.lang, "en", 3);
	u.gid = 0;
	assert_int_equal(den_snapshot_builder_add_user(b, &u), -EINVAL);
	u.gid = 20000;
	u.extra = longer;
	u.extra_size = 65536;
	assert_int_equal(den_snapshot_builder_add_user(b, &u), -E2BIG);
	u.extra_size = 0;
	assert_int_equal(den_snapshot_builder_add_user(b, &u), 0);
	den_snapshot_builder_free(b);
}

/* R-AUTH-8 */
static void memberships_end(void **state)
{
	struct den_snapshot_builder *b = new_builder();
	struct den_snapshot_user u = plain_user("d-taro01", 20001);
	struct den_snapshot_dated dated;
	struct den_snapshot_group g;
	struct den_snapshot *s;
	unsigned int n = 0;
	uint32_t gids[4];
	void *image;
	size_t size;

	(void)state;
	assert_int_equal(den_snapshot_builder_add_user(b, &u), 0);
	assert_int_equal(den_snapshot_builder_add_group(b, "a.use", 50000), 0);
	assert_int_equal(den_snapshot_builder_add_group(b, "b.use", 50001), 0);
	assert_int_equal(den_snapshot_builder_add_group(b, "c.use", 50002), 0);
	assert_int_equal(den_snapshot_builder_add_membership(b, "d-taro01", "a.use", NOW), 0);
	assert_int_equal(den_snapshot_builder_add_membership(b, "d-taro01", "b.use", 0), 0);
	/* given twice: the longer one holds */
	assert_int_equal(den_snapshot_builder_add_membership(b, "d-taro01", "c.use", NOW - 5), 0);
	assert_int_equal(den_snapshot_builder_add_membership(b, "d-taro01", "c.use", NOW + 5), 0);
	s = open_image(b, &image, &size);
	assert_int_equal(den_snapshot_verify(s), 0);
	assert_int_equal(den_snapshot_user_by_name(s, "d-taro01", &u), 0);
	assert_int_equal(den_snapshot_user_groups(s, &u, NOW - 1, gids, 4), 3);
	assert_int_equal(den_snapshot_user_groups(s, &u, NOW, gids, 4), 2);
	assert_int_equal(gids[0], 50001);
	assert_int_equal(gids[1], 50002);
	assert_int_equal(den_snapshot_user_groups(s, &u, NOW + 5, gids, 4), 1);
	assert_int_equal(gids[0], 50001);
	assert_int_equal(den_snapshot_user_groups(s, &u, NOW, NULL, 0), 2);
	assert_int_equal(den_snapshot_user_dated(s, &u, 1, &dated), 0);
	assert_int_equal(dated.until, NOW + 5);
	assert_int_equal(den_snapshot_user_dated(s, &u, 2, &dated), -EBADMSG);
	assert_int_equal(den_snapshot_group_by_name(s, "a.use", &g), 0);
	assert_int_equal(den_snapshot_group_members(s, &g, NOW - 1, count_name, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(den_snapshot_group_members(s, &g, NOW, count_name, &n), 0);
	assert_int_equal(n, 1);
	den_snapshot_close(s);
	free(image);
	den_snapshot_builder_free(b);
}

/* Many users in few buckets: every index works at its fullest. */
static void large_and_small_tables(void **state)
{
	(void)state;
	for (unsigned int users = 1; users < 3000; users += users / 7 + 1) {
		struct den_snapshot_builder *b = new_builder();
		struct den_snapshot *s;
		char name[32];
		void *image;
		size_t size;

		for (unsigned int i = 0; i < users; i++) {
			struct den_snapshot_user u = plain_user(name, 70000 + i);

			snprintf(name, sizeof name, "d-u%06u", i);
			assert_int_equal(den_snapshot_builder_add_user(b, &u), 0);
		}
		s = open_image(b, &image, &size);
		assert_int_equal(den_snapshot_verify(s), 0);
		den_snapshot_close(s);
		free(image);
		den_snapshot_builder_free(b);
	}
}

/* ---- damage ---- */

static int ignore_name(const char *name, void *arg)
{
	(void)name;
	(void)arg;
	return 0;
}

/*
 * Looks everything of the model up: each answer is the right one, or -EBADMSG. Returns how many
 * were refused.
 */
static unsigned int ask_everything(const struct den_snapshot *s, unsigned int users,
				   unsigned int groups)
{
	struct den_snapshot_group g;
	struct den_snapshot_user u;
	unsigned int refused = 0;
	int r;

	for (unsigned int i = 0; i < users; i++) {
		r = den_snapshot_user_by_name(s, user_name(i), &u);
		if (r == 0)
			check_user(s, &u, i);
		else
			assert_int_equal(r, -EBADMSG);
		refused += r != 0;
		r = den_snapshot_user_by_uid(s, UID(i), &u);
		if (r == 0)
			check_user(s, &u, i);
		else
			assert_int_equal(r, -EBADMSG);
		refused += r != 0;
	}
	for (unsigned int j = 0; j < groups; j++) {
		r = den_snapshot_group_by_name(s, group_name(j), &g);
		if (r == 0)
			r = den_snapshot_group_members(s, &g, NOW, ignore_name, NULL);
		if (r == 0)
			assert_int_equal(g.gid, GID(j));
		else
			assert_int_equal(r, -EBADMSG);
		refused += r != 0;
		r = den_snapshot_group_by_gid(s, GID(j), &g);
		assert_true(r == 0 || r == -EBADMSG);
		refused += r != 0;
	}
	return refused;
}

static void every_flipped_byte_is_noticed(void **state)
{
	static const uint8_t flips[] = { 0x01, 0x80, 0xff };
	struct den_snapshot_builder *b = model_builder(20, GROUPS);
	struct den_snapshot *s;
	uint8_t *image;
	void *made;
	size_t size;

	(void)state;
	assert_int_equal(den_snapshot_builder_image(b, &made, &size), 0);
	image = made;
	for (size_t at = 0; at < size; at++) {
		for (size_t k = 0; k < sizeof flips; k++) {
			int r;

			image[at] ^= flips[k];
			r = den_snapshot_open_memory(image, size, &s);
			if (at >= SUPERSEDED_AT && at < SUPERSEDED_AT + 4) {
				/* not damage but news */
				assert_int_equal(r, 0);
				assert_int_not_equal(*den_snapshot_superseded(s), 0);
			} else if (at < 256) {
				assert_true(r == -EBADMSG || r == -EPROTONOSUPPORT);
			} else {
				assert_int_equal(r, 0);
				ask_everything(s, 20, GROUPS);
				assert_int_equal(den_snapshot_verify(s), -EBADMSG);
			}
			if (r == 0)
				den_snapshot_close(s);
			image[at] ^= flips[k];
		}
	}
	assert_int_equal(den_snapshot_open_memory(image, size, &s), 0);
	assert_int_equal(ask_everything(s, 20, GROUPS), 0);
	den_snapshot_close(s);
	free(made);
	den_snapshot_builder_free(b);
}

static void put_file(const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

static void cut_files_are_refused(void **state)
{
	struct den_snapshot_builder *b = model_builder(20, 5);
	struct den_snapshot *s;
	size_t size;
	void *image;

	(void)state;
	assert_int_equal(den_snapshot_builder_image(b, &image, &size), 0);
	for (size_t cut = 0; cut < size; cut += 512) {
		put_file(image, cut);
		assert_int_equal(den_snapshot_open(path, &s), -EBADMSG);
	}
	put_file(image, size - 1);
	assert_int_equal(den_snapshot_open(path, &s), -EBADMSG);
	put_file(image, size);
	assert_int_equal(den_snapshot_open(path, &s), 0);
	den_snapshot_close(s);
	free(image);
	den_snapshot_builder_free(b);
}

/* ---- files ---- */

static int try_open(void)
{
	struct den_snapshot *s;
	int r = den_snapshot_open(path, &s);

	if (r == 0)
		den_snapshot_close(s);
	return r;
}

static void foreign_files_are_refused(void **state)
{
	struct den_snapshot_builder *b = model_builder(3, 2);
	char other[128];

	(void)state;
	assert_int_equal(den_snapshot_builder_write(b, path), 0);
	assert_int_equal(try_open(), 0);
	chmod(path, 0664);
	assert_int_equal(try_open(), -EPERM);
	chmod(path, 0646);
	assert_int_equal(try_open(), -EPERM);
	chmod(path, 0644);
	snprintf(other, sizeof other, "%s.real", path);
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(symlink(other, path), 0);
	assert_int_equal(try_open(), -EPERM);
	unlink(path);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(try_open(), -EPERM);
	rmdir(path);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_int_equal(try_open(), -EPERM);
	unlink(path);
	assert_int_equal(try_open(), -ENOENT);
	assert_int_equal(rename(other, path), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 4711, 4711), 0);
		assert_int_equal(try_open(), -EPERM);
		assert_int_equal(chown(folder, 4711, 4711), 0);
		assert_int_equal(try_open(), 0);
		assert_int_equal(chmod(folder, 0777), 0);
		assert_int_equal(try_open(), -EPERM);
		assert_int_equal(chmod(folder, 0755), 0);
		assert_int_equal(chown(folder, 0, 0), 0);
	}
	unlink(path);
	den_snapshot_builder_free(b);
}

static void the_old_file_is_marked(void **state)
{
	struct den_snapshot_builder *b = model_builder(3, 2);
	struct den_snapshot *old, *new;

	(void)state;
	assert_int_equal(den_snapshot_builder_write(b, path), 0);
	assert_int_equal(den_snapshot_open(path, &old), 0);
	assert_int_equal(*den_snapshot_superseded(old), DEN_SNAPSHOT_IN_FORCE);
	assert_int_equal(den_snapshot_builder_write(b, path), 0);
	assert_int_equal(*den_snapshot_superseded(old), DEN_SNAPSHOT_REPLACED);
	assert_int_equal(den_snapshot_open(path, &new), 0);
	assert_int_equal(*den_snapshot_superseded(new), DEN_SNAPSHOT_IN_FORCE);
	assert_false(den_snapshot_same_file(old, new));
	/* who still has the old one still reads it */
	assert_int_equal(den_snapshot_verify(old), 0);
	den_snapshot_close(old);
	den_snapshot_close(new);
	den_snapshot_builder_free(b);
}

static bool exists(const char *suffix)
{
	char name[128];

	snprintf(name, sizeof name, "%s%s", path, suffix);
	return access(name, F_OK) == 0;
}

static void a_full_disk_changes_nothing(void **state)
{
	static const rlim_t limits[] = { 0, 100, 4096, 20000 };
	struct den_snapshot_builder *small = model_builder(3, 2);
	struct den_snapshot_builder *large = model_builder(USERS, GROUPS);
	struct den_snapshot *s;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(den_snapshot_builder_write(small, path), 0);
	assert_int_equal(den_snapshot_open(path, &s), 0);
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		struct rlimit was, tight;

		getrlimit(RLIMIT_FSIZE, &was);
		tight = (struct rlimit){ limits[i], was.rlim_max };
		setrlimit(RLIMIT_FSIZE, &tight);
		assert_int_equal(den_snapshot_builder_write(large, path), -EFBIG);
		setrlimit(RLIMIT_FSIZE, &was);
		assert_false(exists(".new"));
		assert_int_equal(*den_snapshot_superseded(s), DEN_SNAPSHOT_IN_FORCE);
		assert_int_equal(try_open(), 0);
		assert_int_equal(den_snapshot_verify(s), 0);
	}
	den_snapshot_close(s);
	den_snapshot_builder_free(small);
	den_snapshot_builder_free(large);
}

/*
 * A file system of PAGES pages with a small snapshot on it, and no room for the large one: 0 if
 * all is as it should be, 1 if not, 2 if the large one found room.
 */
static int with_pages(struct den_snapshot_builder *small, struct den_snapshot_builder *large,
		      unsigned int pages)
{
	struct den_snapshot *old, *now;
	char options[32];
	bool fine;
	int r;

	snprintf(options, sizeof options, "size=%u,mode=755", pages * 4096);
	if (mount("test", folder, "tmpfs", 0, options) < 0)
		return 1;
	if (den_snapshot_builder_write(small, path) < 0)
		return pages < 3 ? 0 : 1;
	if (den_snapshot_open(path, &old) < 0)
		return 1;
	r = den_snapshot_builder_write(large, path);
	if (r == 0)
		return 2;
	fine = r == -ENOSPC && access(path, F_OK) == 0 && den_snapshot_open(path, &now) == 0 &&
	       den_snapshot_same_file(old, now) && den_snapshot_verify(now) == 0 &&
	       *den_snapshot_superseded(old) == DEN_SNAPSHOT_IN_FORCE;
	return fine && !exists(".new") ? 0 : 1;
}

/* The disk fills up at each page of the new file, in file systems of all sizes up to enough. */
static void a_disk_full_at_each_page(void **state)
{
	struct den_snapshot_builder *small = model_builder(3, 2);
	struct den_snapshot_builder *large = model_builder(USERS, GROUPS);
	unsigned int pages = 1;
	int status = 0;

	(void)state;
	for (; pages < 200 && status == 0; pages++) {
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0) {
			if (unshare(CLONE_NEWNS) < 0 ||
			    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
				_exit(77);
			_exit(with_pages(small, large, pages));
		}
		assert_int_equal(waitpid(child, &status, 0), child);
	}
	den_snapshot_builder_free(small);
	den_snapshot_builder_free(large);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 2);
	assert_in_range(pages, 10, 199);
}

/* What a reader has after a writer died: the old one or the new one, whole, and it will learn. */
static void check_survivor(struct den_snapshot *mapped)
{
	struct den_snapshot *s;

	assert_int_equal(den_snapshot_open(path, &s), 0);
	assert_int_equal(den_snapshot_verify(s), 0);
	assert_int_equal(den_snapshot_verify(mapped), 0);
	assert_true(den_snapshot_user_count(s) == 3 || den_snapshot_user_count(s) == 50);
	/* whoever has the file that lost its name looks again */
	if (!den_snapshot_same_file(mapped, s))
		assert_int_not_equal(*den_snapshot_superseded(mapped), DEN_SNAPSHOT_IN_FORCE);
	den_snapshot_close(s);
}

/* Lets CHILD make N steps, into a system call or out of it, and kills it. False: it ended before. */
static bool kill_at(pid_t child, unsigned int n)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	for (unsigned int i = 0; i < n && WIFSTOPPED(status); i++) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
	}
	if (!WIFSTOPPED(status))
		return false;
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	return true;
}

/* A writer killed before and behind each of its system calls. */
static void killed_at_every_step(void **state)
{
	struct den_snapshot_builder *small = model_builder(3, 2), *large = model_builder(50, 5);
	unsigned int steps = 0;
	bool killed;

	(void)state;
	do {
		struct den_snapshot *mapped;
		pid_t child;

		assert_int_equal(den_snapshot_builder_write(small, path), 0);
		assert_int_equal(den_snapshot_open(path, &mapped), 0);
		child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
				_exit(99);
			raise(SIGSTOP);
			_exit(den_snapshot_builder_write(large, path) == 0 ? 0 : 1);
		}
		killed = kill_at(child, steps++);
		check_survivor(mapped);
		den_snapshot_close(mapped);
	} while (killed && steps < 500);
	/* open, lock, write, sync, rename, mark: each of them was one of these */
	assert_in_range(steps, 30, 499);
	den_snapshot_builder_free(small);
	den_snapshot_builder_free(large);
}

static void a_leftover_is_replaced(void **state)
{
	struct den_snapshot_builder *b = model_builder(3, 2);
	char name[128];
	int fd;

	(void)state;
	snprintf(name, sizeof name, "%s.new", path);
	fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(den_snapshot_builder_write(b, path), 0);
	assert_false(exists(".new"));
	snprintf(name, sizeof name, "%s.lock", path);
	fd = open(name, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(den_snapshot_builder_write(b, path), -EBUSY);
	close(fd);
	assert_int_equal(den_snapshot_builder_write(b, path), 0);
	assert_int_equal(den_snapshot_builder_write(b, "/nonexistent/snapshot"), -ENOENT);
	/* something else in its place is not written to */
	put_file("precious", 8);
	assert_int_equal(den_snapshot_builder_write(b, path), 0);
	assert_int_equal(try_open(), 0);
	den_snapshot_builder_free(b);
}

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/test_snapshot.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	chmod(folder, 0755);
	snprintf(path, sizeof path, "%s/snapshot", folder);
	return 0;
}

static int remove_folder(void **state)
{
	static const char *const suffixes[] = { "", ".new", ".lock", ".real" };
	char name[128];

	(void)state;
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
		unlink(name);
	}
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_everything),
		cmocka_unit_test(finds_nothing_else),
		cmocka_unit_test(empty_is_sound),
		cmocka_unit_test(refuses_what_is_not_denshis),
		cmocka_unit_test(refuses_bad_strings),
		cmocka_unit_test(memberships_end),
		cmocka_unit_test(large_and_small_tables),
		cmocka_unit_test(every_flipped_byte_is_noticed),
		cmocka_unit_test(cut_files_are_refused),
		cmocka_unit_test(foreign_files_are_refused),
		cmocka_unit_test(the_old_file_is_marked),
		cmocka_unit_test(a_full_disk_changes_nothing),
		cmocka_unit_test(a_disk_full_at_each_page),
		cmocka_unit_test(killed_at_every_step),
		cmocka_unit_test(a_leftover_is_replaced),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
