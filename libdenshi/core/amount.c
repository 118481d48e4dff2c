#include "core/amount.h"

#include <stdio.h>
#include <string.h>

#define WHOLE_DIGITS_MAX 15
#define DECIMALS_MAX 3
#define UNIT 1000

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Three upper-case letters; returns what is behind them, NULL where there are none. */
static const char *take_currency(struct den_amount *a, const char *text)
{
	for (int i = 0; i < 3; i++)
		if (text[i] < 'A' || text[i] > 'Z')
			return NULL;
	memcpy(a->currency, text, 3);
	a->currency[3] = '\0';
	return text + 3;
}

static const char *take_number(struct den_amount *a, const char *text)
{
	int whole = 0, decimals = 0;

	for (a->thousandths = 0; is_digit(*text) && whole <= WHOLE_DIGITS_MAX; text++, whole++)
		a->thousandths = a->thousandths * 10 + (*text - '0');
	if (whole == 0 || whole > WHOLE_DIGITS_MAX)
		return NULL;
	if (*text == '.') {
		for (text++; is_digit(*text) && decimals < DECIMALS_MAX; text++, decimals++)
			a->thousandths = a->thousandths * 10 + (*text - '0');
		if (decimals == 0)
			return NULL;
	}
	for (; decimals < DECIMALS_MAX; decimals++)
		a->thousandths *= 10;
	return text;
}

int den_amount_parse(struct den_amount *a, const char *text)
{
	int number_first = is_digit(*text);
	const char *p;

	memset(a, 0, sizeof(*a));
	p = number_first ? take_number(a, text) : take_currency(a, text);
	if (p && *p == ' ')
		p = number_first ? take_currency(a, p + 1) : take_number(a, p + 1);
	else
		p = NULL;
	if (p && *p == '\0' && a->thousandths > 0)
		return 0;
	memset(a, 0, sizeof(*a));
	return -1;
}

char *den_amount_format(char buf[DEN_AMOUNT_SIZE], const struct den_amount *a)
{
	int n;

	buf[0] = '\0';
	if (!*a->currency)
		return buf;
	n = snprintf(buf, DEN_AMOUNT_SIZE, "%.3s %lld.%03d", a->currency, (long long)(a->thousandths / UNIT),
		(int)(a->thousandths % UNIT));
	while (n > 0 && buf[n - 1] == '0')
		buf[--n] = '\0';
	if (n > 0 && buf[n - 1] == '.')
		buf[n - 1] = '\0';
	return buf;
}

int den_amount_reaches(const struct den_amount *a, const struct den_amount *b)
{
	return *a->currency && strcmp(a->currency, b->currency) == 0 && a->thousandths >= b->thousandths;
}
