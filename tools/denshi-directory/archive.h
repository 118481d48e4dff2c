/*
 * A backup's file. Its head is text:
 *
 *	denshi-backup 1
 *	schema 1
 *	organisation acme
 *	made 20261125191100Z
 *	set /var/lib/denshi-server/set-k3f9aa
 *	denshid 997:997
 *	denshi-ca 996:996
 *	ca-key no
 *	sha256 (64 hexadecimal digits: of the file without this line)
 *	(an empty line)
 *
 * what follows is one gzip stream of text: parts, each begun by a line
 *
 *	#= config		cn=config as LDIF
 *	#= database N SUFFIX	a database as LDIF, with operational attributes and hashes
 *	#= file NAME		a file: denshi.conf, or one of archive_files
 *	#= end
 *
 * so that zcat(1), an editor and slapadd(8) do where there is no denshi. The file is
 * root's alone, and gets its name when it is whole.
 */
#ifndef DENSHI_DIRECTORY_ARCHIVE_H
#define DENSHI_DIRECTORY_ARCHIVE_H

#include <limits.h>
#include <stddef.h>

#include "directory/connection.h"
#include "tools/server/child.h"

#define ARCHIVE_PART "#= "
#define ARCHIVE_END "#= end\n"

struct archive_head {
	unsigned schema;
	char organisation[DENDIR_ORG_SIZE], made[DENDIR_TIME_SIZE], set[PATH_MAX];
	struct unix_user denshid, ca;
	int ca_key;
};

/* The files beside the databases: STATE/folder/name. Those of a CA only where they are wanted. */
#define ARCHIVE_CONF "denshi.conf"
enum archive_owner { ARCHIVE_ROOT, ARCHIVE_SLAPD, ARCHIVE_SIGNER };
struct archive_file {
	const char *folder, *name;
	enum archive_owner owner;
	unsigned mode;
	int is_ca;
	int may_lack; /* also where its folder is in use */
};
extern const struct archive_file archive_files[]; /* ends with a NULL folder */

struct archive;

enum archive_result {
	ARCHIVE_OK,
	ARCHIVE_IO, /* errno */
	ARCHIVE_FOREIGN, /* not a backup, or of a format that is not known here */
	ARCHIVE_DAMAGED, /* not what its checksum says, or cut */
};

/* A new file that becomes path at archive_finish; nothing may be there then (EEXIST).
 * NULL with errno. */
struct archive *archive_create(const char *path, const struct archive_head *head);
/* -1 with errno. */
int archive_put(struct archive *a, const char *text, size_t len);
/* All on the disk, under its name. -1 with errno. Releases a. */
int archive_finish(struct archive *a);
/* Nothing stays. Takes NULL. */
void archive_abandon(struct archive *a);

/* Opens and checks the whole of it against its checksum: what is read then is that. */
enum archive_result archive_open(struct archive **out, const char *path, struct archive_head *head);
/* The next line, with its newline: valid until the next call. ARCHIVE_OK with *line
 * NULL at the end. */
enum archive_result archive_next(struct archive *a, const char **line, size_t *len);
/* Back to the first line. */
enum archive_result archive_rewind(struct archive *a);
/* Takes NULL. */
void archive_close(struct archive *a);

#endif
