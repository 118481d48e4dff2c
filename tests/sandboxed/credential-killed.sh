#!/bin/bash
# Credentials when denshid or slapd is killed in the middle (R-LOCK-2, R-LOCK-5, R-AUTH-5):
# never open with a new password that needn't be changed, no attempt given back that
# wasn't a right one. About 60 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
export LANG=C.UTF-8
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
people=ou=people,o=acme

show() { root ldapsearch -LLL -s base -b "$1" "${@:2}" 2>/dev/null; }
change() { root ldapmodify >/dev/null 2>&1 <<<"dn: $1"$'\nchangetype: modify\n'"$2"; }
binds() { ldapwhoami -x -H "$DENSHI_LDAP_URI" -D "$1" -w "$2" >/dev/null 2>&1; }
clear_slots() { change "$1" $'replace: denshiAttempt\n-\nreplace: denshiAttemptRecord\n-\nreplace: pwdAccountLockedTime'; }
master() { runuser -u d-master1 -- denshi "$@" --password-fd 0; }
approval=$(approval_of d-master1)

# killed NAME AFTER_MS COMMAND...: kills NAME that long after COMMAND's start; then both run again.
killed() {
	local name=$1 after=$2 pid
	shift 2
	# A right password that was reserved and not cleared stays counted: not what is tried here.
	clear_slots "cn=approval,uid=d-master1,$people"
	"$@" >"$DENSHI_SANDBOX/killed.out" 2>&1 &
	pid=$!
	sleep "$(printf '%d.%03d' $((after / 1000)) $((after % 1000)))"
	kill -9 "$(cat "$DENSHI_SANDBOX/$name.pid")" 2>/dev/null
	wait $pid
	await 10 sh -c "! kill -0 $(cat "$DENSHI_SANDBOX/$name.pid")"
	sandbox-service start "$name" >/dev/null 2>&1
	await 15 sh -c 'runuser -u d-master1 -- denshi status | grep -q reachable'
}
took_ms() { # COMMAND...
	local from
	from=$(date +%s%N)
	"$@" >/dev/null 2>&1
	echo $((($(date +%s%N) - from) / 1000000))
}
# when K OF MS: the K-th of OF moments, from the start to a bit after the end.
when() { echo $(($1 * $3 * 11 / ($2 * 10))); }

# ---- unlocking: a new initial password ---------------------------------------------------------
id=d-plain01 dn=uid=d-plain01,$people own=$(login_of d-plain01)
unlock() { master unlock $id <<<hajimete1$'\n'"$approval"; }
renew() { # the user's own password again, unlocked, unmarked
	root ldappasswd -s "$own" "$dn" >/dev/null 2>&1
	clear_slots "$dn"
	change "$dn" $'replace: pwdReset\n-\nreplace: pwdPolicySubentry'
}
ms=$(took_ms unlock)
outcomes=
rounds=6
unlock_killed() { # NAME AFTER_MS LABEL
	local name=$1 out
	renew
	killed "$name" "$2" unlock
	out=$(show "$dn" denshiAttempt pwdReset)
	if binds "$dn" "$own"; then
		check "$name, $3: nothing happened yet" says_not 'denshiAttempt: 7|pwdReset' ''
		outcomes+=' before'
	elif grep -q 'denshiAttempt: 7' <<<"$out"; then
		check "$name, $3: sealed: with no password it opens" sh -c '! ldapwhoami -x -H "$1" -D "$2" -w hajimete1' - "$DENSHI_LDAP_URI" "$dn"
		outcomes+=' sealed'
	else
		check "$name, $3: open: marked as initial" says 'pwdReset: TRUE' ''
		check "$name, $3: open: with the new one" binds "$dn" hajimete1
		outcomes+=' after'
	fi
}
for name in denshid slapd; do
	for ((k = 0; k <= rounds; k++)); do
		unlock_killed $name "$(when $k $rounds "$ms")" $k
	done
