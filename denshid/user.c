/* Users: creating, changing, removing, suspending, unlocking (R-DATA-1, R-UPD). */
#include "directory/user.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/password.h"
#include "crypto/digest.h"
#include "denshid/call.h"
#include "denshid/fields.h"
#include "denshid/log.h"
#include "denshid/refused.h"
#include "directory/update.h"

#define GENERATED_PASSWORD_SIZE 13 /* 12 characters (R-INIT-1) and a NUL */

/* -- the fields of the form ------------------------------------------------------------ */

struct form {
	struct call *c;
	unsigned wrong;
};

static void wrong(struct form *f, enum den_code code, const char *found)
{
	f->wrong++;
	call_reason(f->c, code, found);
}

/* What a field's rule said of it. */
static void take(struct form *f, enum den_code code)
{
	if (code != DEN_OK)
		wrong(f, code, NULL);
}

static void take_name(struct form *f, struct dendir_user *u)
{
	take(f, field_name(u->name, call_string(f->c, DEN_TAG_NAME)));
}

static void take_mail(struct form *f, struct dendir_user *u)
{
	const char *mail = call_string(f->c, DEN_TAG_MAIL);
	const char *again = den_message_string(f->c->in, DEN_TAG_MAIL_AGAIN);

	take(f, field_mail(u->mail, mail));
	if (again && strcmp(mail, again) != 0)
		wrong(f, DEN_FIELD_MAIL_MISMATCH, NULL);
}

static void take_role(struct form *f, struct dendir_user *u)
{
	take(f, field_role(u->role, call_string(f->c, DEN_TAG_ROLE)));
}

static void take_language(struct form *f, struct dendir_user *u)
{
	take(f, field_language(u->lang, call_string(f->c, DEN_TAG_LANG)));
}

/* An initial password of half-width letters and digits, shown once. */
static int generate(struct den_secret *secret)
{
	char text[GENERATED_PASSWORD_SIZE];
	int ok = dencrypt_random_id(text, sizeof(text)) == DENCRYPT_OK && den_secret_set(secret, text, strlen(text)) == 0;

	explicit_bzero(text, sizeof(text));
	return ok;
}

static void take_initial(struct form *f, struct dendir *d, const char *login, struct den_secret *initial)
{
	size_t len, again_len;
	const void *typed = den_message_bytes(f->c->in, DEN_TAG_PASSWORD, &len);
	const void *again = den_message_bytes(f->c->in, DEN_TAG_PASSWORD_AGAIN, &again_len);

	if (den_message_number(f->c->in, DEN_TAG_GENERATE, 0)) {
		if (!generate(initial))
			wrong(f, DEN_FIELD_INITIAL, NULL);
		return;
	}
	if (!typed || den_secret_set(initial, typed, len) != 0)
		wrong(f, DEN_FIELD_INITIAL, NULL);
	else
		take(f, field_initial(call_password_policy(d), login, initial));
	if (again && (!typed || again_len != len || memcmp(typed, again, len) != 0))
		wrong(f, DEN_PW_MISMATCH, NULL);
}

/* The summary that is shown before anything is stored. */
static void add_summary(struct call *c, const struct dendir_user *u)
{
	den_message_add_string(c->out, DEN_TAG_LOGIN, u->login);
	den_message_add_string(c->out, DEN_TAG_NAME, u->name);
	den_message_add_string(c->out, DEN_TAG_MAIL, u->mail);
	den_message_add_string(c->out, DEN_TAG_ROLE, u->role);
	den_message_add_string(c->out, DEN_TAG_STATE, u->state);
}

/* -- creating ------------------------------------------------------------------------------ */

static enum den_code take_login(struct form *f, struct dendir *d, char login[DEN_LOGIN_ID_SIZE])
{
	enum den_code code;

	if (!call_login(f->c, login)) {
		wrong(f, DEN_FIELD_LOGIN_ID, call_string(f->c, DEN_TAG_LOGIN));
		return DEN_OK;
	}
	code = dendir_login_is_free(d, login);
	if (code != DEN_FIELD_LOGIN_ID_TAKEN)
		return code;
	wrong(f, code, login);
	return DEN_OK;
}

static enum den_code fill_new(struct form *f, struct dendir *d, struct dendir_user *u, struct den_secret *initial)
{
	enum den_code code = take_login(f, d, u->login);

	take_name(f, u);
	take_mail(f, u);
	take_role(f, u);
	take_language(f, u);
	take_initial(f, d, u->login, initial);
	memcpy(u->prepared_by, f->c->peer.login, sizeof(u->prepared_by));
	return code;
}

