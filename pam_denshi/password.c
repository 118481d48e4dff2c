#include <security/pam_ext.h>
#include <string.h>
#include <unistd.h>

#include "core/client.h"
#include "core/secret.h"
#include "pam_denshi/conv.h"
#include "pam_denshi/phases.h"
#include "pam_denshi/result.h"

#define TRIES 3

/* One password to change: what to say and ask. DEN_OK: nothing. */
struct step {
	unsigned pending;
	const char *kind;
	enum den_code title, ask_current, ask_new, ask_again, done;
};

/* In the order in which they are asked. */
static const struct step steps[] = {
	{DEN_PENDING_LOGIN, "login", DEN_FIRST_CHANGE_TITLE, DEN_ASK_CURRENT, DEN_ASK_NEW,
		DEN_ASK_NEW_AGAIN, DEN_PASSWORD_CHANGED},
	{DEN_PENDING_EXPIRED, "login", DEN_EXPIRED_CHANGE_TITLE, DEN_ASK_CURRENT, DEN_ASK_NEW,
		DEN_ASK_NEW_AGAIN, DEN_PASSWORD_CHANGED},
	{DEN_PENDING_APPROVAL, "approval", DEN_APPROVAL_CHANGE_TITLE, DEN_ASK_CURRENT_APPROVAL,
		DEN_ASK_NEW_APPROVAL, DEN_ASK_NEW_APPROVAL_AGAIN, DEN_APPROVAL_CHANGED},
	/* A master's first: made under their login identity, so it is that password that is
	 * needed (DESIGN, Directory). */
	{DEN_PENDING_APPROVAL_NEW, "approval", DEN_APPROVAL_SET_TITLE, DEN_ASK_CURRENT,
		DEN_ASK_NEW_APPROVAL, DEN_ASK_NEW_APPROVAL_AGAIN, DEN_APPROVAL_CHANGED},
};
#define NSTEPS (sizeof(steps) / sizeof(steps[0]))

/* The user's own wish: like the first change, without its title. */
static const struct step wish = {0, "login", DEN_OK, DEN_ASK_CURRENT, DEN_ASK_NEW,
	DEN_ASK_NEW_AGAIN, DEN_PASSWORD_CHANGED};

/* The passwords of one call. login is the login password as far as it is known. */
struct secrets {
	struct den_secret *login, *current, *fresh, *again;
};

static int secrets_new(struct secrets *s)
{
	s->login = den_secret_new();
	s->current = den_secret_new();
	s->fresh = den_secret_new();
	s->again = den_secret_new();
	return s->login && s->current && s->fresh && s->again ? PAM_SUCCESS : PAM_BUF_ERR;
}

static void secrets_free(struct secrets *s)
{
	den_secret_free(s->login);
	den_secret_free(s->current);
	den_secret_free(s->fresh);
	den_secret_free(s->again);
}

static void add_secret(struct den_message *m, uint16_t tag, const struct den_secret *secret)
{
	den_message_add(m, tag, den_secret_bytes(secret), den_secret_len(secret));
}

static int ask_current(struct denpam_call *call, const struct step *step, struct secrets *s)
{
	const struct denpam_args *args = &call->args;
	int login = step->ask_current == DEN_ASK_CURRENT;
	int result = PAM_AUTHTOK_RECOVERY_ERR;

	if (login && den_secret_len(s->login) > 0)
		return den_secret_set(s->current, den_secret_bytes(s->login),
			den_secret_len(s->login)) == 0 ? PAM_SUCCESS : PAM_BUF_ERR;
	if (login && (args->use_first_pass || args->try_first_pass))
		result = denpam_earlier_secret(call, PAM_OLDAUTHTOK, s->current);
	if (result == PAM_AUTHTOK_RECOVERY_ERR && !(login && args->use_first_pass))
		result = denpam_ask_secret(call, step->ask_current, s->current);
	if (result == PAM_SUCCESS && den_secret_len(s->current) == 0)
		return denpam_refuse_code(call, DEN_PASSWORD_NOT_CHANGED, NULL);
	return result;
}

