#!/bin/bash
# R-LOCK-2, round after round: of 64 guesses at once from 64 hosts exactly six are evaluated,
# a right one among them wins as often as chance has it, and clears what it saw. slapd's
# log and its audit log are the witnesses. Cheap hashing; about 60 s.
# sandbox: outside
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[ "${1:-}" = --inside ] ||
	exec "$here/sandbox" --fast --populated --language en -- "${BASH_SOURCE[0]}" --inside
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
people=ou=people,o=acme uri=$DENSHI_LDAP_URI
racers=64 rounds=200

race() { "$DENSHI_BUILD/tests/credrace" -n $racers "$@"; }
pam_race() { "$DENSHI_BUILD/bench/pambench" -C /etc/pam.d -S denshi -nodelay -race $racers -wrong "$@"; }
sum() { awk -F '\t' -v name="$1" '{ for (i = 2; i < NF; i += 2) if ($i == name) n += $(i + 1) } END { print n + 0 }' <<<"$out"; }
rows() { awk -F '\t' "$@" <<<"$out" | wc -l; } # CONDITION: rounds where it holds

# ---- slapd's audit log: each Modify, by whom, with its values --------------------------------
audit=$DENSHI_SANDBOX/audit
install -d -o openldap "$audit"
install -o openldap /dev/null "$audit/log"
root ldapmodify >/dev/null <<END
dn: cn=module{0},cn=config
changetype: modify
add: olcModuleLoad
olcModuleLoad: auditlog

dn: olcOverlay=auditlog,olcDatabase={1}mdb,cn=config
changetype: add
objectClass: olcOverlayConfig
objectClass: olcAuditLogConfig
olcOverlay: auditlog
olcAuditlogFile: $audit/log
END
audited() { awk -v DN="$1" -f "$here/race/slots.awk" "$audit/log"; }

# ---- rounds ------------------------------------------------------------------------------------
# sample NAME DN PASSWORD ROUNDS OPTION...: 63 wrong and one right, each time somewhere else; how
# often that one won is in $wins.
sample() {
	local name=$1 dn=$2 password=$3 n=$4 before binds evaluated
	shift 4
	printf '%s\n' "$password" >"$DENSHI_SANDBOX/right"
	: >"$audit/log"
	before=$(binds_of "$dn")
	out=$(race -r "$n" -p "$DENSHI_SANDBOX/right" "$@")
	rc=$?
	check "$name: $n rounds" equals "$(rows '{ print }')" "$n"
	binds=$(($(binds_of "$dn") - before - n)) # each round began with one of root's own
	evaluated=$(($(sum right) + $(sum wrong)))
	check "$name: slapd's log: as many binds as were told of one ($binds, $evaluated)" equals $binds $evaluated
	check "$name: no guess was lost" equals "$(sum other)" 0
	check "$name: without the right one, exactly six in every round" equals \
		"$(rows '$3 == 0 && $5 == 6 && $13 == 6')" "$(rows '$3 == 0')"
	check "$name: with it, at most six wrong ones since" equals "$(rows '$3 == 1 && $13 <= 6')" "$(rows '$3 == 1')"
	check "$name: six taken is locked" equals "$(rows '$13 == 6 && $15 == 1')" "$(rows '$13 == 6')"
	check "$name: and nothing else is" equals "$(rows '$13 < 6 && $15 == 0')" "$(rows '$13 < 6')"
	wins=$(sum right)
	local rounds_out=$out
	out=$(audited "$dn")
	check "$name: audit log: all rounds" equals "$(rows '{ print }')" "$n"
	check "$name: audit log: as many reserved as evaluated" equals "$(sum reserved)" $evaluated
	check "$name: audit log: a right one clears what it saw, nobody else anything" equals "$(sum bad)" 0
	check "$name: audit log: what was reserved was cleared or is left" equals \
		$(($(sum reserved) - $(sum cleared))) "$(out=$rounds_out; sum left)"
}

by_chance() { # WINS ROUNDS: some, at most 6 of 64, 9.4 %, and two standard errors
	awk -v w="$1" -v n="$2" 'BEGIN { p = 6 / 64; exit !(w > 0 && w <= n * p + 2 * sqrt(n * p * (1 - p))) }'
}
# many, as sample: chance alone goes beyond two standard errors in 3.5 % of the samples of 200 (27 wins and more),
# and in 2.3 % of those of 60 (11 and more); it is never right in 0.3 % of those of 60. So after a sample like that comes a
# second one, independent of it, and only where that is so too it isn't chance. False alarms: 0.12 % of the runs (binomial
# tail 0.0350, squared) and 0.07 % (0.0253, squared), together 0.2 %. Twelve guesses in the place of six are found in
# 96 % of the runs by 200 rounds. At most twice the rounds, a minute more.
many() {
	local name=$1 n=$4
	sample "$@"
	if ! by_chance "$wins" "$n"; then
		echo "$name: the right one won $wins of $n rounds; once more"
		sample "$name, once more" "${@:2}"
	fi
	check "$name: the right one wins by chance alone ($wins of $n)" by_chance "$wins" "$n"
}

