/* Authorities (R-AUTH). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/password.h"
#include "denshid/call.h"
#include "denshid/log.h"
#include "directory/catalogue.h"
#include "directory/update.h"

/* -- the catalogue ------------------------------------------------------------------- */

static int send_authority(struct call *c, const char *id, const char *kind, const char *label)
{
	struct den_message *m = den_message_new(DEN_OK);

	if (m) {
		den_message_add_string(m, DEN_TAG_ID, id);
		den_message_add_string(m, DEN_TAG_KIND, kind);
		den_message_add_string(m, DEN_TAG_LABEL, label);
	}
	return call_row(c, m);
}

static int send_business(void *context, const struct dendir_business *b)
{
	static const char *const kinds[] = {"maker", "approver"};
	struct call *c = context;
	/* The language that the caller's locale tells, or the caller's own. */
	const char *asked = call_string(c, DEN_TAG_LANG);
	const char *label = b->label[den_lang_from_name(*asked ? asked : call_language(c))];
	char id[DENDIR_AUTHORITY_SIZE];

	if (b->rules.approval_free) {
		snprintf(id, sizeof(id), "%s.use", b->rules.id);
		return send_authority(c, id, "use", label);
	}
	for (size_t i = 0; i < 2; i++) {
		snprintf(id, sizeof(id), "%s.%s", b->rules.id, kinds[i]);
		if (send_authority(c, id, kinds[i], label) != 0)
			return -1;
	}
	return 0;
}

static int send_account(void *context, const struct dendir_account *a)
{
	char id[DENDIR_AUTHORITY_SIZE];

	snprintf(id, sizeof(id), "acct.%s", a->id);
	return send_authority(context, id, "account", a->label);
}

enum den_code authority_list(struct call *c)
{
	enum den_code code;
	struct dendir *d = call_directory(c, &code);

	if (!d)
		return code;
	code = dendir_business_each(d, send_business, c);
	if (code == DEN_OK)
		code = dendir_account_each(d, send_account, c);
	return call_refused(c, d, code);
}

/* -- a user's ---------------------------------------------------------------------------- */

/* The registered user that the request names. */
static enum den_code read_named(struct call *c, struct dendir *d, struct dendir_user *user)
{
	char login[DEN_LOGIN_ID_SIZE];
	struct dendir_user prepared;
	enum den_code code;

	memset(user, 0, sizeof(*user));
	if (!call_login(c, login)) {
		call_arg(c, "%s", call_string(c, DEN_TAG_LOGIN));
		return DEN_UNKNOWN_USER;
	}
	code = dendir_user_read(d, DENDIR_PEOPLE, login, user);
	if (code == DEN_UNKNOWN_USER) {
		if (dendir_user_read(d, DENDIR_PREPARED, login, &prepared) == DEN_OK)
			code = DEN_NOT_IN_FORCE;
		dendir_user_done(&prepared);
		call_arg(c, "%s", login);
	}
	return call_refused(c, d, code);
}

enum den_code authority_show(struct call *c)
{
	struct dendir_user user;
	struct den_message *m;
	char login[DEN_LOGIN_ID_SIZE];
	enum den_code code;
	struct dendir *d;

	/* One's own for everybody, others' for masters. */
	if (!call_login(c, login) || strcmp(login, c->peer.login) != 0) {
		code = call_needs_master(c);
		if (code != DEN_OK)
			return code;
	}
	d = call_directory(c, &code);
	if (!d)
		return code;
	code = read_named(c, d, &user);
	if (code == DEN_OK && (m = den_message_new(DEN_OK))) {
		den_message_add_string(m, DEN_TAG_LOGIN, user.login);
		den_message_add_string(m, DEN_TAG_NAME, user.name);
		for (size_t i = 0; i < user.nauthorities; i++)
			den_message_add_string(m, DEN_TAG_AUTHORITY, user.authorities[i]);
		(void)call_row(c, m);
	}
	dendir_user_done(&user);
	return code;
}

/* -- changing ------------------------------------------------------------------------------- */

/* Gives and takes what the request says; the catalogue decides what can be given. */
static enum den_code apply_fields(struct call *c, struct dendir *d, struct dendir_user *after)
{
	size_t cursor = 0, len;
	const char *value;
	uint16_t tag;

