#include "directory/writer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct dendir_follow {
	pthread_mutex_t lock;
	char uri[DENDIR_URI_SIZE];
};

/* -- the entries ---------------------------------------------------------------------------- */

static int note_name(void *context, struct dendir_entry *e)
{
	struct dendir_writer *w = context;

	snprintf(w->name, sizeof(w->name), "%.64s", dendir_entry_string(e, "denshiWriter"));
	return 0;
}

static int note_uri(void *context, struct dendir_entry *e)
{
	struct dendir_writer *w = context;

	snprintf(w->uri, sizeof(w->uri), "%.255s", dendir_entry_string(e, "denshiUri"));
	return 0;
}

enum den_code dendir_writer_read(struct dendir *d, struct dendir_writer *w)
{
	static const char *const name[] = {"denshiWriter", NULL}, *const uri[] = {"denshiUri", NULL};
	char dn[DENDIR_DN_SIZE];
	enum den_code code;

	memset(w, 0, sizeof(*w));
	code = dendir_search(d, dendir_dn(dn, d, DENDIR_DN_WRITER), DENDIR_BASE, NULL, name, note_name, w);
	if (code != DEN_OK || !*w->name)
		return code;
	return dendir_search(d, dendir_dn(dn, d, DENDIR_DN_DIRECTORY, w->name), DENDIR_BASE, NULL, uri, note_uri, w);
}

struct uris {
	const char *writer;
	char *list;
	size_t size, used;
};

static void append_uri(struct uris *u, const char *uri)
{
	size_t len = strlen(uri);

	if (len == 0 || u->used + len + 2 > u->size)
		return;
	u->used += (size_t)snprintf(u->list + u->used, u->size - u->used, "%s%s", u->used ? " " : "", uri);
}

static int append_other(void *context, struct dendir_entry *e)
{
	struct uris *u = context;
	const char *uri = dendir_entry_string(e, "denshiUri");

	if (strcmp(uri, u->writer) != 0)
		append_uri(u, uri);
	return 0;
}

enum den_code dendir_server_uris(struct dendir *d, char *list, size_t size)
{
	static const char *const attributes[] = {"denshiUri", NULL};
	struct dendir_writer w;
	struct uris u = {.writer = w.uri, .list = list, .size = size};
	char dn[DENDIR_DN_SIZE];
	enum den_code code = dendir_writer_read(d, &w);

	list[0] = '\0';
	if (code != DEN_OK)
		return code;
	append_uri(&u, w.uri);
	return dendir_search(d, dendir_dn(dn, d, "ou=directories"), DENDIR_ONE, NULL, attributes, append_other, &u);
}

enum den_code dendir_writer_change(struct dendir *d, const char *from, const char *to)
{
	struct dendir_mods *m = dendir_mods_new();
	char dn[DENDIR_DN_SIZE];
	enum den_code code;

	dendir_mods_put(m, DENDIR_DELETE, "denshiWriter", from);
	dendir_mods_put(m, DENDIR_ADD, "denshiWriter", to);
	code = dendir_modify(d, dendir_dn(dn, d, DENDIR_DN_WRITER), m);
	dendir_mods_free(m);
	return code;
}

/* -- following it ----------------------------------------------------------------------------- */

struct dendir_follow *dendir_follow_new(void)
{
	struct dendir_follow *f = calloc(1, sizeof(*f));

	if (f && pthread_mutex_init(&f->lock, NULL) != 0) {
		free(f);
		f = NULL;
	}
	return f;
}

/* The first local socket of a list of URIs; 0 where there is none. */
static int local_uri(char *uri, const char *list)
{
	while (*list) {
		size_t len = strcspn(list, " ");

		if (strncmp(list, "ldapi:", 6) == 0 && len < DENDIR_URI_SIZE) {
			memcpy(uri, list, len);
			uri[len] = '\0';
			return 1;
		}
		list += len;
		list += strspn(list, " ");
	}
	return 0;
}

enum den_code dendir_follow_update(struct dendir *d)
{
	const struct dendir_site *site = dendir_site_of(d);
	struct dendir_writer w;
	enum den_code code = dendir_writer_read(d, &w);

	if (code != DEN_OK || !site->follow || !*w.uri)
		return code;
	if (strcmp(w.name, site->host) == 0)
		(void)local_uri(w.uri, site->uri);
	pthread_mutex_lock(&site->follow->lock);
	memcpy(site->follow->uri, w.uri, sizeof(w.uri));
	pthread_mutex_unlock(&site->follow->lock);
	return DEN_OK;
}

int dendir_follow_uri(struct dendir_follow *f, char *uri)
{
	if (!f)
		return 0;
	pthread_mutex_lock(&f->lock);
	memcpy(uri, f->uri, sizeof(f->uri));
	pthread_mutex_unlock(&f->lock);
	return *uri != '\0';
}
