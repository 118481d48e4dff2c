#!/bin/bash
# R-UPD-2: a user update of 1,000 users that is killed at any step (denshi, denshid or
# slapd, each with kill -9) is finished or undone by the next one, and is never half seen:
# readers that ask all the time, by NSS and over plain LDAP, see the serial before it or
# the whole of the one after. About two minutes.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
users=1000
approval=$(approval_of d-master1)
log=$DENSHI_SANDBOX/slapd.log
ldap=(-Q -Y EXTERNAL -H "$DENSHI_LDAP_URI")

master() { runuser -u d-master1 -- denshi "$@"; }
update() { master user-update --yes --password-fd 0 <<<"$approval"; }
search() { ldapsearch -LLL "${ldap[@]}" -o ldif-wrap=no "$@" 2>/dev/null; }
pid_of() { cat "$DENSHI_SANDBOX/$1.pid"; }
serial() { search -s base -b cn=serial,ou=published,o=acme denshiSerial | sed -n 's/^denshiSerial: //p'; }

# ---- what is prepared: in round 0 new users, then a change of each -------------------------
# Their names say the round. The hash is one that slapd has made: 1,000 would take a minute.
prepare() { # ROUND
	awk -v N=$users -v ROUND="$1" -v HASH="$hash" '
	BEGIN {
		for (i = 1; i <= N; i++) {
			u = sprintf("d-k%05d", i)
			printf "dn: uid=%s,ou=prepared,o=acme\nuid: %s\ncn: Round %d\n" \
				"denshiPreparedBy: uid=d-master1,ou=people,o=acme\n", u, u, ROUND
			if (ROUND > 0)
				printf "objectClass: denshiChange\n\n"
			else
				printf "objectClass: inetOrgPerson\nobjectClass: denshiUser\nsn: x\n" \
					"mail: %s@acme.example\ndenshiRole: general\nuserPassword:: %s\n\n", u, HASH
		}
	}' | ldapadd "${ldap[@]}" >/dev/null 2>&1
}
hash_of_initial() {
	master user create d-hashed01 --name Hash --mail h@acme.example --password-fd 0 --yes >/dev/null <<<hatsu1234
	hash=$(search -s base -b uid=d-hashed01,ou=prepared,o=acme userPassword | sed -n 's/^userPassword:: //p')
	master user delete d-hashed01 --yes >/dev/null
}

# ---- the readers: each line is how many users are seen in which round -----------------------
in_nss() { getent passwd | awk -F : '/^d-k[0-9]/ { n[$5]++ } END { for (r in n) print n[r], r }'; }
# An enumeration goes on in the snapshot that comes meanwhile (libnss_denshi(8)): such a one says nothing here.
in_one_snapshot() {
	local before all
	before=$(stat -c %i /var/lib/denshi/snapshot)
	all=$(in_nss)
	[ "$(stat -c %i /var/lib/denshi/snapshot)" != "$before" ] || echo "$all"
}
# Of the versions not above the pointer, the highest of each user; one search is one
# state of the database. With sync=ro it is the refresh of RFC 4533, as a new host asks it.
in_ldap() { # [OPTION...]
	local all
	# Half an answer, of a slapd that was killed, is none.
	all=$(search "$@" -b ou=published,o=acme '(|(uid=d-k*)(cn=serial))' cn uid displayName denshiSerial) || return
	awk '/^cn: serial$/ { pointer = 1 }
			/^uid: / { uid = $2 }
			/^displayName: / { name = substr($0, 14) }
			/^denshiSerial: / { s = $2 }
			/^$/ {
				if (pointer) in_force = s
				else if (uid != "") { k = ++seen; of[k] = uid; at[k] = s; called[k] = name }
				pointer = 0; uid = ""
			}
			END {
				for (k = 1; k <= seen; k++)
					if (at[k] <= in_force && at[k] >= best[of[k]]) { best[of[k]] = at[k]; is[of[k]] = called[k] }
				for (u in is) n[is[u]]++
				for (r in n) print n[r], r
			}' <<<"$all"$'\n'
}
# whole ROUND WHAT...: what a reader saw is the round before or this one, of all users.
whole() {
	local round=$1
	shift
	case "$*" in
	"$users Round $round" | "$users Round $((round - 1))") return 0 ;;
	'') [ "$round" = 0 ] ;;
	*) return 1 ;;
	esac
}
watch() { # NAME ROUND COMMAND...: until it is ended, and once more
	local name=$1 round=$2 n=0 seen
	shift 2
	while [ ! -e "$DENSHI_SANDBOX/watched" ]; do
		seen=$("$@")
		# Nothing at all is a directory that is down.
		if [ -n "$seen" ] && ! whole "$round" "$seen"; then
			echo "$name, round $round: $seen" >>"$DENSHI_SANDBOX/torn"
		fi
		n=$((n + 1))
		sleep 0.05
	done
	echo $n >>"$DENSHI_SANDBOX/looks"
}

