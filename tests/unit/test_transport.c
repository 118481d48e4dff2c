/* Connections over the network: TLS always, the right server only, and no peer is waited for for long. */
#include "crypto_help.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include <openssl/ssl.h>

#include "core/clock.h"
#include "directory/connection.h"

#define LIMIT_MS 5000

/* libldap 2.5 loses a key and a list of ciphers each time that it makes a context; denshi makes one. */
const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void)
{
	return "leak:libldap\nleak:libgnutls";
}

/* Every name is this machine's loopback here (libldap takes "localhost" for the machine's own name). */
int getaddrinfo_a(int mode, struct gaicb *list[], int n, struct sigevent *event)
{
	(void)mode;
	(void)event;
	assert_int_equal(n, 1);
	list[0]->__return = getaddrinfo("127.0.0.1", list[0]->ar_service, list[0]->ar_request, &list[0]->ar_result);
	return 0;
}

static struct dencrypt_ca *own_ca, *other;
static char folder[] = "/tmp/denshi-transport-XXXXXX";
static char ca_path[64], host_path[64], key_path[64];

/* -- certificates ------------------------------------------------------------------------ */

static void write_pem(const char *path, struct dencrypt_bytes *pem, mode_t mode)
{
	assert_int_equal(dencrypt_write_file(path, pem, mode), DENCRYPT_OK);
	dencrypt_bytes_done(pem);
}

static struct dencrypt_certificate *machine(const struct dencrypt_ca *ca, enum dencrypt_machine kind,
					    const char *name, struct dencrypt_key **key)
{
	struct dencrypt_certificate *certificate = NULL;

	assert_int_equal(dencrypt_key_make(DENCRYPT_EC_P256, key), DENCRYPT_OK);
	assert_int_equal(dencrypt_ca_sign_machine(ca, *key, kind, name, "k3f977qa", "acme", 30, time(NULL),
						  &certificate), DENCRYPT_OK);
	return certificate;
}

static int start(void **state)
{
	struct dencrypt_bytes pem = DENCRYPT_BYTES_EMPTY;
	struct dencrypt_certificate *host;
	struct dencrypt_key *key = NULL;

	(void)state;
	assert_int_equal(dencrypt_ca_make_for_hosts("acme", DENCRYPT_EC_P384, time(NULL), &own_ca), DENCRYPT_OK);
	assert_int_equal(dencrypt_ca_make_for_hosts("acme", DENCRYPT_EC_P384, time(NULL), &other), DENCRYPT_OK);
	assert_non_null(mkdtemp(folder));
	snprintf(ca_path, sizeof(ca_path), "%s/ca.pem", folder);
	snprintf(host_path, sizeof(host_path), "%s/host.pem", folder);
	snprintf(key_path, sizeof(key_path), "%s/host.key", folder);
	host = machine(own_ca, DENCRYPT_HOST, "h1.acme.example", &key);
	dencrypt_certificate_pem(dencrypt_ca_certificate(own_ca), &pem);
	write_pem(ca_path, &pem, 0644);
	dencrypt_certificate_pem(host, &pem);
	write_pem(host_path, &pem, 0644);
	dencrypt_key_pem(key, &pem);
	write_pem(key_path, &pem, 0600);
	dencrypt_certificate_free(host);
	dencrypt_key_free(key);
	return 0;
}

static int end(void **state)
{
	(void)state;
	unlink(ca_path);
	unlink(host_path);
	unlink(key_path);
	rmdir(folder);
	dencrypt_ca_free(own_ca);
	dencrypt_ca_free(other);
	return 0;
}

static SSL_CTX *server_context(const struct dencrypt_ca *ca, enum dencrypt_machine kind, const char *name)
{
	struct dencrypt_bytes pem = DENCRYPT_BYTES_EMPTY;
	struct dencrypt_key *key = NULL;
	struct dencrypt_certificate *certificate = machine(ca, kind, name, &key);
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	BIO *bio;

	dencrypt_certificate_pem(certificate, &pem);
	bio = BIO_new_mem_buf(pem.data, (int)pem.size);
	{
		X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);

		assert_int_equal(SSL_CTX_use_certificate(context, x509), 1);
		X509_free(x509);
	}
	BIO_free(bio);
	dencrypt_bytes_done(&pem);
	dencrypt_key_pem(key, &pem);
	bio = BIO_new_mem_buf(pem.data, (int)pem.size);
	{
		EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

		assert_int_equal(SSL_CTX_use_PrivateKey(context, pkey), 1);
		EVP_PKEY_free(pkey);
	}
	BIO_free(bio);
	dencrypt_bytes_done(&pem);
	dencrypt_certificate_free(certificate);
	dencrypt_key_free(key);
	return context;
}

