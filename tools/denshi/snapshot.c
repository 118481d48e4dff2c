/* denshi snapshot: what is in the file that NSS reads, whether it is whole, and the way past a
 * refused mass drop. Reads the file itself: it works without denshid. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/snapshot.h"
#include "tools/denshi/args.h"
#include "tools/denshi/ask.h"
#include "tools/denshi/output.h"

#define TIME_SIZE 32
#define FLAGS 3

static const struct {
	uint32_t flag;
	const char *name;
} flag_names[FLAGS] = {
	{DEN_USER_MASTER, "master"},
	{DEN_USER_SUSPENDED, "suspended"},
	{DEN_USER_APPROVER, "approver"},
};

static const char *path_of(const struct args *args)
{
	return args->operands > 0 ? args->operand[0] : DEN_SNAPSHOT_PATH;
}

static int unreadable(struct cli *cli, const char *path, int rc)
{
	switch (rc) {
	case -EBADMSG:
		return refuse(cli, DEN_CLI_SNAPSHOT_DAMAGED, path);
	case -EPERM:
		return refuse(cli, DEN_CLI_SNAPSHOT_FOREIGN, path);
	case -EPROTONOSUPPORT:
		return refuse(cli, DEN_CLI_SNAPSHOT_VERSION, path);
	default:
		return refuse(cli, DEN_CLI_SNAPSHOT_UNREADABLE, path, strerror(-rc));
	}
}

static char *time_text(char buf[TIME_SIZE], int64_t t)
{
	time_t seconds = (time_t)t;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(buf, TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(buf, TIME_SIZE, "%" PRId64, t);
	return buf;
}

/* -- check ----------------------------------------------------------------------------------- */

static json_t *meta_object(const struct den_snapshot *s)
{
	const struct den_snapshot_origin *origins;
	struct den_snapshot_meta meta;
	const void *cookie;
	char when[TIME_SIZE];
	size_t size = 0, count = 0;

	den_snapshot_meta(s, &meta);
	if (den_snapshot_cookie(s, &cookie, &size) != 0)
		size = 0;
	(void)den_snapshot_origins(s, &origins, &count);
	return json_pack("{sI ss sI sI sI sI sI sb sb}", "serial", (json_int_t)meta.serial, "created",
		time_text(when, meta.created), "version", (json_int_t)DEN_SNAPSHOT_VERSION, "users",
		(json_int_t)den_snapshot_user_count(s), "groups", (json_int_t)den_snapshot_group_count(s),
		"uid_floor", (json_int_t)meta.uid_floor, "gid_floor", (json_int_t)meta.gid_floor, "enumerate",
		!(meta.flags & DEN_SNAPSHOT_NO_ENUMERATION), "resumable", size > 0 && count > 0);
}

int cli_snapshot_check(struct cli *cli, const struct args *args)
{
	char serial[24], users[24], groups[24], when[TIME_SIZE];
	const char *path = path_of(args);
	struct den_snapshot_meta meta;
	struct den_snapshot *s = NULL;
	int rc = den_snapshot_open(path, &s);

	if (rc == 0)
		rc = den_snapshot_verify(s);
	if (rc != 0) {
		den_snapshot_close(s);
		return unreadable(cli, path, rc);
	}
	den_snapshot_meta(s, &meta);
	snprintf(serial, sizeof(serial), "%" PRIu64, meta.serial);
	snprintf(users, sizeof(users), "%zu", den_snapshot_user_count(s));
	snprintf(groups, sizeof(groups), "%zu", den_snapshot_group_count(s));
	if (cli->json)
		output_json(meta_object(s));
	else
		say(cli, stdout, DEN_CLI_SNAPSHOT_SOUND, path, serial, users, groups,
			time_text(when, meta.created));
	den_snapshot_close(s);
	return CLI_DONE;
}

/* -- dump ------------------------------------------------------------------------------------ */

