/*
 * denshi directory restore FILE: a directory out of a backup. It is built in a set of
 * its own, compared with the backup, and put in use by one step.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crypto/file.h"
#include "directory/version.h"
#include "directory/writer.h"
#include "tools/denshi-directory/compare.h"
#include "tools/denshi-directory/slap.h"
#include "tools/server/config.h"
#include "tools/server/interrupt.h"
#include "tools/server/settings.h"
#include "tools/server/tree.h"

#define FILE_MAX 65536

/* In cn=config, what was true of the machine that the backup is of, and what is of this one. */
struct replacement {
	char from[PATH_MAX], to[PATH_MAX];
};
#define REPLACEMENTS 4
#define LINKS_MAX 3

static const struct unix_user root_user = {0, 0};

struct restore {
	const struct run *run;
	const char *path;
	struct archive *archive;
	struct archive_head head;
	char set[PATH_MAX];
	struct replacement replacements[REPLACEMENTS];
	char *conf; /* of denshi.conf, for when the directory is in use */
	size_t conf_size;
	int was_replica, conf_kept, is_pointer, is_writer;
	char server[DENDIR_SERVER_NAME_MAX + 1];
	const char *links[LINKS_MAX + 2]; /* the folders beside `directory`, which comes last */
	size_t nlinks;
	size_t entries;
	struct slap_writer writer;
	/* the part that is being read */
	int (*take)(struct restore *, const char *line, size_t len);
	int (*end)(struct restore *);
	char name[64], text[FILE_MAX]; /* of a file */
	size_t used;
};

/* -- cn=config --------------------------------------------------------------------------------- */

static void plan_replacements(struct restore *s)
{
	const struct unix_user *const pairs[][2] = {{&s->head.denshid, &s->run->denshid_user},
		{&s->head.ca, &s->run->ca_user}};

	snprintf(s->replacements[0].from, PATH_MAX, "%s", s->head.set);
	snprintf(s->replacements[0].to, PATH_MAX, "%s", s->set);
	/* What slapd shows on the network is named by its link. */
	snprintf(s->replacements[3].from, PATH_MAX, "%.*s/tls/", (int)(strrchr(s->head.set, '/') - s->head.set),
		s->head.set);
	snprintf(s->replacements[3].to, PATH_MAX, "%.200s/tls/", s->run->state);
	for (size_t i = 0; i < 2; i++) {
		static const char peer[] = "gidNumber=%u[+]uidNumber=%u,cn=peercred,";

		snprintf(s->replacements[i + 1].from, PATH_MAX, peer, pairs[i][0]->gid, pairs[i][0]->uid);
		snprintf(s->replacements[i + 1].to, PATH_MAX, peer, pairs[i][1]->gid, pairs[i][1]->uid);
	}
}

/* The replacement whose text comes first in line, and where; NULL for none. */
static const struct replacement *find_replacement(const struct restore *s, const char *line, const char **at)
{
	const struct replacement *first = NULL;

	for (size_t i = 0; i < REPLACEMENTS; i++) {
		const char *found = strstr(line, s->replacements[i].from);

		if (found && (!first || found < *at)) {
			first = &s->replacements[i];
			*at = found;
		}
	}
	return first;
}

static int make_way(struct restore *s, const char *below)
{
	return tree_make_way(s->set, below, &s->run->directory_user) == 0 ? 0 : fail_file(s->run, s->set);
}

/* slapadd wants a database's folder to be there. */
static int make_database_folder(struct restore *s, const char *line)
{
	static const char attribute[] = "olcDbDirectory: ";
	size_t old = strlen(s->head.set);
	const char *path = line + sizeof(attribute) - 1;

	if (strncmp(line, attribute, sizeof(attribute) - 1) != 0)
		return 0;
	if (strncmp(path, s->head.set, old) != 0 || path[old] != '/' || strstr(path, ".."))
		return fail(s->run, DEN_BACKUP_DAMAGED, s->path, NULL);
	return make_way(s, path + old + 1);
}

/* The other server has other contents from now on: it is joined anew. */
static int is_of_replication(const char *line)
{
	static const char *const attributes[] = {"olcSyncrepl:", "olcMultiProvider:", "olcMirrorMode:"};

	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
		if (strncmp(line, attributes[i], strlen(attributes[i])) == 0)
			return 1;
	return 0;
}

