#!/bin/bash
# sandbox: outside
# denshi setup --existing: into a slapd that was there before, with a database of its own. What
# is added is shown first; nothing else is touched; --remove leaves it as it was; killed at
# any point it can be run again.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[ -n "${DENSHI_SANDBOX:-}" ] || exec "$here/sandbox" --bare --language en -- "$0"
language=en
export LANG=C.UTF-8
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
: >"$DENSHI_SANDBOX/denshid.log"
state=/var/lib/denshi-server conf=/etc/denshi/denshi.conf
uri=ldapi://%2Fvar%2Frun%2Fslapd%2Fldapi config=/srv/slapd.d
conf_before=$(cksum <"$conf")

# ---- a server as Debian makes it ----
as_openldap() { setpriv --reuid=openldap --regid=openldap --clear-groups "$@"; }
root() { "$1" -Q -Y EXTERNAL -H $uri "${@:2}"; }
slapd_start() {
	(exec setpriv --reuid=openldap --regid=openldap --clear-groups slapd -F $config -h $uri -d 0) >"$DENSHI_SANDBOX/slapd.log" 2>&1 &
	slapd=$!
	await 10 root ldapwhoami
}
slapd_stop() { kill "$slapd"; wait "$slapd"; }
install -d -o openldap -g openldap /var/run/slapd $config /srv/other
as_openldap slapadd -n 0 -F $config <<END || exit 1
dn: cn=config
objectClass: olcGlobal
cn: config
olcAuthzRegexp: {0}^uid=stranger,.*$ cn=nobody

dn: cn=module{0},cn=config
objectClass: olcModuleList
cn: module{0}
olcModulePath: /usr/lib/ldap
olcModuleLoad: back_mdb
olcModuleLoad: syncprov.la

dn: cn=schema,cn=config
objectClass: olcSchemaConfig
cn: schema

include: file:///etc/ldap/schema/core.ldif
include: file:///etc/ldap/schema/cosine.ldif

dn: olcDatabase={-1}frontend,cn=config
objectClass: olcDatabaseConfig
objectClass: olcFrontendConfig
olcDatabase: {-1}frontend
olcAccess: {0}to * by dn.exact=gidNumber=0+uidNumber=0,cn=peercred,cn=external,cn=auth manage by * break

dn: olcDatabase={0}config,cn=config
objectClass: olcDatabaseConfig
olcDatabase: {0}config
olcAccess: {0}to * by dn.exact=gidNumber=0+uidNumber=0,cn=peercred,cn=external,cn=auth manage by * break

dn: olcDatabase={1}mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: {1}mdb
olcSuffix: dc=other,dc=example
olcRootDN: cn=admin,dc=other,dc=example
olcDbDirectory: /srv/other
END
as_openldap slapadd -n 1 -F $config <<END || exit 1
dn: dc=other,dc=example
objectClass: organization
objectClass: dcObject
o: Other
dc: other
END
slapd_start
# Modification times and the like stay out of it: they are of the server's own.
configuration() { root ldapsearch -LLL -o ldif-wrap=no -b cn=config | grep -v '^olcAttributeTypes: [{]*[0-9}]*( OLcfg'; }
other() { root ldapsearch -LLL -b dc=other,dc=example '*' '+'; }
configuration_before=$(configuration) other_before=$(other)
files_before=$(find $config -type f | sort)

