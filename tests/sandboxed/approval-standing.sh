#!/bin/bash
# An approval for a time (within=) that a service asks for again and again: the directory isn't asked each time, and
# whatever happens to the approval is heeded all the same. About 40 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
export LANG=C.UTF-8
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/approvals.sh
. "$here/approvals.sh"
user=d-maker01 approver=d-appr001
requests=ou=requests,o=acme credential=cn=approval,uid=$approver,ou=people,o=acme
service() { # NAME OPTION...
	printf '%s\n' 'auth required pam_permit.so' "account required pam_denshi.so approve certificate=off business=transfer ${*:2}" >"/etc/pam.d/$1"
}
service standing within=1h
service standing-account within=1h account=001-1234567
service standing-once once
ask() { run pamtester "${1:-standing}" $user acct_mgmt; }
is_good() { pamtester standing $user acct_mgmt; }
is_bad() { ! is_good; }
# What denshid has searched for approved requests.
searches() { grep -c 'SRCH base="o=acme" scope=2.*denshiDecision=approved' "$DENSHI_SANDBOX/slapd.log"; }
# Until an answer comes without a search.
stands() {
	local before
	is_good || return 1
	before=$(searches)
	is_good && [ "$(searches)" = "$before" ]
}
modify() { root ldapmodify >/dev/null <<<"dn: $1"$'\nchangetype: modify\n'"$2"; } # DN CHANGE
approved() {
	request $user transfer --subject "standing"
	approve_quietly $approver "$id"
}
guess_six() { # wrong approval passwords of the approver, for a decision on $id
	local k
	for k in 1 2 3 4 5 6; do
		DENSHI_SESSION=${session[$approver]} as $approver reject "$id" --reason x --password-fd 0 <<<"Chigau-$k" >/dev/null 2>&1
	done
}
put_back() { # the approver's credential, as it was
	local attribute
	for attribute in denshiAttempt pwdAccountLockedTime pwdFailureTime; do
		root ldapmodify -e relax <<<"dn: $credential"$'\nchangetype: modify\n'"delete: $attribute" >/dev/null 2>&1
	done
	check "and good again" await 5 is_good
}

# ---- it is answered from memory, and recorded each time ----
approved
ask
check "an approved request is good" done_well
check "after a moment it is answered without a search" await 5 stands
before=$(searches)
records=$(grep -c 'event=approval-use.*result=approval-stands' "$DENSHI_SANDBOX/denshid.log")
for k in 1 2 3 4 5; do is_good >/dev/null 2>&1; done
check "five more ask the directory nothing" equals "$(searches)" "$before"
check "and are five more records" equals "$(grep -c 'event=approval-use.*result=approval-stands' "$DENSHI_SANDBOX/denshid.log")" $((records + 5))
check "with the approver" sh -c "tail -n 1 '$DENSHI_SANDBOX/denshid.log' | grep -q 'id=$id approver=$approver'"
ask standing-account
check "of another account nothing stands" refused
sleep 5.5
before=$(searches)
check "after five seconds it is good" is_good
check "and was looked up" equals "$(searches)" $((before + 1))

# ---- what others change past this host ----
check "it stands" await 5 stands
modify $credential $'add: denshiAttempt\ndenshiAttempt: 1\ndenshiAttempt: 2\ndenshiAttempt: 3\ndenshiAttempt: 4\ndenshiAttempt: 5\ndenshiAttempt: 6'
check "the approver's credential is locked elsewhere: refused within two seconds" await 2 is_bad
ask
check "and told why" says 'approval-locked' ''
put_back
check "it stands" await 5 stands
modify "cn=$id,$requests" $'replace: denshiSubject\ndenshiSubject: something else'
check "altered by the administrator: refused within two seconds" await 2 is_bad
ask
check "and told why" says 'request-altered' ''
root ldapdelete "cn=$id,$requests"

# ---- what this host changes ----
approved
check "it stands" await 5 stands
ask standing-once
check "used up by another service" done_well
ask
check "at once it stands no more" refused
approved
check "it stands" await 5 stands
guess_six
ask
check "the approver's decision is final, and their guesses aren't asked for" done_well
request $user transfer --subject "guessed at"
guess_six
ask
check "six wrong approval passwords here: at once it stands no more" says 'approval-locked' ''
put_back
check "it stands" await 5 stands
as_master user suspend $approver >/dev/null 2>&1
check "the approver is suspended: refused within two seconds" await 2 is_bad
as_master user resume $approver >/dev/null 2>&1
check "and good again" await 5 is_good
check "it stands" await 5 stands
as_master authority take $user transfer.maker --yes >/dev/null 2>&1
check "the maker's authority is taken: refused within two seconds" await 2 is_bad
as_master authority give $user transfer.maker --yes >/dev/null 2>&1
check "and good again" await 5 is_good

# ---- the directory goes ----
check "it stands" await 5 stands
sandbox-service stop slapd
check "the directory ended: refused within a second" await 1 is_bad
sandbox-service start slapd
check "and good again" await 10 is_good
check "it stands" await 10 stands
slapd=$(cat "$DENSHI_SANDBOX/slapd.pid")
kill -STOP "$slapd"
sleep 4
ask
kill -CONT "$slapd"
check "the directory is silent: refused after four seconds" refused
check "and good again" await 10 is_good
kill -9 "$(cat "$DENSHI_SANDBOX/denshid.pid")"
sleep 0.5
sandbox-service start denshid >/dev/null 2>&1
check "denshid killed: good again" await 10 is_good
check "and it stands" await 5 stands
summary