# ---- the steps, as slapd's log tells them --------------------------------------------------
count() { tail -c +"$mark" "$log" | grep -cE "$1"; }
seen_in_log() { # PATTERN COUNT
	[ "$(count "$1")" -ge "$2" ]
}
until_step() { # STEP: waits until the update that is running has come so far
	local pattern count=1 n
	case $1 in
	record) pattern='ADD dn="cn=[0-9]+,ou=updates' ;;
	first) pattern='ADD dn="cn=d-k[^"]*,ou=published' ;;
	half) pattern='ADD dn="cn=d-k[^"]*,ou=published' count=500 ;;
	last) pattern='ADD dn="cn=d-k[^"]*,ou=published' count=$users ;;
	part) pattern='ADD dn="cn=0+9,cn=[0-9]+,ou=updates' ;;
	flip) pattern='DEL dn="(cn=d-k[^"]*,ou=published|uid=d-k[^"]*,ou=prepared)|MOD dn="cn=d-none' ;;
	sweep) pattern='DEL dn="cn=d-k[^"]*,ou=published' count=400 ;;
	esac
	for ((n = 0; n < 2000; n++)); do
		seen_in_log "$pattern" $count && return
		kill -0 "$updating" 2>/dev/null || return
		sleep 0.003
	done
}
kill_it() { # PROGRAM
	local pid
	case $1 in
	denshi) pid=$(pgrep -P "$updating" -x denshi) ;;
	*) pid=$(pid_of "$1") ;;
	esac
	[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null
}
restart() { # PROGRAM
	[ "$1" != denshi ] || return 0
	sandbox-service start "$1" >/dev/null 2>&1
	await 15 sh -c 'runuser -u d-master1 -- denshi status | grep -q reachable'
}

# A change that can't wait doesn't bring half of it into force, nor is it kept out for ever.
suspend_meanwhile() {
	run master user suspend d-plain01 --password-fd 0 <<<"$approval"
	check "$what: a suspension says what is in the way, or is done" \
		done_or 'update-(unfinished|changed-meanwhile|running)'
	[ $rc != 0 ] || master user resume d-plain01 --password-fd 0 <<<"$approval" >/dev/null
}

killed() { # ROUND STEP PROGRAM
	local round=$1 before after
	what="round $1, $3 killed at $2"
	prepare "$round"
	before=$(serial)
	rm -f "$DENSHI_SANDBOX/watched"
	watch NSS "$round" in_one_snapshot &
	local watchers=($!)
	watch LDAP "$round" in_ldap &
	watchers+=($!)
	watch 'RFC 4533' "$round" in_ldap -E sync=ro &
	watchers+=($!)
	mark=$(($(stat -c %s "$log") + 1))
	update >"$DENSHI_SANDBOX/update.out" 2>&1 &
	updating=$!
	until_step "$2"
	kill_it "$3"
	wait $updating
	# Nobody waits for it any more, and it goes on.
	[ "$3" != denshi ] || await 20 in_round "$round"
	restart "$3"
	after=$(serial)
	[ "$after" != "$before" ] || [ "$3" = denshi ] || interrupted=$((interrupted + 1))
	run in_nss
	check "$what: all or none, found '$out'" whole "$round" "$out"
	[ "$2" != half ] || suspend_meanwhile
	run update
	check "$what: the next one finishes it" done_or update-changed-meanwhile
	[ $rc = 0 ] || run update
	await 5 in_round "$round"
	run in_nss
	check "$what: all are in force" equals "$out" "$users Round $round"
	touch "$DENSHI_SANDBOX/watched"
	wait "${watchers[@]}"
	run master user-update --dry-run
	check "$what: nothing is left over" done_well
}
done_or() { [ $rc = 0 ] || grep -qE "$1" <<<"$out"; } # PATTERN of the refusal
in_round() { [ "$(in_nss)" = "$users Round $1" ]; }

hash_of_initial
interrupted=0 round=0
: >"$DENSHI_SANDBOX/torn"
for step in half:denshid record:denshid first:slapd part:slapd last:denshid flip:slapd sweep:denshid half:denshi last:slapd \
	flip:denshid; do
	killed $round "${step%:*}" "${step#*:}"
	round=$((round + 1))
done
check "some were ended before the pointer moved ($interrupted)" test $interrupted -ge 3
check "no reader ever saw half of one: $(head -n 3 "$DENSHI_SANDBOX/torn")" test ! -s "$DENSHI_SANDBOX/torn"
looks=$(awk '{ n += $1 } END { print n + 0 }' "$DENSHI_SANDBOX/looks")
check "and they looked often ($looks)" test "$looks" -ge $((round * 10))

run pamtester denshi d-k00777 authenticate <<<"hatsu1234"
check "a user of an interrupted update logs in with the initial password" done_well

# The next update sweeps what those that were killed have left.
run master user change d-k00001 --name 'Round 99' --yes
run update
check "one more" done_well
run search -s one -b ou=prepared,o=acme dn
check "no prepared change is left" says_nothing
run search -s one -b ou=published,o=acme '(uid=d-k*)' dn
check "one version of each is left" equals "$(grep -c '^dn:' <<<"$out")" $users
run search -s one -b ou=updates,o=acme '(denshiState=running)' dn
check "no record says that it runs" says_nothing
summary
