/*
 * The entry points of libnss_denshi.so.2, as glibc calls them; nss_denshi.map lists the same.
 *
 * Each answers from the mapped snapshot: on a hit no system call, lock or allocation, all strings
 * in the caller's buffer, errno as it was. NOTFOUND for whoever isn't denshi's (R-ID-2), UNAVAIL
 * where there is no sound snapshot, TRYAGAIN with ERANGE where the buffer is too small. All may be
 * called by any number of threads; the position of an enumeration is the process's.
 */
#ifndef DENSHI_NSS_DENSHI_H
#define DENSHI_NSS_DENSHI_H

#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stddef.h>
#include <sys/types.h>

#define NSS_DENSHI_EXPORT __attribute__((visibility("default")))

NSS_DENSHI_EXPORT enum nss_status _nss_denshi_getpwnam_r(const char *name, struct passwd *pw,
							 char *buf, size_t size, int *errnop);
NSS_DENSHI_EXPORT enum nss_status _nss_denshi_getpwuid_r(uid_t uid, struct passwd *pw, char *buf,
							 size_t size, int *errnop);
NSS_DENSHI_EXPORT enum nss_status _nss_denshi_setpwent(int stayopen);
NSS_DENSHI_EXPORT enum nss_status _nss_denshi_getpwent_r(struct passwd *pw, char *buf, size_t size,
							 int *errnop);
NSS_DENSHI_EXPORT enum nss_status _nss_denshi_endpwent(void);

NSS_DENSHI_EXPORT enum nss_status _nss_denshi_getgrnam_r(const char *name, struct group *gr,
							 char *buf, size_t size, int *errnop);
NSS_DENSHI_EXPORT enum nss_status _nss_denshi_getgrgid_r(gid_t gid, struct group *gr, char *buf,
							 size_t size, int *errnop);
NSS_DENSHI_EXPORT enum nss_status _nss_denshi_setgrent(int stayopen);
NSS_DENSHI_EXPORT enum nss_status _nss_denshi_getgrent_r(struct group *gr, char *buf, size_t size,
							 int *errnop);
NSS_DENSHI_EXPORT enum nss_status _nss_denshi_endgrent(void);

/*
 * Adds the groups of USER, but for GROUP, to the *SIZE gids at *GROUPS, of which *START are in use;
 * grows it, never above LIMIT gids if that is positive.
 */
NSS_DENSHI_EXPORT enum nss_status _nss_denshi_initgroups_dyn(const char *user, gid_t group,
							     long *start, long *size,
							     gid_t **groups, long limit,
							     int *errnop);

#endif
