/*
 * denshi-relay: for whoever acquires a certificate on a machine that isn't a host (R-CERT-2). It is the
 * login shell of an account that sshd lets in: whatever was to be run, it takes messages from its
 * standard input (core/frame.h), hands those that concern acquiring to denshid, and nothing else.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/client.h"
#include "core/frame.h"
#include "core/protocol.h"

/* Somebody may look for the PIN meanwhile. */
#define IDLE_MS 300000
#define WRITE_MS 10000
/* Of a whole acquisition, and twice that. */
#define LIFE_S 900
#define REQUESTS_MAX 1000

static int is_allowed(const struct den_message *m)
{
	switch (den_message_kind(m)) {
	case DEN_OP_CERT_GRANTED:
	case DEN_OP_CERT_REQUEST:
	case DEN_OP_CERT_RENEW:
	case DEN_OP_CERT_FETCH:
		return 1;
	default:
		return 0;
	}
}

static struct den_message *answer(const struct den_message *request)
{
	struct den_message *refusal;

	if (is_allowed(request))
		return den_client_call(NULL, request, DEN_TIMEOUT_COMMAND_MS, NULL, NULL);
	refusal = den_message_new(DEN_NOT_PERMITTED);
	if (refusal)
		den_message_add_string(refusal, DEN_TAG_ARG, "denshi-relay");
	return refusal;
}

int main(void)
{
	static const struct rlimit none = {0, 0};

	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none);
	signal(SIGPIPE, SIG_IGN);
	if (isatty(STDIN_FILENO)) {
		fputs("denshi-relay: this account is for `denshi cert get --via` alone\n", stderr);
		return 2;
	}
	alarm(LIFE_S);
	for (int i = 0; i < REQUESTS_MAX; i++) {
		struct den_message *request = den_frame_read(STDIN_FILENO, IDLE_MS), *reply;
		int done;

		if (!request)
			return errno == ECONNRESET ? 0 : 1;
		reply = answer(request);
		den_message_free(request);
		done = !reply || den_frame_write(STDOUT_FILENO, reply, WRITE_MS) != 0;
		den_message_free(reply);
		if (done)
			return 1;
	}
	return 1;
}