/* The server's own name, out of the rule that compares it with the writer's. */
static void note_server(struct restore *s, const char *line)
{
	const char *at = strstr(line, CONFIG_SERVER_BEFORE);

	if (at)
		(void)sscanf(at + strlen(CONFIG_SERVER_BEFORE), "%64[^]]", s->server);
}

static int take_config(struct restore *s, const char *line, size_t len)
{
	const struct replacement *found;
	const char *at = NULL;

	(void)len;
	note_server(s, line);
	if (is_of_replication(line)) {
		s->was_replica = 1;
		return 0;
	}
	if (make_database_folder(s, line) != 0)
		return -1;
	for (; (found = find_replacement(s, line, &at)); line = at + strlen(found->from))
		if (slap_write(&s->writer, line, (size_t)(at - line)) != 0 ||
			slap_write(&s->writer, found->to, strlen(found->to)) != 0)
			return slap_write_finish(&s->writer);
	return slap_write(&s->writer, line, strlen(line)) == 0 ? 0 : slap_write_finish(&s->writer);
}

/* -- databases and files --------------------------------------------------------------------------- */

/*
 * The pointer's change is of now: a host that remembers a state from after the backup (its
 * cookie) asks for what is newer, gets the pointer as it is here, and drops what is no
 * longer. Versions never change, so nothing else can be newer there than here.
 */
static int take_new_csn(struct restore *s, const char *old)
{
	const char *rest = strchr(old, '#');
	struct timespec now;
	struct tm tm;
	char line[128];
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	if (!rest || !gmtime_r(&now.tv_sec, &tm) || strlen(rest) > 64)
		return fail(s->run, DEN_BACKUP_DAMAGED, s->path, NULL);
	n = strftime(line, sizeof(line), "entryCSN: %Y%m%d%H%M%S", &tm);
	n += (size_t)snprintf(line + n, sizeof(line) - n, ".%06ldZ%s", now.tv_nsec / 1000, rest);
	return slap_write(&s->writer, line, n) == 0 ? 0 : slap_write_finish(&s->writer);
}

/* It is alone: whichever of two servers the backup is of. */
static int take_writer(struct restore *s)
{
	char line[DENDIR_SERVER_NAME_MAX + 32];
	int n = snprintf(line, sizeof(line), "denshiWriter: %s\n", s->server);

	return slap_write(&s->writer, line, (size_t)n) == 0 ? 0 : slap_write_finish(&s->writer);
}

static int take_entry(struct restore *s, const char *line, size_t len)
{
	static const char pointer[] = "dn: " DENDIR_DN_POINTER ",", writer[] = "dn: " DENDIR_DN_WRITER ",";

	if (strncmp(line, "dn:", 3) == 0) {
		s->entries++;
		s->is_pointer = strncmp(line, pointer, sizeof(pointer) - 1) == 0;
		s->is_writer = strncmp(line, writer, sizeof(writer) - 1) == 0;
	}
	if (s->is_writer && strncmp(line, "denshiWriter: ", 14) == 0)
		return take_writer(s);
	if (s->is_pointer && strncmp(line, "entryCSN: ", 10) == 0)
		return take_new_csn(s, line);
	return slap_write(&s->writer, line, len) == 0 ? 0 : slap_write_finish(&s->writer);
}

static int end_slapadd(struct restore *s)
{
	return slap_write_finish(&s->writer);
}

static int take_text(struct restore *s, const char *line, size_t len)
{
	if (s->used + len > sizeof(s->text))
		return fail(s->run, DEN_BACKUP_DAMAGED, s->path, NULL);
	memcpy(s->text + s->used, line, len);
	s->used += len;
	return 0;
}

static int write_file(const struct restore *s, const char *path, const struct dencrypt_bytes *bytes, mode_t mode)
{
	enum dencrypt_result r = dencrypt_write_file(path, bytes, mode);

	if (r == DENCRYPT_OK)
		return 0;
	return r == DENCRYPT_IO ? fail_file(s->run, path) : fail(s->run, DEN_SETUP_FILE, path, dencrypt_text(r), NULL);
}

