/* denshi-ca(8): signs client certificates for which a grant is in force. */
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "crypto/file.h"
#include "directory/site.h"
#include "directory/writer.h"
#include "tools/denshi-ca/log.h"
#include "tools/denshi-ca/signer.h"

#define BACKOFF_STEP_MS 100
#define PIN_SIZE 130
/* Started again sooner than this, systemd would soon give it up. */
#define KEY_PAUSE_MS 5000

static const char usage[] =
	"usage: denshi-ca [--foreground] [--config FILE] [--org ORG] [--uri URI] [--state DIR]\n"
	"       denshi-ca init|succeed [--config FILE] [--org ORG] [--state DIR]\n"
	"                              [--token LABEL|URI --pin-file FILE]\n"
	"  --foreground   log to standard error instead of syslog\n"
	"  --config FILE  instead of " DEN_CONFIG_PATH "\n"
	"  --org, --uri, --state  instead of the settings organisation, uri, ca_state\n"
	"  init           make a new key and certificate in DIR, and end\n"
	"  succeed        the same in the place of those that are there, which stay trusted\n"
	"  --token        make the key in this PKCS#11 token\n"
	"  --pin-file     which has its PIN; kept in DIR for denshi-ca alone\n";

struct options {
	const char *config, *org, *uri, *state;
	const char *token, *pin_file; /* of a new key; or NULL */
	int foreground;
	int (*once)(const struct den_config *c, const struct options *o); /* instead of serving */
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

/* -- a new CA ------------------------------------------------------------------------------ */

/* Root works as whom the folder belongs to, denshi-ca: what is made is theirs, and nobody else's is believed. */
static int become_owner(const char *folder)
{
	struct stat st;

	if (stat(folder, &st) != 0)
		return -1;
	if (geteuid() != 0 || st.st_uid == 0)
		return 0;
	if (setgroups(0, NULL) != 0 || setresgid(st.st_gid, st.st_gid, st.st_gid) != 0)
		return -1;
	return setresuid(st.st_uid, st.st_uid, st.st_uid);
}

/* As root, before: the file may be root's. */
static enum dencrypt_result read_pin(const struct options *o, char pin[PIN_SIZE])
{
	struct dencrypt_bytes file = DENCRYPT_BYTES_EMPTY;
	enum dencrypt_result r = DENCRYPT_OK;

	*pin = '\0';
	if (o->pin_file)
		r = dencrypt_read_file(o->pin_file, DENCRYPT_FILE_SECRET, PIN_SIZE - 1, &file);
	if (r == DENCRYPT_OK && o->pin_file) {
		memcpy(pin, file.data, file.size);
		pin[file.size] = '\0';
		pin[strcspn(pin, "\r\n")] = '\0';
	}
	dencrypt_bytes_done(&file);
	return r;
}

static enum dencrypt_result make(const struct den_config *c, const struct options *o, const char *pin)
{
	struct dencrypt_ca *ca = NULL;
	enum dencrypt_result r;
	int saved;

	if (o->token)
		return dencrypt_ca_make_in_token(c->organisation, o->token, pin, c->ca_state, time(NULL));
	r = dencrypt_ca_make(c->organisation, DENCRYPT_EC_P384, time(NULL), &ca);
	if (r == DENCRYPT_OK)
		r = dencrypt_ca_save(ca, c->ca_state);
	saved = errno;
	dencrypt_ca_free(ca);
	errno = saved;
	return r;
}

static enum dencrypt_result replace(const struct den_config *c, const struct options *o, const char *pin)
{
	return dencrypt_ca_succeed(c->ca_state, c->organisation, o->token, pin, time(NULL));
}

/* Tells how it went; for DENCRYPT_IO, errno does. The exit status. */
static int change(const struct den_config *c, const struct options *o,
	enum dencrypt_result (*how)(const struct den_config *c, const struct options *o, const char *pin))
{
	char pin[PIN_SIZE];
	enum dencrypt_result r = read_pin(o, pin);
	const char *path = r == DENCRYPT_OK ? c->ca_state : o->pin_file;
	int saved;

	if (r == DENCRYPT_OK)
		r = become_owner(c->ca_state) == 0 ? how(c, o, pin) : DENCRYPT_IO;
	saved = errno;
	explicit_bzero(pin, sizeof(pin));
	if (r == DENCRYPT_OK) {
		printf("%s/ca.pem\n", c->ca_state);
		return 0;
	}
	fprintf(stderr, "denshi-ca: %s: %s\n", path, r == DENCRYPT_IO ? strerror(saved) : dencrypt_text(r));
	if (r == DENCRYPT_EXISTS && how == replace)
		fputs("denshi-ca: the CA before is still trusted; it is given up with the last certificate that it has signed\n",
			stderr);
	return 1;
}

static int init(const struct den_config *c, const struct options *o)
{
	return change(c, o, make);
}

static int succeed(const struct den_config *c, const struct options *o)
{
	return change(c, o, replace);
}

/* -- the command line ------------------------------------------------------------------------ */

static int parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"foreground", no_argument, NULL, 'f'}, {"config", required_argument, NULL, 'c'},
		{"org", required_argument, NULL, 'o'},	{"uri", required_argument, NULL, 'u'},
		{"state", required_argument, NULL, 's'}, {"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},	{"token", required_argument, NULL, 't'},
		{"pin-file", required_argument, NULL, 'p'}, {NULL, 0, NULL, 0},
	};
	int key;

	*o = (struct options){.config = DEN_CONFIG_PATH};
	while ((key = getopt_long(argc, argv, "fhV", longs, NULL)) != -1)
		switch (key) {
		case 'f':
			o->foreground = 1;
			break;
		case 'c':
			o->config = optarg;
			break;
		case 'o':
			o->org = optarg;
			break;
		case 'u':
			o->uri = optarg;
			break;
		case 's':
			o->state = optarg;
			break;
		case 't':
			o->token = optarg;
			break;
		case 'p':
			o->pin_file = optarg;
			break;
		case 'V':
			puts("denshi-ca " DENSHI_VERSION);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	if (optind < argc && strcmp(argv[optind], "init") == 0)
		o->once = init;
	else if (optind < argc && strcmp(argv[optind], "succeed") == 0)
		o->once = succeed;
	if (optind + !!o->once < argc || !o->token != !o->pin_file || (o->token && !o->once)) {
		fputs(usage, stderr);
		return 2;
	}
	return -1;
}

