/*
 * credrace - as many hosts as you like that check a password of one credential at once:
 * threads, each with a host's own connection to the directory, and no denshid that
 * puts them in order. As root: between rounds it clears the slots, as nobody else may.
 *
 * usage: credrace [-a] [-n HOSTS] [-r ROUNDS] [-p RIGHT [-e]] URI ORG LOGIN-ID
 *   -a	the approval password, not the login password
 *   -n	guesses at once (64)
 *   -r	rounds (1)
 *   -p	one of them, another each round, has the right password RIGHT; -e: every one has.
 *	RIGHT is the name of a file with it
 *   -k	don't clear before the first round
 * Prints a line a round, with tabs:
 *   ROUND right N wrong N locked N busy N other N left N shut N
 * where `left` is the slots that are taken afterwards, and `shut` 1 where they are six and one more
 * guess isn't tried. The record of a guess names its service `right` or `wrong`.
 * Exit status: 0 done, 2 usage or set-up.
 */
#include <getopt.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "directory/credential.h"

#define MAX_HOSTS 256
#define HOST_NAME "sandbox.denshi.test"

enum outcome { RIGHT, WRONG, LOCKED, BUSY, OTHER, OUTCOMES };
static const char *const names[OUTCOMES] = {"right", "wrong", "locked", "busy", "other"};

struct host {
	struct dendir *d;
	struct den_secret *guess;
	const char *service;
	enum outcome outcome;
	pthread_t thread;
};

static struct dendir_site site = {.host = HOST_NAME};
static enum dendir_credential which = DENDIR_LOGIN;
static const char *login;
static char dn[DENDIR_DN_SIZE];
static struct dendir *root;
static struct den_secret *right;
static struct host hosts[MAX_HOSTS];
static unsigned nhosts = 64;
static pthread_barrier_t start, end;

static noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "credrace: %s: %s\n", what, why);
	exit(2);
}

static enum outcome outcome_of(enum den_code code)
{
	switch (code) {
	case DEN_OK: return RIGHT;
	case DEN_LOGIN_WRONG:
	case DEN_APPROVAL_WRONG: return WRONG;
	case DEN_LOGIN_LOCKED:
	case DEN_APPROVAL_LOCKED: return LOCKED;
	case DEN_BUSY: return BUSY;
	default: return OTHER;
	}
}

static int nothing(void *context, struct dendir_entry *e)
{
	(void)context;
	(void)e;
	return 0;
}

/* The server takes the next operation of a connection when it is done with the one before. */
static void await_clearing(struct dendir *as)
{
	static const char *const none[] = {"1.1", NULL};

	(void)dendir_search(as, dn, DENDIR_BASE, NULL, none, nothing, NULL);
}

static void *run_host(void *context)
{
	struct host *h = context;

	for (;;) {
		struct dendir_attempt attempt = {.login = login, .rhost = ""};
		struct dendir_proof *proof = NULL;
		unsigned left;
		enum den_code code;

		pthread_barrier_wait(&start);
		attempt.service = h->service;
		code = dendir_credential_check(h->d, which, &attempt, h->guess, &proof, &left);
		if (outcome_of(code) == OTHER)
			fprintf(stderr, "credrace: %s: %s\n", den_code_name(code), dendir_diagnostic(h->d));
		h->outcome = outcome_of(code);
		if (proof)
			await_clearing(dendir_proof_connection(proof));
		dendir_proof_free(proof);
		pthread_barrier_wait(&end);
	}
	return NULL;
}

static void free_slots(void)
{
	static const char *const attributes[] = {"denshiAttempt", "denshiAttemptRecord", "pwdAccountLockedTime"};
	struct dendir_mods *m = dendir_mods_new();

	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
		dendir_mods_drop(m, attributes[i]);
	if (dendir_modify(root, dn, m) != DEN_OK)
		die("clearing", dendir_diagnostic(root));
	dendir_mods_free(m);
}

/* Between the rounds root undoes them; slapo-ppolicy's own count goes with a right password. */
static void clear(void)
{
	struct dendir *as = NULL;

	free_slots();
	if (!right)
		return;
	if (dendir_open_as(&as, root, dn, right) != DEN_OK)
		die("clearing", "the right password isn't right");
	await_clearing(as);
	dendir_close(as);
	free_slots();
}

