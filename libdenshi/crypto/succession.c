/* One CA after another: ca.* become former.*, next.* become ca.*. Each step is one file. */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <unistd.h>

#include "crypto/ca.h"
#include "crypto/internal.h"

static bool is_there(const char *folder, const char *name, const char *suffix)
{
	char path[PATH_MAX];

	return dencrypt_ca_path(folder, name, suffix, path) == DENCRYPT_OK && access(path, F_OK) == 0;
}

static enum dencrypt_result drop(const char *folder, const char *name, const char *suffix)
{
	char path[PATH_MAX];
	enum dencrypt_result result = dencrypt_ca_path(folder, name, suffix, path);

	if (result == DENCRYPT_OK && unlink(path) != 0 && errno != ENOENT)
		result = DENCRYPT_IO;
	return result;
}

/* What is there under the new name already is so from a run that was ended. */
static enum dencrypt_result keep(const char *folder, const char *suffix)
{
	char from[PATH_MAX], to[PATH_MAX];
	enum dencrypt_result result = dencrypt_ca_path(folder, "ca", suffix, from);

	if (result == DENCRYPT_OK)
		result = dencrypt_ca_path(folder, "former", suffix, to);
	if (result == DENCRYPT_OK && link(from, to) != 0 && errno != EEXIST)
		result = DENCRYPT_IO;
	return result;
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

/* The certificate last: where it is there, the key is. */
static enum dencrypt_result make_next(const char *folder, const char *organisation, time_t now)
{
	struct dencrypt_ca *ca = NULL, *next = NULL;
	enum dencrypt_result result;

	if (is_there(folder, "former", "pem"))
		return DENCRYPT_EXISTS;
	/* What it succeeds must be whole, or it would be lost. */
	result = dencrypt_ca_load(folder, &ca);
	if (result == DENCRYPT_OK)
		result = drop(folder, "next", "key");
	if (result == DENCRYPT_OK)
		result = dencrypt_ca_make(organisation, DENCRYPT_EC_P384, now, &next);
	if (result == DENCRYPT_OK)
		result = dencrypt_ca_save_as(next, folder, "next");
	dencrypt_ca_free(ca);
	dencrypt_ca_free(next);
	return result;
}

enum dencrypt_result dencrypt_ca_succeed(const char *folder, const char *organisation, time_t now)
{
	enum dencrypt_result result = DENCRYPT_OK;

	if (!is_there(folder, "next", "pem"))
		result = make_next(folder, organisation, now);
	if (result == DENCRYPT_OK && is_there(folder, "next", "key")) {
		result = keep(folder, "key");
		if (result == DENCRYPT_OK)
			result = keep(folder, "pem");
		if (result == DENCRYPT_OK)
			result = replace(folder, "key");
	}
	return result == DENCRYPT_OK ? replace(folder, "pem") : result;
}

enum dencrypt_result dencrypt_ca_load_former(const char *folder, struct dencrypt_ca **out)
{
	return dencrypt_ca_load_as(folder, "former", out);
}

enum dencrypt_result dencrypt_ca_drop_former(const char *folder)
{
	enum dencrypt_result result = drop(folder, "former", "key");

	return result == DENCRYPT_OK ? drop(folder, "former", "pem") : result;
}
