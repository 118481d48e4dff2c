/* /etc/denshi/denshi.conf: what setup appends, and takes away again. */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/file.h"
#include "tools/denshi-setup/setup.h"

#define CONFIG_MAX 65536
#define SNAPSHOT_SIZE sizeof(((struct den_config *)0)->snapshot)
#define MARK "# -- written by denshi setup; denshi setup --remove takes it away --\n"

/* The file as a string to be freed; "" where there is none. NULL (said). */
static char *read_text(const struct setup *s)
{
	struct dencrypt_bytes bytes = DENCRYPT_BYTES_EMPTY;
	enum dencrypt_result r = dencrypt_read_file(s->config_path, DENCRYPT_FILE_PUBLIC, CONFIG_MAX, &bytes);
	char *text = NULL;

	if (r == DENCRYPT_OK)
		text = strndup((const char *)bytes.data, bytes.size);
	else if (r == DENCRYPT_IO && errno == ENOENT)
		text = strdup("");
	else
		fail(s, DEN_SETUP_FILE, s->config_path, r == DENCRYPT_IO ? strerror(errno) : dencrypt_text(r), NULL);
	dencrypt_bytes_done(&bytes);
	return text;
}

static int write_text(const struct setup *s, const char *text)
{
	struct dencrypt_bytes bytes = {(unsigned char *)(uintptr_t)text, strlen(text)};
	char folder[PATH_MAX];
	enum dencrypt_result r;

	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(s->config_path, '/') - s->config_path),
		s->config_path);
	(void)mkdir(folder, 0755);
	r = dencrypt_write_file(s->config_path, &bytes, 0644);
	if (r == DENCRYPT_OK)
		return 0;
	return fail(s, DEN_SETUP_FILE, s->config_path, r == DENCRYPT_IO ? strerror(errno) : dencrypt_text(r), NULL);
}

/* -1 where there is none, or a wrong one: another program tells what is. */
static int read_settings(const struct setup *s, struct den_config *c)
{
	char error[DEN_CONFIG_ERROR_SIZE];

	return den_config_read(c, s->config_path, error, sizeof(error));
}

/* -- what this host needs ------------------------------------------------------------------- */

enum importance {
	OWN,	   /* who this host is, and of whom: it can't be anything else */
	PREFERENCE, /* an administrator's word is as good */
	PLACE,	   /* where it is by default: not written, and nowhere else */
};

struct need {
	const char *name;
	enum importance importance;
	const char *said;     /* by denshi.conf; "": nothing */
	char value[1024];
};

#define NEEDS 8

