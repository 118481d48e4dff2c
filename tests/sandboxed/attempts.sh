#!/bin/bash
# R-LOCK-2, R-LOCK-6: slapd's own guard counts attempts, whoever makes them (slapd_guard/attempt.c). 25 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
people=ou=people,o=acme uri=$DENSHI_LDAP_URI
from='h9.example sshd 192.0.2.7'

show() { root ldapsearch -LLL -o ldif-wrap=no -s base -b "$1" "${@:2}"; }
attempt() { run /usr/bin/python3 "$here/attempts.py" "$uri" "$@"; } # DN PASSWORD [VALUE...]
answered() { says "^$1"$'\t'"$2"$'\t'"$3"'$' ''; } # RESULT TEXT CONTROL, each a pattern
time='20[0-9]{12}Z'

# ---- the control ----
dn=uid=d-plain01,$people own=$(login_of d-plain01)
run root ldapsearch -LLL -s base -b '' supportedControl supportedFeatures
check "the server shows the control" says '^supportedControl: .*\.3\.4$' ''
check "and that it counts" says '^supportedFeatures: .*\.3\.4$' ''
attempt "$dn" wrong-1 "$from"
check "a wrong password: what it met" answered 49 '' "tried 1 $time"
attempt "$dn" wrong-2 'h8.example login -'
check "the next one: and the one before" answered 49 '' "tried 2 $time $time $from"
run show "$dn" denshiAttemptRecord
check "each has a record" says "^denshiAttemptRecord: 1:[0-9a-f]{8} $time $from$" ''
attempt "$dn" "$own" "$from"
check "a right one" answered 0 '' "tried 3 $time $time h8.example login -"
check "frees them" await 5 eval '[ "$(slots_of "$dn")" = 0 ]'
attempt "$dn" wrong-3
check "a plain bind counts, too" answered 49 '' ''
run show "$dn" denshiAttemptRecord
check "and has a record" says "^denshiAttemptRecord: 1:[0-9a-f]{8} $time - ldap -$" ''
attempt "$dn" "$own"
check "a right one, plain" answered 0 '' ''
check "frees it" await 5 eval '[ "$(slots_of "$dn")" = 0 ]'

# ---- what is no attempt ----
long=$(printf 'a%.0s' {1..250})
for value in '' 'one two' 'one two three four' ' one two' 'one  two' 'one two ' 'one two thr\x00ee' 'one two three\n' \
	'one two thr\xe4e' "$long two three"; do
	attempt "$dn" wrong-4 "$value"
	check "no attempt is '${value:0:20}'" answered 2 'an attempt is HOST SERVICE RHOST' ''
done
attempt "$dn" wrong-4 "$from" "$from"
check "nor are two" says '^2' ''
check "and nothing is counted" equals "$(slots_of "$dn")" 0
attempt "uid=d-nobody1,$people" wrong-4 "$from"
check "nobody's credential" answered 49 '' ''
attempt cn=decoy,ou=policies,o=acme wrong-4 "$from"
check "no credential" answered 49 '' ''
attempt "cn=denshi-guard,ou=services,o=acme" wrong-4 "$from"
check "the guard's own name is nobody's" answered 49 '' ''
run root ldapsearch -LLL -s base -b '' -e '!2.25.78147632043697467920069002842794325447.3.4=:YSBiIGM='
check "a search is none" refused

# ---- locked ----
for ((k = 1; k <= 5; k++)); do attempt "$dn" "guess-$k" "$from"; done
attempt "$dn" guess-6
check "the sixth is tried" answered 49 '' ''
check "six are taken" equals "$(slots_of "$dn")" 6
before=$(binds_of "$dn")
attempt "$dn" "$own" "$from"
check "then the right one isn't" answered 49 'not tried: locked' "locked 6 $time $time - ldap -"
attempt "$dn" "$own"
check "nor plain" answered 49 'not tried: locked' ''
check "slapd's log says as much" equals "$(binds_of "$dn")" "$before"
sandbox-service stop slapd
sandbox-service start slapd
attempt "$dn" "$own" "$from"
check "also after a restart" answered 49 'not tried: locked' "locked 6 $time $time - ldap -"
root ldapmodify >/dev/null <<<"dn: $dn"$'\nchangetype: modify\nreplace: pwdAccountLockedTime'
attempt "$dn" "$own"
check "and without slapo-ppolicy's lock" answered 49 'not tried: locked' ''
free_slots "$dn"
attempt "$dn" "$own" "$from"
check "root frees it" says '^0' ''

# ---- races of plain binds: login and approval passwords are not each other's ----
for dn in uid=d-appr001,$people cn=approval,uid=d-appr001,$people; do
	echo "$dn guess-race" >"$DENSHI_SANDBOX/guess"
	before=$(binds_of "$dn")
	run "$DENSHI_BUILD/bench/ldapbind" -s /run/denshi-slapd/ldapi -f "$DENSHI_SANDBOX/guess" -R 64
	check "${dn%%,*}: nobody gets in" says '^right[[:space:]]0$' ''
	check "${dn%%,*}: of 64 plain binds at once six are tried" equals $(($(binds_of "$dn") - before)) 6
	check "${dn%%,*}: six are taken" equals "$(slots_of "$dn")" 6
	[ "$dn" != "uid=d-appr001,$people" ] || check "the other one has none" equals "$(slots_of "cn=approval,$dn")" 0
done

# ---- who hangs up before the answer: counted, and nobody stays in between ----
dn=uid=d-maker01,$people own=$(login_of d-maker01)
for k in 1 2 3; do
	for password in "$own" wrong-drop; do
		free_slots "$dn"
		run /usr/bin/python3 "$here/attempts.py" --drop 32 "$uri" "$dn" "$password" "$from"
		check "32 hang up, $k: sent" done_well
		sleep 1 # a right one that is late frees what it sees
	done
done
check "a wrong one that nobody awaited is counted" await 5 eval '[ "$(slots_of "$dn")" = 6 ]'
attempt "$dn" "$own" "$from"
check "six of them are a lock: nobody is in between" says 'locked 6' ''
free_slots "$dn"
attempt "$dn" "$own" "$from"
check "and slapd goes on" answered 0 '' "tried 1 $time"

# ---- the database is closed and opened again, and counted as before ----
dn=uid=d-both001,$people
for size in 1073741824 2147483648; do
	root ldapmodify >/dev/null <<<$'dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nreplace: olcDbMaxSize\nolcDbMaxSize: '$size
	attempt "$dn" "wrong-$size" "$from"
	check "map of $size: counted" says "tried [12] $time" ''
done
check "twice" equals "$(slots_of "$dn")" 2
summary