/* `every`: all have the right password; otherwise one, if there is one to have. */
static void deal(unsigned round, int every)
{
	unsigned chosen = 0;
	char text[64];

	if (getrandom(&chosen, sizeof(chosen), 0) != sizeof(chosen))
		die("getrandom", "no entropy");
	chosen %= nhosts;
	for (unsigned i = 0; i < nhosts; i++) {
		int is_right = right && (every || i == chosen);

		snprintf(text, sizeof(text), "guess-%u-%u", round, i);
		hosts[i].service = is_right ? "right" : "wrong";
		if (is_right ? den_secret_set(hosts[i].guess, den_secret_bytes(right), den_secret_len(right))
			     : den_secret_set(hosts[i].guess, text, strlen(text)))
			die("guess", "no memory");
	}
}

static int count_slots(void *context, struct dendir_entry *e)
{
	unsigned *slots = context;
	const char *value;
	size_t len;

	for (size_t i = 0; (value = dendir_entry_value(e, "denshiAttempt", i, &len)); i++)
		*slots += len == 1 && *value <= '0' + DENDIR_ATTEMPTS;
	return 0;
}

/* One more guess, where it can't take a slot. */
static int is_shut(void)
{
	struct dendir_attempt attempt = {.login = login, .rhost = "", .service = "shut"};
	unsigned left;

	return outcome_of(dendir_credential_check(hosts[0].d, which, &attempt, hosts[0].guess, NULL, &left)) == LOCKED;
}

static void run_round(unsigned round)
{
	static const char *const attributes[] = {"denshiAttempt", NULL};
	unsigned counts[OUTCOMES] = {0}, slots = 0;

	pthread_barrier_wait(&start);
	pthread_barrier_wait(&end);
	for (unsigned i = 0; i < nhosts; i++)
		counts[hosts[i].outcome]++;
	if (dendir_search(root, dn, DENDIR_BASE, NULL, attributes, count_slots, &slots) != DEN_OK)
		die("reading", dendir_diagnostic(root));
	printf("%u", round);
	for (unsigned i = 0; i < OUTCOMES; i++)
		printf("\t%s\t%u", names[i], counts[i]);
	printf("\tleft\t%u\tshut\t%d\n", slots, slots == DENDIR_ATTEMPTS && is_shut());
}

/* The kernel tells slapd who connected: first as root, then as denshid does. */
static void connect_all(void)
{
	const struct passwd *denshid = getpwnam("denshi");
	const struct group *directory = getgrnam("denshi-directory");

	if (dendir_open(&root, &site) != DEN_OK)
		die(site.uri, "can't be reached by root");
	if (!denshid || !directory || setgroups(1, &directory->gr_gid) != 0 || setegid(denshid->pw_gid) != 0 ||
		seteuid(denshid->pw_uid) != 0)
		die("denshi", "no such user, or not root");
	for (unsigned i = 0; i < nhosts; i++) {
		hosts[i].guess = den_secret_new();
		if (!hosts[i].guess || dendir_open(&hosts[i].d, &site) != DEN_OK)
			die(site.uri, "can't be reached by a host");
		if (pthread_create(&hosts[i].thread, NULL, run_host, &hosts[i]) != 0)
			die("pthread_create", "failed");
	}
}

static void read_right(const char *path)
{
	FILE *f = fopen(path, "re");

	right = den_secret_new();
	if (!f || !right || den_secret_read_line(right, fileno(f)) != 0)
		die(path, "can't be read");
	fclose(f);
}

int main(int argc, char **argv)
{
	unsigned rounds = 1;
	int option, every = 0, keep = 0;

	while ((option = getopt(argc, argv, "an:r:p:ek")) != -1)
		switch (option) {
		case 'a': which = DENDIR_APPROVAL; break;
		case 'n': nhosts = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'r': rounds = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'p': read_right(optarg); break;
		case 'e': every = 1; break;
		case 'k': keep = 1; break;
		default: return 2;
		}
	if (argc - optind != 3 || nhosts < 1 || nhosts > MAX_HOSTS)
		return 2;
	site.uri = argv[optind];
	site.org = argv[optind + 1];
	login = argv[optind + 2];
	pthread_barrier_init(&start, NULL, nhosts + 1);
	pthread_barrier_init(&end, NULL, nhosts + 1);
	connect_all();
	if (which == DENDIR_LOGIN)
		dendir_dn(dn, root, DENDIR_DN_PEOPLE, login);
	else
		dendir_dn(dn, root, DENDIR_DN_APPROVAL, login);
	for (unsigned round = 1; round <= rounds; round++) {
		if (round > 1 || !keep)
			clear();
		deal(round, every);
		run_round(round);
	}
	/* The threads stand at the barrier; they end with the process. */
	fflush(stdout);
	_exit(0);
}