static void need(struct need *n, const char *name, enum importance importance, const char *said, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
static void need(struct need *n, const char *name, enum importance importance, const char *said, const char *format, ...)
{
	va_list ap;

	n->name = name;
	n->importance = importance;
	n->said = said;
	va_start(ap, format);
	vsnprintf(n->value, sizeof(n->value), format, ap);
	va_end(ap);
}

/* A host that joins has no CA, and its certificates beside denshi.conf. */
static size_t find_needs(const struct setup *s, const struct den_config *said, struct need needs[NEEDS])
{
	size_t n = 0;
	int folder = (int)(strrchr(s->config_path, '/') - s->config_path);

	need(&needs[n++], "organisation", OWN, said->organisation, "%s", s->org);
	need(&needs[n++], "uri", OWN, said->uri, "%s", s->uri);
	need(&needs[n++], "host", OWN, said->host, "%s", s->host);
	need(&needs[n++], "ca_state", s->join_file ? PREFERENCE : OWN, said->ca_state, "%s/ca", s->state);
	need(&needs[n++], "language", PREFERENCE, said->language, "%s", den_lang_name(s->org_lang));
	if (!s->join_file)
		return n;
	need(&needs[n++], "tls_ca", PLACE, said->tls_ca, "%.*s/tls/ca.pem", folder, s->config_path);
	need(&needs[n++], "tls_certificate", PLACE, said->tls_certificate, "%.*s/tls/host.pem", folder, s->config_path);
	need(&needs[n++], "tls_key", PLACE, said->tls_key, "%.*s/tls/host.key", folder, s->config_path);
	return n;
}

/* The first that is said otherwise; NULL: none is. */
static const struct need *find_contradiction(const struct need *needs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (needs[i].importance != PREFERENCE && *needs[i].said && strcmp(needs[i].said, needs[i].value) != 0)
			return &needs[i];
	return NULL;
}

int conf_check(const struct setup *s)
{
	struct den_config said;
	struct need needs[NEEDS];
	const struct need *other;
	char error[DEN_CONFIG_ERROR_SIZE];

	if (den_config_read_part(&said, s->config_path, error, sizeof(error)) != 0)
		return fail(s, DEN_SETUP_FILE, s->config_path, error, NULL);
	other = find_contradiction(needs, find_needs(s, &said, needs));
	if (!other)
		return 0;
	return fail(s, DEN_JOIN_CONTRADICTION, s->config_path, other->name, other->said, other->value, NULL);
}

/* -- writing ----------------------------------------------------------------------------------- */

/* Where the snapshot is; by default where the file says nothing. What was in force here is of no
 * organisation any more, or of another one: users who are nobody, and a serial that a new
 * directory would be behind. So it goes where denshi.conf changes hands. */
static void find_snapshot(const struct setup *s, char path[SNAPSHOT_SIZE])
{
	struct den_config c;

	if (read_settings(s, &c) != 0)
		den_config_defaults(&c);
	memcpy(path, c.snapshot, sizeof(c.snapshot));
}

int conf_is_of_another(const struct setup *s, char org[SETUP_ORG_SIZE])
{
	struct den_config c;

	if (read_settings(s, &c) != 0 || strcmp(c.organisation, s->org) == 0)
		return 0;
	snprintf(org, SETUP_ORG_SIZE, "%s", c.organisation);
	return 1;
}

static int is_complete(const char *text, const struct need *needs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (needs[i].importance != PLACE && !*needs[i].said)
			return 0;
	return strstr(text, MARK) != NULL;
}

/* The text with what it doesn't say yet, to be freed; NULL without memory. */
static char *complete(const char *text, const struct need *needs, size_t n)
{
	char *whole = NULL;
	size_t size;
	FILE *out = open_memstream(&whole, &size);

	if (!out)
		return NULL;
	fprintf(out, "%s%s", text, *text ? "\n" : "");
	if (!strstr(text, MARK))
		fputs(MARK, out);
	for (size_t i = 0; i < n; i++)
		if (needs[i].importance != PLACE && !*needs[i].said)
			fprintf(out, "%s = \"%s\";\n", needs[i].name, needs[i].value);
	if (fclose(out) == 0)
		return whole;
	free(whole);
	return NULL;
}

static int write_whole(const struct setup *s, const char *whole)
{
	char snapshot[SNAPSHOT_SIZE];

	if (!whole)
		return fail(s, DEN_SETUP_FILE, s->config_path, strerror(ENOMEM), NULL);
	if (write_text(s, whole) != 0)
		return -1;
	find_snapshot(s, snapshot);
	(void)unlink(snapshot);
	return 0;
}

int conf_write(const struct setup *s, int *written)
{
	struct den_config said;
	struct need needs[NEEDS];
	char error[DEN_CONFIG_ERROR_SIZE], *text = read_text(s), *whole;
	int result;
	size_t n;

	*written = 0;
	if (!text)
		return -1;
	if (den_config_read_part(&said, s->config_path, error, sizeof(error)) != 0 ||
		find_contradiction(needs, n = find_needs(s, &said, needs))) {
		say(s, DEN_SETUP_CONFIG_KEPT, s->config_path, s->org, s->uri, s->host, NULL);
		result = 0;
	} else if (is_complete(text, needs, n)) {
		result = 0;
	} else {
		whole = complete(text, needs, n);
		result = write_whole(s, whole);
		*written = result == 0;
		free(whole);
	}
	free(text);
	return result;
}

int conf_is_ours(const struct setup *s)
{
	char *text = read_text(s);
	int ours = text && strstr(text, MARK);

	free(text);
	return ours;
}

/* Takes out what conf_write wrote from the mark on; what others added behind it stays. */
static void cut_out(char *text, char *mark)
{
	static const char *const ours[] = {"organisation", "uri", "host", "ca_state", "language"};
	char *to = mark - text >= 2 && mark[-1] == '\n' && mark[-2] == '\n' ? mark - 1 : mark;

	for (char *line = mark + strlen(MARK), *next; *line; line = next) {
		int is_ours = 0;

		next = line + strcspn(line, "\n");
		next += *next == '\n';
		for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
			is_ours |= strncmp(line, ours[i], strlen(ours[i])) == 0 && strchr(" =", line[strlen(ours[i])]);
		if (!is_ours) {
			memmove(to, line, (size_t)(next - line));
			to += next - line;
		}
	}
	*to = '\0';
}

int conf_undo(const struct setup *s)
{
	char *text = read_text(s), *mark, snapshot[SNAPSHOT_SIZE];
	int result = 0;

	if (!text)
		return -1;
	mark = strstr(text, MARK);
	if (mark) {
		cut_out(text, mark);
		find_snapshot(s, snapshot);
		result = write_text(s, text);
		if (result == 0)
			(void)unlink(snapshot);
	}
	free(text);
	return result;
}
