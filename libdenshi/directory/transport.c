#include "directory/transport.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openldap.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "directory/resolve.h"
#include "directory/tls.h"

/* A peer that went away without a word is noticed in about half a minute. */
#define KEEPALIVE_IDLE_S 15
#define KEEPALIVE_INTERVAL_S 5
#define KEEPALIVE_PROBES 3
#define UNACKNOWLEDGED_MS 30000

/* A variable of the environment for as long as libldap begins. */
struct setting {
	const char *name, *value;
	char *before;
};

static void put(struct setting *s)
{
	const char *before = getenv(s->name);

	s->before = before ? strdup(before) : NULL;
	setenv(s->name, s->value, 1);
}

static void put_back(struct setting *s)
{
	if (s->before)
		setenv(s->name, s->before, 1);
	else
		unsetenv(s->name);
	free(s->before);
}

/* Before there are threads, which libldap's own beginning doesn't expect. Neither ldap.conf
 * nor LDAPTLS_* of whoever started us may say how TLS is done. */
__attribute__((constructor)) static void begin(void)
{
	struct setting settings[] = {
		/* It asks for this machine's whole name; nobody here needs it. */
		{"RES_OPTIONS", "timeout:1 attempts:1", NULL},
		/* libsasl loads what it finds here: every mechanism of the machine, with Kerberos and a
		 * database, beside the passwords. EXTERNAL, the one that is used, is its own. */
		{"SASL_PATH", "/dev/null", NULL},
	};
	const size_t n = sizeof(settings) / sizeof(settings[0]);
	int level;

	setenv("LDAPNOINIT", "1", 1);
	for (size_t i = 0; i < n; i++)
		put(&settings[i]);
	ldap_get_option(NULL, LDAP_OPT_DEBUG_LEVEL, &level);
	for (size_t i = 0; i < n; i++)
		put_back(&settings[i]);
}

static void *because(char why[DENDIR_WHY_SIZE], const char *uri, const char *reason)
{
	snprintf(why, DENDIR_WHY_SIZE, "%.110s: %.140s", uri, reason);
	return NULL;
}

static int64_t left_ms(int64_t until_ms)
{
	int64_t left = until_ms - den_now_ms();

	return left < 1 ? 1 : left;
}

/* -- TCP ---------------------------------------------------------------------------------- */

static void set_int(int fd, int level, int option, int value)
{
	(void)setsockopt(fd, level, option, &value, sizeof(value));
}

static void watch_over(int fd)
{
	set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
	set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
	set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
	set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS);
}