enum den_code user_create(struct call *c)
{
	struct form f = {.c = c};
	struct dendir_user u = {0};
	struct den_secret *initial = den_secret_new();
	enum den_code code;
	struct dendir *d = call_directory(c, &code);

	if (d && !initial)
		code = DEN_INTERNAL;
	if (code == DEN_OK)
		code = fill_new(&f, d, &u, initial);
	if (code == DEN_OK && f.wrong)
		code = DEN_FIELDS_WRONG;
	if (code == DEN_OK && !call_dry_run(c)) {
		code = dendir_user_prepare(d, &u, initial);
		if (code == DEN_FIELD_LOGIN_ID_TAKEN)
			call_arg(c, "%s", u.login);
		if (code == DEN_OK && den_message_number(c->in, DEN_TAG_GENERATE, 0))
			den_message_add_string(c->out, DEN_TAG_PASSWORD, den_secret_bytes(initial));
		log_audit("user-create", "by", c->peer.login, "user", u.login, "result", den_code_name(code), NULL);
	}
	if (code == DEN_OK) {
		add_summary(c, &u);
		update_add_pending(c, d);
	}
	den_secret_free(initial);
	return d ? call_refused(c, d, code) : code;
}

/* -- changing and removing -------------------------------------------------------------------- */

/* The user that the request names, registered or prepared. */
static enum den_code read_named(struct call *c, struct dendir *d, struct dendir_user *u)
{
	char login[DEN_LOGIN_ID_SIZE];
	enum den_code code = DEN_UNKNOWN_USER;

	memset(u, 0, sizeof(*u));
	if (call_login(c, login)) {
		code = dendir_user_read(d, DENDIR_PEOPLE, login, u);
		if (code == DEN_UNKNOWN_USER)
			code = dendir_user_read(d, DENDIR_PREPARED, login, u);
	}
	if (code == DEN_UNKNOWN_USER)
		call_arg(c, "%s", call_string(c, DEN_TAG_LOGIN));
	return call_refused(c, d, code);
}

static int count_active(void *context, const struct dendir_user *u)
{
	*(unsigned *)context += strcmp(u->state, "active") == 0;
	return 0;
}

/* R-ROLE-3, told at once; the update checks it again for all its changes together. */
static enum den_code not_the_last_master(struct call *c, struct dendir *d, const struct dendir_user *u)
{
	unsigned masters = 0;
	enum den_code code;

	if (!dendir_user_is_master(u) || strcmp(u->state, "active") != 0)
		return DEN_OK;
	code = dendir_user_each(d, DENDIR_PEOPLE, "(&(uid=*)(denshiRole=master))", count_active, &masters);
	if (code == DEN_OK && masters <= 1) {
		call_arg(c, "%s", u->login);
		return DEN_LAST_MASTER;
	}
	return call_refused(c, d, code);
}

static int is_given(struct call *c, enum den_tag tag)
{
	return den_message_string(c->in, tag) != NULL;
}

static enum den_code prepare(struct call *c, struct dendir *d, const char *login, const char *event,
	struct dendir_user_change *change)
{
	enum den_code code;

	change->by = c->peer.login;
	code = call_refused(c, d, dendir_user_prepare_change(d, login, change));
	if (code == DEN_AUTHORITIES_PREPARED)
		call_arg(c, "%s", login);
	log_audit(event, "by", c->peer.login, "user", login, "result", den_code_name(code), NULL);
	return code;
}

static void keep_if_empty(char *field, const char *old, size_t size)
{
	if (!*field)
		memcpy(field, old, size);
}

enum den_code user_change(struct call *c)
{
	struct form f = {.c = c};
	struct dendir_user u, after = {0};
	struct dendir_user_change change = {0};
	enum den_code code;
	struct dendir *d = call_directory(c, &code);