/* Leaves the new password in s->fresh. *again: another try may do better. */
static int ask_new(struct denpam_call *call, const struct step *step, struct secrets *s, int *again)
{
	int given = call->args.use_authtok && strcmp(step->kind, "login") == 0;
	int result = given ? denpam_earlier_secret(call, PAM_AUTHTOK, s->fresh) :
		denpam_ask_secret(call, step->ask_new, s->fresh);

	/* An empty one: the user gives up, as in passwd(1). */
	if (result == PAM_SUCCESS && den_secret_len(s->fresh) == 0)
		return denpam_refuse_code(call, DEN_PASSWORD_NOT_CHANGED, NULL);
	if (result != PAM_SUCCESS || given)
		return result;
	result = denpam_ask_secret(call, step->ask_again, s->again);
	if (result == PAM_SUCCESS && !den_secret_equal(s->fresh, s->again)) {
		denpam_say_error(call, DEN_PW_MISMATCH, den_text(call->lang, DEN_PW_MISMATCH));
		*again = 1;
		result = denpam_result(call->phase, DEN_PW_MISMATCH);
	}
	return result;
}

/* The rules of core/text.def that another choice may satisfy. */
static int may_choose_again(const struct den_message *reply)
{
	unsigned kind = den_message_kind(reply);

	return kind == DEN_PASSWORD_NOT_CHANGED ||
		(kind >= DEN_PW_TOO_SHORT && kind <= DEN_PW_MISMATCH);
}

static void tell_broken_rules(struct denpam_call *call, const struct den_message *reply)
{
	char sentence[DEN_TEXT_MAX];
	size_t cursor = 0, told = 0;
	enum den_code code;

	while ((code = den_client_next_reason(reply, &cursor, sentence, call->lang)) != DEN_OK) {
		denpam_say_error(call, code, sentence);
		told++;
	}
	if (!told)
		denpam_say_error(call, (enum den_code)den_message_kind(reply),
			den_client_sentence(sentence, call->lang, reply));
}

static int send_change(struct denpam_call *call, const struct step *step, struct secrets *s,
	int *again)
{
	struct den_message *request = denpam_request(call, DEN_OP_PASSWD);
	struct den_message *reply;
	int result;

	if (request) {
		den_message_add_string(request, DEN_TAG_KIND, step->kind);
		add_secret(request, DEN_TAG_CURRENT, s->current);
		add_secret(request, DEN_TAG_PASSWORD, s->fresh);
	}
	reply = denpam_ask_denshid(call, request);
	if (reply && den_message_kind(reply) == DEN_OK) {
		result = PAM_SUCCESS;
	} else if (reply && may_choose_again(reply)) {
		tell_broken_rules(call, reply);
		*again = 1;
		result = denpam_result(call->phase, DEN_PASSWORD_NOT_CHANGED);
	} else {
		result = denpam_refuse(call, reply);
	}
	den_message_free(reply);
	return result;
}

/* The step is done: later modules and later steps see the passwords, the memory that it is. */
static int finish(struct denpam_call *call, const struct step *step, struct secrets *s)
{
	struct denpam_memory *memory = denpam_memory(call);
	int result = PAM_SUCCESS;

	if (memory)
		memory->pending &= ~(uint64_t)step->pending;
	denpam_say_info_code(call, step->done);
	/* The approval password is nobody else's business (R-APW-1). */
	if (strcmp(step->kind, "login") != 0)
		return PAM_SUCCESS;
	if (den_secret_set(s->login, den_secret_bytes(s->fresh), den_secret_len(s->fresh)) != 0)
		return PAM_BUF_ERR;
	result = pam_set_item(call->pamh, PAM_OLDAUTHTOK, den_secret_bytes(s->current));
	if (result == PAM_SUCCESS)
		result = pam_set_item(call->pamh, PAM_AUTHTOK, den_secret_bytes(s->fresh));
	return result;
}

