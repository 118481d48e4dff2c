/* Logging in: the requests of pam_denshi. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/password.h"
#include "denshid/call.h"
#include "denshid/log.h"
#include "denshid/pace.h"
#include "denshid/proof.h"
#include "denshid/refused.h"
#include "directory/user.h"

/* "Left" of a name that nobody has. */
#define NO_COUNT UINT_MAX

/* Whom a PAM request is about: DEN_OK and *user where in force. */
static enum den_code about(struct call *c, struct view_user *user)
{
	char login[DEN_LOGIN_ID_SIZE];

	return call_login(c, login) && view_user_by_login(c->shared->view, login, user) ? DEN_OK : DEN_LOGIN_UNKNOWN;
}

/* Whether sshd says that a key was used (SSH_AUTH_INFO_0). */
static int shows_key(const struct call *c)
{
	return strstr(call_string(c, DEN_TAG_AUTH_INFO), "publickey ") != NULL;
}

/* The proof of the certificate, where the service demands one or one was shown (R-LOGIN-1). */
static enum den_code check_certificate(struct call *c, const char *login)
{
	const char *policy = call_string(c, DEN_TAG_CERTIFICATE);
	enum den_code code;

	if (proof_is_given(c, login))
		return certificate_check_record(c, login);
	if (strcmp(policy, "required") == 0)
		return certificate_check_login(c, login);
	/* sshd tells the account phase of no key where that is the whole login. */
	if (strcmp(policy, "on-record") == 0)
		return shows_key(c) ? certificate_check_login(c, login) : certificate_check_record(c, login);
	if (strcmp(policy, "optional") != 0 && strcmp(policy, "off") != 0 && *policy) {
		call_arg(c, "certificate=%s", policy);
		return DEN_BAD_REQUEST;
	}
	if (strcmp(policy, "optional") != 0 || !shows_key(c))
		return DEN_OK;
	/* Optional means that none need be shown, not that any will do. */
	code = certificate_check_login(c, login);
	return code == DEN_CERT_NONE_ON_RECORD ? DEN_OK : code;
}

/* sshd shows a refusal with the next question, and then only if that is asked in the same
 * conversation: it is said again. */
static void tell_last_refusal(struct call *c)
{
	char login[DEN_LOGIN_ID_SIZE], text[16];
	unsigned left;

	if (!call_login(c, login) || !refused_last(c->shared->refused, login, den_now_ms(), &left))
		return;
	snprintf(text, sizeof(text), "%u", left);
	if (left == NO_COUNT)
		call_reason(c, DEN_LOGIN_UNKNOWN, NULL);
	else
		call_reason(c, DEN_LOGIN_WRONG, text);
}

/* Whoever shows none is told so whether the name is known or not; or is asked for a proof. */
static enum den_code show_one(struct call *c)
{
	char login[DEN_LOGIN_ID_SIZE];

	if (den_message_number(c->in, DEN_TAG_PROVER, 0) && call_login(c, login) &&
		(c->uid == 0 || strcmp(c->peer.login, login) == 0))
		return proof_ask(c, login);
	call_arg(c, "%s", call_string(c, DEN_TAG_LOGIN));
	return DEN_CERT_NONE_SHOWN;
}

static enum den_code begin(struct call *c)
{
	struct view_user user;
	enum den_code code;

	if (strcmp(call_string(c, DEN_TAG_CERTIFICATE), "required") == 0 && !shows_key(c))
		return show_one(c);
	/* Somebody who isn't in force is asked for a password like everybody else. */
	if (about(c, &user) != DEN_OK)
		return DEN_OK;
	code = check_certificate(c, user.login);
	if (code != DEN_OK)
		log_audit("certificate", "user", user.login, "result", den_code_name(code), "service",
			call_string(c, DEN_TAG_SERVICE), "rhost", call_string(c, DEN_TAG_RHOST), NULL);
	return code;
}

