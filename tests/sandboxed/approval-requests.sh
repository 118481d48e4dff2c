#!/bin/bash
# Requests from entering to their end (R-APP-1, R-APP-2, R-APP-5): every field, every state, who may
# do what, several approvers, amounts. About 10 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
export LANG=C.UTF-8
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/approvals.sh
. "$here/approvals.sh"

# ---- a request with all its fields ----
echo 'an invoice' >/tmp/invoice.txt
sum=$(sha256sum /tmp/invoice.txt | cut -d' ' -f1)
request d-maker01 transfer --account 001-1234567 --subject "請求書 42" --attach /tmp/invoice.txt --for host=web1,service=cron
check "entered" done_well
first=$id
check "with a digest that people can compare" says 'digest ([0-9a-z]{4}-){3}[0-9a-z]{4}' ''
digest=$(grep -oE '([0-9a-z]{4}-){3}[0-9a-z]{4}' <<<"$out")
run as d-maker01 requests --mine --json
for want in "\"id\": \"$first\"" '"state": "pending"' '"subject": "請求書 42"' "invoice.txt, 11 bytes, SHA-256 $sum" \
	'"host=web1"' '"service=cron"' '"need": 1' "\"digest\": \"$digest\"" '"maker": "d-maker01"'; do
	check "the list has $want" says "$want" ''
done
run approve d-appr001 "$first"
check "approved" done_well
for want in "請求書 42" "invoice.txt, 11 bytes, SHA-256 $sum" host=web1 service=cron d-maker01 "$digest" sandbox; do
	check "the approver saw $want" says "$want" ''
done
check "its state" equals "$(state_of "$first")" approved
run approve d-appr001 "$first"
check "a decision is final" says 'request-decided' ''
run reject d-appr001 "$first" late
check "also for its opposite" says 'request-decided' ''
run as d-maker01 withdraw "$first"
check "and for its maker" says 'request-decided' ''

# ---- wrong input ----
bad() { # WHAT CODE ARGUMENTS...
	run as d-maker01 request transfer "${@:3}"
	check "$1: refused" refused
	check "$1: says so" says "$2" ''
}
bad "no subject" field-subject
bad "an empty subject" field-subject --subject '  '
bad "a control character" field-subject --subject $'a\nb'
bad "a subject of 1,001" field-subject --subject "$(printf '請%.0s' {1..1001})"
bad "no such file" field-attachment --subject x --attach /nonexistent
bad "no file but a folder" field-attachment --subject x --attach /tmp
bad "not a digest" field-attachment --subject x --digest 12345
bad "an amount where there is none" amount-unwanted --subject x --amount 'JPY 5'
bad "an amount that is none" field-amount --subject x --amount '5 yen'
bad "six approvers" field-need --subject x --need 6
bad "no name" field-binding --subject x --for nonsense=1
bad "a name twice" field-binding --subject x --for host=a,host=b
bad "a relative command" field-command --subject x -- ./nothing
bad "an unknown account" account-unknown --subject x --account 999
run as d-maker01 request transfer --subject "$(printf '請%.0s' {1..1000})"
check "a subject of 1,000 in any script" done_well
run as d-maker01 request nonsense --subject x
check "an unknown business" says 'business-unknown' ''
run as d-maker01 request inquiry --subject x
check "an approval-free business" says 'business-approval-free' ''
run as d-appr001 request transfer --subject x
check "who isn't maker enters nothing" says 'authority-needed' ''

# ---- withdrawn, rejected ----
request d-maker01 transfer --subject "not after all"
run as d-maker01 withdraw "$id" --dry-run
check "it could be withdrawn" says 'could be withdrawn' ''
run as d-appr001 approve "$id" --dry-run </dev/null
check "it could be approved, without a password" says "$id could be decided so" ''
run as d-both001 reject "$id" --reason x --dry-run </dev/null
check "or rejected" says "$id could be decided so" ''
run as d-plain01 approve "$id" --dry-run </dev/null
check "not by anybody" says 'request-unknown' ''
check "and nothing of that was done" equals "$(state_of "$id")" pending
run as d-appr001 withdraw "$id"
check "only its maker withdraws it" says 'request-not-yours' ''
run as d-maker01 withdraw "$id"
check "withdrawn" done_well
check "its state" equals "$(state_of "$id")" withdrawn
run approve d-appr001 "$id"
check "and not approved any more" says 'request-withdrawn' ''
request d-maker01 transfer --subject "no"
run as d-appr001 reject "$id" --password-fd 0 <<<"$(approval_of d-appr001)"
check "a rejection needs a reason" says 'reason-needed' ''
run reject d-appr001 "$id" "the account is closed"
check "rejected" done_well
run as d-maker01 requests --mine --json
check "the maker reads why" says 'the account is closed' ''
run as d-maker01 check-approval transfer
check "what was rejected is nothing" refused

