/*
 * Every message that a person sees, in English and Japanese (R-ALL-2).
 *
 * A message is a code: denshid answers with codes and arguments, the edges
 * (the PAM conversation, the commands) choose the language. The language is
 * that of the user, not of the process: sshd clears the locale before PAM is
 * asked, and gettext(3) can follow installed locales only. So the texts are a
 * table here, text.def, complete in both languages at every commit (a test
 * compares the rows).
 *
 * Thread rule: pure functions, no state.
 */
#ifndef DENSHI_CORE_TEXT_H
#define DENSHI_CORE_TEXT_H

#include <stddef.h>

enum den_lang { DEN_LANG_EN, DEN_LANG_JA };

/* Codes; DEN_OK is 0. Their numbers travel between programs of one version only. */
enum den_code {
#define TEXT(id, name, en, ja) DEN_##id,
#include "core/text.def"
#undef TEXT
	DEN_CODE_COUNT
};

/* At most this many arguments, and bytes of a formatted message with its NUL. */
#define DEN_TEXT_ARGS_MAX 6
#define DEN_TEXT_MAX 2048

/* What an environment says of messages: LC_ALL, LC_MESSAGES, LANG, the first that is set (locale(7)); "" where none
 * is. */
const char *den_locale_in(char *const environment[]);

/* The language of a locale's name; of the process's locale. Sets *found to 0 where there is none, or it is C or
 * C.UTF-8. */
enum den_lang den_lang_from_locale(const char *locale, int *found);
enum den_lang den_lang_from_environment(int *found);

/* "ja", "ja_JP.UTF-8", "ja-JP" are Japanese, all else (also NULL) English. */
enum den_lang den_lang_from_name(const char *name);

/* "en" or "ja". */
const char *den_lang_name(enum den_lang lang);

/* The stable name of a code, as in `[login-locked]` (R-ALL-6). */
const char *den_code_name(enum den_code code);

/* The unformatted text; for rows without placeholders. Never NULL. */
const char *den_text(enum den_lang lang, enum den_code code);

/*
 * The text with {1} to {6} replaced by args[0] to args[5]; a missing argument
 * becomes "?". Always terminated; cut at a whole UTF-8 character where buf is
 * too small. Returns buf.
 */
char *den_text_format(char *buf, size_t size, enum den_lang lang, enum den_code code,
	const char *const *args, size_t nargs);

#endif
