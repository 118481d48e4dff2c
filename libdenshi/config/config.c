#include "config/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libconfig.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/text.h"

#define FILE_MAX_BYTES 65536
#define MAX_ID 2147483647u
#define ONE_URI_MAX 255

enum kind { NAME, NUMBER, SWITCH };

static int is_organisation(const char *s)
{
	size_t len = strlen(s);

	return len >= 1 && len <= 32 && s[0] != '-' && s[len - 1] != '-' &&
		strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* One label of letters, digits and hyphens, or several (RFC 1123, 2.1). */
static int is_host(const char *s)
{
	size_t label = 0;

	for (const char *p = s;; p++) {
		if (*p == '.' || !*p) {
			if (label == 0 || label > 63 || p[-1] == '-' || p[-(long)label] == '-')
				return 0;
			if (!*p)
				return strlen(s) <= 253;
			label = 0;
		} else if ((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '-') {
			label++;
		} else {
			return 0;
		}
	}
}

static int is_port(const char *s)
{
	char *end;
	long port = strtol(s, &end, 10);

	return *s >= '1' && *s <= '9' && !*end && port <= 65535;
}

static int is_network_uri(const char *s)
{
	const char *scheme = strncmp(s, "ldaps://", 8) == 0 ? "ldaps://" : "ldap://";
	char name[ONE_URI_MAX + 1];
	char *port;

	if (strncmp(s, scheme, strlen(scheme)) != 0)
		return 0;
	snprintf(name, sizeof(name), "%s", s + strlen(scheme));
	port = strchr(name, ':');
	if (port)
		*port++ = '\0';
	return is_host(name) && (!port || is_port(port));
}

static int is_local_uri(const char *s)
{
	size_t len = strlen(s);

	return strncmp(s, "ldapi://%2F", 11) == 0 && len > 11 &&
		strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/%._-") == len;
}

/* A local socket, or TLS. */
static int is_uri(const char *s)
{
	return strlen(s) <= ONE_URI_MAX && (is_local_uri(s) || is_network_uri(s));
}

/* One or more, with blanks between. */
static int is_uri_list(const char *s)
{
	char one[ONE_URI_MAX + 1];

	do {
		size_t len = strcspn(s, " ");

		if (len > ONE_URI_MAX)
			return 0;
		memcpy(one, s, len);
		one[len] = '\0';
		if (!is_uri(one))
			return 0;
		s += len;
		s += strspn(s, " ");
	} while (*s);
	return 1;
}

static int is_path(const char *s)
{
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			return 0;
	return s[0] == '/' && s[1] && !strstr(s, "/../") && !strstr(s, "//") && s[strlen(s) - 1] != '/';
}

static int is_path_or_none(const char *s)
{
	return !*s || is_path(s);
}

static int is_language(const char *s)
{
	return strcmp(s, "ja") == 0 || strcmp(s, "en") == 0;
}

/* Names of this machine's own users, with blanks between; "": none. */
static int is_user_list(const char *s)
{
	size_t len = strlen(s);

	return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_- ") == len;
}

/* One row a setting: add one here, to struct den_config and to denshi.conf(5). */
static const struct row {
	const char *name;
	enum kind kind;
	size_t offset, size;
	const char *text; /* default of a NAME; NULL: must be set, or is found out */
	unsigned number, min, max;
	int (*check)(const char *);
	enum den_code allowed;
} rows[] = {
#define TEXT_ROW(field, value, check, allowed) \
	{#field, NAME, offsetof(struct den_config, field), sizeof(((struct den_config *)0)->field), \
		value, 0, 0, 0, check, allowed}
#define NUMBER_ROW(field, value, min, max) \
	{#field, NUMBER, offsetof(struct den_config, field), sizeof(unsigned), NULL, value, min, max, \
		NULL, DEN_CONFIG_NUMBER}
#define SWITCH_ROW(field, value) \
	{#field, SWITCH, offsetof(struct den_config, field), sizeof(int), NULL, value, 0, 1, NULL, \
		DEN_CONFIG_SWITCH}
	TEXT_ROW(organisation, NULL, is_organisation, DEN_CONFIG_ORGANISATION),
	TEXT_ROW(uri, "ldapi://%2Frun%2Fdenshi-slapd%2Fldapi", is_uri_list, DEN_CONFIG_URIS),
	TEXT_ROW(writer, "", is_uri, DEN_CONFIG_URI),
	TEXT_ROW(tls_ca, "/etc/denshi/tls/ca.pem", is_path, DEN_CONFIG_ABSOLUTE_PATH),
	TEXT_ROW(tls_certificate, "/etc/denshi/tls/host.pem", is_path, DEN_CONFIG_ABSOLUTE_PATH),
	TEXT_ROW(tls_key, "/etc/denshi/tls/host.key", is_path, DEN_CONFIG_ABSOLUTE_PATH),
	TEXT_ROW(host, NULL, is_host, DEN_CONFIG_HOST),
	TEXT_ROW(socket, "/run/denshi/denshid.sock", is_path, DEN_CONFIG_ABSOLUTE_PATH),
	TEXT_ROW(snapshot, "/var/lib/denshi/snapshot", is_path, DEN_CONFIG_ABSOLUTE_PATH),
	TEXT_ROW(ca_state, "/var/lib/denshi-server/ca", is_path, DEN_CONFIG_ABSOLUTE_PATH),
	TEXT_ROW(language, "en", is_language, DEN_CONFIG_LANGUAGE),
	TEXT_ROW(approval_services, "", is_user_list, DEN_CONFIG_USERS),
	TEXT_ROW(notice_program, "", is_path_or_none, DEN_CONFIG_ABSOLUTE_PATH),
	NUMBER_ROW(notice_seconds, 30, 1, 600),
	NUMBER_ROW(workers, 16, 1, 256),
	SWITCH_ROW(enumerate, 1),
	NUMBER_ROW(uid_floor, 200000, 1000, MAX_ID),
	NUMBER_ROW(gid_floor, 200000, 1000, MAX_ID),
	NUMBER_ROW(max_drop, 50, 1, 100),
	NUMBER_ROW(certificate_days, 365, 1, 3650),
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const struct row *row_of(const char *name)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

static void *field(struct den_config *c, const struct row *row)
{
	return (char *)c + row->offset;
}

/* Lower case, and a name that can't be used becomes the one that always can. */
static void default_host(char *host, size_t size)
{
	if (gethostname(host, size) != 0)
		host[0] = '\0';
	host[size - 1] = '\0';
	for (char *p = host; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (!is_host(host))
		snprintf(host, size, "localhost");
}

void den_config_defaults(struct den_config *c)
{
	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].kind == NAME && rows[i].text)
			snprintf(field(c, &rows[i]), rows[i].size, "%s", rows[i].text);
		else if (rows[i].kind != NAME)
			memcpy(field(c, &rows[i]), &rows[i].number, sizeof(unsigned));
	}
	default_host(c->host, sizeof(c->host));
}

int den_config_allows(const char *name, const char *text)
{
	const struct row *row = row_of(name);

	return row && row->kind == NAME && strlen(text) < row->size && row->check(text);
}

int den_config_reloads(const struct den_config *running, const struct den_config *fresh)
{
	struct den_config same = *fresh;

	same.enumerate = running->enumerate;
	same.uid_floor = running->uid_floor;
	same.gid_floor = running->gid_floor;
	same.max_drop = running->max_drop;
	for (size_t i = 0; i < ROWS; i++) {
		const char *a = field(&same, &rows[i]), *b = (const char *)running + rows[i].offset;

		if (rows[i].kind == NAME ? strcmp(a, b) != 0 : memcmp(a, b, rows[i].size) != 0)
			return 0;
	}
	return 1;
}

/* -- what goes wrong ------------------------------------------------------------------ */

struct report {
	const char *path;
	char *error;
	size_t size;
};

static int complain(const struct report *r, enum den_code code, const char *a, const char *b, const char *c)
{
	const char *args[] = {r->path, a, b, c};

	den_text_format(r->error, r->size, den_lang_from_environment(NULL), code, args, 4);
	return -1;
}

/* What a setting may be, for people. */
static void allowed_text(char *buf, size_t size, const struct row *row)
{
	enum den_lang lang = den_lang_from_environment(NULL);
	char min[16], max[16], plain[200];
	const char *args[] = {min, max}, *quoted[] = {plain};

	snprintf(min, sizeof(min), "%u", row->kind == NAME ? 0 : row->min);
	snprintf(max, sizeof(max), "%zu", row->kind == NAME ? row->size - 1 : row->max);
	den_text_format(plain, sizeof(plain), lang, row->allowed, args, 2);
	den_text_format(buf, size, lang, row->kind == NAME ? DEN_CONFIG_QUOTED : row->allowed,
		row->kind == NAME ? quoted : args, row->kind == NAME ? 1 : 2);
}

/* The value as it stands in the file, control characters shown as '?'. */
static void found_text(char *buf, size_t size, const config_setting_t *setting)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		snprintf(buf, size, "%lld", (long long)config_setting_get_int64(setting));
		break;
	case CONFIG_TYPE_FLOAT:
		snprintf(buf, size, "%g", config_setting_get_float(setting));
		break;
	case CONFIG_TYPE_BOOL:
		snprintf(buf, size, "%s", config_setting_get_bool(setting) ? "true" : "false");
		break;
	case CONFIG_TYPE_STRING:
		snprintf(buf, size, "\"%.60s\"", config_setting_get_string(setting));
		break;
	default:
		snprintf(buf, size, "{...}");
	}
	for (char *p = buf; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			*p = '?';
}

