#include "api/approval.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/client.h"
#include "core/loginid.h"
#include "core/protocol.h"
#include "core/request.h"
#include "core/text.h"

#define PUBLIC __attribute__((visibility("default")))

/* Of the locale; where it names none, that of the user, whom denshid knows (R-ALL-2). */
static enum den_lang language_of(const struct denshi_demand *d, const struct den_message *reply)
{
	int found;
	enum den_lang lang = d->locale ? den_lang_from_locale(d->locale, &found) : den_lang_from_environment(&found);

	return found ? lang : den_lang_from_name(den_message_string(reply, DEN_TAG_LANG));
}

static void tell(struct denshi_answer *answer, enum den_code code, enum den_lang lang, const char *message)
{
	if (!answer)
		return;
	snprintf(answer->language, sizeof(answer->language), "%s", den_lang_name(lang));
	snprintf(answer->code, sizeof(answer->code), "%s", den_code_name(code));
	snprintf(answer->message, sizeof(answer->message), "%s", message);
}

static enum denshi_result invalid(struct denshi_answer *answer, const char *what)
{
	const enum den_lang lang = den_lang_from_environment(NULL);
	char text[DEN_TEXT_MAX];

	tell(answer, DEN_BAD_REQUEST, lang, den_text_format(text, sizeof(text), lang, DEN_BAD_REQUEST, &what, 1));
	return DENSHI_INVALID;
}

/* NULL, or what is wrong. */
static const char *wrong(const struct denshi_demand *d)
{
	char login[DEN_LOGIN_ID_SIZE], facts[DEN_BINDINGS_SIZE] = "";

	/* A later program, with a larger structure, may demand what isn't known here. */
	if (!d || d->size != sizeof(*d))
		return "size";
	if (!d->login || !den_login_id_is_ours(d->login) || den_login_id_parse(login, d->login, strlen(d->login)) != 0)
		return "login";
	if (!d->business || !*d->business)
		return "business";
	for (const char *const *fact = d->facts; fact && *fact; fact++)
		if (den_bindings_add(facts, *fact) != 0)
			return "facts";
	return NULL;
}

static struct den_message *message_of(const struct denshi_demand *d, int use)
{
	struct den_message *m = den_message_new(DEN_OP_APPROVAL_USE);

	if (!m)
		return NULL;
	den_message_add_string(m, DEN_TAG_LOGIN, d->login);
	den_message_add_string(m, DEN_TAG_BUSINESS, d->business);
	den_message_add_string(m, DEN_TAG_ACCOUNT, d->account);
	den_message_add_string(m, DEN_TAG_SERVICE, d->service ? d->service : "program");
	den_message_add_string(m, DEN_TAG_APPROVER, d->any_approver ? "any" : "other");
	den_message_add_string(m, DEN_TAG_MATCH, d->match);
	for (const char *const *fact = d->facts; fact && *fact; fact++)
		den_message_add_string(m, DEN_TAG_FACT, *fact);
	if (d->need)
		den_message_add_number(m, DEN_TAG_NEED, d->need);
	if (d->within_s)
		den_message_add_number(m, DEN_TAG_WITHIN, d->within_s);
	if (!use)
		den_message_add_number(m, DEN_TAG_DRY_RUN, 1);
	return m;
}

static enum denshi_result result_of(enum den_code code, int use, int once)
{
	switch (code) {
	case DEN_APPROVAL_USED:
		return use ? DENSHI_GRANTED : DENSHI_REFUSED;
	case DEN_APPROVAL_STANDS:
		/* Not used up is not enough for who wants it used up. */
		return use && once ? DENSHI_REFUSED : DENSHI_GRANTED;
	case DEN_ALLOWED:
		return DENSHI_GRANTED;
	case DEN_DAEMON_DOWN:
	case DEN_DAEMON_LOST:
	case DEN_DIRECTORY_DOWN:
	case DEN_DIRECTORY_FULL:
	case DEN_BUSY:
		return DENSHI_UNAVAILABLE;
	case DEN_BAD_REQUEST:
	case DEN_BUSINESS_UNKNOWN:
	case DEN_FIELD_BINDING:
		return DENSHI_INVALID;
	default:
		return DENSHI_REFUSED;
	}
}

static enum denshi_result ask(const struct denshi_demand *d, int use, struct denshi_answer *answer)
{
	const char *problem = wrong(d);
	struct den_message *request, *reply;
	char sentence[DEN_TEXT_MAX];
	enum denshi_result result;
	enum den_lang lang;
	enum den_code code;

	if (answer)
		memset(answer, 0, sizeof(*answer));
	if (problem)
		return invalid(answer, problem);
	request = message_of(d, use);
	reply = request ? den_client_call(d->socket, request, DEN_TIMEOUT_LOGIN_MS, NULL, NULL) : NULL;
	den_message_free(request);
	if (!reply) {
		tell(answer, DEN_INTERNAL, DEN_LANG_EN, "out of memory");
		return DENSHI_UNAVAILABLE;
	}
	code = (enum den_code)den_message_kind(reply);
	result = result_of(code, use, d->within_s == 0);
	lang = language_of(d, reply);
	tell(answer, code, lang, den_client_sentence(sentence, lang, reply));
	if (answer) {
		snprintf(answer->request, sizeof(answer->request), "%s", den_message_string_or_empty(reply, DEN_TAG_ID));
		snprintf(answer->approvers, sizeof(answer->approvers), "%s",
			den_message_string_or_empty(reply, DEN_TAG_APPROVER));
	}
	den_message_free(reply);
	return result;
}

static enum denshi_result ask_quietly(const struct denshi_demand *d, int use, struct denshi_answer *answer)
{
	int kept = errno;
	enum denshi_result result = ask(d, use, answer);

	errno = kept;
	return result;
}

PUBLIC enum denshi_result denshi_approval_check(const struct denshi_demand *demand, struct denshi_answer *answer)
{
	return ask_quietly(demand, 0, answer);
}

PUBLIC enum denshi_result denshi_approval_use(const struct denshi_demand *demand, struct denshi_answer *answer)
{
	return ask_quietly(demand, 1, answer);
}

PUBLIC int denshi_command_text(char *text, size_t size, const char *const *words, size_t n)
{
	return den_command_text(text, size, words, n);
}