	if (!d)
		return code;
	code = read_named(c, d, &u);
	if (code == DEN_OK && !u.uid && u.nauthorities) {
		call_arg(c, "%s", u.login);
		code = DEN_AUTHORITIES_PREPARED;
	}
	if (code == DEN_OK && is_given(c, DEN_TAG_NAME))
		take_name(&f, &after);
	if (code == DEN_OK && is_given(c, DEN_TAG_MAIL))
		take_mail(&f, &after);
	if (code == DEN_OK && is_given(c, DEN_TAG_ROLE))
		take_role(&f, &after);
	if (code == DEN_OK && is_given(c, DEN_TAG_LANG))
		take_language(&f, &after);
	if (code == DEN_OK && f.wrong)
		code = DEN_FIELDS_WRONG;
	if (code == DEN_OK && !*after.name && !*after.mail && !*after.role && !*after.lang)
		code = DEN_NOTHING_TO_CHANGE;
	if (code == DEN_OK && strcmp(after.role, "general") == 0)
		code = not_the_last_master(c, d, &u);
	change = (struct dendir_user_change){
		.name = after.name, .mail = after.mail, .role = after.role, .lang = after.lang};
	if (code == DEN_OK && !call_dry_run(c))
		code = prepare(c, d, u.login, "user-change", &change);
	if (code == DEN_OK) {
		/* Shown whole, as the user will be. */
		keep_if_empty(after.name, u.name, sizeof(after.name));
		keep_if_empty(after.mail, u.mail, sizeof(after.mail));
		keep_if_empty(after.role, u.role, sizeof(after.role));
		memcpy(after.login, u.login, sizeof(after.login));
		add_summary(c, &after);
		update_add_pending(c, d);
	}
	dendir_user_done(&u);
	return code;
}

enum den_code user_delete(struct call *c)
{
	struct dendir_user_change change = {.remove = 1};
	struct dendir_user u;
	enum den_code code;
	struct dendir *d = call_directory(c, &code);

	if (!d)
		return code;
	code = read_named(c, d, &u);
	if (code == DEN_OK)
		code = not_the_last_master(c, d, &u);
	if (code == DEN_OK && !call_dry_run(c))
		code = prepare(c, d, u.login, "user-delete", &change);
	if (code == DEN_OK) {
		add_summary(c, &u);
		update_add_pending(c, d);
	}
	dendir_user_done(&u);
	return code;
}

/* -- at once: suspending and unlocking ------------------------------------------------------------ */

/* update was begun before `before` was read. */
static enum den_code run_direct(struct call *c, struct dendir_update *update, const struct dendir_user *before,
	const struct dendir_user *after)
{
	struct dendir_proof *proof = NULL;
	int64_t serial;
	enum den_code code = dendir_update_direct(update, before, after);

	if (code == DEN_OK)
		code = call_approve(c, &proof);
	if (code == DEN_OK)
		code = update_execute(c, update, proof, &serial);
	dendir_proof_free(proof);
	return code;
}

enum den_code user_suspend(struct call *c)
{
	const char *state = call_string(c, DEN_TAG_STATE);
	struct dendir_update *update = NULL;
	struct dendir_user before = {0}, after = {0};
	enum den_code code;
	struct dendir *d = call_directory(c, &code);

	if (!d)
		return code;
	if (strcmp(state, "suspended") != 0 && strcmp(state, "active") != 0) {
		call_arg(c, "state %s", state);
		return DEN_BAD_REQUEST;
	}
	code = call_refused(c, d, dendir_update_new(&update, d));
	if (code == DEN_OK)
		code = read_named(c, d, &before);
	if (code == DEN_OK && !before.uid) {
		call_arg(c, "%s", before.login);
		code = DEN_NOT_IN_FORCE;
	}
	if (code == DEN_OK && strcmp(before.state, state) == 0)
		code = DEN_NOTHING_TO_CHANGE;
	if (code == DEN_OK && strcmp(state, "suspended") == 0)
		code = not_the_last_master(c, d, &before);
	if (code == DEN_OK && dendir_user_copy(&after, &before) != 0)
		code = DEN_INTERNAL;
	if (code == DEN_OK) {
		snprintf(after.state, sizeof(after.state), "%s", state);
		code = run_direct(c, update, &before, &after);
	}
	log_audit("suspend", "by", c->peer.login, "user", before.login, "state", state, "result",
		den_code_name(code), NULL);
	dendir_update_free(update);
	dendir_user_done(&before);
	dendir_user_done(&after);
	return code;
}

/* The new initial password of an unlocked credential (R-LOCK-5). */
static enum den_code check_new_initial(struct call *c, struct dendir *d, enum dendir_credential which,
	const char *login, const struct den_secret *initial)
{
	enum den_password_kind kind = which == DENDIR_LOGIN ? DEN_PASSWORD_INITIAL : DEN_PASSWORD_INITIAL_APPROVAL;

	if (den_password_check(call_password_policy(d), kind, login, den_secret_bytes(initial), den_secret_len(initial)) == 0)
		return DEN_OK;
	call_reason(c, which == DENDIR_LOGIN ? DEN_FIELD_INITIAL : DEN_FIELD_INITIAL_APPROVAL, NULL);
	return DEN_FIELDS_WRONG;
}

