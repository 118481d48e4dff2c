#!/bin/bash
# sandbox: outside
# The sandbox itself: nothing of it is left outside, its command's status comes
# through, and it is quick also with many users.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en DENSHI_SANDBOX=/nonexistent
# shellcheck source=tests/checks.sh
. "$here/checks.sh"

outside() {
	find /etc /var/lib /usr/lib/*/security /run -xdev \( -name '*denshi*' -o -newer "$stamp" -type f \) 2>/dev/null |
		grep -v -e ^/run/ -e ^/etc/mtab | sort
	cksum /etc/passwd /etc/group /etc/nsswitch.conf
	mount | sort
}
stamp=$(mktemp) running=$(pgrep -x denshid | sort)
before=$(outside)
run "$here/sandbox" -- sh -c 'touch /etc/sandboxed /usr/bin/sandboxed && id d-master1 && exit 7'
check "the command's status comes through" status_is 7
check "denshi is there, inside" says 'd-master1' ''
check "nothing changed outside" equals "$(outside)" "$before"
check "and nothing runs on" equals "$(pgrep -x denshid | sort)" "$running"

from=$(date +%s%N)
run "$here/sandbox" --users 10000 -- sh -c 'getent passwd d-u010000 && id d-u000020'
took_ms=$((($(date +%s%N) - from) / 1000000))
check "10,000 users" done_well
check "10,000 users: in under 20 s ($took_ms ms)" at_most "$took_ms" 20000
check "grouped as the figures want them" says 'd-g[0-9]+.*d-g[0-9]+' ''
check "a user in 20 groups" equals "$(grep -o '(d-g[0-9]*)' <<<"$out" | wc -l)" 20
rm -f "$stamp"
summary
