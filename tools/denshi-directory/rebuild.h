/*
 * A directory made anew beside the one in use, which one step at the end replaces: the
 * configuration out of the installed templates, the entries as they are, what they lack
 * over LDAP. Upgrading does just this; a second server comes and goes this way too.
 *
 * Order of use: rebuild_look, changes to the facts, rebuild_prepare, rebuild_finish where
 * it shall be, rebuild_done always.
 */
#ifndef DENSHI_DIRECTORY_REBUILD_H
#define DENSHI_DIRECTORY_REBUILD_H

#include "directory/connection.h"
#include "tools/denshi-directory/configuration.h"
#include "tools/denshi-directory/run.h"
#include "tools/denshi-directory/survey.h"

struct rebuild;

/* What is written over LDAP, by the directory's administrator, before it is in use. -1 (said). */
typedef int rebuild_more(void *context, struct dendir *root);

/* What there is. NULL (said). */
struct rebuild *rebuild_look(const struct run *r);
/* What the new configuration will be made for; the caller may change it. */
struct configuration_facts *rebuild_facts(struct rebuild *u);
const char *rebuild_organisation(const struct rebuild *u);
/* 1 where this server is the writer, as it knows it. */
int rebuild_is_writer(const struct rebuild *u);
/* The new set, with its configuration; nothing of it is in use. -1 (said). */
int rebuild_prepare(struct rebuild *u);
/* 1 where the new configuration, or the version of the entries, is another. */
int rebuild_is_due(const struct rebuild *u);
/* Says what goes and what comes. */
void rebuild_show(const struct rebuild *u);
/* The entries, and in use; its server must have been stopped. more: NULL for nothing; not
 * called where another server is the writer. -1 (said). */
int rebuild_finish(struct rebuild *u, rebuild_more *more, void *context);
/* Takes NULL; what isn't in use goes. */
void rebuild_done(struct rebuild *u);

#endif
