/*
 * denshi-ssh-keys: sshd's AuthorizedKeysCommand. Prints the key of the user's
 * certificate on record, as denshid gives it (R-LOGIN-1). Prints that one line or
 * nothing: what sshd reads here opens logins.
 */
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "core/client.h"
#include "core/loginid.h"
#include "core/protocol.h"

static int complain(const char *what)
{
	fprintf(stderr, "denshi-ssh-keys: %s\n", what);
	/* sshd throws the standard error of its commands away. */
	openlog("denshi-ssh-keys", LOG_PID, LOG_AUTHPRIV);
	syslog(LOG_NOTICE, "%s", what);
	return 1;
}

/* A control character could start another line: another key. */
static int is_one_line(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return 0;
	return 1;
}

static int print_key(const struct den_message *reply)
{
	const char *line = den_message_string(reply, DEN_TAG_TEXT);

	if (!line || !*line || !is_one_line(line))
		return complain("denshid gave no usable line");
	if (printf("%s\n", line) < 0 || fflush(stdout) != 0)
		return complain("can't write the key");
	return 0;
}

static int ask(const char *path, const char *login)
{
	struct den_message *request = den_message_new(DEN_OP_SSH_KEYS), *reply = NULL;
	char sentence[DEN_TEXT_MAX];
	int status;

	if (request) {
		den_message_add_string(request, DEN_TAG_LOGIN, login);
		reply = den_client_call(path, request, DEN_TIMEOUT_LOGIN_MS, NULL, NULL);
	}
	switch (reply ? den_message_kind(reply) : DEN_INTERNAL) {
	case DEN_OK:
		status = print_key(reply);
		break;
	case DEN_UNKNOWN_USER:
	case DEN_LOGIN_UNKNOWN:
	case DEN_NOT_IN_FORCE:
		/* Nobody denshi knows has no key: nothing went wrong. */
		status = 0;
		break;
	default:
		status = complain(reply ? den_client_sentence(sentence, DEN_LANG_EN, reply) :
			"no memory");
	}
	den_message_free(reply);
	den_message_free(request);
	return status;
}

int main(int argc, char **argv)
{
	char login[DEN_LOGIN_ID_SIZE];
	const char *path = NULL;
	int option;

	while ((option = getopt(argc, argv, "s:")) != -1) {
		if (option != 's')
			goto usage;
		path = optarg;
	}
	if (optind + 1 != argc)
		goto usage;
	/* Everybody else's keys are where they always were (R-ID-2). */
	if (!den_login_id_is_ours(argv[optind]) ||
		den_login_id_parse(login, argv[optind], strlen(argv[optind])) != 0)
		return 0;
	return ask(path, login);
usage:
	fprintf(stderr, "usage: denshi-ssh-keys [-s socket] user\n");
	return 2;
}
