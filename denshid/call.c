#include "denshid/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/client.h"
#include "core/clock.h"
#include "denshid/last.h"
#include "denshid/log.h"
#include "denshid/standing.h"
#include "directory/schema.h"
#include "directory/user.h"
#include "directory/writer.h"

#define ROW_MS 1000
#define INSUFFICIENT_ACCESS 50 /* RFC 4511, appendix A */
/* A reservation and a bind with Argon2id take a fraction of it: with less left, nothing is
 * begun that might not end, and count. */
#define PASSWORD_MS 500

const char *call_string(const struct call *c, enum den_tag tag)
{
	return den_message_string_or_empty(c->in, tag);
}

const char *call_login(struct call *c, char login[DEN_LOGIN_ID_SIZE])
{
	const char *typed = call_string(c, DEN_TAG_LOGIN);

	return den_login_id_parse(login, typed, strlen(typed)) == 0 ? login : NULL;
}

struct den_secret *call_secret(const struct call *c, enum den_tag tag)
{
	struct den_secret *s = den_secret_new();
	size_t len = 0;
	const void *bytes = den_message_bytes(c->in, tag, &len);

	/* Too long, or with a NUL: the secret is empty, which no check accepts. */
	if (s && bytes)
		(void)den_secret_set(s, bytes, len);
	return s;
}

int call_dry_run(const struct call *c)
{
	return den_message_number(c->in, DEN_TAG_DRY_RUN, 0) != 0;
}

const char *call_language(struct call *c)
{
	struct view_user about;
	char login[DEN_LOGIN_ID_SIZE];

	if (*c->lang)
		return c->lang;
	if (*c->peer.login)
		memcpy(c->lang, c->peer.lang, sizeof(c->lang));
	else if (call_login(c, login) && view_user_by_login(c->shared->view, login, &about))
		memcpy(c->lang, about.lang, sizeof(c->lang));
	if (!*c->lang)
		view_language(c->shared->view, c->lang);
	if (!*c->lang)
		memcpy(c->lang, c->shared->config->language, sizeof(c->lang));
	return c->lang;
}

void call_arg(struct call *c, const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	den_message_add_string(c->out, DEN_TAG_ARG, text);
}

void call_reason(struct call *c, enum den_code code, const char *arg)
{
	den_message_add_number(c->out, DEN_TAG_CODE, code);
	den_message_add_string(c->out, DEN_TAG_CODE_ARG, arg);
}

int call_start_over(struct call *c)
{
	struct den_message *fresh = den_message_new(DEN_INTERNAL);

	if (!fresh)
		return -1;
	den_message_free(c->out);
	c->out = fresh;
	return 0;
}

int call_row(struct call *c, struct den_message *row)
{
	int64_t left = c->deadline_ms - den_now_ms();
	int rc = -1;

	/* Who asked is on this machine: slower is not reading. */
	if (left > ROW_MS)
		left = ROW_MS;
	if (row) {
		den_message_set_flags(row, DEN_MORE);
		rc = den_message_send(c->fd, row, left > 0 ? (int)left : 0);
	}
	den_message_free(row);
	return rc;
}

static enum den_code open_pooled(struct call *c)
{
	char why[DENDIR_WHY_SIZE];
	unsigned found;

	enum den_code code = c->reads ? dendir_open_any(c->pooled, c->shared->site, why)
				      : dendir_open(c->pooled, c->shared->site);

	if (code != DEN_OK)
		return DEN_DIRECTORY_DOWN;
	code = dendir_check_schema(*c->pooled, &found);
	if (code == DEN_OK)
		return DEN_OK;
	if (code == DEN_DIRECTORY_NEWER) {
		call_arg(c, "%u", found);
		call_arg(c, "%d", DENDIR_SCHEMA_VERSION);
	}
	dendir_close(*c->pooled);
	*c->pooled = NULL;
	return code == DEN_DIRECTORY_NEWER ? code : DEN_DIRECTORY_DOWN;
}

struct dendir *call_directory(struct call *c, enum den_code *code)
{
	*code = DEN_OK;
	if (*c->pooled && (dendir_is_stale(*c->pooled) || (!c->reads && !dendir_is_at_writer(*c->pooled)))) {
		dendir_close(*c->pooled);
		*c->pooled = NULL;
	}
	if (!*c->pooled && (*code = open_pooled(c)) != DEN_OK)
		return NULL;
	dendir_set_deadline(*c->pooled, c->deadline_ms);
	return *c->pooled;
}

/* The writer was handed over, and this host hasn't seen it yet: the next try goes there. */
static int was_handed_over(struct dendir *d)
{
	return dendir_result(d) == INSUFFICIENT_ACCESS && strchr(dendir_site_of(d)->uri, ' ') &&
		dendir_follow_update(d) == DEN_OK && !dendir_is_at_writer(d);
}

enum den_code call_refused(struct call *c, struct dendir *d, enum den_code code)
{
	char why[DENDIR_WHY_SIZE];

	snprintf(why, sizeof(why), "%s", dendir_diagnostic(d));
	if (code == DEN_DIRECTORY_REFUSED && was_handed_over(d)) {
		log_info("the writer is another server by now");
		return DEN_DIRECTORY_DOWN;
	}
	if (code == DEN_DIRECTORY_REFUSED) {
		call_arg(c, "%s", why);
		log_warn("the directory refused operation %u: %s", den_message_kind(c->in), why);
	}
	if (code == DEN_DIRECTORY_FULL)
		log_warn("the directory has no room: %s", dendir_diagnostic(d));
	return code;
}

