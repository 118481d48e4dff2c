/*
 * libnss_denshi.so.2 as glibc loads it: what its callers count on. Needs root, for a mount
 * namespace of its own with an empty /var/lib/denshi.
 *
 * usage: test_nss_contract [MODULE]	(else $NSS_DENSHI_SO, else ../libnss_denshi.so.2 from here)
 * $NSS_DENSHI_MAP is the version script, nss_denshi/nss_denshi.map unless told.
 */
#include <dlfcn.h>
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/seccomp.h>
#include <nss.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/snapshot-internal.h"
#include "core/snapshot_write.h"

#define SNAPSHOT "/var/lib/denshi/snapshot"
#define USERS 200u
#define THREADS 32u
#define REPLACEMENTS 60u

static const char *module_path;

static struct {
	enum nss_status (*getpwnam_r)(const char *, struct passwd *, char *, size_t, int *);
	enum nss_status (*getpwuid_r)(uid_t, struct passwd *, char *, size_t, int *);
	enum nss_status (*setpwent)(int);
	enum nss_status (*getpwent_r)(struct passwd *, char *, size_t, int *);
	enum nss_status (*endpwent)(void);
	enum nss_status (*getgrnam_r)(const char *, struct group *, char *, size_t, int *);
	enum nss_status (*getgrgid_r)(gid_t, struct group *, char *, size_t, int *);
	enum nss_status (*setgrent)(int);
	enum nss_status (*getgrent_r)(struct group *, char *, size_t, int *);
	enum nss_status (*endgrent)(void);
	enum nss_status (*initgroups_dyn)(const char *, gid_t, long *, long *, gid_t **, long,
					  int *);
} nss;

static void load_module(void)
{
	void *h = dlopen(module_path, RTLD_NOW | RTLD_LOCAL);

	if (h == NULL) {
		fprintf(stderr, "test_nss_contract: %s\n", dlerror());
		exit(1);
	}
#define GET(fn) *(void **)&nss.fn = dlsym(h, "_nss_denshi_" #fn)
	GET(getpwnam_r);
	GET(getpwuid_r);
	GET(setpwent);
	GET(getpwent_r);
	GET(endpwent);
	GET(getgrnam_r);
	GET(getgrgid_r);
	GET(setgrent);
	GET(getgrent_r);
	GET(endgrent);
	GET(initgroups_dyn);
#undef GET
}

/* ---- snapshots to look into ---- */

static const char *name_of(unsigned int i, char name[16])
{
	snprintf(name, 16, "d-u%06u", i);
	return name;
}

/*
 * Users 0 to USERS - 1, each in VERSION % 7 + 1 of eight groups, and the version in each gecos. So
 * an answer shows which version it is of, and whether it is of one.
 */
static struct den_snapshot_builder *version_builder(unsigned int version, uint32_t flags)
{
	struct den_snapshot_meta meta = { .serial = version, .created = version, .flags = flags };
	struct den_snapshot_builder *b = den_snapshot_builder_new(&meta);
	char gecos[64], dir[32], name[16], group[16];

	assert_non_null(b);
	for (unsigned int j = 0; j < 8; j++) {
		snprintf(group, sizeof group, "biz%u.use", j);
		assert_int_equal(den_snapshot_builder_add_group(b, group, 70000 + j), 0);
	}
	for (unsigned int i = 0; i < USERS; i++) {
		struct den_snapshot_user u = {
			.name = name_of(i, name), .uid = 80000 + i, .gid = 69000, .gecos = gecos,
			.dir = dir, .shell = "/bin/sh",
		};

		snprintf(gecos, sizeof gecos, "v%u%.*s", version, (int)(version % 32),
			 "................................");
		snprintf(dir, sizeof dir, "/home/%s", name);
		assert_int_equal(den_snapshot_builder_add_user(b, &u), 0);
		for (unsigned int j = 0; j <= version % 7; j++) {
			snprintf(group, sizeof group, "biz%u.use", j);
			assert_int_equal(den_snapshot_builder_add_membership(b, name, group, 0), 0);
		}
	}
	return b;
}

static void put_version(unsigned int version, uint32_t flags)
{
	struct den_snapshot_builder *b = version_builder(version, flags);

	assert_int_equal(den_snapshot_builder_write(b, SNAPSHOT), 0);
	den_snapshot_builder_free(b);
}

