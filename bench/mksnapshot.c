/*
 * mksnapshot - makes a snapshot of the users and groups in DIR/passwd and DIR/group, as the kit's
 * data sets have them.
 *
 * usage: mksnapshot DIR FILE
 */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/snapshot_write.h"

static void die(const char *what, int r)
{
	fprintf(stderr, "mksnapshot: %s: %s\n", what, strerror(-r));
	exit(1);
}

static FILE *open_in(const char *dir, const char *name)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "re");
	if (f == NULL)
		die(path, -errno);
	return f;
}

static void add_users(struct den_snapshot_builder *b, const char *dir)
{
	FILE *f = open_in(dir, "passwd");
	struct passwd *pw;
	int r;

	while ((pw = fgetpwent(f)) != NULL) {
		struct den_snapshot_user user = {
			.name = pw->pw_name, .uid = pw->pw_uid, .gid = pw->pw_gid,
			.gecos = pw->pw_gecos, .dir = pw->pw_dir, .shell = pw->pw_shell,
		};

		r = den_snapshot_builder_add_user(b, &user);
		if (r < 0)
			die(pw->pw_name, r);
	}
	fclose(f);
}

/* Groups and, as they name users, after these. */
static void add_groups(struct den_snapshot_builder *b, const char *dir)
{
	FILE *f = open_in(dir, "group");
	struct group *gr;
	int r;

	while ((gr = fgetgrent(f)) != NULL) {
		r = den_snapshot_builder_add_group(b, gr->gr_name, gr->gr_gid);
		if (r < 0)
			die(gr->gr_name, r);
		for (char **m = gr->gr_mem; *m != NULL; m++) {
			r = den_snapshot_builder_add_membership(b, *m, gr->gr_name, 0);
			if (r < 0)
				die(*m, r);
		}
	}
	fclose(f);
}

int main(int argc, char **argv)
{
	struct den_snapshot_meta meta = { .serial = 1, .created = time(NULL) };
	struct den_snapshot_builder *b;
	int r;

	if (argc != 3) {
		fputs("usage: mksnapshot DIR FILE\n", stderr);
		return 2;
	}
	b = den_snapshot_builder_new(&meta);
	if (b == NULL)
		die("new", -ENOMEM);
	add_users(b, argv[1]);
	add_groups(b, argv[1]);
	r = den_snapshot_builder_write(b, argv[2]);
	if (r < 0)
		die(argv[2], r);
	den_snapshot_builder_free(b);
	return 0;
}