static enum den_code unlock(struct call *c, struct dendir *d, enum dendir_credential which, const char *login)
{
	struct den_secret *initial = call_secret(c, DEN_TAG_INITIAL);
	struct dendir_proof *proof = NULL;
	enum den_code code = initial ? DEN_OK : DEN_INTERNAL;
	int generated = den_message_number(c->in, DEN_TAG_GENERATE, 0) != 0;

	if (code == DEN_OK && generated)
		code = generate(initial) ? DEN_OK : DEN_INTERNAL;
	else if (code == DEN_OK)
		code = check_new_initial(c, d, which, login, initial);
	if (code == DEN_OK)
		code = call_approve(c, &proof);
	if (code == DEN_OK) {
		code = dendir_credential_reset(dendir_proof_connection(proof), which, login, initial);
		call_refused(c, dendir_proof_connection(proof), code);
		/* What was wrong may be right now. */
		refused_forget(c->shared->refused, login);
	}
	if (code == DEN_OK && generated)
		den_message_add_string(c->out, DEN_TAG_PASSWORD, den_secret_bytes(initial));
	dendir_proof_free(proof);
	den_secret_free(initial);
	return code;
}

enum den_code user_unlock(struct call *c)
{
	enum dendir_credential which =
		strcmp(call_string(c, DEN_TAG_KIND), "approval") == 0 ? DENDIR_APPROVAL : DENDIR_LOGIN;
	struct dendir_credential_state state;
	struct dendir_user u;
	enum den_code code;
	struct dendir *d = call_directory(c, &code);

	if (!d)
		return code;
	code = read_named(c, d, &u);
	if (code == DEN_OK && !u.uid) {
		call_arg(c, "%s", u.login);
		code = DEN_NOT_IN_FORCE;
	}
	/* Unlocking must not make an approval credential for somebody who should have none; an approver of
	 * a bulk load gets the initial one this way (R-AUTH-5). */
	if (code == DEN_OK && which == DENDIR_APPROVAL && (dendir_user_is_master(&u) || !dendir_user_is_approver(&u))) {
		code = dendir_credential_state(d, which, u.login, &state);
		if (code == DEN_OK && !state.exists) {
			call_arg(c, "%s", u.login);
			code = DEN_APPROVAL_NONE;
		}
	}
	if (code == DEN_OK)
		code = unlock(c, d, which, u.login);
	log_audit("unlock", "by", c->peer.login, "user", u.login, "credential", call_string(c, DEN_TAG_KIND),
		"result", den_code_name(code), NULL);
	if (code == DEN_OK) {
		call_arg(c, "%s", u.login);
		code = which == DENDIR_LOGIN ? DEN_UNLOCKED : DEN_UNLOCKED_APPROVAL;
	}
	dendir_user_done(&u);
	return code;
}

/* -- listing ---------------------------------------------------------------------------------------- */

/* Users are collected first: each row asks the directory for more. */
struct list {
	struct dendir_user *users;
	size_t n, limit;
	int more; /* than the limit */
	int failed;
};

static int keep(void *context, const struct dendir_user *u)
{
	struct list *l = context;
	struct dendir_user *users;

	if (l->n == l->limit)
		return l->more = 1;
	users = reallocarray(l->users, l->n + 1, sizeof(*users));
	if (!users)
		return l->failed = 1;
	l->users = users;
	if (dendir_user_copy(&users[l->n], u) != 0)
		return l->failed = 1;
	l->n++;
	return 0;
}

static const char *approval_state(struct call *c, struct dendir *d, const struct dendir_credential_state *s)
{
	if (!s->exists)
		return "none";
	if (s->taken >= DENDIR_ATTEMPTS)
		return "locked";
	if (s->must_change)
		return "initial";
	return call_approval_end(d, s->changed) < c->now ? "expired" : "set";
}

/* An attempt's record as people read it: its time first, in UTC (R-LOCK-6). */
static void add_records(struct den_message *m, const struct dendir_credential_state *s)
{
	for (unsigned i = 0; i < s->nrecords; i++) {
		const char *record = s->records[i], *rest = strchr(record, ' ');
		char when[DENDIR_TIME_SIZE], text[256];
		struct tm tm;
		time_t t;

		snprintf(when, sizeof(when), "%.15s", record);
		t = (time_t)dendir_parse_time(when);
		if (t < 0 || !rest || !gmtime_r(&t, &tm) || !strftime(when, sizeof(when), "%H:%M:%S", &tm)) {
			den_message_add_string(m, DEN_TAG_RECORD, record);
			continue;
		}
		snprintf(text, sizeof(text), "%04d-%02d-%02d %s UTC%s", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, when,
			rest);
		den_message_add_string(m, DEN_TAG_RECORD, text);
	}
}

