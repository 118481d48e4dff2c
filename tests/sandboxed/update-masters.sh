#!/bin/bash
# User updates as masters see them: what is pending, by ID and by name, the history in
# pages, and two of them at once: one wins, the other is told, and at a terminal
# shown what is pending now. 20 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
first=d-master1 second=d-plain01
first_approval=$(approval_of $first) second_approval=Ni-ban-42-me
external=(-Q -Y EXTERNAL -H "$DENSHI_LDAP_URI")
as_master_in_ldap=(-x -w "$first_approval" -D cn=approval,uid=$first,ou=people,o=acme -H "$DENSHI_LDAP_URI")

as() { # USER WORD...
	local user=$1
	shift
	runuser -u "$user" -- denshi "$@"
}
master() { as $first "$@"; }
update() { master user-update --yes --password-fd 0 "$@" <<<"$first_approval"; }
change() { master user change "$1" --name "$2" --yes >/dev/null; } # LOGIN NAME
json() { tr -d '\n' <<<"$out" | sed 's/  *//g'; } # names have no blanks here
holds() { grep -qF "$1" < <(json); }
how_often() { json | grep -o "$1" | wc -l; } # PATTERN

# ---- a second master -----------------------------------------------------------------------
master user change $second --role master --yes >/dev/null
run update
check "a second master" done_well
run as $second passwd --approval --password-fd 0 <<<"$(login_of $second)"$'\n'"$second_approval"
check "who sets the first approval password with the login password" done_well

# ---- what is pending -----------------------------------------------------------------------
run master user-update --dry-run
check "nothing pending: status 0" done_well
check "and it says so" says 'no user update is due' ''
change d-maker01 '鈴木 一郎'
master user change d-appr001 --mail hanako@acme.example --yes >/dev/null
master user create d-tanaka1 --name '田中 はなこ' --mail t@acme.example --password-fd 0 --yes >/dev/null <<<hatsu1234
run master user-update --dry-run
check "pending: status 1" status_is 1
check "before and after" says 'd-maker01 +User name +.*一郎 +鈴木 一郎' ''
run master user-update --dry-run 鈴木
check "by the new name, in Japanese" says 'd-maker01' ''
check "and nobody else" says_not 'd-appr001|d-tanaka1' ''
name=$(getent passwd d-appr001 | cut -d : -f 5)
run master user-update --dry-run "${name%% *}"
check "by the name in force, where another field changes" says 'd-appr001 +E-mail' ''
run master user-update --dry-run はなこ
check "part of a name" says 'd-tanaka1' ''
# The same letters, one of them decomposed (NFD), are the same name.
change d-maker01 ガス
run master user-update --dry-run $'カ\u3099ス'
check "a name that is typed in another form" says 'd-maker01' ''
run master user-update --dry-run D-APPR
check "part of an ID, in any case" says 'd-appr001' ''
run master user-update --dry-run nobody
check "no match: status 0" done_well
check "and what wasn't found" says 'no pending change .*nobody' ''
run master user-update --dry-run --json
check "in JSON" holds '"pending_count":3'
run update d-appr
check "a part of it in force" says 'user update done: serial [0-9]+ is in force, 1 change' ''
check "and the rest is due" says 'user update due: 2 change' ''
run master user-update --yes --password-fd 0 <<<"$(login_of $first)"
check "the login password puts nothing into force" refused
run update --json
check "with JSON, the update is the one answer" holds '"pending_count":0,"code":"update-done"'
run update
check "again: nothing to do, status 0" done_well

# ---- the history ----------------------------------------------------------------------------
run master user-update --history --json --limit 3
check "three of the history" equals "$(how_often '"serial":')" 3
newest=$(json | grep -o '"serial":[0-9]*' | head -n 1 | cut -d : -f 2)
check "newest first" equals "$(json | grep -o '"serial":[0-9]*' | tr -d '\n')" \
	"\"serial\":$newest\"serial\":$((newest - 1))\"serial\":$((newest - 2))"
check "what" holds '"addd-tanaka1name:-->田中はなこ"'
check "and who" holds "\"login\":\"$first\",\"state\":\"done\""
run master user-update --history --limit 1
check "a page says where the next begins" says "--before $newest" ''
run master user-update --history --limit 1 --before "$newest" --json
check "which is the one before" holds "\"serial\":$((newest - 1)),"
run master user-update --history --limit 0 --json
check "all of them" equals "$(how_often '"serial":')" "$newest"
run master user-update --history --limit x
check "a page of x" status_is 2

