/*
 * User names, e-mail addresses and other words that people type (R-NAME-1,
 * R-MAIL-1, R-APP-1). Nothing here converts: NFC normalisation is done before,
 * where libunistring is at hand (libdenshi/directory/normalise.h).
 */
#ifndef DENSHI_CORE_NAME_H
#define DENSHI_CORE_NAME_H

#include <stddef.h>

#define DEN_NAME_CHARACTERS_MAX 40
#define DEN_MAIL_MAX 128
#define DEN_SUBJECT_CHARACTERS_MAX 1000
/* UTF-8 takes up to four bytes a character. */
#define DEN_NAME_SIZE (4 * DEN_NAME_CHARACTERS_MAX + 1)
#define DEN_SUBJECT_SIZE (4 * DEN_SUBJECT_CHARACTERS_MAX + 1)

/*
 * The number of characters (code points) of len bytes of UTF-8, or -1: not
 * UTF-8 (RFC 3629: no overlong form, no surrogate, at most U+10FFFF), a control
 * character (C0, C1, DEL, NUL), a line or paragraph separator, or one of the
 * characters that reverse or hide text around them (bidirectional controls,
 * zero-width space and joiner, byte order mark).
 */
long den_characters(const char *text, size_t len);

/* 1 where the len bytes are UTF-8, whatever the characters are. */
int den_is_utf8(const char *text, size_t len);

/* 1 where text is a user name: 1 to 40 characters, no colon, no leading or
 * trailing blank (R-NAME-1: it becomes the GECOS field of a passwd line). */
int den_name_is_valid(const char *text, size_t len);

/* 1 where text is an e-mail address: at most 128 half-width characters, one
 * dot-atom, `@`, a domain of at least two labels (RFC 5321, 4.1.2; no quoted
 * local part, no address literal) (R-MAIL-1). */
int den_mail_is_valid(const char *text, size_t len);

/* 1 where text is the subject of a request or a reason: 1 to 1,000 characters. */
int den_subject_is_valid(const char *text, size_t len);

#endif
