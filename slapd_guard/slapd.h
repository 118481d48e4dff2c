/*
 * The three things of slapd that the guard needs. Debian ships no headers of slapd; this is
 * its exported interface as in OpenLDAP 2.5 and 2.6 (servers/slapd/controls.c,
 * servers/slapd/root_dse.c, servers/slapd/module.c).
 */
#ifndef DENSHI_SLAPD_GUARD_SLAPD_H
#define DENSHI_SLAPD_GUARD_SLAPD_H

struct berval { /* lber.h */
	unsigned long bv_len;
	char *bv_val;
};

/* 0, or -1 where slapd has no such control. */
int unregister_supported_control(const char *oid);

/* An OID that the root DSE shows among supportedFeatures from then on; copied. 0 or -1. */
int supported_feature_load(struct berval *oid);

/* slapd calls it once, before it serves; not 0: the module isn't loaded. */
int init_module(int argc, char *argv[]);

#endif
