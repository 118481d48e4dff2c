#!/bin/bash
# denshi rescue (R-LOCK-7): root's way back in where no master can unlock any more; who may,
# when it is refused, what is recorded and who is told, and what is left of one that is killed.
# About 90 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
export LANG=C.UTF-8
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
people=ou=people,o=acme id=d-master1
dn=uid=$id,$people approval_dn=cn=approval,uid=$id,$people

show() { root ldapsearch -LLL -o ldif_wrap=no -s base -b "$1" "${@:2}" 2>/dev/null; }
change() { root ldapmodify >/dev/null 2>&1 <<<"dn: $1"$'\nchangetype: modify\n'"$2"; }
binds() { ldapwhoami -x -H "$DENSHI_LDAP_URI" -D "$1" -w "$2" >/dev/null 2>&1; }
records() { root ldapsearch -LLL -o ldif_wrap=no -b ou=updates,o=acme '(cn=rescue-*)' dn | sed -n 's/^dn: //p'; }
count() { records | wc -l; }
seal() { change "$1" $'add: denshiAttempt\ndenshiAttempt: 7'; }
unseal() { change "$1" $'replace: denshiAttempt\n-\nreplace: denshiAttemptRecord\n-\nreplace: pwdAccountLockedTime'; }
six_wrong() { # through PAM
	local k
	for k in 1 2 3 4 5 6; do pamtester denshi $id authenticate <<<"wrong-$k" >/dev/null 2>&1; done
}
# The two passwords of $out.
shown() { sed -n "s/^  $1: *//p" <<<"$out"; }
both_work() { binds "$dn" "$(shown login)" && binds "$approval_dn" "$(shown approval)"; }
marked() { show "$1" pwdReset | grep -q 'TRUE$'; }

# ---- while a master can act -------------------------------------------------------------------
run denshi rescue $id --yes
check "a master can unlock: refused" says 'rescue-not-needed' ''
check "and named" says "$id is not locked" ''
seal "$approval_dn"
# A second master whose approval password is still to be made can make it.
change "uid=d-plain01,$people" $'replace: denshiRole\ndenshiRole: master'
run denshi rescue $id --yes
check "another master has a login, and can make an approval password: refused" says 'd-plain01 is not locked' ''
change "uid=d-plain01,$people" $'replace: denshiState\ndenshiState: suspended'
unseal "$approval_dn"
run denshi rescue $id --yes
check "a suspended one doesn't count, but the first is free again: refused" says "$id is not locked" ''
check "nothing is recorded of what was refused" equals "$(count)" 0
check "nor changed" binds "$dn" "$(login_of $id)"

# ---- locked, by wrong guesses at the login password ----------------------------------------------
six_wrong
run pamtester denshi $id authenticate <<<"$(login_of $id)"
check "the only active master is locked" refused
for who in nobody denshi openldap $id; do
	run runuser -u $who -- denshi rescue $id --yes
	check "$who may not" says 'diradm-not-root' ''
done
run denshi rescue d-nobody9 --yes
check "nobody of that name" says 'rescue-not-master' ''
run denshi rescue '*)(uid=*' --yes
check "no login ID at all" says 'rescue-not-master' ''
run denshi rescue d-maker01 --yes
check "no master: nobody becomes one" says 'rescue-not-master' ''
run denshi rescue d-plain01 --yes
check "nor does a suspended one come back" says 'rescue-not-master' ''
run denshi rescue $id d-plain01 --yes
check "one at a time" status_is 2
run denshi rescue
check "which one" status_is 2
run setsid -w denshi rescue $id
check "not without a yes" says 'setup-not-confirmed' ''
run sh -c "denshi rescue $id --yes >/dev/full"
check "not where the passwords can't be shown" refused
check "still locked then, but recorded" equals "$(count)" 1
check "and no password was set" sh -c "! ldapsearch -LLL -Q -Y EXTERNAL -H $DENSHI_LDAP_URI -s base -b $dn pwdReset | grep -q TRUE"
sleep 1