/* Takes the file away for all who have it mapped, as no writer of denshi's would. */
static void take_away(void)
{
	uint32_t word = DEN_SNAPSHOT_REPLACED;
	int fd = open(SNAPSHOT, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	assert_int_equal(pwrite(fd, &word, 4, offsetof(struct den_snap_header, superseded)), 4);
	close(fd);
	unlink(SNAPSHOT);
}

/* Puts bytes into force that no builder makes. */
static void put_image(const void *image, size_t size)
{
	uint32_t word = DEN_SNAPSHOT_REPLACED;
	int old = open(SNAPSHOT, O_RDWR | O_CLOEXEC), fd;

	fd = open(SNAPSHOT ".test", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	assert_int_equal(write(fd, image, size), size);
	close(fd);
	assert_int_equal(rename(SNAPSHOT ".test", SNAPSHOT), 0);
	assert_int_equal(pwrite(old, &word, 4, offsetof(struct den_snap_header, superseded)), 4);
	close(old);
}

/* A file that was not there, or not sound, is looked for again after a second. */
static void wait_for_retry(void)
{
	nanosleep(&(struct timespec){ 1, 100000000 }, NULL);
}

static enum nss_status ask_user(const char *name, struct passwd *pw)
{
	static __thread char buf[1024];
	int err = 0;

	return nss.getpwnam_r(name, pw, buf, sizeof buf, &err);
}

static int fresh(void **state)
{
	struct passwd pw;

	(void)state;
	put_version(1, 0);
	for (int i = 0; i < 30; i++) {
		if (ask_user("d-u000000", &pw) == NSS_STATUS_SUCCESS)
			return 0;
		nanosleep(&(struct timespec){ 0, 50000000 }, NULL);
	}
	return -1;
}

/* ---- answers ---- */

static void check_user(const struct passwd *pw, unsigned int i)
{
	char name[16], dir[32];

	snprintf(dir, sizeof dir, "/home/%s", name_of(i, name));
	assert_string_equal(pw->pw_name, name);
	assert_string_equal(pw->pw_passwd, "x");
	assert_string_equal(pw->pw_dir, dir);
	assert_string_equal(pw->pw_shell, "/bin/sh");
	assert_int_equal(pw->pw_uid, 80000 + i);
	assert_int_equal(pw->pw_gid, 69000);
}

/* From 0 to enough: TRYAGAIN with ERANGE, never a byte too far, then the answer in the buffer. */
static void every_buffer_size(void **state)
{
	enum { MOST = 6000 };
	static char buf[MOST + 1];
	size_t pw_need = 0, gr_need = 0;
	struct passwd pw;
	struct group gr;

	(void)state;
	for (size_t size = 0; size < MOST; size++) {
		enum nss_status st;
		int err = 0;

		memset(buf, '#', sizeof buf);
		st = nss.getpwnam_r("d-u000042", &pw, buf, size, &err);
		assert_int_equal(buf[size], '#');
		if (st == NSS_STATUS_SUCCESS) {
			check_user(&pw, 42);
			assert_true(pw.pw_shell >= buf && pw.pw_passwd + 2 <= buf + size);
			pw_need = pw_need ? pw_need : size;
		} else {
			assert_int_equal(st, NSS_STATUS_TRYAGAIN);
			assert_int_equal(err, ERANGE);
			assert_int_equal(pw_need, 0);
		}
		err = 0;
		st = nss.getgrnam_r("biz0.use", &gr, buf, size, &err);
		assert_int_equal(buf[size], '#');
		if (st == NSS_STATUS_SUCCESS) {
			unsigned int n = 0;

			for (; gr.gr_mem[n] != NULL; n++)
				assert_int_equal(strlen(gr.gr_mem[n]), 9);
			assert_int_equal(n, USERS);
			assert_string_equal(gr.gr_name, "biz0.use");
			assert_string_equal(gr.gr_passwd, "x");
			gr_need = gr_need ? gr_need : size;
		} else {
			assert_int_equal(st, NSS_STATUS_TRYAGAIN);
			assert_int_equal(err, ERANGE);
			assert_int_equal(gr_need, 0);
		}
	}
	assert_in_range(pw_need, 20, 60);
	assert_in_range(gr_need, USERS * 18, USERS * 18 + 60);
	/* an unaligned buffer */
	for (size_t off = 1; off < 8; off++) {
		int err = 0;

		assert_int_equal(nss.getgrnam_r("biz0.use", &gr, buf + off, gr_need + 8, &err),
				 NSS_STATUS_SUCCESS);
		assert_int_equal((uintptr_t)gr.gr_mem % sizeof(char *), 0);
	}
}

static void errno_is_kept(void **state)
{
	gid_t *gids = calloc(1, sizeof *gids);
	long start = 0, size = 1;
	int err = 4711;
	struct passwd pw;
	struct group gr;
	char buf[8192];

	(void)state;
	for (int i = 0; i < 2; i++) {
		/* the second time with a mapping to renew */
		errno = E2BIG;
		assert_int_equal(nss.getpwnam_r("d-u000042", &pw, buf, sizeof buf, &err),
				 NSS_STATUS_SUCCESS);
		assert_int_equal(nss.getpwuid_r(80042, &pw, buf, sizeof buf, &err),
				 NSS_STATUS_SUCCESS);
		check_user(&pw, 42);
		assert_int_equal(nss.getgrgid_r(70000, &gr, buf, sizeof buf, &err),
				 NSS_STATUS_SUCCESS);
		assert_string_equal(gr.gr_name, "biz0.use");
		assert_int_equal(nss.initgroups_dyn("d-u000042", 1, &start, &size, &gids, -1, &err),
				 NSS_STATUS_SUCCESS);
		assert_int_equal(errno, E2BIG);
		assert_int_equal(err, 4711);
		put_version(3, 0);
	}
	free(gids);
}

static void nobody_elses_users(void **state)
{
	static const char *const names[] = { "root", "", "d", "daemon", "d-", "d-u000042-no",
					     "D-U000042", "d-u999999" };
	struct passwd pw;
	struct group gr;
	char buf[1024];
	int err = 0;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		err = 0;
		assert_int_equal(nss.getpwnam_r(names[i], &pw, buf, sizeof buf, &err),
				 NSS_STATUS_NOTFOUND);
		assert_int_equal(err, ENOENT);
		assert_int_equal(nss.getgrnam_r(names[i], &gr, buf, sizeof buf, &err),
				 NSS_STATUS_NOTFOUND);
	}
	assert_int_equal(nss.getpwuid_r(0, &pw, buf, sizeof buf, &err), NSS_STATUS_NOTFOUND);
	assert_int_equal(nss.getgrgid_r(0, &gr, buf, sizeof buf, &err), NSS_STATUS_NOTFOUND);
	assert_int_equal(nss.getpwuid_r(79999, &pw, buf, sizeof buf, &err), NSS_STATUS_NOTFOUND);
}

/* R-ID-2 holds without a snapshot too; for denshi's own there is then no answer. */
static void no_snapshot(void **state)
{
	struct passwd pw;
	char buf[512];
	int err = 0;

	(void)state;
	take_away();
	assert_int_equal(nss.getpwnam_r("d-u000042", &pw, buf, sizeof buf, &err),
			 NSS_STATUS_UNAVAIL);
	assert_int_equal(err, ENOENT);
	assert_int_equal(nss.getpwnam_r("root", &pw, buf, sizeof buf, &err), NSS_STATUS_NOTFOUND);
	assert_int_equal(nss.getpwuid_r(80042, &pw, buf, sizeof buf, &err), NSS_STATUS_UNAVAIL);
	assert_int_equal(nss.setpwent(0), NSS_STATUS_SUCCESS);
	assert_int_equal(nss.getpwent_r(&pw, buf, sizeof buf, &err), NSS_STATUS_UNAVAIL);
	put_version(2, 0);
	wait_for_retry();
	assert_int_equal(ask_user("d-u000042", &pw), NSS_STATUS_SUCCESS);
}

static void damaged_or_foreign(void **state)
{
	struct passwd pw;
	char buf[512];
	int err = 0, fd;

	(void)state;
	take_away();
	put_version(2, 0);
	fd = open(SNAPSHOT, O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "?", 1, 40), 1);
	close(fd);
	wait_for_retry();
	assert_int_equal(nss.getpwnam_r("d-u000042", &pw, buf, sizeof buf, &err),
			 NSS_STATUS_UNAVAIL);
	assert_int_equal(err, EIO);
	unlink(SNAPSHOT);
	put_version(2, 0);
	assert_int_equal(chown(SNAPSHOT, 4711, 4711), 0);
	wait_for_retry();
	assert_int_equal(ask_user("d-u000042", &pw), NSS_STATUS_UNAVAIL);
	assert_int_equal(chown(SNAPSHOT, 0, 0), 0);
	wait_for_retry();
	assert_int_equal(ask_user("d-u000042", &pw), NSS_STATUS_SUCCESS);
}

