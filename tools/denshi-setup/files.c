/* The set: its folders, cn=config and the first entries, the CA; putting it in use and out of it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crypto/ca.h"
#include "tools/denshi-setup/child.h"
#include "tools/denshi-setup/program.h"
#include "tools/denshi-setup/setup.h"
#include "tools/denshi-setup/template.h"
#include "tools/denshi-setup/tree.h"

#define SLAPADD_MS 60000
#define SET_PREFIX "set-"

static int path_in(char buf[PATH_MAX], const char *folder, const char *name)
{
	return snprintf(buf, PATH_MAX, "%s/%s", folder, name) < PATH_MAX ? 0 : -1;
}

int files_in_use(const struct setup *s)
{
	char path[PATH_MAX];
	struct stat st;

	return path_in(path, s->state, "directory") == 0 && lstat(path, &st) == 0;
}

static int open_state(const struct setup *s)
{
	return open(s->state, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* -- slapadd ------------------------------------------------------------------------------- */

/* Fills database number n from the descriptor `from`, which is closed. */
static int slapadd(const struct setup *s, const char *config, const char *n, int from)
{
	char *const argv[] = {(char *)PROGRAM_SLAPADD, (char *)"-n", (char *)n, (char *)"-F", (char *)config, NULL};
	char text[512];
	struct child c;
	int result;

	if (from < 0)
		return -1;
	if (child_start(&c, argv, &s->directory_user, from) != 0) {
		close(from);
		return fail(s, DEN_SETUP_PROGRAM_FAILED, "slapadd", strerror(errno), NULL);
	}
	close(from);
	result = child_finish(&c, SLAPADD_MS);
	child_said(&c, text, sizeof(text));
	return result == 0 ? 0 : fail(s, DEN_SETUP_PROGRAM_FAILED, "slapadd", text, NULL);
}

/* The clauses that the access rules are made of; the template says what they mean. */
struct clauses {
	char approval[128], master[256], own_request[256];
};

static void write_clauses(struct clauses *c, const char *org)
{
	snprintf(c->approval, sizeof(c->approval), "dn.regex=\"^cn=approval,uid=[^,+]+,ou=people,o=%s$\"", org);
	/* A set has no "and": role and state are joined to one word. */
	snprintf(c->master, sizeof(c->master),
		"%s set=\"(user/-1/denshiRole + user/-1/denshiState) & [masteractive]\"", c->approval);
	snprintf(c->own_request, sizeof(c->own_request),
		"set=\"(((user/-1 & this/denshiMaker)/denshiState) + (([cn=] + this/denshiBusiness + "
		"[,ou=businesses,o=%s])/denshiSelfApproval)) & [activeFALSE]\"",
		org);
}

static int add_config(const struct setup *s, const char *config)
{
	char numbers[6][16], data[PATH_MAX], schema[PATH_MAX];
	struct clauses clauses;
	const unsigned values[6] = {s->denshid_user.uid, s->denshid_user.gid, s->ca_user.uid, s->ca_user.gid,
		s->memory_kib, s->passes};
	const struct template_value filled[] = {
		{"ORG", s->org}, {"HOST", s->host}, {"DENSHID_UID", numbers[0]}, {"DENSHID_GID", numbers[1]},
		{"CA_UID", numbers[2]}, {"CA_GID", numbers[3]}, {"ARGON2_M", numbers[4]},
		{"ARGON2_T", numbers[5]}, {"MODULEPATH", LDAP_MODULES}, {"SCHEMADIR", LDAP_SCHEMA},
		{"DENSHI_SCHEMA", schema}, {"DATADIR", data}, {"APPROVAL", clauses.approval},
		{"MASTER", clauses.master}, {"OWN_REQUEST", clauses.own_request},
		/* address space, not disk: 100,000 users took 167 MB */
		{"MAXSIZE", "4294967296"}, {NULL, NULL}};

	write_clauses(&clauses, s->org);
	for (size_t i = 0; i < 6; i++)
		snprintf(numbers[i], sizeof(numbers[i]), "%u", values[i]);
	if (path_in(data, s->set, "directory/data") != 0 || path_in(schema, s->schema_dir, "denshi.ldif") != 0)
		return fail(s, DEN_SETUP_FILE, s->set, strerror(ENAMETOOLONG), NULL);
	return slapadd(s, config, "0", template_fill(s, "directory.ldif.in", filled));
}

static int add_organisation(const struct setup *s, const char *config)
{
	char uid[16], gid[16];
	const struct template_value filled[] = {{"ORG", s->org}, {"ORGNAME", s->org_name},
		{"LANG", den_lang_name(s->org_lang)}, {"FIRST_UID", uid}, {"FIRST_GID", gid}, {NULL, NULL}};

	snprintf(uid, sizeof(uid), "%u", s->first_uid);
	snprintf(gid, sizeof(gid), "%u", s->first_gid);
	return slapadd(s, config, "2", template_fill(s, "organisation.ldif.in", filled));
}

/* -- the set ------------------------------------------------------------------------------------- */

static int make_folders(const struct setup *s)
{
	static const char *const names[] = {"directory", "directory/config", "directory/data",
		"directory/data/hosts", "directory/data/organisation", "run"};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (path_in(path, s->set, names[i]) != 0 || tree_make(path, &s->directory_user) != 0)
			return fail(s, DEN_SETUP_FILE, path, strerror(errno), NULL);
	return 0;
}