static int change(struct denpam_call *call, const struct step *step, struct secrets *s)
{
	int tries = call->args.use_authtok ? 1 : TRIES, again, result;

	if (step->title != DEN_OK)
		denpam_say_info_code(call, step->title);
	result = ask_current(call, step, s);
	if (result != PAM_SUCCESS)
		return result;
	do {
		again = 0;
		result = ask_new(call, step, s, &again);
		if (result == PAM_SUCCESS)
			result = send_change(call, step, s, &again);
	} while (again && --tries > 0);
	if (result == PAM_SUCCESS)
		return finish(call, step, s);
	return again ? denpam_refuse_code(call, DEN_PASSWORD_NOT_CHANGED, NULL) : result;
}

/* R-FIRST-1, R-APW-2: what is pending. Of a wish, the approval steps alone: they are demanded at
 * the next login anyhow, and sshd with password authentication has no other place for them. */
static int pending_set(struct denpam_call *call, uint64_t *pending)
{
	struct denpam_memory *memory = denpam_memory(call);
	uint64_t known = DEN_PENDING_LOGIN | DEN_PENDING_EXPIRED | DEN_PENDING_APPROVAL | DEN_PENDING_APPROVAL_NEW;
	int result = PAM_SUCCESS;

	/* The certificate was the business of the phases before. */
	call->args.certificate = "off";
	if (memory && memory->has_pending)
		*pending = memory->pending;
	else
		result = denpam_ask_pending(call, pending);
	/* A newer denshid may want what this module can't do: better no login than half of one. */
	if (result == PAM_SUCCESS && (*pending & ~known))
		result = denpam_refuse_code(call, DEN_INTERNAL, "pending");
	if (!(call->flags & PAM_CHANGE_EXPIRED_AUTHTOK))
		*pending &= DEN_PENDING_APPROVAL | DEN_PENDING_APPROVAL_NEW;
	return result;
}

static int prelim(struct denpam_call *call, const struct step *step)
{
	struct den_message *request = denpam_request(call, DEN_OP_PASSWD);
	struct den_message *reply;
	int result = PAM_SUCCESS;

	if (request) {
		den_message_add_string(request, DEN_TAG_KIND, step->kind);
		den_message_add_number(request, DEN_TAG_DRY_RUN, 1);
	}
	reply = denpam_ask_denshid(call, request);
	if (!reply || den_message_kind(reply) != DEN_OK) {
		(void)denpam_refuse(call, reply);
		result = denpam_result_prelim(
			reply ? (enum den_code)den_message_kind(reply) : DEN_INTERNAL);
	}
	den_message_free(reply);
	return result;
}

static int change_all(struct denpam_call *call, uint64_t pending)
{
	struct secrets s = {NULL, NULL, NULL, NULL};
	int result = secrets_new(&s);

	if (!(call->flags & PAM_CHANGE_EXPIRED_AUTHTOK) && result == PAM_SUCCESS)
		result = change(call, &wish, &s);
	for (size_t i = 0; i < NSTEPS && result == PAM_SUCCESS; i++)
		if (pending & steps[i].pending)
			result = change(call, &steps[i], &s);
	secrets_free(&s);
	return result;
}

static int prelim_all(struct denpam_call *call, uint64_t pending)
{
	int result = PAM_SUCCESS;

	if (!(call->flags & PAM_CHANGE_EXPIRED_AUTHTOK))
		result = prelim(call, &wish);
	for (size_t i = 0; i < NSTEPS && result == PAM_SUCCESS; i++)
		if (pending & steps[i].pending)
			result = prelim(call, &steps[i]);
	return result;
}

int denpam_change_passwords(struct denpam_call *call)
{
	int expired = call->flags & PAM_CHANGE_EXPIRED_AUTHTOK;
	uint64_t pending = 0;
	int result;

	/* sshd and login are root too, but they say that the user is to change what is pending. */
	if (!expired && getuid() == 0)
		return denpam_refuse_code(call, DEN_ROOT_CHANGES_NOTHING, call->login);
	result = pending_set(call, &pending);
	if (result != PAM_SUCCESS)
		return result;
	return call->flags & PAM_PRELIM_CHECK ? prelim_all(call, pending) :
		change_all(call, pending);
}
