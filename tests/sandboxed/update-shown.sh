#!/bin/bash
# R-UPD-2: what is put into force is what the master was shown, also where a host changes
# what is prepared between the two: its password, which no row tells, and while the update
# runs. About 10 s.
set -u
# The last command of a pipeline runs in this shell: it counts.
shopt -s lastpipe
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
approval=$(approval_of d-master1)
uri=$DENSHI_LDAP_URI
people=ou=people,o=acme prepared=ou=prepared,o=acme

master() { runuser -u d-master1 -- denshi "$@"; }
update() { master user-update --yes --password-fd 0 <<<"$approval"; }
as_host=(setpriv --reuid=denshi --regid=denshi --groups=denshi-directory)
host() { "${as_host[@]}" "$1" -Q -Y EXTERNAL -H "$uri" "${@:2}"; }
search() { ldapsearch -LLL -Q -Y EXTERNAL -H "$uri" -o ldif-wrap=no "$@" 2>/dev/null; }
modify() { printf 'dn: %s\nchangetype: modify\n%s\n\n' "$1" "$2"; }
create() { master user create "$1" --name Shown --mail "$1@acme.example" --password-fd 0 --yes <<<hatsu1234 >/dev/null; }
not_registered() { [ -z "$(search -b "uid=$1,$people" -s base dn)" ]; }

# ---- between the diff and the password ---------------------------------------------------------
cat >"$DENSHI_SANDBOX/terminal" <<'EOF'
set timeout 20
lassign $argv password go
spawn -noecho {*}[lrange $argv 2 end]
expect -re {pproval password.*: $}
close [open $go w]
while {[file exists $go]} { after 50 }
send "$password\r"
expect {
	-re {This is pending now:.*pproval password.*: $} { send "\003" }
	timeout { exit 124 }
	eof {}
}
catch {expect eof}
exit [lindex [wait] 3]
EOF
# while_shown STATUS COMMAND...: with the diff on the terminal, COMMAND by the host, with the same standard input;
# slapd answers STATUS.
while_shown() {
	local status=$1
	shift
	cat >"$DENSHI_SANDBOX/change"
	(
		await 20 test -e "$DENSHI_SANDBOX/go"
		host "$@" <"$DENSHI_SANDBOX/change" >/dev/null 2>&1
		echo $? >"$DENSHI_SANDBOX/changed"
		rm "$DENSHI_SANDBOX/go"
	) &
	run expect "$DENSHI_SANDBOX/terminal" "$approval" "$DENSHI_SANDBOX/go" runuser -u d-master1 -- denshi user-update
	wait
	check "  (slapd says $status to the host)" equals "$(cat "$DENSHI_SANDBOX/changed")" "$status"
}
# No row tells the password: it is given with the entry, and afterwards no host can write it.
create d-shown01
modify "uid=d-shown01,$prepared" $'replace: userPassword\nuserPassword: rogue-Passw0rd' | while_shown 50 ldapmodify
check "a host can't prepare another password meanwhile" says 'user update done' ''
create d-shown03
printf 'dn: uid=d-shown03,%s\nchangetype: delete\n\ndn: uid=d-shown03,%s\nchangetype: add\nobjectClass: inetOrgPerson\nobjectClass: denshiUser\nuid: d-shown03\ncn: Shown\nsn: Shown\nmail: d-shown03@acme.example\ndenshiRole: general\nuserPassword: rogue-Passw0rd\n' \
	"$prepared" "$prepared" | while_shown 0 ldapmodify
check "another entry that has the same rows, with another password" says 'update-changed-meanwhile' ''
check "is not put into force" not_registered d-shown03
master user delete d-shown03 --yes >/dev/null

# ---- what isn't told is not put in force --------------------------------------------------------
create d-shown02
modify "uid=d-shown02,$prepared" $'add: uid\nuid: d-plain01\n-\nadd: mail\nmail: second@acme.example\n-\nadd: preferredLanguage\npreferredLanguage: ja' |
	host ldapmodify >/dev/null 2>&1
run update
check "the language is shown" says 'd-shown02 +Language' ''
check "done" says 'user update done' ''
check "nobody has another's login ID besides" equals "$(search -b "$people" '(uid=d-plain01)' dn | grep -c ^dn)" 1
check "nor a second mail address" equals "$(search -b "uid=d-shown02,$people" mail | grep -c ^mail)" 1

# ---- while it runs ---------------------------------------------------------------------------------
# The host changes the first of 40 from when the update has written the entry (it has a user
# number) to when it is moved in. Nothing of the update overwrites who prepared it.
prepare_40() { # ROUND
	for n in {10..49}; do
		printf 'dn: uid=d-race%s,%s\nobjectClass: inetOrgPerson\nobjectClass: denshiUser\nuid: d-race%s\n' "$1$n" "$prepared" "$1$n"
		printf 'cn: Race\nsn: Race\ndenshiRole: general\ndenshiPreparedBy: uid=d-master1,%s\n\n' "$people"
	done | host ldapadd >/dev/null
}
attempts() { # ROUND
	for _ in {1..20000}; do
		modify "uid=d-race${1}10,$prepared" "replace: denshiPreparedBy"$'\n'"denshiPreparedBy: uid=d-plain01,$people"
	done
}
hits=0
for round in 1 2 3 4 5; do
	prepare_40 $round
	attempts $round >"$DENSHI_SANDBOX/attempts"
	"${as_host[@]}" ldapmodify -c -Q -Y EXTERNAL -H "$uri" -e '!assert=(uidNumber=*)' \
		<"$DENSHI_SANDBOX/attempts" >"$DENSHI_SANDBOX/answers" 2>&1 &
	run update
	kill $! 2>/dev/null
	wait $! 2>/dev/null
	hits=$(search -b o=acme "(&(uid=d-race${round}10)(denshiPreparedBy=uid=d-plain01,$people))" dn | grep -c ^dn)
	[ "$hits" = 0 ] || break
	check "round $round: no host was as fast" says 'user update done' ''
done
check "a host changes one that is being moved in" equals "$hits" 1
check "that is told" says 'update-changed-meanwhile' ''
check "and it isn't moved in" not_registered "d-race${round}10"
run update
check "the next update puts it into force" says 'user update done' ''
check "all of it" equals "$(search -b "$people" "(uid=d-race${round}*)" dn | grep -c ^dn)" 40
check "each with a number of its own" equals "$(search -b "$people" "(uid=d-race${round}*)" uidNumber | grep ^uidN | sort -u | wc -l)" 40
summary
