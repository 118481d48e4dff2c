#!/bin/bash
# denshi directory upgrade: a directory by the templates of 0.1.0 becomes what a fresh one is.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
uri=$DENSHI_LDAP_URI state=/var/lib/denshi-server fixture=$here/fixtures/ldap-schema-0.1.0
work=$(mktemp -d /run/upgrade.XXXXXX)
as_slapd() { setpriv --reuid=openldap --regid=openldap --clear-groups "$@"; }
slapcat_of() { as_slapd slapcat -n "$1" -F $state/directory/config -o ldif_wrap=no; }
operational='^(structuralObjectClass|entryUUID|creatorsName|createTimestamp|entryCSN|modifiersName|modifyTimestamp|contextCSN|pwdChangedTime):'
configuration() { slapcat_of 0 | grep -vE "$operational" | sed "s#$(readlink -f $state/directory)#SET#"; }

# ---- nothing to do ----
run denshi directory upgrade --yes
check "a fresh directory is up to date" says 'is up to date' ''
run denshi directory upgrade --dry-run
check "also for a dry run" done_well
check "no set is left" equals "$(find $state -maxdepth 1 -name 'set-*' | wc -l)" 1
configuration >"$work/fresh"
read -r memory passes < <(sed -n 's/^olcModuleLoad: .*argon2.* m=\([0-9]*\) t=\([0-9]*\) .*/\1 \2/p' "$work/fresh")
# Without those that hosts add while they run.
dns() { slapcat_of 1 | grep '^dn:' | grep -v '^dn: cn=[0-9]*,cn=[^,]*,ou=hosts,' | sort; }
dns >"$work/fresh.dns"
slapcat_of 1 >"$work/entries"

# ---- an older one, made by hand out of its templates and of what there is ----
fill() { # TEMPLATE SET
	local approval='dn.regex="^cn=approval,uid=[^,+]+,ou=people,o=acme$"'
	sed -e "/^#/!{s#@ORG@#acme#g;s#@HOST@#sandbox.denshi.test#g
		s#@DENSHID_UID@#$(id -u denshi)#;s#@DENSHID_GID@#$(id -g denshi)#;s#@CA_UID@#$(id -u denshi-ca)#;s#@CA_GID@#$(id -g denshi-ca)#
		s#@ARGON2_M@#$memory#;s#@ARGON2_T@#$passes#;s#@MODULEPATH@#/usr/lib/ldap#;s#@SCHEMADIR@#/etc/ldap/schema#
		s#@DENSHI_SCHEMA@#$fixture/denshi.ldif#;s#@DATADIR@#$2/directory/data#;s#@MAXSIZE@#4294967296#
		s#@MASTER@#$approval set=\"(user/-1/denshiRole + user/-1/denshiState) \& [masteractive]\"#
		s#@APPROVAL@#$approval#
		s#@OWN_REQUEST@#set=\"(((user/-1 \& this/denshiMaker)/denshiState) + (([cn=] + this/denshiBusiness + [,ou=businesses,o=acme])/denshiSelfApproval)) \& [activeFALSE]\"#}" \
		"$fixture/$1"
}
sandbox-service stop denshi-ca
sandbox-service stop slapd
old=$state/set-older1
install -d -m 755 $old
install -d -m 700 -o openldap $old/directory $old/directory/config $old/directory/data $old/directory/data/hosts $old/directory/data/organisation
chmod -R a+rX "$work" && chmod 755 "$work"
fill directory.ldif.in $old >"$work/config.ldif"
as_slapd slapadd -n 0 -F $old/directory/config -l "$work/config.ldif"
rc=$?
check "the templates of 0.1.0 load" done_well
as_slapd slapadd -n 1 -F $old/directory/config <<'END'
dn: ou=hosts
objectClass: organizationalUnit
ou: hosts

dn: cn=sandbox.denshi.test,ou=hosts
objectClass: device
cn: sandbox.denshi.test

dn: cn=second.denshi.test,ou=hosts
objectClass: device
cn: second.denshi.test
END
# What 0.1.0 doesn't know goes; the signer stands among the hosts.
awk 'BEGIN { RS = ""; ORS = "\n\n" } !/^dn: (cn=writer|ou=services|[^\n]*,ou=services|[^\n]*,ou=hosts),o=acme\n/' "$work/entries" |
	grep -vE '^(denshiSchemaVersion|denshiHostId):' >"$work/older.ldif"
