/* Where Debian's OpenLDAP is. */
#ifndef DENSHI_SERVER_PROGRAM_H
#define DENSHI_SERVER_PROGRAM_H

#define PROGRAM_SLAPADD "/usr/sbin/slapadd"
#define PROGRAM_SLAPD "/usr/sbin/slapd"
#define LDAP_MODULES "/usr/lib/ldap"
#define LDAP_SCHEMA "/etc/ldap/schema"

#endif
