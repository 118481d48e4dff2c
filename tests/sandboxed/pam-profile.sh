#!/bin/bash
# The profile of libpam-denshi in Debian's common-* files: pam-auth-update knows it again, so that
# it goes with the package; and where it can't go, the package stays. About 10 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
export LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
common=(/etc/pam.d/common-{auth,account,password,session,session-noninteractive})
profiled() { grep -l pam_denshi "${common[@]}" | wc -l; }
prerm() { run sh "$here/../debian/libpam-denshi.prerm" remove; }

rm -f /etc/pam.d/denshi* # the sandbox's own
run pam-auth-update --package --enable denshi
check "enabled" equals "$(profiled)" 4
run pam-auth-update --package
check "an upgrade of any package sees nothing that was changed by hand" says_nothing
printf '@include common-%s\n' auth account >/etc/pam.d/plain
log_in() { run pamtester plain "$1" authenticate acct_mgmt <<<"$2"; }
log_in d-plain01 "$(login_of d-plain01)"
check "a service takes the password" done_well
log_in d-plain01 wrong
check "and no other" refused
cp /etc/pam.d/plain /etc/pam.d/sshd
run pamtester sshd d-plain01 authenticate <<<"$(login_of d-plain01)"
check "sshd wants the certificate" refused
check "and says so" says 'certificate' ''
log_in d-plain01 "$(login_of d-plain01)"

prerm
check "removed" done_well
check "nothing of it is left" equals "$(profiled)" 0

# ---- changed by hand, in the middle of the block ----
run pam-auth-update --package --enable denshi
sed -i '/pam_denshi.so certificate=optional/a auth optional pam_permit.so' /etc/pam.d/common-auth
prerm
check "changed by hand: the package stays" refused
check "and says why" says 'still used by.*/etc/pam.d/common-auth' ''
run pam-auth-update --package --force
check "by force the files are its own again" equals "$(profiled)" 4
echo 'auth required pam_denshi.so' >/etc/pam.d/mine
prerm
check "a service of the administrator's own: it stays" says 'still used by /etc/pam.d/mine$' ''
rm /etc/pam.d/mine
prerm
check "else it goes" done_well
summary
