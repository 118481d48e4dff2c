#!/bin/bash
# A directory that is full in the middle of a user update, its map or its disk: the
# master is told, no reader sees half of it, and with room again the next update
# finishes it. 20 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
users=1000
approval=$(approval_of d-master1)
config=/var/lib/denshi-server/directory/config
data=$(readlink -f /var/lib/denshi-server/directory/data)

master() { runuser -u d-master1 -- denshi "$@"; }
update() { master user-update --yes --password-fd 0 <<<"$approval"; }
prepare() { # LETTER: new users
	awk -v N=$users -v L="$1" 'BEGIN {
		for (i = 1; i <= N; i++)
			printf "dn: uid=d-%s%05d,ou=prepared,o=acme\nobjectClass: inetOrgPerson\nobjectClass: denshiUser\n" \
				"uid: d-%s%05d\ncn: Full %d\nsn: x\nmail: f%d@acme.example\ndenshiRole: general\n" \
				"denshiPreparedBy: uid=d-master1,ou=people,o=acme\n\n", L, i, L, i, i, i
	}' | ldapadd -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" >/dev/null 2>&1
}
seen() { getent passwd | grep -c "^d-$1[0-9]"; }
used() { du -B 4096 "$data/data.mdb" | cut -f 1; } # pages
as_openldap() { setpriv --reuid=openldap --regid=openldap --clear-groups "$@"; }

slapd_back() {
	sandbox-service start slapd >/dev/null 2>&1
	await 15 sh -c 'runuser -u d-master1 -- denshi status | grep -q reachable'
}
map_size() { # BYTES, while slapd is stopped
	as_openldap slapmodify -n 0 -F "$config" <<-EOF
		dn: olcDatabase={1}mdb,cn=config
		changetype: modify
		replace: olcDbMaxSize
		olcDbMaxSize: $1
	EOF
}

full() { # WHAT LETTER: an update into a directory that is full now
	run update
	check "$1: the update says that there is no room" says directory-full ''
	check "$1: status 1" status_is 1
	check "$1: nobody of it is in force" equals "$(seen "$2")" 0
	run getent passwd d-maker01
	check "$1: whoever was in force is" done_well
	for _ in 1 2 3 4; do # in quick succession: several of them within a second
		run update
		check "$1: again, it says so again" says directory-full ''
	done
	check "$1: still nobody" equals "$(seen "$2")" 0
}
room() { # WHAT LETTER: there is room again
	run master user-update --dry-run
	check "$1: with room again, it is pending" status_is 1
	run update
	check "$1: and done as a whole" says "user update done: serial [0-9]+ is in force, $users change" ''
	await 5 test "$(seen "$2")" = $users
	check "$1: all of it" equals "$(seen "$2")" $users
	run master user-update --dry-run
	check "$1: nothing is left over" done_well
}

# ---- the map (MDB_MAP_FULL) --------------------------------------------------------------
prepare m
sandbox-service stop slapd
map_size $((($(used) + 100) * 4096))
slapd_back
full "the map is full" m
sandbox-service stop slapd
map_size 4294967296
slapd_back
room "the map" m

# ---- the disk ----------------------------------------------------------------------------------
prepare d
sandbox-service stop slapd
cp -a "$data" "$DENSHI_SANDBOX/data"
mount -t tmpfs -o "size=$((($(used) + 120) * 4))k,mode=700" small "$data"
cp -a --sparse=always "$DENSHI_SANDBOX/data/." "$data/"
chown -R openldap:openldap "$data"
slapd_back
full "the disk is full" d
mount -o remount,size=1g "$data"
room "the disk" d
summary