done
# The machine may have been slower or faster than when it was measured.
for ((k = 1; k <= 12; k++)); do
	if ! grep -q after <<<"$outcomes"; then
		after=$((ms * (2 + k)))
	elif ! grep -q before <<<"$outcomes"; then
		after=0
	elif ! grep -q sealed <<<"$outcomes"; then
		after=$((ms * k / 12))
	else
		break
	fi
	unlock_killed slapd $after "once more, $k"
done
for outcome in before sealed after; do
	check "it was killed when it was so: $outcome" grep -q "$outcome" <<<"$outcomes"
done
run unlock
check "and unlocks at the next try" done_well
renew

# ---- the first and the last approver authority ---------------------------------------------------
# authority's credential and the authority in force: one without the other is of no use.
id=d-plain01 credential=cn=approval,uid=d-plain01,$people
give() { master authority give $id transfer.approver --yes <<<"$approval"$'\nhajimete2'; }
take() { master authority take $id transfer.approver --yes <<<"$approval"; }
in_force() { id -nG $id | grep -qw transfer.approver; }
settle() { run master user-update --yes <<<"$approval"; }
ms=$(took_ms give)
check "an approver" await 5 in_force
check "with a credential" show "$credential" dn
take >/dev/null 2>&1
check "none any more" await 5 sh -c "! id -nG $id | grep -qw transfer.approver"
run show "$credential" dn
check "and none of it is left" refused
for ((k = 0; k <= 5; k++)); do
	name=denshid
	[ $((k % 2)) = 0 ] || name=slapd
	killed $name "$(when $k 5 "$ms")" give
	settle
	sleep 0.3
	if in_force; then
		out=$(show "$credential" pwdReset)
		check "$name, $k: in force, with an initial password" says 'pwdReset: TRUE' ''
	else
		# Left or not, it approves nothing, and the next giving asks for a password of its own.
		out=$(show "$credential" denshiAttempt pwdReset)
		check "$name, $k: not in force, and nothing is open" bash -c '[ -z "$1" ] || grep -qE "Attempt: 7|pwdReset: TRUE" <<<"$1"' - "$out"
		run master authority give $id transfer.approver --yes <<<"$approval"
		check "$name, $k: an initial password is asked for" refused
		run give
		check "$name, $k: the next try succeeds" done_well
		await 5 in_force
	fi
	killed $name "$(when $k 5 "$ms")" take
	settle
	sleep 0.3
	if in_force; then
		run take
		check "$name, $k: taking succeeds at the next try" done_well
		await 5 sh -c "! id -nG $id | grep -qw transfer.approver"
	fi
done

# ---- a login: what is reserved stays taken -------------------------------------------------------
id=d-maker01 dn=uid=d-maker01,$people own=$(login_of d-maker01)
taken() { show "$dn" denshiAttempt | grep -c '^denshiAttempt: [1-6]'; }
try() { pamtester denshi $id authenticate <<<"$1"; }
ms=$(took_ms try wrong-1)
for ((k = 0; k <= 7; k++)); do
	name=denshid
	[ $((k % 2)) = 0 ] || name=slapd
	clear_slots "$dn"
	binds "$dn" "$own" # ends the server's own count
	before=$(binds_of "$dn")
	killed $name "$(when $((k / 2)) 3 "$ms")" try wrong-1
	evaluated=$(($(binds_of "$dn") - before))
	check "$name, $k: as many taken as evaluated, or one more ($(taken), $evaluated)" \
		sh -c "[ $(taken) -ge $evaluated ] && [ $(taken) -le $((evaluated + 1)) ]"
	before=$(taken)
	killed $name "$(when $((k / 2)) 3 "$ms")" try "$own"
	check "$name, $k: a right one clears all or, killed, none ($before, $(taken))" \
		sh -c "[ $(taken) = 0 ] || [ $(taken) -ge $before ]"
	check "$name, $k: never more than one for a try" at_most "$(taken)" $((before + 1))
done
clear_slots "$dn"
run try "$own"
check "and it goes on" done_well
summary
