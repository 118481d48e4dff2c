#!/bin/bash
# A watch of the directory (RFC 4533) tells of every change, whatever else is asked on its
# connection meanwhile; and it ends where the server answers no more. 30 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
told=$DENSHI_BUILD/tests/told
users=1000

watching() { # OPTION... WANTED: in the background, until it is in the persist phase
	"$told" "${@:1:$#-1}" "$DENSHI_LDAP_URI" acme ou=prepared "${!#}" >"$DENSHI_SANDBOX/told" 2>&1 &
	watcher=$!
	await 10 grep -q refreshed "$DENSHI_SANDBOX/told"
}
watched() { # $ended: what it said in the end
	wait $watcher
	ended=$(tail -n 1 "$DENSHI_SANDBOX/told")
}
names() { seq -f 'uid=d-w%05.0f,ou=prepared,o=acme' $users; }
add() {
	names | while IFS= read -r dn; do
		uid=${dn%%,*} uid=${uid#uid=}
		printf 'dn: %s\nobjectClass: inetOrgPerson\nobjectClass: denshiUser\nuid: %s\ncn: W\nsn: w\n' "$dn" "$uid"
		printf 'mail: %s@acme.example\ndenshiRole: general\n' "$uid"
		printf 'denshiPreparedBy: uid=d-master1,ou=people,o=acme\n\n'
	done | root ldapadd >/dev/null
}
change() { names | sed 's/.*/dn: &\nchangetype: modify\nreplace: sn\nsn: x\n/' | root ldapmodify >/dev/null; }
delete() { names | root ldapdelete >/dev/null; }

for questions in 0 20; do
	for what in add change delete; do
		watching -q $questions $users
		$what
		watched
		check "$what, $questions questions in between: '$ended'" equals "$ended" "told $users of $users: ok"
	done
done

# ---- a server that is there and doesn't answer ---------------------------------------------------
slapd=$(cat "$DENSHI_SANDBOX/slapd.pid")
watching -q 1 1
kill -STOP "$slapd"
began=$SECONDS
watched
took=$((SECONDS - began))
kill -CONT "$slapd"
check "frozen: the watch ends, as the questions do: '$ended'" equals "$ended" 'told 0 of 1: directory-down'
check "within the time of an operation, $took s" test $took -le 6
summary
