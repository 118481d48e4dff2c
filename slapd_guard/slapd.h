/*
 * What of slapd the guard needs. Debian ships no headers of slapd; this is its exported
 * interface, and the layout of its structures down to the last member that is used here, on
 * 64 bits: OpenLDAP's servers/slapd/slap.h and proto-slap.h, the same in 2.5.4 to 2.6.14, but for
 * SLAPD_2_6_REQUEST. Names are slapd's own. The guard loads into no other version (SLAPD_MIN, SLAPD_MAX).
 */
#ifndef DENSHI_SLAPD_GUARD_SLAPD_H
#define DENSHI_SLAPD_GUARD_SLAPD_H

#include <lber.h>
#include <stddef.h>
#include <time.h>

/* As LDAP_OPT_API_INFO gives it: 20513 is 2.5.13. */
#define SLAPD_MIN 20500
#define SLAPD_MAX 20699

/* -- attributes and modifications ------------------------------------------------------------- */

typedef struct AttributeDescription AttributeDescription;
typedef struct Entry Entry; /* only handed on */

typedef struct Modifications {
	AttributeDescription *sml_desc;
	BerVarray sml_values, sml_nvalues;
	unsigned sml_numvals;
	short sml_op, sml_flags;
	struct berval sml_type;
	struct Modifications *sml_next;
} Modifications;

/* 0, and *ad, which slapd keeps. Of the attribute of that name, without options. */
int slap_str2ad(const char *name, AttributeDescription **ad, const char **text);

/* Whether desc is above or ad itself: with options, or an attribute that is a subtype. */
int is_ad_subtype(AttributeDescription *sub, AttributeDescription *super);

/* -- operations ----------------------------------------------------------------------------------- */

struct slap_overinst;

/* In an overlay's function, of the operation in work: slapd's copy, whose bd_info is that overlay. */
typedef struct BackendDB {
	struct slap_overinst *bd_info;
} BackendDB;

typedef struct Operation {
	void *o_hdr;
	ber_tag_t o_tag;
	time_t o_time;
	int o_tincr, o_tusec;
	struct timeval o_qtime;
	BackendDB *o_bd;
	struct berval o_req_dn, o_req_ndn;
	union {
		Modifications *orm_modlist; /* of LDAP_REQ_MODIFY, also where RFC 3062 makes one */
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
} OperationRest;

typedef struct SlapReply {
	int sr_type;
	ber_tag_t sr_tag;
	ber_int_t sr_msgid, sr_err;
	const char *sr_matched, *sr_text;
} SlapReply;

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
	void *bi_db_close, *bi_db_destroy;
	void *bi_op_bind, *bi_op_unbind, *bi_op_search, *bi_op_compare;
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
