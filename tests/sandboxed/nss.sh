#!/bin/bash
# sandbox: outside
# libnss_denshi in the programs that ask it, on three hosts: id, ls, find, sudo, a static program, a
# setuid one, one in a chroot; beside systemd's modules and nscd; while the directory is down.
# (R-AUTH-6, R-ALL-1, R-ID-2). About 40 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[ -n "${DENSHI_SANDBOX:-}" ] || exec "$here/sandbox" --users 200 --populated --fast --hosts 3 --language en -- "$0"
language=en
export LANG=C.UTF-8
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
hosts=(h1 h2 h3)

authority() { # give|take LOGIN AUTHORITY
	run runuser -u d-master1 -- denshi authority "$@" --yes --password-fd 0 <<<"$(approval_of d-master1)"
}
service() { sed -i -E "s/^(passwd|group):.*/\1: $1/" /etc/nsswitch.conf; }
finds() { getent passwd d-maker01 >/dev/null && id d-appr001 | grep -q transfer.approver; }

# ---- a change, seen on each of three hosts ----
for what in give take give; do
	authority $what d-plain01 acct.001-1234567
	check "$what on the directory's machine" done_well
	for host in "${hosts[@]}"; do
		if [ $what = give ]; then
			check "given, seen on $host" await 5 sandbox-host "$host" sh -c 'id d-plain01 | grep -q acct.001-1234567'
		else
			check "taken, seen on $host" await 5 sandbox-host "$host" sh -c '! id d-plain01 | grep -q acct.001-1234567'
		fi
	done
done
run sandbox-host h2 denshi snapshot check
check "a host's snapshot is sound" done_well
run sandbox-host h3 sh -c 'getent passwd | grep -c ^d-'
check "all users on h3" says '^205$' ''

# ---- programs ----
mkdir "$DENSHI_SANDBOX/files"
for n in 1 2 3; do : >"$DENSHI_SANDBOX/files/$n"; chown $((200000 + n)):200000 "$DENSHI_SANDBOX/files/$n"; done
run ls -l "$DENSHI_SANDBOX/files"
check "ls -l has the owners' names" says 'd-u000002 ' ''
run find "$DENSHI_SANDBOX/files" -user d-u000003
check "find -user" says '/files/3$' ''
run sh -c 'cd "$DENSHI_SANDBOX/files" && chown d-u000009:transfer.maker 1 && stat -c "%U %G" 1'
check "chown and stat by name" says '^d-u000009 transfer.maker$' ''
run id -Gn d-appr001
check "id -Gn" says 'transfer.approver' ''
run getent group transfer.maker
check "getent group" says '^transfer.maker:x:[0-9]+:.*d-maker01' ''
run getent initgroups d-appr001
check "getent initgroups" says '^d-appr001' ''
run sudo -l -U d-appr001
check "sudo -l -U knows the user" says 'd-appr001' ''
echo '%transfer.approver ALL = (root) NOPASSWD: /usr/bin/id' >/etc/sudoers.d/bench && chmod 440 /etc/sudoers.d/bench
run sudo -l -U d-appr001
check "sudoers: an authority is a group" says 'NOPASSWD: /usr/bin/id' ''
rm /etc/sudoers.d/bench
run runuser -u d-maker01 -- id -un
check "runuser" says '^d-maker01$' ''
# a setuid program, started by a user who is denshi's: the module runs with root's rights
cp /usr/bin/id "$DENSHI_SANDBOX/setuid-id" && chmod 4755 "$DENSHI_SANDBOX/setuid-id"
run runuser -u d-maker01 -- "$DENSHI_SANDBOX/setuid-id"
check "a setuid program" says 'uid=[0-9]+\(d-maker01\).* euid=0\(root\)' ''

# ---- programs linked in other ways ----
cat >"$DENSHI_SANDBOX/ask.c" <<'END'
#include <dlfcn.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	struct passwd *pw = getpwnam("d-maker01");
	if (argc > 1 && (chroot(argv[1]) != 0 || chdir("/") != 0))
		return 3;
	/* mapped before: goes on, in the other root too */
	pw = pw ? getpwnam("d-appr001") : NULL;
	printf("%s\n", pw ? pw->pw_name : "nobody");
	return pw ? 0 : 1;
}
END
if cc -o "$DENSHI_SANDBOX/ask" "$DENSHI_SANDBOX/ask.c" 2>/dev/null; then
	run "$DENSHI_SANDBOX/ask"
	check "an ordinary program" says '^d-appr001$' ''
	mkdir -p "$DENSHI_SANDBOX/root/etc" && cp /etc/nsswitch.conf "$DENSHI_SANDBOX/root/etc/"
	run "$DENSHI_SANDBOX/ask" "$DENSHI_SANDBOX/root"
	check "one that goes into a chroot after its first lookup" says '^d-appr001$' ''
	for how in -static -static-pie; do
		cc $how -o "$DENSHI_SANDBOX/ask$how" "$DENSHI_SANDBOX/ask.c" 2>/dev/null || continue
		run "$DENSHI_SANDBOX/ask$how"
		check "a program linked $how" says '^d-appr001$' ''
	done
fi

# ---- beside other services ----
for line in 'files systemd denshi' 'denshi files systemd' 'files denshi' 'denshi' 'files compat denshi'; do
	service "$line"
	check "nsswitch: $line" finds
done
service 'files denshi'
run getent passwd root
check "root is of files" says '^root:x:0:0' ''
run getent passwd d-nobody99
check "who isn't there: status 2" status_is 2

# ---- the directory is down: lookups never wait ----
sandbox-service stop slapd
from=$(date +%s%N)
for k in 1 2 3 4 5 6 7 8 9 10; do getent passwd d-maker01 >/dev/null || break; done
check "slapd down: found, ten times" equals "$k" 10
check "slapd down: none of them waited" at_most $((($(date +%s%N) - from) / 1000000)) 2000
for k in 1 2 3; do getent passwd d-nobody9$k >/dev/null; done
check "slapd down: nor did those not found" at_most $((($(date +%s%N) - from) / 1000000)) 3000
sandbox-service stop denshid
check "denshid down too" finds
sandbox-service start slapd
sandbox-service start denshid
authority take d-plain01 acct.001-1234567
check "back: a change" done_well
for host in "${hosts[@]}"; do
	check "back: seen on $host" await 20 sandbox-host "$host" sh -c '! id d-plain01 | grep -q acct.001-1234567'
done
summary
