/*
 * A rescue (R-LOCK-7): where no master can unlock any more, root on the directory's machine
 * gives one new initial passwords. It is recorded before it is done: cn=rescue-TIME of
 * ou=updates, in the administrator's name, which nobody else can write an entry in, and
 * which no identity of the access rules can change or delete.
 */
#ifndef DENSHI_DIRECTORY_RESCUE_H
#define DENSHI_DIRECTORY_RESCUE_H

#include "directory/connection.h"

/* Those that are none, such as a master's own entry of such a name, are left out. */
#define DENDIR_RESCUES "(cn=rescue-*)(denshiMaster=" DENDIR_DN_ROOT ")"

struct dendir_rescue {
	int64_t time; /* 0: there was none */
	char login[DEN_LOGIN_ID_SIZE];
};

/*
 * An active master who can unlock, or make themself able to: by a login that isn't locked, and an
 * approval password that isn't, or is still to be made. "" where there is none.
 */
enum den_code dendir_rescue_able(struct dendir *root, char login[DEN_LOGIN_ID_SIZE]);

/* As root: the record. by: who was root, as the record shows it. */
enum den_code dendir_rescue_record(struct dendir *root, const char *login, const char *by, int64_t now);

/* The latest one since a time. */
enum den_code dendir_rescue_latest(struct dendir *d, int64_t since, struct dendir_rescue *latest);

#endif
