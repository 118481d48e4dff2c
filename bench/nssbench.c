/*
 * nssbench - time and check lookups of one NSS service.
 *
 * Either calls the functions of libnss_NAME.so.2 directly, or (-g) goes
 * through glibc, and so through whatever nsswitch.conf and nscd are active.
 *
 * Every op works on a fixed list of keys.  A first pass over all keys warms
 * the service up and checks each answer in full; then come timed rounds, in
 * which each answer is still checked for its name and id; then a second full
 * check.  The median of the rounds is printed as  op TAB service TAB us.
 *
 * Exit status: 0 all answers right, 1 a wrong answer, 2 usage or set-up.
 */
#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <limits.h>
#include <nss.h>
#include <pthread.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_ROUNDS 101
#define MAX_THREADS 64
#define BUF_MAX (64u << 20)
#define VERIFY_LIMIT_S 0.5 /* the closing check stops after this long */
#define ROUNDS_LIMIT_S 5.0 /* no more rounds after this long, but at least 3 */

static const char *label;
static bool via_glibc;
static int rounds = 7;
static double round_ms = 80;
static size_t key_limit = 1000;
static bool verbose;
static const char *prefix = "d-u";

static noreturn __attribute__((format(printf, 2, 3))) void die(int status, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "nssbench: %s: ", label ? label : "-");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	_exit(status);
}

#define wrong(...) die(1, "WRONG: " __VA_ARGS__)

static void *xrealloc(void *p, size_t n)
{
	p = realloc(p, n);
	if (p == NULL)
		die(2, "out of memory");
	return p;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* ---- the service under test ---- */

typedef enum nss_status nss_st;

static struct {
	nss_st (*getpwnam_r)(const char *, struct passwd *, char *, size_t, int *);
	nss_st (*getpwuid_r)(uid_t, struct passwd *, char *, size_t, int *);
	nss_st (*getgrnam_r)(const char *, struct group *, char *, size_t, int *);
	nss_st (*initgroups_dyn)(const char *, gid_t, long *, long *, gid_t **, long, int *);
	nss_st (*setpwent)(int);
	nss_st (*getpwent_r)(struct passwd *, char *, size_t, int *);
	nss_st (*endpwent)(void);
	nss_st (*setgrent)(int);
	nss_st (*getgrent_r)(struct group *, char *, size_t, int *);
	nss_st (*endgrent)(void);
} mod;

static void *symbol(void *handle, const char *service, const char *fn)
{
	char name[256];

	snprintf(name, sizeof name, "_nss_%s_%s", service, fn);
	return dlsym(handle, name);
}

static void load(const char *service, const char *file)
{
	char name[256];
	void *h;

	if (file == NULL) {
		snprintf(name, sizeof name, "libnss_%s.so.2", service);
		file = name;
	}
	h = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	if (h == NULL)
		die(2, "%s", dlerror());
#define GET(fn) *(void **)&mod.fn = symbol(h, service, #fn)
	GET(getpwnam_r);
	GET(getpwuid_r);
	GET(getgrnam_r);
	GET(initgroups_dyn);
	GET(setpwent);
	GET(getpwent_r);
	GET(endpwent);
	GET(setgrent);
	GET(getgrent_r);
	GET(endgrent);
#undef GET
}

/* ---- keys ---- */

struct key {
	char *name;
	unsigned long id;  /* uid or gid */
	unsigned long id2; /* primary gid of a user */
	bool has_id, has_id2;
	long n; /* members of a group, groups of a user; -1 unknown */
	gid_t *gids;
};

struct keyset {
	struct key *k;
	size_t n;
};

static struct keyset users, uids, groups, g1k, init20, misses, whole;

static unsigned long number(const char *s, const char *path)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(s, &end, 10);
	if (errno || end == s || *end)
		die(2, "%s: bad number '%s'", path, s);
	return v;
}

/*
 * Key files hold one key a line, columns parted by blanks; only the first
 * column is required, the others are checked when they are there.
 *   u  users.txt   name uid gid
 *   i  uids.txt    uid name
 *   g  groups.txt  name gid members     (also g1k.txt)
 *   n  init20.txt  name primary-gid count gid gid ...
 *   t  total.txt   users count
 */
