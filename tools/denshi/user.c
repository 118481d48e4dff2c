#include <string.h>

#include "core/name.h"
#include "core/protocol.h"
#include "tools/denshi/args.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"
#include "tools/denshi/prompt.h"

/* Typed text may be longer than the rule: denshid says what the limit is. */
#define FIELD_SIZE 1024
/* Users that are listed: each asks the directory for its credentials and certificate. */
#define LIST_LIMIT 1000

static const struct column list_columns[] = {
	{DEN_TAG_LOGIN, COLUMN_TEXT, "login", DEN_CLI_LABEL_LOGIN},
	{DEN_TAG_NAME, COLUMN_TEXT, "name", DEN_CLI_LABEL_NAME},
	{DEN_TAG_ROLE, COLUMN_WORD, "role", DEN_CLI_LABEL_ROLE},
	{DEN_TAG_STATE, COLUMN_WORD, "state", DEN_CLI_LABEL_STATE},
	{DEN_TAG_ATTEMPTS, COLUMN_NUMBER, "attempts", DEN_CLI_LABEL_ATTEMPTS},
	{DEN_TAG_APPROVAL_STATE, COLUMN_WORD, "approval", DEN_CLI_LABEL_APPROVAL},
	{DEN_TAG_CERT_STATE, COLUMN_WORD, "certificate", DEN_CLI_LABEL_CERTIFICATE},
	{DEN_TAG_MAIL, COLUMN_TEXT, "mail", DEN_CLI_LABEL_MAIL},
};

static const struct column show_columns[] = {
	{DEN_TAG_LOGIN, COLUMN_TEXT, "login", DEN_CLI_LABEL_LOGIN},
	{DEN_TAG_NAME, COLUMN_TEXT, "name", DEN_CLI_LABEL_NAME},
	{DEN_TAG_MAIL, COLUMN_TEXT, "mail", DEN_CLI_LABEL_MAIL},
	{DEN_TAG_ROLE, COLUMN_WORD, "role", DEN_CLI_LABEL_ROLE},
	{DEN_TAG_STATE, COLUMN_WORD, "state", DEN_CLI_LABEL_STATE},
	{DEN_TAG_UID, COLUMN_NUMBER, "uid", DEN_CLI_LABEL_UID},
	{DEN_TAG_APPROVAL_STATE, COLUMN_WORD, "approval", DEN_CLI_LABEL_APPROVAL},
	{DEN_TAG_CERT_STATE, COLUMN_WORD, "certificate", DEN_CLI_LABEL_CERTIFICATE},
	{DEN_TAG_AUTHORITY, COLUMN_LIST, "authorities", DEN_CLI_LABEL_AUTHORITY},
	{DEN_TAG_ATTEMPTS, COLUMN_NUMBER, "attempts", DEN_CLI_LABEL_ATTEMPTS},
	{DEN_TAG_RECORD, COLUMN_LINES, "records", DEN_CLI_LABEL_RECORDS},
};

static const struct column summary_columns[] = {
	{DEN_TAG_LOGIN, COLUMN_TEXT, "login", DEN_CLI_LABEL_LOGIN},
	{DEN_TAG_NAME, COLUMN_TEXT, "name", DEN_CLI_LABEL_NAME},
	{DEN_TAG_MAIL, COLUMN_TEXT, "mail", DEN_CLI_LABEL_MAIL},
	{DEN_TAG_ROLE, COLUMN_WORD, "role", DEN_CLI_LABEL_ROLE},
};

/* -- list, show ------------------------------------------------------------------ */

