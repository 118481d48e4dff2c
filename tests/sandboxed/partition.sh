#!/bin/bash
# sandbox: outside
# Two directory servers, two hosts, and a link between the servers that breaks: never more
# than six guesses, nothing lost that the writer acknowledged, both the same afterwards.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[ -n "${DENSHI_SANDBOX:-}" ] || exec "$here/sandbox" --populated --fast --hosts 2 --spare 2 --language en -- "$0"
language=en
export LANG=C.UTF-8
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
uri=$DENSHI_LDAP_URI state=/var/lib/denshi-server people=ou=people,o=acme
first=sandbox.denshi.test second=m1.denshi.test
work=$(mktemp -d /run/partition.XXXXXX)

on() { # sandbox|NAME COMMAND...
	local name=$1
	shift
	if [ "$name" = sandbox ]; then "$@"; else sandbox-host "$name" "$@"; fi
}
root() { on "$1" "$2" -Q -Y EXTERNAL -H "$uri" "${@:3}"; }
writer_at() { root "$1" ldapsearch -LLL -b cn=writer,o=acme -s base denshiWriter 2>/dev/null | sed -n 's/^denshiWriter: //p'; }
writer_is() { [ "$(writer_at sandbox)" = "$1" ] && [ "$(writer_at m1)" = "$1" ]; }
# All entries with all attributes, but for what each server notes for itself: the state of
# the replication, and what its own ppolicy saw of binds.
content() {
	root "$1" ldapsearch -LLL -o ldif_wrap=no -b o=acme '*' + |
		grep -vE '^(contextCSN|pwdFailureTime|pwdAccountLockedTime|pwdLastSuccess|entryDN|subschemaSubentry|hasSubordinates):' |
		awk 'BEGIN { RS = ""; FS = "\n" } { for (i = 1; i <= NF; i++) print $1 "\t" $i }' | sort
}
agree() { out=$(diff <(content sandbox) <(content m1)); }
agree_soon() { # what differs is said
	local k
	for ((k = 0; k < 60; k++)); do
		agree && return 0
		sleep 0.5
	done
	return 1
}
# Binds with a password that either server has logged.
tried() { binds_of "uid=$1,$people" "$DENSHI_SANDBOX/slapd-m1.log"; } # at either server
race() { # HOST USER N: N wrong guesses at once
	sandbox-host "$1" "$DENSHI_BUILD/bench/pambench" -C /etc/pam.d -S denshi -nodelay -u "$2" -p guess-0 -race "$3" -wrong >"$work/$1.race" 2>&1
}
wobble() { # SECONDS: the link between the servers, cut at random moments
	local end=$((SECONDS + $1))
	while [ $SECONDS -lt $end ] && [ ! -e "$work/enough" ]; do
		sleep 0.$((RANDOM % 4))$((RANDOM % 10))
		sandbox-link down m1 sandbox
		sleep 0.$((RANDOM % 6))$((RANDOM % 10))
		sandbox-link up m1 sandbox
	done
}
log_in() { out=$(sandbox-host "$1" pamtester denshi "$2" authenticate <<<"$3" 2>&1); rc=$?; }
start_second() {
	sandbox-service new slapd-m1 m1 openldap /usr/sbin/slapd -F $state/directory/config \
		-h "$uri ldaps://:636/" -d stats
	await 20 root m1 ldapwhoami
}

# ---- a second server ----
sandbox-service stop denshi-ca
run denshi directory add-replica $second "$work/m1.join" --yes
check "not while the server runs" says 'setup-running' ''
sandbox-service stop slapd
run denshi directory add-replica $first "$work/m1.join" --yes
check "not itself" refused
for wrong in ldap://$second:636 ldaps://$second ldaps://$second:0 ldaps://other.denshi.test:636 "ldaps://$second:636 x"; do
	run denshi directory add-replica $second "$work/m1.join" --uri "$wrong" --yes
	check "not at $wrong" says 'pair-uri' ''
