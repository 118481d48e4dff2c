#!/bin/bash
# Passwords are hashed by the directory, with Argon2id; slapd's own module verifies what
# ours made, and the other way round. About 15 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
people=ou=people,o=acme
cost='m=19456,t=2,p=1'

stored() { # DN: its userPassword
	root ldapsearch -LLL -o ldif-wrap=no -s base -b "$1" userPassword | sed -n 's/^userPassword:: //p' | base64 -d | tr -d '\0'
}
store() { # DN VALUE
	root ldapmodify >/dev/null <<<"dn: $1"$'\nchangetype: modify\nreplace: userPassword\nuserPassword: '"$2"
}
log_in() { # ID PASSWORD
	run pamtester denshi "$1" authenticate <<<"$2"
}

# ---- what our module makes ----
run root ldapsearch -LLL -b o=acme '(userPassword=*)' userPassword
entries=$(grep -c '^userPassword::' <<<"$out")
out=$(sed -n 's/^userPassword:: //p' <<<"$(root ldapsearch -LLL -o ldif-wrap=no -b o=acme '(userPassword=*)' userPassword)" |
	while read -r value; do base64 -d <<<"$value"; echo; done)
check "there are passwords ($entries)" test "$entries" -gt 5
check "all of them are Argon2id of the cost that is asked for" equals "$entries" \
	"$(grep -cE '^\{ARGON2\}\$argon2id\$v=19\$'"${cost//,/,}"'\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$' <<<"$out")"
check "no two are the same" equals "$entries" "$(sort -u <<<"$out" | wc -l)"
ours=$(stored "uid=d-plain01,$people")
root ldappasswd -s Umi-to-Yama-2026 "uid=d-plain01,$people"
check "RFC 3062: a new hash" test "$ours" != "$(stored "uid=d-plain01,$people")"
check "RFC 3062: Argon2id" sh -c '[ "${1#"{ARGON2}\$argon2id\$v=19\$$2\$"}" != "$1" ]' - "$(stored "uid=d-plain01,$people")" $cost
log_in d-plain01 Umi-to-Yama-2026
check "and the password is right" done_well
log_in d-plain01 Umi-to-Yama-2027
check "another is not" refused

# ---- slapd's own module, in a slapd of its own ----
stock=$DENSHI_SANDBOX/stock
mkdir -p "$stock/db"
cat >"$stock/slapd.conf" <<-END
	include /etc/ldap/schema/core.schema
	modulepath /usr/lib/ldap
	moduleload back_mdb
	moduleload argon2
	database mdb
	suffix o=stock
	rootdn cn=admin,o=stock
	directory $stock/db
END
{
	printf 'dn: o=stock\nobjectClass: organization\no: stock\n'
	for id in d-master1 d-appr001 d-plain01; do
		printf '\ndn: cn=%s,o=stock\nobjectClass: person\ncn: %s\nsn: x\nuserPassword: %s\n' \
			$id $id "$(stored "uid=$id,$people")"
	done
} | slapadd -q -f "$stock/slapd.conf"
uri=ldapi://${stock//\//%2F}%2Fldapi
slapd -d 0 -f "$stock/slapd.conf" -h "$uri" &
slapd=$!
check "slapd with its own module answers" await 10 ldapwhoami -x -H "$uri"
for id in d-master1 d-appr001; do
	run ldapwhoami -x -H "$uri" -D "cn=$id,o=stock" -w "$(login_of $id)"
	check "slapd's own module verifies what ours made ($id)" done_well
	run ldapwhoami -x -H "$uri" -D "cn=$id,o=stock" -w "$(login_of $id)x"
	check "and refuses another ($id)" status_is 49
done
run ldapwhoami -x -H "$uri" -D "cn=d-plain01,o=stock" -w Umi-to-Yama-2026
check "also one that was set by RFC 3062" done_well
kill $slapd
wait $slapd 2>/dev/null

# ---- what others made, in the directory ----
hash=$(slappasswd -o module-path=/usr/lib/ldap -o module-load="argon2 m=4096 t=3 p=1" -h '{ARGON2}' -s Yama-to-Umi-1)
check "slapd's own module makes Argon2i here" sh -c 'case $1 in {ARGON2}\$argon2i\$*) ;; *) exit 1 ;; esac' - "$hash"
store "uid=d-plain01,$people" "$hash"
log_in d-plain01 Yama-to-Umi-1
check "ours verifies it" done_well
log_in d-plain01 Yama-to-Umi-2
check "and refuses another" refused

# A user may store a hash for themself; not one that takes the server's memory.
salt=c29tZXNhbHRzb21lc2FsdA rest=nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4
for bad in "m=4194304,t=1,p=1\$$salt\$$rest" "m=19456,t=100000,p=1\$$salt\$$rest" "m=65536,t=1,p=64\$$salt\$$rest" "" ; do
	store "uid=d-plain01,$people" "{ARGON2}\$argon2id\$v=19\$$bad"
	from=$SECONDS
	log_in d-plain01 password
	check "a hash like ${bad:-none} is refused" refused
	check "at once" at_most $((SECONDS - from)) 3
done
run root ldapwhoami
check "slapd is alive" done_well

# ---- a server without our modules: denshi status tells, an upgrade brings them ----
state=/var/lib/denshi-server
as_slapd() { setpriv --reuid=openldap --regid=openldap --clear-groups "$@"; }
without() { # SED-PROGRAM: slapd with other modules
	sandbox-service stop slapd
	{
		printf 'dn: cn=module{0},cn=config\nchangetype: modify\nreplace: olcModuleLoad\n'
		as_slapd slapcat -n 0 -F $state/directory/config -o ldif_wrap=no | sed -n '/^olcModuleLoad/p' |
			sed -E "s/\\{[0-9]+\\}//; $1"
	} | as_slapd slapmodify -n 0 -F $state/directory/config
	sandbox-service start slapd
	await 15 sh -c 'runuser -u d-master1 -- denshi status | grep -q reachable'
}
status() { run runuser -u d-master1 -- denshi status; }
status
check "with them, denshi status says nothing" says_not 'status-argon2i|status-unguarded' ''
without 's/pw-argon2id/argon2/'
status
check "slapd's own argon2: a warning" says 'Argon2i; .*\[status-argon2i\]' ''
check "and the guard is there" says_not 'status-unguarded' ''
# Loaded and not at work is as good as not there.
guard='olcOverlay={2}denshi-guard,olcDatabase={1}mdb,cn=config'
sandbox-service stop slapd
as_slapd slapmodify -n 0 -F $state/directory/config <<<"dn: $guard
changetype: delete"
sandbox-service start slapd
await 15 sh -c 'runuser -u d-master1 -- denshi status | grep -q reachable'
status
check "a guard that isn't in the database: a warning" says 'status-unguarded' ''
without '/denshi-guard/d'
status
check "no guard: a warning" says 'status-unguarded' ''
sandbox-service stop denshi-ca
sandbox-service stop slapd
run denshi directory upgrade --yes
check "an upgrade brings them back" done_well
sandbox-service start slapd
sandbox-service start denshi-ca
await 15 sh -c 'runuser -u d-master1 -- denshi status | grep -q reachable'
status
check "and denshi status says nothing again" says_not 'status-argon2i|status-unguarded' ''
check "but that it is there" says 'reachable' ''
summary
