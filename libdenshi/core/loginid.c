#include "core/loginid.h"

#include <string.h>

#define SHORTEST 6
#define LONGEST 12

static int lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* Not isalnum(3): that follows the locale of the program a module is loaded into. */
static int letter_or_digit(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

int den_login_id_is_ours(const char *name)
{
	return lower(name[0]) == 'd' && name[1] == '-';
}

int den_login_id_parse(char out[DEN_LOGIN_ID_SIZE], const char *text, size_t len)
{
	out[0] = '\0';
	if (len >= 2 && den_login_id_is_ours(text)) {
		text += 2;
		len -= 2;
	}
	if (len < SHORTEST || len > LONGEST)
		return -1;
	for (size_t i = 0; i < len; i++)
		if (!letter_or_digit(lower(text[i])))
			return -1;
	memcpy(out, DEN_LOGIN_ID_PREFIX, 2);
	for (size_t i = 0; i < len; i++)
		out[2 + i] = (char)lower(text[i]);
	out[2 + len] = '\0';
	return 0;
}

int den_login_id_is_valid(const char *name)
{
	char same[DEN_LOGIN_ID_SIZE];

	return name[0] == 'd' && name[1] == '-' && den_login_id_parse(same, name, strlen(name)) == 0 &&
		strcmp(name, same) == 0;
}
