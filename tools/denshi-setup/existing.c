/*
 * The organisation's database in a slapd that was there before. It is built by a slapd of
 * setup's own, as every other one, and then hung into the server's cn=config, which puts it
 * in use. What is added is shown before, recorded, and taken away again by --remove.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/denshi-setup/additions.h"
#include "tools/denshi-setup/cnconfig.h"
#include "tools/denshi-setup/setup.h"
#include "tools/server/interrupt.h"
#include "tools/server/program.h"
#include "tools/server/server.h"
#include "tools/server/tree.h"

#define SLAPMODIFY_MS 60000

struct existing {
	struct setup *s;
	struct dendir_site site;
	struct dendir *d;
	struct additions recorded; /* by this run or an earlier one */
	struct additions missing;
	char uri[ADDITION_MAX], suffix[64], hasher[80];
};

static int failed(const struct setup *s, const char *path)
{
	return fail(s, DEN_SETUP_FILE, path, strerror(errno), NULL);
}

static int refused(const struct existing *x, enum den_code code, const char *value)
{
	if (code == DEN_DIRECTORY_REFUSED)
		return fail(x->s, DEN_EXISTING_REFUSED, x->site.uri, dendir_diagnostic(x->d), NULL);
	if (code == DEN_DIRECTORY_DOWN)
		return fail(x->s, DEN_EXISTING_DOWN, x->site.uri, NULL);
	return fail(x->s, code, x->suffix, value, NULL);
}

static int connect_to(struct existing *x, const char *uri)
{
	snprintf(x->uri, sizeof(x->uri), "%s", uri);
	x->site = (struct dendir_site){.uri = x->uri, .org = x->s->org,
		.host = x->s->host};
	return dendir_open(&x->d, &x->site) == DEN_OK ? 0 : -1;
}

static int record(const struct existing *x)
{
	return additions_write(&x->recorded, x->s->state) == 0 ? 0 : failed(x->s, x->s->state);
}

static void end(struct existing *x)
{
	dendir_close(x->d);
	additions_done(&x->recorded);
	additions_done(&x->missing);
}

/* -- before: what is missing there, shown ------------------------------------------------------------ */

static int survey(struct existing *x)
{
	static const char *const modules[] = {"back_mdb", "syncprov", "ppolicy", "constraint", "unique", LDAP_GUARD, NULL};
	const struct cnconfig_wanted wanted = {.suffix = x->suffix, .modules = modules, .hasher = x->hasher};
	char value[64];
	enum den_code code;

	snprintf(x->suffix, sizeof(x->suffix), "o=%s", x->s->org);
	snprintf(x->hasher, sizeof(x->hasher), "%s m=%u t=%u p=1", x->s->argon2id ? LDAP_ARGON2ID : LDAP_ARGON2,
		x->s->memory_kib, x->s->passes);
	code = cnconfig_survey(x->d, &wanted, &x->missing, value);
	/* What an interrupted run left there is taken away before. */
	if (code == DEN_EXISTING_SUFFIX && additions_first(&x->recorded, ADDITION_DATABASE) &&
		additions_put(&x->missing, ADDITION_DATABASE, x->suffix) == 0)
		code = DEN_OK;
	return code == DEN_OK ? 0 : refused(x, code, value);
}

/* The one that changes what other databases of the server take is told with what it does. */
static enum den_code text_of(const struct addition *a)
{
	static const enum den_code texts[ADDITION_KINDS] = {
		[ADDITION_MODULE] = DEN_EXISTING_ADDS_MODULE,
		[ADDITION_SCHEMA] = DEN_EXISTING_ADDS_SCHEMA,
		[ADDITION_HASH] = DEN_EXISTING_ADDS_HASH,
		[ADDITION_DATABASE] = DEN_EXISTING_ADDS_DATABASE,
	};

	if (a->kind == ADDITION_MODULE && strcmp(a->value, LDAP_GUARD) == 0)
		return DEN_EXISTING_ADDS_GUARD;
	return texts[a->kind];
}

static void show(const struct existing *x)
{
	enum den_code text;

	say(x->s, DEN_EXISTING_SHOW, x->site.uri, NULL);
	for (size_t i = 0; i < x->missing.n; i++)
		if ((text = text_of(&x->missing.list[i])))
			say(x->s, text, x->missing.list[i].value, x->s->state, NULL);
	say(x->s, DEN_EXISTING_ADDS_AUTHZ, NULL);
}

