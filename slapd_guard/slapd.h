/*
 * What of slapd the guard needs. Debian ships no headers of slapd; this is its exported
 * interface, and the layout of its structures down to the last member that is used here, on
 * 64 bits: OpenLDAP's servers/slapd/slap.h and proto-slap.h, the same in 2.5.4 to 2.6.14, but for
 * SLAPD_2_6_REQUEST. Names are slapd's own. The guard loads into no other version (SLAPD_MIN, SLAPD_MAX).
 */
#ifndef DENSHI_SLAPD_GUARD_SLAPD_H
#define DENSHI_SLAPD_GUARD_SLAPD_H

#include <lber.h>
#include <ldap.h>
#include <stddef.h>
#include <time.h>

/* As LDAP_OPT_API_INFO gives it: 20513 is 2.5.13. */
#define SLAPD_MIN 20500
#define SLAPD_MAX 20699

/* -- attributes and modifications ------------------------------------------------------------- */

typedef struct AttributeDescription {
	void *ad_next, *ad_type;
	struct berval ad_cname;
} AttributeDescription;
typedef struct Entry Entry;
struct Operation;

typedef struct Modifications {
	AttributeDescription *sml_desc;
	BerVarray sml_values, sml_nvalues;
	unsigned sml_numvals;
	short sml_op, sml_flags;
	struct berval sml_type;
	struct Modifications *sml_next;
} Modifications;

typedef struct Attribute {
	AttributeDescription *a_desc;
	BerVarray a_vals, a_nvals;
	unsigned a_numvals, a_flags;
	struct Attribute *a_next;
} Attribute;

struct Entry {
	unsigned long e_id;
	struct berval e_name, e_nname;
	Attribute *e_attrs;
};

/* NULL: there is none. */
Attribute *attr_find(Attribute *list, AttributeDescription *ad);

/* Zeroed; never NULL. */
void *ch_calloc(ber_len_t n, ber_len_t size);

/* Brings the values into their syntaxes' form, and makes the normalized ones. 0 or an LDAP result. ctx NULL: the
 * values are malloc(3)'s. */
int slap_mods_check(struct Operation *op, Modifications *mods, const char **text, char *buf, size_t size, void *ctx);

/* With their values. */
void slap_mods_free(Modifications *mods, int values);

/* Now, as no other operation has it: also the microseconds, behind n. */
void slap_op_time(time_t *t, int *n);

/* bv of 22 bytes or more: t as a generalized time. */
void slap_timestamp(time_t *t, struct berval *bv);

/* 0, and *ad, which slapd keeps. Of the attribute of that name, without options. */
int slap_str2ad(const char *name, AttributeDescription **ad, const char **text);

/* Whether desc is above or ad itself: with options, or an attribute that is a subtype. */
int is_ad_subtype(AttributeDescription *sub, AttributeDescription *super);

/* -- operations ----------------------------------------------------------------------------------- */

struct slap_overinst;

/* The head of an operation. */
typedef struct Opheader {
	unsigned long oh_opid, oh_connid;
	void *oh_conn;
	ber_int_t oh_msgid, oh_protocol;
	unsigned long oh_tid;
	void *oh_threadctx, *oh_tmpmemctx;
} Opheader;

/* In an overlay's function, of the operation in work: slapd's copy, whose bd_info is that overlay. */
typedef struct BackendDB {
	union {
		struct slap_overinst *bd_info;
		struct BackendInfo *bd_functions;
	};
} BackendDB;

typedef struct Operation {
	Opheader *o_hdr;
	ber_tag_t o_tag;
	time_t o_time;
	int o_tincr, o_tusec;
	struct timeval o_qtime;
	BackendDB *o_bd;
	struct berval o_req_dn, o_req_ndn;
	union {
		Modifications *orm_modlist; /* of LDAP_REQ_MODIFY, also where RFC 3062 makes one */
		struct {		    /* of LDAP_REQ_BIND */
			int orb_method;
			struct berval orb_cred;
		};
		struct {		    /* of LDAP_REQ_MODIFY */
			Modifications *orm_mods;
			char orm_no_opattrs;
		};
		struct {		    /* of LDAP_REQ_MODRDN */
			struct {
				Modifications *rs_modlist;
				char rs_no_opattrs;
			} rs_mods;
			int rs_deleteoldrdn;
			struct berval orr_newrdn, orr_nnewrdn;
		};
	};
} Operation;

/* What comes after that union, which takes REQUEST bytes: so much has it grown in 2.6. */
#define SLAPD_2_5_REQUEST 80
#define SLAPD_2_6_REQUEST 104
typedef struct OperationRest {
	volatile int o_abandon, o_cancel;
	void *o_groups;
	char o_do_not_cache, o_is_auth_check, o_dont_replicate;
	int o_acl_priv;
	char o_nocaching, o_delete_glue_parent, o_no_schema_check, o_no_subordinate_glue;
	char o_ctrlflag[32];
	void **o_controls; /* what each control said, by its number; slapd wipes it after the operation */
	struct {
		ber_tag_t method;
		struct berval mech, dn, ndn;
		unsigned ssf[4];
	} o_authz; /* in whose name */
	void *o_ber, *o_res_ber;
	struct slap_callback *o_callback;
	LDAPControl **o_ctrls;
	struct berval o_csn;
	void *o_private, *o_extra, *o_next;
} OperationRest;