enum den_code login_begin(struct call *c)
{
	enum den_code code = begin(c);

	if (code == DEN_OK)
		tell_last_refusal(c);
	return code;
}

/* Evaluated: counted where the name is known; as dear where it isn't (R-LOCK-4). */
static enum den_code evaluate(struct call *c, const char *name, const struct den_secret *password)
{
	int64_t from_us = pace_now_us();
	unsigned left = NO_COUNT;
	struct view_user user;
	enum den_code code = about(c, &user);
	struct dendir *d;

	if (code == DEN_OK) {
		code = call_check_password(c, DENDIR_LOGIN, user.login, call_string(c, DEN_TAG_SERVICE), password,
			NULL, &left);
		if (code == DEN_LOGIN_WRONG)
			pace_known(c->shared->pace, pace_now_us() - from_us);
	} else if ((d = call_directory(c, &code))) {
		/* The name itself is told to nobody and logged nowhere (R-LOCK-4). */
		dendir_credential_decoy(d, password);
		pace_unknown(c->shared->pace, pace_now_us() - from_us);
		code = DEN_LOGIN_UNKNOWN;
	}
	/* At the last one it is locked: that is what is told from then on. */
	if (code == DEN_LOGIN_UNKNOWN || (code == DEN_LOGIN_WRONG && left > 0))
		refused_remember(c->shared->refused, name, password, den_now_ms(), left);
	else if (code == DEN_OK || code == DEN_LOGIN_WRONG || code == DEN_LOGIN_LOCKED)
		refused_forget(c->shared->refused, name);
	return code;
}

/* Whether an equal guess was refused a moment ago, and nothing has changed since: an unknown name
 * may have come into force. */
static int was_refused(struct call *c, const char *name, const struct den_secret *password, unsigned *left)
{
	struct view_user user;
	int known = about(c, &user) == DEN_OK;

	return refused_lately(c->shared->refused, name, password, den_now_ms(), left) &&
		known == (*left != NO_COUNT);
}

/* The answer that it had. */
static enum den_code refuse_again(struct call *c, const char *name, unsigned left)
{
	if (left == NO_COUNT)
		return DEN_LOGIN_UNKNOWN;
	call_arg(c, "%u", left);
	log_audit("password", "credential", "login", "user", name, "result", "repeated", "service",
		call_string(c, DEN_TAG_SERVICE), "rhost", call_string(c, DEN_TAG_RHOST), "host",
		c->shared->site->host, NULL);
	return DEN_LOGIN_WRONG;
}

enum den_code login_auth(struct call *c)
{
	struct den_secret *password = call_secret(c, DEN_TAG_PASSWORD);
	char login[DEN_LOGIN_ID_SIZE];
	const char *name = call_login(c, login) ? login : "";
	enum den_code code;
	unsigned left;

	if (!password)
		return DEN_INTERNAL;
	/* sshd's made-up one for users whom it lets in nowhere has control characters. */
	if (!den_password_is_possible(den_secret_bytes(password), den_secret_len(password)))
		code = DEN_PASSWORD_IMPOSSIBLE;
	else if (was_refused(c, name, password, &left))
		code = refuse_again(c, name, left);
	else
		code = evaluate(c, name, password);
	den_secret_free(password);
	return code;
}

/* R-PW-2: only where the password is the only proof that the service asks for. */
static int has_expired(struct call *c, struct dendir *d, const struct dendir_credential_state *login)
{
	const char *certificate = call_string(c, DEN_TAG_CERTIFICATE);
	const struct den_password_policy *policy;

	if (strcmp(certificate, "required") == 0 || strcmp(certificate, "on-record") == 0 || shows_key(c) ||
		!login->changed)
		return 0;
	policy = call_password_policy(d);
	return policy->days && login->changed + (int64_t)policy->days * DAY_S < c->now;
}