static int wrong_value(const struct report *r, const struct row *row, const config_setting_t *setting)
{
	char found[80], allowed[256], place[80];

	snprintf(place, sizeof(place), "%u: %s", config_setting_source_line(setting), row->name);
	found_text(found, sizeof(found), setting);
	allowed_text(allowed, sizeof(allowed), row);
	return complain(r, DEN_CONFIG_WRONG, place, found, allowed);
}

static int unknown_setting(const struct report *r, const config_setting_t *setting)
{
	char place[16], names[512] = "";
	const char *name = config_setting_name(setting);

	snprintf(place, sizeof(place), "%u", config_setting_source_line(setting));
	for (size_t i = 0, n = 0; i < ROWS; i++)
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s", i ? ", " : "", rows[i].name);
	return complain(r, DEN_CONFIG_UNKNOWN, place, name ? name : "?", names);
}

/* -- one setting -------------------------------------------------------------------------- */

static int take_name(struct den_config *c, const struct row *row, const config_setting_t *setting)
{
	const char *text;

	if (config_setting_type(setting) != CONFIG_TYPE_STRING)
		return -1;
	text = config_setting_get_string(setting);
	if (!text || strlen(text) >= row->size || !row->check(text))
		return -1;
	snprintf(field(c, row), row->size, "%s", text);
	return 0;
}