static int override(char *setting, size_t size, const char *name, const char *text)
{
	if (!text)
		return 0;
	if (!den_config_allows(name, text)) {
		fprintf(stderr, "denshi-ca: --%s: \"%s\" is not allowed; see denshi.conf(5), %s\n",
			strcmp(name, "organisation") == 0 ? "org" : strcmp(name, "uri") == 0 ? "uri" : "state", text,
			name);
		return -1;
	}
	snprintf(setting, size, "%s", text);
	return 0;
}

/* The file may be missing only where the command line says all there is to say. */
static int configure(const struct options *o, struct den_config *c)
{
	char error[DEN_CONFIG_ERROR_SIZE];
	int enough = o->org && o->state && (o->uri || o->once);

	if (den_config_read(c, o->config, error, sizeof(error)) != 0 &&
		!(enough && access(o->config, F_OK) != 0 && errno == ENOENT)) {
		fprintf(stderr, "denshi-ca: %s\n", error);
		log_warn("configuration %s", error);
		return -1;
	}
	if (override(c->organisation, sizeof(c->organisation), "organisation", o->org) != 0 ||
		override(c->uri, sizeof(c->uri), "uri", o->uri) != 0 ||
		override(c->ca_state, sizeof(c->ca_state), "ca_state", o->state) != 0)
		return -1;
	return 0;
}

/* -- the daemon --------------------------------------------------------------------------------- */

static void harden(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	/* The CA's key is in this process: no core dump, no tracing by others of our uid. */
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	umask(077);
	sigemptyset(&action.sa_mask);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void wait_ms(unsigned ms)
{
	const struct timespec step = {.tv_nsec = BACKOFF_STEP_MS * 1000000L};

	for (; !stop && ms > 0; ms -= ms < BACKOFF_STEP_MS ? ms : BACKOFF_STEP_MS)
		nanosleep(&step, NULL);
}

static int key_failed(const struct den_config *c, const char *what, enum dencrypt_result r)
{
	log_warn("failed what=%s folder=%s reason=\"%s\"", what, c->ca_state, r == DENCRYPT_IO ? strerror(errno) : dencrypt_text(r));
	return -1;
}

static int load(const struct den_config *c, struct dencrypt_ca **ca, struct dencrypt_ca **former)
{
	enum dencrypt_result r = dencrypt_ca_load(c->ca_state, ca);

	if (r != DENCRYPT_OK)
		return key_failed(c, "key", r);
	r = dencrypt_ca_load_former(c->ca_state, former);
	return r == DENCRYPT_OK || (r == DENCRYPT_IO && errno == ENOENT) ? 0 : key_failed(c, "former-key", r);
}

static void sign_all(struct signer *s)
{
	unsigned backoff_ms = DEN_BACKOFF_MS_FIRST;

	while (!stop && !s->key_failed) {
		if (signer_run(s) == 0)
			backoff_ms = DEN_BACKOFF_MS_FIRST;
		wait_ms(backoff_ms);
		backoff_ms = den_backoff_after(backoff_ms);
	}
}

/* A key that can't be used, as where its token was taken away, is looked for by the next start. */
static int serve(const struct den_config *c)
{
	struct dencrypt_ca *ca = NULL;
	struct signer s = {.config = c, .stop = &stop, .key_failed = 1};

	if (load(c, &ca, &s.former) == 0) {
		s.key_failed = 0;
		s.ca = ca;
		s.site = dendir_site_of_config(c);
		s.site.follow = dendir_follow_new();
		sign_all(&s);
	}
	dencrypt_ca_free(s.former);
	dencrypt_ca_free(ca);
	if (s.key_failed)
		wait_ms(KEY_PAUSE_MS);
	else
		log_info("ends");
	return s.key_failed;
}

int main(int argc, char **argv)
{
	static struct den_config config;
	struct options o;
	int result = parse(argc, argv, &o);

	if (result >= 0)
		return result;
	log_open(o.foreground);
	if (configure(&o, &config) != 0)
		return 1;
	if (o.once)
		return o.once(&config, &o);
	harden();
	return serve(&config);
}
