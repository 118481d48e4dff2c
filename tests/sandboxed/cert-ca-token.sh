#!/bin/bash
# The CA's key in a PKCS#11 token (R-CERT-5): made there, signs there, takes the place of a key in a file and is
# replaced by one; nothing is lost where the token is away, or by kill -9. softhsm2. 40 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/services.sh
. "$here/services.sh"
work=$DENSHI_SANDBOX/ca-token
state=/var/lib/denshi-server/ca store=/var/lib/denshi-hsm
pin=4711
mkdir "$work"
install -d -m 700 -o denshi-ca $store
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' $store >/etc/softhsm/softhsm2.conf
chmod 755 /etc/softhsm
chmod 644 /etc/softhsm/softhsm2.conf
as_ca() { setpriv --reuid=denshi-ca --regid=denshi-ca --clear-groups "$@"; }
token() { as_ca softhsm2-util --init-token --free --label "$1" --pin $pin --so-pin 4712 >>"$work/log" 2>&1; }
module=$(find /usr/lib -name libsofthsm2.so | head -n 1)
keys() { as_ca pkcs11-tool --module "$module" --token-label "$1" --login --pin $pin --list-objects 2>/dev/null | grep -c '^Private Key'; } # TOKEN
token hsm
(umask 077; echo $pin >"$work/pin"; echo 4700 >"$work/wrong")
folder() { rm -rf "$work/ca"; install -d -m 700 -o denshi-ca "$work/ca"; }
chmod 755 "$work"
ca() { run /usr/sbin/denshi-ca "$1" --org acme --state "$work/ca" --config /nowhere "${@:2}"; }
files() { ls "$work/ca" | xargs; }

# ---- a new one ----
folder
ca init --token hsm
check "without the PIN's file: usage" status_is 2
ca init --token nobody --pin-file "$work/pin"
check "no such token" says 'no such PKCS#11 token' ''
ca init --token hsm --pin-file "$work/wrong"
check "a wrong PIN" says 'wrong PIN' ''
check "nothing was made" equals "$(files)$(keys hsm)" 0
ca init --token hsm --pin-file "$work/pin"
check "made in the token" done_well
check "the folder has no key" equals "$(files)" "ca.pem ca.pin ca.token"
check "one key is in the token" equals "$(keys hsm)" 1
check "the PIN is denshi-ca's alone" equals "$(stat -c %U:%a "$work/ca/ca.pin")" denshi-ca:600
run openssl x509 -in "$work/ca/ca.pem" -noout -text
check "P-384" says secp384r1 ''
run openssl verify -check_ss_sig -CAfile "$work/ca/ca.pem" "$work/ca/ca.pem"
check "signed by itself, in the token" done_well
ca init --token hsm --pin-file "$work/pin"
check "not twice" refused
check "and what was made for nothing is removed" equals "$(keys hsm)" 1

# ---- from the token to a file ----
ca succeed
check "a key in a file succeeds" done_well
check "both are there" equals "$(files)" "ca.key ca.pem former.pem former.pin former.token"

# ---- from a file to the token, killed at every step ----
cc -shared -fPIC -o "$work/killer.so" "$here/killer.c" -ldl || exit 2
chmod 755 "$work/killer.so"
bad=0 killed=0
for ((n = 1; n < 100000; n += n < 30 ? 1 : 151)); do
	folder
	/usr/sbin/denshi-ca init --org acme --state "$work/ca" --config /nowhere >/dev/null
	cp "$work/ca/ca.key" "$work/before"
	LD_PRELOAD="$work/killer.so" KILL_AT=$n /usr/sbin/denshi-ca succeed --org acme --state "$work/ca" --config /nowhere --token hsm \
		--pin-file "$work/pin" >/dev/null 2>&1
	rc=$?
	[ $rc != 0 ] || break
	killed=$((killed + 1))
	ca succeed --token hsm --pin-file "$work/pin"
	done_well || says 'still trusted' '' || { echo "step $n: $out"; bad=$((bad + 1)); }
	[ "$(files)" = "ca.pem ca.pin ca.token former.key former.pem" ] || { echo "step $n: $(files)"; bad=$((bad + 1)); }
	cmp -s "$work/ca/former.key" "$work/before" || { echo "step $n: the old key is lost"; bad=$((bad + 1)); }
done 2>/dev/null
echo "denshi-ca succeed --token: killed at $killed steps; ends at step $n"
check "there are steps" test $killed -ge 15
check "whatever ends it, the next run ends it well" equals $bad 0

# ---- the organisation's ----
sandbox-service stop denshi-ca
run /usr/sbin/denshi-ca succeed --token hsm --pin-file "$work/pin"
check "the organisation's key moves into the token" done_well
sandbox-service start denshi-ca
check "hosts trust both" await 10 sh -c '[ $(grep -c BEGIN /var/lib/denshi/ca.pem) = 2 ] && [ $(grep -c BEGIN /var/lib/denshi/crl.pem) = 2 ]'
user=d-appr001
get() { # in the folder of this test
	run sh -c "cd $work && exec denshi cert get --login $user --output c.p12 --pem c.pem --password-fd 3 --pin-fd 4 3<<-A 4<<-B
	$(login_of $user)
	A
	chikuwa7
	B"
}
grant() { runuser -u d-master1 -- denshi cert grant $user --yes >/dev/null; as_master user-update --yes >/dev/null; }
grant
get
check "a certificate" done_well
run openssl verify -CAfile $state/ca.pem -crl_check -CRLfile /var/lib/denshi/crl.pem "$work/c.pem.crt"
check "and the list are signed in the token" done_well
d=$(getent passwd $user | cut -d: -f6)/.denshi
install -d -m 700 -o $user "$(dirname "$d")" "$d"
install -m 600 -o $user "$work/c.p12" "$d/certificate.p12"
answers 'PIN of your certificate: $' chikuwa7 "$ask_password" "$(login_of $user)"
converse pamtester denshi-cert $user authenticate acct_mgmt
check "it lets in" done_well
as_master cert revoke $user --reason lost >/dev/null
check "a revocation is listed" await 5 listed "$(serial_of "$work/c.pem.crt")"

# ---- the token is away ----
rm "$work"/c.p*
sandbox-service stop denshi-ca
mv $store $store.away
: >"$DENSHI_SANDBOX/denshi-ca.log"
sandbox-service start denshi-ca
check "told in the log" await 10 grep -q 'failed what=key' "$DENSHI_SANDBOX/denshi-ca.log"
grant
get
check "a user is told that the CA is silent" says ca-silent ''
mv $store.away $store
sandbox-service stop denshi-ca
sandbox-service start denshi-ca
get
check "back again: the same command goes on" done_well
run openssl verify -CAfile $state/ca.pem "$work/c.pem.crt"
check "and has its certificate" done_well

# ---- it is taken away while denshi-ca runs ----
rm "$work"/c.p*
: >"$DENSHI_SANDBOX/denshi-ca.log"
mv $store $store.away
grant
get
check "taken away: no request is refused" says ca-silent ''
check "told in the log" grep -q 'failed what=sign' "$DENSHI_SANDBOX/denshi-ca.log"
check "denshi-ca ends, to be started again" await 10 sh -c "! kill -0 \$(cat $DENSHI_SANDBOX/denshi-ca.pid) 2>/dev/null"
mv $store.away $store
sandbox-service start denshi-ca
get
check "back again: the same command goes on" done_well
summary
