#!/bin/bash
# sandbox: outside
# libnss_denshi beside sssd and nscd, which are fetched, and installed in the sandbox only
# (libnss_denshi(8)). About 10 s.
#
# Without a package server they are left out; DENSHI_OTHER_SERVERS=1 (the CI sets it) makes
# that a failure.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
project=$(dirname "$here")
if [ -z "${DENSHI_SANDBOX:-}" ]; then
	B=$(cd "$project" && cd "${B:-build}" && pwd) || exit 2
	"$project/bench/packages" "$B/packages" nscd libnss-extrausers libnss-sss sssd-common sssd-proxy
	export B
	exec "$here/sandbox" --populated --fast --language en -- "$0"
fi
language=en
export LANG=C.UTF-8
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
data=$DENSHI_SANDBOX/peers
mkdir "$data"
die() { echo "nss-beside: $*" >&2; exit 2; }
service() { sed -i -E "s/^(passwd|group):.*/\1: $1/" /etc/nsswitch.conf; }
# shellcheck source=bench/peers.sh
. "$project/bench/peers.sh"
trap end_peers EXIT
unpack_peers "$DENSHI_BUILD/packages"

authority() { # give|take LOGIN AUTHORITY
	run runuser -u d-master1 -- denshi authority "$@" --yes --password-fd 0 <<<"$(approval_of d-master1)"
}
finds_denshi() { getent passwd d-maker01 >/dev/null && id d-appr001 | grep -q transfer.approver; }
finds_other() { getent passwd soto01 | grep -q :70001: && id soto01 | grep -q soto-g; }
left_out() { # WHAT
	[ -n "${DENSHI_OTHER_SERVERS:-}" ] || { echo "$1 is left out"; return; }
	check "$1 is there" false
}

# ---- sssd ----
printf 'soto01:x:70001:70000:Soto:/home/soto01:/bin/sh\nd-u000001:x:70002:70000:Nise:/home/nise:/bin/sh\n' >"$data/passwd"
printf 'soto-g:x:70000:soto01\n' >"$data/group"
if peer_extrausers && peer_sssd; then
	for line in 'files sss denshi' 'files denshi sss' 'files systemd denshi sss'; do
		service "$line"
		check "$line: denshi's users" finds_denshi
		check "$line: sssd's" finds_other
		run getent passwd d-nobody99
		check "$line: who isn't there" status_is 2
	done
	check "who is sssd's alone isn't denshi's" sh -c '! getent -s denshi passwd soto01'
	# Gone, it answers nobody: denshi's are found all the same.
	mapfile -t stopped < <(pgrep -P "${peer_pids[0]}"; echo "${peer_pids[0]}")
	kill -STOP "${stopped[@]}"
	service 'files denshi sss'
	check "sssd hangs: denshi's users, at once" timeout 2 getent passwd d-maker01
	kill -CONT "${stopped[@]}"
	end_peers
	wait
	service 'files sss denshi'
	check "sssd is gone: denshi's users" finds_denshi
else
	left_out sssd
fi
peer_pids=()
service 'files denshi'

# ---- nscd ----
if peer_nscd && peer_daemon /run/nscd/socket nscd -F -f "$data/nscd.conf"; then
	check "nscd: denshi's users" finds_denshi
	check "its tables have them" sh -c "nscd -g -f '$data/nscd.conf' | grep -A 12 'passwd cache' | grep -qE '[1-9][0-9]* +cache (misses|hits) on positive'"
	run id d-plain01
	check "without the authority" says_not 'acct.001-1234567' ''
	authority give d-plain01 acct.001-1234567
	check "given" done_well
	check "in denshi's own tables" await 5 sh -c 'getent -s denshi initgroups d-plain01 | grep -q "$(getent -s denshi group acct.001-1234567 | cut -d: -f3)"'
	# What denshi-nscd.path has done at each new snapshot.
	sed -n 's/^ExecStart=//p' "$project/etc/denshi-nscd.service" >"$data/forget"
	check "the unit says what to do" equals "$(wc -l <"$data/forget")" 2
	run sh -e "$data/forget"
	check "nscd takes the order" done_well
	check "and has the new authority" await 2 sh -c 'id d-plain01 | grep -q acct.001-1234567'
	sandbox-service stop slapd
	check "the directory is down: as before" finds_denshi
	sandbox-service start slapd
	end_peers
	wait
	rm -f /run/nscd/socket
	check "nscd is gone: as before" finds_denshi
else
	left_out nscd
fi
summary
