#!/bin/bash
# sudo(8): login password and account phase, authorities as groups in sudoers.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/services.sh
. "$here/services.sh"
common_files
user=d-maker01
cat >/etc/sudoers.d/denshi <<'EOF'
Defaults:%transfer.maker timestamp_timeout=0, passwd_tries=3, !requiretty, lecture=never
%transfer.maker ALL = (root) /usr/bin/id
%transfer.maker ALL = (root) NOPASSWD: /usr/bin/true
%transfer.maker ALL = (d-plain01) NOPASSWD: /usr/bin/whoami
EOF
chmod 440 /etc/sudoers.d/denshi
run visudo -c
check "sudoers is right" done_well

answers "$ask_password" "$(login_of $user)"
converse runuser -u $user -- sudo id -un
check "by authority, with the login password" says '^root' ''
answers "$ask_password" wrong-1 "$ask_password" wrong-2 "$ask_password" wrong-3
converse runuser -u $user -- sudo id -un
check "three wrong ones" refused
check "three attempts" equals "$(taken $user)" 3
check "sudo wants silence in the auth phase, and gets it" says_not "attempts left" ""
run runuser -u $user -- sudo -n id -un </dev/null
check "-n: refused without a question" refused
check "-n: counts nothing" equals "$(taken $user)" 3
run runuser -u $user -- sudo -n true </dev/null
check "NOPASSWD: passes" done_well
check "and clears nothing (R-LOCK-6)" equals "$(taken $user)" 3
run runuser -u $user -- sudo -n -u d-plain01 whoami </dev/null
check "to another denshi user" says '^d-plain01$' ''
run runuser -u d-plain01 -- sudo -n true </dev/null
check "without the authority: refused" refused
run runuser -u d-both001 -- sudo -S id -un <<<"$(login_of d-both001)"
check "-S: the password from a pipe" says '^.*root' ''
clear_attempts $user

# The account phase, silent: no question, and still no way past it.
suspend $user
run runuser -u $user -- sudo -n true </dev/null
check "suspended: NOPASSWD is refused, too" refused
run runuser -u $user -- sudo -S id -un <<<"$(login_of $user)"
check "suspended: so is the right password" refused
resume $user
for k in 4 5 6 7 8 9; do pamtester denshi $user authenticate <<<"wrong-$k" >/dev/null 2>&1; done
run runuser -u $user -- sudo -n true </dev/null
check "locked: NOPASSWD is refused" refused
before=$(binds_of "uid=$user,$people")
run runuser -u $user -- sudo -S id -un <<<"$(login_of $user)"
check "locked: refused" refused
check "locked: nothing is evaluated" equals "$(binds_of "uid=$user,$people")" "$before"
run sudo -u d-both001 id -un
check "root's own sudo asks denshi nothing" says '^d-both001$' ''
sandbox-service stop denshid
run runuser -u d-both001 -- sudo -n true </dev/null
check "denshid down: refused" refused
run sudo -u nobody id -un
check "denshid down: root's own sudo works" done_well
summary