/* The entry of the directory that record number I was made of. */
static void add_origin(json_t *object, const struct den_snapshot_origin *o)
{
	char text[40], *at = text;

	for (size_t i = 0; i < sizeof(o->uuid); i++)
		at += snprintf(at, (size_t)(text + sizeof(text) - at), "%s%02x",
			i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", o->uuid[i]);
	json_object_set_new(object, "entry_uuid", json_string(text));
	json_object_set_new(object, "serial", json_integer(o->serial));
}

static void add_group(json_t *list, const struct den_snapshot *s, uint32_t gid, int64_t until)
{
	struct den_snapshot_group g;
	char text[DEN_SNAPSHOT_GROUP_NAME_MAX + TIME_SIZE + 2], when[TIME_SIZE];

	if (den_snapshot_group_by_gid(s, gid, &g) != 0)
		snprintf(text, sizeof(text), "%" PRIu32, gid);
	else
		snprintf(text, sizeof(text), "%s%s%s", g.name, until ? "@" : "", until ? time_text(when, until) : "");
	json_array_append_new(list, json_string(text));
}

static json_t *user_object(const struct den_snapshot *s, const struct den_snapshot_user *u)
{
	json_t *o = json_pack("{ss sI sI ss* ss* ss*}", "login", u->name, "uid", (json_int_t)u->uid, "gid",
		(json_int_t)u->gid, "name", u->gecos, "home", u->dir, "shell", u->shell);
	json_t *flags = json_array(), *groups = json_array();
	struct den_snapshot_dated dated;

	for (size_t i = 0; i < FLAGS; i++)
		if (u->flags & flag_names[i].flag)
			json_array_append_new(flags, json_string(flag_names[i].name));
	for (size_t i = 0; i < u->gid_count; i++)
		add_group(groups, s, u->gids[i], 0);
	for (size_t i = 0; i < u->dated_count; i++)
		if (den_snapshot_user_dated(s, u, i, &dated) == 0)
			add_group(groups, s, dated.gid, dated.until);
	json_object_set_new(o, "language", json_string(u->lang));
	json_object_set_new(o, "flags", flags);
	json_object_set_new(o, "groups", groups);
	return o;
}

static int add_member(const char *name, void *list)
{
	json_array_append_new(list, json_string(name));
	return 0;
}

static json_t *group_object(const struct den_snapshot *s, const struct den_snapshot_group *g)
{
	json_t *members = json_array();

	(void)den_snapshot_group_members(s, g, time(NULL), add_member, members);
	return json_pack("{ss sI so}", "group", g->name, "gid", (json_int_t)g->gid, "members", members);
}

/* A value as one word of a line. */
static void print_value(const json_t *value)
{
	const json_t *item;
	size_t i;

	if (json_is_integer(value))
		printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_boolean(value))
		fputs(json_is_true(value) ? "true" : "false", stdout);
	else if (json_is_string(value))
		output_safe(stdout, json_string_value(value));
	json_array_foreach(value, i, item)
	{
		fputs(i ? "," : "", stdout);
		output_safe(stdout, json_string_value(item));
	}
}

/* One record, a line: its fields with tabs between, as key=value behind the first. Drops it. */
static void print_record(struct cli *cli, json_t *object)
{
	const char *key;
	json_t *value;
	int first = 1;

	if (cli->json) {
		json_dumpf(object, stdout, JSON_COMPACT);
	} else {
		json_object_foreach(object, key, value)
		{
			printf("%s%s%s", first ? "" : "\t", key, first ? " " : "=");
			print_value(value);
			first = 0;
		}
	}
	putchar('\n');
	json_decref(object);
}

static int dump(struct cli *cli, const struct den_snapshot *s)
{
	const struct den_snapshot_origin *origins;
	struct den_snapshot_user u;
	struct den_snapshot_group g;
	uint32_t pos = 0;
	size_t n = 0, count = 0;
	int rc;

	if (den_snapshot_origins(s, &origins, &count) != 0)
		count = 0;
	print_record(cli, meta_object(s));
	for (; (rc = den_snapshot_next_user(s, &pos, &u)) == 0; n++) {
		json_t *o = user_object(s, &u);

		if (n < count)
			add_origin(o, &origins[n]);
		print_record(cli, o);
	}
	for (pos = 0; rc == -ENOENT && (rc = den_snapshot_next_group(s, &pos, &g)) == 0; n++) {
		json_t *o = group_object(s, &g);

		if (n < count)
			add_origin(o, &origins[n]);
		print_record(cli, o);
		rc = -ENOENT;
	}
	return rc == -ENOENT ? 0 : rc;
}

/* A record a line, also in JSON: a snapshot may have a million of them. */
int cli_snapshot_dump(struct cli *cli, const struct args *args)
{
	const char *path = path_of(args);
	struct den_snapshot *s = NULL;
	int rc = den_snapshot_open(path, &s);

	if (rc == 0)
		rc = dump(cli, s);
	den_snapshot_close(s);
	return rc == 0 ? CLI_DONE : unreadable(cli, path, rc);
}

/* -- accept ---------------------------------------------------------------------------------- */

/* Beside the snapshot, where only denshid and root may write; denshid takes it away. */
int cli_snapshot_accept(struct cli *cli, const struct args *args)
{
	static const char aside[] = DEN_SNAPSHOT_PATH ".accept.new", in_place[] = DEN_SNAPSHOT_PATH ".accept";
	const char *serial = args->operand[0];
	int fd, failed;

	if (strspn(serial, "0123456789") != strlen(serial) || strlen(serial) > 18)
		return refuse(cli, DEN_CLI_SNAPSHOT_SERIAL, serial);
	(void)unlink(aside);
	fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	failed = fd < 0 || dprintf(fd, "%s\n", serial) < 0 || fchmod(fd, 0644) != 0 || close(fd) != 0 ||
		rename(aside, in_place) != 0;
	if (failed)
		return refuse(cli, DEN_CLI_SNAPSHOT_UNREADABLE, in_place, strerror(errno));
	if (cli->json)
		output_json(json_pack("{ss ss}", "code", "ok", "serial", serial));
	else
		say(cli, stdout, DEN_CLI_SNAPSHOT_ACCEPTED, serial);
	return CLI_DONE;
}
