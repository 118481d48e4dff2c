#include "denshid/notice.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/notice.h"
#include "crypto/digest.h"
#include "crypto/file.h"
#include "denshid/approval.h"
#include "denshid/log.h"
#include "directory/user.h"

struct notice {
	struct den_world world;
	struct approval_context context;
	const struct den_rules *rules;
	const struct den_request *request;
	FILE *out;
	size_t named;
};

/* Who may decide it is the one decision's to say, as everywhere (R-APP-4). */
static int name_approver(void *context, const struct dendir_user *u)
{
	struct notice *n = context;
	struct den_case k = {.act = DEN_ACT_APPROVE, .who = u->login, .rules = n->rules, .request = n->request,
		.only_ask = 1};
	struct denshid const *shared = n->context.c->shared;
	struct den_why why;
	char lang[3];

	if (den_approval_decide(&n->world, &k, &why) != DEN_OK)
		return 0;
	view_language(shared->view, lang);
	fprintf(n->out, "approver %s %s %s\n", u->login, *u->lang ? u->lang : *lang ? lang : shared->config->language,
		*u->mail ? u->mail : "-");
	return ++n->named == DEN_NOTICE_APPROVERS;
}

static enum den_code name_approvers(struct notice *n, struct dendir *d)
{
	const struct den_request *r = n->request;
	char authority[DENDIR_AUTHORITY_SIZE], account[DENDIR_AUTHORITY_SIZE], filter[256];

	snprintf(authority, sizeof(authority), "%s.approver", r->business);
	snprintf(account, sizeof(account), "acct.%s", r->account);
	if (!(*r->account ? dendir_filter(filter, sizeof(filter), "(&(denshiAuthority=%s)(denshiAuthority=%s))", authority,
				    account) :
			    dendir_filter(filter, sizeof(filter), "(denshiAuthority=%s)", authority)))
		return DEN_INTERNAL;
	return dendir_user_each(d, DENDIR_PEOPLE, filter, name_approver, n);
}

static void put(struct notice *n, const char *key, const char *value)
{
	if (*value)
		fprintf(n->out, "%s %s\n", key, value);
}

static void put_request(struct notice *n)
{
	const struct den_request *r = n->request;
	char text[DEN_AMOUNT_SIZE], shown[DENCRYPT_DIGEST_SHORT_SIZE], when[DENDIR_TIME_SIZE];

	approval_short_digest(r, shown);
	put(n, "request", r->id);
	put(n, "business", r->business);
	put(n, "account", r->account);
	put(n, "amount", den_amount_format(text, &r->amount));
	fprintf(n->out, "need %u\n", r->need);
	put(n, "maker", r->maker);
	put(n, "host", r->host);
	put(n, "expires", dendir_time(when, den_request_end(r)));
	put(n, "digest", shown);
}

/* How many wait already; -1 where the folder can't be read. */
static int count_waiting(const char *folder)
{
	DIR *dir = opendir(folder);
	int n = 0;

	if (!dir)
		return -1;
	for (const struct dirent *e; (e = readdir(dir));)
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static const char *write_notice(const struct denshid *shared, const char *id, char *text, size_t len)
{
	struct dencrypt_bytes bytes = {.data = (unsigned char *)text, .size = len};
	char folder[128], path[160];
	int waiting = den_notice_folder(folder, sizeof(folder), shared->config->socket) == 0 ? count_waiting(folder) : -1;

	if (waiting < 0)
		return "its folder can't be read";
	if (waiting >= DEN_NOTICES_MAX)
		return "too many wait for denshi-notice";
	if (len > DEN_NOTICE_BYTES)
		return "it is too long";
	snprintf(path, sizeof(path), "%s/%s", folder, id);
	return dencrypt_write_file(path, &bytes, 0640) == DENCRYPT_OK ? NULL : strerror(errno);
}

void notice_leave(struct call *c, struct dendir *d, const struct den_rules *rules, const struct den_request *r)
{
	struct notice n = {.context = {.c = c}, .rules = rules, .request = r};
	const char *wrong = "no memory";
	char *text = NULL;
	size_t len = 0;

	if (!*c->shared->config->notice_program || !(n.out = open_memstream(&text, &len)))
		return;
	approval_world(&n.world, &n.context);
	put_request(&n);
	if (name_approvers(&n, d) != DEN_OK)
		wrong = "the approvers can't be found out";
	else if (!n.named)
		wrong = "nobody may decide it";
	else if (fflush(n.out) == 0)
		wrong = write_notice(c->shared, r->id, text, len);
	if (wrong)
		log_warn("nobody is told of the request %s: %s", r->id, wrong);
	fclose(n.out);
	free(text);
}
