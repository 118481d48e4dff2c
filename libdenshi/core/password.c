#include "core/password.h"

#include <string.h>

#include "core/text.h"

#define SHORTEST_INITIAL 6
#define SHORTEST_APPROVAL 6

/* R-PW-2 */
static const struct den_password_policy presets[] = {
	{.name = "densai", .shortest = 6, .shortest_alone = 6, .initial_longest = 12, .letter_and_digit = 1},
	{.name = "pci-dss-4", .shortest = 12, .shortest_alone = 12, .initial_longest = 32, .letter_and_digit = 1,
		.history = 4, .days = 90},
	{.name = "nist-800-63b-4", .shortest = 8, .shortest_alone = 15, .initial_longest = 64, .blocklist = 1},
};

const struct den_password_policy *den_password_preset(const char *name)
{
	for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++)
		if (strcmp(presets[i].name, name) == 0)
			return &presets[i];
	return NULL;
}

struct den_password_policy den_password_alone(const struct den_password_policy *policy)
{
	struct den_password_policy alone = *policy;

	alone.shortest = policy->shortest_alone;
	return alone;
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

/* -- what everybody guesses ---------------------------------------------------------- */

/* Digits and signs before and behind a word, and in the place of letters, make it no better. */
static const char *const words[] = {
	"password", "passwd", "passphrase", "qwerty", "qwertyuiop", "asdfgh", "asdfghjkl", "zxcvbn", "zxcvbnm",
	"letmein", "welcome", "welcometo", "admin", "administrator", "root", "login", "master", "secret", "changeme",
	"iloveyou", "sunshine", "princess", "dragon", "monkey", "football", "baseball", "superman", "batman", "default",
	"guest", "test", "testing", "temp", "temporary", "initial", "company", "office", "bank", "denshi", "densai",
	"sakura", "tokyo", "osaka", "nihon", "japan", "nippon", "himitsu", "anshou", "pasuwado", "hajimete",
	"spring", "summer", "autumn", "winter", "january", "february", "march", "april", "may", "june", "july", "august",
	"september", "october", "november", "december", "monday", "friday",
};

/* The letter that a sign stands for; 0 where it stands for none. */
static char letter_of(char c)
{
	static const char signs[] = "0134578@$!", letters[] = "oieastbasi";
	const char *at = strchr(signs, c);

	c = (char)lower((unsigned char)c);
	if (c >= 'a' && c <= 'z')
		return c;
	return c && at ? letters[at - signs] : 0;
}

static int is_letter(char c)
{
	c = (char)lower((unsigned char)c);
	return c >= 'a' && c <= 'z';
}

static int is_word(const char *text, size_t len)
{
	for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
		size_t n = strlen(words[w]), i = 0;

		/* Twice the same word is a word. */
		while (i < len && letter_of(text[i]) == words[w][i % n])
			i++;
		if (i == len && len >= n && len % n == 0)
			return 1;
	}
	return 0;
}

/* "Password2026!": the word is what is between the first and the last letter; or all of it, in
 * signs. */
static int is_dressed_word(const char *text, size_t len)
{
	size_t first = 0, last = len;

	if (is_word(text, len))
		return 1;
	while (first < last && !is_letter(text[first]))
		first++;
	while (last > first && !is_letter(text[last - 1]))
		last--;
	return last > first && is_word(text + first, last - first);
}

/* "11111111", "12345678", "hgfedcba": each one the same step from the one before. */
static int is_run(const char *text, size_t len)
{
	int step = len > 1 ? lower((unsigned char)text[1]) - lower((unsigned char)text[0]) : 2;

	if (step < -1 || step > 1)
		return 0;
	for (size_t i = 1; i < len; i++)
		if (lower((unsigned char)text[i]) - lower((unsigned char)text[i - 1]) != step)
			return 0;
	return 1;
}

/* "abcabcabcabc": a short piece, again and again. */
static int is_repetition(const char *text, size_t len)
{
	for (size_t n = 1; n <= 4 && n * 3 <= len; n++) {
		size_t i = n;

		while (i < len && text[i] == text[i - n])
			i++;
		if (i == len)
			return 1;
	}
	return 0;
}

static int holds_login_id(const char *login_id, const char *text, size_t len)
{
	size_t n = strlen(login_id);

	if (n <= 2)
		return 0;
	for (size_t i = 0; i + (n - 2) <= len; i++)
		if (same_in_any_case(text + i, login_id + 2, n - 2))
			return 1;
	return 0;
}

static int is_guessable(const char *login_id, const char *text, size_t len)
{
	return is_dressed_word(text, len) || is_run(text, len) || is_repetition(text, len) ||
		holds_login_id(login_id, text, len);
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
	else if (kind == DEN_PASSWORD_LOGIN && policy->blocklist && is_guessable(login_id, password, len))
		broken |= DEN_RULE_GUESSABLE;
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
		DEN_PW_FULL_WIDTH, DEN_PW_CONTROL, DEN_PW_SYMBOL, DEN_PW_IS_LOGIN_ID, DEN_PW_GUESSABLE,
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