/* ---- what no writer of denshi's would write ---- */

/* Makes the record at P, SIZE bytes, pass as undamaged. */
static void seal(uint8_t *image, uint8_t *p, size_t size)
{
	const struct den_snap_header *h = (const struct den_snap_header *)image;
	uint32_t sum = den_snap_sum(p + 4, size - 4, h->salt, (uint32_t)(p - image));

	memcpy(p, &sum, 4);
}

static void low_ids_are_ignored(void **state)
{
	static const uint32_t low[] = { 0, 1, 999, 65534, UINT32_MAX };
	struct den_snapshot_meta meta = { .serial = 1 };
	struct den_snapshot_user u = { .name = "d-hacker1", .uid = 80000, .gid = 69000 };
	struct passwd pw;
	char buf[512];
	int err;

	(void)state;
	for (size_t i = 0; i < 2 * (sizeof low / sizeof *low); i++) {
		struct den_snapshot_builder *b = den_snapshot_builder_new(&meta);
		struct den_snap_user *record;
		uint8_t *image;
		void *made;
		size_t size;

		assert_int_equal(den_snapshot_builder_add_user(b, &u), 0);
		assert_int_equal(den_snapshot_builder_image(b, &made, &size), 0);
		image = made;
		record = (struct den_snap_user *)(image + ((struct den_snap_header *)image)
							  ->section[DEN_SNAP_USERS].offset);
		*(i % 2 ? &record->uid : &record->gid) = low[i / 2];
		seal(image, (uint8_t *)record,
		     ((struct den_snap_header *)image)->section[DEN_SNAP_USERS].size);
		put_image(image, size);
		assert_int_equal(nss.getpwnam_r("d-hacker1", &pw, buf, sizeof buf, &err),
				 NSS_STATUS_NOTFOUND);
		assert_int_not_equal(nss.getpwuid_r(low[i / 2], &pw, buf, sizeof buf, &err),
				     NSS_STATUS_SUCCESS);
		nss.setpwent(0);
		assert_int_equal(nss.getpwent_r(&pw, buf, sizeof buf, &err), NSS_STATUS_NOTFOUND);
		free(made);
		den_snapshot_builder_free(b);
	}
}

