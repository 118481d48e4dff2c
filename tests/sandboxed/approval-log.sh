#!/bin/bash
# R-ALL-3: the audit records of a host are a chain, and `denshi log --verify` names its first broken link: a record that was
# changed, taken out, put in, or a file that was made anew. About 15 s.
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

cp $file /tmp/good
again kill -0 $$
verify
check "a restart goes on with it" done_well
again sed -i "0,/id=$first/s/business=transfer/business=claim/" $file
verify
check "a changed record is found" says 'log-broken' ''
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

# Whoever may write the file makes the whole chain anew: the decisions in the directory know the old one.
rechain() {
	python3 - $file <<'END'
import hashlib, sys
before, lines = "0" * 64, []
for line in open(sys.argv[1]):
    number, time, _, record = line.rstrip("\n").split(" ", 3)
    record = record.replace("user=d-maker01", "user=d-both001")
    before = hashlib.sha256(f"{before} {number} {time} {record}".encode()).hexdigest()
    lines.append(f"{number} {time} {before} {record}\n")
open(sys.argv[1], "w").writelines(lines)
END
}
again rechain
verify
check "a chain that was made anew doesn't fit the decisions" says 'log-unfit' ''
check "of which it names one" says "$first" ''
again truncate -s 0 $file
verify
check "nor does an empty one" says 'log-unfit' ''
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