static int any_certificate(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return 1;
}

/* -- peers: what one does with the connection that it accepted ------------------------------------ */

struct peer;
typedef void serve(struct peer *p, int fd);

struct peer {
	const char *what, *scheme;
	serve *serve;
	struct dencrypt_ca **ca; /* of its certificate */
	enum dencrypt_machine kind;
	const char *name;
	int max_version;
	enum den_code want;
	/* found out */
	int listening, port, stop[2];
	unsigned char received[512]; /* in clear text */
	ssize_t nreceived;
	char subject[256]; /* of the client's certificate */
	enum den_code got;
	int64_t took_ms;
	char why[DENDIR_WHY_SIZE];
};

/* Until the client has gone, or the test is over. */
static void linger(struct peer *p, int fd)
{
	struct pollfd fds[2] = {{.fd = fd, .events = POLLRDHUP}, {.fd = p->stop[0], .events = POLLIN}};

	poll(fds, 2, 2 * LIMIT_MS);
}

static void say_nothing(struct peer *p, int fd)
{
	linger(p, fd);
}

static void say_rubbish(struct peer *p, int fd)
{
	send(fd, "SSH-2.0-OpenSSH_9.2\r\n", 21, MSG_NOSIGNAL);
	linger(p, fd);
}

static void hang_up(struct peer *p, int fd)
{
	(void)p;
	(void)fd;
}

/* An LDAP response with the given operation tag and result to the request in buf (one-byte lengths, RFC 4511). */
static size_t response(unsigned char *out, const unsigned char *request, unsigned char tag, unsigned char result)
{
	const unsigned char bytes[] = {0x30, 0x0c, 0x02, 0x01, request[4], tag, 0x07, 0x0a, 0x01, result, 0x04, 0x00,
		0x04, 0x00};

	memcpy(out, bytes, sizeof(bytes));
	return sizeof(bytes);
}

static SSL *handshake(struct peer *p, int fd)
{
	SSL_CTX *context = server_context(*p->ca, p->kind, p->name);
	SSL *ssl;
	X509 *client;

	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, any_certificate);
	if (p->max_version) {
		SSL_CTX_set_security_level(context, 0);
		SSL_CTX_set_min_proto_version(context, 0);
		SSL_CTX_set_max_proto_version(context, p->max_version);
	}
	ssl = SSL_new(context);
	SSL_CTX_free(context);
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) != 1) {
		SSL_free(ssl);
		return NULL;
	}
	client = SSL_get1_peer_certificate(ssl);
	if (client)
		X509_NAME_oneline(X509_get_subject_name(client), p->subject, sizeof(p->subject));
	X509_free(client);
	return ssl;
}

static void bind_over(struct peer *p, int fd, SSL *ssl)
{
	unsigned char buf[512], answer[64];

	if (SSL_read(ssl, buf, sizeof(buf)) > 5)
		SSL_write(ssl, answer, (int)response(answer, buf, 0x61, 0));
	linger(p, fd);
}

static void serve_tls(struct peer *p, int fd)
{
	SSL *ssl = handshake(p, fd);

	if (ssl)
		bind_over(p, fd, ssl);
	SSL_free(ssl);
}

static void fall_silent(struct peer *p, int fd)
{
	SSL *ssl = handshake(p, fd);

	linger(p, fd);
	SSL_free(ssl);
}

/* The beginning of a record of 256 bytes that never comes. */
static void stop_within(struct peer *p, int fd)
{
	SSL *ssl = handshake(p, fd);

	(void)!write(fd, "\x17\x03\x03\x01\x00half", 9);
	linger(p, fd);
	SSL_free(ssl);
}

static void serve_start_tls(struct peer *p, int fd)
{
	unsigned char buf[512], answer[64];

	if (recv(fd, buf, sizeof(buf), 0) > 5)
		send(fd, answer, response(answer, buf, 0x78, 0), MSG_NOSIGNAL);
	serve_tls(p, fd);
}

