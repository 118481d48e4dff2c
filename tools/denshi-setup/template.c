#include "tools/denshi-setup/template.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *value_of(const struct template_value *values, const char *name, size_t len)
{
	for (; values->name; values++)
		if (strlen(values->name) == len && memcmp(values->name, name, len) == 0)
			return values->value;
	return NULL;
}

/* One line; the unknown placeholder, or NULL where all is well. */
static const char *fill_line(FILE *out, char *line, const struct template_value *values)
{
	char *at, *end;

	if (line[0] == '#') {
		fputs(line, out);
		return NULL;
	}
	while ((at = strchr(line, '@')) && (end = strchr(at + 1, '@'))) {
		const char *value = value_of(values, at + 1, (size_t)(end - at - 1));

		*end = '\0';
		if (!value)
			return at + 1;
		fprintf(out, "%.*s%s", (int)(at - line), line, value);
		line = end + 1;
	}
	fputs(line, out);
	return NULL;
}

static int fill(const struct setup *s, const char *path, FILE *in, FILE *out,
	const struct template_value *values)
{
	const char *unknown = NULL;
	char *line = NULL;
	size_t size = 0;

	while (!unknown && getline(&line, &size, in) > 0) {
		unknown = fill_line(out, line, values);
		if (unknown)
			fail(s, DEN_SETUP_TEMPLATE, path, unknown, NULL);
	}
	free(line);
	if (!unknown && (ferror(in) || fflush(out) != 0))
		return fail(s, DEN_SETUP_FILE, path, strerror(errno), NULL);
	return unknown ? -1 : 0;
}

int template_fill(const struct setup *s, const char *file, const struct template_value *values)
{
	char path[PATH_MAX];
	FILE *in, *out = NULL;
	int fd = -1, result = -1;

	snprintf(path, sizeof(path), "%s/%s", s->schema_dir, file);
	in = fopen(path, "re");
	if (!in)
		return fail(s, DEN_SETUP_FILE, path, strerror(errno), NULL);
	fd = memfd_create(file, MFD_CLOEXEC);
	if (fd >= 0)
		out = fdopen(dup(fd), "w");
	if (!out)
		fail(s, DEN_SETUP_FILE, path, strerror(errno), NULL);
	else
		result = fill(s, path, in, out, values);
	if (out)
		fclose(out);
	fclose(in);
	if (result == 0 && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}
