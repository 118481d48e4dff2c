#!/bin/bash
# R-ALL-4: no password is left in denshid's memory, which is more than any core dump has.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/services.sh
. "$here/services.sh"
memgrep=${DENSHI_BUILD:?}/bench/memgrep
denshid=$(cat "$DENSHI_SANDBOX/denshid.pid")
user=d-maker01

# The tool finds what is there: the organisation's name.
run "$memgrep" "$denshid" <<<"acme"
check "the search itself works" status_is 1

secrets=("$(login_of $user)" Wrong-guess-71-x Kawara-81-hashi Wrong-current-91-x "$(approval_of d-master1)"
	Wrong-approval-61-x hatsu7654)
for _ in {1..20}; do pamtester denshi $user authenticate <<<"${secrets[0]}" >/dev/null 2>&1; done
pamtester denshi $user authenticate <<<"${secrets[1]}" >/dev/null 2>&1
runuser -u $user -- denshi passwd --password-fd 0 <<<"${secrets[0]}"$'\n'"${secrets[2]}" >/dev/null 2>&1
runuser -u $user -- denshi passwd --password-fd 0 <<<"${secrets[3]}"$'\nXyz-11-abc' >/dev/null 2>&1
runuser -u d-master1 -- denshi authority give d-plain01 acct.002-7654321 --yes --password-fd 0 <<<"${secrets[5]}" >/dev/null 2>&1
runuser -u d-master1 -- denshi authority give d-plain01 acct.002-7654321 --yes --password-fd 0 <<<"${secrets[4]}" >/dev/null 2>&1
runuser -u d-master1 -- denshi unlock d-plain01 --password-fd 0 <<<"${secrets[6]}"$'\n'"${secrets[4]}" >/dev/null 2>&1
pamtester denshi $user authenticate <<<"${secrets[2]}" >/dev/null 2>&1
check "it was all done" equals "$?" 0

for ((n = 0; n < ${#secrets[@]}; n++)); do
	run "$memgrep" "$denshid" <<<"${secrets[n]}"
	check "secret $n isn't in denshid's memory" done_well
	check "nor in a log" sh -c "! grep -qF -- '${secrets[n]}' '$DENSHI_SANDBOX'/*.log"
done
check "denshid dumps no core and shows its memory to nobody of its own" \
	sh -c "[ \$(stat -c %U /proc/$denshid/mem) = root ]"
run setpriv --reuid=denshi --regid=denshi --clear-groups head -c 1 "/proc/$denshid/mem"
check "not even to its own user" refused
summary