static int begin(struct existing *x)
{
	if (additions_read(&x->recorded, x->s->state) != 0)
		return failed(x->s, x->s->state);
	if (connect_to(x, x->s->existing) != 0)
		return refused(x, DEN_DIRECTORY_DOWN, "");
	return 0;
}

static int clean_up(struct existing *x)
{
	enum den_code code = cnconfig_detach(x->d, &x->recorded);

	if (code != DEN_OK)
		return refused(x, code, "");
	additions_drop(&x->recorded, ADDITION_DATABASE);
	additions_drop(&x->recorded, ADDITION_AUTHZ);
	additions_drop(&x->recorded, ADDITION_HASH);
	additions_drop(&x->recorded, ADDITION_DONE);
	return 0;
}

int existing_show(struct setup *s)
{
	struct existing x = {.s = s};
	int result = begin(&x);

	if (result == 0)
		result = survey(&x);
	if (result == 0)
		show(&x);
	end(&x);
	return result;
}

int existing_clean(struct setup *s)
{
	struct existing x = {.s = s};
	int result = begin(&x);

	if (result == 0 && x.recorded.n > 0 && (result = clean_up(&x)) == 0)
		result = record(&x);
	end(&x);
	return result;
}

/* -- hanging it in ------------------------------------------------------------------------------------ */

/* Reads from a slapd of our own what the other one is to have. */
static struct cnconfig_change *prepare(struct existing *x)
{
	struct cnconfig_change *c = NULL;
	struct server own;

	if (server_start(&own, x->s->set, &x->s->directory_user, x->s->org, x->s->host) != 0) {
		fail(x->s, DEN_SETUP_PROGRAM_FAILED, "slapd", own.why, NULL);
		return NULL;
	}
	if (cnconfig_authz(own.root, &x->missing) == DEN_OK)
		c = cnconfig_prepare(own.root, &x->missing);
	if (server_stop(&own) != 0) {
		fail(x->s, DEN_SETUP_PROGRAM_FAILED, "slapd", own.why, NULL);
		cnconfig_change_free(c);
		return NULL;
	}
	if (!c)
		fail(x->s, DEN_SETUP_ENTRY, "cn=config", strerror(ENOMEM), NULL);
	return c;
}

static int record_all(struct existing *x)
{
	int bad = additions_put(&x->recorded, ADDITION_URI, x->site.uri) != 0 ||
		additions_put(&x->recorded, ADDITION_CONFIG, x->s->slapd_config) != 0;

	for (size_t i = 0; i < x->missing.n && !bad; i++)
		bad = additions_put(&x->recorded, x->missing.list[i].kind, x->missing.list[i].value) != 0;
	return bad ? failed(x->s, x->s->state) : record(x);
}

/* The data and nothing else: the configuration that it was built with is in nobody's use. */
static int put_in_place(const struct setup *s)
{
	static const char *const links[] = {"ca", NULL};
	static const char *const done_with[] = {"run", "directory/config"};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(done_with) / sizeof(done_with[0]); i++)
		if (tree_path(path, s->set, done_with[i]) != 0 || set_discard(s->state, path) != 0)
			return failed(s, s->set);
	return set_commit(s->state, s->set, links) == 0 ? 0 : failed(s, s->state);
}

static int hang_in(struct existing *x, const struct cnconfig_change *c)
{
	enum den_code code;
	int written = 0;

	if (record_all(x) != 0 || put_in_place(x->s) != 0)
		return -1;
	code = cnconfig_apply(x->d, c);
	if (code != DEN_OK)
		refused(x, code, "");
	else if (!interrupt_came() && additions_put(&x->recorded, ADDITION_DONE, "yes") == 0 &&
		conf_write(x->s, &written) == 0)
		return record(x);
	/* Whatever of it is there goes again; what a running server doesn't let go stays recorded. */
	if (clean_up(x) == 0)
		(void)record(x);
	return -1;
}

int existing_attach(struct setup *s)
{
	struct existing x = {.s = s};
	struct cnconfig_change *c = NULL;
	int result = begin(&x);

	if (result == 0)
		result = survey(&x);
	if (result == 0)
		result = (c = prepare(&x)) ? hang_in(&x, c) : -1;
	cnconfig_change_free(c);
	end(&x);
	return result;
}

