#!/bin/bash
# The replica and its snapshot: restarts, a directory that is away, settings, a mass drop, damage
# (R-ALL-1, R-ALL-5, R-AUTH-6). About 40 s.
# sandbox: outside
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if [ "${1:-}" != --inside ]; then
	exec "$here/sandbox" --users 60 --populated --fast --language en -- "$here/sandboxed/snapshot.sh" --inside
fi
language=en
export LANG=C.UTF-8
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
snapshot=/var/lib/denshi/snapshot
log=$DENSHI_SANDBOX/denshid.log

authority() { # give|take LOGIN AUTHORITY
	run runuser -u d-master1 -- denshi authority "$@" --yes --password-fd 0 <<<"$(approval_of d-master1)"
}
is_in() { id "$1" 2>/dev/null | grep -q "$2"; }
isnt_in() { ! is_in "$@"; }
restart() { sandbox-service stop denshid && sandbox-service start denshid; }
last() { out=$(grep "$1" "$log" | tail -n 1); } # PATTERN
reload() { kill -HUP "$(cat "$DENSHI_SANDBOX/denshid.pid")"; }
setting() { # NAME VALUE
	sed -i "/^$1 *=/d" /etc/denshi/denshi.conf && echo "$1 = $2;" >>/etc/denshi/denshi.conf
}
users() { getent passwd | grep -c '^d-'; }
serial() { denshi snapshot check --json | grep -o '"serial": *[0-9]*' | grep -o '[0-9]*$'; }

# ---- what is in it ----
run denshi snapshot check
check "the snapshot is sound" says '^/var/lib/denshi/snapshot is sound: serial [0-9]+, 65 users, [0-9]+ groups' ''
run denshi snapshot dump
check "dump: its first line" says '^serial [0-9]+	created=.*	users=65	.*	resumable=true' ''
check "dump: a user" says '^login d-appr001	uid=[0-9]+	.*	flags=approver	groups=.*transfer.approver.*	entry_uuid=[-0-9a-f]{36}	serial=[0-9]+' ''
check "dump: a group" says '^group transfer.approver	gid=[0-9]+	members=.*d-appr001' ''
run denshi snapshot dump --json
check "dump in JSON, an object a line" says '^\{"login":"d-maker01",.*\}$' ''
run denshi snapshot check /etc/passwd
check "another file is none" refused
run denshi snapshot accept seven
check "accept: a serial is a number" says 'cli-snapshot-serial' ''

# ---- a restart asks for what has changed, no more ----
before=$(stat -c %i "$snapshot")
restart
await 5 grep -q 'replica: goes on' "$log"
last 'replica: '
check "restarted: only what has changed is told" says 'goes on from serial [0-9]+, [0-2] entries' ''
check "and nothing is written anew" equals "$(stat -c %i "$snapshot")" "$before"
authority give d-plain01 acct.001-1234567
check "a change of one user" done_well
check "it is seen" await 5 is_in d-plain01 acct.001-1234567
check "and of everybody else nothing is lost" equals "$(users)" 65

# what happened while denshid was away: it is told, in whichever way the server does
sandbox-service stop denshid
cp -p "$snapshot" "$DENSHI_SANDBOX/older"
sandbox-service start denshid
authority take d-plain01 acct.001-1234567
check "taken away again" await 5 isnt_in d-plain01 acct.001-1234567
sandbox-service stop denshid
cp -p "$DENSHI_SANDBOX/older" "$snapshot"
sandbox-service start denshid
check "an older snapshot: goes on from there" await 5 isnt_in d-plain01 acct.001-1234567
last 'replica: '
check "with the changes since" says 'goes on from serial' ''
sandbox-service stop denshid
cp -p "$DENSHI_SANDBOX/older" "$snapshot"
# the server's log of changes is in its memory: now it tells what is present
sandbox-service stop slapd
sandbox-service start slapd
sandbox-service start denshid
check "older, and the server forgot its changes" await 5 isnt_in d-plain01 acct.001-1234567
check "nobody is lost" equals "$(users)" 65
run denshi snapshot check
check "it is sound" done_well

# ---- a group that comes into the catalogue later ----
authority give d-maker01 acct.001-1234567
run denshi snapshot check
check "sound after each change" done_well

# ---- the directory is away, at boot and for long ----
sandbox-service stop denshid
sandbox-service stop slapd
sandbox-service start denshid
check "no directory at boot: users are there" is_in d-appr001 transfer.approver
run runuser -u d-master1 -- denshi status
check "status says so" says "can't be reached" ''
sandbox-service start slapd
reached() { ! runuser -u d-master1 -- denshi status | grep -q "can't be reached"; }
check "it comes: the replica finds it by itself" await 12 reached
authority take d-maker01 acct.001-1234567
check "and follows it" await 10 isnt_in d-maker01 acct.001-1234567