/* Names that aren't denshi's, whatever their ids. */
static void foreign_names_are_ignored(void **state)
{
	static const char *const names[] = { "root", "daemon", "D-hacker1", "x-hacker1", "d-hac:er1",
					     "d-hacker", "" };
	struct den_snapshot_meta meta = { .serial = 1 };
	struct den_snapshot_user u = { .name = "d-hacker1", .uid = 80000, .gid = 69000 };
	char buf[512], name[16];
	struct passwd pw;
	struct group gr;
	int err;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct den_snapshot_builder *b = den_snapshot_builder_new(&meta);
		const struct den_snap_section *x;
		uint8_t *image;
		void *made;
		size_t size;

		assert_int_equal(den_snapshot_builder_add_user(b, &u), 0);
		assert_int_equal(den_snapshot_builder_add_group(b, "d-hacker1", 70000), 0);
		assert_int_equal(den_snapshot_builder_image(b, &made, &size), 0);
		image = made;
		x = ((struct den_snap_header *)image)->section;
		memset(name, 0, sizeof name);
		memcpy(name, names[i], strlen(names[i]));
		/* behind three empty strings */
		memcpy(image + x[DEN_SNAP_USERS].offset + sizeof(struct den_snap_user) + 3, name, 9);
		((struct den_snap_user *)(image + x[DEN_SNAP_USERS].offset))->name =
			(uint8_t)(i % 2 ? strlen(names[i]) : 9);
		memcpy(image + x[DEN_SNAP_GROUPS].offset + sizeof(struct den_snap_group), name, 9);
		seal(image, image + x[DEN_SNAP_USERS].offset, x[DEN_SNAP_USERS].size);
		seal(image, image + x[DEN_SNAP_GROUPS].offset, x[DEN_SNAP_GROUPS].size);
		put_image(image, size);
		assert_int_not_equal(nss.getpwuid_r(80000, &pw, buf, sizeof buf, &err),
				     NSS_STATUS_SUCCESS);
		assert_int_not_equal(nss.getpwnam_r(names[i], &pw, buf, sizeof buf, &err),
				     NSS_STATUS_SUCCESS);
		assert_int_not_equal(nss.getpwnam_r("d-hacker1", &pw, buf, sizeof buf, &err),
				     NSS_STATUS_SUCCESS);
		assert_int_not_equal(nss.getgrnam_r(names[i], &gr, buf, sizeof buf, &err),
				     NSS_STATUS_SUCCESS);
		nss.setpwent(0);
		assert_int_not_equal(nss.getpwent_r(&pw, buf, sizeof buf, &err),
				     NSS_STATUS_SUCCESS);
		/* as a group, "d-hacker" is one */
		nss.setgrent(0);
		if (strncmp(names[i], "d-hacker", 8) != 0) {
			assert_int_not_equal(nss.getgrgid_r(70000, &gr, buf, sizeof buf, &err),
					     NSS_STATUS_SUCCESS);
			assert_int_not_equal(nss.getgrent_r(&gr, buf, sizeof buf, &err),
					     NSS_STATUS_SUCCESS);
		}
		free(made);
		den_snapshot_builder_free(b);
	}
}

/* ---- groups of a user ---- */

static void initgroups_costs_its_answer(void **state)
{
	gid_t *gids = calloc(2, sizeof *gids);
	long start = 1, size = 2;
	int err = 0;

	(void)state;
	gids[0] = 70001;
	put_version(6, 0);
	assert_int_equal(nss.initgroups_dyn("d-u000007", 70001, &start, &size, &gids, -1, &err),
			 NSS_STATUS_SUCCESS);
	assert_int_equal(start, 7);
	assert_int_equal(gids[0], 70001);
	assert_int_equal(gids[1], 70000);
	for (long i = 2; i < 7; i++)
		assert_int_equal(gids[i], 70000 + i);
	/* a limit holds, whatever there is */
	start = 1;
	free(gids);
	gids = calloc(2, sizeof *gids);
	size = 2;
	assert_int_equal(nss.initgroups_dyn("d-u000007", 69000, &start, &size, &gids, 4, &err),
			 NSS_STATUS_SUCCESS);
	assert_int_equal(start, 4);
	assert_int_equal(size, 4);
	assert_int_equal(nss.initgroups_dyn("root", 0, &start, &size, &gids, -1, &err),
			 NSS_STATUS_NOTFOUND);
	assert_int_equal(nss.initgroups_dyn("d-u900000", 0, &start, &size, &gids, -1, &err),
			 NSS_STATUS_NOTFOUND);
	assert_int_equal(start, 4);
	free(gids);
}

