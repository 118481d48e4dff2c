#!/bin/bash
# R-LOCK-2: of 64 guesses at once exactly six are evaluated; slapd's log is the witness.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
race="${DENSHI_BUILD:?}/bench/pambench -C /etc/pam.d -S denshi -nodelay"

wrong_race() { # USER
	local dn="uid=$1,ou=people,o=acme" before
	before=$(binds_of "$dn")
	# shellcheck disable=SC2086
	run $race -u "$1" -p guess-0 -race 64 -wrong
	check "$1: nobody gets in with a wrong password" done_well
	check "$1: exactly six binds" equals $(($(binds_of "$dn") - before)) 6
	check "$1: six were told that it was wrong" says 'PAM_AUTH_ERR[[:space:]]6$' ''
	check "$1: the others were refused unheard" says 'PAM_MAXTRIES[[:space:]]58$' ''
	out=$(pamtester denshi "$1" authenticate <<<"$(login_of "$1")" 2>&1)
	rc=$?
	check "$1: locked, also with the right one" refused
	check "$1: and nothing more was evaluated" equals $(($(binds_of "$dn") - before)) 6
}

wrong_race d-plain01
wrong_race d-maker01

# A right password between wrong ones sets the count to zero (R-LOCK-1).
user=d-both001
for k in 1 2 3 4 5; do pamtester denshi $user authenticate <<<"wrong-$k" >/dev/null 2>&1; done
out=$(pamtester denshi $user authenticate <<<"$(login_of $user)" 2>&1)
rc=$?
check "the right password after five wrong ones" done_well
out=$(pamtester denshi $user authenticate <<<"wrong-0" 2>&1)
check "the count begins anew" says 'attempts left: 5' ''
out=$(pamtester denshi $user authenticate <<<"$(login_of $user)" 2>&1)

# One mistake, made by 64 programs at once, is one attempt; and so it stays for a moment.
dn="uid=$user,ou=people,o=acme"
before=$(binds_of "$dn")
# shellcheck disable=SC2086
run $race -u $user -p guess-1 -race 64 -wrong -same
check "64 times the same wrong password: one bind" equals $(($(binds_of "$dn") - before)) 1
check "all are refused as wrong" says 'PAM_AUTH_ERR[[:space:]]64$' ''
out=$(pamtester denshi $user authenticate <<<"other-0" 2>&1)
check "another one counts" says 'attempts left: 4' ''
out=$(pamtester denshi $user authenticate <<<"guess-1" 2>&1)
check "the first again doesn't, and is told the count of now" says 'attempts left: 4' ''
out=$(pamtester denshi d-both002 authenticate <<<"guess-1" 2>&1)
check "an unknown name is answered in the same words as before" says_not 'attempts left' ''
out=$(pamtester denshi $user authenticate <<<"$(login_of $user)" 2>&1)
rc=$?
check "the right one is let in" done_well
for bad in $'guess\001' 'ｐａｓｓ１' "$(printf 'a%.0s' {1..300})"; do
	out=$(pamtester denshi $user authenticate <<<"$bad" 2>&1)
	check "nobody's password counts nothing" says 'password-(impossible|too-long)' ''
done
out=$(pamtester denshi $user authenticate <<<"guess-2" 2>&1)
check "so five are left after the next wrong one" says 'attempts left: 5' ''
out=$(pamtester denshi $user authenticate <<<"$(login_of $user)" 2>&1)

# The sixth guess is evaluated: right, it gets in.
for k in 1 2 3 4 5; do pamtester denshi $user authenticate <<<"wrong-$k" >/dev/null 2>&1; done
out=$(pamtester denshi $user authenticate <<<"$(login_of $user)" 2>&1)
rc=$?
check "the sixth guess may be right" done_well

# R-LOCK-3: the approval password's lock is another one.
export LANG=C.UTF-8
for k in 1 2 3 4 5 6; do
	out=$(runuser -u d-appr001 -- denshi passwd --approval --password-fd 0 2>&1 <<<"wrong-$k"$'\nBetter-99-x')
done
check "the sixth wrong approval password locks it" says 'attempts left: 0' ''
out=$(runuser -u d-appr001 -- denshi passwd --approval --password-fd 0 2>&1 <<<"$(approval_of d-appr001)"$'\nBetter-99-x')
rc=$?
check "the approval password is locked" says 'approval-locked' ''
out=$(pamtester denshi d-appr001 authenticate <<<"$(login_of d-appr001)" 2>&1)
rc=$?
check "the login is not" done_well

# R-LOCK-4: a name that nobody has is never asked of the directory.
before=$(grep -c 'd-nobody1' "$DENSHI_SANDBOX/slapd.log")
out=$(pamtester denshi d-nobody1 authenticate <<<"wrong-0" 2>&1)
rc=$?
check "an unknown name is refused" refused
check "and never asked of the directory" equals "$(grep -c 'd-nobody1' "$DENSHI_SANDBOX/slapd.log")" "$before"
check "nor logged" equals "$(grep -c 'd-nobody1' "$DENSHI_SANDBOX/denshid.log")" 0
summary
