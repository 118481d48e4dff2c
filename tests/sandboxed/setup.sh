#!/bin/bash
# sandbox: outside
# denshi setup, for this machine and for the network, as a new user would try it: shown first,
# once only, undone without a trace, killed at any point; no default password, no open secret.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[ -n "${DENSHI_SANDBOX:-}" ] || exec "$here/sandbox" --bare --language en -- "$0"
language=en
export LANG=C.UTF-8
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
: >"$DENSHI_SANDBOX/denshid.log"
state=/var/lib/denshi-server conf=/etc/denshi/denshi.conf
conf_before=$(cksum <"$conf")

# For the tests' time: cheap hashing.
setup() {
	denshi setup --organisation acme --master d-master1 --master-name 'Hanako Yamada' \
		--master-mail hanako@acme.example --host d1.acme.example --argon2-memory 1024 --argon2-passes 1 --yes "$@"
}
slapd_start() {
	setpriv --reuid=openldap --regid=openldap --clear-groups slapd -F $state/directory/config \
		-h "$DENSHI_LDAP_URI $*" -d 0 >"$DENSHI_SANDBOX/slapd.log" 2>&1 &
	slapd=$!
	await 10 ldapwhoami -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI"
}
slapd_stop() { kill "$slapd"; wait "$slapd"; }
# What a function in the background is a shell of; denshi-setup is its child.
kill_setup() {
	pkill -KILL -P "$1" 2>/dev/null
	kill -KILL "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}
everything() { find $state "$conf" -printf '%p %m %u %s\n' | grep -v -e /data -e '/lock$' | sort; }
is_gone() { [ -z "$(ls -A $state)" ]; }
conf_is_as_before() { [ "$(cksum <"$conf")" = "$conf_before" ]; }

# open_secrets: files with a private key or a hash that others may read, or may reach in a folder.
open_secrets() {
	grep -rlaE 'PRIVATE KEY|\{ARGON2\}' $state /etc/denshi 2>/dev/null | while read -r f; do
		find "$f" -perm /077
	done
}
others_read() { # what nobody may
	setpriv --reuid=nobody --regid=nogroup --clear-groups grep -rlaE 'PRIVATE KEY|\{ARGON2\}' $state /etc/denshi 2>/dev/null
}

for mode in '' --network; do
	what="setup${mode:+ $mode}:"
	run setup $mode --generate --dry-run
	check "$what --dry-run shows it" says 'This is what would be set up' ''
	check "$what --dry-run does nothing" is_gone
	run setup $mode --generate
	check "$what done" done_well
	first=$(sed -n 's/^Initial login password.*: //p' <<<"$out")
	check "$what a password of its own" test ${#first} -ge 6
	check "$what no open secret" equals "$(open_secrets; others_read)" ''
	check "$what no clear password" sh -c "! grep -rqaF '$first' $state /etc/denshi"
	check "$what the server has no password" sh -c "! grep -rqi rootpw $state/directory/config"
	before=$(everything)
	run setup $mode --generate
	check "$what again: refused" says 'setup-exists' ''
	run denshi setup --organisation acme --master d-master1 </dev/null
	check "$what which is told before anything is asked" says_not 'setup-missing' ''
	check "$what again: nothing changed" equals "$(everything)" "$before"
	slapd_start
	run ldapwhoami -x -H "$DENSHI_LDAP_URI" -D uid=d-master1,ou=people,o=acme -w "$first"
	check "$what the master's password is right" done_well
	run denshi setup --remove --yes
	check "$what removed while it runs: refused" says 'setup-running' ''
	slapd_stop
	run denshi setup --remove --dry-run
	check "$what --remove --dry-run does nothing" equals "$(everything)" "$before"
	run denshi setup --remove --yes
	check "$what removed" done_well
	check "$what nothing is left" is_gone
	check "$what denshi.conf is as it was" conf_is_as_before
	run denshi setup --remove --yes
	check "$what removed again: nothing to do, said" says 'setup-nothing' ''
	run setup $mode --generate
	check "$what another time" done_well
	check "$what and another password" test "$first" != "$(sed -n 's/^Initial login password.*: //p' <<<"$out")"
	denshi setup --remove --yes >/dev/null 2>&1
done

# ---- what an administrator added to denshi.conf ----
setup --generate >/dev/null
printf 'max_drop = 30; # ours\n' >>/etc/denshi/denshi.conf
run denshi setup --remove --yes
check "removed, with an administrator's setting behind setup's own" done_well
check "which stays, alone" equals "$(grep -v '^#' /etc/denshi/denshi.conf | grep .)" 'max_drop = 30; # ours'
run setup --generate
check "setup where it was set before" sh -c "grep -q '^organisation = .acme' $conf && grep -qxF 'max_drop = 30; # ours' $conf"
denshi setup --remove --yes >/dev/null 2>&1
check "and it stays" equals "$(grep -v '^#' /etc/denshi/denshi.conf | grep .)" 'max_drop = 30; # ours'
sed -i '/^max_drop/d' /etc/denshi/denshi.conf

# ---- the network's own ----
run setup --network --port 1636 --generate
check "another port" done_well
check "is where it listens" grep -qx 'DENSHI_LISTEN=ldaps://:1636/' $state/tls/listen
check "the hosts' CA is another one than the users'" \
	sh -c "! cmp -s $state/ca/ca.pem $state/hosts-ca/ca.pem && [ \$(stat -c %a:%u $state/hosts-ca/ca.key) = 600:0 ]"
run openssl verify -CAfile $state/hosts-ca/ca.pem -verify_hostname d1.acme.example -purpose sslserver $state/tls/server.pem
check "the server's certificate is good for its name" done_well
denshi setup --remove --yes >/dev/null 2>&1
run setup --generate
run denshi host add h2.acme.example
check "no hosts where there is no network, and it is said" says 'host-down|host-no-network' ''
slapd_start
run denshi host add h2.acme.example
check "no hosts where there is no network, also while it runs" says 'host-no-network' ''
slapd_stop
denshi setup --remove --yes >/dev/null 2>&1

# ---- a host of another organisation ----
cp "$conf" "$DENSHI_SANDBOX/conf"
printf 'organisation = "other";\nhost = "h.other.example";\n' >>"$conf"
run setup --generate
check "not on a host of another organisation" says 'setup-other' ''
check "and nothing is made" equals "$(ls -A $state)" ''
cat "$DENSHI_SANDBOX/conf" >"$conf"

# ---- killed at any point ----
# Nothing half-made is in use: either there is no directory, or a whole one.
from=$(date +%s%N)
setup --network --generate >/dev/null 2>&1
took_ms=$((($(date +%s%N) - from) / 1000000))
denshi setup --remove --yes >/dev/null 2>&1
kills=12 halves=0 unused=0
for ((k = 1; k <= kills; k++)); do
	setup --network --generate >/dev/null 2>&1 &
	sleep "$(printf '0.%03d' $((took_ms * k / kills > 999 ? 999 : took_ms * k / kills)))"
	kill_setup $!
	if [ -e $state/directory ]; then
		slapd_start
		ldapsearch -LLL -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" -b o=acme -s base >/dev/null 2>&1 || halves=$((halves + 1))
		slapd_stop
		denshi setup --remove --yes >/dev/null 2>&1
	else
		unused=$((unused + 1))
	fi
done
check "killed $kills times ($unused before it was in use): never half" equals "$halves" 0
check "killed: some were early" test $unused -gt 0
run setup --network --generate
check "killed: the next run makes it" done_well
check "killed: and sweeps what was left" equals "$(find $state -maxdepth 1 -name 'set-*' | wc -l)" 1
denshi setup --remove --yes >/dev/null 2>&1
check "and nothing is left" is_gone
check "and denshi.conf is as it was" conf_is_as_before

# ---- without denshi's own hashing (package slapd-denshi) ----
mv /usr/lib/ldap/pw-argon2id.so "$DENSHI_SANDBOX/"
run setup --generate
check "slapd's own module: done" done_well
check "with a warning" says '^Warning: .*Argon2i' ''
check "the hashes are such" sh -c "setpriv --reuid=openldap --regid=openldap --clear-groups slapcat -n 1 -F $state/directory/config -o ldif_wrap=no |
	sed -n 's/^userPassword:: //p' | base64 -d | grep -aq '{ARGON2}.argon2i.v='"
mv "$DENSHI_SANDBOX/pw-argon2id.so" /usr/lib/ldap/
run denshi directory upgrade --dry-run
check "an upgrade would bring Argon2id" says 'pw-argon2id' ''
denshi setup --remove --yes >/dev/null 2>&1
summary