	while (den_message_next(c->in, &cursor, &tag, &value, &len)) {
		enum den_code code;

		if (tag == DEN_TAG_TAKE)
			dendir_user_take(after, value);
		if (tag != DEN_TAG_GIVE)
			continue;
		code = dendir_authority_check(d, value);
		if (code == DEN_AUTHORITY_UNKNOWN)
			call_arg(c, "%s", value);
		if (code != DEN_OK)
			return call_refused(c, d, code);
		if (dendir_user_give(after, value) != 0)
			return DEN_INTERNAL;
	}
	return DEN_OK;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void add_list(struct call *c, enum den_tag tag, struct dendir_user *user)
{
	if (user->nauthorities)
		qsort(user->authorities, user->nauthorities, sizeof(*user->authorities), by_name);
	for (size_t i = 0; i < user->nauthorities; i++)
		den_message_add_string(c->out, tag, user->authorities[i]);
}

/* Whether an initial approval password is needed: with the first approver authority, and
 * where there is no approval credential (R-AUTH-5). */
static enum den_code needs_initial(struct call *c, struct dendir *d, const struct dendir_user *before,
	const struct dendir_user *after, int *needed)
{
	struct dendir_credential_state state;
	enum den_code code;

	/* A master makes their own. */
	*needed = 0;
	if (!dendir_user_is_approver(after) || dendir_user_is_master(after))
		return DEN_OK;
	code = call_refused(c, d, dendir_credential_state(d, DENDIR_APPROVAL, after->login, &state));
	/* One that is there without an authority was left by a try that was killed: it isn't used. */
	*needed = code == DEN_OK && (!state.exists || !dendir_user_is_approver(before));
	return code;
}

static enum den_code check_initial(struct call *c, struct dendir *d, const struct dendir_user *after,
	const struct den_secret *initial)
{
	if (den_password_check(call_password_policy(d), DEN_PASSWORD_INITIAL_APPROVAL, after->login, den_secret_bytes(initial),
		    den_secret_len(initial)) == 0)
		return DEN_OK;
	call_reason(c, DEN_FIELD_INITIAL_APPROVAL, NULL);
	return DEN_FIELDS_WRONG;
}

/* A change of one user's authorities: what it was, what it shall be, and the update
 * that was begun before either was read. */
struct change {
	struct dendir_update *update;
	struct dendir_user before, after;
};

/* Under the master's approval identity, as a whole or not at all (R-AUTH-4). */
static enum den_code put_in_force(struct call *c, struct change *ch, const struct den_secret *initial)
{
	const struct dendir_user *after = &ch->after;
	struct dendir_proof *proof = NULL;
	int64_t serial = 0;
	enum den_code code = dendir_update_direct(ch->update, &ch->before, after);

	if (code == DEN_OK)
		code = call_approve(c, &proof);
	/* The credential first: an approver in force without one could do nothing, one
	 * with a credential but no authority in force may do nothing. */
	if (code == DEN_OK && initial)
		code = call_refused(c, dendir_proof_connection(proof),
			dendir_credential_reset(dendir_proof_connection(proof), DENDIR_APPROVAL, after->login, initial));
	if (code == DEN_OK)
		code = update_execute(c, ch->update, proof, &serial);
	/* As a whole or not at all: the next try sets an initial password of its own. */
	if (code != DEN_OK && initial && proof)
		(void)dendir_approval_disable(dendir_proof_connection(proof), after->login);
	if (code == DEN_OK && !dendir_user_is_approver(after) && !dendir_user_is_master(after))
		code = call_refused(c, dendir_proof_connection(proof),
			dendir_approval_disable(dendir_proof_connection(proof), after->login));
	if (code == DEN_OK) {
		call_arg(c, "%s", after->login);
		call_arg(c, "%lld", (long long)serial);
		code = DEN_AUTHORITY_DONE;
	}
	dendir_proof_free(proof);
	return code;
}

static int same_authorities(const struct dendir_user *a, const struct dendir_user *b)
{
	for (size_t i = 0; i < a->nauthorities; i++)
		if (!dendir_user_has(b, a->authorities[i]))
			return 0;
	return a->nauthorities == b->nauthorities;
}

static enum den_code change(struct call *c, struct dendir *d, struct change *ch)
{
	struct den_secret *initial = NULL;
	int needed;
	enum den_code code = apply_fields(c, d, &ch->after);

	if (code == DEN_OK && same_authorities(&ch->before, &ch->after))
		code = DEN_NOTHING_TO_CHANGE;
	if (code == DEN_OK)
		code = needs_initial(c, d, &ch->before, &ch->after, &needed);
	if (code != DEN_OK)
		return code;
	if (call_dry_run(c)) {
		add_list(c, DEN_TAG_BEFORE, &ch->before);
		add_list(c, DEN_TAG_AFTER, &ch->after);
		den_message_add_number(c->out, DEN_TAG_NUMBER, (uint64_t)needed);
		return DEN_OK;
	}
	if (needed) {
		initial = call_secret(c, DEN_TAG_INITIAL);
		code = initial ? check_initial(c, d, &ch->after, initial) : DEN_INTERNAL;
	}
	if (code == DEN_OK)
		code = put_in_force(c, ch, initial);
	den_secret_free(initial);
	return code;
}

enum den_code authority_change(struct call *c)
{
	struct change ch = {0};
	enum den_code code;
	struct dendir *d = call_directory(c, &code);

	if (!d)
		return code;
	code = call_refused(c, d, dendir_update_new(&ch.update, d));
	if (code == DEN_OK)
		code = read_named(c, d, &ch.before);
	if (code == DEN_OK && dendir_user_copy(&ch.after, &ch.before) != 0)
		code = DEN_INTERNAL;
	if (code == DEN_OK)
		code = change(c, d, &ch);
	if (!call_dry_run(c))
		log_audit("authority", "by", c->peer.login, "user", ch.before.login, "result", den_code_name(code), NULL);
	dendir_update_free(ch.update);
	dendir_user_done(&ch.before);
	dendir_user_done(&ch.after);
	return code;
}
