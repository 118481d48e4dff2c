#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "core/protocol.h"
#include "tools/denshi/args.h"
#include "tools/denshi/ask.h"

static struct den_message *leave(struct cli *cli, const char *which)
{
	struct den_message *request = ask_new(DEN_OP_LOGOUT);

	den_message_add_string(request, DEN_TAG_TOKEN, ask_token());
	den_message_add_string(request, DEN_TAG_WHICH, which);
	return ask(cli, request, NULL, NULL);
}

/*
 * Hangs up the session leader, as a closed terminal would. Only the user's own: a
 * session that was entered by su or sudo belongs to another, who is still logged
 * in there; root's rights would reach everybody's.
 */
static int hang_up(void)
{
	pid_t leader = getsid(0);
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%ld", (long)leader);
	if (leader <= 1 || leader == getpid() || getuid() == 0 || stat(path, &st) != 0 ||
		st.st_uid != getuid())
		return -1;
	/* The leader passes the signal on to its jobs; this one has yet to end well. */
	signal(SIGHUP, SIG_IGN);
	fflush(stdout);
	/* A leader in the background or stopped would only take it when continued. */
	return kill(leader, SIGHUP) == 0 ? kill(leader, SIGCONT) : -1;
}

int cli_logout(struct cli *cli, const struct args *args)
{
	struct den_message *reply = leave(cli, "business");
	int status;

	/* A user who approves nothing has no approval session to leave (R-APW-3). */
	if (!args->option[OPT_BUSINESS] && den_message_kind(reply) == DEN_SESSION_NONE && ask_token()) {
		den_message_free(reply);
		status = CLI_DONE;
	} else {
		status = ask_finish(cli, reply, DEN_LOGOUT_BUSINESS, NULL);
	}
	if (status != CLI_DONE || args->option[OPT_BUSINESS])
		return status;
	status = ask_finish(cli, leave(cli, "login"), DEN_LOGOUT_LOGIN, NULL);
	if (status == CLI_DONE && hang_up() != 0)
		say(cli, stdout, DEN_CLI_LOGOUT_EXIT);
	return status;
}