/* The state folder is root's alone: whoever owned it could put a directory of their own in place. */
static int make_state(const struct setup *s)
{
	struct stat st;

	if (mkdir(s->state, 0755) != 0 && errno != EEXIST)
		return fail(s, DEN_SETUP_FILE, s->state, strerror(errno), NULL);
	if (lstat(s->state, &st) != 0)
		return fail(s, DEN_SETUP_FILE, s->state, strerror(errno), NULL);
	if (!S_ISDIR(st.st_mode) || st.st_uid != 0 || (st.st_mode & 022))
		return fail(s, DEN_SETUP_STATE_UNSAFE, s->state, NULL);
	return 0;
}

int files_lock(const struct setup *s)
{
	int dir;

	if (make_state(s) != 0)
		return -1;
	dir = open_state(s);
	if (dir < 0 || flock(dir, LOCK_EX | LOCK_NB) != 0)
		return fail(s, DEN_SETUP_FILE, s->state, strerror(errno), NULL);
	return 0; /* dir stays open: it is the lock */
}

int files_make(struct setup *s)
{
	char config[PATH_MAX], set[PATH_MAX];

	if (path_in(set, s->state, SET_PREFIX "XXXXXX") != 0 || !mkdtemp(set))
		return fail(s, DEN_SETUP_FILE, set, strerror(errno), NULL);
	snprintf(s->set, sizeof(s->set), "%s", set);
	if (chmod(s->set, 0755) != 0 || make_folders(s) != 0 || path_in(config, s->set, "directory/config") != 0)
		return -1;
	if (add_config(s, config) != 0)
		return -1;
	return add_organisation(s, config);
}

/* -- the CA ------------------------------------------------------------------------------------------ */

static int hand_over(const char *folder, const struct setup_user *user)
{
	static const char *const names[] = {"ca.key", "ca.pem", ""};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (path_in(path, folder, names[i]) != 0 || lchown(path, user->uid, user->gid) != 0)
			return -1;
	return 0;
}

int files_make_ca(struct setup *s)
{
	static const struct setup_user root = {0, 0};
	char folder[PATH_MAX];
	struct dencrypt_ca *ca = NULL;
	enum dencrypt_result r;
	int result = -1;

	if (path_in(folder, s->set, "ca") != 0 || tree_make(folder, &root) != 0)
		return fail(s, DEN_SETUP_FILE, folder, strerror(errno), NULL);
	r = dencrypt_ca_make(s->org, DENCRYPT_EC_P384, time(NULL), &ca);
	if (r == DENCRYPT_OK)
		r = dencrypt_certificate_der(dencrypt_ca_certificate(ca), &s->ca_der);
	if (r == DENCRYPT_OK)
		r = dencrypt_ca_save(ca, folder);
	if (r != DENCRYPT_OK)
		fail(s, DEN_SETUP_FILE, folder, r == DENCRYPT_IO ? strerror(errno) : dencrypt_text(r), NULL);
	else if (hand_over(folder, &s->ca_user) != 0)
		fail(s, DEN_SETUP_FILE, folder, strerror(errno), NULL);
	else
		result = 0;
	dencrypt_ca_free(ca);
	return result;
}

/* -- in use and out of it ------------------------------------------------------------------------------- */

int files_commit(struct setup *s)
{
	const char *set = strrchr(s->set, '/') + 1;
	char ca[NAME_MAX], directory[NAME_MAX], run[NAME_MAX];
	int dir = open_state(s), result = -1;

	if (dir < 0)
		return fail(s, DEN_SETUP_FILE, s->state, strerror(errno), NULL);
	snprintf(ca, sizeof(ca), "%s/ca", set);
	snprintf(directory, sizeof(directory), "%s/directory", set);
	snprintf(run, sizeof(run), "%s/run", set);
	/* `ca` of an earlier, unfinished run points to a set that was swept. */
	if (tree_remove(dir, run) == 0 && tree_remove(dir, "ca") == 0 && syncfs(dir) == 0 &&
		symlinkat(ca, dir, "ca") == 0 && symlinkat(directory, dir, "directory") == 0 && fsync(dir) == 0)
		result = 0;
	if (result != 0)
		fail(s, DEN_SETUP_FILE, s->state, strerror(errno), NULL);
	close(dir);
	return result;
}

void files_discard(struct setup *s)
{
	int dir = *s->set ? open_state(s) : -1;

	if (dir < 0)
		return;
	(void)tree_remove(dir, strrchr(s->set, '/') + 1);
	close(dir);
	s->set[0] = '\0';
}

/* Every set: called only where none is in use, or where the one in use goes. */
static int remove_sets(int dir)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), result = 0;
	DIR *folder = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *entry;

	if (!folder) {
		if (copy >= 0)
			close(copy);
		return -1;
	}
	while ((entry = readdir(folder)))
		if (strncmp(entry->d_name, SET_PREFIX, strlen(SET_PREFIX)) == 0)
			result |= tree_remove(dir, entry->d_name);
	closedir(folder);
	return result;
}

void files_sweep(const struct setup *s)
{
	int dir = open_state(s);

	if (dir < 0)
		return;
	(void)remove_sets(dir);
	close(dir);
}

int files_remove(struct setup *s)
{
	int dir = open_state(s), result;

	if (dir < 0)
		return fail(s, DEN_SETUP_FILE, s->state, strerror(errno), NULL);
	result = tree_remove(dir, "directory");
	if (result == 0)
		result = tree_remove(dir, "ca") | remove_sets(dir);
	if (result != 0)
		fail(s, DEN_SETUP_FILE, s->state, strerror(errno), NULL);
	close(dir);
	return result;
}