printf 'dn: cn=denshi-ca,ou=hosts,o=acme\nobjectClass: device\ncn: denshi-ca\n' >>"$work/older.ldif"
out=$(as_slapd slapadd -s -q -n 2 -F $old/directory/config <"$work/older.ldif" 2>&1)
rc=$?
check "its entries load" done_well
fresh=$(readlink $state/directory)
ln -sfn set-older1/directory $state/directory

run denshi directory upgrade --dry-run
check "a dry run tells that one is due" says 'upgrade-due' ''
check "from which version to which" says 'version 0 becomes [1-9]' ''
check "a rule that comes" says '\+ olcDatabase=mdb,cn=config: olcAccess: to \* by set="\(\[cn=writer,o=acme\]\)/denshiWriter' ''
check "a database that goes" says '- olcDatabase=mdb,cn=config: olcSuffix: ou=hosts' ''
check "and changes nothing" equals "$(readlink $state/directory)" set-older1/directory
sandbox-service start slapd
run denshi directory upgrade --yes
check "not while it runs" says 'setup-running' ''
# It has taken entries, though it says nothing.
kill -STOP "$(cat "$DENSHI_SANDBOX/slapd.pid")"
run denshi directory upgrade --yes
check "nor while it hangs" says 'setup-running' ''
run denshi setup --remove --yes
check "nor is it removed then" says 'setup-running' ''
kill -CONT "$(cat "$DENSHI_SANDBOX/slapd.pid")"
sandbox-service stop slapd
run denshi directory upgrade </dev/null
check "it asks" says 'not confirmed' ''
# Killed anywhere, the old one is in use, whole.
for wait in 0.05 0.1 0.2 0.3; do
	denshi directory upgrade --yes >/dev/null 2>&1 &
	pid=$!
	sleep $wait
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	[ "$(readlink $state/directory)" = set-older1/directory ] || break
	check "killed after $wait s: the older one is there" equals "$(slapcat_of 2 | grep -c '^dn:')" "$(grep -c '^dn:' "$work/older.ldif")"
done
run denshi directory upgrade --yes
check "upgrade" says 'schema version [1-9]|up to date' ''
check "the older set is gone" equals "$(find $state -maxdepth 1 -name 'set-older1' | wc -l)" 0
run denshi directory upgrade --yes
check "run again: nothing to do" says 'is up to date' ''
configuration >"$work/upgraded"
run diff "$work/fresh" "$work/upgraded"
check "the configuration is that of a fresh one" says_nothing
dns >"$work/upgraded.dns"
run diff "$work/fresh.dns" "$work/upgraded.dns"
check "the entries are those of a fresh one, and the second host" equals "$out" "$(printf '%s\n' "$(sed -n '/second/=' "$work/upgraded.dns" | awk '{ print $1 - 1 "a" $1 }')" '> dn: cn=second.denshi.test,ou=hosts,o=acme')"
check "hashes are as they were" equals "$(slapcat_of 1 | grep '^userPassword' | sort | md5sum)" "$(grep '^userPassword' "$work/entries" | sort | md5sum)"
sandbox-service start slapd
sandbox-service start denshi-ca
check "this host is one" await 10 sh -c 'denshi status >/dev/null'
out=$(pamtester denshi d-plain01 authenticate <<<"$(login_of d-plain01)" 2>&1)
rc=$?
check "a login" done_well
run runuser -u d-maker01 -- denshi request transfer --subject 'after the upgrade'
check "a request" done_well

# ---- a newer one ----
ldapmodify -Q -Y EXTERNAL -H "$uri" >/dev/null <<<$'dn: cn=policy,o=acme\nchangetype: modify\nreplace: denshiSchemaVersion\ndenshiSchemaVersion: 99'
run denshi directory upgrade --yes
check "a newer directory is refused" says 'directory-newer' ''
sandbox-service stop denshid
sandbox-service start denshid
run runuser -u d-maker01 -- denshi request transfer --subject 'too new'
check "denshid refuses it, and says so" says 'schema version 99.*directory-newer' ''
run getent passwd d-plain01
check "the snapshot stays in force" done_well
sandbox-service stop denshi-ca
sandbox-service start denshi-ca
check "the CA signs nothing there" await 5 grep -q 'newer schema=99' "$DENSHI_SANDBOX/denshi-ca.log"
[ -z "$fresh" ] || rm -rf "${state:?}/${fresh%/directory}/directory"
rm -rf "$work"
summary
