#!/bin/bash
# sandbox: outside
# The access matrix (tests/access/matrix), every cell against the running slapd.
#
# usage: matrix.sh [--pair] [TARGETS]
#   --pair    where there are two servers
#   TARGETS   a part of it: a list of words as in the table
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[ -n "${DENSHI_SANDBOX:-}" ] || exec "$here/sandbox" --fast --language en -- "$here/sandboxed/matrix.sh" "$@"
root() { "$1" -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" "${@:2}"; }

# Those who act by themselves on what the attempts leave behind.
sandbox-service stop denshid
sandbox-service stop denshi-ca
# Its log of each operation would be large, and is of no use here.
sandbox-service stop slapd
sed -i 's/-d stats/-d 0/' "$DENSHI_SANDBOX/slapd.command"
sandbox-service start slapd

pair=()
if [ "${1:-}" = --pair ]; then
	pair=(--pair)
	shift
	sandbox-service stop slapd
	denshi directory add-replica m1.denshi.test /run/m1.join --yes >/dev/null || exit 2
	sandbox-service start slapd
	root ldapmodify >/dev/null <<END || exit 2
dn: cn=config
changetype: modify
add: olcAuthzRegexp
olcAuthzRegexp: gidNumber=60003[+]uidNumber=60003,cn=peercred,cn=external,cn=auth cn=m1.denshi.test,ou=directories,o=acme
END
	root ldapadd >/dev/null <<END || exit 2
dn: reqStart=20260101000000.000000Z,cn=accesslog
objectClass: auditModify
reqStart: 20260101000000.000000Z
reqType: modify
reqSession: 1
reqDN: cn=approval,uid=d-xplain0,ou=people,o=acme
reqMod: userPassword:= {ARGON2}fixture
END
fi

# Who shows the certificate of a host that was taken off the list, of another organisation.
root ldapmodify >/dev/null <<END || exit 2
dn: cn=config
changetype: modify
add: olcAuthzRegexp
olcAuthzRegexp: gidNumber=60001[+]uidNumber=60001,cn=peercred,cn=external,cn=auth cn=gone.example,ou=hosts,o=acme
olcAuthzRegexp: gidNumber=60002[+]uidNumber=60002,cn=peercred,cn=external,cn=auth cn=here.example,ou=hosts,o=other
END
awk -f "$here/access/make-fixture.awk" | root ldapadd >/dev/null || exit 2

# decide REQUEST DECISION [REASON]: in LDIF, what its approver writes.
approver=cn=approval,uid=d-xappr0,ou=people,o=acme
decide() {
	printf 'dn: cn=%s,ou=requests,o=acme\nchangetype: modify\nadd: denshiDecision\ndenshiDecision: %s\n-\n' "$1" "$2"
	printf 'add: denshiDecidedBy\ndenshiDecidedBy: %s\n-\nadd: denshiDecidedDigest\ndenshiDecidedDigest: abcd\n-\n' "$approver"
	printf 'add: denshiDecidedOn\ndenshiDecidedOn: 20260101000000Z h\n-\n'
	[ -z "${3:-}" ] || printf 'add: denshiReason\ndenshiReason: %s\n-\n' "$3"
	echo
}
{
	decide r-xdecided approved
	decide r-xused approved
	decide r-xrejected rejected no
} | ldapmodify -x -H "$DENSHI_LDAP_URI" -D "$approver" -w probe-Password1 >/dev/null || exit 2
printf 'dn: cn=r-xused,ou=requests,o=acme\nchangetype: modify\nadd: denshiUsed\ndenshiUsed: 20260101000000Z h s u\n' |
	setpriv --reuid=denshi --regid=denshi --groups=denshi-directory \
		ldapmodify -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" >/dev/null || exit 2
exec "$DENSHI_BUILD/tests/access-matrix" "${pair[@]}" "$here/access/matrix" "$DENSHI_LDAP_URI" "$@"