static const char *state_of(const struct dendir_user *u)
{
	if (u->is_change)
		return "changed";
	if (!u->uid)
		return "registered";
	return strcmp(u->state, "active") == 0 ? "published" : u->state;
}

static int send_user(struct call *c, struct dendir *d, const struct dendir_user *u)
{
	struct dendir_credential_state login = {0}, approval = {0};
	struct den_message *m = den_message_new(DEN_OK);

	if (!m)
		return -1;
	/* Prepared ones have no credential yet; what can't be read is shown as none. */
	if (u->uid) {
		(void)dendir_credential_state(d, DENDIR_LOGIN, u->login, &login);
		(void)dendir_credential_state(d, DENDIR_APPROVAL, u->login, &approval);
	}
	den_message_add_string(m, DEN_TAG_LOGIN, u->login);
	den_message_add_string(m, DEN_TAG_NAME, u->name);
	den_message_add_string(m, DEN_TAG_MAIL, u->mail);
	den_message_add_string(m, DEN_TAG_ROLE, u->role);
	den_message_add_string(m, DEN_TAG_STATE, state_of(u));
	for (size_t i = 0; i < u->nauthorities; i++)
		den_message_add_string(m, DEN_TAG_AUTHORITY, u->authorities[i]);
	den_message_add_number(m, DEN_TAG_ATTEMPTS, login.taken);
	add_records(m, &login);
	add_records(m, &approval);
	den_message_add_string(m, DEN_TAG_APPROVAL_STATE, approval_state(c, d, &approval));
	den_message_add_string(m, DEN_TAG_CERT_STATE, certificate_state(c, d, u->login));
	den_message_add_number(m, DEN_TAG_UID, (uint64_t)u->uid);
	return call_row(c, m);
}

static int by_login(const void *a, const void *b)
{
	const struct dendir_user *x = a, *y = b;

	return strcmp(x->login, y->login);
}

/* One user, or those whose login ID or name has the request's filter in it. */
static const char *list_filter(struct call *c, const char *only, char *buf, size_t size)
{
	const char *part = call_string(c, DEN_TAG_FILTER);

	if (*only)
		return dendir_filter(buf, size, "(uid=%s)", only);
	return *part ? dendir_filter(buf, size, "(&(uid=*)(|(uid=*%s*)(cn=*%s*)))", part, part) : "(uid=*)";
}

static enum den_code collect_list(struct call *c, struct dendir *d, const char *only, struct list *l)
{
	char buf[4096];
	const char *filter = list_filter(c, only, buf, sizeof(buf));
	enum den_code code;

	if (!filter) {
		call_arg(c, "filter");
		return DEN_BAD_REQUEST;
	}
	code = dendir_user_each(d, DENDIR_PEOPLE, filter, keep, l);
	if (code == DEN_OK && !l->more)
		code = dendir_user_each(d, DENDIR_PREPARED, filter, keep, l);
	if (l->n)
		qsort(l->users, l->n, sizeof(*l->users), by_login);
	return l->failed ? DEN_INTERNAL : code;
}

enum den_code user_list(struct call *c)
{
	char only[DEN_LOGIN_ID_SIZE] = "";
	struct list l = {.limit = den_message_number(c->in, DEN_TAG_NUMBER, SIZE_MAX)};
	enum den_code code = DEN_OK;
	struct dendir *d;

	if (is_given(c, DEN_TAG_LOGIN) && !call_login(c, only)) {
		call_arg(c, "%s", call_string(c, DEN_TAG_LOGIN));
		return DEN_UNKNOWN_USER;
	}
	/* One's own entry for everybody, all for masters. */
	if (strcmp(only, c->peer.login) != 0)
		code = call_needs_master(c);
	if (code != DEN_OK || !(d = call_directory(c, &code)))
		return code;
	code = collect_list(c, d, only, &l);
	if (code == DEN_OK && *only && l.n == 0) {
		call_arg(c, "%s", only);
		code = DEN_UNKNOWN_USER;
	}
	for (size_t i = 0; i < l.n; i++) {
		if (code == DEN_OK && send_user(c, d, &l.users[i]) != 0)
			code = DEN_INTERNAL;
		dendir_user_done(&l.users[i]);
	}
	free(l.users);
	if (code == DEN_OK)
		update_add_pending(c, d);
	if (code == DEN_OK && l.more)
		den_message_add_number(c->out, DEN_TAG_NUMBER, l.n);
	return call_refused(c, d, code);
}