done
run denshi directory add-replica $second "$work/m1.join" --yes
check "add-replica" says 'can join now' ''
passphrase=$(sed -n 's/.*: *\([a-z0-9]\{4\}\(-[a-z0-9]\{4\}\)\{3\}\)$/\1/p' <<<"$out")
check "the join file is root's alone" equals "$(stat -c %a "$work/m1.join")" 600
run denshi directory add-replica m2.denshi.test "$work/m2.join" --yes
check "there is no third" says 'pair-exists' ''
sandbox-service start slapd
sandbox-service start denshi-ca
out=$(sandbox-host m1 denshi directory join "$work/m1.join" --yes --password-fd 3 3<<<"aaaa-bbbb-cccc-dddd" 2>&1)
check "a wrong passphrase" says 'join-wrong-passphrase' ''
run denshi host add h8.denshi.test --output "$work/h8.join"
run sandbox-host m1 denshi directory join "$work/h8.join" --yes --password-fd 3 3<<<"$(sed -n 's/^Passphrase.*: //p' <<<"$out")"
check "a host's file makes no server" says 'pair-malformed' ''
run sandbox-host m1 denshi setup --join "$work/m1.join" --yes --password-fd 3 3<<<"$passphrase"
check "and a server's no host: it reads every hash" says 'join-malformed' ''
out=$(sandbox-host m1 denshi directory join "$work/m1.join" --yes --password-fd 3 3<<<"$passphrase" 2>&1)
rc=$?
check "join" done_well
start_second
check "both the same" agree_soon
check "the first is the writer, at both" writer_is $first
run denshi directory upgrade --dry-run
check "nothing to upgrade" says 'up to date' ''
for h in h1 h2; do
	sandbox-host $h sed -i "s#^uri = .*#uri = \"ldaps://$first:636 ldaps://$second:636\";#" /etc/denshi/denshi.conf
	sandbox-service stop denshid-$h
	sandbox-service start denshid-$h
done

run denshi host add h9.denshi.test --output "$work/h9.join"
check "a new host is told both" equals "$(sed -n 's/^uri: //p' "$work/h9.join")" "ldaps://$first:636 ldaps://$second:636"

# ---- the log of changes holds hashes: nobody reads it; nobody logs in at the second ----
as_host() {
	sandbox-host h1 env LDAPTLS_CACERT=/etc/denshi/tls/ca.pem LDAPTLS_CERT=/etc/denshi/tls/host.pem \
		LDAPTLS_KEY=/etc/denshi/tls/host.key "$@"
}
for server in $first $second; do
	run as_host ldapsearch -Q -Y EXTERNAL -H ldaps://$server -LLL -b o=acme -s sub '(uid=d-plain01)' userPassword
	check "a host reads at $server" says 'uid=d-plain01' ''
	check "but no hash" says_not userPassword ''
	run as_host ldapsearch -Q -Y EXTERNAL -H ldaps://$server -LLL -b cn=accesslog
	check "and nothing of the log" says_not 'reqStart' ''
done
# It holds hashes, for the other server: nobody else reads it, and a password isn't in it.
run runuser -u d-maker01 -- denshi passwd --password-fd 0 <<<"$(login_of d-maker01)"$'\nkaede-4711-umi'
check "a password is changed" done_well
run root sandbox ldapsearch -LLL -o ldif_wrap=no -b cn=accesslog '(objectClass=auditModify)' reqMod
log=$(sed -n 's/^reqMod:: //p' <<<"$out" | while read -r value; do base64 -d <<<"$value"; echo; done; sed -n 's/^reqMod: //p' <<<"$out")
check "root sees it in the log, as a hash" grep -qa '^userPassword:[=+] {ARGON2}\$argon2id' <<<"$log"
check "and as nothing else" sh -c '! grep -a "^userPassword:[=+]" <<END | grep -qav "{ARGON2}.argon2id"
$1
END' - "$log"
check "not the password" sh -c '! grep -qaF kaede-4711 <<END
$1
END' - "$log"
for dn in "uid=d-maker01,$people kaede-4711-umi" "uid=d-master1,$people $(login_of d-master1)" \
	"cn=approval,uid=d-master1,$people $(approval_of d-master1)"; do
	run ldapsearch -x -H "$uri" -D "${dn% *}" -w "${dn##* }" -LLL -b cn=accesslog
	check "${dn% *} reads nothing of it" says_not 'reqStart|ARGON2' ''
	run ldapsearch -x -H "$uri" -D "${dn% *}" -w "${dn##* }" -LLL -b cn=accesslog -s base
	check "nor that it is there" says 'No such object' ''
