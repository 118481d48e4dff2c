#!/bin/bash
# sandbox: outside
# Bad input: each value of tests/bad-input in each field of each command; numbers and names
# twice, a range that is used up, clocks that jump, a directory without room. Each a clear
# refusal with a rule's own code, nothing half done, and right again afterwards.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[ -n "${DENSHI_SANDBOX:-}" ] || exec "$here/sandbox" --populated --fast --language en -- "$here/sandboxed/bad-input.sh"
language=en
export LANG=C.UTF-8
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
approval=$(approval_of d-master1)
people=ou=people,o=acme

denshi_as() { runuser -u "$1" -- denshi "${@:2}"; }
master() { denshi_as d-master1 "$@"; }
approved() { run master "$@" --password-fd 0 <<<"$approval"; }
# Everything that a command could have changed, but for what counts attempts.
dump() { root ldapsearch -LLL -o ldif-wrap=no -b o=acme '(!(objectClass=denshiApproval))' \
	'*' 2>/dev/null | grep -vE '^(denshiAttempt|denshiAttemptRecord|pwd)' | LC_ALL=C sort | cksum; }

# ---- the table ----
wrong=0 tried=0
tell_wrong() { wrong=$((wrong + 1)); printf 'value %q, %s: status %s\n%s\n' "$value" "$what" "$rc" "$out" >&2; }
# expect yes|no WHAT WHO COMMAND...
expect() {
	local wanted=$1 what=$2
	shift 2
	run denshi_as "$@" </dev/null
	tried=$((tried + 1))
	# Not understood by denshid, or by the directory, is no answer to a person.
	if grep -qE '\[(internal|bad-request|directory-refused|directory-down|daemon-down)\]' <<<"$out"; then
		tell_wrong
	elif [ "$wanted" = yes ]; then
		[ "$rc" = 0 ] || tell_wrong
	else
		{ [ "$rc" = 1 ] || [ "$rc" = 2 ]; } && grep -qE '\[[a-z]+(-[a-z0-9]+)+\]' <<<"$out" || tell_wrong
	fi
}
each_field() { # of a user's form, then of the other commands
	local new=(user create --yes --generate --dry-run)
	expect "$login" "create, login ID" d-master1 "${new[@]}" --name N --mail a@b.example -- "$value"
	expect "$name" "create, name" d-master1 "${new[@]}" d-newone9 "--name=$value" --mail a@b.example
	expect "$mail" "create, mail" d-master1 "${new[@]}" d-newone9 --name N "--mail=$value"
	expect no "create, role" d-master1 "${new[@]}" d-newone9 --name N --mail a@b.example "--role=$value"
	expect no "create, language" d-master1 "${new[@]}" d-newone9 --name N --mail a@b.example "--language=$value"
	expect "$name" "change, name" d-master1 user change d-plain01 --dry-run "--name=$value"
	expect "$mail" "change, mail" d-master1 user change d-plain01 --dry-run "--mail=$value"
	expect no "change, login ID" d-master1 user change --dry-run --name N -- "$value"
	expect no "show" d-master1 user show -- "$value"
	expect no "delete" d-master1 user delete --dry-run -- "$value"
	expect no "grant" d-master1 cert grant --dry-run -- "$value"
	expect no "authority, whose" d-master1 authority give --dry-run -- "$value" transfer.maker
	expect no "authority, which" d-master1 authority give --dry-run -- d-plain01 "$value"
	expect no "request, business" d-maker01 request --dry-run --subject S -- "$value"
	expect no "request, account" d-maker01 request transfer --dry-run --subject S "--account=$value"
	expect "$text" "request, subject" d-maker01 request transfer --dry-run "--subject=$value"
	expect no "approve" d-appr001 approve -- "$value"
	expect no "unlock" d-master1 unlock -- "$value"
	expect "$name" "business, label" d-master1 business add newone --dry-run "--label-en=$value"
	expect no "business, name" d-master1 business delete --dry-run -- "$value"
	expect no "account, number" d-master1 account change --dry-run --label L -- "$value"
}
before=$(dump)
while IFS=$'\t' read -r escaped login name mail _ text; do
	case $escaped in '' | '#' | '# '*) continue ;; esac
	value=$(printf '%b.' "$escaped")
	value=${value%.}
	each_field
done <"$here/bad-input"
check "$tried inputs: as the table says ($wrong are not)" equals "$wrong" 0
check "a table that was read ($tried)" test "$tried" -gt 900
check "nothing is changed by any of them" equals "$(dump)" "$before"
run master user-update --dry-run -- '*)(uid=*'
check "a filter is text, not a pattern" says 'no pending change' ''
check "nobody is locked, no attempt counts" equals "$(root ldapsearch -LLL -b $people '(denshiAttempt=*)' dn | grep -c '^dn')" 0

