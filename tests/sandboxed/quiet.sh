#!/bin/bash
# Whoever watches what is in force isn't told of each login; an organisation's other servers are (slapd_guard/quiet.c), where
# there are any, and so is everybody of anything else. 25 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/services.sh
. "$here/services.sh"
maker=d-maker01
watchers=() tracers=()

# OpenLDAP's own client, until it has all that there is.
watch() { # NAME SID BASE FILTER
	stdbuf -oL ldapsearch -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" -b "$3,o=acme" -E "!sync=rp/rid=001,sid=$2" "$4" 1.1 \
		>"$DENSHI_SANDBOX/watch.$1" 2>&1 &
	watchers+=($!)
	await 10 grep -q 'refresh done' "$DENSHI_SANDBOX/watch.$1"
}
messages() { grep -cE '^# SyncInfo Received|^dn: ' "$DENSHI_SANDBOX/watch.$1"; }
begin() {
	sleep 1.5
	for name in quiet server approvals; do eval "$name=$(messages $name)"; done
}
told() { echo $(($(messages "$1") - ${!1})); }
login() { # [OPTION...]
	"$DENSHI_BUILD/bench/pambench" -C /etc/pam.d -S denshi -nodelay -u $maker -p "$(login_of $maker)" -race 1 "$@" >/dev/null
}
counts() { # QUIET SERVER APPROVALS: so many messages since `begin`
	out="quiet $(told quiet) server $(told server) approvals $(told approvals)"
	[ "$out" = "quiet $1 server $2 approvals $3" ]
}

run root ldapsearch -LLL -s base -b '' supportedFeatures
check "the server shows that it can" says '\.3\.3$' ''
check "a quiet watch" watch quiet fff ou=published '(objectClass=*)'
check "another server's" watch server 002 ou=published '(objectClass=*)'
check "one of approvals" watch approvals fff ou=people '(objectClass=denshiApproval)'

# ---- logins, where this is the only server ----
csn() { root ldapsearch -LLL -s base -b "$1" entryCSN modifyTimestamp contextCSN | grep -v '^dn'; }
user=uid=$maker,ou=people,o=acme
begin
stamps=$(csn $user; csn o=acme)
for ((k = 1; k <= 20; k++)); do login; done
sleep 1
check "20 logins are told to nobody" counts 0 0 0
check "and no change of the user's entry" equals "$(csn $user; csn o=acme)" "$stamps"
begin
login -wrong
check "a wrong password: slapd's own record of it is told (ppolicy), the attempt isn't" await 5 counts 1 1 1
login

# ---- logins, where it is one of several (none of the others is there) ----
root ldapmodify >/dev/null <<<$'dn: cn=config\nchangetype: modify\nadd: olcServerID\nolcServerID: 1'
login
begin
began=$SECONDS
for ((k = 1; k <= 20; k++)); do login; done
check "20 logins: each write is told to another server" await 5 eval '[ "$(told server)" = 40 ]'
took=$((SECONDS - began))
out="quiet $(told quiet), approvals $(told approvals), in $took s"
check "and none more than once a second to hosts" at_most "$(told quiet)" $((took + 1))
check "nor to those who watch approvals" at_most "$(told approvals)" $((took + 1))
begin
login
check "a single login: its last write is told to hosts" await 5 counts 1 2 1
csn=$(root ldapsearch -LLL -s base -b o=acme contextCSN | sed -n 's/^contextCSN: //p')
out=$(tail -n 3 "$DENSHI_SANDBOX/watch.quiet")
check "so that they have missed nothing when they come back" says "csn=$csn" ''
begin
login -wrong
check "a wrong password: slapd's own record of it is told (ppolicy), the attempt isn't" await 5 counts 1 2 1
login

# ---- anything else ----
begin
root ldapmodify >/dev/null <<LDIF
dn: cn=approval,uid=d-appr001,ou=people,o=acme
changetype: modify
add: denshiAttempt
denshiAttempt: 5

dn: cn=approval,uid=d-appr001,ou=people,o=acme
changetype: modify
delete: denshiAttempt
denshiAttempt: 5
LDIF
check "an approval password's attempt is told" await 5 eval '[ "$(told approvals)" -ge 2 ]'
begin
root ldapmodify >/dev/null <<LDIF
dn: uid=$maker,ou=people,o=acme
changetype: modify
add: denshiAttempt
denshiAttempt: 5
-
replace: mail
mail: other@acme.example

LDIF
check "a write that does more than an attempt is told" await 5 eval '[ "$(told quiet)" = 1 ]'
begin
as_master user suspend $maker >/dev/null
check "a suspension is told" await 5 eval '[ "$(told quiet)" -ge 1 ]'
kill "${watchers[@]}"

# ---- who is quiet ----
# What each asks for when the server has been away.
sandbox-service stop slapd
for daemon in denshid denshi-ca; do
	strace -f -qq -s 2000 -e trace=write,sendto,sendmsg,writev -o "$DENSHI_SANDBOX/asked.$daemon" -p "$(cat "$DENSHI_SANDBOX/$daemon.pid")" &
	tracers+=($!)
done
sandbox-service start slapd
for daemon in denshid denshi-ca; do
	check "$daemon watches quietly" await 20 grep -q 'rid=000,sid=fff' "$DENSHI_SANDBOX/asked.$daemon"
done
kill "${tracers[@]}"
summary