# ---- one password for several ----
request d-maker01 transfer --subject one; one=$id
request d-maker01 transfer --subject two; two=$id
run approve d-appr001 "$one" "$two"
check "two with one password" done_well
check "both" equals "$(state_of "$one") $(state_of "$two")" "approved approved"

# ---- maker and approver in one person ----
request d-both001 transfer --subject mine
run approve d-both001 "$id"
check "nobody approves their own transfer" says 'self-approval' ''
run as d-both001 requests --to-approve
check "nor is it listed for them" says_not "$id" ''
request d-master1 claim --subject mine
run approve d-master1 "$id"
check "a business may leave it to one person" done_well
run as d-master1 check-approval claim --approver any
check "who then is approved" done_well
run as d-master1 check-approval claim
check "but not where another is demanded" says 'self-approval' ''

# ---- several approvers, amounts ----
second_approver d-appr002 transfer.approver acct.001-1234567
run as_master business change transfer --currency JPY,EUR --need-from 'JPY 10000000 2' --limits 'd-appr001 JPY 20000000'
check "two approvers from 10,000,000 yen, and a limit" done_well
bad "an amount is needed then" amount-needed --subject x
bad "in one of the currencies" amount-needed --subject x --amount 'USD 5'
bad "one approver isn't enough for it" field-need --subject x --amount 'JPY 10000000' --need 1
request d-maker01 transfer --subject big --amount 'JPY 10000000'
check "entered" done_well
run approve d-appr001 "$id"
check "the first approves" done_well
check "and hears that it isn't all" says '1 more approver' ''
check "still provisional" equals "$(state_of "$id")" pending
run as d-maker01 check-approval transfer
check "one of two is nothing" refused
run approve d-appr001 "$id"
check "nobody approves twice" says 'approved-already' ''
run as d-appr001 requests --to-approve
check "nor has it listed" says_not "$id" ''
run approve d-appr002 "$id"
check "the second approves" done_well
check "the second saw the first" says 'approved d-appr001' ''
check "approved" equals "$(state_of "$id")" approved
request d-maker01 transfer --subject huge --amount 'JPY 20000001'; huge=$id
run approve d-appr001 "$huge"
check "above the limit" says 'approval-limit' ''
run reject d-appr001 "$huge" no
check "may still be rejected" done_well
check "which ends it for all" equals "$(state_of "$huge")" rejected
request d-maker01 transfer --subject pair --amount 'JPY 5' --need 2
approve_quietly d-appr001 "$id" & approve_quietly d-appr002 "$id" & wait %1 %2
check "two at the same moment: both count" equals "$(state_of "$id")" approved
request d-maker01 transfer --subject duel --amount 'JPY 5'
approve d-appr001 "$id" >/tmp/duel.1 2>&1 & reject d-appr002 "$id" no >/tmp/duel.2 2>&1 & wait %1 %2
check "yes and no at the same moment: the other is told" equals "$(cat /tmp/duel.[12] | grep -c request-decided)" 1
run as d-maker01 requests --mine --json
check "yes and no at the same moment: one stands" equals \
	"$(grep -c -e "$id" -e 'duel' <<<"$out") $(state_of "$id" | grep -cE 'approved|rejected')" "2 1"
run as_master business change transfer --currency '' --need-from nonsense
check "wrong rules are named" says 'field-need-from' ''
ldapmodify -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" >/dev/null <<<$'dn: cn=transfer,ou=businesses,o=acme\nchangetype: modify\nadd: denshiNeedFrom\ndenshiNeedFrom: nonsense'
run as d-maker01 request transfer --subject x --amount 'JPY 5'
check "rules that can't be understood: nothing of it" says 'rules-unclear' ''
run as_master business change transfer --currency '' --need-from '' --limits ''
check "a master puts it right" done_well
run as d-maker01 request transfer --subject x
check "and on it goes" done_well

# ---- seen by whom ----
run as d-plain01 requests
check "nobody sees what isn't theirs" says_not 'r-[a-z0-9]' ''
run as d-maker01 requests --to-approve
check "a maker has nothing to approve" says_not 'r-[a-z0-9]' ''
timeout 5 runuser -u d-appr001 -- denshi requests --to-approve --watch --json >/tmp/watched 2>/dev/null &
sleep 1
request d-maker01 transfer --subject watched
wait $!
run cat /tmp/watched
check "--watch shows what comes" says 'watched' ''
summary
