/* Users as a bulk load takes them (R-ALL-8): those in force, and those prepared; without secrets. */
#include "denshid/call.h"
#include "directory/user.h"

static int send_user(void *context, const struct dendir_user *u)
{
	struct den_message *m;

	/* A pending change has its user already. */
	if (u->is_change)
		return 0;
	m = den_message_new(DEN_OK);
	if (m) {
		den_message_add_string(m, DEN_TAG_LOGIN, u->login);
		den_message_add_string(m, DEN_TAG_NAME, u->name);
		den_message_add_string(m, DEN_TAG_MAIL, u->mail);
		den_message_add_string(m, DEN_TAG_ROLE, u->role);
		den_message_add_string(m, DEN_TAG_LANG, u->lang);
		for (size_t i = 0; i < u->nauthorities; i++)
			den_message_add_string(m, DEN_TAG_AUTHORITY, u->authorities[i]);
		if (u->grant_days)
			den_message_add_string(m, DEN_TAG_CERTIFICATE, "grant");
	}
	return call_row(context, m);
}

enum den_code user_export(struct call *c)
{
	enum den_code code;
	struct dendir *d = call_directory(c, &code);

	if (!d)
		return code;
	code = dendir_user_each(d, DENDIR_PEOPLE, NULL, send_user, c);
	if (code == DEN_OK)
		code = dendir_user_each(d, DENDIR_PREPARED, NULL, send_user, c);
	return call_refused(c, d, code);
}
