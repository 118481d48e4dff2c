/*
 * denshi rescue: where no master can unlock any more, root gives one new initial passwords
 * (R-LOCK-7). First the record, then the passwords are shown, then they are set, each
 * behind its seal. So it may end anywhere: there is no rescue without a record, no
 * password in force that nobody has seen, and while it hasn't helped it can be run again.
 */
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "crypto/initial.h"
#include "directory/credential.h"
#include "directory/rescue.h"
#include "directory/user.h"
#include "directory/writer.h"
#include "tools/denshi-directory/local.h"
#include "tools/denshi-directory/peer.h"
#include "tools/server/caller.h"
#include "tools/server/tree.h"

static int refused(const struct run *r, const struct local *l, enum den_code code, const char *login)
{
	if (code == DEN_DIRECTORY_DOWN)
		return fail(r, DEN_HOST_DOWN, l->site.uri, NULL);
	return fail(r, code, code == DEN_DIRECTORY_REFUSED ? dendir_diagnostic(l->root) : login, NULL);
}

/* What this server is; nothing is known of one that was there before denshi, and is alone. */
static int find_server(const struct run *r, struct peer *p)
{
	char path[PATH_MAX];

	memset(p, 0, sizeof(*p));
	if (tree_path(path, r->state, "directory/config") != 0)
		return fail_file(r, r->state);
	return access(path, F_OK) == 0 ? peer_find(p, r) : 0;
}

/* The administrator could write at the other server of two as well: what the writer doesn't know of. */
static int check_writer(const struct run *r, const struct local *l, const struct peer *p)
{
	struct dendir_writer w;
	enum den_code code;

	if (!*p->facts.peer)
		return 0;
	code = dendir_writer_read(l->root, &w);
	if (code != DEN_OK)
		return refused(r, l, code, "cn=writer");
	return strcmp(w.name, p->facts.server) == 0 ? 0 : fail(r, DEN_RESCUE_NOT_WRITER, w.name, NULL);
}

/* Nobody becomes a master by it. */
static int check_master(const struct run *r, const struct local *l, const char *login)
{
	struct dendir_user user;
	enum den_code code = dendir_user_read(l->root, DENDIR_PEOPLE, login, &user);
	int is_master = code == DEN_OK && dendir_user_is_master(&user) && strcmp(user.state, "active") == 0;

	if (code == DEN_OK)
		dendir_user_done(&user);
	else if (code != DEN_UNKNOWN_USER)
		return refused(r, l, code, login);
	return is_master ? 0 : fail(r, DEN_RESCUE_NOT_MASTER, login, NULL);
}

/* It is no way around the masters. */
static int check_needed(const struct run *r, const struct local *l)
{
	char able[DEN_LOGIN_ID_SIZE];
	enum den_code code = dendir_rescue_able(l->root, able);

	if (code != DEN_OK)
		return refused(r, l, code, "");
	return *able ? fail(r, DEN_RESCUE_NOT_NEEDED, able, NULL) : 0;
}

static int record(const struct run *r, const struct local *l, const char *login)
{
	char uid[16], by[32];
	enum den_code code;

	snprintf(by, sizeof(by), "uid %s", caller_login_uid(uid, sizeof(uid)));
	code = dendir_rescue_record(l->root, login, by, time(NULL));
	if (code != DEN_OK)
		return refused(r, l, code, login);
	openlog("denshi-directory", LOG_PID, LOG_AUTHPRIV);
	syslog(LOG_NOTICE, "audit event=rescue user=%s by-uid=%s", login, uid);
	closelog();
	return 0;
}

static int reset(const struct run *r, const struct local *l, const char *login, const struct den_secret *own,
	const struct den_secret *approval)
{
	enum den_code code;

	if (record(r, l, login) != 0)
		return -1;
	say(r, DEN_RESCUE_PASSWORDS, login, den_secret_bytes(own), den_secret_bytes(approval), NULL);
	if (ferror(stdout))
		return fail_file(r, "stdout");
	code = dendir_credential_reset(l->root, DENDIR_APPROVAL, login, approval);
	if (code == DEN_OK)
		code = dendir_credential_reset(l->root, DENDIR_LOGIN, login, own);
	if (code == DEN_OK) {
		say(r, DEN_RESCUE_DONE, login, NULL);
		return 0;
	}
	refused(r, l, code, login);
	return fail(r, DEN_RESCUE_UNDONE, NULL);
}

static int generate(struct den_secret *secret)
{
	char text[DENCRYPT_INITIAL_SIZE];
	int result = dencrypt_initial_password(text) == DENCRYPT_OK ? den_secret_set(secret, text, strlen(text)) : -1;

	explicit_bzero(text, sizeof(text));
	return result;
}

static int rescue(const struct run *r, const struct local *l, const char *login)
{
	struct den_secret *own = den_secret_new(), *approval = den_secret_new();
	int result = -1;

	if (!own || !approval || generate(own) != 0 || generate(approval) != 0)
		fail(r, DEN_INTERNAL, NULL);
	else
		result = reset(r, l, login, own, approval);
	den_secret_free(own);
	den_secret_free(approval);
	return result;
}

int rescue_run(const struct run *r, char **operands)
{
	char login[DEN_LOGIN_ID_SIZE];
	struct local local;
	struct peer p;
	enum den_code code;
	int result = -1;

	if (den_login_id_parse(login, operands[0], strlen(operands[0])) != 0)
		return fail(r, DEN_RESCUE_NOT_MASTER, operands[0], NULL);
	if (find_server(r, &p) != 0)
		return -1;
	code = local_open(&local, r, *p.organisation ? p.organisation : NULL);
	if (code != DEN_OK)
		return refused(r, &local, code, login);
	if (check_writer(r, &local, &p) == 0 && check_master(r, &local, login) == 0 && check_needed(r, &local) == 0 &&
		confirmed(r, DEN_RESCUE_CONFIRM) == 0)
		result = rescue(r, &local, login);
	local_close(&local);
	return result;
}
