/* One CA after another: ca.* become former.*, then next.* become ca.*. Each step is one file, and the certificates
 * tell how far it got: former.pem that all of the old one is kept, next.pem that the new one isn't in use yet. */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/ca.h"
#include "crypto/internal.h"

/* Of the key: a file, or a token and its PIN. */
static const char *const key_files[] = {"key", "token", "pin"};
#define KEY_FILES (sizeof(key_files) / sizeof(key_files[0]))

static bool look(const char *folder, const char *name, const char *suffix, struct stat *st)
{
	char path[PATH_MAX];

	return dencrypt_ca_path(folder, name, suffix, path) == DENCRYPT_OK && lstat(path, st) == 0;
}

static bool is_there(const char *folder, const char *name, const char *suffix)
{
	struct stat st;

	return look(folder, name, suffix, &st);
}

/* What is there under the new name already is so from a run that was ended. */
static enum dencrypt_result keep(const char *folder, const char *suffix)
{
	char from[PATH_MAX], to[PATH_MAX];
	enum dencrypt_result result = dencrypt_ca_path(folder, "ca", suffix, from);

	if (result == DENCRYPT_OK)
		result = dencrypt_ca_path(folder, "former", suffix, to);
	if (result == DENCRYPT_OK && link(from, to) != 0 && errno != EEXIST && errno != ENOENT)
		result = DENCRYPT_IO;
	return result;
}

static enum dencrypt_result keep_all(const char *folder)
{
	enum dencrypt_result result = DENCRYPT_OK;

	for (size_t i = 0; result == DENCRYPT_OK && i < KEY_FILES; i++)
		result = keep(folder, key_files[i]);
	return result == DENCRYPT_OK ? keep(folder, "pem") : result;
}

static enum dencrypt_result replace(const char *folder, const char *suffix)
{
	char from[PATH_MAX], to[PATH_MAX];
	enum dencrypt_result result = dencrypt_ca_path(folder, "next", suffix, from);

	if (result == DENCRYPT_OK)
		result = dencrypt_ca_path(folder, "ca", suffix, to);
	if (result == DENCRYPT_OK && rename(from, to) != 0)
		result = DENCRYPT_IO;
	return result;
}

/* Where the new one has no such file, the old one's goes: it has another name by now. */
static enum dencrypt_result replace_or_drop(const char *folder, const char *suffix)
{
	struct stat here, kept;

	if (is_there(folder, "next", suffix))
		return replace(folder, suffix);
	if (look(folder, "ca", suffix, &here) && look(folder, "former", suffix, &kept) && here.st_ino == kept.st_ino)
		return dencrypt_ca_drop(folder, "ca", suffix);
	return DENCRYPT_OK;
}

static enum dencrypt_result drop_all(const char *folder, const char *name)
{
	enum dencrypt_result result = DENCRYPT_OK;

	for (size_t i = 0; result == DENCRYPT_OK && i < KEY_FILES; i++)
		result = dencrypt_ca_drop(folder, name, key_files[i]);
	return result;
}

static enum dencrypt_result make_file(const char *folder, const char *organisation, time_t now)
{
	struct dencrypt_ca *next = NULL;
	enum dencrypt_result result = dencrypt_ca_make(organisation, DENCRYPT_EC_P384, now, &next);

	if (result == DENCRYPT_OK)
		result = dencrypt_ca_save_as(next, folder, "next");
	dencrypt_ca_free(next);
	return result;
}

/* The certificate last: where it is there, the key is. */
static enum dencrypt_result make_next(const char *folder, const char *organisation, const char *token, const char *pin,
				      time_t now)
{
	struct dencrypt_ca *ca = NULL;
	enum dencrypt_result result;

	if (is_there(folder, "former", "pem"))
		return DENCRYPT_EXISTS;
	/* What it succeeds must be whole, or it would be lost. */
	result = dencrypt_ca_load(folder, &ca);
	dencrypt_ca_free(ca);
	if (result == DENCRYPT_OK)
		result = drop_all(folder, "next");
	/* Half of a former one's removal. */
	if (result == DENCRYPT_OK)
		result = drop_all(folder, "former");
	if (result != DENCRYPT_OK)
		return result;
	return token ? dencrypt_ca_make_in_token_as(organisation, token, pin, folder, "next", now) :
		       make_file(folder, organisation, now);
}

enum dencrypt_result dencrypt_ca_succeed(const char *folder, const char *organisation, const char *token, const char *pin,
					 time_t now)
{
	enum dencrypt_result result = DENCRYPT_OK;

	if (!is_there(folder, "next", "pem"))
		result = make_next(folder, organisation, token, pin, now);
	if (result == DENCRYPT_OK && !is_there(folder, "former", "pem"))
		result = keep_all(folder);
	for (size_t i = 0; result == DENCRYPT_OK && i < KEY_FILES; i++)
		result = replace_or_drop(folder, key_files[i]);
	return result == DENCRYPT_OK ? replace(folder, "pem") : result;
}

/* Its key's files without its certificate are half of a removal, or of a succession that makes them again. */
enum dencrypt_result dencrypt_ca_load_former(const char *folder, struct dencrypt_ca **out)
{
	if (is_there(folder, "former", "pem"))
		return dencrypt_ca_load_as(folder, "former", out);
	if (drop_all(folder, "former") == DENCRYPT_OK)
		errno = ENOENT;
	return DENCRYPT_IO;
}

enum dencrypt_result dencrypt_ca_drop_former(const char *folder)
{
	enum dencrypt_result result = dencrypt_ca_drop(folder, "former", "pem");

	return result == DENCRYPT_OK ? drop_all(folder, "former") : result;
}