/* 0, or -1 with errno. */
static int await_connected(int fd, int64_t timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	socklen_t size = sizeof(errno);
	int ready = poll(&p, 1, (int)timeout_ms), error = ETIMEDOUT;

	if (ready < 0)
		return -1;
	if (ready > 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
		return -1;
	errno = error;
	return error ? -1 : 0;
}

/* A connected, blocking socket, or -1 with errno. */
static int connect_to(const struct dendir_address *a, int64_t timeout_ms)
{
	int fd = socket(a->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), saved;

	if (fd < 0)
		return -1;
	if ((connect(fd, (const struct sockaddr *)&a->address, a->size) == 0 ||
		    (errno == EINPROGRESS && await_connected(fd, timeout_ms) == 0)) &&
		fcntl(fd, F_SETFL, 0) == 0) {
		watch_over(fd);
		return fd;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* The first address of the name that takes us; each gets its share of the time. -1: why. */
static int connect_by_name(const LDAPURLDesc *url, const char *uri, int64_t until_ms, char why[DENDIR_WHY_SIZE])
{
	struct dendir_address addresses[DENDIR_ADDRESSES_MAX];
	const char *reason;
	size_t n = dendir_resolve(url->lud_host, url->lud_port, until_ms, addresses, &reason);
	int fd = -1;

	for (size_t i = 0; i < n && fd < 0; i++)
		fd = connect_to(&addresses[i], left_ms(until_ms) / (int64_t)(n - i));
	if (fd < 0)
		because(why, uri, n > 0 ? strerror(errno) : reason);
	return fd;
}

/* -- options of libldap ----------------------------------------------------------------------- */

static void set_network_timeout(LDAP *ld, int64_t until_ms)
{
	int64_t ms = left_ms(until_ms);
	const struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &limit);
}

static void set_options(LDAP *ld, int64_t until_ms)
{
	static const int version = LDAP_VERSION3;

	ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	set_network_timeout(ld, until_ms);
	/* A referral would send a password elsewhere. */
	ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
	ldap_set_option(ld, LDAP_OPT_RESTART, LDAP_OPT_ON);
}

/* -- TLS ---------------------------------------------------------------------------------------------- */

static int start_tls(LDAP *ld, int64_t until_ms)
{
	int64_t ms = left_ms(until_ms);
	struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	LDAPMessage *answer = NULL;
	int msgid, rc = ldap_start_tls(ld, NULL, NULL, &msgid), result = LDAP_OPERATIONS_ERROR;

	if (rc != LDAP_SUCCESS)
		return rc;
	rc = ldap_result(ld, msgid, LDAP_MSG_ALL, &limit, &answer);
	if (rc <= 0)
		return rc == 0 ? LDAP_TIMEOUT : LDAP_SERVER_DOWN;
	rc = ldap_parse_result(ld, answer, &result, NULL, NULL, NULL, NULL, 1);
	return rc == LDAP_SUCCESS ? result : rc;
}

static int secure(LDAP *ld, const struct dendir_site *site, const LDAPURLDesc *url, const char *uri,
	int64_t until_ms, char why[DENDIR_WHY_SIZE])
{
	char *text = NULL;
	int rc = LDAP_SUCCESS;

	if (dendir_tls_prepare(ld, site, why) != 0)
		return -1;
	if (strcmp(url->lud_scheme, "ldap") == 0)
		rc = start_tls(ld, until_ms);
	set_network_timeout(ld, until_ms);
	if (rc == LDAP_SUCCESS)
		rc = ldap_install_tls(ld);
	if (rc == LDAP_SUCCESS && dendir_tls_is_new_enough(ld))
		return 0;
	ldap_get_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
	if (rc == LDAP_SUCCESS)
		because(why, uri, "TLS before 1.2");
	else if (rc == LDAP_CONNECT_ERROR && (!text || strstr(text, "unknown error")))
		because(why, uri, "the server's certificate isn't of our CA, or not for this name");
	else
		because(why, uri, text && *text ? text : ldap_err2string(rc));
	ldap_memfree(text);
	return -1;
}

/* A handle over the connected stream; its close is the handle's from now on. */
static LDAP *handle_over(struct dendir_stream *stream, const char *uri)
{
	Sockbuf *sb = NULL;
	LDAP *ld = NULL;

	if (ldap_init_fd(stream->fd, LDAP_PROTO_EXT, uri, &ld) == LDAP_SUCCESS &&
		ldap_get_option(ld, LDAP_OPT_SOCKBUF, &sb) == LDAP_OPT_SUCCESS &&
		dendir_stream_attach(stream, sb) == 0)
		return ld;
	if (ld)
		ldap_unbind_ext(ld, NULL, NULL);
	close(stream->fd);
	return NULL;
}

static LDAP *open_network(const struct dendir_site *site, const LDAPURLDesc *url, const char *uri,
	struct dendir_stream *stream, char why[DENDIR_WHY_SIZE])
{
	int64_t until_ms = stream->until_ms;
	LDAP *ld;

	stream->fd = connect_by_name(url, uri, until_ms, why);
	if (stream->fd < 0)
		return NULL;
	ld = handle_over(stream, uri);
	if (!ld)
		return because(why, uri, "no memory");
	set_options(ld, until_ms);
	if (secure(ld, site, url, uri, until_ms, why) == 0)
		return ld;
	ldap_unbind_ext(ld, NULL, NULL);
	return NULL;
}

static LDAP *open_local(const char *uri, int64_t until_ms, char why[DENDIR_WHY_SIZE])
{
	LDAP *ld = NULL;

	if (ldap_initialize(&ld, uri) != LDAP_SUCCESS)
		return because(why, uri, "no URI that libldap takes");
	set_options(ld, until_ms);
	return ld;
}

LDAP *dendir_transport(const struct dendir_site *site, const char *uri, struct dendir_stream *stream,
	char why[DENDIR_WHY_SIZE])
{
	LDAPURLDesc *url = NULL;
	LDAP *ld = NULL;

	if (strncmp(uri, "ldapi://", 8) == 0)
		return open_local(uri, stream->until_ms, why);
	if (ldap_url_parse(uri, &url) != LDAP_URL_SUCCESS)
		return because(why, uri, "no URI");
	/* Any other scheme would be one without TLS. */
	if (url->lud_host && (strcmp(url->lud_scheme, "ldaps") == 0 || strcmp(url->lud_scheme, "ldap") == 0))
		ld = open_network(site, url, uri, stream, why);
	else
		because(why, uri, "ldapi, ldaps or ldap (StartTLS)");
	ldap_free_urldesc(url);
	return ld;
}