# ---- settings that are taken over (SIGHUP) ----
setting enumerate false
reload
check "enumerate = false: getent lists nobody" await 5 sh -c '! getent passwd | grep -q ^d-'
check "but finds everybody" sh -c 'getent passwd d-maker01 >/dev/null && getent group transfer.maker >/dev/null'
setting enumerate true
setting uid_floor 500001
reload
check "uid_floor = 500001 would take most users away: refused too" await 5 grep -q 'would leave 5 of 65' "$log"
check "few of them are named" at_most "$(grep -c "can't be published: Invalid" "$log")" 10
setting max_drop 100
reload
check "with max_drop = 100: who is below is not published" await 5 sh -c '! getent passwd d-u000001'
check "who isn't, is" sh -c 'getent passwd d-maker01 >/dev/null'
setting uid_floor 200000
setting max_drop 50
reload
check "and back" await 5 sh -c 'getent passwd d-u000001'
setting workers '"many"'
reload
check "a wrong line: it goes on as before" await 5 grep -q 'workers.*goes on as before' "$log"
sed -i '/^workers/d' /etc/denshi/denshi.conf

# ---- a mass drop isn't believed ----
members=$(getent group d-g1k)
ldapsearch -LLL -Q -o ldif-wrap=no -Y EXTERNAL -H "$DENSHI_LDAP_URI" -b ou=published,o=acme '(uid=d-u0000*)' dn |
	sed -n 's/^dn: //p' | head -n 50 >"$DENSHI_SANDBOX/dropped"
check "fifty users to drop" equals "$(wc -l <"$DENSHI_SANDBOX/dropped")" 50
(umask 077 && printf %s "$(approval_of d-master1)" >"$DENSHI_SANDBOX/secret")
ldapdelete -x -H "$DENSHI_LDAP_URI" -D cn=approval,uid=d-master1,ou=people,o=acme -y "$DENSHI_SANDBOX/secret" \
	-f "$DENSHI_SANDBOX/dropped"
check "it is told, with what to do" await 15 grep -q 'would leave 15 of 65 users.*denshi snapshot accept' "$log"
check "the users stay" equals "$(users)" 65
check "in their groups too" equals "$(getent group d-g1k)" "$members"
check "it is whole" sh -c 'denshi snapshot check'
run denshi snapshot accept 1
sleep 1.5
check "accepted for another serial: not heeded" equals "$(users)" 65
check "which is told" grep -q 'accept is not for serial' "$log"
check "and taken away" sh -c "! [ -e $snapshot.accept ]"
restart
check "after a restart: still refused" await 5 grep -q 'would leave 15 of 65' <(tail -n 5 "$log")
check "and the users still there" equals "$(users)" 65
run denshi snapshot accept "$(serial)"
check "accepted" done_well
check "they are gone within a second or two" await 5 sh -c '! getent passwd d-u000001'
check "fifteen are left" equals "$(users)" 15
run denshi snapshot check
check "sound" done_well

# ---- nor is a directory that is behind ----
was=$(serial)
point_to() { ldapmodify -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" >/dev/null <<<"dn: cn=serial,ou=published,o=acme
changetype: modify
replace: denshiSerial
denshiSerial: $1"; }
warns() { denshi status | grep -q snapshot-behind; }
point_to $((was - 1))
check "a directory that lags: told" await 5 warns
check "what is in force stays" equals "$(serial)" "$was"
restart
check "after a restart, too" await 5 warns
point_to "$was"
check "caught up: nothing to tell" await 5 sh -c '! denshi status | grep -q snapshot-behind'

# ---- damage, and a writer that dies ----
pid=$(cat "$DENSHI_SANDBOX/denshid.pid")
kill -9 "$pid"
sleep 0.3
check "denshid killed: lookups go on" is_in d-appr001 transfer.approver
: >"$snapshot.new"
sandbox-service start denshid
check "restarted, with a leftover" is_in d-appr001 transfer.approver
sandbox-service stop denshid
printf '\377' | dd of="$snapshot" bs=1 seek=64 conv=notrunc 2>/dev/null
run denshi snapshot check
check "a damaged header: told" says 'cli-snapshot-damaged' ''
check "UNAVAIL, no crash" sh -c '! getent passwd d-maker01'
sandbox-service start denshid
check "denshid makes a new one" await 5 is_in d-appr001 transfer.approver
last 'replica: '
check "of everything" says 'begins at serial' ''
summary
