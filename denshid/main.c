/*
 * denshid: one per host. Replicates what is in force into the snapshot that NSS
 * reads (replica.c), and answers PAM modules and commands (listen.c, pool.c,
 * dispatch.c and a file for each subject). denshid(8) has the drawing.
 */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stddef.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/secret.h"
#include "denshid/last.h"
#include "denshid/anchor.h"
#include "denshid/chain.h"
#include "denshid/listen.h"
#include "denshid/log.h"
#include "denshid/pace.h"
#include "denshid/proof.h"
#include "denshid/refused.h"
#include "denshid/replica.h"
#include "denshid/session.h"
#include "denshid/standing.h"
#include "directory/site.h"
#include "directory/writer.h"

static const char usage[] =
	"usage: denshid [--foreground] [--debug] [--config FILE] [--check]\n"
	"  --foreground   stay in the foreground and log to standard error too\n"
	"  --debug        log more\n"
	"  --config FILE  instead of " DEN_CONFIG_PATH "\n"
	"  --check        read the configuration, say whether it is right, and end\n";

struct options {
	const char *config;
	int foreground, debug, check;
};

static int parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"foreground", no_argument, NULL, 'f'},
		{"debug", no_argument, NULL, 'd'},
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	int opt;

	o->config = DEN_CONFIG_PATH;
	while ((opt = getopt_long(argc, argv, "fdc:thV", longs, NULL)) != -1)
		switch (opt) {
		case 'f':
			o->foreground = 1;
			break;
		case 'd':
			o->debug = 1;
			break;
		case 'c':
			o->config = optarg;
			break;
		case 't':
			o->check = 1;
			break;
		case 'V':
			puts("denshid " DENSHI_VERSION);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	if (optind != argc) {
		fputs(usage, stderr);
		return 2;
	}
	return -1;
}

/* "READY=1" to systemd, where it asked to be told (sd_notify(3)). */
static void tell_ready(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd;

	if (!path || !*path || strlen(path) >= sizeof(a.sun_path))
		return;
	memcpy(a.sun_path, path, strlen(path));
	if (a.sun_path[0] == '@')
		a.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (struct sockaddr *)&a,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)));
	close(fd);
}

static void on_signal(evutil_socket_t number, short what, void *base)
{
	(void)what;
	log_info("ends on signal %d", (int)number);
	event_base_loopexit(base, NULL);
}

struct reloading {
	const char *path;
	const struct den_config *config;
	struct replica *replica;
};

/* What the replica doesn't take over waits for the next start. */
static void on_reload(evutil_socket_t number, short what, void *context)
{
	struct reloading *r = context;
	static struct den_config fresh;
	char error[DEN_CONFIG_ERROR_SIZE];

	(void)number;
	(void)what;
	if (den_config_read(&fresh, r->path, error, sizeof(error)) != 0) {
		log_warn("%s; goes on as before", error);
		return;
	}
	if (!den_config_reloads(r->config, &fresh))
		log_warn("%s: not all of its changes are taken over before the next start", r->path);
	log_info("%s is read again", r->path);
	replica_reload(r->replica, &fresh);
}

static void harden(void)
{
	/* No core dump and no tracing by others of our own uid: passwords pass through. */
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	umask(022);
	/* One heap a thread costs more memory than it saves time. */
	mallopt(M_ARENA_MAX, 2);
}

static void on_sweep(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	refused_sweep(context, den_now_ms());
}

/* Wrong passwords of the last seconds, and a clock that wipes them. */
static struct refused *remember_refused(struct event_base *base)
{
	static const struct timeval often = {.tv_sec = REFUSED_WITHIN_MS / 1000};
	struct refused *r = refused_new();
	struct event *sweep = r ? event_new(base, -1, EV_PERSIST, on_sweep, r) : NULL;

	if (!sweep || event_add(sweep, &often) != 0) {
		log_warn("memory can't be locked (LimitMEMLOCK=): each repeated wrong password takes an attempt");
		return NULL;
	}
	return r;
}

/* Of /etc/passwd alone: denshid doesn't ask NSS, which asks what it made. */
static int uid_of(const char *name, uid_t *uid)
{
	FILE *in = fopen("/etc/passwd", "re");
	struct passwd *p = NULL;

	while (in && (p = fgetpwent(in)) && strcmp(p->pw_name, name) != 0)
		;
	if (p)
		*uid = p->pw_uid;
	if (in)
		fclose(in);
	return p ? 0 : -1;
}

static void find_services(struct denshid *shared)
{
	char names[sizeof(shared->config->approval_services)], *rest = NULL;

	snprintf(names, sizeof(names), "%s", shared->config->approval_services);
	for (char *name = strtok_r(names, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
		if (shared->nservices == sizeof(shared->services) / sizeof(shared->services[0]))
			log_fatal("approval_services: more than %zu users", shared->nservices);
		if (uid_of(name, &shared->services[shared->nservices]) != 0)
			log_fatal("approval_services: this machine has no user %s", name);
		shared->nservices++;
	}
}

static void serve(const struct den_config *config, const char *path, const struct dendir_site *site)
{
	static struct denshid shared;
	struct event_base *base = event_base_new();
	struct event *ends[2], *reload;
	struct reloading reloading = {.path = path, .config = config};
	struct listener *listener;

	shared.config = config;
	shared.site = site;
	shared.view = view_new(config->snapshot);
	shared.proofs = proofs_new();
	shared.pace = pace_new();
	shared.standing = standing_new(site);
	den_secret_keep(config->workers);
	if (!base || !shared.view || !shared.proofs || !shared.pace || !shared.standing)
		log_fatal("no memory");
	shared.refused = remember_refused(base);
	find_services(&shared);
	chain_open(&shared);
	session_folder(&shared);
	last_folder(&shared);
	ends[0] = evsignal_new(base, SIGTERM, on_signal, base);
	ends[1] = evsignal_new(base, SIGINT, on_signal, base);
	event_add(ends[0], NULL);
	event_add(ends[1], NULL);
	listener = listener_new(base, &shared);
	if (anchor_start(site) != 0)
		log_fatal("the audit records can't be anchored");
	reloading.replica = replica_start(config, site, shared.view);
	if (!reloading.replica)
		log_fatal("the replica can't be started");
	reload = evsignal_new(base, SIGHUP, on_reload, &reloading);
	event_add(reload, NULL);
	log_info("serves %s on host %s", config->organisation, config->host);
	tell_ready();
	event_base_dispatch(base);
	listener_free(listener);
}

int main(int argc, char **argv)
{
	static struct den_config config;
	static struct dendir_site site;
	struct options o = {0};
	char error[DEN_CONFIG_ERROR_SIZE], why[DENDIR_WHY_SIZE];
	int done = parse(argc, argv, &o);

	if (done >= 0)
		return done;
	if (den_config_read(&config, o.config, error, sizeof(error)) != 0) {
		log_open(1, 0);
		log_fatal("%s", error);
	}
	site = dendir_site_of_config(&config);
	site.follow = dendir_follow_new();
	if (!dendir_site_is_safe(&site, why)) {
		log_open(1, 0);
		log_fatal("%s: %s", o.config, why);
	}
	if (o.check) {
		printf("%s: ok\n", o.config);
		return 0;
	}
	log_open(o.foreground, o.debug);
	harden();
	if (!o.foreground && daemon(0, 0) != 0)
		log_fatal("daemon: %s", strerror(errno));
	serve(&config, o.config, &site);
	/* Not exit(): workers may hold what destructors would take away. */
	_exit(0);
}