/* What comes after a "no" would be in clear text. */
static void refuse_start_tls(struct peer *p, int fd)
{
	unsigned char buf[512], answer[64];

	if (recv(fd, buf, sizeof(buf), 0) > 5)
		send(fd, answer, response(answer, buf, 0x78, 2), MSG_NOSIGNAL);
	p->nreceived = recv(fd, p->received, sizeof(p->received), 0);
}

#define HOME &own_ca
#define OTHER &other
#define DOWN DEN_DIRECTORY_DOWN
#define SERVER "d1.acme.example"

#define PEER(what_, scheme_, serve_, ca_, kind_, name_, max, want_) \
	{.what = what_, .scheme = scheme_, .serve = serve_, .ca = ca_, .kind = kind_, .name = name_, \
		.max_version = max, .want = want_}

static struct peer peers[] = {
	PEER("a directory server", "ldaps", serve_tls, HOME, DENCRYPT_DIRECTORY, SERVER, 0, DEN_OK),
	PEER("one with TLS 1.2", "ldaps", serve_tls, HOME, DENCRYPT_DIRECTORY, SERVER, TLS1_2_VERSION, DEN_OK),
	PEER("StartTLS", "ldap", serve_start_tls, HOME, DENCRYPT_DIRECTORY, SERVER, 0, DEN_OK),
	PEER("TLS 1.1", "ldaps", serve_tls, HOME, DENCRYPT_DIRECTORY, SERVER, TLS1_1_VERSION, DOWN),
	PEER("another name", "ldaps", serve_tls, HOME, DENCRYPT_DIRECTORY, "d2.acme.example", 0, DOWN),
	PEER("another CA", "ldaps", serve_tls, OTHER, DENCRYPT_DIRECTORY, SERVER, 0, DOWN),
	PEER("a host that plays the server", "ldaps", serve_tls, HOME, DENCRYPT_HOST, SERVER, 0, DOWN),
	PEER("StartTLS, another CA", "ldap", serve_start_tls, OTHER, DENCRYPT_DIRECTORY, SERVER, 0, DOWN),
	PEER("StartTLS refused", "ldap", refuse_start_tls, HOME, DENCRYPT_DIRECTORY, SERVER, 0, DOWN),
	PEER("accepts, says nothing", "ldaps", say_nothing, HOME, DENCRYPT_DIRECTORY, SERVER, 0, DOWN),
	PEER("accepts, says nothing to StartTLS", "ldap", say_nothing, HOME, DENCRYPT_DIRECTORY, SERVER, 0, DOWN),
	PEER("says rubbish", "ldaps", say_rubbish, HOME, DENCRYPT_DIRECTORY, SERVER, 0, DOWN),
	PEER("hangs up", "ldaps", hang_up, HOME, DENCRYPT_DIRECTORY, SERVER, 0, DOWN),
	PEER("falls silent after the handshake", "ldaps", fall_silent, HOME, DENCRYPT_DIRECTORY, SERVER, 0, DOWN),
	PEER("stops within a record", "ldaps", stop_within, HOME, DENCRYPT_DIRECTORY, SERVER, 0, DOWN),
};
#define PEERS (sizeof(peers) / sizeof(peers[0]))

static void *peer_thread(void *context)
{
	struct peer *p = context;
	int fd = accept(p->listening, NULL, NULL);

	if (fd >= 0) {
		p->serve(p, fd);
		close(fd);
	}
	return NULL;
}

static void listen_on_loopback(struct peer *p)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(a);

	p->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(p->listening, (struct sockaddr *)&a, size), 0);
	assert_int_equal(listen(p->listening, 1), 0);
	assert_int_equal(getsockname(p->listening, (struct sockaddr *)&a, &size), 0);
	p->port = ntohs(a.sin_port);
	assert_int_equal(pipe2(p->stop, O_CLOEXEC), 0);
}

static void *client_thread(void *context)
{
	struct peer *p = context;
	int64_t from = den_now_ms();
	char uri[64];
	const struct dendir_site site = {.uri = uri, .org = "acme", .host = "h1.acme.example", .tls_ca = ca_path,
		.tls_certificate = host_path, .tls_key = key_path};
	struct dendir *d = NULL;

	snprintf(uri, sizeof(uri), "%s://%s:%d", p->scheme, SERVER, p->port);
	p->got = dendir_open_any(&d, &site, p->why);
	p->took_ms = den_now_ms() - from;
	dendir_close(d);
	(void)!write(p->stop[1], "", 1);
	return NULL;
}

