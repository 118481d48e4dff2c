/* Changing the catalogue of businesses and accounts (R-AUTH-7). */
#include <stdio.h>
#include <string.h>

#include "denshid/call.h"
#include "denshid/fields.h"
#include "denshid/log.h"
#include "directory/catalogue_edit.h"

enum action { ADD, CHANGE, DELETE, ACTIONS };

/* A business or an account, as it is to be. */
struct item {
	int is_business;
	struct dendir_business business;
	struct dendir_account account;
};

typedef enum den_code edit_business(struct dendir_edit *e, const struct dendir_business *business);
typedef enum den_code edit_account(struct dendir_edit *e, const struct dendir_account *account);

static const struct {
	const char *name;
	edit_business *business;
	edit_account *account;
} actions[ACTIONS] = {
	[ADD] = {"add", dendir_business_add, dendir_account_add},
	[CHANGE] = {"change", dendir_business_change, dendir_account_change},
	[DELETE] = {"delete", dendir_business_delete, dendir_account_delete},
};

/* -- fields ---------------------------------------------------------------------------- */

static int take_label(struct call *c, enum den_tag tag, char *to)
{
	const char *typed = den_message_string(c->in, tag);
	char name[DEN_NAME_SIZE];

	if (!typed)
		return 0;
	if (field_name(name, typed) != DEN_OK || strlen(name) >= DENDIR_LABEL_SIZE) {
		call_reason(c, DEN_FIELD_LABEL, NULL);
		return 1;
	}
	snprintf(to, DENDIR_LABEL_SIZE, "%s", name);
	return 0;
}

static int take_self_approval(struct call *c, struct dendir_business *b)
{
	const char *typed = den_message_string(c->in, DEN_TAG_SELF_APPROVAL);

	if (!typed)
		return 0;
	if (b->rules.approval_free || (strcmp(typed, "yes") != 0 && strcmp(typed, "no") != 0)) {
		call_reason(c, DEN_FIELD_SELF_APPROVAL, NULL);
		return 1;
	}
	b->rules.self_approval = strcmp(typed, "yes") == 0;
	return 0;
}

static int take_signed(struct call *c, struct den_rules *rules)
{
	const char *typed = den_message_string(c->in, DEN_TAG_SIGNED);

	if (!typed)
		return 0;
	if (rules->approval_free || (strcmp(typed, "required") != 0 && strcmp(typed, "off") != 0)) {
		call_reason(c, DEN_FIELD_SIGNED, NULL);
		return 1;
	}
	rules->is_signed = strcmp(typed, "required") == 0;
	return 0;
}

/* Lists with commas: what is given replaces what is there. */
static int take_list(struct call *c, enum den_tag tag, struct den_rules *rules, size_t *count,
	int (*put)(struct den_rules *rules, const char *text), enum den_code wrong)
{
	const char *typed = den_message_string(c->in, tag);
	char text[64];

	if (!typed)
		return 0;
	for (*count = 0; *typed; typed += *typed == ',') {
		size_t len = strcspn(typed, ",");

		snprintf(text, sizeof(text), "%.*s", (int)(len < sizeof(text) ? len : sizeof(text) - 1), typed);
		if (len >= sizeof(text) || rules->approval_free || put(rules, text) != 0) {
			call_reason(c, wrong, text);
			return 1;
		}
		typed += len;
	}
	return 0;
}

static int take_rules(struct call *c, struct den_rules *rules)
{
	const char *need = den_message_string(c->in, DEN_TAG_NEED);
	int wrong = 0;

	if (need && (rules->approval_free || need[0] < '1' || need[0] > '0' + DEN_APPROVERS_MAX || need[1])) {
		call_reason(c, DEN_FIELD_NEED, NULL);
		wrong = 1;
	} else if (need) {
		rules->need = (unsigned)(need[0] - '0');
	}
	wrong |= take_list(c, DEN_TAG_CURRENCY, rules, &rules->ncurrencies, dendir_rules_add_currency, DEN_FIELD_CURRENCY);
	wrong |= take_list(c, DEN_TAG_NEED_FROM, rules, &rules->nsteps, dendir_rules_add_step, DEN_FIELD_NEED_FROM);
	wrong |= take_list(c, DEN_TAG_LIMIT, rules, &rules->nlimits, dendir_rules_add_limit, DEN_FIELD_LIMIT);
	return wrong;
}

static int is_id(const struct item *item, const char *id)
{
	/* acct.X is the authority of account X. */
	return dendir_name_is_plain(id) && !(item->is_business && strcmp(id, "acct") == 0);
}

