#!/bin/bash
# The session phase: the last login, what failed since, and how it ends (R-LOCK-6, R-LOGOUT-1).
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/services.sh
. "$here/services.sh"
user=d-maker01
password=$(login_of $user)

run pamtester denshi $user open_session close_session
run pamtester -I rhost=192.0.2.7 denshi $user open_session
check "the last login is told: when and by which service" \
	says "last login on this host: $(date -u +%Y-%m-%d) [0-9:]* UTC, denshi$" ''
check "nothing has failed" says_not 'failed attempt' ''
run pamtester denshi $user open_session
check "and from where" says 'UTC, denshi, 192.0.2.7$' ''

for k in 1 2; do pamtester -I rhost=198.51.100.9 denshi $user authenticate <<<"wrong-$k" >/dev/null 2>&1; done
run pamtester denshi $user authenticate <<<"$password"
check "the right one clears two failed attempts" equals "$(taken $user)" 0
sandbox-service stop denshid
sandbox-service start denshid
run pamtester denshi $user authenticate open_session <<<"$password"
check "the next session tells them, also after a restart of denshid" says '2 failed attempt' ''
check "with time, host, service and from where" says 'latest: .*sandbox.denshi.test denshi 198.51.100.9' ''
run pamtester denshi $user authenticate open_session <<<"$password"
check "once" says_not 'failed attempt' ''

for k in 3 4 5; do pamtester denshi $user authenticate <<<"wrong-$k" >/dev/null 2>&1; done
run pamtester denshi $user open_session
check "a session without a password tells those on record" says '3 failed attempt' ''
check "and clears none" equals "$(taken $user)" 3
run pamtester denshi $user authenticate <<<"$password"

run pamtester denshi root open_session
check "root's session is nobody's business here" says_not 'last login on this host' ''
run runuser -u nobody -- pamtester denshi $user open_session
check "only root may say that there was a login" refused
check "the files are denshid's alone" equals "$(stat -c '%U %a' /var/lib/denshi/last)" 'denshi 700'
mount -t tmpfs -o size=4k,nr_inodes=1 full /var/lib/denshi/last
run pamtester denshi $user open_session
check "no room for it costs no login" done_well
umount /var/lib/denshi/last

# Two steps: leaving the business ends the approval session, leaving the login everything.
common_files
approver=d-appr001
answers "$ask_password" "$(login_of $approver)" '\$ $' 'denshi logout --business' '\$ $' \
	'denshi approve r-none; denshi logout --business' '\$ $' 'denshi logout; echo left=$?' '\$ $' exit
converse login $approver
check "leaving the business" says 'approval session is ended' ''
check "and then the login" says 'left=0' ''
check "nothing is left of the session" sh -c '! grep -l d-appr001 /run/denshi/sessions/* 2>/dev/null'
summary
