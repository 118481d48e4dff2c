#include "tools/denshi-setup/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/server/program.h"

#define START_MS 15000
#define STOP_MS 15000
#define STEP_MS 20

/* ldapi://PATH, each byte that isn't plain as %XX (RFC 4516, 2.1). -1: too long. */
static int make_uri(char buf[PATH_MAX], const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
	size_t used = (size_t)snprintf(buf, PATH_MAX, "ldapi://");

	for (; *path; path++) {
		if (used + 4 > PATH_MAX)
			return -1;
		if (strchr(plain, *path))
			buf[used++] = *path;
		else
			used += (size_t)snprintf(buf + used, PATH_MAX - used, "%%%02X", (unsigned char)*path);
	}
	buf[used] = '\0';
	return 0;
}

static int said(struct server *v, const struct setup *s)
{
	char text[512];

	child_said(&v->child, text, sizeof(text));
	return fail(s, DEN_SETUP_PROGRAM_FAILED, "slapd", text, NULL);
}

static int await_answer(struct server *v, const struct setup *s)
{
	int64_t end = dendir_now_ms() + START_MS;

	while (dendir_now_ms() < end) {
		if (dendir_open(&v->root, &v->site) == DEN_OK) {
			v->running = 1;
			return 0;
		}
		if (child_ended(&v->child, STEP_MS))
			break;
	}
	child_stop(&v->child, STOP_MS);
	return said(v, s);
}

int server_start(struct server *v, const struct setup *s)
{
	char socket[PATH_MAX], config[PATH_MAX];
	char *const argv[] = {(char *)PROGRAM_SLAPD, (char *)"-F", config, (char *)"-h", v->uri, (char *)"-d",
		(char *)"stats", NULL};

	memset(v, 0, sizeof(*v));
	/* The socket's path is bounded by sun_path. */
	if (snprintf(socket, sizeof(socket), "%s/run/ldapi", s->set) > 107 || make_uri(v->uri, socket) != 0 ||
		snprintf(config, sizeof(config), "%s/directory/config", s->set) >= PATH_MAX)
		return fail(s, DEN_SETUP_FILE, s->set, strerror(ENAMETOOLONG), NULL);
	v->site = (struct dendir_site){.uri = v->uri, .org = s->org, .host = s->host};
	if (child_start(&v->child, argv, &s->directory_user, -1) != 0)
		return fail(s, DEN_SETUP_PROGRAM_FAILED, "slapd", strerror(errno), NULL);
	return await_answer(v, s);
}

int server_stop(struct server *v, const struct setup *s)
{
	char text[512];
	int result;

	if (!v->running)
		return 0;
	v->running = 0;
	dendir_close(v->root);
	result = child_stop(&v->child, STOP_MS);
	if (result != 0)
		return said(v, s);
	child_said(&v->child, text, sizeof(text));
	return 0;
}