static int end_conf(struct restore *s)
{
	if (s->conf)
		return fail(s->run, DEN_BACKUP_DAMAGED, s->path, NULL);
	s->conf = malloc(s->used + 1);
	if (!s->conf)
		return fail_file(s->run, s->path);
	memcpy(s->conf, s->text, s->used);
	s->conf_size = s->used;
	return 0;
}

/* Where a denshi.conf says something already, it stays. */
static int put_conf(struct restore *s)
{
	const struct dencrypt_bytes bytes = {(unsigned char *)s->conf, s->conf_size};
	int there = settings_are_in(s->run->config_path);

	if (there < 0)
		return fail_file(s->run, s->run->config_path);
	s->conf_kept = there;
	return there || !s->conf ? 0 : write_file(s, s->run->config_path, &bytes, 0644);
}

/* The folder of its set, once. */
static int make_folder(struct restore *s, const struct archive_file *f, const struct unix_user *owner)
{
	char path[PATH_MAX];

	if (tree_path(path, s->set, f->folder) != 0)
		return fail_file(s->run, s->set);
	if (tree_make(path, f->is_ca ? owner : &root_user) != 0)
		return errno == EEXIST ? 0 : fail_file(s->run, path);
	if (!f->is_ca && chmod(path, 0755) != 0)
		return fail_file(s->run, path);
	s->links[s->nlinks++] = f->folder;
	return 0;
}

static int put_file(struct restore *s, const struct archive_file *f)
{
	const struct unix_user *const owners[] = {[ARCHIVE_ROOT] = &root_user,
		[ARCHIVE_SLAPD] = &s->run->directory_user, [ARCHIVE_SIGNER] = &s->run->ca_user};
	const struct unix_user *owner = owners[f->owner];
	const struct dencrypt_bytes bytes = {(unsigned char *)s->text, s->used};
	char path[PATH_MAX];

	/* One that survived what the directory did not is newer, or the same. */
	if (set_in_use(s->run->state, f->folder))
		return 0;
	if (make_folder(s, f, owner) != 0 || tree_path(path, s->set, s->name) != 0 ||
		write_file(s, path, &bytes, f->mode) != 0)
		return -1;
	return lchown(path, owner->uid, owner->gid) == 0 ? 0 : fail_file(s->run, path);
}

static int end_file(struct restore *s)
{
	const struct archive_file *f = archive_files;
	const char *slash = strchr(s->name, '/');
	int result;

	while (f->folder && slash &&
		(strncmp(f->folder, s->name, (size_t)(slash - s->name)) != 0 ||
			strlen(f->folder) != (size_t)(slash - s->name) || strcmp(f->name, slash + 1) != 0))
		f++;
	if (strcmp(s->name, ARCHIVE_CONF) == 0)
		result = end_conf(s);
	else if (slash && f->folder)
		result = put_file(s, f);
	else
		result = fail(s->run, DEN_BACKUP_DAMAGED, s->path, NULL);
	explicit_bzero(s->text, sizeof(s->text));
	return result;
}

/* -- parts ----------------------------------------------------------------------------------------------- */

static int begin_slapadd(struct restore *s, unsigned database)
{
	s->take = database ? take_entry : take_config;
	s->end = end_slapadd;
	return slap_write_start(&s->writer, s->run, s->set, database);
}

static int end_part(struct restore *s)
{
	int (*end)(struct restore *) = s->end;

	s->take = NULL;
	s->end = NULL;
	return end ? end(s) : 0;
}

static int begin_part(struct restore *s, const char *what)
{
	unsigned number;

	if (end_part(s) != 0)
		return -1;
	s->used = 0;
	if (strcmp(what, "config\n") == 0)
		return begin_slapadd(s, 0);
	if (sscanf(what, "database %9u ", &number) == 1 && number > 0)
		return begin_slapadd(s, number);
	if (sscanf(what, "file %63s\n", s->name) == 1) {
		s->take = take_text;
		s->end = end_file;
		return 0;
	}
	return fail(s->run, DEN_BACKUP_DAMAGED, s->path, NULL);
}

