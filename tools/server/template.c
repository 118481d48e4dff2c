#include "tools/server/template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/server/tree.h"

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

static int fill(FILE *in, FILE *out, const struct template_value *values, char unknown[TEMPLATE_NAME_SIZE])
{
	const char *name = NULL;
	char *line = NULL;
	size_t size = 0;

	while (!name && getline(&line, &size, in) > 0) {
		name = fill_line(out, line, values);
		if (name)
			snprintf(unknown, TEMPLATE_NAME_SIZE, "%s", name);
	}
	free(line);
	return name || ferror(in) || fflush(out) != 0 ? -1 : 0;
}

int template_fill(const char *folder, const char *file, const struct template_value *values,
	char unknown[TEMPLATE_NAME_SIZE])
{
	char path[PATH_MAX];
	FILE *in = NULL, *out = NULL;
	int fd = -1, result = -1;

	unknown[0] = '\0';
	if (tree_path(path, folder, file) == 0)
		in = fopen(path, "re");
	if (!in)
		return -1;
	fd = memfd_create(file, MFD_CLOEXEC);
	if (fd >= 0)
		out = fdopen(dup(fd), "w");
	if (out) {
		result = fill(in, out, values, unknown);
		fclose(out);
	}
	fclose(in);
	if (result == 0 && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}
