/*
 * pambench - time a PAM stack, or race for it.
 *
 * Timing: N client processes make R authentications each; every one must
 * succeed.  Prints   auth TAB service TAB median-ms TAB auths-per-second.
 *
 * Race: N processes stand ready after pam_start, are released at once and
 * make one authentication each.  Prints how many got which PAM code, and the
 * wall time from the release to the last answer.
 *
 * Exit status: 0 as expected, 1 not as expected, 2 usage or set-up.
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_CODE 64
#define NOT_RUN (-1)

struct shared;
struct cred {
	char *user, *password;
	struct shared *gate; /* the prompt is answered when all are asked */
};

/* One authentication, as the parent sees it. */
struct result {
	int code;
	double begun, ended; /* seconds */
};

struct shared {
	pthread_barrier_t barrier;
	atomic_int arrived; /* at the barrier */
	struct result r[];
};

static const char *service, *confdir;
static bool account, session, no_delay, verbose;
static struct cred *creds;
static size_t ncreds;

static noreturn __attribute__((format(printf, 1, 2))) void die(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("pambench: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

#define C(x) [x] = #x
static const char *const code_names[MAX_CODE] = {
	C(PAM_SUCCESS),
	C(PAM_OPEN_ERR),
	C(PAM_SYMBOL_ERR),
	C(PAM_SERVICE_ERR),
	C(PAM_SYSTEM_ERR),
	C(PAM_BUF_ERR),
	C(PAM_PERM_DENIED),
	C(PAM_AUTH_ERR),
	C(PAM_CRED_INSUFFICIENT),
	C(PAM_AUTHINFO_UNAVAIL),
	C(PAM_USER_UNKNOWN),
	C(PAM_MAXTRIES),
	C(PAM_NEW_AUTHTOK_REQD),
	C(PAM_ACCT_EXPIRED),
	C(PAM_SESSION_ERR),
	C(PAM_CRED_UNAVAIL),
	C(PAM_CRED_EXPIRED),
	C(PAM_CRED_ERR),
	C(PAM_NO_MODULE_DATA),
	C(PAM_CONV_ERR),
	C(PAM_AUTHTOK_ERR),
	C(PAM_AUTHTOK_RECOVERY_ERR),
	C(PAM_AUTHTOK_LOCK_BUSY),
	C(PAM_AUTHTOK_DISABLE_AGING),
	C(PAM_TRY_AGAIN),
	C(PAM_IGNORE),
	C(PAM_ABORT),
	C(PAM_AUTHTOK_EXPIRED),
	C(PAM_MODULE_UNKNOWN),
	C(PAM_BAD_ITEM),
	C(PAM_CONV_AGAIN),
	C(PAM_INCOMPLETE),
};
#undef C

static const char *code_name(int code)
{
	static char other[32];

	if (code == NOT_RUN)
		return "died";
	if (code >= 0 && code < MAX_CODE && code_names[code])
		return code_names[code];
	snprintf(other, sizeof other, "code %d", code);
	return other;
}

/* ---- the conversation ---- */

static void ready(struct shared *s);

static int converse(int n, const struct pam_message **msg, struct pam_response **resp, void *data)
{
	const struct cred *c = data;
	struct pam_response *r;
	const char *answer;

	if (n <= 0 || n > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	r = calloc((size_t)n, sizeof *r);
	if (r == NULL)
		return PAM_BUF_ERR;
	for (int i = 0; i < n; i++) {
		switch (msg[i]->msg_style) {
		case PAM_PROMPT_ECHO_OFF:
			if (c->gate)
				ready(c->gate);
			answer = c->password;
			break;
		case PAM_PROMPT_ECHO_ON:
			answer = c->user;
			break;
		case PAM_ERROR_MSG:
		case PAM_TEXT_INFO:
			answer = NULL;
			break;
		default:
			goto fail;
		}
		if (verbose)
			fprintf(stderr, "# [%d] %s: %s\n", (int)getpid(),
				msg[i]->msg_style == PAM_ERROR_MSG ? "error"
				: answer                           ? "prompt"
								   : "info",
				msg[i]->msg);
		if (answer && (r[i].resp = strdup(answer)) == NULL)
			goto fail;
	}
	*resp = r;
	return PAM_SUCCESS;
fail:
	for (int i = 0; i < n; i++)
		free(r[i].resp);
	free(r);
	return PAM_CONV_ERR;
}

static void skip_delay(int retval, unsigned usec, void *data)
{
	(void)retval;
	(void)usec;
	(void)data;
}

static void ready(struct shared *s)
{
	atomic_fetch_add(&s->arrived, 1);
	pthread_barrier_wait(&s->barrier);
}

/*
 * One authentication.  In a race, everything up to pam_start is done before
 * the barrier, and the clock runs from the release.
 */
static void authenticate(struct cred *c, struct result *out, struct shared *in_race)
{
	struct pam_conv conv = {converse, c};
	pam_handle_t *h = NULL;
	int rc;

	out->begun = now();
	rc = confdir ? pam_start_confdir(service, c->user, &conv, confdir, &h)
		     : pam_start(service, c->user, &conv, &h);
	if (rc == PAM_SUCCESS && no_delay) {
		union {
			void (*fn)(int, unsigned, void *);
			const void *item;
		} u = {.fn = skip_delay};

		pam_set_item(h, PAM_FAIL_DELAY, u.item);
	}
	if (in_race && !c->gate) {
		ready(in_race);
		out->begun = now();
	}
	if (rc == PAM_SUCCESS)
		rc = pam_authenticate(h, 0);
	if (rc == PAM_SUCCESS && account)
		rc = pam_acct_mgmt(h, 0);
	if (rc == PAM_SUCCESS && session) {
		rc = pam_open_session(h, PAM_SILENT);
		if (rc == PAM_SUCCESS)
			rc = pam_close_session(h, PAM_SILENT);
	}
	if (h)
		pam_end(h, rc);
	out->ended = now();
	out->code = rc;
}

/* ---- processes ---- */

static struct shared *share(size_t results, unsigned parties)
{
	size_t size = sizeof(struct shared) + results * sizeof(struct result);
	pthread_barrierattr_t attr;
	struct shared *s;

	s = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&s->barrier, &attr, parties);
	pthread_barrierattr_destroy(&attr);
	for (size_t i = 0; i < results; i++)
		s->r[i].code = NOT_RUN;
	return s;
}

/* Forks n processes; true in child *which, false in the parent. */
static bool fork_all(int n, pid_t *pids, int *which)
{
	fflush(NULL);
	for (int i = 0; i < n; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			*which = i;
			return true;
		}
		if (pids[i] < 0) {
			int err = errno;

			/* those already started wait at the barrier */
			while (i-- > 0)
				kill(pids[i], SIGKILL);
			die("fork: %s", strerror(err));
		}
	}
	return false;
}

static void wait_all(struct shared *s, int n, const pid_t *pids)
{
	for (int left = n; left > 0; left--) {
		int status;
		pid_t pid = waitpid(-1, &status, 0);

		if (pid < 0)
			die("waitpid: %s", strerror(errno));
		if (status == 0)
			continue;
		fprintf(stderr, "pambench: client %d died (status %#x)\n", (int)pid,
			(unsigned)status);
		if (atomic_load(&s->arrived) == n)
			continue;
		/* it never reached the barrier: free those who wait there */
		for (int i = 0; i < n; i++)
			if (pids[i] != pid)
				kill(pids[i], SIGKILL);
		die("not all clients got to the start");
	}
}

/* Prints the codes of the results, most frequent kinds named first. */
static void count_codes(const struct result *r, size_t n)
{
	static const int first[] = {PAM_SUCCESS, PAM_AUTH_ERR, PAM_MAXTRIES, PAM_ACCT_EXPIRED};
	size_t count[MAX_CODE + 2] = {0}; /* then other codes, then died */

	for (size_t i = 0; i < n; i++) {
		int c = r[i].code;

		if (c == NOT_RUN)
			count[MAX_CODE + 1]++;
		else
			count[c >= 0 && c < MAX_CODE ? c : MAX_CODE]++;
	}
	for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
		printf("%s\t%zu\n", code_name(first[i]), count[first[i]]);
		count[first[i]] = 0;
	}
	for (int c = 0; c < MAX_CODE; c++)
		if (count[c])
			printf("%s\t%zu\n", code_name(c), count[c]);
	if (count[MAX_CODE])
		printf("other\t%zu\n", count[MAX_CODE]);
	if (count[MAX_CODE + 1])
		printf("died\t%zu\n", count[MAX_CODE + 1]);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int timing(int clients, int rounds, const char *label)
{
	size_t n = (size_t)clients * (size_t)rounds, good = 0;
	struct shared *s = share(n, (unsigned)clients);
	pid_t *pids = calloc((size_t)clients, sizeof *pids);
	double *ms = calloc(n, sizeof *ms), begun, ended;
	int me;

	if (!pids || !ms)
		die("out of memory");
	if (fork_all(clients, pids, &me)) {
		struct result *r = s->r + (size_t)me * (size_t)rounds;
		struct result warm;

		authenticate(&creds[(size_t)me % ncreds], &warm, NULL);
		ready(s);
		for (int i = 0; i < rounds; i++)
			authenticate(&creds[((size_t)me + (size_t)i * (size_t)clients) % ncreds],
				&r[i], NULL);
		_exit(0);
	}
	wait_all(s, clients, pids);

	begun = ended = 0;
	for (size_t i = 0; i < n; i++) {
		const struct result *r = &s->r[i];

		if (r->code != PAM_SUCCESS)
			continue;
		if (good == 0 || r->begun < begun)
			begun = r->begun;
		if (r->ended > ended)
			ended = r->ended;
		ms[good++] = (r->ended - r->begun) * 1e3;
	}
	if (good > 0) {
		qsort(ms, good, sizeof *ms, by_value);
		printf("auth\t%s\t%.3f\t%.1f\n", label, ms[good / 2],
			(double)good / (ended - begun));
		if (verbose)
			fprintf(stderr, "# min %.3f p95 %.3f max %.3f ms\n", ms[0],
				ms[good * 95 / 100], ms[good - 1]);
	}
	if (good < n) {
		fprintf(stderr, "pambench: WRONG: %zu of %zu failed:\n", n - good, n);
		count_codes(s->r, n);
	}
	free(pids);
	free(ms);
	return good < n;
}

struct race {
	int n;
	bool wrong;        /* -p is a wrong password: nobody may get in with it */
	bool prompted;     /* released with all prompts open, not before */
	bool same;         /* with wrong: the same one from all, not one each */
	const char *right; /* what the last process sends instead */
	bool after;        /* then one more, alone, with the right password */
	int expect;        /* so many must succeed; -1: do not judge */
};

static int race(const struct race *o)
{
	struct shared *s = share((size_t)o->n + 1, (unsigned)o->n);
	pid_t *pids = calloc((size_t)o->n, sizeof *pids);
	double begun = 0, ended = 0;
	int me, success = 0, stray = 0, status = 0;
	struct cred right;

	if (!pids)
		die("out of memory");
	if (fork_all(o->n, pids, &me)) {
		struct cred c = creds[(size_t)me % ncreds];

		if (o->right && me == o->n - 1)
			c.password = (char *)o->right;
		else if (o->wrong && !o->same && asprintf(&c.password, "%s-%d", c.password, me) < 0)
			_exit(1);
		if (o->prompted)
			c.gate = s;
		authenticate(&c, &s->r[me], s);
		_exit(0);
	}
	wait_all(s, o->n, pids);

	for (int i = 0; i < o->n; i++) {
		const struct result *r = &s->r[i];

		if (r->code == NOT_RUN) {
			status = 1;
			continue;
		}
		if (begun == 0 || r->begun < begun)
			begun = r->begun;
		if (r->ended > ended)
			ended = r->ended;
		if (r->code == PAM_SUCCESS) {
			success++;
			stray += o->wrong && !(o->right && i == o->n - 1);
		}
	}
	printf("race\t%s\t%d processes\n", service, o->n);
	count_codes(s->r, (size_t)o->n);
	printf("wall_ms\t%.1f\n", (ended - begun) * 1e3);
	if (o->right)
		printf("right\t%s\n", code_name(s->r[o->n - 1].code));
	if (o->after) {
		right = creds[0];
		if (o->right)
			right.password = (char *)o->right;
		authenticate(&right, &s->r[o->n], NULL);
		printf("after\t%s\n", code_name(s->r[o->n].code));
	}
	if (stray) {
		fprintf(stderr, "pambench: WRONG: %d got in with the wrong password\n", stray);
		status = 1;
	}
	if (o->expect >= 0 && success != o->expect) {
		fprintf(stderr, "pambench: WRONG: %d got in, not %d\n", success, o->expect);
		status = 1;
	}
	free(pids);
	return status;
}

/* ---- main ---- */

static void add_cred(const char *user, const char *password)
{
	creds = realloc(creds, (ncreds + 1) * sizeof *creds);
	if (creds == NULL)
		die("out of memory");
	creds[ncreds].user = strdup(user);
	creds[ncreds].password = strdup(password);
	ncreds++;
}

static void read_creds(const char *path)
{
	char *line = NULL, *user, *password, *save;
	size_t cap = 0;
	FILE *f = fopen(path, "re");

	if (f == NULL)
		die("%s: %s", path, strerror(errno));
	while (getline(&line, &cap, f) != -1) {
		user = strtok_r(line, " \t\r\n", &save);
		if (user == NULL || *user == '#')
			continue;
		password = strtok_r(NULL, "\r\n", &save);
		if (password == NULL)
			die("%s: no password for %s", path, user);
		add_cred(user, password + strspn(password, " \t"));
	}
	free(line);
	fclose(f);
}

static noreturn void usage(void)
{
	fputs("usage: pambench -S SERVICE [-C CONFDIR] {-u USER -p PASSWORD | -f FILE}\n"
	      "                [-c CLIENTS] [-r ROUNDS] [-a] [-o] [-L LABEL] [-v]\n"
	      "       pambench -S SERVICE [-C CONFDIR] -u USER -p PASSWORD -race N\n"
	      "                [-prompted] [-wrong [-same]] [-right PASSWORD] [-after] [-expect K] [-v]\n"
	      "  -C DIR      read the service from DIR, not from the system's pam.d\n"
	      "  -f FILE     lines of 'user password', used in turn\n"
	      "  -c, -r      1 client process, 20 authentications each\n"
	      "  -a, -o      also pam_acct_mgmt; also open and close a session\n"
	      "  -nodelay    skip the delays that modules ask for after a failure\n"
	      "  -race N     N processes released at once, one authentication each\n"
	      "  -wrong      -p is wrong: fail if any process gets in; each adds\n"
	      "              a number to it, so that no two guesses are equal\n"
	      "  -same       but not that\n"
	      "  -prompted   released when each of the N is asked for its password\n"
	      "  -right PW   the last of the N sends PW instead\n"
	      "  -after      then one authentication more with -right (or -p)\n"
	      "  -expect K   fail unless exactly K of the N get in\n"
	      "  -v          show prompts and messages\n",
		stderr);
	exit(2);
}

static int positive(const char *s)
{
	char *end;
	long v = strtol(s, &end, 10);

	if (*s == '\0' || *end || v < 1 || v > 100000)
		usage();
	return (int)v;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"race", required_argument, NULL, 1},
		{"wrong", no_argument, NULL, 2},
		{"right", required_argument, NULL, 3},
		{"after", no_argument, NULL, 4},
		{"expect", required_argument, NULL, 5},
		{"nodelay", no_argument, NULL, 6},
		{"same", no_argument, NULL, 7},
		{"prompted", no_argument, NULL, 8},
		{NULL, 0, NULL, 0},
	};
	const char *user = NULL, *password = NULL, *file = NULL, *label = NULL;
	struct race rc = {.expect = -1};
	int clients = 1, rounds = 20, c;

	while ((c = getopt_long_only(argc, argv, "S:C:u:p:f:c:r:L:aovh", longs, NULL)) != -1) {
		switch (c) {
		case 'S':
			service = optarg;
			break;
		case 'C':
			confdir = optarg;
			break;
		case 'u':
			user = optarg;
			break;
		case 'p':
			password = optarg;
			break;
		case 'f':
			file = optarg;
			break;
		case 'c':
			clients = positive(optarg);
			break;
		case 'r':
			rounds = positive(optarg);
			break;
		case 'L':
			label = optarg;
			break;
		case 'a':
			account = true;
			break;
		case 'o':
			session = true;
			break;
		case 'v':
			verbose = true;
			break;
		case 1:
			rc.n = positive(optarg);
			break;
		case 2:
			rc.wrong = true;
			break;
		case 3:
			rc.right = optarg;
			break;
		case 4:
			rc.after = true;
			break;
		case 5:
			rc.expect = (int)strtol(optarg, NULL, 10);
			break;
		case 6:
			no_delay = true;
			break;
		case 7:
			rc.same = true;
			break;
		case 8:
			rc.prompted = true;
			break;
		default:
			usage();
		}
	}
	if (!service || optind != argc || (file ? user || password : !user || !password))
		usage();
	if (file)
		read_creds(file);
	else
		add_cred(user, password);
	if (ncreds == 0)
		die("%s: no users", file);
	return rc.n ? race(&rc) : timing(clients, rounds, label ? label : service);
}
