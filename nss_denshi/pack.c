#include "nss_denshi/pack.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

/* What stands where a password once stood; never from the file. */
static const char no_password[] = "x";

int nss_denshi_pack_user(const struct den_snapshot_user *user, struct passwd *pw, char *buf,
			 size_t size)
{
	size_t strings = user->strings_size;
	char *name, *gecos, *shell;

	if (size < strings + sizeof no_password)
		return -ERANGE;
	memcpy(buf, user->dir, strings);
	memcpy(buf + strings, no_password, sizeof no_password);
	name = buf + (user->name - user->dir);
	gecos = buf + (user->gecos - user->dir);
	shell = buf + (user->shell - user->dir);
	/* they are there already; but whoever owns the file might have changed it just now */
	gecos[-1] = shell[-1] = buf[strings - 1] = '\0';
	pw->pw_name = name;
	pw->pw_passwd = buf + strings;
	pw->pw_uid = user->uid;
	pw->pw_gid = user->gid;
	pw->pw_gecos = gecos;
	pw->pw_dir = buf;
	pw->pw_shell = shell;
	return 0;
}

/* The members of GROUP that end, but haven't yet: how many, and what size their names have. */
static int count_dated(const struct den_snapshot *snap, const struct den_snapshot_group *group,
		       int64_t now, size_t *count, size_t *size)
{
	struct den_snapshot_dated dated;

	for (size_t i = 0; i < group->dated_count; i++) {
		int r = den_snapshot_group_dated(snap, group, i, &dated);

		if (r < 0)
			return r;
		if (den_snapshot_ended(dated.until, now))
			continue;
		++*count;
		*size += dated.name_len + 1;
	}
	return 0;
}

/* Adds them to the MEM there is room for, their names to SIZE bytes at P. */
static int put_dated(const struct den_snapshot *snap, const struct den_snapshot_group *group,
		     int64_t now, char **mem, size_t room, char *p, size_t size)
{
	struct den_snapshot_dated dated;

	for (size_t i = 0; i < group->dated_count; i++) {
		int r = den_snapshot_group_dated(snap, group, i, &dated);
		size_t len;

		if (r < 0)
			return r;
		len = dated.name_len + 1;
		if (den_snapshot_ended(dated.until, now))
			continue;
		if (room == 0 || len > size)
			return -EBADMSG;
		*mem++ = memcpy(p, dated.name, len);
		p += len;
		size -= len;
		room--;
	}
	*mem = NULL;
	return room == 0 ? 0 : -EBADMSG;
}

/* Points MEM at each of COUNT names in SIZE bytes at P. */
static int point_at_members(char **mem, size_t count, char *p, size_t size)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = den_snapshot_member_len(p, size);

		if (len == 0)
			return -EBADMSG;
		mem[i] = p;
		p += len + 1;
		size -= len + 1;
	}
	mem[count] = NULL;
	return size == 0 ? 0 : -EBADMSG;
}

/*
 * The buffer: pointers to the members, the group's name, the members' names in one copy, names of
 * dated members, password.
 */
int nss_denshi_pack_group(const struct den_snapshot *snap, const struct den_snapshot_group *group,
			  struct group *gr, char *buf, size_t size)
{
	size_t pad = -(uintptr_t)buf % _Alignof(char *), dated = 0, dated_size = 0;
	size_t members = group->member_count, name_size = group->name_len + 1, need;
	int64_t now = group->dated_count > 0 ? nss_denshi_now() : 0;
	char **mem = (char **)(buf + pad), *p;
	int r;

	r = count_dated(snap, group, now, &dated, &dated_size);
	if (r < 0)
		return r;
	need = pad + (members + dated + 1) * sizeof *mem + name_size + group->members_size +
	       dated_size + sizeof no_password;
	if (size < need)
		return -ERANGE;
	p = (char *)(mem + members + dated + 1);
	memcpy(p, group->name, name_size + group->members_size);
	p[name_size - 1] = '\0';
	gr->gr_name = p;
	p += name_size;
	r = point_at_members(mem, members, p, group->members_size);
	p += group->members_size;
	if (r == 0 && dated > 0)
		r = put_dated(snap, group, now, mem + members, dated, p, dated_size);
	if (r < 0)
		return r;
	p += dated_size;
	memcpy(p, no_password, sizeof no_password);
	gr->gr_passwd = p;
	gr->gr_gid = group->gid;
	gr->gr_mem = mem;
	return 0;
}
