#!/bin/bash
# R-APW-4: an approval password expires, after as many days as the organisation's policy says.
# Then logging in works, approving does not, until it is changed. About 10 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
export LANG=C.UTF-8
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
id=d-master1 dn=cn=approval,uid=$id,ou=people,o=acme

# The time of the last change is slapd's own: only with slapd stopped it can be another.
age() { # DAYS
	sandbox-service stop slapd
	setpriv --reuid=openldap --regid=openldap --clear-groups slapmodify -n 1 -F /var/lib/denshi-server/directory/config \
		<<<"dn: $dn"$'\nchangetype: modify\nreplace: pwdChangedTime\npwdChangedTime: '"$(date -u -d "$1 days ago" +%Y%m%d%H%M%SZ)"
	sandbox-service start slapd
	await 15 sh -c 'runuser -u d-master1 -- denshi status | grep -q reachable'
}
policy() { # the master's approval identity sets it
	ldapmodify -x -H "$DENSHI_LDAP_URI" -D cn=approval,uid=d-master1,ou=people,o=acme -w "$(approval_of d-master1)" >/dev/null <<END
dn: cn=policy,o=acme
changetype: modify
replace: denshiApprovalDays
denshiApprovalDays: $1
END
}
log_in() { run pamtester denshi $id authenticate acct_mgmt open_session close_session <<<"$(login_of $id)"; }
state() { runuser -u d-master1 -- denshi user show $id; }
decide() { run runuser -u $id -- denshi user suspend d-plain01 --password-fd 0 <<<"$(approval_of $id)"; }

age 80
log_in
check "80 days: login works" done_well
check "and says when it will expire" says "$(date -u -d '10 days' +%Y-%m-%d)" ''
policy 100
log_in
check "of 100: it says nothing yet" says_not 'expire' ''
policy 60
log_in
check "of 60: login works" done_well
check "and says that it has expired" says 'expired' ''
run state
check "a master sees it" says 'expired' ''
decide
check "it approves nothing" refused
check "and says why" says 'approval-expired' ''
policy off
run state
check "off: it doesn't expire" says_not 'expired' ''
log_in
check "off: nor says so" says_not 'expire' ''
for wrong in 0 -1 3651 90d nonsense; do
	policy "$wrong"
	log_in
	check "not a number of days, $wrong: the default" says "$(date -u -d '10 days' +%Y-%m-%d)" ''
done
age 91
decide
check "91 days: it approves nothing" says 'approval-expired' ''
run runuser -u $id -- denshi passwd --approval --password-fd 0 <<<"$(approval_of $id)"$'\nFresh-91-x'
check "it can be changed" done_well
log_in
check "then nothing is said" says_not 'expire' ''
run state
check "and it is set" says_not 'expired' ''
run ldapmodify -x -H "$DENSHI_LDAP_URI" -D uid=d-master1,ou=people,o=acme -w "$(login_of d-master1)" <<<$'dn: cn=policy,o=acme\nchangetype: modify\nreplace: denshiApprovalDays\ndenshiApprovalDays: off'
check "a login password doesn't change the policy" refused
summary
