/*
 * rebuild - how long denshid takes to make a snapshot of the users and groups in DIR/passwd and
 * DIR/group, and to make the next one where one user has changed: its own functions, without the
 * directory.
 *
 * usage: rebuild DIR FILE [TIMES]
 * Prints, for the medians of TIMES (5): rebuild.ms, rebuild.cpu (ms), change.ms, change.cpu, size
 * (MB) and peak (MB resident).
 */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "denshid/published.h"

#define TIMES_MAX 99

struct user {
	struct dendir_user user;
	struct user *next; /* of the same hash */
};

static struct user *users;
static size_t nusers;
static struct user *by_name[1 << 17];

static void die(const char *what, int r)
{
	fprintf(stderr, "rebuild: %s: %s\n", what, strerror(-r));
	exit(1);
}

static size_t hash(const char *s)
{
	size_t h = 5381;

	while (*s)
		h = h * 33 + (unsigned char)*s++;
	return h % (sizeof by_name / sizeof *by_name);
}

static FILE *open_in(const char *dir, const char *name)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "re");
	if (f == NULL)
		die(path, -errno);
	return f;
}

#define COPY(to, from) snprintf(to, sizeof(to), "%s", from)

static void read_users(const char *dir)
{
	FILE *f = open_in(dir, "passwd");
	struct passwd *pw;
	size_t room = 0;

	while ((pw = fgetpwent(f)) != NULL) {
		struct user *u;

		if (nusers == room) {
			room = room ? room * 2 : 1024;
			users = reallocarray(users, room, sizeof *users);
			if (users == NULL)
				die(dir, -ENOMEM);
		}
		u = &users[nusers++];
		memset(u, 0, sizeof *u);
		COPY(u->user.login, pw->pw_name);
		COPY(u->user.name, pw->pw_gecos);
		COPY(u->user.home, pw->pw_dir);
		COPY(u->user.shell, pw->pw_shell);
		COPY(u->user.state, "active");
		COPY(u->user.role, "general");
		u->user.uid = pw->pw_uid;
		u->user.gid = pw->pw_gid;
	}
	fclose(f);
	for (size_t i = 0; i < nusers; i++) {
		struct user **at = &by_name[hash(users[i].user.login)];

		users[i].next = *at;
		*at = &users[i];
	}
}

static void put(struct versions *vs, const struct dendir_version *v, size_t number)
{
	unsigned char uuid[16] = {0};
	uint64_t mixed = (number + 1) * 0x9e3779b97f4a7c15u;

	memcpy(uuid, &mixed, sizeof mixed);
	memcpy(uuid + 8, &number, sizeof number);
	if (versions_put(vs, uuid, v) != 0)
		die("put", -ENOMEM);
}

/* Into VS all groups, and of each user what these say; then the users. */
static void read_groups(const char *dir, struct versions *vs)
{
	FILE *f = open_in(dir, "group");
	struct group *gr;
	size_t n = 1u << 30;

	while ((gr = fgetgrent(f)) != NULL) {
		struct dendir_version v = {.serial = 1, .is_group = 1, .user = {.gid = gr->gr_gid}};

		COPY(v.user.name, gr->gr_name);
		put(vs, &v, n++);
		for (char **m = gr->gr_mem; *m != NULL; m++) {
			struct user *u = by_name[hash(*m)];

			while (u && strcmp(u->user.login, *m) != 0)
				u = u->next;
			if (u == NULL || dendir_user_give(&u->user, gr->gr_name) != 0)
				die(*m, -EINVAL);
		}
	}
	fclose(f);
	for (size_t i = 0; i < nusers; i++) {
		struct dendir_version v = {.serial = 1, .user = users[i].user};

		put(vs, &v, i);
		if (i > 0)
			dendir_user_done(&users[i].user);
	}
}

static double now_ms(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
	return *(const double *)a < *(const double *)b ? -1 : *(const double *)a > *(const double *)b;
}

static double median(double *v, unsigned n)
{
	qsort(v, n, sizeof *v, by_value);
	return v[n / 2];
}

/* One snapshot, as the replica makes it. */
static void publish(const struct base *base, struct versions *vs, const char *path, int whole, uint32_t serial)
{
	struct den_snapshot_frame frame = {.meta = {.serial = serial, .created = time(NULL)}};
	struct published p = {.base = base, .versions = vs, .serial = serial, .max_drop = 100, .whole = whole};
	struct den_snapshot_source source;
	int r = published_begin(&p);

	if (r == 0) {
		source = published_source(&p);
		r = den_snapshot_write(path, &frame, &source);
	}
	if (r < 0)
		die(path, r);
	published_done(&p);
}

static void reset_peak(void)
{
	FILE *f = fopen("/proc/self/clear_refs", "we");

	if (f == NULL)
		return;
	fputs("5", f);
	fclose(f);
}

static double peak_mb(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	double kb = 0;

	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "VmHWM: %lf", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return kb / 1024;
}

int main(int argc, char **argv)
{
	double wall[TIMES_MAX], cpu[TIMES_MAX];
	unsigned times = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 5;
	struct versions *vs = versions_new();
	struct dendir_version v = {0};
	struct base base = {0};
	struct stat st;

	if (argc < 3 || times < 1 || times > TIMES_MAX) {
		fputs("usage: rebuild DIR FILE [TIMES]\n", stderr);
		return 2;
	}
	read_users(argv[1]);
	read_groups(argv[1], vs);
	v.user = users[0].user;
	free(users);
	for (unsigned i = 0; i < times; i++) {
		wall[i] = now_ms(CLOCK_MONOTONIC);
		cpu[i] = now_ms(CLOCK_PROCESS_CPUTIME_ID);
		publish(&base, vs, argv[2], 1, 1);
		wall[i] = now_ms(CLOCK_MONOTONIC) - wall[i];
		cpu[i] = now_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu[i];
	}
	printf("rebuild.ms\t%.1f\nrebuild.cpu\t%.1f\n", median(wall, times), median(cpu, times));
	versions_forget(vs, 1);
	reset_peak();
	if (base_open(&base, argv[2]) != 0)
		die(argv[2], -EBADMSG);
	for (unsigned i = 0; i < times; i++) {
		wall[i] = now_ms(CLOCK_MONOTONIC);
		cpu[i] = now_ms(CLOCK_PROCESS_CPUTIME_ID);
		v.serial = i + 2;
		snprintf(v.user.name, sizeof v.user.name, "Changed %u", i);
		put(vs, &v, ((size_t)1 << 40) + i);
		publish(&base, vs, argv[2], 0, i + 2);
		versions_forget(vs, i + 2);
		base_close(&base);
		if (base_open(&base, argv[2]) != 0)
			die(argv[2], -EBADMSG);
		wall[i] = now_ms(CLOCK_MONOTONIC) - wall[i];
		cpu[i] = now_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu[i];
	}
	printf("change.ms\t%.1f\nchange.cpu\t%.1f\n", median(wall, times), median(cpu, times));
	stat(argv[2], &st);
	printf("size\t%.2f\npeak\t%.1f\n", (double)st.st_size / 1e6, peak_mb());
	return 0;
}
