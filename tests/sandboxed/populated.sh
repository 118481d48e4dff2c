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
check "upper case is the same user" sh -c "echo '$(login_of d-maker01)' | pamtester denshi D-Maker01 authenticate"
check "users of the machine are nobody's business" sh -c 'pamtester denshi nobody authenticate </dev/null 2>&1 | grep -qv assword'
run ldapsearch -x -H "$DENSHI_LDAP_URI" -b o=acme
check "the directory tells strangers nothing" refused
run setpriv --reuid=denshi --regid=denshi --clear-groups ldapsearch -LLL -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" -b o=acme userPassword
check "nor a host any password" says_not 'userPassword' ''
summary
