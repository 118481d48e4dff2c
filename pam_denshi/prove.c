#include "pam_denshi/prove.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <security/pam_ext.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/secret.h"
#include "pam_denshi/conv.h"
#include "pam_denshi/result.h"

#ifndef DENPAM_PROVER
#define DENPAM_PROVER DENSHI_LIBEXECDIR "/denshi-prove"
#endif
/* To look for the file or the token; to sign, on a slow card. */
#define HELLO_MS 5000
#define SIGN_MS 15000
#define END_NAPS 100
#define END_NAP_MS 10
#define GROUPS_MAX 256

struct prover {
	pid_t pid;
	int fd;
};

struct person {
	uid_t uid;
	gid_t gid, groups[GROUPS_MAX];
	int ngroups;
};

int denpam_can_prove(struct denpam_call *call)
{
	const void *rhost = NULL;

	return geteuid() == 0 && (pam_get_item(call->pamh, PAM_RHOST, &rhost) != PAM_SUCCESS || !rhost ||
		!*(const char *)rhost);
}

/* Never root, whatever NSS says. */
static int find_person(const char *login, struct person *p)
{
	struct passwd entry, *found = NULL;
	char buffer[4096];

	if (getpwnam_r(login, &entry, buffer, sizeof(buffer), &found) != 0 || !found || !found->pw_uid)
		return -1;
	p->uid = found->pw_uid;
	p->gid = found->pw_gid;
	p->ngroups = GROUPS_MAX;
	return getgrouplist(login, found->pw_gid, p->groups, &p->ngroups) < 0 ? -1 : 0;
}

/* In the child, where only async-signal-safe calls are allowed: the program may have threads. */
static void become(const struct person *p, int fd)
{
	static char *const arguments[] = {(char *)"denshi-prove", NULL};
	static char *const environment[] = {(char *)"PATH=/usr/bin:/bin", NULL};
	sigset_t none;
	int null = open("/dev/null", O_RDWR);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (null < 0 || setgroups((size_t)p->ngroups, p->groups) != 0 || setresgid(p->gid, p->gid, p->gid) != 0 ||
		setresuid(p->uid, p->uid, p->uid) != 0 || setuid(0) == 0)
		_exit(127);
	if (dup2(fd, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 || close_range(3, ~0U, 0) != 0 || chdir("/") != 0)
		_exit(127);
	execve(DENPAM_PROVER, arguments, environment);
	_exit(127);
}

static int start(const struct person *p, struct prover *prover)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
		return -1;
	prover->pid = fork();
	if (prover->pid == 0)
		become(p, ends[1]);
	close(ends[1]);
	prover->fd = ends[0];
	if (prover->pid > 0)
		return 0;
	close(ends[0]);
	return -1;
}

/* It ends when its socket does; for what hangs there is a signal. The program's own handler may
 * have waited for it already. */
static void end(struct prover *prover)
{
	static const struct timespec nap = {.tv_nsec = END_NAP_MS * 1000000};
	pid_t waited = 0;

	close(prover->fd);
	for (int n = 0; n < END_NAPS && (waited = waitpid(prover->pid, NULL, WNOHANG)) == 0; n++)
		nanosleep(&nap, NULL);
	if (waited != 0)
		return;
	kill(prover->pid, SIGKILL);
	while (waitpid(prover->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* The challenge as denshid gave it, and the PIN; the answer has certificate and signature. */
static struct den_message *sign(struct denpam_call *call, struct prover *prover, const struct den_message *asked,
	const struct den_secret *pin)
{
	struct den_message *m = denpam_request(call, DEN_OP_PROVE), *signed_one = NULL;
	size_t len = 0;
	const void *challenge = den_message_bytes(asked, DEN_TAG_CHALLENGE, &len);

	if (!m)
		return NULL;
	den_message_add(m, DEN_TAG_CHALLENGE, challenge, len);
	den_message_add(m, DEN_TAG_PASSWORD, den_secret_bytes(pin), den_secret_len(pin));
	if (challenge && den_message_send(prover->fd, m, HELLO_MS) == 0)
		signed_one = den_message_receive(prover->fd, SIGN_MS);
	den_message_free(m);
	return signed_one;
}

static void copy_field(struct den_message *to, const struct den_message *from, uint16_t tag)
{
	size_t len = 0;
	const void *bytes = den_message_bytes(from, tag, &len);

	if (bytes)
		den_message_add(to, tag, bytes, len);
}

/* Denshid decides; the challenge goes along with the account phase from now on. */
static int submit(struct denpam_call *call, const struct den_message *asked, const struct den_message *signed_one)
{
	struct den_message *request = denpam_request(call, DEN_OP_PROVE), *reply;
	struct denpam_memory *memory = denpam_memory(call);
	size_t len = 0;
	const void *challenge = den_message_bytes(asked, DEN_TAG_CHALLENGE, &len);
	int result;

	if (request) {
		copy_field(request, asked, DEN_TAG_CHALLENGE);
		copy_field(request, signed_one, DEN_TAG_BYTES);
		copy_field(request, signed_one, DEN_TAG_SIGNATURE);
	}
	reply = denpam_ask_denshid(call, request);
	if (!memory || !challenge || len != sizeof(memory->proof)) {
		result = denpam_refuse_code(call, DEN_INTERNAL, "proof");
	} else if (reply && den_message_kind(reply) == DEN_OK) {
		memory->has_proof = 1;
		memcpy(memory->proof, challenge, len);
		result = PAM_SUCCESS;
	} else {
		result = denpam_refuse(call, reply);
	}
	den_message_free(reply);
	return result;
}

/* What the helper says: a certificate's refusal, or nothing that makes sense. */
static int refuse(struct denpam_call *call, const struct den_message *said)
{
	unsigned kind = said ? den_message_kind(said) : DEN_CERT_BAD;

	switch (kind) {
	case DEN_CERT_NONE_SHOWN:
		return denpam_refuse_code(call, DEN_CERT_NONE_SHOWN, call->login);
	case DEN_CERT_PIN_WRONG:
	case DEN_CERT_KEY_MISMATCH:
		return denpam_refuse_code(call, kind, NULL);
	default:
		return denpam_refuse_code(call, DEN_CERT_BAD,
			said ? den_message_string_or_empty(said, DEN_TAG_ARG) : "denshi-prove does not answer");
	}
}

static int converse(struct denpam_call *call, struct prover *prover, const struct den_message *asked)
{
	struct den_message *hello = den_message_receive(prover->fd, HELLO_MS), *signed_one = NULL;
	struct den_secret *pin = den_secret_new();
	int result = PAM_BUF_ERR;

	if (!hello || den_message_kind(hello) != DEN_OK)
		result = refuse(call, hello);
	else if (pin)
		result = denpam_ask_secret(call, DEN_ASK_CERT_PIN, pin);
	if (result == PAM_SUCCESS) {
		signed_one = sign(call, prover, asked, pin);
		result = signed_one && den_message_kind(signed_one) == DEN_OK ? submit(call, asked, signed_one) :
			refuse(call, signed_one);
	}
	den_secret_free(pin);
	den_message_free(hello);
	den_message_free(signed_one);
	return result;
}

int denpam_prove(struct denpam_call *call, const struct den_message *asked)
{
	struct person person;
	struct prover prover;
	int result;

	/* A name that nobody has has no certificate, like anybody who shows none (R-LOCK-4). */
	if (find_person(call->login, &person) != 0 || start(&person, &prover) != 0)
		return denpam_refuse_code(call, DEN_CERT_NONE_SHOWN, call->login);
	result = converse(call, &prover, asked);
	end(&prover);
	return result;
}