/* What the user must do before anything else. DEN_OK and *pending. */
static enum den_code find_pending(struct call *c, struct dendir *d, const struct view_user *user,
	uint64_t *pending)
{
	struct dendir_credential_state login, approval;
	int master = (user->flags & DEN_USER_MASTER) != 0;
	enum den_code code = dendir_credential_state(d, DENDIR_LOGIN, user->login, &login);

	*pending = 0;
	if (code != DEN_OK)
		return code;
	if (!login.exists)
		return DEN_LOGIN_UNKNOWN;
	if (login.taken >= DENDIR_ATTEMPTS &&
		(code = dendir_credential_is_open(d, DENDIR_LOGIN, user->login)) != DEN_OK) {
		call_arg(c, "%s", user->login);
		return code;
	}
	if (login.must_change)
		*pending |= DEN_PENDING_LOGIN;
	else if (has_expired(c, d, &login))
		*pending |= DEN_PENDING_EXPIRED;
	if (!master && !(user->flags & DEN_USER_APPROVER))
		return DEN_OK;
	code = dendir_credential_state(d, DENDIR_APPROVAL, user->login, &approval);
	if (code == DEN_OK && approval.exists && approval.must_change && approval.taken < DENDIR_ATTEMPTS)
		*pending |= DEN_PENDING_APPROVAL;
	if (code == DEN_OK && !approval.exists && master)
		*pending |= DEN_PENDING_APPROVAL_NEW;
	return code;
}

enum den_code login_account(struct call *c)
{
	struct view_user user;
	struct dendir *d = NULL;
	uint64_t pending = 0;
	enum den_code code = about(c, &user);

	if (code == DEN_OK && (user.flags & DEN_USER_SUSPENDED)) {
		call_arg(c, "%s", user.login);
		code = DEN_SUSPENDED;
	}
	if (code == DEN_OK)
		code = check_certificate(c, user.login);
	if (code == DEN_OK && (d = call_directory(c, &code)))
		code = find_pending(c, d, &user, &pending);
	if (code == DEN_DIRECTORY_REFUSED)
		call_refused(c, d, code);
	den_message_add_number(c->out, DEN_TAG_NUMBER, pending);
	log_audit("account", "user", code == DEN_LOGIN_UNKNOWN ? "" : user.login, "result", den_code_name(code),
		"service", call_string(c, DEN_TAG_SERVICE), "rhost", call_string(c, DEN_TAG_RHOST), NULL);
	return code;
}

/* -- changing passwords -------------------------------------------------------------- */

/* Every broken rule of the new password as a reason; current is NULL where it is none
 * of this credential. 1 where there is one. */
static int breaks_rules(struct call *c, struct dendir *d, enum den_password_kind kind, const char *login,
	const struct den_secret *fresh, const struct den_secret *current)
{
	const struct den_password_policy *preset = call_password_policy(d);
	struct den_password_policy alone = den_password_alone(preset);
	const struct den_password_policy *policy =
		strcmp(certificate_state(c, d, login), "issued") == 0 ? preset : &alone;
	unsigned broken = den_password_check(policy, kind, login, den_secret_bytes(fresh), den_secret_len(fresh));
	int same = current && den_secret_len(current) && den_secret_equal(fresh, current);

	for (unsigned rule = 0; rule < DEN_RULES; rule++) {
		unsigned limit;
		int code = den_password_rule_code(policy, kind, rule, &limit);
		char text[16];

		if (!(broken & (1u << rule)))
			continue;
		snprintf(text, sizeof(text), "%u", limit);
		call_reason(c, (enum den_code)code, limit ? text : NULL);
	}
	if (same)
		call_reason(c, DEN_PW_IS_CURRENT, NULL);
	return broken || same;
}

