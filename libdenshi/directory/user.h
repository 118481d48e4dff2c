/*
 * Users: registered (ou=people), prepared (ou=prepared: new users and changes,
 * without effect until a user update), and the organisation's policy.
 */
#ifndef DENSHI_DIRECTORY_USER_H
#define DENSHI_DIRECTORY_USER_H

#include "core/loginid.h"
#include "core/name.h"
#include "directory/connection.h"

#define DENDIR_AUTHORITY_SIZE 65
/* More than any catalogue's businesses and accounts; a user beyond is refused, not cut. */
#define DENDIR_AUTHORITIES_MAX 512

struct dendir_user {
	char login[DEN_LOGIN_ID_SIZE];
	char name[DEN_NAME_SIZE];
	char mail[DEN_MAIL_MAX + 1];
	char role[8];	/* "master", "general" */
	char lang[3];	/* "ja", "en", "" */
	char state[12]; /* "active", "suspended", "removed" */
	char home[64], shell[64];
	int64_t uid, gid; /* 0: none yet */
	int64_t serial;	  /* of the update that put it in force; 0: none */
	int64_t grant_days; /* prepared: a certificate grant of so many days; 0: none */
	int is_change;	  /* prepared: a change of a registered user, not a new one */
	char csn[48];	  /* entryCSN: another one after each change of the entry */
	char prepared_by[DEN_LOGIN_ID_SIZE];
	char (*authorities)[DENDIR_AUTHORITY_SIZE];
	size_t nauthorities;
};

/* Where to look. */
enum dendir_place { DENDIR_PEOPLE, DENDIR_PREPARED };

void dendir_user_done(struct dendir_user *u);
/* 0, or -1 without memory or over DENDIR_AUTHORITIES_MAX. */
int dendir_user_copy(struct dendir_user *to, const struct dendir_user *from);
int dendir_user_give(struct dendir_user *u, const char *authority);
void dendir_user_take(struct dendir_user *u, const char *authority);
int dendir_user_has(const struct dendir_user *u, const char *authority);
/* 1 where the user holds BUSINESS.approver of any business. */
int dendir_user_is_approver(const struct dendir_user *u);
int dendir_user_is_master(const struct dendir_user *u);

/* DEN_UNKNOWN_USER where there is none there. The caller frees with dendir_user_done. */
enum den_code dendir_user_read(struct dendir *d, enum dendir_place place, const char *login,
	struct dendir_user *user);

/* Each user there; the callback may not keep the pointer. Non-zero ends it. */
typedef int dendir_each_user(void *context, const struct dendir_user *user);
enum den_code dendir_user_each(struct dendir *d, enum dendir_place place, const char *filter,
	dendir_each_user *each, void *context);

/* Those of n login IDs that are there, in no order. */
enum den_code dendir_users_read(struct dendir *d, enum dendir_place place, const char (*logins)[DEN_LOGIN_ID_SIZE],
	size_t n, dendir_each_user *each, void *context);

/* DEN_FIELD_LOGIN_ID_TAKEN where somebody has this login ID, is prepared under it, or once
 * had it. */
enum den_code dendir_login_is_free(struct dendir *d, const char *login);

/* The entry of a new user as it is added to ou=prepared, without a password. */
struct dendir_mods *dendir_user_mods(const struct dendir *d, const struct dendir_user *user);

/* A new user, prepared: login, name, mail, role, lang, prepared_by; with the
 * initial password, hashed by the directory. DEN_FIELD_LOGIN_ID_TAKEN. */
enum den_code dendir_user_prepare(struct dendir *host, const struct dendir_user *user,
	const struct den_secret *initial);

/* What is to change of a user, prepared or registered; NULL: stays as it is. */
struct dendir_user_change {
	const char *name, *mail, *role, *lang;
	int64_t grant_days; /* 0: no grant */
	int remove;
	const char *by; /* the master's login */
};
/* Removing a user that is only prepared deletes it at once. DEN_AUTHORITIES_PREPARED: one that was
 * prepared with authorities can't be changed otherwise. */
enum den_code dendir_user_prepare_change(struct dendir *host, const char *login,
	const struct dendir_user_change *change);

/* How many prepared users and changes there are; counted up to one more than
 * DEN_COUNTED_MAX (core/protocol.h), for every command of a master ends with it. */
enum den_code dendir_prepared_count(struct dendir *d, unsigned *count);

#define DENDIR_APPROVAL_DAYS 90
#define DENDIR_APPROVAL_DAYS_MAX 3650
struct dendir_policy {
	char preset[33];
	char lang[3];
	int approval_expires;
	unsigned approval_days; /* that an approval password lasts (R-APW-4), where it expires */
};
enum den_code dendir_policy_read(struct dendir *d, struct dendir_policy *policy);

#endif