/* What is given over what is there. Every wrong field is told. */
static enum den_code take_fields(struct call *c, struct item *item, enum action action)
{
	const char *id = call_string(c, DEN_TAG_ID);
	struct dendir_business *b = &item->business;
	int wrong = 0;

	if (!is_id(item, id)) {
		call_reason(c, DEN_FIELD_CATALOGUE_ID, id);
		wrong = 1;
	}
	if (action == ADD) {
		snprintf(b->rules.id, sizeof(b->rules.id), "%s", id);
		snprintf(item->account.id, sizeof(item->account.id), "%s", id);
		b->rules.approval_free = strcmp(call_string(c, DEN_TAG_KIND), "free") == 0;
		b->rules.self_approval = 1;
	}
	if (item->is_business) {
		wrong |= take_label(c, DEN_TAG_LABEL, b->label[DEN_LANG_EN]);
		wrong |= take_label(c, DEN_TAG_LABEL_JA, b->label[DEN_LANG_JA]);
		wrong |= take_self_approval(c, b);
		wrong |= take_signed(c, &b->rules);
		wrong |= take_rules(c, &b->rules);
	} else {
		wrong |= take_label(c, DEN_TAG_LABEL, item->account.label);
	}
	return wrong ? DEN_FIELDS_WRONG : DEN_OK;
}

static enum den_code read_there(struct call *c, struct dendir *d, struct item *item)
{
	const char *id = call_string(c, DEN_TAG_ID);
	enum den_code code = item->is_business ? dendir_business_read(d, id, &item->business)
					       : dendir_account_read(d, id, &item->account);

	if (code == DEN_BUSINESS_UNKNOWN || code == DEN_ACCOUNT_UNKNOWN)
		call_arg(c, "%s", id);
	return call_refused(c, d, code);
}

/* -- doing it ---------------------------------------------------------------------------------- */

static enum den_code tell(struct call *c, const struct dendir_edit *e, enum den_code code)
{
	if (code == DEN_CATALOGUE_THERE || code == DEN_CATALOGUE_USED)
		call_arg(c, "%s", call_string(c, DEN_TAG_ID));
	if (code == DEN_CATALOGUE_USED)
		call_arg(c, "%s", e->used_by);
	if (code == DEN_NUMBERS_USED_UP)
		call_arg(c, "0");
	return code;
}

static enum den_code is_free(struct dendir_edit *e, const struct item *item)
{
	return item->is_business ? dendir_business_is_free(e, &item->business) : dendir_account_is_free(e, &item->account);
}

static enum den_code execute(struct call *c, struct dendir_edit *e, const struct item *item, enum action action)
{
	struct dendir_proof *proof = NULL;
	enum den_code code = call_approve(c, &proof);

	if (code == DEN_OK) {
		e->master = dendir_proof_connection(proof);
		code = item->is_business ? actions[action].business(e, &item->business)
					 : actions[action].account(e, &item->account);
		code = tell(c, e, call_refused(c, e->master, code));
	}
	dendir_proof_free(proof);
	return code;
}

static enum den_code change(struct call *c, struct dendir *d, enum action action)
{
	struct item item = {.is_business = strcmp(call_string(c, DEN_TAG_WHICH), "business") == 0};
	struct dendir_edit e = {.host = d, .now = c->now};
	enum den_code code = action == ADD ? DEN_OK : read_there(c, d, &item);

	if (code == DEN_OK && action != DELETE)
		code = take_fields(c, &item, action);
	else if (code == DEN_OK)
		code = tell(c, &e, call_refused(c, d, is_free(&e, &item)));
	if (code != DEN_OK || call_dry_run(c))
		return code;
	code = execute(c, &e, &item, action);
	log_audit("catalogue", "by", c->peer.login, "which", item.is_business ? "business" : "account", "action",
		actions[action].name, "id", call_string(c, DEN_TAG_ID), "result", den_code_name(code), NULL);
	if (code == DEN_OK) {
		call_arg(c, "%s", call_string(c, DEN_TAG_ID));
		code = DEN_CATALOGUE_DONE;
	}
	return code;
}

enum den_code catalogue_change(struct call *c)
{
	const char *which = call_string(c, DEN_TAG_WHICH);
	enum action action = ADD;
	enum den_code code;
	struct dendir *d = call_directory(c, &code);

	while (action < ACTIONS && strcmp(actions[action].name, call_string(c, DEN_TAG_ACTION)) != 0)
		action++;
	if (d && (action == ACTIONS || (strcmp(which, "business") != 0 && strcmp(which, "account") != 0))) {
		call_arg(c, "%s", which);
		return DEN_BAD_REQUEST;
	}
	return d ? change(c, d, action) : code;
}
