#!/bin/bash
# sudo's approval plugin and the library for programs, with the real sudo and a program built by pkg-config: an approval of
# exactly this command line, as this user, on this host. About 15 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/services.sh
. "$here/services.sh"
# shellcheck source=tests/approvals.sh
. "$here/approvals.sh"
common_files
user=d-maker01 approver=d-appr001

# ---- as docs/approval.md has it, from nothing ----
run as_master business add sudo --label-en "Commands as root" --label-ja "管理コマンド" --self-approval no
check "a business for commands" done_well
run as_master authority give $user sudo.maker --yes
check "who asks" done_well
run as_master authority give $approver sudo.approver --yes
check "who approves" done_well
await 10 sh -c "id $approver | grep -q sudo.approver"
cat >/etc/sudoers.d/denshi <<'END'
%sudo.maker ALL = (ALL) NOPASSWD: ALL
END
chmod 440 /etc/sudoers.d/denshi
echo 'Plugin denshi_approval denshi_approval.so business=sudo' >>/etc/sudo.conf
as_user() { runuser -u "$1" -- sudo -n "${@:2}"; }
run as_user $user id -un
check "refused without an approval" refused
check "sudo prints how to ask for it" says 'denshi request sudo --run-as root -- /usr/bin/id -un' ''
LANG=ja_JP.UTF-8 run as_user $user id -un
check "in Japanese where that is the user's locale" says '承認' ''
how=$(sed -n 's/.*: denshi \(request.*\) \[.*/\1/p' <<<"$out")
# shellcheck disable=SC2086
run as $user $how
check "what it prints is what to run" done_well
id=$(grep -oE 'r-[a-z0-9]+' <<<"$out" | head -n 1)
run as_user $user id -un
check "waiting isn't approved" says "request $id is waiting" ''
run approve $approver "$id"
check "the approver sees the command" says 'command=/usr/bin/id -un' ''
check "as whom" says 'runas=root' ''
check "and where" says 'host=sandbox.denshi.test' ''
for other in "id -u" "id -un -r" "id" "whoami" "-u d-plain01 id -un" "/bin/sh -c id"; do
	# shellcheck disable=SC2086
	run as_user $user $other
	check "approved for another command: $other" refused
done
check "nothing was used up by that" equals "$(state_of "$id")" approved
run as_user $user id -un
check "the one that was approved is run" says '^root$' ''
check "and tells by whom" says "approved by $approver, request $id" ''
run as_user $user id -un
check "once" refused
ask() { # COMMAND...: asked for and approved
	request $user sudo --subject "test" "$@"
	approve_quietly $approver "$id"
}
ask -- sh -c "echo 'a  b' \"\$HOME\" *"
run as_user $user sh -c "echo 'a  b' \"\$HOME\" *"
check "words with blanks, quotes and patterns" says 'a  b /root' ''
ask --run-as d-plain01 --command id -un
run as_user $user -u d-plain01 id -un
check "as another user" says '^d-plain01$' ''
ask --for directory=/tmp -- id -un
run runuser -u $user -- sh -c 'cd / && sudo -n id -un'
check "bound to a folder: not in another" refused
run runuser -u $user -- sh -c 'cd /tmp && sudo -n id -un'
check "but in that" says '^root$' ''
request $user sudo --subject "for another host" --for host=other.example -- id -un
approve_quietly $approver "$id"
run as_user $user id -un
check "bound to another host: refused" refused
request $user sudo --subject "no command"
approve_quietly $approver "$id"
run as_user $user id -un
check "bound to no command: refused" refused
ask -- "$(command -v id)" -un
run as_user $user -e /etc/hosts
check "sudoedit can't be approved" says 'sudoedit' ''
run sudo -n id -un
check "root isn't asked" says '^root$' ''
useradd -m jimoto 2>/dev/null
echo 'jimoto ALL = NOPASSWD: ALL' >>/etc/sudoers.d/denshi
run runuser -u jimoto -- sudo -n id -un
check "nor are the machine's own users" says '^root$' ''
sandbox-service stop denshid
run as_user $user id -un
check "denshid down: refused" refused
sandbox-service start denshid
await 20 sh -c "runuser -u $user -- denshi status | grep -q reachable"
sed -i 's/business=sudo$/business=sudo nonsense=1/' /etc/sudo.conf
run as_user $user id -un
check "a mistake in sudo.conf: sudo runs nothing" refused
check "and says what is allowed" says 'found nonsense=1' ''
sed -i 's/ nonsense=1/ within=1h/' /etc/sudo.conf
ask -- id -g
for k in 1 2; do
	run as_user $user id -g
	check "within=1h, time $k" says '^0$' ''
done
run sudo -V
check "sudo -V names it" says 'denshi approval plugin version' ''
run nm -D --defined-only /usr/libexec/sudo/denshi_approval.so
check "it shows one symbol" equals "$(wc -l <<<"$out")" 1
sed -i '/denshi_approval/d' /etc/sudo.conf

# ---- a program of one's own ----
cp /usr/share/denshi/examples/example.c /tmp/
# shellcheck disable=SC2046
run cc -Wall -Wextra -Werror -o /tmp/transfer /tmp/example.c $(pkg-config --cflags --libs denshi)
check "the example compiles with pkg-config" done_well
check "and as C++" clang -fsyntax-only -x c++ /tmp/example.c
program() { run runuser -u "$1" -- /tmp/transfer "${@:2}"; }
program $user $user 001-1234567
check "the program: refused without an approval" status_is 1
check "it says how to get one" says 'denshi request transfer --account 001-1234567' ''
request $user transfer --account 001-1234567 --subject "by program"
approve_quietly $approver "$id"
program $user $user 002-7654321
check "not for another account" status_is 1
program d-plain01 $user 001-1234567
check "not by another user" says 'not-permitted' ''
program $user $user 001-1234567
check "with one it does it" says 'transferred from 001-1234567' ''
program $user $user 001-1234567
check "once" status_is 1
program $user nonsense 001-1234567
check "a login ID that is none" says 'bad-request' ''
run as $user check-approval transfer
check "check-approval: 1 where there is none" status_is 1
request $user transfer --subject x
approve_quietly $approver "$id"
run as $user check-approval transfer
check "check-approval: 0 where there is one" status_is 0
run as $user check-approval transfer --json
check "in JSON" says "\"id\": \"$id\"" ''
run as $user check-approval transfer --use
check "--use uses it" status_is 0
run as $user check-approval transfer --use
check "up" status_is 1
run as d-plain01 check-approval inquiry
check "an approval-free business: by authority alone" status_is "$(id d-plain01 | grep -q inquiry.use && echo 0 || echo 1)"
run as d-master1 check-approval inquiry --account 001-1234567
check "which is allowed where it is held" says 'inquiry.use' ''
run as d-appr001 check-approval inquiry
check "and refused where it isn't" says 'authority-needed' ''
check "and recorded" grep -q 'event=approval-use user=d-master1 business=inquiry account=001-1234567.*result=allowed' "$DENSHI_SANDBOX/denshid.log"
sandbox-service stop denshid
run as $user check-approval transfer
check "check-approval: 3 where it can't be asked" status_is 3
program $user $user 001-1234567
check "the program: refused when denshid is down" status_is 1
summary
