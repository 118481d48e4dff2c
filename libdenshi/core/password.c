#include "core/password.h"

#include <string.h>

#include "core/text.h"

#define SHORTEST_INITIAL 6
#define SHORTEST_APPROVAL 6

/* R-PW-2. History, expiry and the blocklist of the other presets are not applied yet. */
static const struct den_password_policy presets[] = {
	{.name = "densai", .shortest = 6, .initial_longest = 12, .letter_and_digit = 1},
	{.name = "pci-dss-4", .shortest = 12, .initial_longest = 32, .letter_and_digit = 1},
	{.name = "nist-800-63b-4", .shortest = 8, .initial_longest = 64, .letter_and_digit = 0},
};

const struct den_password_policy *den_password_preset(const char *name)
{
	for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++)
		if (strcmp(presets[i].name, name) == 0)
			return &presets[i];
	return NULL;
}

static unsigned shortest(const struct den_password_policy *policy, enum den_password_kind kind)
{
	switch (kind) {
	case DEN_PASSWORD_LOGIN:
		return policy->shortest;
	case DEN_PASSWORD_INITIAL:
		return SHORTEST_INITIAL;
	case DEN_PASSWORD_APPROVAL:
	case DEN_PASSWORD_INITIAL_APPROVAL:
		break;
	}
	return SHORTEST_APPROVAL;
}

/* Only an initial login password has a ceiling below DEN_PASSWORD_MAX. */
static unsigned longest(const struct den_password_policy *policy, enum den_password_kind kind)
{
	return kind == DEN_PASSWORD_INITIAL ? policy->initial_longest : DEN_PASSWORD_MAX;
}

static int wants_letter_and_digit(const struct den_password_policy *policy, enum den_password_kind kind)
{
	switch (kind) {
	case DEN_PASSWORD_LOGIN:
		return (int)policy->letter_and_digit;
	case DEN_PASSWORD_INITIAL:
		return 0;
	case DEN_PASSWORD_APPROVAL:
	case DEN_PASSWORD_INITIAL_APPROVAL:
		break;
	}
	return 1;
}

static int lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* Not strncasecmp(3): that follows the locale (a Turkish I is no i). */
static int same_in_any_case(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (lower(a[i]) != lower(b[i]))
			return 0;
	return 1;
}

static int is_login_id(const char *login_id, const char *password, size_t len)
{
	size_t n = strlen(login_id);

	if (n > 0 && len == n && same_in_any_case(password, login_id, n))
		return 1;
	return n > 2 && len == n - 2 && same_in_any_case(password, login_id + 2, n - 2);
}

unsigned den_password_check(const struct den_password_policy *policy, enum den_password_kind kind,
	const char *login_id, const char *password, size_t len)
{
	unsigned broken = 0;
	int letter = 0, digit = 0, symbol = 0;

	if (len < shortest(policy, kind))
		broken |= DEN_RULE_TOO_SHORT;
	if (len > longest(policy, kind))
		broken |= DEN_RULE_TOO_LONG;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)password[i];

		if (c >= 0x80)
			broken |= DEN_RULE_FULL_WIDTH;
		else if (c < 0x20 || c == 0x7f)
			broken |= DEN_RULE_CONTROL;
		else if (c >= '0' && c <= '9')
			digit = 1;
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
			letter = 1;
		else
			symbol = 1;
	}
	if (wants_letter_and_digit(policy, kind)) {
		broken |= letter ? 0 : DEN_RULE_NO_LETTER;
		broken |= digit ? 0 : DEN_RULE_NO_DIGIT;
	}
	if (kind == DEN_PASSWORD_INITIAL && symbol)
		broken |= DEN_RULE_SYMBOL;
	if (is_login_id(login_id, password, len))
		broken |= DEN_RULE_IS_LOGIN_ID;
	return broken;
}

int den_password_is_possible(const char *password, size_t len)
{
	if (len == 0 || len > DEN_PASSWORD_MAX)
		return 0;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)password[i] < 0x20 || (unsigned char)password[i] >= 0x7f)
			return 0;
	return 1;
}

int den_password_rule_code(const struct den_password_policy *policy, enum den_password_kind kind,
	unsigned rule, unsigned *limit)
{
	static const int codes[DEN_RULES] = {
		DEN_PW_TOO_SHORT, DEN_PW_TOO_LONG, DEN_PW_NO_LETTER, DEN_PW_NO_DIGIT,
		DEN_PW_FULL_WIDTH, DEN_PW_CONTROL, DEN_PW_SYMBOL, DEN_PW_IS_LOGIN_ID,
	};

	*limit = 0;
	if (rule >= DEN_RULES)
		return DEN_INTERNAL;
	if (rule == 0)
		*limit = shortest(policy, kind);
	if (rule == 1)
		*limit = longest(policy, kind);
	return codes[rule];
}
