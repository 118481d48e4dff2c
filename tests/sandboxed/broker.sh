#!/bin/bash
# denshid's broker: many at once, and bad neighbours. What is counted here is whether logins go
# on; how fast is a matter of bench/.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/services.sh
. "$here/services.sh"
bin=${DENSHI_BUILD:?}/bench
user=d-maker01
dn="uid=$user,$people"
password=$(login_of $user)

# ---- 200 prompts open at once, released together ----
before=$(binds_of "$dn")
run "$bin/pambench" -C /etc/pam.d -S denshi -nodelay -u $user -p guess -race 200 -prompted -wrong
check "200 prompts at once: nobody gets in" done_well
check "six binds" equals $(($(binds_of "$dn") - before)) 6
check "six were told that it was wrong" says 'PAM_AUTH_ERR[[:space:]]6$' ''
check "194 that it is locked" says 'PAM_MAXTRIES[[:space:]]194$' ''
run runuser -u d-master1 -- denshi unlock $user --password-fd 0 <<<"hatsu1234"$'\n'"$(approval_of d-master1)"
check "unlocked" done_well
password=hatsu1234

# ---- six in flight, on another host: no lock until it is known that nobody gets in with one ----
other=d-both001
six() { # add|delete
	{
		printf 'dn: %s\nchangetype: modify\n%s: denshiAttempt\n' "uid=$other,$people" "$1"
		printf 'denshiAttempt: %d\n' 1 2 3 4 5 6
		printf -- '-\n%s: denshiAttemptRecord\n' "$1"
		printf 'denshiAttemptRecord: %d:00000000 20261125000000Z elsewhere sshd -\n' 1 2 3 4 5 6
	} | ldapmodify -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" >/dev/null
}
six add
{ sleep 0.4; six delete; } &
run pamtester denshi $other acct_mgmt
check "six in flight, then cleared: the account phase lets in" done_well
wait $!
check "and has locked nothing" equals "$(taken $other)" 0
six add
run pamtester denshi $other acct_mgmt
check "six whose taker is dead: locked" says 'login-locked' ''

# ---- bad neighbours: root's logins go on ----
for mode in silent half dies guesses garbage; do
	"$bin/flood" -u 65534 -m $mode -n 200 -t 4 >"$DENSHI_SANDBOX/flood" 2>&1 &
	flood=$!
	sleep 0.5
	for _ in 1 2 3; do
		run timeout 5 pamtester denshi $user authenticate <<<"$password"
		check "$mode: root's login gets in" done_well
	done
	run runuser -u d-appr001 -- pamtester denshi d-appr001 authenticate <<<"$(login_of d-appr001)"
	check "$mode: so does another user's" done_well
	wait $flood
	check "$mode: the neighbour was there" grep -q "^$mode" "$DENSHI_SANDBOX/flood"
done
run runuser -u nobody -- pamtester denshi d-appr001 authenticate <<<"$(login_of d-appr001)"
check "the neighbour themself is served again" done_well

# ---- one user's in order, many users' in parallel; a slow directory costs a time-out ----
slapd=$(cat "$DENSHI_SANDBOX/slapd.pid")
kill -STOP "$slapd"
for _ in {1..40}; do timeout 8 pamtester denshi d-plain01 authenticate <<<"slow-guess" >/dev/null 2>&1 & done
from=$(date +%s)
run pamtester denshi d-appr001 authenticate <<<"$(login_of d-appr001)"
check "a stuck directory: refused" refused
check "in a bounded time" at_most $(($(date +%s) - from)) 8
check "root itself is not denshi's business" bash -c 'pamtester other root acct_mgmt >/dev/null 2>&1; true'
kill -CONT "$slapd"
check "and it heals" await 20 sh -c "echo '$password' | pamtester denshi $user authenticate"

# ---- denshid is restarted in the middle of a login ----
# Of somebody else: the slow guesses may still be on their way.
clear_attempts d-master1
kill -STOP "$slapd"
pamtester denshi d-master1 authenticate <<<"wrong-middle" >"$DENSHI_SANDBOX/middle" 2>&1 &
login=$!
sleep 0.7
sandbox-service stop denshid
wait $login
out=$(cat "$DENSHI_SANDBOX/middle")
check "PAM_AUTHINFO_UNAVAIL" says 'cannot retrieve authentication info' ''
check "and no promise that nothing was counted" says 'daemon-lost' ''
kill -CONT "$slapd"
sandbox-service start denshid
check "one attempt at most" at_most "$(taken d-master1)" 1
run pamtester denshi d-master1 authenticate <<<"$(login_of d-master1)"
check "the login goes on after it" done_well
check "and clears it" equals "$(taken d-master1)" 0
summary
