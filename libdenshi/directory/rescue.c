#include "directory/rescue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory/credential.h"
#include "directory/user.h"
#include "directory/version.h"

/* -- may it be? -------------------------------------------------------------------------- */

struct masters {
	char (*logins)[DEN_LOGIN_ID_SIZE];
	size_t n;
	int failed;
};

static int keep_active(void *context, const struct dendir_user *u)
{
	struct masters *m = context;
	void *more;

	if (strcmp(u->state, "active") != 0)
		return 0;
	more = reallocarray(m->logins, m->n + 1, sizeof(*m->logins));
	if (!more)
		return m->failed = 1;
	m->logins = more;
	memcpy(m->logins[m->n++], u->login, sizeof(u->login));
	return 0;
}

static enum den_code is_able(struct dendir *root, const char *login, int *able)
{
	struct dendir_credential_state own, approval;
	enum den_code code = dendir_credential_state(root, DENDIR_LOGIN, login, &own);

	if (code == DEN_OK)
		code = dendir_credential_state(root, DENDIR_APPROVAL, login, &approval);
	*able = code == DEN_OK && own.exists && own.taken < DENDIR_ATTEMPTS && approval.taken < DENDIR_ATTEMPTS;
	return code;
}

enum den_code dendir_rescue_able(struct dendir *root, char login[DEN_LOGIN_ID_SIZE])
{
	struct masters m = {0};
	int able = 0;
	enum den_code code =
		dendir_user_each(root, DENDIR_PEOPLE, "(&(uid=*)(denshiRole=master))", keep_active, &m);

	login[0] = '\0';
	if (code == DEN_OK && m.failed)
		code = DEN_INTERNAL;
	for (size_t i = 0; code == DEN_OK && i < m.n && !able; i++) {
		code = is_able(root, m.logins[i], &able);
		if (able)
			memcpy(login, m.logins[i], sizeof(m.logins[i]));
	}
	free(m.logins);
	return code;
}

/* -- the record --------------------------------------------------------------------------- */

static void put_lines(struct dendir_mods *m, const char *login, const char *by)
{
	char line[160];

	snprintf(line, sizeof(line), "000001 rescue %s passwords: locked -> initial", login);
	dendir_mods_put(m, DENDIR_ADD, "denshiDiff", line);
	snprintf(line, sizeof(line), "000002 rescue %s by: - -> %.40s", login, by);
	dendir_mods_put(m, DENDIR_ADD, "denshiDiff", line);
}

enum den_code dendir_rescue_record(struct dendir *root, const char *login, const char *by, int64_t now)
{
	char when[DENDIR_TIME_SIZE], cn[64], dn[DENDIR_DN_SIZE];
	struct dendir_mods *m;
	int64_t serial;
	enum den_code code = dendir_serial_read(root, &serial);

	if (code != DEN_OK)
		return code;
	dendir_time(when, now);
	snprintf(cn, sizeof(cn), "rescue-%s", when);
	m = dendir_mods_new();
	dendir_mods_put(m, DENDIR_ADD, "objectClass", "denshiUpdate");
	dendir_mods_put(m, DENDIR_ADD, "cn", cn);
	dendir_mods_put_number(m, DENDIR_ADD, "denshiSerial", serial);
	dendir_mods_put(m, DENDIR_ADD, "denshiMaster", DENDIR_DN_ROOT);
	dendir_mods_put(m, DENDIR_ADD, "denshiUpdateTime", when);
	dendir_mods_put(m, DENDIR_ADD, "denshiState", "done");
	put_lines(m, login, by);
	code = dendir_add(root, dendir_dn(dn, root, "cn=%s,ou=updates", cn), m);
	dendir_mods_free(m);
	return code;
}

/* -- and who reads it ---------------------------------------------------------------------- */

static int keep_latest(void *context, struct dendir_entry *e)
{
	struct dendir_rescue *latest = context;
	int64_t time = dendir_parse_time(dendir_entry_string(e, "denshiUpdateTime"));

	if (time <= latest->time)
		return 0;
	latest->time = time;
	if (sscanf(dendir_entry_string(e, "denshiDiff"), "%*s rescue %14s", latest->login) != 1)
		latest->login[0] = '\0';
	return 0;
}

enum den_code dendir_rescue_latest(struct dendir *d, int64_t since, struct dendir_rescue *latest)
{
	static const char *const attributes[] = {"denshiUpdateTime", "denshiDiff", NULL};
	char base[DENDIR_DN_SIZE], when[DENDIR_TIME_SIZE], filter[200];

	memset(latest, 0, sizeof(*latest));
	snprintf(filter, sizeof(filter), "(&" DENDIR_RESCUES "(denshiUpdateTime>=%s))", dendir_time(when, since));
	return dendir_search(d, dendir_dn(base, d, "ou=updates"), DENDIR_ONE, filter, attributes, keep_latest, latest);
}
