/*
 * floor.c - an NSS module that computes the answers of mkdata's users
 * instead of looking them up: what any module costs at the least.
 *
 * libnss_floor.so.2 knows user d-uNNNNNN as uid 200000 + N, primary group
 * 200000, for N up to FLOOR_USERS; everybody else is not found. It keeps no
 * state and makes no system call, so what is measured through glibc is
 * glibc's own share.
 */
#include <errno.h>
#include <nss.h>
#include <pwd.h>
#include <string.h>

/* As glibc calls them: no header has their prototypes. */
#define EXPORTED __attribute__((visibility("default")))
EXPORTED enum nss_status _nss_floor_getpwnam_r(
	const char *, struct passwd *, char *, size_t, int *);
EXPORTED enum nss_status _nss_floor_getpwuid_r(uid_t, struct passwd *, char *, size_t, int *);

#define FLOOR_USERS 1000000u
#define UID_BASE 200000u
#define GID 200000u

/* Writes N as D digits to AT. */
static void digits(char *at, unsigned n, int d)
{
	while (d-- > 0) {
		at[d] = (char)('0' + n % 10);
		n /= 10;
	}
}

static enum nss_status answer(unsigned n, struct passwd *pw, char *buf, size_t size, int *err)
{
	static const char home[] = "/home/d-u000000";
	static const char rest[] = "x\0Test User\0/bin/sh";

	if (size < sizeof home + sizeof rest) {
		*err = ERANGE;
		return NSS_STATUS_TRYAGAIN;
	}
	memcpy(buf, home, sizeof home);
	digits(buf + sizeof home - 7, n, 6);
	memcpy(buf + sizeof home, rest, sizeof rest);
	*pw = (struct passwd){
		.pw_name = buf + 6,
		.pw_uid = UID_BASE + n,
		.pw_gid = GID,
		.pw_dir = buf,
		.pw_passwd = buf + sizeof home,
		.pw_gecos = buf + sizeof home + 2,
		.pw_shell = buf + sizeof home + 12,
	};
	return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_floor_getpwnam_r(
	const char *name, struct passwd *pw, char *buf, size_t size, int *err)
{
	unsigned n = 0;

	if (strncmp(name, "d-u", 3) != 0 || strlen(name) != 9)
		return NSS_STATUS_NOTFOUND;
	for (const char *c = name + 3; *c; c++) {
		if (*c < '0' || *c > '9')
			return NSS_STATUS_NOTFOUND;
		n = n * 10 + (unsigned)(*c - '0');
	}
	return n && n <= FLOOR_USERS ? answer(n, pw, buf, size, err) : NSS_STATUS_NOTFOUND;
}

enum nss_status _nss_floor_getpwuid_r(
	uid_t uid, struct passwd *pw, char *buf, size_t size, int *err)
{
	return uid > UID_BASE && uid <= UID_BASE + FLOOR_USERS - 1
		       ? answer(uid - UID_BASE, pw, buf, size, err)
		       : NSS_STATUS_NOTFOUND;
}
