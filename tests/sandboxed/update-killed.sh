#!/bin/bash
# R-UPD-2: a user update that ends in the middle is finished by the next one, and is
# never half seen: every reader finds all of its users in force, or none.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
users=12
approval=$(approval_of d-master1)

master() { runuser -u d-master1 -- denshi "$@"; }
seen() { # ROUND: how many of its users NSS knows
	local i n=0
	for ((i = 1; i <= users; i++)); do
		getent passwd "d-k$1user$(printf %02d "$i")" >/dev/null && n=$((n + 1))
	done
	echo "$n"
}
update() { master user-update --yes --password-fd 0 <<<"$approval"; }

for round in 1 2 3 4 5 6; do
	for ((i = 1; i <= users; i++)); do
		master user create "d-k${round}user$(printf %02d "$i")" --name "User $i" --mail "u$i@acme.example" \
			--password-fd 0 --yes >/dev/null 2>&1 <<<"hatsu1234"
	done
	check "round $round: nothing is seen before" equals "$(seen $round)" 0
	# The update takes some 150 ms here, the password's check 50 of them.
	update >/dev/null 2>&1 &
	updating=$!
	sleep "0.$((RANDOM % 20 + 5))"
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

# Superseded versions and prepared changes are swept.
run ldapsearch -LLL -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" -s one -b ou=prepared,o=acme dn
check "no prepared change is left" says_nothing
summary