typedef struct SlapReply {
	int sr_type;
	ber_tag_t sr_tag;
	ber_int_t sr_msgid, sr_err;
	const char *sr_matched, *sr_text;
} SlapReply;

typedef int slap_response(Operation *op, SlapReply *rs);

/* What is called before an answer is sent, and after it. */
typedef struct slap_callback {
	struct slap_callback *sc_next;
	slap_response *sc_response, *sc_cleanup;
	void *sc_private, *sc_writewait;
} slap_callback;

int slap_null_cb(Operation *op, SlapReply *rs);

/* The database as slapd has it, with all its overlays. NULL: none has dn. */
BackendDB *select_backend(struct berval *dn, int no_subordinates);

/* Adds controls to an answer, which slapd frees then, each one: they are slap_sl_malloc's. */
int slap_add_ctrls(Operation *op, SlapReply *rs, LDAPControl **controls);
void *slap_sl_malloc(ber_len_t size, void *ctx);

/* 0, and the number of the control. */
int register_supported_control2(const char *oid, unsigned long mask, char **exops,
	int (*parse)(Operation *op, SlapReply *rs, LDAPControl *control), unsigned flags, int *cid);
#define SLAP_CTRL_BIND 0x4UL
#define SLAP_CONTROL_CRITICAL 3
#define SLAP_CONTROL_NONCRITICAL 2

/* That database takes the control: else a critical one is refused there. */
int overlay_register_control(BackendDB *be, const char *oid);
void overlay_unregister_control(BackendDB *be, const char *oid);

/* An overlay's function that has no more to say: whoever is next below. */
#define SLAP_CB_CONTINUE 0x8000

void slap_send_ldap_result(Operation *op, SlapReply *rs);

/* The administrator, and what comes from the other server. */
int be_isroot(Operation *op);

/* slap_access_t: the right to delete values. */
#define ACL_WDEL 0x206

/* Not 0: whoever asks may do that to desc (val: NULL, or the value) of e. */
int access_allowed_mask(Operation *op, Entry *e, AttributeDescription *desc, struct berval *val, int access,
	void *state, unsigned long *mask);

/* -- synchronization (RFC 4533) ---------------------------------------------------------------------- */

/* The numbers of the controls that the server knows; 0: it doesn't know that one. */
struct slap_control_ids {
	int sc_LDAPsync;
};
extern struct slap_control_ids slap_cids;

/* Of a write: what slapo-syncprov takes for the cookie of whoever handed it on. */
struct sync_cookie {
	BerVarray ctxcsn;
	int *sids;
	int numcsns, rid;
	struct berval octet_str, delcsn;
	int sid;
	struct sync_cookie *sc_next;
};

/* The server's number among its peers. */
extern int slap_serverID;

/* -- overlays ---------------------------------------------------------------------------------------- */

typedef struct BackendInfo {
	const char *bi_type;
	void *bi_start[7]; /* bi_init to bi_destroy */
	void *bi_db_init, *bi_db_config;
	int (*bi_db_open)(BackendDB *bd, void *reply);
	int (*bi_db_close)(BackendDB *bd, void *reply);
	void *bi_db_destroy;
	int (*bi_op_bind)(Operation *op, SlapReply *rs);
	void *bi_op_unbind, *bi_op_search, *bi_op_compare;
	int (*bi_op_modify)(Operation *op, SlapReply *rs);
	int (*bi_op_modrdn)(Operation *op, SlapReply *rs);
	void *bi_rest[128]; /* more than there is: slapd copies as much as it knows of */
} BackendInfo;

typedef struct slap_overinst {
	BackendInfo on_bi;
} slap_overinst;

/* on stays in use. 0 or not. */
int overlay_register(slap_overinst *on);

/* 0 and *e, which overlay_entry_release_ov gives back; rw 0: for reading. */
int overlay_entry_get_ov(Operation *op, struct berval *ndn, void *oc, AttributeDescription *ad, int rw, Entry **e,
	slap_overinst *on);
int overlay_entry_release_ov(Operation *op, Entry *e, int rw, slap_overinst *on);

/* The same of the database op->o_bd with all its overlays. */
int be_entry_get_rw(Operation *op, struct berval *ndn, void *oc, AttributeDescription *ad, int rw, Entry **e);
int be_entry_release_rw(Operation *op, Entry *e, int rw);

/* -- the server ----------------------------------------------------------------------------------------- */

/* 0, or -1 where slapd has no such control. */
int unregister_supported_control(const char *oid);

/* Takes an extended operation out. main NULL: whoever serves it. 0, or -1 where there is none. */
int unload_extop(const struct berval *oid, void *main, unsigned flags);

/* An OID that the root DSE shows among supportedFeatures from then on; copied. 0 or -1. */
int supported_feature_load(struct berval *oid);

/* slapd calls it once, before it serves; not 0: the module isn't loaded. */
int init_module(int argc, char *argv[]);

#endif
