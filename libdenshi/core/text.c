#include "core/text.h"

#include <string.h>
#include <unistd.h>

static const struct {
	const char *name, *text[2];
} rows[] = {
#define TEXT(id, name, en, ja) {name, {en, ja}},
#include "core/text.def"
#undef TEXT
};

static int known(enum den_code code)
{
	return (unsigned)code < DEN_CODE_COUNT;
}

enum den_lang den_lang_from_name(const char *name)
{
	if (!name || strncmp(name, "ja", 2) != 0)
		return DEN_LANG_EN;
	return name[2] == '\0' || strchr("_-.@", name[2]) ? DEN_LANG_JA : DEN_LANG_EN;
}

/* C and POSIX, with or without a codeset (C.UTF-8), say nothing about a language. */
static int names_a_language(const char *locale)
{
	return locale && *locale && strcmp(locale, "POSIX") != 0 && strcmp(locale, "C") != 0 &&
		strncmp(locale, "C.", 2) != 0;
}

enum den_lang den_lang_from_locale(const char *locale, int *found)
{
	if (found)
		*found = names_a_language(locale);
	return den_lang_from_name(locale);
}

const char *den_locale_in(char *const environment[])
{
	static const char *const names[] = {"LC_ALL=", "LC_MESSAGES=", "LANG="};

	for (size_t i = 0; environment && i < sizeof(names) / sizeof(names[0]); i++)
		for (char *const *at = environment; *at; at++) {
			size_t len = strlen(names[i]);

			if (strncmp(*at, names[i], len) == 0 && (*at)[len])
				return *at + len;
		}
	return "";
}

enum den_lang den_lang_from_environment(int *found)
{
	return den_lang_from_locale(den_locale_in(environ), found);
}

const char *den_lang_name(enum den_lang lang)
{
	return lang == DEN_LANG_JA ? "ja" : "en";
}

const char *den_code_name(enum den_code code)
{
	return known(code) ? rows[code].name : "unknown";
}

const char *den_text(enum den_lang lang, enum den_code code)
{
	return known(code) ? rows[code].text[lang == DEN_LANG_JA] : "?";
}

/* Where a cut at `end` would split a character, the start of that character. */
static size_t whole_characters(const char *s, size_t end)
{
	while (end > 0 && ((unsigned char)s[end] & 0xC0) == 0x80)
		end--;
	return end;
}

static int placeholder(const char *p)
{
	return p[0] == '{' && p[1] >= '1' && p[1] <= '0' + DEN_TEXT_ARGS_MAX && p[2] == '}';
}

char *den_text_format(char *buf, size_t size, enum den_lang lang, enum den_code code,
	const char *const *args, size_t nargs)
{
	const char *p = den_text(lang, code);
	size_t used = 0;

	if (size == 0)
		return buf;
	while (*p) {
		const char *piece = p;
		size_t len = 1;

		if (placeholder(p)) {
			size_t k = (size_t)(p[1] - '1');

			piece = k < nargs && args[k] ? args[k] : "?";
			len = strlen(piece);
			p += 3;
		} else {
			len = 1 + strcspn(p + 1, "{");
			p += len;
		}
		if (len > size - 1 - used) {
			len = whole_characters(piece, size - 1 - used);
			memcpy(buf + used, piece, len);
			used += len;
			break;
		}
		memcpy(buf + used, piece, len);
		used += len;
	}
	buf[used] = '\0';
	return buf;
}