int cli_user_list(struct cli *cli, const struct args *args)
{
	struct listing listing = LISTING(list_columns);
	struct den_message *request, *reply;
	int limit = args->option[OPT_LIMIT] ? args_number(args->option[OPT_LIMIT]) : LIST_LIMIT, status;
	char shown[24];

	if (limit < 0)
		return refuse(cli, DEN_CLI_USAGE_NUMBER, args->option[OPT_LIMIT]);
	request = ask_new(DEN_OP_USER_LIST);
	if (limit > 0)
		den_message_add_number(request, DEN_TAG_NUMBER, (uint64_t)limit);
	if (args->operands)
		den_message_add_string(request, DEN_TAG_FILTER, args->operand[0]);
	reply = ask(cli, request, listing_row, &listing);
	status = ask_refused(cli, reply);
	if (status == CLI_DONE) {
		listing_print(cli, &listing);
		snprintf(shown, sizeof(shown), "%llu",
			(unsigned long long)den_message_number(reply, DEN_TAG_NUMBER, 0));
		if (den_message_number(reply, DEN_TAG_NUMBER, 0))
			say(cli, stderr, DEN_CLI_LIST_MORE, shown);
		ask_say_pending(cli, reply);
	}
	listing_done(&listing);
	den_message_free(reply);
	return status;
}

int cli_user_show(struct cli *cli, const struct args *args)
{
	struct listing listing = LISTING(show_columns);
	struct den_message *request = ask_new(DEN_OP_USER_LIST), *reply;
	int status;

	den_message_add_string(request, DEN_TAG_LOGIN, args->operand[0]);
	reply = ask(cli, request, listing_row, &listing);
	status = ask_refused(cli, reply);
	if (status == CLI_DONE && json_array_size(listing.rows) == 0)
		status = refuse(cli, DEN_UNKNOWN_USER, args->operand[0]);
	if (status == CLI_DONE && cli->json)
		output_json(json_incref(json_array_get(listing.rows, 0)));
	else if (status == CLI_DONE)
		listing_print_pairs(cli, &listing, 0);
	if (status == CLI_DONE)
		ask_say_pending(cli, reply);
	listing_done(&listing);
	den_message_free(reply);
	return status;
}

/* -- create ------------------------------------------------------------------------ */

struct form {
	char login[FIELD_SIZE], name[FIELD_SIZE], mail[FIELD_SIZE], mail_again[FIELD_SIZE];
	char role[FIELD_SIZE], language[FIELD_SIZE];
	struct den_secret *initial;
	int generate;
	int typed; /* a person fills it in: what is wrong can be typed again */
};

static void take_field(char field[FIELD_SIZE], const char *value)
{
	if (value)
		snprintf(field, FIELD_SIZE, "%s", value);
}

static void form_from_args(struct form *form, const struct args *args)
{
	take_field(form->login, args->operands ? args->operand[0] : NULL);
	take_field(form->name, args->option[OPT_NAME]);
	take_field(form->mail, args->option[OPT_MAIL]);
	take_field(form->mail_again, args->option[OPT_MAIL]);
	take_field(form->role, args->option[OPT_ROLE]);
	take_field(form->language, args->option[OPT_LANGUAGE]);
	form->generate = args->option[OPT_GENERATE] != NULL;
}

/* The missing fields; on a second round all of them, with what was typed filled in. */
static int fill_in(struct cli *cli, struct form *form, int again)
{
	char mail[FIELD_SIZE];
	int e = 0;

	if (again || !*form->login)
		e |= prompt_line(cli, DEN_CLI_ASK_LOGIN, DEN_LOGIN_ID_PREFIX, form->login, FIELD_SIZE);
	if (again || !*form->name)
		e |= prompt_line(cli, DEN_CLI_ASK_NAME, "", form->name, FIELD_SIZE);
	memcpy(mail, form->mail, sizeof(mail));
	if (again || !*form->mail)
		e |= prompt_line(cli, DEN_CLI_ASK_MAIL, "", form->mail, FIELD_SIZE);
	/* An address that was kept needs no second look (R-MAIL-1 is about typing). */
	if (strcmp(mail, form->mail) != 0 || strcmp(form->mail, form->mail_again) != 0) {
		form->mail_again[0] = '\0';
		e |= prompt_line(cli, DEN_CLI_ASK_MAIL_AGAIN, "", form->mail_again, FIELD_SIZE);
	}
	if (!*form->role)
		take_field(form->role, "general");
	e |= prompt_line(cli, DEN_CLI_ASK_ROLE, "", form->role, FIELD_SIZE);
	return e ? refuse(cli, DEN_CLI_NOT_CONFIRMED) : CLI_DONE;
}

