#include "tools/denshi-notice/notice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/notice.h"
#include "crypto/file.h"

static const struct {
	const char *key, *variable;
} facts[NOTICE_FACTS] = {
	{"request", "DENSHI_REQUEST"},
	{"business", "DENSHI_BUSINESS"},
	{"account", "DENSHI_ACCOUNT"},
	{"amount", "DENSHI_AMOUNT"},
	{"need", "DENSHI_NEED"},
	{"maker", "DENSHI_MAKER"},
	{"host", "DENSHI_HOST"},
	{"expires", "DENSHI_EXPIRES"},
	{"digest", "DENSHI_DIGEST"},
};

static int add(struct notice *n, const char *variable, const char *value)
{
	size_t i = 0;

	while (n->environment[i])
		i++;
	return i + 1 < sizeof(n->environment) / sizeof(n->environment[0]) &&
			asprintf(&n->environment[i], "%s=%s", variable, value) > 0 ?
		0 : -1;
}

/* A fact, once; or one more approver. */
static int take_line(struct notice *n, const char *line)
{
	size_t key = strcspn(line, " ");

	if (line[key] != ' ')
		return -1;
	if (key == strlen("approver") && strncmp(line, "approver", key) == 0)
		return dprintf(n->approvers, "%s\n", line + key + 1) > 0 ? 0 : -1;
	for (size_t i = 0; i < NOTICE_FACTS; i++)
		if (strlen(facts[i].key) == key && strncmp(line, facts[i].key, key) == 0)
			return add(n, facts[i].variable, line + key + 1);
	return -1;
}

static int take(struct notice *n, char *text)
{
	char *rest = NULL;

	n->approvers = memfd_create("approvers", MFD_CLOEXEC);
	if (n->approvers < 0 || add(n, "PATH", "/usr/sbin:/usr/bin:/sbin:/bin") != 0 || add(n, "LC_ALL", "C.UTF-8") != 0)
		return -1;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (take_line(n, line) != 0)
			return -1;
	return *notice_id(n) && lseek(n->approvers, 0, SEEK_SET) == 0 ? 0 : -1;
}

int notice_read(struct notice *n, const char *path)
{
	struct dencrypt_bytes bytes = DENCRYPT_BYTES_EMPTY;
	char *text = NULL;
	int rc = -1;

	memset(n, 0, sizeof(*n));
	n->approvers = -1;
	if (dencrypt_read_file(path, DENCRYPT_FILE_ANYONES, DEN_NOTICE_BYTES, &bytes) == DENCRYPT_OK &&
		!memchr(bytes.data, '\0', bytes.size) && (text = strndup((const char *)bytes.data, bytes.size)))
		rc = take(n, text);
	dencrypt_bytes_done(&bytes);
	free(text);
	if (rc != 0)
		notice_done(n);
	return rc;
}

const char *notice_id(const struct notice *n)
{
	const char *name = "DENSHI_REQUEST=";

	for (size_t i = 0; n->environment[i]; i++)
		if (strncmp(n->environment[i], name, strlen(name)) == 0)
			return n->environment[i] + strlen(name);
	return "";
}

void notice_done(struct notice *n)
{
	for (size_t i = 0; n->environment[i]; i++)
		free(n->environment[i]);
	memset(n->environment, 0, sizeof(n->environment));
	if (n->approvers >= 0)
		close(n->approvers);
	n->approvers = -1;
}
