#!/bin/bash
# R-LOCK-2 across hosts: 64 guesses at once through the modules, 32 on each of two hosts with
# networks of their own; beside 64 plain binds with a host's certificate; and with a host
# killed in the middle. slapd's log is the witness. About 30 s.
# sandbox: outside
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[ -n "${DENSHI_SANDBOX:-}" ] || exec "$here/sandbox" --populated --fast --hosts 2 --language en -- "$0"
language=en
export LANG=C.UTF-8
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
people=ou=people,o=acme uri=$DENSHI_LDAP_URI

show() { root ldapsearch -LLL -s base -b "$1" "${@:2}"; }
codes() { cat "$DENSHI_SANDBOX"/race-h[12] | awk -F '\t' -v c="$1" '$1 == c { n += $2 } END { print n + 0 }'; }

# race NAME: 32 on each host, in the background; their ids in $racing.
race() {
	local h
	racing=()
	for h in h1 h2; do
		sandbox-host $h "$DENSHI_BUILD/bench/pambench" -C /etc/pam.d -S denshi -nodelay -u "$id" \
			-p "$1-$h" -race 32 -wrong >"$DENSHI_SANDBOX/race-$h" 2>&1 &
		racing+=($!)
	done
}

# ---- two hosts, 32 guesses each -------------------------------------------------------------------
for id in d-plain01 d-maker01 d-both001; do
	dn=uid=$id,$people
	before=$(binds_of "$dn")
	race guess
	wait "${racing[@]}"
	evaluated=$(($(binds_of "$dn") - before))
	check "$id: exactly six binds" equals $evaluated 6
	check "$id: six were told that it was wrong" equals "$(codes PAM_AUTH_ERR)" 6
	check "$id: the others were refused unheard" equals "$(codes PAM_MAXTRIES)" 58
	check "$id: nobody got in" equals "$(codes PAM_SUCCESS)" 0
	run show "$dn" denshiAttempt denshiAttemptRecord
	check "$id: each with a record" equals "$(grep -c '^denshiAttemptRecord:' <<<"$out")" 6
	for h in h1 h2; do
		out=$(sandbox-host $h pamtester denshi "$id" authenticate <<<"$(login_of "$id")" 2>&1)
		check "$id: locked on $h, also with the right one" says 'login-locked' ''
	done
	check "$id: and nothing more was evaluated" equals $(($(binds_of "$dn") - before)) 6
done

# ---- the approval password ------------------------------------------------------------------------
id=d-appr001 dn=cn=approval,uid=$id,$people
before=$(binds_of "$dn")
racing=()
for ((k = 0; k < 64; k++)); do
	sandbox-host h$((k % 2 + 1)) runuser -u $id -- denshi passwd --approval --password-fd 0 \
		<<<"wrong-$k"$'\nBetter-99-x' >"$DENSHI_SANDBOX/approval-$k" 2>&1 &
	racing+=($!)
done
wait "${racing[@]}"
check "approval: exactly six binds" equals $(($(binds_of "$dn") - before)) 6
check "approval: six were told that it was wrong" equals "$(cat "$DENSHI_SANDBOX"/approval-* | grep -c 'approval-wrong')" 6
out=$(sandbox-host h1 runuser -u $id -- denshi passwd --approval --password-fd 0 2>&1 <<<"$(approval_of $id)"$'\nBetter-99-x')
check "approval: locked, also with the right one" says 'approval-locked' ''
out=$(sandbox-host h2 pamtester denshi $id authenticate <<<"$(login_of $id)" 2>&1)
rc=$?
check "approval: the login is not" done_well

# ---- beside 64 plain binds with a host's certificate ----------------------------------------------
id=d-plain01 dn=uid=$id,$people
free_slots "$dn" "$(login_of $id)"
before=$(binds_of "$dn")
race beside
sandbox-host h1 bash -c '
	t=/etc/denshi/tls
	export LDAPTLS_CACERT=$t/ca.pem LDAPTLS_CERT=$t/host.pem LDAPTLS_KEY=$t/host.key
	for ((k = 0; k < 64; k++)); do
		ldapwhoami -x -H ldaps://sandbox.denshi.test -D "$1" -w "direct-$k" >/dev/null 2>&1 &
	done
	wait' - "$dn"
wait "${racing[@]}"
check "beside plain binds: six in all" equals $(($(binds_of "$dn") - before)) 6
check "beside plain binds: at most six were told" at_most "$(codes PAM_AUTH_ERR)" 6
run show "$dn" denshiAttemptRecord
check "beside plain binds: each with a record" equals "$(grep -c '^denshiAttemptRecord:' <<<"$out")" 6
run ldapwhoami -x -H "$uri" -D "$dn" -w "$(login_of $id)"
check "beside plain binds: the right one is refused" status_is 49

# ---- a host is killed in the middle ------------------------------------------------------------------
id=d-maker01 dn=uid=$id,$people
for k in 1 2 3; do
	free_slots "$dn" "$(login_of $id)"
	before=$(binds_of "$dn") begun=$(begun_of "$dn")
	race killed$k
	for ((n = 0; n < 500 && $(begun_of "$dn") < begun + k; n++)); do :; done
	kill -9 "$(sandbox-host h1 sh -c 'for p in /proc/[0-9]*; do
		[ "$(readlink $p/exe)" = /usr/sbin/denshid ] && [ "$(readlink $p/ns/uts)" = "$(readlink /proc/self/ns/uts)" ] && echo ${p#/proc/}
	done')" 2>/dev/null
	wait "${racing[@]}"
	evaluated=$(($(binds_of "$dn") - before))
	check "h1 killed, $k: not more evaluated than taken" at_most $evaluated "$(slots_of "$dn")"
	sandbox-service start denshid-h1
	race again$k
	wait "${racing[@]}"
	evaluated=$(($(binds_of "$dn") - before))
	check "h1 killed, $k: six in all at most ($evaluated)" at_most $evaluated 6
	check "h1 killed, $k: all taken" equals "$(slots_of "$dn")" 6
	check "h1 killed, $k: nobody got in" equals "$(codes PAM_SUCCESS)" 0
done
summary
