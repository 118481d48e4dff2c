/* denshi business, denshi account: the catalogue, changed by masters (R-AUTH-7). */
#include "core/protocol.h"
#include "tools/denshi/args.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/prompt.h"

static struct den_message *change_request(const struct args *args, const char *which, const char *action)
{
	struct den_message *request = ask_new(DEN_OP_CATALOGUE_CHANGE);
	int is_business = which[0] == 'b';

	den_message_add_string(request, DEN_TAG_WHICH, which);
	den_message_add_string(request, DEN_TAG_ACTION, action);
	den_message_add_string(request, DEN_TAG_ID, args->operand[0]);
	den_message_add_string(request, DEN_TAG_KIND, args->option[OPT_APPROVAL_FREE] ? "free" : "required");
	den_message_add_string(request, DEN_TAG_LABEL, args->option[is_business ? OPT_LABEL_EN : OPT_LABEL]);
	den_message_add_string(request, DEN_TAG_LABEL_JA, args->option[OPT_LABEL_JA]);
	den_message_add_string(request, DEN_TAG_SELF_APPROVAL, args->option[OPT_SELF_APPROVAL]);
	den_message_add_string(request, DEN_TAG_SIGNED, args->option[OPT_SIGNED]);
	den_message_add_string(request, DEN_TAG_NEED, args->option[OPT_NEED]);
	den_message_add_string(request, DEN_TAG_CURRENCY, args->option[OPT_CURRENCY]);
	den_message_add_string(request, DEN_TAG_NEED_FROM, args->option[OPT_NEED_FROM]);
	den_message_add_string(request, DEN_TAG_LIMIT, args->option[OPT_LIMITS]);
	return request;
}

/* What is wrong is told before the approval password is asked. */
static int change(struct cli *cli, const struct args *args, const char *which, const char *action)
{
	struct den_message *request = change_request(args, which, action), *checked;
	struct den_secret *approval = NULL;
	int status;

	den_message_add_number(request, DEN_TAG_DRY_RUN, 1);
	checked = ask(cli, request, NULL, NULL);
	status = ask_refused(cli, checked);
	if (status == CLI_DONE && args->option[OPT_DRY_RUN])
		return ask_finish(cli, checked, DEN_CLI_WOULD_CHANGE, NULL);
	den_message_free(checked);
	if (status == CLI_DONE)
		status = prompt_secret(cli, DEN_ASK_APPROVAL, &approval);
	if (status == CLI_DONE) {
		request = change_request(args, which, action);
		ask_add_secret(request, DEN_TAG_APPROVAL_PASSWORD, approval);
		status = ask_finish(cli, ask(cli, request, NULL, NULL), DEN_CATALOGUE_DONE, NULL);
	}
	den_secret_free(approval);
	return status;
}

int cli_business_add(struct cli *cli, const struct args *args)
{
	return change(cli, args, "business", "add");
}

int cli_business_change(struct cli *cli, const struct args *args)
{
	return change(cli, args, "business", "change");
}

int cli_business_delete(struct cli *cli, const struct args *args)
{
	return change(cli, args, "business", "delete");
}

int cli_account_add(struct cli *cli, const struct args *args)
{
	return change(cli, args, "account", "add");
}

int cli_account_change(struct cli *cli, const struct args *args)
{
	return change(cli, args, "account", "change");
}

int cli_account_delete(struct cli *cli, const struct args *args)
{
	return change(cli, args, "account", "delete");
}