static void read_keys(struct keyset *ks, const char *dir, const char *file, char kind, bool limited)
{
	char path[PATH_MAX], *line = NULL, *save, *tok, *col[4];
	size_t cap = 0, room = 0, c;
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, file);
	f = fopen(path, "re");
	if (f == NULL)
		return; /* the ops that need it complain */
	while (getline(&line, &cap, f) != -1) {
		struct key k = {.n = -1};

		if (limited && ks->n >= key_limit)
			break;
		tok = strtok_r(line, " \t\r\n", &save);
		if (tok == NULL || *tok == '#')
			continue;
		for (c = 0; c < 4 && tok; c++) {
			col[c] = strdup(tok);
			if (c < 2 || kind != 'n')
				tok = strtok_r(NULL, " \t\r\n", &save);
			else if (c == 2)
				tok = NULL;
		}
		k.name = col[0];
		if (kind == 'i') {
			k.id = number(col[0], path);
			k.has_id = true;
			k.name = c > 1 ? col[1] : NULL;
		} else if (kind == 't') {
			if (c > 1)
				k.n = (long)number(col[1], path);
		} else if (kind == 'n') {
			if (c < 3)
				die(2, "%s: needs a primary gid and a count", path);
			k.id2 = number(col[1], path);
			k.n = (long)number(col[2], path);
			k.gids = xrealloc(NULL, sizeof *k.gids * (size_t)(k.n + 1));
			for (long i = 0; i < k.n; i++) {
				tok = strtok_r(NULL, " \t\r\n", &save);
				if (tok == NULL)
					die(2, "%s: too few gids for %s", path, k.name);
				k.gids[i] = (gid_t)number(tok, path);
			}
		} else {
			if (c > 1) {
				k.id = number(col[1], path);
				k.has_id = true;
			}
			if (c > 2 && kind == 'u') {
				k.id2 = number(col[2], path);
				k.has_id2 = true;
			} else if (c > 2) {
				k.n = (long)number(col[2], path);
			}
		}
		if (ks->n == room) {
			room = room ? room * 2 : 64;
			ks->k = xrealloc(ks->k, room * sizeof *ks->k);
		}
		ks->k[ks->n++] = k;
	}
	free(line);
	fclose(f);
}

static void make_misses(void)
{
	misses.k = xrealloc(NULL, sizeof *misses.k * (users.n + 1));
	for (size_t i = 0; i < users.n; i++) {
		struct key k = {.n = -1};

		if (asprintf(&k.name, "%s-no", users.k[i].name) < 0)
			die(2, "out of memory");
		misses.k[misses.n++] = k;
	}
}

/* ---- lookups: true found, false not found, anything else is fatal ---- */

struct worker {
	char *buf; /* grown once and kept, as getpwnam(3) does */
	size_t len;
	gid_t *gids;
	long ngids, gids_size;
};

static void worker_init(struct worker *w)
{
	w->len = 1024;
	w->buf = xrealloc(NULL, w->len);
	w->gids_size = 64;
	w->ngids = 0;
	w->gids = xrealloc(NULL, sizeof *w->gids * (size_t)w->gids_size);
}

static void worker_free(struct worker *w)
{
	free(w->buf);
	free(w->gids);
}

static void grow(struct worker *w, const char *what)
{
	if (w->len >= BUF_MAX)
		die(1, "%s: wants a buffer of more than %u bytes", what, BUF_MAX);
	w->len *= 2;
	w->buf = xrealloc(w->buf, w->len);
}

static bool absent(int err)
{
	return err == 0 || err == ENOENT || err == ESRCH;
}

