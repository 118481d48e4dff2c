#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "core/protocol.h"
#include "tools/denshi/args.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/prompt.h"

#define SERVICE "denshi-passwd"

static struct den_message *passwd_request(const char *login, int approval)
{
	struct den_message *request = ask_new(DEN_OP_PASSWD);

	den_message_add_string(request, DEN_TAG_LOGIN, login);
	den_message_add_string(request, DEN_TAG_SERVICE, SERVICE);
	den_message_add_string(request, DEN_TAG_KIND, approval ? "approval" : "login");
	return request;
}

/* What the user still has to do: a set of DEN_PENDING_*. The login itself is over,
 * so no certificate is asked for. */
static int pending_changes(struct cli *cli, const char *login, uint64_t *pending)
{
	struct den_message *request = ask_new(DEN_OP_ACCOUNT), *reply;
	int status;

	den_message_add_string(request, DEN_TAG_LOGIN, login);
	den_message_add_string(request, DEN_TAG_SERVICE, SERVICE);
	den_message_add_string(request, DEN_TAG_CERTIFICATE, "off");
	reply = ask(cli, request, NULL, NULL);
	status = ask_refused(cli, reply);
	*pending = den_message_number(reply, DEN_TAG_NUMBER, 0);
	den_message_free(reply);
	return status;
}

/* Could it be changed at all? Asked before anybody types. */
static int changeable(struct cli *cli, const char *login, int approval)
{
	struct den_message *request = passwd_request(login, approval), *reply;
	int status;

	den_message_add_number(request, DEN_TAG_DRY_RUN, 1);
	reply = ask(cli, request, NULL, NULL);
	status = ask_refused(cli, reply);
	den_message_free(reply);
	return status;
}

static int ask_both(struct cli *cli, int approval, int first, struct den_secret **current,
	struct den_secret **new)
{
	int status;

	if (first && cli->password_fd < 0)
		say(cli, stdout, DEN_APPROVAL_SET_TITLE);
	/* The first approval password is made under the login identity (R-APW-2). */
	status = prompt_secret(cli, approval && !first ? DEN_ASK_CURRENT_APPROVAL : DEN_ASK_CURRENT, current);
	if (status == CLI_DONE)
		status = prompt_new_secret(cli, approval ? DEN_ASK_NEW_APPROVAL : DEN_ASK_NEW,
			approval ? DEN_ASK_NEW_APPROVAL_AGAIN : DEN_ASK_NEW_AGAIN, new);
	return status;
}

int cli_passwd(struct cli *cli, const struct args *args)
{
	int approval = args->option[OPT_APPROVAL] != NULL;
	struct den_secret *current = NULL, *new = NULL;
	char login[DEN_LOGIN_ID_SIZE], caller[24];
	struct den_message *request;
	uint64_t pending = 0;
	int status = ask_who(cli, login);

	if (status != CLI_DONE)
		return status;
	snprintf(caller, sizeof(caller), "uid %u", (unsigned int)getuid());
	if (!*login)
		return refuse(cli, DEN_NOT_A_DENSHI_USER, caller);
	if (approval)
		status = pending_changes(cli, login, &pending);
	/* A password that isn't there yet needs no check whether it may be changed. */
	if (status == CLI_DONE && !(pending & DEN_PENDING_APPROVAL_NEW))
		status = changeable(cli, login, approval);
	if (status == CLI_DONE)
		status = ask_both(cli, approval, (pending & DEN_PENDING_APPROVAL_NEW) != 0,
			&current, &new);
	if (status == CLI_DONE) {
		request = passwd_request(login, approval);
		ask_add_secret(request, DEN_TAG_CURRENT, current);
		ask_add_secret(request, DEN_TAG_PASSWORD, new);
		status = ask_finish(cli, ask(cli, request, NULL, NULL),
			approval ? DEN_APPROVAL_CHANGED : DEN_PASSWORD_CHANGED, NULL);
	}
	den_secret_free(current);
	den_secret_free(new);
	return status;
}