done
for who in denshi denshi-ca; do
	run setpriv --reuid=$who --regid=$who --groups=denshi-directory ldapsearch -Q -Y EXTERNAL -H "$uri" -LLL -b cn=accesslog
	check "$who, over ldapi: nothing" says_not 'reqStart|ARGON2' ''
done
check "its files are slapd's alone" equals "$(find $state/ -path '*log*' -name data.mdb -not -perm 600)" ''
check "and its folder" equals "$(find $state/ -type d -name '*log*' -perm /077)" ''
run root m1 ldapsearch -LLL -o ldif_wrap=no -b "uid=d-maker01,$people" -s base userPassword
hash=$(sed -n 's/^userPassword:: //p' <<<"$out")
run root sandbox ldapsearch -LLL -o ldif_wrap=no -b "uid=d-maker01,$people" -s base userPassword
check "the other server has the same hash" equals "$hash" "$(sed -n 's/^userPassword:: //p' <<<"$out")"
# The rest logs in with the password as it was.
run runuser -u d-maker01 -- denshi passwd --password-fd 0 <<<$'kaede-4711-umi\n'"$(login_of d-maker01)"
check "and back" done_well
out=$(as_host ldapwhoami -x -H ldaps://$first -D "uid=d-master1,$people" -w "$(login_of d-master1)" 2>&1)
rc=$?
check "a right password at the writer" done_well
out=$(as_host ldapwhoami -x -H ldaps://$second -D "uid=d-master1,$people" -w "$(login_of d-master1)" 2>&1)
rc=$?
check "is none at the other" says "not tried: this server isn't the writer" ''
run as_host ldapmodify -Q -Y EXTERNAL -H ldaps://$second <<<$'dn: uid=d-both001,ou=people,o=acme\nchangetype: modify\nadd: denshiAttempt\ndenshiAttempt: 1'
check "nor does that take a reservation" says 'Insufficient access' ''

out=$(sandbox-host m1 denshi rescue d-master1 --yes 2>&1)
rc=$?
check "root rescues nobody at the second (R-LOCK-7)" says 'rescue-not-writer' ''
run denshi rescue d-master1 --yes
check "nor at the first, while a master can unlock" says 'rescue-not-needed' ''

# ---- a host that reaches only the second: it reads, and logs nobody in ----
sandbox-link down h2 sandbox
run runuser -u d-master1 -- denshi authority give d-plain01 acct.001-1234567 --yes --password-fd 0 <<<"$(approval_of d-master1)"
check "an authority is given at the writer" done_well
check "a host takes it from the second" await 20 sandbox-host h2 sh -c 'id d-plain01 | grep -q acct.001-1234567'
# Of what is told as it happens, too: the host goes on there from where it stood at the first.
run runuser -u d-master1 -- denshi authority take d-plain01 acct.001-1234567 --yes --password-fd 0 <<<"$(approval_of d-master1)"
check "one is taken" done_well
check "a host is told of that by the second" await 20 sandbox-host h2 sh -c '! id d-plain01 | grep -q acct.001-1234567'
log_in h2 d-maker01 "$(login_of d-maker01)"
check "a login there waits for the writer" says 'directory-down|can.t be reached|Authentication' ''
check "and is none" refused
sandbox-link up h2 sandbox
check "then it is one" await 20 sandbox-host h2 sh -c 'echo "$1" | pamtester denshi d-maker01 authenticate' - "$(login_of d-maker01)"

# ---- 64 wrong guesses from both sides, while the link breaks ----
request() { # what is acknowledged is noted
	local n=0 id
	while [ ! -e "$work/enough" ]; do
		n=$((n + 1))
		id=$(sandbox-host h1 runuser -u d-maker01 -- denshi request transfer --subject "load $n" --json 2>/dev/null |
			grep -oE 'r-[a-z0-9]+' | head -n 1)
		if [ -n "$id" ]; then echo "$id"; else echo - >>"$work/failed"; sleep 0.2; fi
	done
}
request >"$work/acknowledged" &
loading=$!
before=$(tried d-plain01)
wobble 8 &
wobbling=$!
race h1 d-plain01 32 &
r1=$!
race h2 d-plain01 32 &
wait $r1 $!
check "the link broken: exactly six" equals $(($(tried d-plain01) - before)) 6
log_in h1 d-plain01 "$(login_of d-plain01)"
check "locked, also with the right one" says locked ''
wait $wobbling

# ---- handed over under load, to and fro ----
before=$(tried d-appr001)
race h1 d-appr001 32 &
r1=$!
race h2 d-appr001 32 &
r2=$!
sleep 0.2
run sandbox-host m1 denshi directory promote
check "promote, under load" done_well
check "the second is the writer, at both" writer_is $second
wait $r1 $r2
check "handed over while they race: never more than six" at_most $(($(tried d-appr001) - before)) 6
n=$(wc -l <"$work/acknowledged")
check "hosts follow" await 15 sh -c "[ \$(wc -l <$work/acknowledged) -gt $((n + 3)) ]"
# What was left of the six is used up at the new writer.
race h1 d-appr001 16
check "nor after it" at_most $(($(tried d-appr001) - before)) 6
check "the other host follows" await 10 sandbox-host h2 sh -c 'echo "$1" | pamtester denshi d-maker01 authenticate' - "$(login_of d-maker01)"
log_in h2 d-appr001 "$(login_of d-appr001)"
check "locked at the new writer" says locked ''
run denshi directory promote
check "and back" done_well
check "the first is the writer again" writer_is $first
n=$(wc -l <"$work/acknowledged")
check "hosts follow" await 15 sh -c "[ \$(wc -l <$work/acknowledged) -gt $((n + 3)) ]"
run denshi directory promote
check "promote, where it is" says 'already' ''
touch "$work/enough"
wait $loading
rm "$work/enough"
check "both the same" agree_soon
lost() { # of what was acknowledged, at a server
	root "$1" ldapsearch -LLL -o ldif_wrap=no -b ou=requests,o=acme -s one cn | sed -n 's/^cn: //p' | sort >"$work/there"
	sort -u "$work/acknowledged" | comm -23 - "$work/there" | wc -l
}
check "requests were acknowledged" equals "$(awk 'END { print (NR > 10) }' "$work/acknowledged")" 1
check "none of them is lost at the first" equals "$(lost sandbox)" 0
check "nor at the second" equals "$(lost m1)" 0

# The second, upgraded, leaves the entries to the writer.
kill "$(cat "$DENSHI_SANDBOX/slapd-m1.pid")"
check "the second stops" await 20 sh -c '! kill -0 $(cat "$DENSHI_SANDBOX/slapd-m1.pid")'
root sandbox ldapmodify >/dev/null <<<$'dn: cn=policy,o=acme\nchangetype: modify\nreplace: denshiSchemaVersion\ndenshiSchemaVersion: 0'
start_second
check "both the same" agree_soon
run sandbox-host m1 denshi directory upgrade --yes
check "the second leaves the entries to the writer" says 'up to date' ''
root sandbox ldapmodify >/dev/null <<<$'dn: cn=policy,o=acme\nchangetype: modify\nreplace: denshiSchemaVersion\ndenshiSchemaVersion: 1'

# ---- one of them is brought to another configuration, the other isn't ----
root sandbox ldapmodify >/dev/null <<<$'dn: cn=config\nchangetype: modify\nreplace: olcIdleTimeout\nolcIdleTimeout: 77'
sandbox-service stop denshi-ca
sandbox-service stop slapd
run denshi directory upgrade --yes
check "upgrade, of one of two" done_well
touch $state/start-allowed
check "it may start as the writer" denshi directory confirm
check "a person's leave that wasn't needed doesn't stay for another day" test ! -e $state/start-allowed
sandbox-service start slapd
sandbox-service start denshi-ca
out=$(sandbox-host h1 runuser -u d-maker01 -- denshi request transfer --subject 'after the upgrade' 2>&1)
check "both the same" agree_soon

# ---- the writer dies ----
for k in 1 2 3; do log_in h1 d-both001 "wrong-$k"; done
check "three wrong ones: three left" says 'attempts left: 3' ''
before=$(tried d-both001)
check "both the same" agree_soon
kill -9 "$(cat "$DENSHI_SANDBOX/slapd.pid")"
run sandbox-host m1 denshi directory promote
check "nobody hands over" says 'promote-unreachable' ''
run sandbox-host m1 denshi directory promote --force </dev/null
check "not without its name" refused
check "nothing has changed" equals "$(writer_at m1)" $first
cat >"$work/dialogue" <<'END'
set timeout 20
spawn -noecho {*}[lrange $argv 1 end]
expect "if it is dead: "
send "[lindex $argv 0]\r"
expect eof
exit [lindex [wait] 3]
END
dialogue() { expect -f "$work/dialogue" "$@" 2>&1; } # WHAT IS TYPED COMMAND...
out=$(dialogue "$second" sandbox-host m1 denshi directory promote --force)
rc=$?
check "a wrong name" refused
out=$(dialogue "$first" sandbox-host m1 denshi directory promote --force)
rc=$?
check "forced, by its name" says 'is the writer now' ''
check "hosts follow" await 20 sandbox-host h2 sh -c 'echo "$1" | pamtester denshi d-maker01 authenticate' - "$(login_of d-maker01)"
race h1 d-both001 32 &
r1=$!
race h2 d-both001 32 &
wait $r1 $!
check "three of the six are gone already" equals $(($(tried d-both001) - before)) 3

# ---- and comes back ----
sandbox-link down m1 sandbox
run denshi directory confirm
check "without the other's word it doesn't start" says 'confirm-unreachable' ''
sandbox-link up m1 sandbox
check "it asks who the writer is" await 20 denshi directory confirm
sandbox-service start slapd
out=$(writer_at sandbox)
check "and never takes itself for it" equals "$out" $second
check "both the same" agree_soon
before=$(tried d-both001)
race h1 d-both001 16
check "locked, whoever is asked" equals "$(tried d-both001)" "$before"
run denshi directory promote
check "handed back" done_well
check "the first is the writer again" writer_is $first
check "both the same" agree_soon

# ---- a backup of the one that isn't the writer, restored on a third machine ----
run sandbox-host m1 denshi directory backup "$work/of-m1"
check "a backup of the second" done_well
run sandbox-host m2 denshi directory restore "$work/of-m1" --yes
check "restored elsewhere, it is alone" says 'alone and the writer now' ''
run sandbox-host m2 denshi directory upgrade --yes
check "upgrade takes the rest of the second server away" says '- .*accesslog' ''
run sandbox-host m2 denshi directory compare "$work/of-m1"
check "compare: the same" says 'are the same' ''
sandbox-service new slapd-m2 m2 openldap /usr/sbin/slapd -F $state/directory/config -h "$uri" -d stats
check "it checks passwords" await 20 sandbox-host m2 ldapwhoami -x -H "$uri" -D "uid=d-maker01,$people" -w "$(login_of d-maker01)"
kill "$(cat "$DENSHI_SANDBOX/slapd-m2.pid")"

# ---- one again ----
sandbox-service stop denshi-ca
check "the second isn't taken for the one that stays" sh -c '! sandbox-host m1 denshi directory remove-replica sandbox.denshi.test --yes'
sandbox-service stop slapd
run denshi directory remove-replica $second --yes
check "remove-replica" done_well
sandbox-service start slapd
sandbox-service start denshi-ca
run denshi directory promote
check "alone" says 'promote-alone' ''
# Its certificate is still one of the hosts' CA, but no server's any more.
run sandbox-host m1 env LDAPTLS_CACERT=$state/tls/ca.pem LDAPTLS_CERT=$state/tls/server.pem LDAPTLS_KEY=$state/tls/server.key \
	ldapsearch -Q -Y EXTERNAL -H ldaps://$first -LLL -b o=acme
check "the one that was removed reads nothing" says_not '^dn:' ''
log_in h1 d-maker01 "$(login_of d-maker01)"
check "a login" done_well
kill "$(cat "$DENSHI_SANDBOX/slapd-m1.pid")"
rm -rf "$work"
summary
