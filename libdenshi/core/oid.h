/*
 * OIDs of denshi that programs know (ldap-schema/oids). Those of the schema aren't among
 * them: an organisation may move these to an arc of its own.
 */
#ifndef DENSHI_CORE_OID_H
#define DENSHI_CORE_OID_H

#define DEN_OID "2.25.78147632043697467920069002842794325447"
/* Shown by a directory server among supportedFeatures: it hashes passwords with Argon2id. */
#define DEN_OID_ARGON2ID DEN_OID ".3.1"
/* And that it takes no Relax Rules control. */
#define DEN_OID_GUARD DEN_OID ".3.2"
/* And that whoever watches it (RFC 4533) with a cookie of sid DEN_QUIET_SID isn't told of attempts to log in. */
#define DEN_OID_QUIET DEN_OID ".3.3"
/* And that it counts attempts itself: a feature, and the control of a bind that is one (slapd-denshi-guard(5)). */
#define DEN_OID_ATTEMPT DEN_OID ".3.4"
/* The last one that slapd takes; an organisation's servers are numbered from 1. */
#define DEN_QUIET_SID 0xfff

#endif
