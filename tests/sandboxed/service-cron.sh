#!/bin/bash
# cron(8): no conversation, the account phase only. Jobs of @reboot run when it starts.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/services.sh
. "$here/services.sh"
common_files
work=/tmp/jobs
mkdir -m 1777 $work
new_user d-first01
suspend d-both001
for k in 1 2 3 4 5 6; do pamtester denshi d-plain01 authenticate <<<"wrong-$k" >/dev/null 2>&1; done

crond() { # runs @reboot jobs of these USERs; ends with root's, the last one
	local u
	rm -f /run/crond.* /var/run/crond.* $work/*
	for u in "$@" root; do echo "@reboot $u id -un >$work/$u"; done >/etc/cron.d/denshi
	/usr/sbin/cron -f >>"$DENSHI_SANDBOX/cron.log" 2>&1 </dev/null &
	await 10 test -s $work/root
	sleep 1.5
	kill $!
}
crond d-maker01 d-first01 d-both001 d-plain01
check "root's job runs" test -s $work/root
check "that of a user in force runs" grep -qx d-maker01 $work/d-maker01
check "not that of one who has to change the password" test ! -e $work/d-first01
check "nor of a suspended one" test ! -e $work/d-both001
check "nor of a locked one" test ! -e $work/d-plain01
check "the account phase decided" grep -q 'event=account user=d-both001 result=suspended service=cron' \
	"$DENSHI_SANDBOX/denshid.log"
check "no session was opened" sh -c '! grep -q "event=session-open.*service=cron" "$DENSHI_SANDBOX/denshid.log"'
sandbox-service stop denshid
crond d-maker01
check "denshid down: root's job runs" test -s $work/root
check "denshid down: no d- user's" test ! -e $work/d-maker01
summary
