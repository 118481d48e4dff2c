#include "tools/denshi-setup/additions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/file.h"
#include "tools/server/tree.h"

#define FILE_MAX_BYTES 65536

static const char *const words[ADDITION_KINDS] = {
	[ADDITION_URI] = "uri",
	[ADDITION_CONFIG] = "config",
	[ADDITION_MODULE] = "module",
	[ADDITION_SCHEMA] = "schema",
	[ADDITION_HASH] = "hash",
	[ADDITION_AUTHZ] = "authz",
	[ADDITION_DATABASE] = "database",
	[ADDITION_ENTRY] = "entry",
	[ADDITION_DONE] = "done",
};

void additions_done(struct additions *a)
{
	free(a->list);
	*a = (struct additions){0};
}

int additions_put(struct additions *a, enum addition_kind kind, const char *value)
{
	struct addition *more;

	for (size_t i = 0; i < a->n; i++)
		if (a->list[i].kind == kind && strcmp(a->list[i].value, value) == 0)
			return 0;
	errno = EMSGSIZE;
	if (strlen(value) >= ADDITION_MAX || strchr(value, '\n'))
		return -1;
	more = reallocarray(a->list, a->n + 1, sizeof(*more));
	if (!more)
		return -1;
	a->list = more;
	more += a->n++;
	more->kind = kind;
	memcpy(more->value, value, strlen(value) + 1);
	return 0;
}

void additions_drop(struct additions *a, enum addition_kind kind)
{
	size_t kept = 0;

	for (size_t i = 0; i < a->n; i++)
		if (a->list[i].kind != kind)
			a->list[kept++] = a->list[i];
	a->n = kept;
}

const char *additions_first(const struct additions *a, enum addition_kind kind)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->list[i].kind == kind)
			return a->list[i].value;
	return NULL;
}

int additions_count(const struct additions *a, enum addition_kind kind)
{
	int n = 0;

	for (size_t i = 0; i < a->n; i++)
		n += a->list[i].kind == kind;
	return n;
}

/* -- the file ------------------------------------------------------------------------------ */

static int take_line(struct additions *a, char *line)
{
	char *value = strchr(line, ' ');

	errno = EINVAL;
	if (!value)
		return -1;
	*value++ = '\0';
	for (int kind = 0; kind < ADDITION_KINDS; kind++)
		if (strcmp(words[kind], line) == 0)
			return additions_put(a, kind, value);
	return -1;
}

static int take_text(struct additions *a, char *text)
{
	for (char *line = text, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		errno = EINVAL;
		if (!end)
			return -1;
		*end = '\0';
		if (take_line(a, line) != 0)
			return -1;
	}
	return 0;
}

int additions_read(struct additions *a, const char *state)
{
	struct dencrypt_bytes bytes = DENCRYPT_BYTES_EMPTY;
	char path[PATH_MAX], *text;
	enum dencrypt_result r;
	int result;

	*a = (struct additions){0};
	if (tree_path(path, state, ADDITIONS_FILE) != 0)
		return -1;
	r = dencrypt_read_file(path, DENCRYPT_FILE_SECRET, FILE_MAX_BYTES, &bytes);
	if (r == DENCRYPT_IO && errno == ENOENT)
		return 0;
	if (r != DENCRYPT_OK) {
		errno = r == DENCRYPT_IO ? errno : EPERM;
		return -1;
	}
	text = strndup((const char *)bytes.data, bytes.size);
	dencrypt_bytes_done(&bytes);
	result = text ? take_text(a, text) : -1;
	free(text);
	if (result != 0)
		additions_done(a);
	return result;
}

int additions_write(const struct additions *a, const char *state)
{
	char path[PATH_MAX], *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	enum dencrypt_result r = DENCRYPT_IO;

	if (!out)
		return -1;
	for (size_t i = 0; i < a->n; i++)
		fprintf(out, "%s %s\n", words[a->list[i].kind], a->list[i].value);
	if (fclose(out) == 0 && tree_path(path, state, ADDITIONS_FILE) == 0)
		r = dencrypt_write_file(path, &(struct dencrypt_bytes){(unsigned char *)text, size}, 0600);
	free(text);
	return r == DENCRYPT_OK ? 0 : -1;
}

int additions_forget(const char *state)
{
	char path[PATH_MAX];

	if (tree_path(path, state, ADDITIONS_FILE) != 0)
		return -1;
	return unlink(path) == 0 || errno == ENOENT ? 0 : -1;
}