/* R-AUTH-8: by itself, in the same snapshot. */
static void memberships_end(void **state)
{
	struct den_snapshot_builder *b = version_builder(0, 0);
	gid_t *gids = calloc(1, sizeof *gids);
	long start = 0, size = 1;
	struct group gr;
	char buf[512];
	int err = 0;

	(void)state;
	assert_int_equal(den_snapshot_builder_add_membership(b, "d-u000007", "biz5.use",
							     time(NULL) + 2), 0);
	assert_int_equal(den_snapshot_builder_add_membership(b, "d-u000007", "biz6.use",
							     time(NULL) - 2), 0);
	assert_int_equal(den_snapshot_builder_write(b, SNAPSHOT), 0);
	den_snapshot_builder_free(b);
	assert_int_equal(nss.initgroups_dyn("d-u000007", 1, &start, &size, &gids, -1, &err),
			 NSS_STATUS_SUCCESS);
	assert_int_equal(start, 2);
	assert_int_equal(gids[1], 70005);
	assert_int_equal(nss.getgrnam_r("biz5.use", &gr, buf, sizeof buf, &err),
			 NSS_STATUS_SUCCESS);
	assert_string_equal(gr.gr_mem[0], "d-u000007");
	assert_null(gr.gr_mem[1]);
	assert_int_equal(nss.getgrnam_r("biz6.use", &gr, buf, sizeof buf, &err),
			 NSS_STATUS_SUCCESS);
	assert_null(gr.gr_mem[0]);
	nanosleep(&(struct timespec){ 2, 100000000 }, NULL);
	start = 0;
	assert_int_equal(nss.initgroups_dyn("d-u000007", 1, &start, &size, &gids, -1, &err),
			 NSS_STATUS_SUCCESS);
	assert_int_equal(start, 1);
	assert_int_equal(nss.getgrnam_r("biz5.use", &gr, buf, sizeof buf, &err),
			 NSS_STATUS_SUCCESS);
	assert_null(gr.gr_mem[0]);
	free(gids);
}

/* ---- enumeration ---- */

/* Counts users from where the thread stands to the end; each one once and in order. */
static unsigned int enumerate_rest(uid_t last)
{
	unsigned int n = 0;
	struct passwd pw;
	char buf[256];
	int err = 0;

	while (nss.getpwent_r(&pw, buf, sizeof buf, &err) == NSS_STATUS_SUCCESS) {
		assert_true(pw.pw_uid > last);
		last = pw.pw_uid;
		n++;
	}
	assert_int_equal(err, ENOENT);
	return n;
}

static void enumerates(void **state)
{
	struct passwd pw;
	struct group gr;
	unsigned int n = 0;
	char buf[8192];
	int err = 0;

	(void)state;
	nss.setpwent(0);
	assert_int_equal(enumerate_rest(0), USERS);
	assert_int_equal(enumerate_rest(0), 0);
	nss.endpwent();
	/* a short buffer loses nobody */
	nss.setpwent(0);
	assert_int_equal(nss.getpwent_r(&pw, buf, 3, &err), NSS_STATUS_TRYAGAIN);
	assert_int_equal(err, ERANGE);
	assert_int_equal(enumerate_rest(0), USERS);
	nss.setgrent(0);
	while (nss.getgrent_r(&gr, buf, sizeof buf, &err) == NSS_STATUS_SUCCESS)
		assert_int_equal(gr.gr_gid, 70000 + n++);
	assert_int_equal(n, 8);
	nss.endgrent();
	/* replaced in the middle */
	nss.setpwent(0);
	for (unsigned int i = 0; i < USERS / 2; i++)
		assert_int_equal(nss.getpwent_r(&pw, buf, sizeof buf, &err), NSS_STATUS_SUCCESS);
	put_version(5, 0);
	assert_int_equal(enumerate_rest(pw.pw_uid), USERS / 2);
	/* switched off */
	put_version(6, DEN_SNAPSHOT_NO_ENUMERATION);
	nss.setpwent(0);
	nss.setgrent(0);
	assert_int_equal(nss.getpwent_r(&pw, buf, sizeof buf, &err), NSS_STATUS_NOTFOUND);
	assert_int_equal(nss.getgrent_r(&gr, buf, sizeof buf, &err), NSS_STATUS_NOTFOUND);
	assert_int_equal(ask_user("d-u000042", &pw), NSS_STATUS_SUCCESS);
}

static void *go_on(void *arg)
{
	*(unsigned int *)arg = enumerate_rest(80049);
	return NULL;
}

/* getpwent(3) has one position for the whole process. */
static void another_thread_goes_on(void **state)
{
	unsigned int rest = 0;
	pthread_t thread;
	struct passwd pw;
	char buf[256];
	int err = 0;

	(void)state;
	nss.setpwent(0);
	for (unsigned int i = 0; i < 50; i++)
		assert_int_equal(nss.getpwent_r(&pw, buf, sizeof buf, &err), NSS_STATUS_SUCCESS);
	assert_int_equal(pthread_create(&thread, NULL, go_on, &rest), 0);
	pthread_join(thread, NULL);
	assert_int_equal(rest, USERS - 50);
	assert_int_equal(nss.getpwent_r(&pw, buf, sizeof buf, &err), NSS_STATUS_NOTFOUND);
}

