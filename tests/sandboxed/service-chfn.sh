#!/bin/bash
# chfn(1), a setuid program: it authenticates d- users by denshi, and changes nothing of them,
# for they are no entry of /etc/passwd.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/services.sh
. "$here/services.sh"
common_files
user=d-maker01
before=$(getent passwd $user)
answers "$ask_password" "$(login_of $user)"
converse runuser -u $user -- chfn -w 5
check "the right password: on to the entry, which isn't there" says 'passwd' ''
check "it was evaluated by denshi" grep -q "user=$user result=ok service=chfn" "$DENSHI_SANDBOX/denshid.log"
check "and nothing is changed" equals "$(getent passwd $user)" "$before"
answers "$ask_password" wrong-1
converse runuser -u $user -- chfn -w 5
check "a wrong one: refused" says 'attempts left: 5' ''
check "one attempt" equals "$(taken $user)" 1
suspend d-plain01
answers "$ask_password" "$(login_of d-plain01)"
converse runuser -u d-plain01 -- chfn -w 5
check "suspended: refused" says 'suspended' ''

useradd -m -p "$(openssl passwd -6 jimoto-1)" jimoto
answers 'assword: $' jimoto-1
converse runuser -u jimoto -- chfn -w 5
check "a local user's entry is changed as ever" sh -c 'getent passwd jimoto | grep -q ",5"'
summary
