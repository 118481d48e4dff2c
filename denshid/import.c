/*
 * The bulk load (R-ALL-8): a conversation. Each message has some users, is checked
 * by the same rules as the form, and answered before the next but one. Nothing is kept
 * here from one to the next but the proof of the approval password: whatever ends it, the
 * users that were added are whole, and the same file can be given again.
 */
#include "directory/import.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "denshid/call.h"
#include "denshid/fields.h"
#include "denshid/log.h"
#include "directory/batch.h"
#include "directory/catalogue.h"

/* A message that doesn't come for so long isn't coming; a worker is waiting. */
#define IDLE_MS 10000
/* For one message: a hundred hashes on a slow machine. */
#define MESSAGE_MS 30000

_Static_assert(DEN_IMPORT_MAX <= DENDIR_BATCH_MAX, "a message's users are one batch");

/* One conversation at a time takes up a worker for so long. */
static atomic_flag is_importing = ATOMIC_FLAG_INIT;

struct import {
	struct call *c;
	struct dendir *host;
	struct dendir_proof *proof; /* NULL: no approval password so far */
	const struct den_password_policy *policy;
	struct dendir_authorities authorities;
	int dry_run;
	/* the message at hand */
	size_t n;
	uint64_t line[DEN_IMPORT_MAX];
	struct den_message *wrong[DEN_IMPORT_MAX]; /* the row that tells; NULL: right so far */
	struct dendir_import users[DEN_IMPORT_MAX];
};

/* -- what is wrong ---------------------------------------------------------------------- */

static void wrong(struct import *im, size_t i, enum den_code code, const char *arg)
{
	if (!im->wrong[i] && (im->wrong[i] = den_message_new(DEN_OK)))
		den_message_add_number(im->wrong[i], DEN_TAG_LINE, im->line[i]);
	if (!im->wrong[i])
		return;
	den_message_add_number(im->wrong[i], DEN_TAG_CODE, code);
	den_message_add_string(im->wrong[i], DEN_TAG_CODE_ARG, arg);
}

static void check(struct import *im, size_t i, enum den_code code, const char *arg)
{
	if (code != DEN_OK)
		wrong(im, i, code, arg);
}

/* -- reading a message ----------------------------------------------------------------------- */

static void take_authority(struct import *im, size_t i, const char *authority)
{
	if (!dendir_authorities_have(&im->authorities, authority) ||
		dendir_user_give(&im->users[i].user, authority) != 0)
		wrong(im, i, DEN_AUTHORITY_UNKNOWN, authority);
}

static void take_certificate(struct import *im, size_t i, const char *value)
{
	if (strcmp(value, "grant") == 0)
		im->users[i].user.grant_days = GRANT_DAYS;
	else if (*value)
		wrong(im, i, DEN_FIELD_CERTIFICATE, NULL);
}

/* Kept to be checked when the login ID is known, which it may not be. */
static void take_password(struct import *im, size_t i, const char *value, size_t len)
{
	struct den_secret *initial = im->users[i].initial ? NULL : den_secret_new();

	if (!initial || den_secret_set(initial, value, len) != 0)
		wrong(im, i, DEN_FIELD_INITIAL, NULL);
	if (initial)
		im->users[i].initial = initial;
}

static void take_field(struct import *im, size_t i, uint16_t tag, const char *value, size_t len)
{
	struct dendir_user *u = &im->users[i].user;

	/* A NUL within is no character of any field. */
	if (strlen(value) != len)
		value = "\n";
	switch (tag) {
	case DEN_TAG_LOGIN:
		check(im, i, field_login(u->login, value), value);
		break;
	case DEN_TAG_NAME:
		check(im, i, field_name(u->name, value), NULL);
		break;
	case DEN_TAG_MAIL:
		check(im, i, field_mail(u->mail, value), NULL);
		break;
	case DEN_TAG_ROLE:
		check(im, i, field_role(u->role, value), NULL);
		break;
	case DEN_TAG_LANG:
		check(im, i, field_language(u->lang, value), NULL);
		break;
	case DEN_TAG_AUTHORITY:
		take_authority(im, i, value);
		break;
	case DEN_TAG_CERTIFICATE:
		take_certificate(im, i, value);
		break;
	case DEN_TAG_PASSWORD:
		take_password(im, i, value, len);
		break;
	default:
		break;
	}
}