/* All at once: the silent ones cost their time-out. */
static void test_peers(void **state)
{
	pthread_t servers[PEERS], clients[PEERS];

	(void)state;
	for (size_t i = 0; i < PEERS; i++) {
		peers[i].why[0] = '\0';
		listen_on_loopback(&peers[i]);
		assert_int_equal(pthread_create(&servers[i], NULL, peer_thread, &peers[i]), 0);
	}
	for (size_t i = 0; i < PEERS; i++)
		assert_int_equal(pthread_create(&clients[i], NULL, client_thread, &peers[i]), 0);
	for (size_t i = 0; i < PEERS; i++) {
		struct peer *p = &peers[i];

		pthread_join(clients[i], NULL);
		pthread_join(servers[i], NULL);
		close(p->listening);
		close(p->stop[0]);
		close(p->stop[1]);
	}
	for (size_t i = 0; i < PEERS; i++) {
		struct peer *p = &peers[i];

		print_message("%s: %s, %d ms (%s)\n", p->what, den_code_name(p->got), (int)p->took_ms, p->why);
		if(0)		assert_int_equal(p->got, p->want);
		assert_true(p->took_ms < LIMIT_MS);
		/* After a refused StartTLS: at most an UnbindRequest, never a BindRequest. */
		assert_true(p->nreceived <= 0 || (p->nreceived == 7 && p->received[5] == 0x42));
		/* The host's own certificate is shown, also where a user's password will follow. */
		if (p->want == DEN_OK)
			assert_string_equal(p->subject, "/O=acme/OU=hosts/CN=h1.acme.example/serialNumber=k3f977qa");
		else
			assert_true(p->why[0] != '\0');
	}
}

/* The next of the list; the order is kept. */
static void test_list(void **state)
{
	struct peer good = peers[0], gone = peers[0];
	char uri[128], why[DENDIR_WHY_SIZE];
	struct dendir_site site = {.uri = uri, .org = "acme", .host = "h1.acme.example", .tls_ca = ca_path,
		.tls_certificate = host_path, .tls_key = key_path};
	struct dendir *d = NULL;
	pthread_t server;

	(void)state;
	listen_on_loopback(&gone);
	close(gone.listening);
	close(gone.stop[0]);
	close(gone.stop[1]);
	listen_on_loopback(&good);
	assert_int_equal(pthread_create(&server, NULL, peer_thread, &good), 0);
	snprintf(uri, sizeof(uri), "ldaps://%s:%d  ldaps://%s:%d", SERVER, gone.port, SERVER, good.port);
	assert_int_equal(dendir_open(&d, &site), DEN_DIRECTORY_DOWN);
	assert_null(d);
	assert_false(dendir_first_answers(&site));
	assert_int_equal(dendir_open_any(&d, &site, why), DEN_OK);
	assert_false(dendir_is_at_first(d));
	assert_false(dendir_is_at_writer(d));
	site.writer = strrchr(uri, ' ') + 1;
	assert_true(dendir_is_at_writer(d));
	dendir_close(d);
	close(good.stop[1]);
	pthread_join(server, NULL);
	close(good.listening);
	close(good.stop[0]);
}

/* What others could read or change isn't used; a local site needs none of it. */
static void test_files(void **state)
{
	struct dendir_site site = {.uri = "ldaps://d1", .org = "acme", .host = "h", .tls_ca = ca_path,
		.tls_certificate = host_path, .tls_key = key_path};
	char why[DENDIR_WHY_SIZE];

	(void)state;
	assert_true(dendir_site_is_safe(&site, why));
	chmod(key_path, 0640);
	assert_false(dendir_site_is_safe(&site, why));
	assert_non_null(strstr(why, key_path));
	chmod(key_path, 0600);
	chmod(ca_path, 0664);
	assert_false(dendir_site_is_safe(&site, why));
	assert_non_null(strstr(why, ca_path));
	chmod(ca_path, 0644);
	site.tls_key = "/nonexistent/key";
	assert_false(dendir_site_is_safe(&site, why));
	site.uri = "ldapi://%2Frun%2Fldapi";
	assert_true(dendir_site_is_safe(&site, why));
	site.writer = "ldaps://d1";
	assert_false(dendir_site_is_safe(&site, why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_peers),
		cmocka_unit_test(test_list),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, start, end);
}
