#!/bin/bash
# sandbox: outside
# Three hosts of one organisation: the directory's machine, h1 and h2. Logins and locks are
# one for all; a host that is cut off heals by itself; one that is removed is nobody at once.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[ -n "${DENSHI_SANDBOX:-}" ] || exec "$here/sandbox" --populated --fast --hosts 2 --language en -- "$0"
language=en
export LANG=C.UTF-8
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
state=/var/lib/denshi-server

log_in() { # HOST USER PASSWORD
	local from inside=(sandbox-host "$1")
	[ "$1" != sandbox ] || inside=(env)
	from=$(date +%s%N)
	out=$("${inside[@]}" pamtester denshi "$2" authenticate acct_mgmt <<<"$3" 2>&1)
	rc=$?
	took_ms=$((($(date +%s%N) - from) / 1000000))
}
password=$(login_of d-maker01)

# ---- one organisation on each ----
log_in h1 d-maker01 "$password"
check "a login on h1" done_well
log_in sandbox d-maker01 "$password"
check "and on the directory's own machine" done_well
run sandbox-host h2 id d-appr001
check "authorities are groups on h2" says 'transfer.approver' ''
run runuser -u d-master1 -- denshi authority give d-plain01 acct.001-1234567 --yes --password-fd 0 <<<"$(approval_of d-master1)"
check "given on one machine" done_well
check "in force on h1" await 5 sandbox-host h1 sh -c 'id d-plain01 | grep -q acct.001-1234567'
check "in force on h2" await 5 sandbox-host h2 sh -c 'id d-plain01 | grep -q acct.001-1234567'
anchors() { # of the newest user update
	ldapsearch -LLL -o ldif_wrap=no -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" -b ou=hosts,o=acme \
		"(&(objectClass=denshiAnchor)(cn=$(ldapsearch -LLL -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" \
			-b cn=serial,ou=published,o=acme -s base denshiSerial | sed -n 's/^denshiSerial: //p')))" denshiChainHead
}
check "the user update anchors the audit records of all three" await 5 sh -c "$(declare -f anchors); [ \$(anchors | grep -c ^denshiChainHead) = 3 ]"
check "each host's own" equals "$(anchors | grep -o 'cn=[a-z0-9]*\.denshi.test' | sort -u | wc -l)" 3
run sandbox-host h1 denshi log --verify
check "h1 verifies its own" says 'are whole: .* [1-9][0-9]* user updates' ''
# A copy of another host's, verified here: whoever is root there has no say in it.
copy_of() { sandbox-host "$1" cat /var/lib/denshi/audit >/tmp/audit && chmod 644 /tmp/audit; }
verify_copy() { run runuser -u d-master1 -- denshi log /tmp/audit --verify --host "$1"; } # HOST
copy_of h1
verify_copy h1.denshi.test
check "a copy of h1's records" says 'records of h1.denshi.test are whole: .* [1-9][0-9]* user updates' ''
printf '12' >>/tmp/audit
verify_copy h1.denshi.test
check "where the last line was being written" done_well
verify_copy sandbox.denshi.test
check "it isn't another host's" says 'log-unfit' ''
verify_copy nobody.denshi.test
check "nor an unknown one's" says 'host-unknown' ''
verify_copy "$(printf 'h%.0s' {1..300})"
check "nor a name's that none can have" says 'host-unknown' ''
sed -i '1s/ result=/ result=not-/' /tmp/audit
verify_copy h1.denshi.test
check "changed" says 'record 1 is the first' ''
: >/tmp/audit
verify_copy h1.denshi.test
check "emptied" says 'log-unfit-update' ''
run runuser -u d-plain01 -- denshi log /tmp/audit --verify --host h1.denshi.test
check "for masters" says 'master-needed' ''
run denshi log /tmp/audit --host h1.denshi.test
check "a copy is verified only" status_is 2
run denshi log --verify --host h1.denshi.test
check "a host is a copy's" status_is 2
run denshi log /tmp --verify --host h1.denshi.test
check "and a file" says 'cli-log-unreadable' ''

# ---- six for all of them together ----
for k in 1 2 3; do log_in h1 d-plain01 "wrong-$k"; done
check "three wrong on h1: three left" says 'attempts left: 3' ''
for k in 4 5; do log_in h2 d-plain01 "wrong-$k"; done
check "two more on h2: one left" says 'attempts left: 1' ''
log_in sandbox d-plain01 wrong-6
check "the sixth on the directory's machine" says 'attempts left: 0' ''
log_in h1 d-plain01 "$(login_of d-plain01)"
check "locked on h1, also with the right one" says 'locked' ''
run runuser -u d-master1 -- denshi user show d-plain01
check "the attempts are told with their hosts" says 'h1.denshi.test' ''

# ---- the cable ----
sandbox-link down h1
log_in h1 d-maker01 "$password"
check "cut off: refused" refused
check "cut off: under 5 s ($took_ms ms)" at_most "$took_ms" 5000
check "cut off: the message says so, and that nothing counted" says 'directory.*nothing was counted' ''
check "cut off: NSS goes on" sandbox-host h1 sh -c 'getent passwd d-maker01 >/dev/null'
log_in h2 d-maker01 "$password"
check "h2 has nothing to do with it" done_well
sandbox-link up h1
check "mended: it heals by itself" await 20 sandbox-host h1 sh -c "echo '$password' | pamtester denshi d-maker01 authenticate"
sandbox-service stop denshid-h1
sandbox-service start denshid-h1
log_in h1 d-maker01 "$password"
check "denshid of h1 stopped and started" done_well

# ---- name servers that say nothing ----
for k in 91 92 93; do echo "nameserver 10.77.0.$k"; done >/tmp/silent
echo '127.0.0.1 localhost' >/tmp/no-hosts
sandbox-host h1 sh -c 'mount --bind /tmp/no-hosts /etc/hosts && mount --bind /tmp/silent /etc/resolv.conf
	for k in 91 92 93; do ip neigh replace 10.77.0.$k lladdr 02:00:00:00:00:01 dev eth0 nud permanent; done'
log_in h1 d-maker01 "$password"
check "no name server: logins go on with the address it had" done_well
sandbox-service stop denshid-h1
sandbox-service start denshid-h1
log_in h1 d-maker01 "$password"
check "where it never had one: refused" says 'nothing was counted' ''
check "and under 5 s ($took_ms ms)" at_most "$took_ms" 5000
sandbox-host h1 umount /etc/hosts /etc/resolv.conf
check "name servers again: it heals by itself" await 20 sandbox-host h1 sh -c "echo '$password' | pamtester denshi d-maker01 authenticate"
rm -f /tmp/silent /tmp/no-hosts

# ---- files of the host that others could read or change ----
for wrong in 'chmod 644 /etc/denshi/tls/host.key' 'chown nobody /etc/denshi/tls/ca.pem' 'chmod 666 /etc/denshi/tls/host.pem'; do
	sandbox-host h1 sh -c "cp -a /etc/denshi/tls /etc/denshi/good && $wrong"
	run sandbox-host h1 setpriv --reuid=denshi --regid=denshi --clear-groups denshid --check
	check "$wrong: denshid doesn't start" refused
	check "$wrong: and names the file" says "${wrong##* }" ''
	sandbox-host h1 sh -c 'rm -r /etc/denshi/tls && mv /etc/denshi/good /etc/denshi/tls'
done
run sandbox-host h1 denshid --check
check "and so it does" done_well

# ---- whom the port lets in ----
uri=ldaps://sandbox.denshi.test
tls() { # NAME OF CERTIFICATE, COMMAND...
	local pem=$1
	shift
	LDAPTLS_CACERT=$state/tls/ca.pem LDAPTLS_CERT=$pem.pem LDAPTLS_KEY=$pem.key "$@"
}
run env LDAPTLS_CACERT=$state/tls/ca.pem ldapsearch -x -H $uri -D uid=d-maker01,ou=people,o=acme -w "$password" -s base
check "without a certificate no connection" says "Can't contact LDAP server" ''
cp "$DENSHI_SANDBOX/certs/d-maker01.pem" /tmp/user.pem
cp "$DENSHI_SANDBOX/certs/d-maker01.pem" /tmp/user.key
run tls /tmp/user ldapsearch -x -H $uri -D uid=d-maker01,ou=people,o=acme -w "$password" -s base
check "nor with a user's: it is of another CA" says "Can't contact LDAP server" ''
cat >/tmp/whoami <<-'END'
	t=/etc/denshi/tls
	LDAPTLS_CACERT=$t/ca.pem LDAPTLS_CERT=$t/host.pem LDAPTLS_KEY=$t/host.key exec ldapwhoami "$@"
END
run sandbox-host h1 sh /tmp/whoami -Q -Y EXTERNAL -H $uri
check "a host's certificate is that host" says 'dn:cn=h1.denshi.test,ou=hosts,o=acme' ''
run sandbox-host h1 sh /tmp/whoami -x -H $uri -D uid=d-maker01,ou=people,o=acme -w "$password"
check "and may bind as a user" says 'dn:uid=d-maker01' ''
say_hello() { # OPTION...
	run sandbox-host h1 timeout 5 openssl s_client -connect sandbox.denshi.test:636 -cert /etc/denshi/tls/host.pem \
		-key /etc/denshi/tls/host.key -cipher ALL:@SECLEVEL=0 "$@" </dev/null
}
say_hello -tls1_2
check "TLS 1.2" done_well
say_hello -tls1_1
check "and none before it" refused

# ---- a host is removed, and added again ----
run denshi host list
check "the list has all three" equals "$(grep -c denshi.test <<<"$out")" 3
sandbox-host h2 cp -r /etc/denshi/tls /etc/denshi/old
# A connection that h2 keeps open, all the time: one ldapsearch, a filter a line.
coproc searches {
	sandbox-host h2 env LDAPTLS_CACERT=/etc/denshi/old/ca.pem LDAPTLS_CERT=/etc/denshi/old/host.pem \
		LDAPTLS_KEY=/etc/denshi/old/host.key stdbuf -oL \
		ldapsearch -LLL -Q -Y EXTERNAL -H $uri -b ou=people,o=acme -c -f - '(uid=%s)' cn 2>&1
}
exec 8<&"${searches[0]}" 9>&"${searches[1]}"
echo d-maker01 >&9
out=$(timeout 5 sed -u '/^cn:/q' <&8)
check "h2 reads, on a connection that it keeps" says '^cn:' ''
run denshi host remove h2.denshi.test --yes
check "h2 is removed" done_well
echo d-maker01 >&9
log_in h2 d-maker01 "$password"
check "at its next operation it is nobody" refused
run denshi host show h2.denshi.test
check "and isn't known any more" says 'host-unknown' ''
run sandbox-host h2 getent passwd d-maker01
check "what it knew stays" done_well
copy_of h2
verify_copy h2.denshi.test
check "the directory still knows its audit records" says 'records of h2.denshi.test are whole: .* [1-9][0-9]* user updates' ''
rm /tmp/audit
run denshi host remove sandbox.denshi.test --yes
check "the directory's own machine stays" says 'host-is-this' ''
sandbox-host h2 denshi setup --remove --yes >/dev/null
check "the host forgets its key" sandbox-host h2 sh -c '! ls /etc/denshi/tls 2>/dev/null && ! grep -q ^organisation /etc/denshi/denshi.conf'
run denshi host add h2.denshi.test --output /tmp/h2.join --description 'second floor'
check "added again" done_well
passphrase=$(sed -n 's/^Passphrase.*: //p' <<<"$out")
check "its file is for root alone" equals "$(stat -c %a:%u /tmp/h2.join)" 600:0
check "and holds no open key" sh -c '! grep -q "BEGIN PRIVATE KEY" /tmp/h2.join'
old() { sandbox-host h2 env LDAPTLS_CACERT=/etc/denshi/old/ca.pem LDAPTLS_CERT=/etc/denshi/old/host.pem LDAPTLS_KEY=/etc/denshi/old/host.key "$@"; }
run old ldapsearch -Q -Y EXTERNAL -LLL -H $uri -b ou=people,o=acme uid
check "the old certificate is worth nothing" says_not 'd-maker01' ''
run sandbox-host h2 denshi setup --join /tmp/h2.join --yes --password-fd 3 3<<<"abcd-abcd-abcd-abcd"
check "a wrong passphrase" says 'join-wrong-passphrase' ''
sed 's/sandbox.denshi.test/h1.denshi.test/' /tmp/h2.join >/tmp/forged.join && chmod 600 /tmp/forged.join
run sandbox-host h2 denshi setup --join /tmp/forged.join --yes --password-fd 3 3<<<"$passphrase"
check "a file that was changed on the way" says 'join-wrong-passphrase' ''
run sandbox-host h2 denshi setup --join /tmp/h2.join --dry-run --password-fd 3 3<<<"$passphrase"
check "shown first" says 'h2.denshi.test.*acme' ''
check "and nothing done" sandbox-host h2 sh -c '! ls /etc/denshi/tls 2>/dev/null'
# What an administrator has set: in the way where it says that this is another host, or nothing at all.
join_beside() { # SETTING: join where denshi.conf has it
	sandbox-host h2 sh -c "printf '%s\n' '$1' >>/etc/denshi/denshi.conf"
	run sandbox-host h2 denshi setup --join /tmp/h2.join --yes --password-fd 3 3<<<"$passphrase"
}
for set in 'uri = "ldaps://elsewhere.example";' 'organisation = "other";' 'tls_key = "/etc/ssl/host.key";'; do
	join_beside "$set"
	check "${set%% *} is another's: refused, and named" says "says ${set%%;*}, and the join file" ''
	check "and kept" sandbox-host h2 grep -qxF "$set" /etc/denshi/denshi.conf
	sandbox-host h2 sed -i '$d' /etc/denshi/denshi.conf
done
join_beside 'worker = 3;'
check "a wrong setting: refused, and named" says 'denshi.conf:[0-9]+.*worker' ''
sandbox-host h2 sed -i '$d' /etc/denshi/denshi.conf
check "nothing done by any of these" sandbox-host h2 sh -c '! ls /etc/denshi/tls 2>/dev/null && ! grep -q ^organisation /etc/denshi/denshi.conf'
sandbox-host h2 sh -c "printf 'max_drop = 30; # ours\nhost = \"h2.denshi.test\";\nlanguage = \"ja\";\n' >>/etc/denshi/denshi.conf"
run sandbox-host h2 denshi setup --join /tmp/h2.join --yes --password-fd 3 3<<<"$passphrase"
check "joined" done_well
run sandbox-host h2 denshi setup --join /tmp/h2.join --yes --password-fd 3 3<<<"$passphrase"
check "what was set before stays" sandbox-host h2 sh -c 'grep -qx "max_drop = 30; # ours" /etc/denshi/denshi.conf && grep -qx "language = \"ja\";" /etc/denshi/denshi.conf'
check "and isn't set twice" sandbox-host h2 denshid --check
check "once more: nothing to do, and no harm" says 'joined with this file already' ''
sandbox-service stop denshid-h2
sandbox-service start denshid-h2
log_in h2 d-maker01 "$password"
check "logins again" done_well
echo d-maker01 >&9
exec 9>&-
eval "exec ${searches[1]}>&-"
out=$(timeout 5 cat <&8)
check "on the connection that the old h2 kept it read nothing after it was removed" says_not '^cn:' ''
check "and was told nothing, also after the name was added again" equals "$(grep -c '^No such object' <<<"$out")" 2
exec 8<&-
run denshi host list --json
check "as JSON" says '"description": "second floor"' ''
# At the same time, of one name: one of them is the host.
together=0
for k in 1 2 3; do
	for j in 1 2 3 4; do denshi host add "new$k.denshi.test" --output "/tmp/new$k.$j" >"/tmp/said$k.$j" 2>&1 & wait_for[j]=$!; done
	wait "${wait_for[@]}"
	[ "$(denshi host list | grep -c "^new$k")/$(cat /tmp/said$k.? | grep -c 'host-exists')/$(find /tmp -name "new$k.?" | wc -l)" = 1/3/1 ] ||
		together=$((together + 1))
	denshi host remove "new$k.denshi.test" --yes >/dev/null
done
out=$(cat /tmp/said?.?)
check "four at once, three times: one is added, three are told" equals $together 0
rm -f /tmp/new?.? /tmp/said?.?

# ---- a list of servers ----
# The first of them isn't there yet; the second takes the changes.
sandbox-host h2 sed -i -e 's|^uri = .*|uri = "ldaps://sandbox.denshi.test:1636 ldaps://sandbox.denshi.test";|' \
	-e '$a writer = "ldaps://sandbox.denshi.test";' /etc/denshi/denshi.conf
sandbox-service stop denshid-h2
sandbox-service start denshid-h2
log_in h2 d-maker01 "$password"
check "the first of the list is away: logins at the writer" done_well
run runuser -u d-master1 -- denshi authority give d-maker01 acct.002-7654321 --yes --password-fd 0 <<<"$(approval_of d-master1)"
check "the second is followed" await 5 sandbox-host h2 sh -c 'id d-maker01 | grep -q acct.002-7654321'
check "the host that was added again anchors below its new entry" await 5 sh -c "$(declare -f anchors)
	anchors | grep -q '^dn: cn=[0-9]*,cn=h2.denshi.test[+]denshiHostId='"
run sandbox-host h2 denshi log --verify
check "and verifies that" says 'are whole: .* [1-9][0-9]* user updates' ''
# Another process on the same data: for reading, it is another server.
sandbox-service new slapd-first sandbox openldap slapd -F $state/directory/config -h ldaps://:1636/ -d stats
check "the first comes: h2 returns to it" \
	await 30 grep -q 'conn=\([0-9]*\) .*SRCH base="ou=published,o=acme"' "$DENSHI_SANDBOX/slapd-first.log"
log_in h2 d-maker01 "$password"
check "and logs in as before" done_well
sandbox-service stop slapd-first
rm -f /tmp/h2.join /tmp/forged.join /tmp/user.pem /tmp/user.key /tmp/whoami
summary