run denshi rescue $id --yes
check "rescued" done_well
check "a record more" equals "$(count)" 2
check "the passwords are initial ones" sh -c "expr '$(shown login)' : '[a-z0-9]\{12\}\$' >/dev/null && expr '$(shown approval)' : '[a-z0-9]\{12\}\$' >/dev/null"
check "two of them" sh -c "[ '$(shown login)' != '$(shown approval)' ]"
check "they work" both_work
check "and must be changed" marked "$dn"
check "both" marked "$approval_dn"
new=$(shown login) new_approval=$(shown approval)
check "never again in the log" sh -c "! grep -rqF -e '$new' -e '$new_approval' '$DENSHI_SANDBOX'/*.log"
run denshi rescue $id --yes
check "once: now a master can act" says 'rescue-not-needed' ''
check "no record of that" equals "$(count)" 2

# ---- the owner changes both, and everything goes on ---------------------------------------------
run runuser -u $id -- denshi user suspend d-maker01 --password-fd 0 <<<"$new_approval"
check "the initial approval password approves nothing" refused
run runuser -u $id -- denshi passwd --password-fd 0 <<<"$new"$'\nrescued-pass-1\nrescued-pass-1'
check "the login password is changed" binds "$dn" rescued-pass-1
run runuser -u $id -- denshi passwd --approval --password-fd 0 <<<"$new_approval"$'\nrescued-pass-2\nrescued-pass-2'
check "the approval password too" binds "$approval_dn" rescued-pass-2
approval=rescued-pass-2

# ---- who is told, and the record -------------------------------------------------------------------
run pamtester denshi $id authenticate acct_mgmt open_session close_session <<<rescued-pass-1
check "a master is told at login" says "gave a master new initial passwords \(denshi rescue\): $id, $(date -u +%Y-%m-%d)" ''
run pamtester denshi $id authenticate acct_mgmt open_session close_session <<<rescued-pass-1
check "and at the next one" says 'denshi rescue' ''
run pamtester denshi d-maker01 open_session close_session
check "nobody else" says_not 'denshi rescue' ''
run runuser -u $id -- denshi user-update --history
check "the history has it, by root" says "root.*rescue $id passwords: locked -> initial" ''
check "and who was root" says "rescue $id by: - -> uid" ''
run runuser -u $id -- denshi user-update --history --json
check "the update before it stays one of its own" sh -c "[ \$(grep -c '\"login\": *\"root\"' <<'END'
$out
END
) -ge 3 ]"
record=$(records | tail -n 1)
for how in delete $'modify\ndelete: denshiDiff' $'modify\nadd: denshiDiff\ndenshiDiff: 000003 nothing' \
	$'modify\nreplace: denshiUpdateTime\ndenshiUpdateTime: 20200101000000Z' $'modify\nreplace: denshiState\ndenshiState: running' \
	$'modify\nadd: denshiMaster\ndenshiMaster: '"$approval_dn" $'modrdn\nnewrdn: cn=99\ndeleteoldrdn: 1'; do
	run ldapmodify -x -H "$DENSHI_LDAP_URI" -D "$approval_dn" -w $approval <<<"dn: $record"$'\nchangetype: '"$how"
	check "a master can't ${how//$'\n'/, }" refused
	run setpriv --reuid=denshi --regid=denshi --groups=denshi-directory ldapmodify -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" \
		<<<"dn: $record"$'\nchangetype: '"$how"
	check "a host can't ${how//$'\n'/, }" refused
done
check "the record is as it was" sh -c "[ \$(ldapsearch -LLL -Q -Y EXTERNAL -H $DENSHI_LDAP_URI -s base -b '$record' denshiDiff | grep -c ^denshiDiff) = 2 ]"
# One in a master's own name is no rescue.
run ldapadd -x -H "$DENSHI_LDAP_URI" -D "$approval_dn" -w $approval <<END
dn: cn=rescue-20990101000000Z,ou=updates,o=acme
objectClass: denshiUpdate
cn: rescue-20990101000000Z
denshiSerial: 1
denshiMaster: gidNumber=0+uidNumber=0,cn=peercred,cn=external,cn=auth
denshiUpdateTime: 20990101000000Z
denshiState: running
denshiDiff: 000001 rescue d-forged1 passwords: locked -> initial
END
check "nobody writes one in root's name" refused
ldapadd -x -H "$DENSHI_LDAP_URI" -D "$approval_dn" -w $approval >/dev/null 2>&1 <<END
dn: cn=rescue-20990101000000Z,ou=updates,o=acme
objectClass: denshiUpdate
cn: rescue-20990101000000Z
denshiSerial: 1
denshiMaster: $approval_dn
denshiUpdateTime: 20990101000000Z
denshiState: running
denshiDiff: 000001 rescue d-forged1 passwords: locked -> initial
END
run pamtester denshi $id open_session close_session
check "and one in a master's own name is told to nobody" says_not 'd-forged1' ''
check "the real one still is" says "denshi rescue\): $id" ''
root ldapdelete cn=rescue-20990101000000Z,ou=updates,o=acme >/dev/null 2>&1