# A large one: its record is in parts, and the history shows it whole.
awk 'BEGIN {
	for (i = 1; i <= 300; i++)
		printf "dn: uid=d-part%04d,ou=prepared,o=acme\nobjectClass: inetOrgPerson\nobjectClass: denshiUser\n" \
			"uid: d-part%04d\ncn: Part %d\nsn: x\nmail: p%d@acme.example\ndenshiRole: general\n" \
			"denshiPreparedBy: uid=d-master1,ou=people,o=acme\n\n", i, i, i, i
}' | ldapadd "${external[@]}" >/dev/null 2>&1
run update
check "300 users" says '300 change' ''
check "a large one says when it is in force" says 'is in force; what it supersedes' ''
run master user-update --history --limit 1 --json
check "is one update in the history" equals "$(how_often '"serial":')" 1
check "with all its lines" equals "$(how_often '"addd-part')" 900
newest=$((newest + 1))
run ldapsearch -LLL "${external[@]}" -b ou=updates,o=acme '(objectClass=denshiUpdatePart)' dn
check "in parts" equals "$(grep -c ^dn: <<<"$out")" 4
# What was recorded stays, also for a master over LDAP.
run ldapmodify "${as_master_in_ldap[@]}" <<EOF
dn: cn=000001,cn=$newest,ou=updates,o=acme
changetype: modify
replace: denshiDiffLines
denshiDiffLines: nothing
EOF
check "a master can't rewrite a part" says 'Insufficient access' ''
run ldapadd "${as_master_in_ldap[@]}" <<EOF
dn: cn=000009,cn=$newest,ou=updates,o=acme
objectClass: denshiUpdatePart
cn: 000009
denshiDiffLines: forged
EOF
check "nor add one to an update that is done" says 'Insufficient access' ''

# ---- two masters at once ------------------------------------------------------------------------
for round in 1 2 3; do
	for i in 1 2 3 4 5; do change "d-part000$i" "Round $round $i"; done
	as $second user-update --yes --password-fd 0 >"$DENSHI_SANDBOX/second" 2>&1 <<<"$second_approval" &
	update >"$DENSHI_SANDBOX/first" 2>&1
	one=$?
	wait $!
	two=$?
	out=$(cat "$DENSHI_SANDBOX/first" "$DENSHI_SANDBOX/second")
	rc=$((one + two))
	check "round $round: one puts it into force" equals "$(grep -c 'user update done' <<<"$out")" 1
	check "round $round: the other is told, or finds nothing left" says \
		'update-changed-meanwhile|update-running|no user update is due' ''
	check "round $round: by the status as well" equals "$rc" "$(grep -cE '\[update-(changed|running)' <<<"$out")"
	await 5 sh -c "getent passwd d-part0005 | grep -q 'Round $round 5'"
	check "round $round: all of it" equals "$(getent passwd d-part000{1..5} | grep -c "Round $round ")" 5
done

# At a terminal: between the diff and the password, what is pending changes.
cat >"$DENSHI_SANDBOX/terminal" <<'EOF'
set timeout 20
lassign $argv password go
spawn -noecho {*}[lrange $argv 2 end]
expect -re {Shown first.*pproval password.*: $}
close [open $go w]
while {[file exists $go]} { after 50 }
send "$password\r"
expect {
	-re {This is pending now:.*Shown second.*pproval password.*: $} {}
	timeout { exit 124 }
	eof { exit 125 }
}
send "$password\r"
expect eof
exit [lindex [wait] 3]
EOF
change d-part0001 'Shown first'
(
	await 20 test -e "$DENSHI_SANDBOX/go"
	change d-part0001 'Shown second'
	rm "$DENSHI_SANDBOX/go"
) &
run expect "$DENSHI_SANDBOX/terminal" "$second_approval" "$DENSHI_SANDBOX/go" runuser -u $second -- denshi user-update
wait
check "a person is told, and shown what is pending now" says 'update-changed-meanwhile' ''
check "which is put into force" says 'user update done' ''
await 5 sh -c "getent passwd d-part0001 | grep -q 'Shown second'"
check "on every host" equals "$(getent passwd d-part0001 | cut -d : -f 5)" 'Shown second'

# ---- what another one's run has left ------------------------------------------------------------
# One that ended before the pointer moved, and one that ended while it swept: who finishes them is named.
root() { "$1" "${external[@]}" "${@:2}" >/dev/null; }
newest=$(ldapsearch -LLL "${external[@]}" -s base -b cn=serial,ou=published,o=acme denshiSerial | sed -n 's/^denshiSerial: //p')
root ldapadd <<EOF
dn: cn=$((newest + 1)),ou=updates,o=acme
objectClass: denshiUpdate
cn: $((newest + 1))
denshiSerial: $((newest + 1))
denshiMaster: cn=approval,uid=$first,ou=people,o=acme
denshiUpdateTime: 20260101000000Z
denshiState: running
denshiDiff: 000001 change d-part0001 name: x -> y
EOF
root ldapmodify <<EOF
dn: cn=$newest,ou=updates,o=acme
changetype: modify
replace: denshiState
denshiState: running
-
replace: denshiMaster
denshiMaster: cn=approval,uid=$first,ou=people,o=acme
EOF
change d-part0002 'Finished by'
run as $second user-update --yes --password-fd 0 <<<"$second_approval"
check "the second master finishes what the first has left" says 'user update done' ''
run ldapsearch -LLL "${external[@]}" -o ldif-wrap=no -b ou=updates,o=acme "(|(cn=$newest)(cn=$((newest + 1))))" denshiMaster denshiState denshiDiff
check "both are done" equals "$(grep -c 'denshiState: done' <<<"$out")" 2
check "and name both" equals "$(grep -c "denshiMaster: cn=approval,uid=$second" <<<"$out") $(grep -c "denshiMaster: cn=approval,uid=$first" <<<"$out")" '2 2'
check "and by whom each line is" says "000000 finish by $second" ''
run as $first user-update --history --limit 1 --json
check "in the history it stays the first one's" holds "\"login\":\"$first\""
summary