id=d-plain01 dn=uid=d-plain01,$people
many "login" "$dn" "$(login_of $id)" $rounds "$uri" acme $id
id=d-appr001 approval_dn=cn=approval,uid=d-appr001,$people
many "approval" "$approval_dn" "$(approval_of $id)" 60 -a "$uri" acme $id
out=$(pamtester denshi d-appr001 authenticate <<<"$(login_of d-appr001)" 2>&1)
rc=$?
check "a locked approval password locks no login" done_well

# ---- all of them right: six in flight are no lock, and none is left -----------------------------
for n in 5 $racers; do
	printf '%s\n' "$(login_of d-plain01)" >"$DENSHI_SANDBOX/right"
	: >"$audit/log"
	out=$(race -n $n -r 5 -e -p "$DENSHI_SANDBOX/right" "$uri" acme d-plain01)
	check "$n right ones at once: all get in" equals "$(sum right)" $((n * 5))
	check "$n right ones at once: nothing is left taken" equals "$(sum left)" 0
	out=$(audited "$dn")
	check "$n right ones at once: each reserved, each cleared" equals "$(sum reserved) $(sum cleared) $(sum bad)" "$((n * 5)) $((n * 5)) 0"
done

# ---- killed in the middle of the race (through the modules) ---------------------------------------
dn=uid=d-maker01,$people own=$(login_of d-maker01)
k=0
for name in denshid slapd denshid slapd denshid slapd; do
	k=$((k + 1))
	free_slots "$dn" "$own"
	before=$(binds_of "$dn")
	pam_race -u d-maker01 -p guess-$k >"$DENSHI_SANDBOX/race.out" 2>&1 &
	pid=$!
	sleep 0.0$((k * 12))
	kill -9 "$(cat "$DENSHI_SANDBOX/$name.pid")" 2>/dev/null
	wait $pid
	await 10 sh -c "! kill -0 $(cat "$DENSHI_SANDBOX/$name.pid")"
	sandbox-service start $name >/dev/null 2>&1
	await 15 sh -c 'runuser -u d-master1 -- denshi status | grep -q reachable'
	evaluated=$(($(binds_of "$dn") - before))
	left=$(slots_of "$dn")
	check "$name killed, $k: not more evaluated than taken ($evaluated, $left)" at_most $evaluated "$left"
	run pam_race -u d-maker01 -p again-$k
	check "$name killed, $k: nobody gets in" done_well
	evaluated=$(($(binds_of "$dn") - before))
	check "$name killed, $k: six in all at most ($evaluated)" at_most $evaluated 6
	check "$name killed, $k: and locked" equals "$(slots_of "$dn")" 6
	run ldapwhoami -x -H "$uri" -D "$dn" -w "$own"
	check "$name killed, $k: for plain binds, too" says 'not tried: locked' ''
done

# ---- beside 64 plain binds ----------------------------------------------------------------------------
echo "$dn guess-direct" >"$DENSHI_SANDBOX/direct"
direct() { "$DENSHI_BUILD/bench/ldapbind" -s /run/denshi-slapd/ldapi -f "$DENSHI_SANDBOX/direct" -R $racers; }
for order in before with after; do
	free_slots "$dn" "$own"
	before=$(binds_of "$dn")
	[ $order != before ] || direct >/dev/null
	pam_race -u d-maker01 -p $order >"$DENSHI_SANDBOX/race.out" 2>&1 &
	pid=$!
	case $order in
	with) direct >/dev/null ;;
	after) wait $pid; direct >/dev/null ;;
	esac
	wait $pid
	check "$racers plain binds $order $racers guesses through the modules: six in all" equals $(($(binds_of "$dn") - before)) 6
	out=$(cat "$DENSHI_SANDBOX/race.out")
	check "plain binds $order: nobody gets in" says_not 'PAM_SUCCESS[[:space:]]+[1-9]' ''
done
run ldapwhoami -x -H "$uri" -D "$dn" -w "$own"
check "and the right one is refused" status_is 49
out=$(pamtester denshi d-maker01 authenticate <<<"$own" 2>&1)
rc=$?
check "by denshi too" says 'login-locked' ''
summary