/* What must be there, whoever left it out. */
static void check_whole(struct import *im, size_t i)
{
	struct dendir_import *one = &im->users[i];

	memcpy(one->user.prepared_by, im->c->peer.login, sizeof(one->user.prepared_by));
	if (!im->wrong[i] && (!*one->user.login || !*one->user.name || !*one->user.mail || !*one->user.role))
		wrong(im, i, DEN_FIELD_LOGIN_ID, "");
	if (one->initial)
		check(im, i, field_initial(im->policy, one->user.login, one->initial), NULL);
}

/* 0, or -1: it isn't such a message. */
static int read_users(struct import *im, const struct den_message *m)
{
	size_t cursor = 0, len;
	const char *value;
	uint16_t tag;

	while (den_message_next(m, &cursor, &tag, &value, &len)) {
		if (tag == DEN_TAG_LINE && (im->n == DEN_IMPORT_MAX || len != sizeof(*im->line)))
			return -1;
		if (tag == DEN_TAG_LINE)
			memcpy(&im->line[im->n++], value, len);
		else if (im->n)
			take_field(im, im->n - 1, tag, value, len);
	}
	for (size_t i = 0; i < im->n; i++)
		check_whole(im, i);
	return 0;
}

static void forget_users(struct import *im)
{
	for (size_t i = 0; i < im->n; i++)
		den_message_free(im->wrong[i]);
	memset(im->wrong, 0, sizeof(im->wrong));
	dendir_import_done(im->users, DEN_IMPORT_MAX);
	im->n = 0;
}

/* -- storing ------------------------------------------------------------------------------------- */

/* The right ones to the front: of the others nothing is asked of the directory. Returns how many. */
static size_t sort_out(struct import *im)
{
	size_t right = 0;

	for (size_t i = 0; i < im->n; i++) {
		struct dendir_import user = im->users[i];
		struct den_message *m = im->wrong[i];
		uint64_t line = im->line[i];

		if (m)
			continue;
		im->users[i] = im->users[right];
		im->wrong[i] = im->wrong[right];
		im->line[i] = im->line[right];
		im->users[right] = user;
		im->wrong[right] = m;
		im->line[right++] = line;
	}
	return right;
}

static int needs_approval(const struct import *im, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (im->users[i].state == DENDIR_IMPORT_NEW && im->users[i].user.nauthorities)
			return 1;
	return 0;
}

static void tell_audit(const struct import *im, const struct dendir_import *one, enum den_code code)
{
	if (one->state == DENDIR_IMPORT_ADDED)
		code = DEN_OK;
	else if (one->state != DENDIR_IMPORT_FAILED)
		return;
	log_audit("user-create", "by", im->c->peer.login, "user", one->user.login, "way", "import", "result",
		den_code_name(code), NULL);
}

static enum den_code add_users(struct import *im, size_t n)
{
	struct dendir *as = im->proof ? dendir_proof_connection(im->proof) : im->host;
	enum den_code code = call_refused(im->c, im->host, dendir_import_find_taken(im->host, im->users, n));

	if (code != DEN_OK)
		return code;
	if (!im->proof && needs_approval(im, n)) {
		call_arg(im->c, "authorities without the approval password");
		return DEN_BAD_REQUEST;
	}
	dendir_set_deadline(as, im->c->deadline_ms);
	code = call_refused(im->c, as, dendir_import_add(as, im->users, n));
	for (size_t i = 0; i < n; i++)
		tell_audit(im, &im->users[i], code);
	return code;
}

/* -- answering -------------------------------------------------------------------------------------- */

static void tell_wrong(struct import *im, size_t i)
{
	const struct dendir_import *one = &im->users[i];

	if (one->state == DENDIR_IMPORT_TAKEN)
		wrong(im, i, DEN_FIELD_LOGIN_ID_TAKEN, one->user.login);
	if (one->state == DENDIR_IMPORT_DIFFERS) {
		wrong(im, i, DEN_FIELD_LOGIN_ID_DIFFERS, one->user.login);
		if (im->wrong[i])
			den_message_add_string(im->wrong[i], DEN_TAG_CODE_ARG, one->differs);
	}
}

