#!/bin/bash
# The populated sandbox is what tests and administrators stand on: is it what it says?
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
export LANG=C.UTF-8
# shellcheck source=tests/checks.sh
. "$here/checks.sh"

run id d-appr001
check "authorities are groups" says 'transfer\.approver.*acct\.001-1234567|acct\.001-1234567.*transfer\.approver' ''
for user in d-maker01 d-appr001 d-both001 d-plain01 d-master1; do
	out=$(pamtester denshi $user authenticate acct_mgmt <<<"$(login_of $user)" 2>&1)
	rc=$?
	check "$user logs in with the password on file" done_well
	check "$user has a PKCS#12 file" test -s "$DENSHI_SANDBOX/certs/$user.p12"
	check "$user has a key pair" test -s "$DENSHI_SANDBOX/certs/$user.pem"
done
check "no approval password where none belongs" equals "$(approval_of d-maker01)" -
out=$(pamtester denshi-cert d-maker01 authenticate <<<"$(login_of d-maker01)" 2>&1)
rc=$?
check "denshi-cert: no certificate, no login" refused
check "denshi-cert: and no password was asked" says_not 'assword: ' ''
out=$(pamtester -E "SSH_AUTH_INFO_0=publickey $(cut -d' ' -f1,2 "$DENSHI_SANDBOX/certs/d-appr001.pem.pub")" \
	denshi-cert d-maker01 authenticate <<<"$(login_of d-maker01)" 2>&1)
rc=$?
check "denshi-cert: somebody else's key is refused" refused
check "denshi-cert: and the message says so" says 'not that of the certificate on record' ''
run pamtester denshi d-plain01 open_session
check "a session after the first change" done_well
runuser -u d-master1 -- denshi user create d-other01 --name x --mail x@acme.example --password-fd 0 --yes >/dev/null 2>&1 <<<hatsu1234
runuser -u d-master1 -- denshi user-update --password-fd 0 >/dev/null 2>&1 <<<"$(approval_of d-master1)"
await 5 getent passwd d-other01
run pamtester denshi d-other01 open_session
check "no session before the first change" refused
runuser -u d-master1 -- denshi user delete d-other01 --yes >/dev/null 2>&1
runuser -u d-master1 -- denshi user-update --password-fd 0 >/dev/null 2>&1 <<<"$(approval_of d-master1)"
run runuser -u d-master1 -- denshi user create d-other01 --name y --mail y@acme.example --generate --yes
check "a login ID is never given twice" says 'field-login-id-taken' ''
run runuser -u d-master1 -- denshi user change d-maker01 --role master --yes
runuser -u d-master1 -- denshi user-update --password-fd 0 >/dev/null 2>&1 <<<"$(approval_of d-master1)"
run runuser -u d-master1 -- denshi user change d-master1 --role general --yes
run runuser -u d-master1 -- denshi user-update --password-fd 0 <<<"$(approval_of d-master1)"
check "a master can't demote themself" says 'not-oneself' ''
check "upper case is the same user" sh -c "echo '$(login_of d-maker01)' | pamtester denshi D-Maker01 authenticate"
check "users of the machine are nobody's business" sh -c 'pamtester denshi nobody authenticate </dev/null 2>&1 | grep -qv assword'
run ldapsearch -x -H "$DENSHI_LDAP_URI" -b o=acme
check "the directory tells strangers nothing" refused
run setpriv --reuid=denshi --regid=denshi --clear-groups ldapsearch -LLL -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" -b o=acme userPassword
check "nor a host any password" says_not 'userPassword' ''
summary
