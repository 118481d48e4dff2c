/*
 * denshi-prove: shows that the user has the private key of their certificate. pam_denshi and
 * denshi approve run it with the user's own rights and speak with it over its standard input, a
 * socket: "is there one", then a challenge or a decision and the PIN, then the signature. The key is in ~/.denshi/certificate.p12, or on
 * the PKCS#11 token that ~/.denshi/token names (a line, RFC 7512).
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/protocol.h"
#include "core/request.h"
#include "core/secret.h"
#include "core/text.h"
#include "core/wire.h"
#include "crypto/pkcs12.h"
#include "crypto/proof.h"

/* As long as somebody looks for the PIN. */
#define QUESTION_MS 120000
#define ANSWER_MS 5000
#define URI_MAX 1024

struct store {
	struct dencrypt_bytes file; /* PKCS#12; empty where there is a token */
	char uri[URI_MAX];
};

static int say(struct den_message *m)
{
	int rc = m ? den_message_send(0, m, ANSWER_MS) : -1;

	den_message_free(m);
	return rc;
}

static int say_code(enum den_code code, const char *arg)
{
	struct den_message *m = den_message_new((uint16_t)code);

	if (m)
		den_message_add_string(m, DEN_TAG_ARG, arg);
	return say(m);
}

static enum dencrypt_result read_home(const char *name, enum dencrypt_file_kind kind, size_t limit,
	struct dencrypt_bytes *out)
{
	const struct passwd *me = getpwuid(getuid());
	char path[512];
	int n = me ? snprintf(path, sizeof(path), "%s/.denshi/%s", me->pw_dir, name) : -1;

	if (n < 0 || (size_t)n >= sizeof(path)) {
		errno = ENOENT;
		return DENCRYPT_IO;
	}
	return dencrypt_read_file(path, kind, limit, out);
}

/* The token where one is named, else the file. */
static enum dencrypt_result find_store(struct store *s)
{
	struct dencrypt_bytes line = DENCRYPT_BYTES_EMPTY;
	enum dencrypt_result result = read_home("token", DENCRYPT_FILE_PUBLIC, URI_MAX - 1, &line);

	if (result == DENCRYPT_OK) {
		memcpy(s->uri, line.data, line.size);
		s->uri[strcspn(s->uri, "\r\n")] = '\0';
		dencrypt_bytes_done(&line);
		return strncmp(s->uri, "pkcs11:", 7) == 0 ? DENCRYPT_OK : DENCRYPT_BAD_ARGUMENT;
	}
	if (result == DENCRYPT_IO && errno == ENOENT)
		result = read_home("certificate.p12", DENCRYPT_FILE_SECRET, DENCRYPT_PKCS12_MAX, &s->file);
	return result;
}

/* A login's challenge. */
static enum dencrypt_result sign_login(const struct dencrypt_key *key, const struct den_message *question,
	struct dencrypt_bytes *signature)
{
	size_t len = 0;
	const void *challenge = den_message_bytes(question, DEN_TAG_CHALLENGE, &len);

	if (!challenge || len != DENCRYPT_CHALLENGE_SIZE)
		return DENCRYPT_BAD_ARGUMENT;
	return dencrypt_proof_sign(key, den_message_string_or_empty(question, DEN_TAG_LOGIN),
		den_message_string_or_empty(question, DEN_TAG_SERVICE), challenge, signature);
}

/* The text of a decision, and no other text. */
static enum dencrypt_result sign_decision(const struct dencrypt_key *key, const struct den_message *question,
	struct dencrypt_bytes *signature)
{
	const char *text = den_message_string_or_empty(question, DEN_TAG_TEXT), *begins = DEN_DECISION_TEXT_BEGINS;

	if (strncmp(text, begins, strlen(begins)) != 0)
		return DENCRYPT_BAD_ARGUMENT;
	return dencrypt_text_sign(key, text, strlen(text), signature);
}

static int sign(const struct store *s, const struct den_message *question)
{
	struct dencrypt_certificate *certificate = NULL;
	struct dencrypt_bytes der = DENCRYPT_BYTES_EMPTY, signature = DENCRYPT_BYTES_EMPTY;
	struct dencrypt_key *key = NULL;
	struct den_message *m = den_message_new(DEN_OK);
	const char *pin = den_message_string_or_empty(question, DEN_TAG_PASSWORD);
	enum dencrypt_result result = !m ? DENCRYPT_NO_MEMORY :
		*s->uri ? dencrypt_token_open(s->uri, pin, &key, &certificate) :
		dencrypt_pkcs12_read(s->file.data, s->file.size, pin, &key, &certificate);

	if (result == DENCRYPT_OK)
		result = den_message_kind(question) == DEN_OP_REQUEST_DECIDE ? sign_decision(key, question, &signature) :
									       sign_login(key, question, &signature);
	if (result == DENCRYPT_OK)
		result = dencrypt_certificate_der(certificate, &der);
	if (result == DENCRYPT_OK) {
		den_message_add(m, DEN_TAG_BYTES, der.data, der.size);
		den_message_add(m, DEN_TAG_SIGNATURE, signature.data, signature.size);
	}
	dencrypt_bytes_done(&der);
	dencrypt_bytes_done(&signature);
	dencrypt_key_free(key);
	dencrypt_certificate_free(certificate);
	if (result == DENCRYPT_OK)
		return say(m);
	den_message_free(m);
	return say_code(result == DENCRYPT_WRONG_PIN ? DEN_CERT_PIN_WRONG :
		result == DENCRYPT_KEY_MISMATCH ? DEN_CERT_KEY_MISMATCH : DEN_CERT_BAD, dencrypt_text(result));
}

static int is_socket(int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

int main(void)
{
	static const struct rlimit none = {0, 0};
	struct store store = {.file = DENCRYPT_BYTES_EMPTY};
	struct den_message *question;
	enum dencrypt_result result;
	int rc;

	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none);
	if (!is_socket(0)) {
		fputs("denshi-prove is run by pam_denshi and denshi approve\n", stderr);
		return 2;
	}
	result = find_store(&store);
	if (result == DENCRYPT_IO && errno == ENOENT)
		return say_code(DEN_CERT_NONE_SHOWN, NULL) != 0;
	if (result != DENCRYPT_OK)
		return say_code(DEN_CERT_BAD, dencrypt_text(result)) != 0;
	if (say_code(DEN_OK, NULL) != 0 || !(question = den_message_receive(0, QUESTION_MS)))
		return 1;
	rc = sign(&store, question);
	den_message_free(question);
	dencrypt_bytes_done(&store.file);
	return rc != 0;
}
