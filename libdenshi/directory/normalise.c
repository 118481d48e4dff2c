#include "directory/normalise.h"

#include <stdlib.h>
#include <string.h>
#include <uninorm.h>
#include <unistr.h>

static const char wide_blank[] = "\xE3\x80\x80"; /* U+3000 */

static const char *skip_blanks(const char *text)
{
	for (;;) {
		if (*text == ' ')
			text++;
		else if (strncmp(text, wide_blank, 3) == 0)
			text += 3;
		else
			return text;
	}
}

static size_t without_trailing_blanks(const char *text)
{
	size_t len = strlen(text);

	for (;;) {
		if (len > 0 && text[len - 1] == ' ')
			len--;
		else if (len >= 3 && memcmp(text + len - 3, wide_blank, 3) == 0)
			len -= 3;
		else
			return len;
	}
}

long dendir_normalise(char *buf, size_t size, const char *text)
{
	size_t len, out_len = 0;
	uint8_t *out;

	text = skip_blanks(text);
	len = without_trailing_blanks(text);
	if (u8_check((const uint8_t *)text, len))
		return -1;
	out = u8_normalize(UNINORM_NFC, (const uint8_t *)text, len, NULL, &out_len);
	if (!out || out_len >= size) {
		free(out);
		return -1;
	}
	memcpy(buf, out, out_len);
	buf[out_len] = '\0';
	free(out);
	return (long)out_len;
}
