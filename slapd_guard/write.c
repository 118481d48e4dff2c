/*
 * A Modify of the guard's own, in the middle of somebody's operation: the same entry, in another name, and the answer is
 * nobody's. It goes the way of each Modify of that database: all overlays see it, and the access rules decide.
 */
#include <ldap.h>
#include <string.h>

#include "slapd_guard/guard.h"

/* slapd's structures are longer than what is known of them, or as long. */
#define REPLY_MAX 512

/* The controls' states lie behind the operation's header, in one allocation: found elsewhere, this
 * slapd is laid out otherwise. */
#define HEADER_MAX 1024

struct inner {
	union {
		Operation op;
		char bytes[sizeof(Operation) + SLAPD_2_6_REQUEST + sizeof(OperationRest)];
	};
	union {
		SlapReply reply;
		char reply_bytes[REPLY_MAX];
	};
};

static size_t request_size(void)
{
	static size_t size;

	if (!size)
		size = guard_slapd_version() < 20600 ? SLAPD_2_5_REQUEST : SLAPD_2_6_REQUEST;
	return size;
}

OperationRest *guard_rest(Operation *op)
{
	return (void *)((char *)&op->orm_modlist + request_size());
}

void **guard_controls(Operation *op)
{
	void **controls = guard_rest(op)->o_controls;
	const char *at = (const char *)controls, *header = (const char *)op->o_hdr;

	return at > header && at - header < HEADER_MAX ? controls : NULL;
}

void guard_put(Modifications **mods, int how, AttributeDescription *ad, const char *const *values, size_t n)
{
	Modifications *m = ch_calloc(1, sizeof(*m));

	m->sml_op = (short)how;
	m->sml_desc = ad;
	m->sml_type = ad->ad_cname;
	m->sml_values = ch_calloc((ber_len_t)n + 1, sizeof(struct berval));
	for (size_t i = 0; i < n; i++)
		ber_str2bv(values[i], 0, 1, &m->sml_values[i]);
	m->sml_numvals = (unsigned)n;
	m->sml_next = *mods;
	*mods = m;
}

static void prepare(struct inner *i, const Operation *op, const struct berval *who, Modifications *mods,
	enum guard_reach reach)
{
	OperationRest *rest;

	memset(i, 0, sizeof(*i));
	memcpy(&i->op, op, offsetof(Operation, orm_modlist) + request_size() + sizeof(*rest));
	memset(&i->op.orm_modlist, 0, request_size());
	i->op.o_tag = LDAP_REQ_MODIFY;
	/* slapo-accesslog names what it logs by it: two of one time would be one. */
	slap_op_time(&i->op.o_time, &i->op.o_tincr);
	i->op.orm_modlist = mods;
	i->op.o_bd = select_backend(&i->op.o_req_ndn, 0);
	rest = guard_rest(&i->op);
	/* None of this is the bind's: who gave up waiting, what it was asked with, and whose answer it is. */
	rest->o_abandon = 0;
	rest->o_groups = NULL;
	rest->o_ctrls = NULL;
	rest->o_csn = (struct berval){0};
	memset(rest->o_ctrlflag, 0, sizeof(rest->o_ctrlflag));
	rest->o_authz.dn = rest->o_authz.ndn = *who;
	if (reach == GUARD_HERE)
		i->op.orm_no_opattrs = rest->o_dont_replicate = 1;
}

int guard_write(Operation *op, const struct berval *who, Modifications *mods, enum guard_reach reach)
{
	slap_callback nobody = {.sc_response = slap_null_cb};
	struct inner inner;
	char buf[256];
	const char *text = NULL;
	void **cookie;
	void *before;
	int rc = slap_mods_check(op, mods, &text, buf, sizeof(buf), NULL);

	if (rc == LDAP_SUCCESS) {
		prepare(&inner, op, who, mods, reach);
		guard_rest(&inner.op)->o_callback = &nobody;
		/* The states of controls are shared with the bind (quiet.c writes this one). */
		cookie = &guard_rest(op)->o_controls[slap_cids.sc_LDAPsync];
		before = *cookie;
		rc = inner.op.o_bd->bd_functions->bi_op_modify(&inner.op, &inner.reply);
		*cookie = before;
		mods = inner.op.orm_modlist;
	}
	slap_mods_free(mods, 1);
	return rc;
}

const char *guard_time(char when[GUARD_TIME_SIZE])
{
	struct berval text = {.bv_val = when, .bv_len = GUARD_TIME_SIZE};
	time_t now = time(NULL);

	slap_timestamp(&now, &text);
	return when;
}