static int take_number(struct den_config *c, const struct row *row, const config_setting_t *setting)
{
	int type = config_setting_type(setting);
	long long wide;
	unsigned n;

	if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
		return -1;
	wide = config_setting_get_int64(setting);
	if (wide < (long long)row->min || wide > (long long)row->max)
		return -1;
	n = (unsigned)wide;
	memcpy(field(c, row), &n, sizeof(n));
	return 0;
}

static int take_switch(struct den_config *c, const struct row *row, const config_setting_t *setting)
{
	int on;

	if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
		return -1;
	on = config_setting_get_bool(setting);
	memcpy(field(c, row), &on, sizeof(on));
	return 0;
}

static int take(struct den_config *c, const struct report *r, const config_setting_t *setting)
{
	static int (*const takers[])(struct den_config *, const struct row *, const config_setting_t *) = {
		[NAME] = take_name,
		[NUMBER] = take_number,
		[SWITCH] = take_switch,
	};
	const char *name = config_setting_name(setting);
	const struct row *row = name ? row_of(name) : NULL;

	/* An included file was not looked at for its owner and mode. */
	if (config_setting_source_file(setting))
		return complain(r, DEN_CONFIG_INCLUDE, config_setting_source_file(setting), "", "");
	if (!row)
		return unknown_setting(r, setting);
	return takers[row->kind](c, row, setting) == 0 ? 0 : wrong_value(r, row, setting);
}