static int ask_initial(struct cli *cli, struct form *form)
{
	if (form->generate)
		return CLI_DONE;
	den_secret_free(form->initial);
	return prompt_new_secret(cli, DEN_ASK_INITIAL, DEN_ASK_INITIAL_AGAIN, &form->initial);
}

static struct den_message *create_request(const struct form *form, int dry_run)
{
	struct den_message *request = ask_new(DEN_OP_USER_CREATE);

	den_message_add_string(request, DEN_TAG_LOGIN, form->login);
	den_message_add_string(request, DEN_TAG_NAME, form->name);
	den_message_add_string(request, DEN_TAG_MAIL, form->mail);
	den_message_add_string(request, DEN_TAG_MAIL_AGAIN, form->mail_again);
	den_message_add_string(request, DEN_TAG_ROLE, *form->role ? form->role : "general");
	if (*form->language)
		den_message_add_string(request, DEN_TAG_LANG, form->language);
	ask_add_secret(request, DEN_TAG_PASSWORD, form->initial);
	if (form->generate)
		den_message_add_number(request, DEN_TAG_GENERATE, 1);
	if (dry_run)
		den_message_add_number(request, DEN_TAG_DRY_RUN, 1);
	return request;
}

/* Asks denshid for all wrong fields at once, until there are none (R-DATA-1). *summary is the
 * caller's to free. */
static int check_form(struct cli *cli, struct form *form, struct den_message **summary)
{
	for (;;) {
		int status;

		*summary = ask(cli, create_request(form, 1), NULL, NULL);
		status = ask_refused(cli, *summary);
		if (den_message_kind(*summary) != DEN_FIELDS_WRONG || !form->typed)
			return status;
		den_message_free(*summary);
		*summary = NULL;
		status = fill_in(cli, form, 1);
		if (status == CLI_DONE)
			status = ask_initial(cli, form);
		if (status != CLI_DONE)
			return status;
	}
}

static void print_summary(struct cli *cli, const struct den_message *summary)
{
	struct listing listing = LISTING(summary_columns);

	listing_row(&listing, summary);
	listing_print_pairs(cli, &listing, 0);
	listing_done(&listing);
}

/* Shows the checked summary and asks; CLI_DONE to go on. */
static int confirm(struct cli *cli, const struct args *args, const struct den_message *summary)
{
	if (!cli->json)
		print_summary(cli, summary);
	return args->option[OPT_YES] ? CLI_DONE : prompt_confirm(cli, DEN_CLI_CONFIRM_STORE);
}

/* The end of --dry-run: what would be stored, and nothing is. */
static int would_store(struct cli *cli, struct den_message *summary)
{
	if (!cli->json)
		print_summary(cli, summary);
	return ask_finish(cli, summary, DEN_CLI_WOULD_STORE, NULL);
}

int cli_user_create(struct cli *cli, const struct args *args)
{
	struct form form = {0};
	struct den_message *summary = NULL;
	char login[FIELD_SIZE];
	int status = CLI_DONE;

	form_from_args(&form, args);
	if ((!*form.login || !*form.name || !*form.mail) && prompt_terminal()) {
		form.typed = cli->password_fd < 0;
		say(cli, stdout, DEN_CLI_FORM_TITLE);
		status = fill_in(cli, &form, 0);
	}
	if (status == CLI_DONE)
		status = ask_initial(cli, &form);
	if (status == CLI_DONE)
		status = check_form(cli, &form, &summary);
	if (status == CLI_DONE && args->option[OPT_DRY_RUN]) {
		status = would_store(cli, summary);
		summary = NULL;
	} else if (status == CLI_DONE) {
		status = confirm(cli, args, summary);
		take_field(login, den_message_string_or_empty(summary, DEN_TAG_LOGIN));
		if (status == CLI_DONE)
			status = ask_finish(cli, ask(cli, create_request(&form, 0), NULL, NULL),
				DEN_CLI_CREATED, login);
	}
	den_message_free(summary);
	den_secret_free(form.initial);
	return status;
}