#define LOOKUP(FN, KEY, REC)                                                               \
	static bool do_##FN(struct worker *w, KEY key, struct REC *rec)                    \
	{                                                                                  \
		for (;;) {                                                                 \
			int err = 0;                                                       \
                                                                                           \
			if (via_glibc) {                                                   \
				struct REC *res = NULL;                                    \
                                                                                           \
				err = FN(key, rec, w->buf, w->len, &res);                  \
				if (res != NULL)                                           \
					return true;                                       \
				if (absent(err))                                           \
					return false;                                      \
				if (err != ERANGE)                                         \
					die(1, #FN ": errno %d", err);                     \
			} else {                                                           \
				nss_st st;                                                 \
                                                                                           \
				st = mod.FN(key, rec, w->buf, w->len, &err);               \
				if (st == NSS_STATUS_SUCCESS)                              \
					return true;                                       \
				if (st == NSS_STATUS_NOTFOUND)                             \
					return false;                                      \
				if (st != NSS_STATUS_TRYAGAIN || err != ERANGE)            \
					die(1, #FN ": status %d, errno %d", (int)st, err); \
			}                                                                  \
			grow(w, #FN);                                                      \
		}                                                                          \
	}

LOOKUP(getpwnam_r, const char *, passwd)
LOOKUP(getpwuid_r, uid_t, passwd)
LOOKUP(getgrnam_r, const char *, group)

static void add_gid(struct worker *w, gid_t g)
{
	for (long i = 0; i < w->ngids; i++)
		if (w->gids[i] == g)
			return;
	if (w->ngids == w->gids_size) {
		w->gids_size *= 2;
		w->gids = xrealloc(w->gids, sizeof *w->gids * (size_t)w->gids_size);
	}
	w->gids[w->ngids++] = g;
}

/* What glibc does for a service that has no initgroups_dyn. */
static void scan_groups(struct worker *w, const char *user)
{
	struct group gr;
	nss_st st;
	int err;

	if (!mod.setgrent || !mod.getgrent_r || !mod.endgrent)
		die(2, "no initgroups_dyn and no getgrent_r");
	/*
	 * glibc passes no argument here; with 0 libnss-db would open its file
	 * anew for each group, which it does not do below glibc.
	 */
	mod.setgrent(1);
	for (;;) {
		err = 0;
		st = mod.getgrent_r(&gr, w->buf, w->len, &err);
		if (st == NSS_STATUS_TRYAGAIN && err == ERANGE) {
			grow(w, "getgrent_r");
			continue;
		}
		if (st != NSS_STATUS_SUCCESS)
			break;
		for (char **m = gr.gr_mem; *m; m++) {
			if (strcmp(*m, user) == 0) {
				add_gid(w, gr.gr_gid);
				break;
			}
		}
	}
	mod.endgrent();
	if (st != NSS_STATUS_NOTFOUND)
		die(1, "getgrent_r: status %d, errno %d", (int)st, err);
}

/* Fills w->gids with the primary and the supplementary groups. */
static void do_initgroups(struct worker *w, const char *user, gid_t primary)
{
	if (via_glibc) {
		for (;;) {
			int n = (int)w->gids_size;

			if (getgrouplist(user, primary, w->gids, &n) >= 0) {
				w->ngids = n;
				return;
			}
			if (n <= w->gids_size)
				n = (int)w->gids_size * 2;
			w->gids_size = n;
			w->gids = xrealloc(w->gids, sizeof *w->gids * (size_t)n);
		}
	}
	w->gids[0] = primary;
	w->ngids = 1;
	if (mod.initgroups_dyn) {
		int err = 0;
		nss_st st;

		st = mod.initgroups_dyn(
			user, primary, &w->ngids, &w->gids_size, &w->gids, -1, &err);
		if (st != NSS_STATUS_SUCCESS && st != NSS_STATUS_NOTFOUND)
			die(1, "initgroups_dyn: status %d, errno %d", (int)st, err);
	} else {
		scan_groups(w, user);
	}
}

/* ---- ops: each looks one key up and checks the answer ---- */

static void check_pw(const struct passwd *pw, const struct key *k, bool full)
{
	if (strcmp(pw->pw_name, k->name) != 0)
		wrong("asked for user %s, got %s", k->name, pw->pw_name);
	if (k->has_id && pw->pw_uid != k->id)
		wrong("user %s: uid %lu, not %lu", k->name, (unsigned long)pw->pw_uid, k->id);
	if (!full)
		return;
	if (k->has_id2 && pw->pw_gid != k->id2)
		wrong("user %s: gid %lu, not %lu", k->name, (unsigned long)pw->pw_gid, k->id2);
	if (!pw->pw_dir || !pw->pw_shell || !pw->pw_gecos || !pw->pw_passwd)
		wrong("user %s: a NULL field", k->name);
	/* the data sets give each user the home directory /home/NAME */
	if (strncmp(k->name, prefix, strlen(prefix)) == 0 &&
		(strncmp(pw->pw_dir, "/home/", 6) != 0 || strcmp(pw->pw_dir + 6, k->name) != 0))
		wrong("user %s: home directory %s", k->name, pw->pw_dir);
}

static void op_pwnam(struct worker *w, const struct key *k, bool full)
{
	struct passwd pw;

	if (!do_getpwnam_r(w, k->name, &pw))
		wrong("user %s not found", k->name);
	check_pw(&pw, k, full);
}

static void op_miss(struct worker *w, const struct key *k, bool full)
{
	struct passwd pw;

	(void)full;
	if (do_getpwnam_r(w, k->name, &pw))
		wrong("user %s found, but there is none", k->name);
}

static void op_pwuid(struct worker *w, const struct key *k, bool full)
{
	struct passwd pw;

	if (!do_getpwuid_r(w, (uid_t)k->id, &pw))
		wrong("uid %lu not found", k->id);
	if (pw.pw_uid != k->id)
		wrong("asked for uid %lu, got %lu", k->id, (unsigned long)pw.pw_uid);
	if (k->name)
		check_pw(&pw, k, full);
}

static void op_grnam(struct worker *w, const struct key *k, bool full)
{
	struct group gr;

	if (!do_getgrnam_r(w, k->name, &gr))
		wrong("group %s not found", k->name);
	if (strcmp(gr.gr_name, k->name) != 0)
		wrong("asked for group %s, got %s", k->name, gr.gr_name);
	if (k->has_id && gr.gr_gid != k->id)
		wrong("group %s: gid %lu, not %lu", k->name, (unsigned long)gr.gr_gid, k->id);
	if (full && k->n >= 0) {
		size_t plen = strlen(prefix);
		long n = 0;

		for (char **m = gr.gr_mem; *m; m++, n++)
			if (strncmp(*m, prefix, plen) != 0)
				wrong("group %s: strange member %s", k->name, *m);
		if (n != k->n)
			wrong("group %s: %ld members, not %ld", k->name, n, k->n);
	}
}

static void op_init(struct worker *w, const struct key *k, bool full)
{
	do_initgroups(w, k->name, (gid_t)k->id2);
	if (w->ngids != k->n + 1) /* and the primary one */
		wrong("user %s: in %ld groups, not %ld", k->name, w->ngids - 1, k->n);
	for (long i = 0; full && i < k->n; i++) {
		bool have = false;

		for (long j = 0; j < w->ngids; j++)
			have |= w->gids[j] == k->gids[i];
		if (!have)
			wrong("user %s: not in group %lu", k->name, (unsigned long)k->gids[i]);
	}
}

static void op_enum(struct worker *w, const struct key *k, bool full)
{
	size_t plen = strlen(prefix);
	struct passwd pw;
	long n = 0;

	(void)full;
	if (via_glibc)
		setpwent();
	else
		mod.setpwent(0);
	for (;;) {
		int err = 0;

		if (via_glibc) {
			struct passwd *res = NULL;

			err = getpwent_r(&pw, w->buf, w->len, &res);
			if (err == ERANGE) {
				grow(w, "getpwent_r");
				continue;
			}
			if (res == NULL) {
				if (!absent(err))
					die(1, "getpwent_r: errno %d", err);
				break;
			}
		} else {
			nss_st st = mod.getpwent_r(&pw, w->buf, w->len, &err);

			if (st == NSS_STATUS_TRYAGAIN && err == ERANGE) {
				grow(w, "getpwent_r");
				continue;
			}
			if (st == NSS_STATUS_NOTFOUND)
				break;
			if (st != NSS_STATUS_SUCCESS)
				die(1, "getpwent_r: status %d, errno %d", (int)st, err);
		}
		n += strncmp(pw.pw_name, prefix, plen) == 0;
	}
	if (via_glibc)
		endpwent();
	else
		mod.endpwent();
	if (n != k->n)
		wrong("enumerated %ld users %s*, not %ld", n, prefix, k->n);
}

static const struct op {
	const char *name;
	struct keyset *keys;
	void (*fn)(struct worker *, const struct key *, bool);
	int threads;
	const char *file;
} ops[] = {
	{"pwnam", &users, op_pwnam, 1, "users.txt"},
	{"miss", &misses, op_miss, 1, "users.txt"},
	{"pwuid", &uids, op_pwuid, 1, "uids.txt"},
	{"grnam", &groups, op_grnam, 1, "groups.txt"},
	{"g1k", &g1k, op_grnam, 1, "g1k.txt"},
	{"init20", &init20, op_init, 1, "init20.txt"},
	{"pwnam2t", &users, op_pwnam, 2, "users.txt"},
	{"pwnam4t", &users, op_pwnam, 4, "users.txt"},
	{"enum", &whole, op_enum, 1, "total.txt"},
};
#define NOPS (sizeof ops / sizeof *ops)

static bool supported(const struct op *o)
{
	if (via_glibc)
		return true;
	if (o->fn == op_pwnam || o->fn == op_miss)
		return mod.getpwnam_r;
	if (o->fn == op_pwuid)
		return mod.getpwuid_r;
	if (o->fn == op_grnam)
		return mod.getgrnam_r;
	if (o->fn == op_init)
		return mod.initgroups_dyn || mod.getgrent_r;
	return mod.setpwent && mod.getpwent_r && mod.endpwent;
}

/* ---- rounds ---- */

struct team {
	const struct op *op;
	pthread_barrier_t start;
	long calls; /* by each thread */
};

struct member {
	struct team *team;
	struct worker w;
	pthread_t thread;
	size_t pos;
	double begun, ended;
};

static void *member_main(void *arg)
{
	struct member *m = arg;
	const struct op *o = m->team->op;
	const struct key *k = o->keys->k;
	size_t n = o->keys->n, pos = m->pos;

	pthread_barrier_wait(&m->team->start);
	m->begun = now();
	for (long i = 0; i < m->team->calls; i++) {
		o->fn(&m->w, &k[pos], false);
		if (++pos == n)
			pos = 0;
	}
	m->ended = now();
	m->pos = pos;
	return NULL;
}

/* One round; returns its wall time in seconds. */
static double run_round(struct member *ms, struct team *t)
{
	int n = t->op->threads;
	double begun, ended;

	pthread_barrier_init(&t->start, NULL, (unsigned)n);
	for (int i = 1; i < n; i++)
		if (pthread_create(&ms[i].thread, NULL, member_main, &ms[i]))
			die(2, "pthread_create failed");
	member_main(&ms[0]);
	for (int i = 1; i < n; i++)
		pthread_join(ms[i].thread, NULL);
	pthread_barrier_destroy(&t->start);
	begun = ms[0].begun;
	ended = ms[0].ended;
	for (int i = 1; i < n; i++) {
		if (ms[i].begun < begun)
			begun = ms[i].begun;
		if (ms[i].ended > ended)
			ended = ms[i].ended;
	}
	return ended - begun;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void run_op(const struct op *o)
{
	struct member ms[MAX_THREADS];
	struct team t = {.op = o};
	double us[MAX_ROUNDS], begun, took;
	int done = 0;
	size_t i;

	for (int j = 0; j < o->threads; j++) {
		ms[j] = (struct member){.team = &t};
		worker_init(&ms[j].w);
		ms[j].pos = o->keys->n * (size_t)j / (size_t)o->threads;
	}
	for (i = 0; i < o->keys->n; i++) /* warm up */
		o->fn(&ms[0].w, &o->keys->k[i], true);

	/* how many calls make a round? */
	t.calls = 1;
	for (;;) {
		took = run_round(ms, &t);
		if (took * 1e3 >= round_ms / 8)
			break;
		t.calls *= took * 1e3 < round_ms / 80 ? 8 : 2;
	}
	t.calls = (long)((double)t.calls * round_ms / 1e3 / took);
	if (t.calls < 1)
		t.calls = 1;

	begun = now();
	while (done < rounds && (done < 3 || now() - begun < ROUNDS_LIMIT_S))
		us[done++] = run_round(ms, &t) * 1e6 / ((double)t.calls * o->threads);

	begun = now();
	for (i = 0; i < o->keys->n && now() - begun < VERIFY_LIMIT_S; i++)
		o->fn(&ms[0].w, &o->keys->k[i], true);

	for (int j = 0; j < o->threads; j++)
		worker_free(&ms[j].w);
	qsort(us, (size_t)done, sizeof *us, by_value);
	printf("%s\t%s\t%.3f\n", o->name, label, us[done / 2]);
	fflush(stdout);
	if (verbose)
		fprintf(stderr,
			"# %s %s: min %.3f max %.3f us, %d rounds of %ld calls"
			" x %d threads, %zu keys\n",
			o->name, label, us[0], us[done - 1], done, t.calls, o->threads, o->keys->n);
}

static noreturn void usage(void)
{
	fputs("usage: nssbench -s SERVICE -k KEYDIR [-g] [-l FILE] [-L LABEL]\n"
	      "                [-n KEYS] [-r ROUNDS] [-m MS] [-P PREFIX] [-v] [OP...]\n"
	      "  -s NAME    call libnss_NAME.so.2 directly\n"
	      "  -l FILE    load the module from FILE instead\n"
	      "  -g         go through glibc (nsswitch.conf, nscd); -s is then only the label\n"
	      "  -k DIR     key files users.txt uids.txt groups.txt g1k.txt init20.txt total.txt\n"
	      "  -L LABEL   second output column (default NAME, or g:NAME with -g)\n"
	      "  -n KEYS    use the first KEYS (1000) keys of each list\n"
	      "  -r, -m     rounds (7) of about MS (80) milliseconds each\n"
	      "  -P PREFIX  user names of the data set begin so (d-u)\n"
	      "ops (default all):",
		stderr);
	for (size_t i = 0; i < NOPS; i++)
		fprintf(stderr, " %s", ops[i].name);
	fputc('\n', stderr);
	exit(2);
}

/* A number in LOW..HIGH, or the usage. */
static unsigned long option(const char *s, unsigned long low, unsigned long high)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(s, &end, 10);
	if (errno || end == s || *end || v < low || v > high)
		usage();
	return v;
}

int main(int argc, char **argv)
{
	const char *service = NULL, *file = NULL, *dir = NULL;
	char glabel[128];
	int c;

	while ((c = getopt(argc, argv, "s:l:gk:L:n:r:m:P:vh")) != -1) {
		switch (c) {
		case 's':
			service = optarg;
			break;
		case 'l':
			file = optarg;
			break;
		case 'g':
			via_glibc = true;
			break;
		case 'k':
			dir = optarg;
			break;
		case 'L':
			label = optarg;
			break;
		case 'n':
			key_limit = option(optarg, 1, 1000000);
			break;
		case 'r':
			rounds = (int)option(optarg, 1, MAX_ROUNDS);
			break;
		case 'm':
			round_ms = (double)option(optarg, 1, 60000);
			break;
		case 'P':
			prefix = optarg;
			break;
		case 'v':
			verbose = true;
			break;
		default:
			usage();
		}
	}
	if (!service && via_glibc)
		service = "glibc";
	if (!service || !dir)
		usage();
	for (int i = optind; i < argc; i++) {
		size_t j = 0;

		while (j < NOPS && strcmp(argv[i], ops[j].name) != 0)
			j++;
		if (j == NOPS)
			usage();
	}
	if (!label) {
		snprintf(glabel, sizeof glabel, "%s%s", via_glibc ? "g:" : "", service);
		label = glabel;
	}
	if (!via_glibc)
		load(service, file);

	read_keys(&users, dir, "users.txt", 'u', true);
	read_keys(&uids, dir, "uids.txt", 'i', true);
	read_keys(&groups, dir, "groups.txt", 'g', true);
	read_keys(&g1k, dir, "g1k.txt", 'g', true);
	read_keys(&init20, dir, "init20.txt", 'n', true);
	read_keys(&whole, dir, "total.txt", 't', true);
	make_misses();

	for (size_t j = 0; j < NOPS; j++) {
		bool asked = optind == argc;

		for (int i = optind; i < argc; i++)
			asked |= strcmp(argv[i], ops[j].name) == 0;
		if (!asked)
			continue;
		if (ops[j].keys->n == 0)
			die(2, "%s: no keys in %s/%s", ops[j].name, dir, ops[j].file);
		if (!supported(&ops[j])) {
			fprintf(stderr, "# %s: not offered by %s\n", ops[j].name, label);
			continue;
		}
		run_op(&ops[j]);
	}
	return 0;
}