static void forks_in_the_middle(void **state)
{
	struct passwd pw;
	char buf[256];
	int err = 0, status;
	pid_t child;

	(void)state;
	nss.setpwent(0);
	for (unsigned int i = 0; i < 50; i++)
		assert_int_equal(nss.getpwent_r(&pw, buf, sizeof buf, &err), NSS_STATUS_SUCCESS);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		bool fine = enumerate_rest(pw.pw_uid) == USERS - 50;

		/* a renewal in the child is its own */
		put_version(4, 0);
		fine &= ask_user("d-u000042", &pw) == NSS_STATUS_SUCCESS &&
			strncmp(pw.pw_gecos, "v4.", 3) == 0;
		_exit(fine ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(enumerate_rest(pw.pw_uid), USERS - 50);
}

/* ---- threads ---- */

static atomic_bool stop;
static atomic_uint wrong;

#define expect(x) ((x) ? (void)0 : (void)atomic_fetch_add(&wrong, 1))

static void *look_up(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg, last = 0;
	gid_t *gids = calloc(16, sizeof *gids);
	char buf[8192], name[16];

	while (!atomic_load(&stop)) {
		unsigned int i = (seed = seed * 1103515245 + 12345) / 65536 % USERS, version = 0;
		long start = 0, size = 16;
		struct passwd pw;
		struct group gr;
		int err = 0;

		name_of(i, name);
		expect(nss.getpwnam_r(name, &pw, buf, sizeof buf, &err) == NSS_STATUS_SUCCESS &&
		       strcmp(pw.pw_name, name) == 0 && pw.pw_uid == 80000 + i &&
		       sscanf(pw.pw_gecos, "v%u", &version) == 1 && version >= last &&
		       strspn(pw.pw_gecos + strcspn(pw.pw_gecos, "."), ".") == version % 32);
		last = version;
		expect(nss.getpwuid_r(80000 + i, &pw, buf, sizeof buf, &err) ==
			       NSS_STATUS_SUCCESS && strcmp(pw.pw_name, name) == 0);
		expect(nss.initgroups_dyn(name, 1, &start, &size, &gids, -1, &err) ==
			       NSS_STATUS_SUCCESS && start >= 1 && start <= 7);
		if (i % 16 == 0)
			expect(nss.getgrnam_r("biz0.use", &gr, buf, sizeof buf, &err) ==
				       NSS_STATUS_SUCCESS && gr.gr_mem[USERS] == NULL);
	}
	free(gids);
	return NULL;
}

static unsigned int mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned int n = 0;
	char line[512];

	assert_non_null(f);
	while (fgets(line, sizeof line, f))
		n += strstr(line, SNAPSHOT) != NULL;
	fclose(f);
	return n;
}

static void many_threads_and_replacements(void **state)
{
	pthread_t threads[THREADS];
	struct passwd pw;

	(void)state;
	atomic_store(&stop, false);
	put_version(10, 0);
	for (unsigned int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look_up,
						(void *)(uintptr_t)(i + 1)), 0);
	for (unsigned int version = 11; version < 10 + REPLACEMENTS; version++) {
		put_version(version, 0);
		nanosleep(&(struct timespec){ 0, 20000000 }, NULL);
	}
	atomic_store(&stop, true);
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&wrong), 0);
	/* the last lookup sees the last version, and what it replaced is not held on to */
	nanosleep(&(struct timespec){ 0, 20000000 }, NULL);
	assert_int_equal(ask_user("d-u000042", &pw), NSS_STATUS_SUCCESS);
	assert_int_equal(atoi(pw.pw_gecos + 1), 9 + REPLACEMENTS);
	assert_int_equal(mappings(), 1);
}

/* The child of a fork has one thread, however far in the others were. */
static void forks_while_others_are_in(void **state)
{
	pthread_t threads[4];
	int status;

	(void)state;
	atomic_store(&stop, false);
	atomic_store(&wrong, 0);
	put_version(10, 0);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look_up,
						(void *)(uintptr_t)(i + 1)), 0);
	for (unsigned int i = 0; i < 30; i++) {
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0) {
			struct passwd pw;
			bool fine = ask_user("d-u000042", &pw) == NSS_STATUS_SUCCESS;
			/* besides its own, what the threads that aren't here had in hand: each the one it reads, one that
			 * it has just mapped, and one that was replaced and isn't unmapped yet */
			unsigned int before = mappings();

			fine &= before <= 1 + 4 * 3;
			for (unsigned int version = 11; version < 14; version++) {
				put_version(version + i * 3, 0);
				fine &= ask_user("d-u000042", &pw) == NSS_STATUS_SUCCESS;
			}
			fine &= mappings() <= before;
			_exit(fine ? 0 : 1);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
	atomic_store(&stop, true);
	for (unsigned int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&wrong), 0);
}

/* ---- a guest's manners ---- */

static unsigned int descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void no_descriptor_stays(void **state)
{
	unsigned int before = descriptors();
	struct passwd pw;

	(void)state;
	for (unsigned int i = 20; i < 30; i++) {
		put_version(i, 0);
		assert_int_equal(ask_user("d-u000042", &pw), NSS_STATUS_SUCCESS);
		nss.setpwent(1);
		enumerate_rest(0);
	}
	assert_int_equal(descriptors(), before);
}