setup() {
	denshi setup --organisation acme --master d-master1 --master-name 'Hanako Yamada' \
		--master-mail hanako@acme.example --host d1.acme.example --argon2-memory 1024 --argon2-passes 1 \
		--existing ldapi:/// --slapd-config $config "$@"
}
# What a function in the background is a shell of; denshi-setup is its child.
kill_setup() {
	pkill -KILL -P "$1" 2>/dev/null
	kill -KILL "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}
is_untouched() { [ "$(configuration)" = "$configuration_before" ] && [ "$(other)" = "$other_before" ]; }

# ---- shown, asked, done ----
run setup --dry-run --generate
check "shown: the module that is missing" says 'module +ppolicy' ''
check "and the guard, which is of all databases" says 'module +denshi-guard: .*all its databases' ''
check "but not the one that is there" says_not 'module +syncprov' ''
check "the schema, what it is made on, the database" says 'schema +inetorgperson.*' ''
check "and the hash, which is of all databases" says 'hash .*all databases' ''
check "--dry-run does nothing" is_untouched
run setup --generate </dev/null
check "without a terminal, without --yes: not confirmed" says 'setup-not-confirmed' ''
check "and nothing done" is_untouched
run setup --network --yes --generate
check "not together with --network" says 'existing-no-network' ''
run setup --yes --generate
check "done" done_well
password=$(sed -n 's/^Initial login password.*: //p' <<<"$out")
check "the other database is as it was" equals "$(other)" "$other_before"
check "of its configuration nothing is gone" equals "$(configuration | grep -xvFf - <(echo "$configuration_before"))" ''
run setup --yes --generate
check "again: refused" says 'setup-exists' ''
check "no open secret" equals "$(grep -rlaE 'PRIVATE KEY|\{ARGON2\}' $state /etc/denshi | while read -r f; do find "$f" -perm /077; done)" ''

# ---- it works ----
setpriv --reuid=denshi --regid=denshi --groups=denshi-directory denshid --foreground >"$DENSHI_SANDBOX/denshid.log" 2>&1 &
denshid=$!
check "denshid publishes the master" await 10 getent passwd d-master1
run pamtester denshi-cert d-master1 authenticate <<<"$password"
check "who still needs the certificate" says 'cert' ''
run ldapwhoami -x -H $uri -D uid=d-master1,ou=people,o=acme -w "$password"
check "the password is the directory's" done_well
run denshi rescue d-master1 --yes
check "root is asked to let the master act (R-LOCK-7)" says 'rescue-not-needed' ''
run ldapsearch -x -LLL -H $uri -b o=acme
check "strangers read nothing" says_not '^dn:' ''
kill "$denshid"

# ---- out again ----
run denshi setup --remove --dry-run
run root ldapsearch -LLL -b o=acme -s base
check "--remove --dry-run does nothing" done_well
run denshi setup --remove --yes
check "removed from the running server" done_well
check "it says what a running server keeps" says 'Modules and schema.*stop the server' ''
run root ldapsearch -LLL -b o=acme -s base
check "the database is gone" refused
check "and the identities, and the hash" sh -c "! ldapsearch -Q -Y EXTERNAL -LLL -H $uri -b cn=config | grep -qE '^olcAuthzRegexp.*denshi|^olcPasswordHash'"
run denshi setup --remove --yes
check "which is said again" says 'stop the server' ''
slapd_stop
run denshi setup --remove --yes
check "stopped: that goes too" done_well
check "its files are those it had" equals "$(find $config -type f | sort)" "$files_before"
slapd_start
check "the server is as it was" is_untouched
check "nothing is left of denshi" equals "$(ls -A $state)" ''
check "denshi.conf is as it was" equals "$(cksum <"$conf")" "$conf_before"

# ---- killed at any point, then run again ----
from=$(date +%s%N)
setup --yes --generate >/dev/null 2>&1
took_ms=$((($(date +%s%N) - from) / 1000000))
denshi setup --remove --yes >/dev/null 2>&1
broken=0
for ((k = 1; k <= 8; k++)); do
	setup --yes --generate >/dev/null 2>&1 &
	sleep "$(printf '%d.%03d' $((took_ms * k / 8 / 1000)) $((took_ms * k / 8 % 1000)))"
	kill_setup $!
	# Either it is in use, whole, or denshi.conf doesn't name it.
	! grep -q '^organisation' "$conf" || root ldapsearch -LLL -b cn=serial,ou=published,o=acme -s base >/dev/null 2>&1 ||
		broken=$((broken + 1))
	! grep -q '^done' $state/additions 2>/dev/null || denshi setup --remove --yes >/dev/null 2>&1
done
check "killed eight times: never half in use" equals "$broken" 0
run setup --yes --generate
check "the next run makes it" done_well
run ldapwhoami -x -H $uri -D uid=d-master1,ou=people,o=acme -w "$(sed -n 's/^Initial login password.*: //p' <<<"$out")"
check "whole" done_well
check "with one database" equals "$(configuration | grep -c '^olcSuffix: o=acme')" 1
denshi setup --remove --yes >/dev/null 2>&1
slapd_stop
denshi setup --remove --yes >/dev/null 2>&1
slapd_start
check "and what all of them added goes" is_untouched
slapd_stop
summary