# ---- killed in the middle ---------------------------------------------------------------------------
# Whatever was reached: there is a record of what was done, what is in force was shown, and the
# master can act, or can be rescued.
took_ms() {
	local from
	from=$(date +%s%N)
	denshi rescue $id --yes >/dev/null 2>&1
	echo $((($(date +%s%N) - from) / 1000000))
}
lock() { # login|approval|both
	unseal "$dn"
	unseal "$approval_dn"
	root ldappasswd -s old-password-1 "$dn"
	root ldappasswd -s old-password-2 "$approval_dn"
	change "$dn" $'replace: pwdReset\n-\nreplace: pwdPolicySubentry'
	change "$approval_dn" $'replace: pwdReset\n-\nreplace: pwdPolicySubentry'
	[ "$1" = approval ] || seal "$dn"
	[ "$1" = login ] || seal "$approval_dn"
}
known() { # DN OLD NEW: it opens with a password that somebody has; the new one must be marked
	binds "$1" "$2" || { [ -n "$3" ] && binds "$1" "$3" && marked "$1"; }
}
safe() { sealed "$1" || known "$@"; }
sealed() { show "$1" denshiAttempt | grep -q ': 7$'; }
looked_at() { # WHAT
	local before=$1 now
	now=$(count)
	out=$(cat "$DENSHI_SANDBOX/rescue.out")
	if marked "$dn" || marked "$approval_dn"; then
		check "$2: changed, so recorded" equals "$now" $((before + 1))
	fi
	check "$2: the login is sealed, or its password known" safe "$dn" old-password-1 "$(shown login)"
	check "$2: the approval credential too" safe "$approval_dn" old-password-2 "$(shown approval)"
	if sealed "$dn" || sealed "$approval_dn"; then
		sleep 1
		run denshi rescue $id --yes
		check "$2: can be rescued again" both_work
		states+=' again'
	else
		states+=' done'
	fi
}
states=
lock both
ms=$(took_ms)
for which in login approval both; do
	for k in 0 2 3 4 6; do
		lock $which
		sleep 1
		before=$(count)
		denshi rescue $id --yes >"$DENSHI_SANDBOX/rescue.out" 2>&1 &
		pid=$!
		after=$((ms * k * 11 / 60))
		sleep "$(printf '%d.%03d' $((after / 1000)) $((after % 1000)))"
		kill -9 $pid 2>/dev/null
		wait $pid 2>/dev/null
		sleep 0.3
		looked_at "$before" "$which locked, killed after $after of $ms ms"
	done
done
for k in 1 2 3; do
	lock both
	sleep 1
	before=$(count)
	denshi rescue $id --yes >"$DENSHI_SANDBOX/rescue.out" 2>&1 &
	pid=$!
	after=$((ms * k * 2 / 8))
	sleep "$(printf '%d.%03d' $((after / 1000)) $((after % 1000)))"
	kill -9 "$(cat "$DENSHI_SANDBOX/slapd.pid")" 2>/dev/null
	wait $pid
	rc=$?
	await 10 sh -c "! kill -0 $(cat "$DENSHI_SANDBOX/slapd.pid")"
	sandbox-service start slapd >/dev/null 2>&1
	looked_at "$before" "slapd killed after $after of $ms ms"
done
check "it was killed before and after it helped ($states)" sh -c 'case $1 in *again*done*) ;; *) exit 1 ;; esac' - "$states"
summary