/* In a process that may only read, write and exit: anything else kills it. */
static void a_hit_makes_no_system_call(void **state)
{
	pid_t child;
	int status;

	(void)state;
#ifdef __SANITIZE_THREAD__
	skip(); /* its own thread would outlive the child's */
#endif
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		gid_t some[16], *gids = some;
		char buf[8192];
		struct passwd pw;
		struct group gr;
		int err, right = 0;

		ask_user("d-u000001", &pw);
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
		for (unsigned int i = 0; i < 100; i++) {
			long start = 0, size = 16;

			right += nss.getpwnam_r("d-u000042", &pw, buf, sizeof buf, &err) ==
				 NSS_STATUS_SUCCESS;
			right += nss.getpwuid_r(80042, &pw, buf, sizeof buf, &err) ==
				 NSS_STATUS_SUCCESS;
			right += nss.getgrnam_r("biz0.use", &gr, buf, sizeof buf, &err) ==
				 NSS_STATUS_SUCCESS;
			right += nss.initgroups_dyn("d-u000042", 1, &start, &size, &gids, -1, &err)
				 == NSS_STATUS_SUCCESS;
			right += nss.getpwnam_r("d-u700042", &pw, buf, sizeof buf, &err) ==
				 NSS_STATUS_NOTFOUND;
		}
		syscall(SYS_exit, right == 500 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

#ifndef __SANITIZE_ADDRESS__
/* This program's own, so that every allocation of the module is seen. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
static atomic_uint allocations;

void *malloc(size_t size)
{
	atomic_fetch_add(&allocations, 1);
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	atomic_fetch_add(&allocations, 1);
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	atomic_fetch_add(&allocations, 1);
	return __libc_realloc(p, size);
}
#endif

static void a_hit_allocates_nothing(void **state)
{
#ifdef __SANITIZE_ADDRESS__
	(void)state;
	skip();
#else
	void *volatile some_memory;
	gid_t some[16], *gids = some;
	long start = 0, size = 16;
	unsigned int before;
	char buf[8192];
	struct passwd pw;
	struct group gr;
	int err, right = 0;

	(void)state;
	/* the counting counts */
	before = atomic_load(&allocations);
	some_memory = malloc(1);
	free(some_memory);
	assert_int_equal(atomic_load(&allocations), before + 1);
	before = atomic_load(&allocations);
	right += nss.getpwnam_r("d-u000042", &pw, buf, sizeof buf, &err) == NSS_STATUS_SUCCESS;
	right += nss.getpwuid_r(80042, &pw, buf, sizeof buf, &err) == NSS_STATUS_SUCCESS;
	right += nss.getgrnam_r("biz0.use", &gr, buf, sizeof buf, &err) == NSS_STATUS_SUCCESS;
	right += nss.getgrgid_r(70000, &gr, buf, sizeof buf, &err) == NSS_STATUS_SUCCESS;
	right += nss.initgroups_dyn("d-u000042", 1, &start, &size, &gids, -1, &err) ==
		 NSS_STATUS_SUCCESS;
	right += nss.getpwnam_r("d-u700042", &pw, buf, sizeof buf, &err) == NSS_STATUS_NOTFOUND;
	nss.setpwent(0);
	right += nss.getpwent_r(&pw, buf, sizeof buf, &err) == NSS_STATUS_SUCCESS;
	nss.endpwent();
	assert_int_equal(atomic_load(&allocations), before);
	assert_int_equal(right, 7);
#endif
}

/* A process that moves into another root goes on with the mapping it has, while that is in force. */
static void chroot_keeps_the_mapping(void **state)
{
	struct passwd pw;
	pid_t child;
	int status;

	(void)state;
	/* while a file is being replaced, it is looked for again 10 ms later */
	nanosleep(&(struct timespec){ 0, 30000000 }, NULL);
	assert_int_equal(ask_user("d-u000042", &pw), NSS_STATUS_SUCCESS);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		bool fine = ask_user("d-u000042", &pw) == NSS_STATUS_SUCCESS;
		int dir = open("/var/lib/denshi", O_PATH | O_DIRECTORY | O_CLOEXEC);
		int old = openat(dir, "snapshot", O_RDWR | O_CLOEXEC);
		uint32_t word = DEN_SNAPSHOT_REPLACED;

		fine &= chroot("/proc") == 0 && chdir("/") == 0;
		fine &= ask_user("d-u000042", &pw) == NSS_STATUS_SUCCESS;
		fine &= pwrite(old, &word, 4, offsetof(struct den_snap_header, superseded)) == 4;
		fine &= ask_user("d-u000042", &pw) == NSS_STATUS_UNAVAIL;
		_exit(fine ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	unlink(SNAPSHOT);
}

/* Run by the next one: how many descriptors it was given, beyond those there are always. */
static int count_descriptors(void)
{
	int n = 0;

	for (int fd = 3; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void exec_inherits_nothing(void **state)
{
	int before = 0, status;
	struct passwd pw;
	pid_t child;

	(void)state;
	for (int fd = 3; fd < 1024; fd++)
		before += fcntl(fd, F_GETFD) >= 0 && !(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	put_version(7, 0);
	assert_int_equal(ask_user("d-u000042", &pw), NSS_STATUS_SUCCESS);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		ask_user("d-u000042", &pw);
		execl("/proc/self/exe", "test_nss_contract", "--descriptors", NULL);
		_exit(99);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), before);
}

static void loads_again_and_again(void **state)
{
	struct passwd pw;

	(void)state;
	for (int i = 0; i < 5; i++) {
		void *h = dlopen(module_path, RTLD_NOW | RTLD_LOCAL);

		assert_non_null(h);
		assert_int_equal(ask_user("d-u000042", &pw), NSS_STATUS_SUCCESS);
		dlclose(h);
	}
	assert_int_equal(mappings(), 1);
}

/* ---- exports ---- */

static void *map_whole(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	*size = (size_t)st.st_size;
	p = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(p != MAP_FAILED);
	close(fd);
	return p;
}

/* Whether NAME is a word of the version script, followed by a semicolon. */
static bool in_map(const char *map, size_t size, const char *name)
{
	char word[128];

	snprintf(word, sizeof word, "\t%s;\n", name);
	return memmem(map, size, word, strlen(word)) != NULL;
}

static void exports_are_the_map(void **state)
{
	const char *map_path = getenv("NSS_DENSHI_MAP") ?: "nss_denshi/nss_denshi.map";
	unsigned int exported = 0, listed = 0;
	size_t size, map_size;
	const char *elf = map_whole(module_path, &size);
	const char *map = map_whole(map_path, &map_size);
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)elf;
	const Elf64_Shdr *sh = (const Elf64_Shdr *)(elf + eh->e_shoff);

	(void)state;
	for (unsigned int i = 0; i < eh->e_shnum; i++) {
		const Elf64_Sym *sym = (const Elf64_Sym *)(elf + sh[i].sh_offset);
		const char *names = elf + sh[sh[i].sh_link].sh_offset;

		if (sh[i].sh_type != SHT_DYNSYM)
			continue;
		for (size_t k = 0; k < sh[i].sh_size / sizeof *sym; k++) {
			if (sym[k].st_shndx == SHN_UNDEF ||
			    ELF64_ST_BIND(sym[k].st_info) == STB_LOCAL)
				continue;
			if (!in_map(map, map_size, names + sym[k].st_name))
				fail_msg("%s is exported", names + sym[k].st_name);
			exported++;
		}
	}
	for (const char *p = map; (p = memmem(p, map_size - (size_t)(p - map), "\t_nss_", 6)); p++)
		listed++;
	assert_int_equal(exported, listed);
	assert_in_range(listed, 11, 11);
}

/* ---- set-up ---- */

static int own_namespace(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -1;
	if (access("/var/lib/denshi", F_OK) < 0 &&
	    (mount("test", "/var/lib", "tmpfs", 0, "mode=755") < 0 ||
	     mkdir("/var/lib/denshi", 0755) < 0))
		return -1;
	return mount("test", "/var/lib/denshi", "tmpfs", 0, "mode=755");
}

static void find_module(int argc, char **argv)
{
	static char beside[4096];
	const char *slash = strrchr(argv[0], '/');

	snprintf(beside, sizeof beside, "%.*s../libnss_denshi.so.2",
		 slash ? (int)(slash - argv[0] + 1) : 0, argv[0]);
	module_path = argc > 1 ? argv[1] : getenv("NSS_DENSHI_SO");
	if (module_path == NULL)
		module_path = beside;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_buffer_size, fresh),
		cmocka_unit_test_setup(errno_is_kept, fresh),
		cmocka_unit_test_setup(nobody_elses_users, fresh),
		cmocka_unit_test_setup(no_snapshot, fresh),
		cmocka_unit_test_setup(damaged_or_foreign, fresh),
		cmocka_unit_test_setup(low_ids_are_ignored, fresh),
		cmocka_unit_test_setup(foreign_names_are_ignored, fresh),
		cmocka_unit_test_setup(initgroups_costs_its_answer, fresh),
		cmocka_unit_test_setup(memberships_end, fresh),
		cmocka_unit_test_setup(enumerates, fresh),
		cmocka_unit_test_setup(another_thread_goes_on, fresh),
		cmocka_unit_test_setup(forks_in_the_middle, fresh),
		cmocka_unit_test_setup(many_threads_and_replacements, fresh),
		cmocka_unit_test_setup(forks_while_others_are_in, fresh),
		cmocka_unit_test_setup(no_descriptor_stays, fresh),
		cmocka_unit_test_setup(a_hit_makes_no_system_call, fresh),
		cmocka_unit_test_setup(a_hit_allocates_nothing, fresh),
		cmocka_unit_test_setup(chroot_keeps_the_mapping, fresh),
		cmocka_unit_test_setup(exec_inherits_nothing, fresh),
		cmocka_unit_test_setup(loads_again_and_again, fresh),
		cmocka_unit_test(exports_are_the_map),
	};

	if (argc == 2 && strcmp(argv[1], "--descriptors") == 0)
		return count_descriptors();
	find_module(argc, argv);
	load_module();
	if (own_namespace() < 0) {
		fprintf(stderr, "test_nss_contract: no mount namespace of its own (%s); run it as "
			"root\n", strerror(errno));
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
