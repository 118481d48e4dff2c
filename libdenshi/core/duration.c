#include "core/duration.h"

#include <stddef.h>

#define MOST_S (7 * 86400)

static int64_t unit(char letter)
{
	switch (letter) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	default:
		return -1;
	}
}

int64_t den_duration_parse(const char *text)
{
	int64_t n = 0;
	size_t i = 0;

	for (; text[i] >= '0' && text[i] <= '9' && n <= MOST_S; i++)
		n = n * 10 + (text[i] - '0');
	if (i == 0 || unit(text[i]) < 0 || text[i + 1] != '\0')
		return -1;
	n *= unit(text[i]);
	return n >= 1 && n <= MOST_S ? n : -1;
}