int existing_is_in_use(const struct setup *s)
{
	struct additions a;
	int is = additions_read(&a, s->state) == 0 && additions_count(&a, ADDITION_DONE);

	additions_done(&a);
	return is;
}

/* -- taking it out ----------------------------------------------------------------------------------------- */

/* LDIF for slapmodify; a descriptor at its start, or -1. */
static int deletions(const struct additions *a)
{
	int fd = memfd_create("ldif", MFD_CLOEXEC);
	FILE *out = fd >= 0 ? fdopen(dup(fd), "w") : NULL;

	if (!out)
		return -1;
	for (size_t i = 0; i < a->n; i++)
		if (a->list[i].kind == ADDITION_ENTRY)
			fprintf(out, "dn: %s\nchangetype: delete\n\n", a->list[i].value);
	if (fclose(out) == 0 && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	close(fd);
	return -1;
}

/* The server is stopped: modules and schema that nothing uses any more leave its configuration. */
static int take_out_rest(struct existing *x)
{
	char *const argv[] = {(char *)PROGRAM_SLAPMODIFY, (char *)"-n", (char *)"0", (char *)"-F",
		(char *)additions_first(&x->recorded, ADDITION_CONFIG), NULL};
	int ldif = deletions(&x->recorded), result;
	char text[512];
	struct child c;

	if (ldif < 0 || !argv[4])
		return failed(x->s, x->s->state);
	if (child_start(&c, argv, &x->s->directory_user, ldif) != 0) {
		close(ldif);
		return fail(x->s, DEN_SETUP_PROGRAM_FAILED, "slapmodify", strerror(errno), NULL);
	}
	close(ldif);
	result = child_finish(&c, SLAPMODIFY_MS);
	child_said(&c, text, sizeof(text));
	return result == 0 ? 0 : fail(x->s, DEN_SETUP_PROGRAM_FAILED, "slapmodify", text, NULL);
}

static int forget(const struct existing *x)
{
	if (additions_forget(x->s->state) != 0)
		return failed(x->s, x->s->state);
	if (files_remove(x->s) != 0)
		return -1;
	say(x->s, DEN_EXISTING_REMOVED, x->site.uri, NULL);
	return 0;
}

/* The database goes at once; its data with it, and what hosts and users would look for. */
static int take_out(struct existing *x)
{
	if (clean_up(x) != 0 || conf_undo(x->s) != 0)
		return -1;
	if (additions_count(&x->recorded, ADDITION_ENTRY) == 0)
		return forget(x);
	if (record(x) != 0)
		return -1;
	if (files_remove(x->s) != 0)
		return -1;
	say(x->s, DEN_EXISTING_REST, x->site.uri, NULL);
	return 0;
}

static int remove_from(struct existing *x)
{
	int running = connect_to(x, additions_first(&x->recorded, ADDITION_URI)) == 0;

	if (!running && additions_count(&x->recorded, ADDITION_DATABASE) > 0)
		return fail(x->s, DEN_EXISTING_DOWN, x->site.uri, NULL);
	if (running && additions_count(&x->recorded, ADDITION_DATABASE) == 0) {
		say(x->s, DEN_EXISTING_REST, x->site.uri, NULL);
		return 0;
	}
	say(x->s, running ? DEN_EXISTING_REMOVE : DEN_EXISTING_REMOVE_REST, x->site.uri, x->s->state, NULL);
	if (x->s->dry_run)
		return 0;
	if (!x->s->yes && !confirm(x->s, DEN_SETUP_CONFIRM_REMOVE))
		return fail(x->s, DEN_SETUP_NOT_CONFIRMED, NULL);
	if (files_lock(x->s) != 0)
		return -1;
	if (running)
		return take_out(x);
	return take_out_rest(x) == 0 ? forget(x) : -1;
}

int existing_remove(struct setup *s, int *found)
{
	struct existing x = {.s = s};
	int result = -1;

	*found = 0;
	if (additions_read(&x.recorded, s->state) != 0)
		return failed(s, s->state);
	*found = additions_first(&x.recorded, ADDITION_URI) != NULL;
	if (!*found)
		return 0;
	if (plan_surroundings(s) == 0)
		result = remove_from(&x);
	end(&x);
	return result;
}
