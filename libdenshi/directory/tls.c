#include "directory/tls.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Which files a context was made of: they are replaced by renaming. */
struct made_of {
	char path[256];
	dev_t dev;
	ino_t ino;
	struct timespec changed;
};

#define FILES 3

/*
 * One context for all connections: libldap 2.5 loses 30 kB each time that it makes one,
 * and reading a key takes longer than a bind. Its owner is a handle that connects nowhere.
 */
static struct {
	pthread_mutex_t lock;
	LDAP *owner;
	struct made_of files[FILES];
} current = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* -- files ------------------------------------------------------------------------------------------ */

/* Whoever may write them decides whom passwords are told to. */
static int look_at(const char *path, mode_t forbidden, struct made_of *file, char why[DENDIR_WHY_SIZE])
{
	struct stat st;

	if (strlen(path) >= sizeof(file->path) || lstat(path, &st) != 0) {
		snprintf(why, DENDIR_WHY_SIZE, "%.200s: %s", path, strerror(errno));
		return 0;
	}
	/* root looks for others too (denshid --check), who then look for themselves. */
	if (!S_ISREG(st.st_mode) || (st.st_uid != 0 && st.st_uid != geteuid() && geteuid() != 0) ||
		(st.st_mode & forbidden)) {
		snprintf(why, DENDIR_WHY_SIZE,
			"%.120s must be a file of root's, or of this program's user, that nobody else may %s", path,
			forbidden & 044 ? "read or write" : "write");
		return 0;
	}
	memset(file, 0, sizeof(*file));
	memcpy(file->path, path, strlen(path));
	file->dev = st.st_dev;
	file->ino = st.st_ino;
	file->changed = st.st_ctim;
	return 1;
}

static int look_at_all(const struct dendir_site *site, struct made_of files[FILES], char why[DENDIR_WHY_SIZE])
{
	return look_at(site->tls_ca, 022, &files[0], why) && look_at(site->tls_certificate, 022, &files[1], why) &&
		look_at(site->tls_key, 077, &files[2], why);
}

int dendir_tls_files_are_safe(const struct dendir_site *site, char why[DENDIR_WHY_SIZE])
{
	struct made_of files[FILES];

	return look_at_all(site, files, why);
}

/* -- the context --------------------------------------------------------------------------------------- */

/* GnuTLS takes the versions from its priorities; OpenSSL from the option. */
static int set_versions(LDAP *ld)
{
	static const int least = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
	char *package = NULL;
	int gnutls;

	if (ldap_get_option(NULL, LDAP_OPT_X_TLS_PACKAGE, &package) != LDAP_OPT_SUCCESS)
		return -1;
	gnutls = package && strcmp(package, "GnuTLS") == 0;
	ldap_memfree(package);
	if (ldap_set_option(ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &least) != LDAP_OPT_SUCCESS)
		return -1;
	if (gnutls && ldap_set_option(ld, LDAP_OPT_X_TLS_CIPHER_SUITE,
			      "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2") != LDAP_OPT_SUCCESS)
		return -1;
	return 0;
}

/* What the handle itself looks at during a handshake. */
static int set_demands(LDAP *ld)
{
	static const int demand = LDAP_OPT_X_TLS_DEMAND;

	if (ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) != LDAP_OPT_SUCCESS)
		return -1;
	/* Hosts' certificates are of the same CA and have no such name: none of them is a server. */
	return ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_SAN, &demand) == LDAP_OPT_SUCCESS ? 0 : -1;
}

static LDAP *make_owner(const struct made_of files[FILES])
{
	static const int as_client = 0;
	static const int options[FILES] = {LDAP_OPT_X_TLS_CACERTFILE, LDAP_OPT_X_TLS_CERTFILE,
		LDAP_OPT_X_TLS_KEYFILE};
	LDAP *ld = NULL;
	int failed;

	if (ldap_initialize(&ld, NULL) != LDAP_SUCCESS)
		return NULL;
	failed = set_demands(ld) | set_versions(ld) | ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTDIR, NULL);
	for (int i = 0; i < FILES; i++)
		failed |= ldap_set_option(ld, options[i], files[i].path);
	/* Last: it makes a context of what was set before. */
	if (!failed && ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &as_client) == LDAP_OPT_SUCCESS)
		return ld;
	ldap_unbind_ext(ld, NULL, NULL);
	return NULL;
}

/* With the lock held. The old context stays with the connections that have it. */
static int renew(const struct made_of files[FILES])
{
	LDAP *owner;

	if (current.owner && memcmp(current.files, files, sizeof(current.files)) == 0)
		return 0;
	owner = make_owner(files);
	if (!owner)
		return -1;
	if (current.owner)
		ldap_unbind_ext(current.owner, NULL, NULL);
	current.owner = owner;
	memcpy(current.files, files, sizeof(current.files));
	return 0;
}

int dendir_tls_prepare(LDAP *ld, const struct dendir_site *site, char why[DENDIR_WHY_SIZE])
{
	struct made_of files[FILES];
	void *context = NULL;
	int result = -1;

	if (!look_at_all(site, files, why))
		return -1;
	pthread_mutex_lock(&current.lock);
	if (renew(files) == 0 && ldap_get_option(current.owner, LDAP_OPT_X_TLS_CTX, &context) == LDAP_OPT_SUCCESS &&
		context && ldap_set_option(ld, LDAP_OPT_X_TLS_CTX, context) == LDAP_OPT_SUCCESS)
		result = set_demands(ld);
	pthread_mutex_unlock(&current.lock);
	if (result != 0)
		snprintf(why, DENDIR_WHY_SIZE, "%.70s, %.70s, %.70s: not a CA, a certificate and its key",
			files[0].path, files[1].path, files[2].path);
	return result;
}

int dendir_tls_is_new_enough(LDAP *ld)
{
	char *version = NULL;
	int is_new;

	if (ldap_get_option(ld, LDAP_OPT_X_TLS_VERSION, &version) != LDAP_OPT_SUCCESS || !version)
		return 0;
	is_new = strstr(version, "1.2") || strstr(version, "1.3");
	ldap_memfree(version);
	return is_new;
}
