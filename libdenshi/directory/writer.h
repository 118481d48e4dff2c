/*
 * The writer: the one directory server that takes changes and checks passwords
 * (R-LOCK-2). cn=writer names it, cn=NAME,ou=directories says where hosts reach it.
 */
#ifndef DENSHI_DIRECTORY_WRITER_H
#define DENSHI_DIRECTORY_WRITER_H

#include "directory/connection.h"

#define DENDIR_DN_WRITER "cn=writer"
#define DENDIR_DN_DIRECTORY "cn=%s,ou=directories"
#define DENDIR_SERVER_NAME_MAX 64

struct dendir_writer {
	char name[DENDIR_SERVER_NAME_MAX + 1]; /* "": the directory is of before there was one */
	char uri[DENDIR_URI_SIZE];	       /* "": the only server there is */
};

/* What the server at d knows of it; over a broken link, that may be old. */
enum den_code dendir_writer_read(struct dendir *d, struct dendir_writer *w);

/* The URIs of all directory servers, the writer's first, with blanks between: as in
 * struct dendir_site. "" where there is but one, whose URI isn't in the directory. */
enum den_code dendir_server_uris(struct dendir *d, char *list, size_t size);

/*
 * From one server to the other, in one step at d; DEN_DIRECTORY_REFUSED where the writer
 * isn't `from`, or d isn't at it and isn't the administrator.
 */
enum den_code dendir_writer_change(struct dendir *d, const char *from, const char *to);

/*
 * What connections of a site follow (struct dendir_site): the writer's URI, as it was
 * last seen. One for all threads of a program; made once, kept to its end. NULL: no memory.
 */
struct dendir_follow *dendir_follow_new(void);
/* Reads the writer at d, and follows it from now on, where d's site has one to follow
 * with. A server on this machine is reached by the site's local socket. */
enum den_code dendir_follow_update(struct dendir *d);
/* The URI that is followed, in uri of DENDIR_URI_SIZE; 0 where none was seen yet. Takes NULL. */
int dendir_follow_uri(struct dendir_follow *f, char *uri);

#endif
