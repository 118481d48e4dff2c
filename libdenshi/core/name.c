#include "core/name.h"

#include <stdint.h>
#include <string.h>

/* One character of UTF-8 at p; its length, or 0 where it isn't one (RFC 3629). */
static size_t decode(const unsigned char *p, size_t left, uint32_t *c)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : p[0] < 0xF5 ? 4 : 0;
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};

	if (n == 0 || n > left)
		return 0;
	*c = n == 1 ? p[0] : p[0] & (0x7Fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return 0;
		*c = *c << 6 | (p[i] & 0x3F);
	}
	if (*c < least[n] || *c > 0x10FFFF || (*c >= 0xD800 && *c <= 0xDFFF))
		return 0;
	return n;
}

int den_is_utf8(const char *text, size_t len)
{
	while (len > 0) {
		uint32_t c;
		size_t n = decode((const unsigned char *)text, len, &c);

		if (n == 0)
			return 0;
		text += n;
		len -= n;
	}
	return 1;
}

static int harmful(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{0x0000, 0x001F}, {0x007F, 0x009F}, /* controls */
		{0x061C, 0x061C},		     /* direction mark */
		{0x200B, 0x200F},		     /* zero width, direction marks */
		{0x2028, 0x202E},		     /* separators, direction overrides */
		{0x2060, 0x2069}, {0xFEFF, 0xFEFF}, {0xFFFE, 0xFFFF},
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return 1;
	return 0;
}

long den_characters(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	long count = 0;

	while (len > 0) {
		uint32_t c;
		size_t n = decode(p, len, &c);

		if (n == 0 || harmful(c))
			return -1;
		p += n;
		len -= n;
		count++;
	}
	return count;
}

int den_name_is_valid(const char *text, size_t len)
{
	static const char wide_blank[] = "\xE3\x80\x80"; /* U+3000 */
	long count;

	/* Four bytes a character at most: no need to count beyond. */
	if (len >= DEN_NAME_SIZE || memchr(text, ':', len))
		return 0;
	count = den_characters(text, len);
	if (count < 1 || count > DEN_NAME_CHARACTERS_MAX)
		return 0;
	if (text[0] == ' ' || text[len - 1] == ' ')
		return 0;
	return len < 3 ||
		(memcmp(text, wide_blank, 3) != 0 && memcmp(text + len - 3, wide_blank, 3) != 0);
}

static int atom_character(unsigned char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
		(c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* dot-atom (RFC 5322, 3.2.3): atoms with single dots between. */
static int dot_atom(const char *p, size_t len)
{
	if (len == 0 || p[0] == '.' || p[len - 1] == '.')
		return 0;
	for (size_t i = 0; i < len; i++)
		if (p[i] == '.' ? p[i - 1] == '.' : !atom_character((unsigned char)p[i]))
			return 0;
	return 1;
}

static int label(const char *p, size_t len)
{
	if (len < 1 || len > 63 || p[0] == '-' || p[len - 1] == '-')
		return 0;
	for (size_t i = 0; i < len; i++)
		if (p[i] != '-' && !(p[i] >= '0' && p[i] <= '9') && !((p[i] | 0x20) >= 'a' && (p[i] | 0x20) <= 'z'))
			return 0;
	return 1;
}

static int domain(const char *p, size_t len)
{
	size_t labels = 0;

	for (;;) {
		const char *dot = memchr(p, '.', len);
		size_t n = dot ? (size_t)(dot - p) : len;

		if (!label(p, n))
			return 0;
		labels++;
		if (!dot)
			return labels >= 2;
		p += n + 1;
		len -= n + 1;
	}
}

int den_mail_is_valid(const char *text, size_t len)
{
	const char *at = memchr(text, '@', len);

	if (!at || len > DEN_MAIL_MAX || at - text > 64)
		return 0;
	return dot_atom(text, (size_t)(at - text)) &&
		domain(at + 1, len - (size_t)(at + 1 - text));
}

int den_subject_is_valid(const char *text, size_t len)
{
	long count;

	if (len >= DEN_SUBJECT_SIZE)
		return 0;
	count = den_characters(text, len);
	return count >= 1 && count <= DEN_SUBJECT_CHARACTERS_MAX;
}
