#!/bin/bash
# login(1), su(1) and passwd(1) on a terminal, with denshi's profile in Debian's common-* files.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/services.sh
. "$here/services.sh"

# Before the profile, a stock machine; after it, the same for the machine's own users.
useradd -m -p "$(openssl passwd -6 jimoto-1)" -s /bin/bash jimoto
usermod -p "$(openssl passwd -6 nezumi-2)" root
common_files
check "the profile is in common-auth" grep -q 'pam_denshi.so certificate=required' /etc/pam.d/common-auth

# ---- login ----
user=d-maker01
answers "$ask_password" "$(login_of $user)" '\$ $' 'id -un; echo session=$DENSHI_SESSION; exit'
converse login $user
check "login: in" says "d-maker01$" ""
check "login: a home is made beside it (pam_mkhomedir)" test -d "$(getent passwd $user | cut -d: -f6)"
check "login: the session has its token" says '^session=[a-z0-9]{26}' ''
check "login: and ends with it" sh -c '! ls /run/denshi/sessions/* 2>/dev/null'
answers "$ask_password" wrong-1 'ogin:' d-maker01 "$ask_password" "$(login_of $user)" '\$ $' exit
converse login $user
check "login: a wrong one, told with the attempts left, then the right one" says 'attempts left: 5' ''
new_user d-first01
answers "$ask_password" hatsu1234 "$ask_current" hatsu1234 "$ask_new" short "$ask_again" short \
	"$ask_new" Suika-11-ie "$ask_again" Suika-11-ie '\$ $' exit
converse login d-first01
check "login: the first one changes the password" says 'login password was changed' ''
check "login: a broken rule is named" says 'at least one half-width digit' ''
answers "$ask_password" Suika-11-ie '\$ $' exit
converse login d-first01
check "login: the second asks for nothing more" done_well

# ---- su ----
answers "$ask_password" "$(login_of $user)"
converse runuser -u nobody -- su $user -c 'id -un'
check "su: in" says '^d-maker01' ''
answers "$ask_password" wrong-2
converse runuser -u nobody -- su $user -c 'id -un'
check "su: a wrong one" says 'attempts left: 5' ''
check "su: one attempt" equals "$(taken $user)" 1
answers 'assword: $' whatever-1
converse runuser -u nobody -- su d-nobody1 -c id
check "su: a name that nobody has" refused
run su $user -c 'id -un' </dev/null
check "su: root is asked for nothing" says '^d-maker01' ''
clear_attempts $user
suspend d-plain01
run su d-plain01 -c 'id -un' </dev/null
check "su: but a suspended user isn't entered by root either" says 'suspended' ''
resume d-plain01

# ---- passwd ----
answers "$ask_current" "$(login_of $user)" "$ask_new" Ringo-43-matsu "$ask_again" Ringo-43-matsu
converse runuser -u $user -- passwd
check "passwd: changed" done_well
check "passwd: and the new one is right" bash -c "pamtester denshi $user authenticate <<<Ringo-43-matsu"
answers "$ask_current" wrong-3 "$ask_new" Ringo-44-matsu "$ask_again" Ringo-44-matsu
converse runuser -u $user -- passwd
check "passwd: a wrong current one" refused
check "passwd: counts" equals "$(taken $user)" 1
answers "$ask_current" Ringo-43-matsu "$ask_new" abc "$ask_again" abc "$ask_new" 123 "$ask_again" 123 \
	"$ask_new" maker01 "$ask_again" maker01
converse runuser -u $user -- passwd
check "passwd: every broken rule is named" says 'at least 6 characters.*\[pw-too-short\]' ''
check "passwd: a letter is missing" says 'half-width letter' ''
check "passwd: the login ID is no password" says 'may not be the login ID' ''
run passwd $user </dev/null
check "passwd: root is refused, with the way to do it" says 'denshi unlock d-maker01' ''

# ---- the machine's own users ----
answers 'assword: $' jimoto-1
converse runuser -u nobody -- su jimoto -c 'id -un'
check "a local user gets in as before" says '^jimoto' ''
sandbox-service stop denshid
answers 'assword: $' nezumi-2
converse runuser -u nobody -- su root -c 'id -un'
check "denshid down: root gets in" says '^root' ''
mv "$(dirname "$(find /usr/lib -name pam_unix.so | head -n 1)")/pam_denshi.so" /tmp/
answers 'assword: $' nezumi-2
converse runuser -u nobody -- su root -c 'id -un'
check "the module itself missing: root gets in" says '^root' ''
answers 'assword: $' "$(login_of $user)"
converse runuser -u nobody -- su $user -c 'id -un'
check "but no d- user" refused
summary
