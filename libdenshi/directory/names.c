/* DNs, filters and times: the only place where one is put together. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "core/loginid.h"
#include "directory/connection-internal.h"

char *dendir_dn(char *buf, const struct dendir *d, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(buf, DENDIR_DN_SIZE, format, ap);
	va_end(ap);
	/* Names are bounded by their readers; a DN that would be cut is made unusable instead. */
	if (n < 0 || (size_t)n + strlen(d->site->org) + sizeof(",o=") > DENDIR_DN_SIZE)
		snprintf(buf, DENDIR_DN_SIZE, "cn=too-long");
	else
		snprintf(buf + n, DENDIR_DN_SIZE - (size_t)n, "%so=%s", n ? "," : "", d->site->org);
	return buf;
}

void dendir_login_of_dn(char login[DEN_LOGIN_ID_SIZE], const char *dn)
{
	const char *start = strstr(dn, "uid=");
	size_t len;

	login[0] = '\0';
	if (!start || (start != dn && start[-1] != ','))
		return;
	start += 4;
	len = strcspn(start, ",");
	if (len < DEN_LOGIN_ID_SIZE)
		den_login_id_parse(login, start, len);
}

int dendir_name_is_plain(const char *name)
{
	size_t len = strlen(name);

	return len >= 1 && len <= 32 && name[0] != '-' && name[len - 1] != '-' &&
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

char *dendir_filter(char *buf, size_t size, const char *template, ...)
{
	size_t used = 0;
	va_list ap;

	va_start(ap, template);
	while (*template && used < size) {
		if (template[0] == '%' && template[1] == 's') {
			struct berval in, out = {0};

			ber_str2bv(va_arg(ap, const char *), 0, 0, &in);
			if (ldap_bv2escaped_filter_value(&in, &out) != 0 || out.bv_len >= size - used) {
				ber_memfree(out.bv_val);
				used = size;
				break;
			}
			memcpy(buf + used, out.bv_val, out.bv_len);
			used += out.bv_len;
			ber_memfree(out.bv_val);
			template += 2;
		} else {
			buf[used++] = *template++;
		}
	}
	va_end(ap);
	if (used >= size)
		return NULL;
	buf[used] = '\0';
	return buf;
}

char *dendir_logins_filter(char buf[DENDIR_LOGINS_FILTER_SIZE], const char (*logins)[DEN_LOGIN_ID_SIZE], size_t n)
{
	size_t used = 2;

	if (n > DENDIR_USERS_MAX)
		return NULL;
	memcpy(buf, "(|", 2);
	/* A login ID is letters, digits and one hyphen: nothing to escape. */
	for (size_t i = 0; i < n; i++)
		used += (size_t)snprintf(buf + used, DENDIR_LOGINS_FILTER_SIZE - used, "(uid=%s)", logins[i]);
	memcpy(buf + used, ")", 2);
	return buf;
}

char *dendir_time(char buf[DENDIR_TIME_SIZE], int64_t t)
{
	time_t seconds = (time_t)t;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || strftime(buf, DENDIR_TIME_SIZE, "%Y%m%d%H%M%SZ", &tm) == 0)
		snprintf(buf, DENDIR_TIME_SIZE, "00000000000000Z");
	return buf;
}

int64_t dendir_parse_time(const char *text)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y%m%d%H%M%S", &tm);

	/* Operational times may carry a fraction (RFC 4517, 3.3.13). */
	if (end && *end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	return end && strcmp(end, "Z") == 0 ? (int64_t)timegm(&tm) : -1;
}

char *dendir_random_name(char buf[12], const char *prefix)
{
	/* No vowels and nothing that is taken for something else: read aloud, typed in. */
	static const char letters[] = "bcdfghjkmnpqrstvwxz23456789";
	unsigned char bytes[6];
	size_t used = (size_t)snprintf(buf, 6, "%s", prefix);

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		abort();
	for (size_t i = 0; i < sizeof(bytes); i++)
		buf[used++] = letters[bytes[i] % (sizeof(letters) - 1)];
	buf[used] = '\0';
	return buf;
}
