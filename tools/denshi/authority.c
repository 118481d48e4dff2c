#include <string.h>

#include "core/protocol.h"
#include "tools/denshi/args.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"
#include "tools/denshi/prompt.h"

/* As in the manual's screens. */
#define HELD "○"
#define NOT_HELD "－"

static const struct column catalogue_columns[] = {
	{DEN_TAG_ID, COLUMN_TEXT, "id", DEN_CLI_LABEL_AUTHORITY},
	{DEN_TAG_KIND, COLUMN_WORD, "kind", DEN_CLI_LABEL_KIND},
	{DEN_TAG_LABEL, COLUMN_TEXT, "label", DEN_CLI_LABEL_LABEL},
};

static const struct column held_columns[] = {
	{DEN_TAG_LOGIN, COLUMN_TEXT, "login", DEN_CLI_LABEL_LOGIN},
	{DEN_TAG_AUTHORITY, COLUMN_LIST, "authorities", DEN_CLI_LABEL_AUTHORITY},
};

/* What can be given, labels in the reader's language where the locale tells one. */
static int get_catalogue(struct cli *cli, struct listing *listing)
{
	struct den_message *request = ask_new(DEN_OP_AUTHORITY_LIST), *reply;
	int status;

	if (cli->lang_known)
		den_message_add_string(request, DEN_TAG_LANG, den_lang_name(cli->lang));
	listing->rows = json_array();
	reply = ask(cli, request, listing_row, listing);
	status = ask_refused(cli, reply);
	den_message_free(reply);
	return status;
}

int cli_authority_list(struct cli *cli, const struct args *args)
{
	struct listing catalogue = LISTING(catalogue_columns);
	int status = get_catalogue(cli, &catalogue);

	(void)args;
	if (status == CLI_DONE)
		listing_print(cli, &catalogue);
	listing_done(&catalogue);
	return status;
}

/* -- the table of ○ ------------------------------------------------------------------- */

static int holds(const json_t *list, const char *id)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_array_get(list, i)), id) == 0)
			return 1;
	return 0;
}

/* What the catalogue no longer has but somebody holds is shown as well. */
static void add_unlisted(struct listing *catalogue, const json_t *held)
{
	for (size_t i = 0; i < json_array_size(held); i++) {
		json_t *id = json_array_get(held, i);
		int known = 0;

		for (size_t k = 0; k < json_array_size(catalogue->rows) && !known; k++)
			known = json_equal(id,
				json_object_get(json_array_get(catalogue->rows, k), "id"));
		if (!known)
			json_array_append_new(catalogue->rows, json_pack("{sO}", "id", id));
	}
}

static const char *member(const json_t *row, const char *key)
{
	const char *value = json_string_value(json_object_get(row, key));

	return value ? value : "";
}

/* One row an authority; a mark in each of the `lists` columns. With `some`, only the rows with a
 * mark (R-AUTH-4); without, the whole catalogue (R-ROLE-2). */
static void print_marks(struct cli *cli, const struct listing *catalogue,
	const enum den_code headings[2], const json_t *const lists[2], size_t count, int some)
{
	const enum den_code all[] = {DEN_CLI_LABEL_AUTHORITY, DEN_CLI_LABEL_LABEL,
		DEN_CLI_LABEL_KIND, headings[0], headings[1]};
	size_t columns = 3 + count, rows = json_array_size(catalogue->rows), shown = 0;
	const char **cells = calloc(rows * columns + 1, sizeof(*cells));

	if (!cells)
		output_no_memory();
	for (size_t i = 0; i < rows; i++) {
		const json_t *row = json_array_get(catalogue->rows, i);
		const char **line = cells + shown * columns;
		int marks = 0;

		line[0] = member(row, "id");
		line[1] = member(row, "label");
		line[2] = output_word(cli, member(row, "kind"));
		for (size_t k = 0; k < count; k++) {
			line[3 + k] = holds(lists[k], line[0]) ? HELD : NOT_HELD;
			marks += holds(lists[k], line[0]);
		}
		shown += marks || !some;
	}
	output_table(cli, all, columns, cells, shown);
	free(cells);
}

static json_t *marks_json(const struct listing *catalogue, json_t *held)
{
	json_t *list = json_array();

	for (size_t i = 0; i < json_array_size(catalogue->rows); i++) {
		json_t *row = json_copy(json_array_get(catalogue->rows, i));

		json_object_set_new(row, "held", json_boolean(holds(held, member(row, "id"))));
		json_array_append_new(list, row);
	}
	return list;
}