enum den_code call_needs_user(struct call *c)
{
	if (!*c->peer.login) {
		call_arg(c, "uid %u", (unsigned)c->uid);
		return DEN_NOT_A_DENSHI_USER;
	}
	if (c->peer.flags & DEN_USER_SUSPENDED) {
		call_arg(c, "%s", c->peer.login);
		return DEN_SUSPENDED;
	}
	return DEN_OK;
}

enum den_code call_needs_master(struct call *c)
{
	enum den_code code = call_needs_user(c);

	if (code == DEN_OK && !(c->peer.flags & DEN_USER_MASTER)) {
		call_arg(c, "%s", c->peer.login);
		return DEN_MASTER_NEEDED;
	}
	return code;
}

enum den_code call_needs_root_or(struct call *c, const char *login)
{
	if (c->uid == 0 || strcmp(c->peer.login, login) == 0)
		return DEN_OK;
	call_arg(c, "%s", login);
	return DEN_NOT_PERMITTED;
}

enum den_code call_needs_service_or(struct call *c, const char *login)
{
	for (size_t i = 0; i < c->shared->nservices; i++)
		if (c->shared->services[i] == c->uid)
			return DEN_OK;
	return call_needs_root_or(c, login);
}

static const char *credential_name(enum dendir_credential which)
{
	return which == DENDIR_LOGIN ? "login" : "approval";
}

enum den_code call_check_password(struct call *c, enum dendir_credential which, const char *login,
	const char *service, const struct den_secret *password, struct dendir_proof **proof, unsigned *left_out)
{
	struct dendir_failures before = {0};
	const struct dendir_attempt attempt = {
		.before = &before,
		.login = login,
		.service = *service ? service : "-",
		.rhost = call_string(c, DEN_TAG_RHOST),
	};
	enum den_code code;
	struct dendir *d = call_directory(c, &code);
	unsigned left = 0;

	if (proof)
		*proof = NULL;
	if (d && !den_password_is_possible(den_secret_bytes(password), den_secret_len(password)))
		code = DEN_PASSWORD_IMPOSSIBLE;
	else if (d && c->deadline_ms - den_now_ms() < PASSWORD_MS)
		code = DEN_BUSY;
	else if (d)
		code = dendir_credential_check(d, which, &attempt, password, proof, &left);
	/* The answer to an attempt has the directory's time. */
	if (d)
		view_set_time(c->shared->view, dendir_told_time(d));
	/* It may be locked now, and what its owner approved stands no more. */
	if (which == DENDIR_APPROVAL)
		standing_forget(c->shared->standing);
	if (left_out)
		*left_out = left;
	if (code == DEN_OK && which == DENDIR_LOGIN)
		last_keep_failures(c->shared, login, &before);
	switch (code) {
	case DEN_LOGIN_WRONG:
	case DEN_APPROVAL_WRONG:
		call_arg(c, "%u", left);
		break;
	case DEN_LOGIN_LOCKED:
	case DEN_APPROVAL_LOCKED:
	case DEN_APPROVAL_NONE:
		call_arg(c, "%s", login);
		break;
	default:
		if (d)
			call_refused(c, d, code);
	}
	log_audit("password", "credential", credential_name(which), "user", login, "result",
		den_code_name(code), "service", attempt.service, "rhost", attempt.rhost, "host",
		c->shared->site->host, NULL);
	return code;
}

const struct den_password_policy *call_password_policy(struct dendir *d)
{
	struct dendir_policy policy;
	const struct den_password_policy *preset = NULL;

	if (dendir_policy_read(d, &policy) == DEN_OK)
		preset = den_password_preset(policy.preset);
	return preset ? preset : den_password_preset("densai");
}

int64_t call_approval_end(struct dendir *d, int64_t changed)
{
	struct dendir_policy policy;

	/* Where it can't be read it is the default. */
	(void)dendir_policy_read(d, &policy);
	return policy.approval_expires ? changed + (int64_t)policy.approval_days * DAY_S : INT64_MAX;
}

char *call_date(char buf[16], int64_t t)
{
	time_t seconds = (time_t)t;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(buf, 16, "%Y-%m-%d", &tm))
		snprintf(buf, 16, "?");
	return buf;
}

enum den_code call_approve(struct call *c, struct dendir_proof **proof)
{
	return call_approve_as(c, c->peer.login, "denshi", proof);
}

enum den_code call_approve_as(struct call *c, const char *login, const char *service, struct dendir_proof **proof)
{
	struct dendir_credential_state state;
	struct den_secret *password;
	enum den_code code;
	struct dendir *d = call_directory(c, &code);
	char date[16];
	int64_t end;

	*proof = NULL;
	if (!d)
		return code;
	code = dendir_credential_state(d, DENDIR_APPROVAL, login, &state);
	if (code != DEN_OK)
		return call_refused(c, d, code);
	if (!state.exists) {
		call_arg(c, "%s", login);
		return DEN_APPROVAL_NONE;
	}
	if (state.must_change)
		return DEN_APPROVAL_INITIAL;
	end = call_approval_end(d, state.changed);
	if (end < c->now) {
		call_arg(c, "%s", call_date(date, end));
		return DEN_APPROVAL_EXPIRED;
	}
	password = call_secret(c, DEN_TAG_APPROVAL_PASSWORD);
	code = password ? call_check_password(c, DENDIR_APPROVAL, login, service, password, proof, NULL)
			: DEN_INTERNAL;
	den_secret_free(password);
	if (code == DEN_OK)
		dendir_set_deadline(dendir_proof_connection(*proof), c->deadline_ms);
	return code;
}