/* 0; 1: that was all; -1 (said). */
static int take_line(struct restore *s, const char *line, size_t len)
{
	static const size_t mark = sizeof(ARCHIVE_PART) - 1;

	if (interrupt_came())
		return fail(s->run, DEN_SETUP_INTERRUPTED, NULL);
	if (strcmp(line, ARCHIVE_END) == 0)
		return end_part(s) == 0 ? 1 : -1;
	if (strncmp(line, ARCHIVE_PART, mark) == 0)
		return begin_part(s, line + mark);
	return s->take ? s->take(s, line, len) : fail(s->run, DEN_BACKUP_DAMAGED, s->path, NULL);
}

static int fill(struct restore *s)
{
	const char *line;
	size_t len;
	int result = 0;

	while (result == 0) {
		if (archive_next(s->archive, &line, &len) != ARCHIVE_OK || !line)
			result = fail(s->run, DEN_BACKUP_DAMAGED, s->path, NULL);
		else
			result = take_line(s, line, len);
	}
	explicit_bzero(s->text, sizeof(s->text));
	return result > 0 ? 0 : -1;
}

/* -- the set ------------------------------------------------------------------------------------------------ */

static int make_set(struct restore *s)
{
	if (set_make(s->run->state, s->set) != 0)
		return fail_file(s->run, s->run->state);
	plan_replacements(s);
	return make_way(s, "directory/config");
}

static int commit(struct restore *s)
{
	s->links[s->nlinks] = "directory";
	/* The settings first: once the directory is in use, restore has nothing more to say. */
	if (put_conf(s) != 0)
		return -1;
	return set_commit(s->run->state, s->set, s->links) == 0 ? 0 : fail_file(s->run, s->run->state);
}

static int build(struct restore *s)
{
	size_t entries;

	if (make_set(s) != 0 || fill(s) != 0)
		return -1;
	return compare_with(s->run, s->archive, s->path, s->set, &entries);
}

static void tell(const struct restore *s)
{
	char entries[24];

	snprintf(entries, sizeof(entries), "%zu", s->entries);
	say(s->run, DEN_RESTORE_DONE, s->head.organisation, entries, s->head.made, s->run->state, NULL);
	if (!set_in_use(s->run->state, "ca"))
		say(s->run, DEN_RESTORE_NO_CA, s->run->state, NULL);
	if (s->was_replica)
		say(s->run, DEN_RESTORE_ALONE, NULL);
	if (s->conf_kept)
		say(s->run, DEN_RESTORE_CONF_KEPT, s->run->config_path, NULL);
	say(s->run, DEN_RESTORE_NEXT, NULL);
}

static int lock(const struct run *r)
{
	int result = set_lock(r->state);

	if (result > 0)
		return fail(r, DEN_SETUP_STATE_UNSAFE, r->state, NULL);
	return result == 0 ? 0 : fail_file(r, r->state);
}

static int restore(struct restore *s)
{
	const struct run *r = s->run;

	say(r, DEN_RESTORE_SHOW, s->head.organisation, s->head.made, s->head.ca_key ? "ca.key" : "-", NULL);
	if (set_in_use(r->state, "directory"))
		return fail(r, DEN_RESTORE_EXISTS, r->state, NULL);
	if (r->dry_run)
		return 0;
	if (confirmed(r, DEN_RESTORE_CONFIRM) != 0 || lock(r) != 0)
		return -1;
	if (set_in_use(r->state, "directory"))
		return fail(r, DEN_RESTORE_EXISTS, r->state, NULL);
	(void)set_sweep(r->state);
	if (build(s) != 0) {
		if (*s->set)
			(void)set_discard(r->state, s->set);
		return -1;
	}
	if (commit(s) != 0)
		return -1;
	tell(s);
	return 0;
}

int restore_run(const struct run *r, char **operands)
{
	static struct restore s; /* with its buffers, too much for a stack */
	int result;

	s.run = r;
	s.path = operands[0];
	s.writer.to = -1;
	if (compare_open(&s.archive, &s.head, r, s.path) != 0)
		return -1;
	result = restore(&s);
	archive_close(s.archive);
	free(s.conf);
	return result;
}