int cli_authority_show(struct cli *cli, const struct args *args)
{
	struct listing catalogue = LISTING(catalogue_columns), user = LISTING(held_columns);
	struct den_message *request = ask_new(DEN_OP_AUTHORITY_SHOW), *reply;
	const enum den_code headings[2] = {DEN_CLI_LABEL_HELD, DEN_OK};
	json_t *held;
	int status;

	den_message_add_string(request, DEN_TAG_LOGIN, args->operand[0]);
	reply = ask(cli, request, listing_row, &user);
	status = ask_refused(cli, reply);
	if (status == CLI_DONE)
		status = get_catalogue(cli, &catalogue);
	held = json_object_get(json_array_get(user.rows, 0), "authorities");
	add_unlisted(&catalogue, held);
	if (status == CLI_DONE && cli->json)
		output_json(json_pack("{ss so}", "login",
			*member(json_array_get(user.rows, 0), "login")
				? member(json_array_get(user.rows, 0), "login") : args->operand[0],
			"authorities", marks_json(&catalogue, held)));
	else if (status == CLI_DONE)
		print_marks(cli, &catalogue, headings, (const json_t *const[2]){held, NULL}, 1, 0);
	listing_done(&catalogue);
	listing_done(&user);
	den_message_free(reply);
	return status;
}

/* -- give, take ------------------------------------------------------------------------- */

static struct den_message *change_request(const struct args *args, enum den_tag tag)
{
	struct den_message *request = ask_new(DEN_OP_AUTHORITY_CHANGE);

	den_message_add_string(request, DEN_TAG_LOGIN, args->operand[0]);
	for (int i = 1; i < args->operands; i++)
		den_message_add_string(request, (uint16_t)tag, args->operand[i]);
	return request;
}

/* Before and after, side by side. */
static int show_change(struct cli *cli, const struct den_message *shown)
{
	struct listing catalogue = LISTING(catalogue_columns);
	const enum den_code headings[2] = {DEN_CLI_LABEL_BEFORE, DEN_CLI_LABEL_AFTER};
	json_t *fields = output_reply(shown);
	const json_t *before = json_object_get(fields, "before");
	const json_t *after = json_object_get(fields, "after");
	int status = get_catalogue(cli, &catalogue);

	if (status == CLI_DONE) {
		add_unlisted(&catalogue, before);
		add_unlisted(&catalogue, after);
		print_marks(cli, &catalogue, headings, (const json_t *const[2]){before, after}, 2, 1);
	}
	listing_done(&catalogue);
	json_decref(fields);
	return status;
}

/* Giving the first approver authority needs an initial approval password (R-AUTH-5). */
static int execute(struct cli *cli, const struct args *args, enum den_tag tag, int initial_needed)
{
	struct den_secret *approval = NULL, *initial = NULL;
	struct den_message *request;
	int status = prompt_secret(cli, DEN_ASK_APPROVAL, &approval);

	if (status == CLI_DONE && initial_needed) {
		if (cli->password_fd < 0)
			say(cli, stdout, DEN_CLI_INITIAL_NEEDED, args->operand[0]);
		status = prompt_new_secret(cli, DEN_ASK_INITIAL_APPROVAL,
			DEN_ASK_INITIAL_APPROVAL_AGAIN, &initial);
	}
	if (status == CLI_DONE) {
		request = change_request(args, tag);
		ask_add_secret(request, DEN_TAG_APPROVAL_PASSWORD, approval);
		ask_add_secret(request, DEN_TAG_INITIAL, initial);
		status = ask_finish(cli, ask(cli, request, NULL, NULL), DEN_AUTHORITY_DONE, NULL);
	}
	den_secret_free(approval);
	den_secret_free(initial);
	return status;
}

static int change(struct cli *cli, const struct args *args, enum den_tag tag)
{
	struct den_message *request = change_request(args, tag), *shown;
	int status, initial_needed;

	den_message_add_number(request, DEN_TAG_DRY_RUN, 1);
	shown = ask(cli, request, NULL, NULL);
	status = ask_refused(cli, shown);
	if (status == CLI_DONE && den_message_kind(shown) == DEN_OK && !cli->json)
		status = show_change(cli, shown);
	if (status == CLI_DONE &&
		(args->option[OPT_DRY_RUN] || den_message_kind(shown) != DEN_OK))
		return ask_finish(cli, shown, DEN_CLI_WOULD_CHANGE, NULL);
	initial_needed = den_message_number(shown, DEN_TAG_NUMBER, 0) != 0;
	den_message_free(shown);
	return status == CLI_DONE ? execute(cli, args, tag, initial_needed) : status;
}

int cli_authority_give(struct cli *cli, const struct args *args)
{
	return change(cli, args, DEN_TAG_GIVE);
}

int cli_authority_take(struct cli *cli, const struct args *args)
{
	return change(cli, args, DEN_TAG_TAKE);
}
