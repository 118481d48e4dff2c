#!/bin/bash
# R-UPD-2: a user update that ends in the middle is finished by the next one, and is
# never half seen: every reader finds all of its users in force, or none.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
users=40
approval=$(approval_of d-master1)

master() { runuser -u d-master1 -- denshi "$@"; }
seen() { # ROUND: how many of its users NSS knows
	local i n=0
	for ((i = 1; i <= users; i++)); do
		getent passwd "d-k$1user$(printf %02d "$i")" >/dev/null && n=$((n + 1))
	done
	echo "$n"
}
published() { grep -c 'ADD dn="cn=d-.*,ou=published' "$DENSHI_SANDBOX/slapd.log"; }
update() { master user-update --yes --password-fd 0 <<<"$approval"; }

interrupted=0
for round in 1 2 3 4; do
	for ((i = 1; i <= users; i++)); do
		master user create "d-k${round}user$(printf %02d "$i")" --name "User $i" --mail "u$i@acme.example" \
			--password-fd 0 --yes >/dev/null 2>&1 <<<"hatsu1234"
	done
	check "round $round: nothing is seen before" equals "$(seen $round)" 0
	# Ended as soon as slapd has logged the first few of its versions.
	before=$(published)
	update >/dev/null 2>&1 &
	updating=$!
	for _ in {1..400}; do
		[ "$(published)" -ge $((before + round * 3)) ] && break
		sleep 0.005
	done
	case $((round % 2)) in
	0) name=denshid ;;
	*) name=slapd ;;
	esac
	kill -9 "$(cat "$DENSHI_SANDBOX/$name.pid")" 2>/dev/null
	wait $updating
	n=$(seen $round)
	check "round $round: all or none (found $n)" sh -c "[ $n = 0 ] || [ $n = $users ]"
	sandbox-service start $name >/dev/null 2>&1
	await 15 sh -c 'runuser -u d-master1 -- denshi status | grep -q reachable'
	if ldapsearch -LLL -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" -s one -b ou=updates,o=acme '(denshiState=running)' dn |
		grep -q '^dn:'; then
		interrupted=$((interrupted + 1))
		# What can't wait must not bring half of it into force.
		run master user suspend d-plain01 --password-fd 0 <<<"$approval"
		check "round $round: nothing else comes before it" says 'update-unfinished|update-changed-meanwhile' ''
	fi
	n=$(seen $round)
	check "round $round: all or none after the restart (found $n)" sh -c "[ $n = 0 ] || [ $n = $users ]"
	run update
	check "round $round: the next run finishes it" sh -c "[ $rc = 0 ] || grep -q 'no user update is due' <<'END'
$out
END"
	await 5 test "$(seen $round)" = $users
	check "round $round: all are in force" equals "$(seen $round)" $users
	out=$(pamtester denshi "d-k${round}user07" authenticate <<<"hatsu1234" 2>&1)
	rc=$?
	check "round $round: and log in with the initial password" done_well
	run master user-update --dry-run
	check "round $round: nothing is left over" done_well
done

check "some runs were ended in the middle ($interrupted)" test $interrupted -gt 0

# Two masters at once: one wins, nothing is lost.
run master user change d-plain01 --role master --yes
run update
check "a second master" done_well
for ((i = 1; i <= 5; i++)); do
	master user create "d-twice$(printf %03d "$i")" --name "User $i" --mail "u$i@acme.example" --password-fd 0 --yes \
		>/dev/null 2>&1 <<<"hatsu1234"
done
update >"$DENSHI_SANDBOX/first" 2>&1 &
first=$!
update >"$DENSHI_SANDBOX/second" 2>&1
wait $first
out=$(cat "$DENSHI_SANDBOX/first" "$DENSHI_SANDBOX/second")
check "two at once: exactly one puts it into force" equals "$(grep -c 'user update done' <<<"$out")" 1
await 5 getent passwd d-twice005
check "two at once: all of it" sh -c 'for i in 1 2 3 4 5; do getent passwd d-twice00$i || exit 1; done >/dev/null'

# Superseded versions and prepared changes are swept.
run ldapsearch -LLL -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" -s one -b ou=prepared,o=acme dn
check "no prepared change is left" says_nothing
summary