static int answer(struct import *im, size_t right)
{
	struct den_message *sum = den_message_new(DEN_OK);
	uint64_t added = 0;
	int failed = !sum;

	for (size_t i = 0; i < im->n; i++) {
		if (i < right)
			tell_wrong(im, i);
		if (im->wrong[i]) {
			failed |= call_row(im->c, im->wrong[i]) != 0;
			im->wrong[i] = NULL;
			continue;
		}
		if (im->users[i].state == DENDIR_IMPORT_THERE && sum)
			den_message_add_number(sum, DEN_TAG_THERE, im->line[i]);
		added += im->users[i].state == DENDIR_IMPORT_ADDED || im->users[i].state == DENDIR_IMPORT_NEW;
	}
	if (sum)
		den_message_add_number(sum, DEN_TAG_NUMBER, added);
	return call_row(im->c, sum) != 0 || failed ? -1 : 0;
}

/* Who began it may be no master any more: it takes long. */
static enum den_code still_master(struct call *c)
{
	if (!view_user_by_uid(c->shared->view, c->uid, &c->peer))
		memset(&c->peer, 0, sizeof(c->peer));
	return call_needs_master(c);
}

static enum den_code do_message(struct import *im, const struct den_message *m)
{
	const struct den_message *first = im->c->in;
	enum den_code code = still_master(im->c);
	size_t right;

	if (code != DEN_OK)
		return code;
	if (den_message_kind(m) != DEN_OP_USER_IMPORT || read_users(im, m) != 0) {
		call_arg(im->c, "a message of an import");
		return DEN_BAD_REQUEST;
	}
	if (!im->proof && den_message_bytes(m, DEN_TAG_APPROVAL_PASSWORD, &(size_t){0})) {
		im->c->in = m;
		code = call_approve(im->c, &im->proof);
		im->c->in = first;
	}
	right = sort_out(im);
	if (code == DEN_OK && im->dry_run)
		code = call_refused(im->c, im->host, dendir_import_compare(im->host, im->users, right));
	else if (code == DEN_OK)
		code = add_users(im, right);
	if (code == DEN_OK && im->n && answer(im, right) != 0)
		code = DEN_BUSY;
	return code;
}

/* Until a message without users, or until nobody asks any more. */
static enum den_code converse(struct import *im)
{
	enum den_code code = call_row(im->c, den_message_new(DEN_OK)) == 0 ? DEN_OK : DEN_BUSY;
	int more = 1;

	while (code == DEN_OK && more) {
		struct den_message *m = den_message_receive(im->c->fd, IDLE_MS);

		if (!m)
			return DEN_BUSY;
		im->c->deadline_ms = den_now_ms() + MESSAGE_MS;
		dendir_set_deadline(im->host, im->c->deadline_ms);
		code = do_message(im, m);
		more = im->n > 0;
		forget_users(im);
		den_message_free(m);
	}
	return code;
}

static enum den_code import(struct call *c)
{
	struct import *im = calloc(1, sizeof(*im));
	enum den_code code;

	if (!im)
		return DEN_INTERNAL;
	im->c = c;
	im->dry_run = call_dry_run(c);
	im->host = call_directory(c, &code);
	if (im->host) {
		im->policy = call_password_policy(im->host);
		code = call_refused(c, im->host, dendir_authorities_load(im->host, &im->authorities));
	}
	if (code == DEN_OK)
		code = converse(im);
	if (code == DEN_OK)
		update_add_pending(c, im->host);
	forget_users(im);
	dendir_authorities_done(&im->authorities);
	dendir_proof_free(im->proof);
	free(im);
	return code;
}

enum den_code user_import(struct call *c)
{
	enum den_code code = DEN_IMPORT_RUNNING;

	c->is_conversation = 1;
	if (atomic_flag_test_and_set(&is_importing))
		return code;
	code = import(c);
	atomic_flag_clear(&is_importing);
	return code;
}
