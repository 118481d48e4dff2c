/* /etc/denshi/denshi.conf: what setup appends, and takes away again. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/file.h"
#include "tools/denshi-setup/setup.h"
#include "tools/server/settings.h"

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

/* Whether the settings that are there say what setup would. */
static int agrees(const struct setup *s)
{
	struct den_config c;

	return read_settings(s, &c) == 0 &&
		strcmp(c.organisation, s->org) == 0 && strcmp(c.uri, s->uri) == 0 &&
		strcmp(c.host, s->host) == 0;
}

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

int conf_write(const struct setup *s, int *written)
{
	char *text = read_text(s), *whole = NULL, snapshot[SNAPSHOT_SIZE];
	int result = -1;

	*written = 0;
	if (!text)
		return -1;
	if (settings_are_in_text(text)) {
		if (!agrees(s))
			say(s, DEN_SETUP_CONFIG_KEPT, s->config_path, s->org, s->uri, s->host, NULL);
		result = 0;
	} else if (asprintf(&whole,
			   "%s%s" MARK "organisation = \"%s\";\nuri = \"%s\";\nhost = \"%s\";\n"
			   "ca_state = \"%s/ca\";\nlanguage = \"%s\";\n",
			   text, *text ? "\n" : "", s->org, s->uri, s->host, s->state,
			   den_lang_name(s->org_lang)) < 0) {
		whole = NULL;
		fail(s, DEN_SETUP_FILE, s->config_path, strerror(ENOMEM), NULL);
	} else {
		result = write_text(s, whole);
		*written = result == 0;
		find_snapshot(s, snapshot);
		if (*written)
			(void)unlink(snapshot);
	}
	free(whole);
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
