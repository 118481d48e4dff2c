#include "tools/denshi/passwords.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/csv.h"
#include "core/loginid.h"
#include "crypto/file.h"
#include "crypto/initial.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"

#define HEADING "login,password\n"
#define LINE_SIZE (DEN_LOGIN_ID_SIZE + DENCRYPT_INITIAL_SIZE + 1)
#define FILE_MAX (64u << 20)
#define PENDING_MAX 128

struct passwords {
	const char *name;
	int fd;
	json_t *known; /* by login; jansson's memory is wiped (output_start) */
	char pending[PENDING_MAX * LINE_SIZE];
	size_t used;
};

int password_generate(struct cli *cli, struct den_secret **out)
{
	char text[DENCRYPT_INITIAL_SIZE];
	enum dencrypt_result result;

	*out = den_secret_new();
	if (!*out)
		output_no_memory();
	result = dencrypt_initial_password(text);
	if (result == DENCRYPT_OK)
		den_secret_set(*out, text, strlen(text));
	explicit_bzero(text, sizeof(text));
	return result == DENCRYPT_OK ? CLI_DONE : refuse(cli, DEN_CLI_CRYPTO, dencrypt_text(result));
}

/* -- the file ------------------------------------------------------------------------- */

static int is_private(int fd, struct stat *st)
{
	return fstat(fd, st) == 0 && S_ISREG(st->st_mode) && st->st_uid == geteuid() &&
		!(st->st_mode & (S_IRWXG | S_IRWXO)) && st->st_size <= (off_t)FILE_MAX;
}

/* Reads what a run before has written. A last line that was cut off is no password: it goes. */
static int load(struct passwords *p, size_t size)
{
	char *bytes = malloc(size + 1), *end;
	struct den_csv csv;
	struct den_csv_row row;
	enum den_csv_result r;
	ssize_t n;

	if (!bytes)
		output_no_memory();
	n = pread(p->fd, bytes, size, 0);
	end = n > 0 ? memrchr(bytes, '\n', (size_t)n) : NULL;
	n = end ? end + 1 - bytes : 0;
	if (ftruncate(p->fd, n) != 0 || (n == 0 && dencrypt_write_all(p->fd, HEADING, strlen(HEADING)) != 0)) {
		free(bytes);
		return -1;
	}
	den_csv_start(&csv, bytes, (size_t)n);
	while ((r = den_csv_next(&csv, &row)) != DEN_CSV_END)
		if (r == DEN_CSV_ROW && row.n == 2)
			json_object_set_new(p->known, row.field[0], json_string(row.field[1]));
	explicit_bzero(bytes, size + 1);
	free(bytes);
	return 0;
}

int passwords_open(struct cli *cli, const char *name, struct passwords **out)
{
	struct passwords *p = calloc(1, sizeof(*p));
	struct stat st;
	int status = CLI_DONE;

	*out = NULL;
	if (!p || !(p->known = json_object()))
		output_no_memory();
	p->name = name;
	p->fd = open(name, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (p->fd < 0 && errno != ELOOP)
		status = refuse(cli, DEN_CLI_CSV_FILE, name, strerror(errno));
	else if (p->fd < 0 || !is_private(p->fd, &st))
		status = refuse(cli, DEN_CLI_PASSWORDS_UNSAFE, name);
	else if (load(p, (size_t)st.st_size) != 0)
		status = refuse(cli, DEN_CLI_CSV_FILE, name, strerror(errno));
	if (status == CLI_DONE)
		*out = p;
	else
		passwords_close(p);
	return status;
}

void passwords_close(struct passwords *p)
{
	if (!p)
		return;
	if (p->fd >= 0)
		close(p->fd);
	json_decref(p->known);
	explicit_bzero(p, sizeof(*p));
	free(p);
}

const char *passwords_find(const struct passwords *p, const char *login)
{
	return json_string_value(json_object_get(p->known, login));
}

const char *passwords_make(struct cli *cli, struct passwords *p, const char *login)
{
	const char *there = passwords_find(p, login);
	struct den_secret *secret;

	if (there)
		return there;
	if (sizeof(p->pending) - p->used < LINE_SIZE + 1 && passwords_sync(cli, p) != CLI_DONE)
		return NULL;
	if (password_generate(cli, &secret) == CLI_DONE) {
		json_object_set_new(p->known, login, json_string(den_secret_bytes(secret)));
		p->used += (size_t)snprintf(p->pending + p->used, sizeof(p->pending) - p->used, "%s,%s\n", login,
			den_secret_bytes(secret));
	}
	den_secret_free(secret);
	return passwords_find(p, login);
}

int passwords_sync(struct cli *cli, struct passwords *p)
{
	int failed = p->used && (dencrypt_write_all(p->fd, p->pending, p->used) != 0 || fdatasync(p->fd) != 0);

	explicit_bzero(p->pending, p->used);
	p->used = 0;
	return failed ? refuse(cli, DEN_CLI_CSV_FILE, p->name, strerror(errno)) : CLI_DONE;
}
