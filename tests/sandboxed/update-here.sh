#!/bin/bash
# A command that has put something in force answers when this host has it too: a script goes on at
# once. It doesn't wait for a host that can't follow. denshid's renaming of the snapshot is slowed
# down. 15 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
approval=$(approval_of d-master1)

master() { runuser -u d-master1 -- denshi "$@"; }
update() { master user-update --yes --password-fd 0 <<<"$approval"; }
create() { master user create "$1" --name Here --mail "$1@acme.example" --password-fd 0 --yes <<<hatsu1234 >/dev/null; }
is_traced() { grep -q '^TracerPid:.[1-9]' "/proc/$(cat "$DENSHI_SANDBOX/denshid.pid")/status"; }
slow() { # SECONDS: each snapshot of denshid's takes so much longer
	strace -f -qq -o /dev/null -e trace=/^rename -e inject=/^rename:delay_enter="$1"s \
		-p "$(cat "$DENSHI_SANDBOX/denshid.pid")" 2>/dev/null &
	tracer=$!
	await 5 is_traced
}
swift() {
	kill $tracer
	wait $tracer
}
groups_of() { id -nG "$1" | tr ' ' '\n'; }

slow 0.4
create d-here001
run update
check "a user update" done_well
run getent passwd d-here001
check "when it says so, the user is there" done_well
run master authority give d-here001 transfer.maker --yes --password-fd 0 <<<"$approval"
check "an authority" done_well
run groups_of d-here001
check "it is there too" says '^transfer.maker$' ''
swift

slow 3
create d-here002
began=$SECONDS
run update
took=$((SECONDS - began))
check "a host that lags: the update is done all the same" says 'user update done' ''
check "and its answer comes in time: $took s" test $took -le 3
run getent passwd d-here002
check "though the user isn't here yet" status_is 2
await 10 getent passwd d-here002 >/dev/null
run getent passwd d-here002
check "and comes" done_well
swift
summary