/* -- change, delete ------------------------------------------------------------------ */

static struct den_message *change_request(const struct args *args, int dry_run)
{
	struct den_message *request = ask_new(DEN_OP_USER_CHANGE);

	den_message_add_string(request, DEN_TAG_LOGIN, args->operand[0]);
	den_message_add_string(request, DEN_TAG_NAME, args->option[OPT_NAME]);
	den_message_add_string(request, DEN_TAG_MAIL, args->option[OPT_MAIL]);
	den_message_add_string(request, DEN_TAG_ROLE, args->option[OPT_ROLE]);
	den_message_add_string(request, DEN_TAG_LANG, args->option[OPT_LANGUAGE]);
	if (dry_run)
		den_message_add_number(request, DEN_TAG_DRY_RUN, 1);
	return request;
}

int cli_user_change(struct cli *cli, const struct args *args)
{
	struct den_message *summary = ask(cli, change_request(args, 1), NULL, NULL);
	int status = ask_refused(cli, summary);

	if (status == CLI_DONE && den_message_kind(summary) != DEN_OK)
		return ask_finish(cli, summary, DEN_OK, NULL);
	if (status == CLI_DONE && args->option[OPT_DRY_RUN])
		return would_store(cli, summary);
	if (status == CLI_DONE)
		status = confirm(cli, args, summary);
	if (status == CLI_DONE)
		status = ask_finish(cli, ask(cli, change_request(args, 0), NULL, NULL),
			DEN_CLI_CHANGED, args->operand[0]);
	den_message_free(summary);
	return status;
}

static struct den_message *delete_request(const struct args *args, int dry_run)
{
	struct den_message *request = ask_new(DEN_OP_USER_DELETE);

	den_message_add_string(request, DEN_TAG_LOGIN, args->operand[0]);
	if (dry_run)
		den_message_add_number(request, DEN_TAG_DRY_RUN, 1);
	return request;
}

int cli_user_delete(struct cli *cli, const struct args *args)
{
	struct den_message *checked = ask(cli, delete_request(args, 1), NULL, NULL);
	int status = ask_refused(cli, checked);

	if (status == CLI_DONE && args->option[OPT_DRY_RUN])
		return ask_finish(cli, checked, DEN_CLI_WOULD_DELETE, args->operand[0]);
	den_message_free(checked);
	if (status == CLI_DONE && !args->option[OPT_YES]) {
		say(cli, stdout, DEN_CLI_WOULD_DELETE, args->operand[0]);
		status = prompt_confirm(cli, DEN_CLI_CONFIRM_DELETE);
	}
	if (status == CLI_DONE)
		status = ask_finish(cli, ask(cli, delete_request(args, 0), NULL, NULL),
			DEN_CLI_DELETED, args->operand[0]);
	return status;
}

/* -- suspend, resume: at once, with the approval password (R-UPD-5) ------------------- */

static int set_state(struct cli *cli, const struct args *args, const char *state,
	enum den_code done)
{
	struct den_secret *approval = NULL;
	struct den_message *request;
	int status = prompt_secret(cli, DEN_ASK_APPROVAL, &approval);

	if (status != CLI_DONE)
		return status;
	request = ask_new(DEN_OP_USER_SUSPEND);
	den_message_add_string(request, DEN_TAG_LOGIN, args->operand[0]);
	den_message_add_string(request, DEN_TAG_STATE, state);
	ask_add_secret(request, DEN_TAG_APPROVAL_PASSWORD, approval);
	den_secret_free(approval);
	return ask_finish(cli, ask(cli, request, NULL, NULL), done, args->operand[0]);
}

int cli_user_suspend(struct cli *cli, const struct args *args)
{
	return set_state(cli, args, "suspended", DEN_CLI_SUSPENDED);
}

int cli_user_resume(struct cli *cli, const struct args *args)
{
	return set_state(cli, args, "active", DEN_CLI_RESUMED);
}