# ---- the same in another form ----
run master user create d-twin001 --mail t@acme.example --generate --yes --dry-run --json --name "$(printf 'か\xe3\x82\x99')"
check "NFD becomes NFC" says "\"name\": \"$(printf '\xe3\x81\x8c')\"" ''
run master user create MAKER01 --name N --mail n@acme.example --generate --yes
check "a login ID in any spelling is one" says 'field-login-id-taken' ''
run master user create d-twin001 --name N --mail maker01@acme.example --generate --yes
check "an address may be another's too" done_well
run master user create d-twin001 --name N --mail n@acme.example --generate --yes
check "a prepared login ID is taken" says 'field-login-id-taken' ''

# ---- numbers ----
out=$(ldapmodify -x -H "$DENSHI_LDAP_URI" -D "cn=approval,uid=d-master1,$people" -w "$approval" 2>&1 <<-END
	dn: uid=d-plain01,$people
	changetype: modify
	replace: uidNumber
	uidNumber: $(id -u d-maker01)
	END
)
rc=$?
check "a user number that is taken: refused by the directory" says 'non-unique' ''
set_policy() { printf 'dn: cn=policy,o=acme\nchangetype: modify\n%s\n' "$1" | root ldapmodify >/dev/null; }
next=$(root ldapsearch -LLL -s base -b cn=policy,o=acme denshiNextUid | sed -n 's/^denshiNextUid: //p')
serial() { root ldapsearch -LLL -s base -b cn=serial,ou=published,o=acme denshiSerial | sed -n 's/^denshiSerial: //p'; }
set_policy "replace: denshiLastUid
denshiLastUid: $((next - 1))"
before=$(dump)
approved user-update
check "the range is used up: said, with what is left" says '0 left.*numbers-used-up' ''
check "and nothing is half done" equals "$(dump)" "$before"
set_policy "replace: denshiNextUid
denshiNextUid: $((next - 1))
-
replace: denshiLastUid
denshiLastUid: $((next + 100))"
approved user-update
check "a counter that is behind: the directory refuses the number" refused
check "nobody has it" sh -c '! getent passwd d-twin001'
approved user-update
check "and the next run goes on" done_well
check "with a number of its own" await 5 sh -c "[ \$(id -u d-twin001) = $next ]"
set_policy 'delete: denshiLastUid'

# ---- the catalogue ----
approved business add escrow --label-en Escrow --label-ja 寄託
check "a business is added" says 'catalogue is changed' ''
approved account add 009-0000001 --label 'Ninth'
check "an account is added" done_well
approved business add escrow
check "twice: said" says 'catalogue-there' ''
approved business add acct
check "acct is what accounts are called" says 'field-catalogue-id' ''
approved authority give d-plain01 escrow.maker acct.009-0000001 --yes
check "they can be given" done_well
check "as groups" await 5 sh -c 'id d-plain01 | grep -q escrow.maker && id d-plain01 | grep -q acct.009-0000001'
approved business delete escrow
check "what somebody holds stays, and says who" says 'd-plain01.*catalogue-used' ''
approved account delete 009-0000001
check "an account too" says 'catalogue-used' ''
request=$(denshi_as d-plain01 request escrow --subject S --json | grep -oE 'r-[a-z0-9]+' | head -n 1)
approved authority take d-plain01 escrow.maker acct.009-0000001 --yes
approved business delete escrow
check "what a request waits for stays" says "$request.*catalogue-used" ''
approved account delete 009-0000001
check "what nobody holds goes" done_well
run master authority give d-plain01 acct.009-0000001 --yes --dry-run
check "and can't be given any more" says 'authority-unknown' ''
run denshi_as d-maker01 business add mine
check "a general user can't" says 'master-needed' ''
run master business add mine --password-fd 0 <<<wrong-00
check "nor a master without the approval password" says 'approval-wrong' ''

