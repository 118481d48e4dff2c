#!/bin/bash
# Many users (R-ALL-8): each search that denshi makes has its index, and a long diff is shown in parts that
# are one table, or one JSON object. About 15 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en USERS=200
export LANG=C.UTF-8
# shellcheck source=tests/checks.sh
. "$here/checks.sh"

# Besides its statistics (256), what it makes of filters (32).
sandbox-service stop slapd
sed -i 's/ -d stats/ -d 288/' "$DENSHI_SANDBOX/slapd.command"
sandbox-service start slapd
await 10 sh -c 'denshi status | grep -q reachable'

approval=$(approval_of d-master1)
as() { setpriv --reuid="$1" --regid=d-users --clear-groups denshi "${@:2}"; }
run_as() { run as "$@"; }
approved() { out=$(as d-master1 "$@" --password-fd 0 <<<"$approval" 2>&1); rc=$?; }

# ---- a long diff -------------------------------------------------------------------------------
many() { # a name of each width, the widest near the end
	awk -v N=$USERS 'BEGIN {
		print "login,name,mail,authorities"
		for (i = 1; i <= N; i++)
			printf "d-m%06d,%s,m%d@acme.example,transfer.maker\n", i, i == N - 5 ? "Somebody with a name that is much longer" : "User " i, i
	}'
}
many >"$DENSHI_SANDBOX/many.csv"
approved user import "$DENSHI_SANDBOX/many.csv" --yes
check "$USERS users are registered" done_well
run_as d-master1 user-update --dry-run
check "they are shown" status_is 1
diff=$out
lines=$(grep -c 'd-m[0-9]' <<<"$diff")
check "each has a line at least" test "$lines" -ge $USERS
check "one heading" equals "$(grep -c '^ACTION\|^Action' <<<"$diff")" 1
# Where the third column begins: in the first line as in the last.
starts=$(grep 'd-m[0-9]' <<<"$diff" | awk '{ print match($0, /d-m[0-9]+ +/) + RLENGTH }' | sort -u)
check "all lines have the same columns" equals "$(wc -l <<<"$starts")" 1
run_as d-master1 user-update --dry-run --json
check "as JSON, too" status_is 1
printf '%s' "$out" >"$DENSHI_SANDBOX/many.json"
run python3 - "$DENSHI_SANDBOX/many.json" <<'EOF'
import json, sys
told = json.load(open(sys.argv[1]))
print(told["pending_count"], len({row["login"] for row in told["changes"]}), len(told["changes"]))
EOF
check "one object with all of them" equals "$out" "$USERS $USERS $lines"
run_as d-master1 user-update d-m000007 --dry-run --json
check "a short one is the same" says '"changes": \[' ''
TMPDIR=/nowhere run_as d-master1 user-update --dry-run
check "whatever TMPDIR says" status_is 1
approved user-update
check "they are put in force" done_well
check "and the host has the last" await 20 getent passwd "$(printf 'd-m%06d' $USERS)"

# ---- what the commands ask of the directory ----------------------------------------------------------
run pamtester denshi d-maker01 authenticate <<<"$(login_of d-maker01)"
check "a login" done_well
run_as d-master1 user show d-m000001
check "user show" done_well
run_as d-master1 user list d-m00000
check "user list" done_well
run_as d-master1 user change d-m000002 --name Changed --yes
check "user change" done_well
approved user-update
check "its update" done_well
approved user import "$DENSHI_SANDBOX/many.csv" --yes
approved authority give d-m000003 acct.001-1234567 --yes
check "authority give" done_well
approved account add 009-0000009
approved account delete 009-0000009
check "an account, deleted again" done_well
run_as d-maker01 request transfer --subject S
check "a request" done_well
run_as d-maker01 requests --mine
run_as d-appr001 requests
run_as d-master1 cert grant d-m000004 --yes
run_as d-master1 user delete d-m000005 --yes
approved user-update
check "a user removed" done_well
run_as d-master1 user-update --history
check "the history" done_well
run_as d-master1 log --verify
check "the audit records, verified" done_well
sandbox-service stop denshid
rm -f /var/lib/denshi/snapshot*
sandbox-service start denshid
check "a host begins anew" await 20 getent passwd d-m000001

# What has no index, and why that is right (docs/architecture.md):
readonly justified='presence_candidates: \(uid\)|equality_candidates: \((displayName|cn)\)|substring_candidates: \((uid|cn)\)|presence_candidates: \(denshi(Revoked|SigningRequest|CertificateSerial)\)'
run grep -acE ' SRCH base=' "$DENSHI_SANDBOX/slapd.log"
check "slapd has told of its searches" test "$out" -gt 100
run grep -aoE '(<= mdb_.* not indexed|.*index_param (failed|returned).*)' "$DENSHI_SANDBOX/slapd.log"
out=$(grep -vE "$justified" <<<"$out" | sort | uniq -c)
check "whatever was asked has its index" says_nothing
# The same search by what has none: slapd does tell.
ldapsearch -LLL -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" -b ou=people,o=acme '(mail=x@acme.example)' 1.1 >/dev/null 2>&1
run grep -acE '\(mail\) not indexed' "$DENSHI_SANDBOX/slapd.log"
check "slapd tells of one without" test "$out" -ge 1
summary
