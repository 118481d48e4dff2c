#include "denshid/fields.h"

#include <stdio.h>
#include <string.h>

#include "directory/normalise.h"

enum den_code field_login(char to[DEN_LOGIN_ID_SIZE], const char *text)
{
	return den_login_id_parse(to, text, strlen(text)) == 0 ? DEN_OK : DEN_FIELD_LOGIN_ID;
}

enum den_code field_name(char to[DEN_NAME_SIZE], const char *text)
{
	long len = dendir_normalise(to, DEN_NAME_SIZE, text);

	return len >= 0 && den_name_is_valid(to, (size_t)len) ? DEN_OK : DEN_FIELD_NAME;
}

enum den_code field_mail(char to[DEN_MAIL_MAX + 1], const char *text)
{
	if (!den_mail_is_valid(text, strlen(text)))
		return DEN_FIELD_MAIL;
	snprintf(to, DEN_MAIL_MAX + 1, "%s", text);
	return DEN_OK;
}

enum den_code field_role(char to[8], const char *text)
{
	if (strcmp(text, "master") != 0 && strcmp(text, "general") != 0)
		return DEN_FIELD_ROLE;
	snprintf(to, 8, "%s", text);
	return DEN_OK;
}

enum den_code field_language(char to[3], const char *text)
{
	if (*text && strcmp(text, "en") != 0 && strcmp(text, "ja") != 0)
		return DEN_FIELD_LANGUAGE;
	snprintf(to, 3, "%s", text);
	return DEN_OK;
}

enum den_code field_initial(const struct den_password_policy *policy, const char *login,
	const struct den_secret *initial)
{
	return den_password_check(policy, DEN_PASSWORD_INITIAL, login, den_secret_bytes(initial),
		       den_secret_len(initial)) == 0
		? DEN_OK
		: DEN_FIELD_INITIAL;
}