# ---- clocks that jump ----
cc -shared -fPIC -o "$DENSHI_SANDBOX/clock.so" "$here/clock.c" || exit 2
chmod 755 "$DENSHI_SANDBOX/clock.so"
denshid_at() { # SECONDS beside the machine's clock
	sandbox-service stop denshid
	LD_PRELOAD=$DENSHI_SANDBOX/clock.so CLOCK_OFFSET=$1 sandbox-service start denshid
}
day=86400
request=$(denshi_as d-maker01 request transfer --subject S --json | grep -oE 'r-[a-z0-9]+' | head -n 1)
denshid_at $((200 * day))
run pamtester denshi d-maker01 authenticate acct_mgmt <<<"$(login_of d-maker01)"
check "200 days on: a login" done_well
approved user suspend d-plain01
check "200 days on: the approval password has expired" says 'approval-expired' ''
run denshi_as d-maker01 requests --mine --json
check "200 days on: the request has not expired: its time is the directory's" says '"pending"' ''
run pamtester denshi d-maker01 authenticate <<<"wrong-000"
record=$(root ldapsearch -LLL -s base -b "uid=d-maker01,$people" denshiAttemptRecord | sed -n 's/^denshiAttemptRecord: [^ ]* //p')
check "200 days on: the record has the directory's time" equals "${record:0:8}" "$(date -u +%Y%m%d)"
denshid_at $((-2 * day))
run master user show d-maker01
check "two days back: the record from tomorrow is shown" says 'wrong|UTC' ''
run pamtester denshi d-maker01 authenticate acct_mgmt <<<"$(login_of d-maker01)"
check "two days back: a login" done_well
check "which clears what was counted" equals "$(root ldapsearch -LLL -s base -b "uid=d-maker01,$people" denshiAttempt | grep -c ^denshiAttempt:)" 0
before=$(serial)
run master user change d-plain01 --name 'Before Time' --yes
approved user-update
check "two days back: a user update" done_well
check "its serial grows all the same" equals "$(serial)" $((before + 1))
run master user-update --history
check "and the history has it first" sh -c "sed -n 2,4p <<'END' | grep -qw $((before + 1))
$out
END"
run denshi_as d-maker01 requests --mine --json
check "two days back: a request of tomorrow is pending" says "\"$request\"" ''
denshid_at 0
run pamtester denshi d-maker01 authenticate acct_mgmt <<<"$(login_of d-maker01)"
check "the right time again: a login" done_well

# ---- no room ----
work=$DENSHI_SANDBOX/full
install -d -o d-master1 -m 700 "$work"
seq -f '%04.0f' 800 | awk 'BEGIN { print "login,name,mail" } { printf "d-full%s,U,u%s@acme.example\n", $1, $1 }' >"$work/users.csv"
chmod 644 "$work/users.csv"
prepared() { root ldapsearch -LLL -s one -b ou=prepared,o=acme '(uid=d-full*)' uid | grep -c '^uid:'; }
setting() { root ldapsearch -LLL -o ldif-wrap=no -b cn=config '(&(olcDbMaxSize=*)(olcSuffix=o=acme))' "$1" | sed -n "s/^$1: //p"; }
database=$(setting dn) folder=$(setting olcDbDirectory) limit=$(setting olcDbMaxSize)
map_size() { printf 'dn: %s\nchangetype: modify\nreplace: olcDbMaxSize\nolcDbMaxSize: %s\n' "$database" "$1" | root ldapmodify >/dev/null; }
map_size $(($(stat -c %s "$folder/data.mdb") + 131072))
run master user import "$work/users.csv" --yes
check "the map is full: said" says 'directory-full' ''
some=$(prepared)
check "some are stored ($some), all of them whole" test "$some" -gt 0 -a "$some" -lt 800
# What one of them had taken when it was refused is free again: a few more fit.
for ((k = 100; k < 160; k++)); do
	run master user create d-nospace$k --name N --mail n@acme.example --generate --yes
	done_well || break
done
check "nor is there room for one more" says 'directory-full' ''
check "who isn't there at all" equals "$(root ldapsearch -LLL -b o=acme "(uid=d-nospace$k)" dn | grep -c ^dn)" 0
check "NSS goes on" getent passwd d-maker01
map_size "$limit"
sandbox-service stop slapd
mv "$folder/data.mdb" "$work/data.mdb"
mount -t tmpfs -o size=$(($(stat -c %s "$work/data.mdb") + 262144)),mode=700 full "$folder" &&
	chown openldap:openldap "$folder" && cp "$work/data.mdb" "$folder/" && chown openldap:openldap "$folder/data.mdb"
sandbox-service start slapd
await 15 sh -c 'runuser -u d-master1 -- denshi status | grep -q reachable'
run master user import "$work/users.csv" --yes
check "the disk is full: said" says 'directory-full' ''
mount -o remount,size=64m "$folder"
run master user import "$work/users.csv" --yes
check "room again: it goes on from where it was" says 'users are there already|800 users are registered' ''
check "everybody is there once" equals "$(prepared)" 800
run pamtester denshi d-maker01 authenticate acct_mgmt <<<"$(login_of d-maker01)"
check "and logins go on" done_well
summary