/* A master's first approval password, under their own login identity (R-APW-2). */
static enum den_code make_first_approval(struct call *c, const struct view_user *user,
	const struct den_secret *login_password, const struct den_secret *fresh)
{
	struct dendir_proof *proof = NULL;
	enum den_code code;

	if (den_secret_equal(login_password, fresh)) {
		call_reason(c, DEN_PW_IS_OTHER, NULL);
		return DEN_PASSWORD_NOT_CHANGED;
	}
	code = call_check_password(c, DENDIR_LOGIN, user->login, call_string(c, DEN_TAG_SERVICE), login_password,
		&proof, NULL);
	if (code == DEN_OK)
		code = dendir_approval_create_own(proof, fresh);
	if (proof)
		call_refused(c, dendir_proof_connection(proof), code);
	dendir_proof_free(proof);
	return code;
}

/* The directory knows the password: the current one, or one before it. */
static enum den_code refuse_former(struct call *c, struct dendir *d, enum den_password_kind kind)
{
	unsigned history = kind == DEN_PASSWORD_LOGIN ? call_password_policy(d)->history : 0;
	char text[16];

	snprintf(text, sizeof(text), "%u", history);
	if (history)
		call_reason(c, DEN_PW_IN_HISTORY, text);
	else
		call_reason(c, DEN_PW_IS_CURRENT, NULL);
	return DEN_PASSWORD_NOT_CHANGED;
}

static enum den_code change(struct call *c, const struct view_user *user, enum dendir_credential which,
	struct dendir *d, const struct den_secret *current, const struct den_secret *fresh)
{
	enum den_password_kind kind = which == DENDIR_LOGIN ? DEN_PASSWORD_LOGIN : DEN_PASSWORD_APPROVAL;
	struct dendir_credential_state state;
	struct dendir_proof *proof = NULL;
	int first;
	enum den_code code = call_refused(c, d, dendir_credential_state(d, which, user->login, &state));

	if (code != DEN_OK)
		return code;
	first = which == DENDIR_APPROVAL && !state.exists && (user->flags & DEN_USER_MASTER);
	if (breaks_rules(c, d, kind, user->login, fresh, first ? NULL : current))
		return DEN_PASSWORD_NOT_CHANGED;
	if (first)
		return make_first_approval(c, user, current, fresh);
	code = call_check_password(c, which, user->login, call_string(c, DEN_TAG_SERVICE), current, &proof, NULL);
	if (code == DEN_OK) {
		code = dendir_credential_change(proof, fresh);
		call_refused(c, dendir_proof_connection(proof), code);
		/* What was wrong may be right now. */
		refused_forget(c->shared->refused, user->login);
	}
	if (code == DEN_PW_IS_CURRENT)
		code = refuse_former(c, d, kind);
	dendir_proof_free(proof);
	return code;
}

enum den_code login_passwd(struct call *c)
{
	const char *kind = call_string(c, DEN_TAG_KIND);
	enum dendir_credential which = strcmp(kind, "approval") == 0 ? DENDIR_APPROVAL : DENDIR_LOGIN;
	struct den_secret *current = NULL, *fresh = NULL;
	struct view_user user;
	struct dendir *d;
	enum den_code code = about(c, &user);

	if (code == DEN_OK)
		code = call_needs_root_or(c, user.login);
	if (code == DEN_OK && which == DENDIR_LOGIN && strcmp(kind, "login") != 0) {
		call_arg(c, "kind %s", kind);
		code = DEN_BAD_REQUEST;
	}
	if (code != DEN_OK || !(d = call_directory(c, &code)) || call_dry_run(c))
		return code;
	current = call_secret(c, DEN_TAG_CURRENT);
	fresh = call_secret(c, DEN_TAG_PASSWORD);
	code = current && fresh ? change(c, &user, which, d, current, fresh) : DEN_INTERNAL;
	den_secret_free(current);
	den_secret_free(fresh);
	log_audit("passwd", "credential", kind, "user", user.login, "result", den_code_name(code), "service",
		call_string(c, DEN_TAG_SERVICE), NULL);
	return code;
}
