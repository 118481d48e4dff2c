#!/bin/bash
# R-ALL-3: the audit records of a host are a chain, anchored in the directory by each decision and each user update, and
# `denshi log --verify` names its first broken link: a record that was changed, taken out, put in, an end that was cut off, or
# a file that was made anew. About 20 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
export LANG=C.UTF-8
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/approvals.sh
. "$here/approvals.sh"
file=/var/lib/denshi/audit
user=d-maker01 approver=d-appr001
verify() { run as d-master1 log --verify; }
again() { # denshid, over what was done to the file
	sandbox-service stop denshid
	"$@"
	sandbox-service start denshid
	await 20 sh -c "runuser -u $user -- denshi status | grep -q reachable"
}

request $user transfer --subject "for the record"
first=$id
approve_quietly $approver "$first"
as $user check-approval transfer --use >/dev/null 2>&1
verify
check "whole" says 'log-sound|are whole: [0-9]+ of them; [1-9]' ''
check "only denshid reads the file" equals "$(stat -c '%U %a' $file)" "denshi 600"
run as d-master1 log --user $approver --since 1h
for want in 'event=decision' "id=$first" 'decision=approved'; do check "shown: $want" says "$want" ''; done
check "and nothing of others" says_not 'event=request by=d-maker01' ''
run as d-master1 log --json
check "each step of the request" equals "$(grep -c "$first" <<<"$out")" 3
run as d-master1 log --since 2030-01-01
check "nothing since tomorrow" says_not 'event=' ''
run as d-master1 log --since nonsense
check "not a time" refused
run as $user log
check "not for general users" says 'master-needed' ''
run denshi log --verify
check "root verifies too" done_well
run as d-master1 log
check "no password in it" says_not "$(login_of $user)|$(approval_of $approver)" ''

# Where the directory says that the chain stood at a user update: NUMBER:DIGEST.
ldap() { "$1" -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" "${@:2}"; }
value_of() { ldap ldapsearch -LLL -o ldif_wrap=no -b "$1,o=acme" -s base "$2" 2>/dev/null | sed -n "s/^$2: //p"; } # DN ATTRIBUTE
own=cn=sandbox.denshi.test,ou=hosts
is_anchored() { [ -n "$(value_of "cn=$serial,$own" denshiChainHead)" ]; }
run as_master authority give d-plain01 claim.maker --yes
serial=$(value_of cn=serial,ou=published denshiSerial)
check "a user update anchors the records" await 10 is_anchored
anchor=$(value_of "cn=$serial,$own" denshiChainHead)
number=${anchor%%:*}
check "by the last one there was" equals "$anchor" "$(awk -v n="$number" '$1 == n { print n ":" $3 }' $file)"
verify
check "told how many" says "and $serial user updates in the directory agree; the last update is $serial, in force is $serial" ''

cp $file /tmp/good
again kill -0 $$
verify
check "a restart goes on with it" done_well
again ldap ldapdelete "cn=$serial,$own,o=acme"
check "what a denshid that was ended didn't anchor, the next one does" await 10 is_anchored
number=$(value_of "cn=$serial,$own" denshiChainHead | cut -d: -f1)
again sed -i "0,/id=$first/s/business=transfer/business=claim/" $file
verify
check "a changed record is found" says 'log-broken' ''
out=$(as d-master1 log --json 2>/dev/null | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')
check "what there is, is shown, as JSON" test "${out:-0}" -gt 10
verify
check "and named" says "record $(grep -n "id=$first" /tmp/good | head -n 1 | cut -d: -f1) " ''
again cp /tmp/good $file
again sed -i '5d' $file
verify
check "a record that was taken out" says 'record 6 ' ''
again cp /tmp/good $file
again sed -i '5{p}' $file
verify
check "one that was put in" says 'record 5 ' ''
again cp /tmp/good $file
printf '99' >>$file
again kill -0 $$
verify
check "a record that a crash cut off is taken away" done_well
check "and told" grep -q 'cut off' "$DENSHI_SANDBOX/denshid.log"

# What the chain itself can't show, the directory knows: its end is missing, or whoever may write the file has made
# another chain of it.
rechain() { # FROM TO
	python3 - $file "$@" <<'END'
import hashlib, sys
before, lines = "0" * 64, []
for line in open(sys.argv[1]):
    number, time, _, record = line.rstrip("\n").split(" ", 3)
    record = record.replace(sys.argv[2], sys.argv[3])
    before = hashlib.sha256(f"{before} {number} {time} {record}".encode()).hexdigest()
    lines.append(f"{number} {time} {before} {record}\n")
open(sys.argv[1], "w").writelines(lines)
END
}
again sed -i "$number,\$d" $file
verify
check "an end that was cut off" says "user update $serial knows another record $number" ''
check "fails" status_is 1
again cp /tmp/good $file
again rechain "id=$first decision=approved" "id=$first decision=rejected"
verify
check "a chain that was made anew doesn't fit" says 'log-unfit-update' ''
check "the first anchor behind the change is named" says "user update $serial knows another record $number" ''
again cp /tmp/good $file
again sed -i "/event=request .*id=$first/,\$d" $file
verify
check "nor does one that lacks a request" says 'log-unfit' ''
check "by the decision on it" says "decision on request $first " ''
again truncate -s 0 $file
verify
check "nor an empty one" says 'log-unfit' ''
check "and nobody is kept from logging in by it" pamtester denshi $user acct_mgmt
again cp /tmp/good $file
verify
check "the right one does" done_well

# Many at once: one chain.
for k in {1..40}; do pamtester denshi $user acct_mgmt >/dev/null 2>&1 & done
wait
verify
check "forty at once" done_well
again mv $file /tmp/kept
verify
check "a file that is gone: another chain" says 'log-unfit' ''
summary