/* -- the file ---------------------------------------------------------------------------------- */

static int unreadable(const struct report *r, const char *why)
{
	return complain(r, DEN_CONFIG_UNREADABLE, why, "", "");
}

/* Reads at most FILE_MAX_BYTES from fd into buf, NUL-terminated. -1 with errno. */
static ssize_t read_all(int fd, char *buf)
{
	size_t used = 0;
	ssize_t n;

	while ((n = read(fd, buf + used, FILE_MAX_BYTES + 1 - used)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		used += (size_t)n;
		if (used > FILE_MAX_BYTES) {
			errno = EFBIG;
			return -1;
		}
	}
	buf[used] = '\0';
	return (ssize_t)used;
}

static int load(const struct report *r, char *buf)
{
	int fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int result = -1;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return unreadable(r, strerror(errno));
	if (fstat(fd, &st) != 0)
		unreadable(r, strerror(errno));
	else if (!S_ISREG(st.st_mode) || (st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & 022))
		complain(r, DEN_CONFIG_UNSAFE, "", "", "");
	else if ((n = read_all(fd, buf)) < 0)
		unreadable(r, strerror(errno));
	else if (strlen(buf) != (size_t)n)
		unreadable(r, "NUL");
	else
		result = 0;
	close(fd);
	return result;
}

static int bad_syntax(const struct report *r, const config_t *parsed)
{
	char line[16];

	snprintf(line, sizeof(line), "%d", config_error_line(parsed));
	return complain(r, DEN_CONFIG_SYNTAX, line, config_error_text(parsed), "");
}

static int apply(struct den_config *c, const struct report *r, const config_t *parsed)
{
	const config_setting_t *root = config_root_setting(parsed);
	int n = config_setting_length(root);

	for (int i = 0; i < n; i++)
		if (take(c, r, config_setting_get_elem(root, (unsigned)i)) != 0)
			return -1;
	return 0;
}

/* Into c, over what it holds. */
static int read_over(struct den_config *c, const struct report *r)
{
	char *buf = malloc(FILE_MAX_BYTES + 2);
	config_t parsed;
	int result = -1;

	if (!buf)
		return unreadable(r, strerror(ENOMEM));
	if (load(r, buf) == 0) {
		config_init(&parsed);
		if (config_read_string(&parsed, buf) != CONFIG_TRUE)
			bad_syntax(r, &parsed);
		else
			result = apply(c, r, &parsed);
		config_destroy(&parsed);
	}
	free(buf);
	return result;
}

static int is_whole(const struct den_config *c, const struct report *r)
{
	char allowed[256];

	if (c->organisation[0])
		return 1;
	allowed_text(allowed, sizeof(allowed), row_of("organisation"));
	complain(r, DEN_CONFIG_MISSING, "organisation", allowed, "");
	return 0;
}

int den_config_read(struct den_config *c, const char *path, char *error, size_t size)
{
	struct report r = {.path = path, .error = error, .size = size};

	den_config_defaults(c);
	if (read_over(c, &r) == 0 && is_whole(c, &r))
		return 0;
	den_config_defaults(c);
	return -1;
}

int den_config_read_part(struct den_config *c, const char *path, char *error, size_t size)
{
	struct report r = {.path = path, .error = error, .size = size};

	den_config_defaults(c);
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].kind == NAME)
			memset(field(c, &rows[i]), 0, rows[i].size);
	return access(path, F_OK) != 0 && errno == ENOENT ? 0 : read_over(c, &r);
}
