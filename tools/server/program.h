/* Where Debian's OpenLDAP is. */
#ifndef DENSHI_SERVER_PROGRAM_H
#define DENSHI_SERVER_PROGRAM_H

#define PROGRAM_SLAPADD "/usr/sbin/slapadd"
#define PROGRAM_SLAPCAT "/usr/sbin/slapcat"
#define PROGRAM_SLAPMODIFY "/usr/sbin/slapmodify"
#define PROGRAM_SLAPD "/usr/sbin/slapd"
#define LDAP_MODULES "/usr/lib/ldap"
#define LDAP_SCHEMA "/etc/ldap/schema"
/* The module that hashes passwords: ours, for Argon2id; slapd's own where ours isn't there. */
#define LDAP_ARGON2ID "pw-argon2id"
#define LDAP_GUARD "denshi-guard"
#define LDAP_ARGON2 "argon2"

#endif
