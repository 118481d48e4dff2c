#include "directory/pipeline.h"

#include "directory/connection-internal.h"

/* More than slapd's threads: none of them waits for us. */
#define WINDOW 32

struct pipeline {
	struct dendir *d;
	struct dendir_addition *all;
	size_t n, sent, open;
	struct {
		int msgid;
		size_t which;
	} window[WINDOW];
};

/* What isn't the entry's fault: the next one would meet it too. */
static int holds_for_all(const struct dendir *d, enum den_code code)
{
	return code == DEN_DIRECTORY_DOWN || code == DEN_DIRECTORY_FULL || d->result == LDAP_OTHER;
}

static enum den_code send_next(struct pipeline *p)
{
	struct dendir_addition *a = &p->all[p->sent];
	LDAPMod **list = dendir_mods_list(p->d, a->mods);
	int msgid = 0, rc;

	if (!list)
		return DEN_INTERNAL;
	rc = ldap_add_ext(p->d->ld, a->dn, list, NULL, NULL, &msgid);
	if (rc != LDAP_SUCCESS)
		return dendir_note(p->d, rc, NULL);
	p->window[p->open].msgid = msgid;
	p->window[p->open++].which = p->sent++;
	return DEN_OK;
}

/* The next answer, whichever it is. */
static enum den_code receive_one(struct pipeline *p)
{
	enum den_code code = DEN_OK;
	LDAPMessage *response = dendir_await(p->d, LDAP_RES_ANY, &code);

	if (!response)
		return code;
	for (size_t i = 0; i < p->open; i++) {
		struct dendir_addition *a = &p->all[p->window[i].which];

		if (p->window[i].msgid != ldap_msgid(response))
			continue;
		a->code = dendir_note(p->d, 0, response);
		a->result = p->d->result;
		p->window[i] = p->window[--p->open];
		code = holds_for_all(p->d, a->code) ? a->code : DEN_OK;
		break;
	}
	ldap_msgfree(response);
	return code;
}

/* Those under way are given up, those not sent are left. */
static void give_up(struct pipeline *p, enum den_code code)
{
	for (size_t i = 0; i < p->open; i++) {
		ldap_abandon_ext(p->d->ld, p->window[i].msgid, NULL, NULL);
		p->all[p->window[i].which].code = code;
	}
	for (size_t i = p->sent; i < p->n; i++)
		p->all[i].code = code;
}

enum den_code dendir_add_all(struct dendir *d, struct dendir_addition *all, size_t n)
{
	struct pipeline p = {.d = d, .all = all, .n = n};
	enum den_code code = DEN_OK;

	while (code == DEN_OK && (p.sent < n || p.open))
		code = p.sent < n && p.open < WINDOW ? send_next(&p) : receive_one(&p);
	if (code != DEN_OK)
		give_up(&p, code);
	return code;
}
