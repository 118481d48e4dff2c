#!/bin/bash
# One CA after another (R-CERT-5): a new key beside the old one, both trusted until the old one's last certificate has
# ended; killed at every step of the change, a pair is whole and the next run ends it; backup and restore have both. 40 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/services.sh
. "$here/services.sh"
work=$DENSHI_SANDBOX/rollover
state=/var/lib/denshi-server/ca
certs=$DENSHI_SANDBOX/certs
ca=/var/lib/denshi/ca.pem crl=/var/lib/denshi/crl.pem
pin=chikuwa7
mkdir "$work"
cp $state/ca.pem "$work/old.pem"
number_of() { grep -c "^-----BEGIN $2" "$1"; } # FILE KIND
key_id() { openssl x509 -in "$1" -noout -ext "$2" | tail -n 1 | tr -d ' ' | sed 's/^keyid://'; } # FILE EXTENSION
is_by() { [ "$(key_id "$1" authorityKeyIdentifier)" = "$(key_id "$2" subjectKeyIdentifier)" ]; } # CERTIFICATE CA
log_in() { converse pamtester denshi-cert "$1" authenticate acct_mgmt; } # USER
keep() { # USER FILE
	local d
	d=$(getent passwd "$1" | cut -d: -f6)/.denshi
	install -d -m 700 -o "$1" "$(dirname "$d")" "$d"
	install -m 600 -o "$1" "$2" "$d/certificate.p12"
}
let_in() { # WHAT USER
	answers 'PIN of your certificate: $' $pin "$ask_password" "$(login_of "$2")"
	log_in "$2"
	check "$1" done_well
}
get() { # USER NAME
	runuser -u d-master1 -- denshi cert grant "$1" --yes >/dev/null
	as_master user-update --yes >/dev/null
	run sh -c "cd $work && exec denshi cert get --login $1 --output $2.p12 --pem $2.pem --password-fd 3 --pin-fd 4 3<<-A 4<<-B
	$(login_of "$1")
	A
	$pin
	B"
}

# ---- killed at every step: beside the one in use, in a folder of its own ----
cc -shared -fPIC -o "$work/killer.so" "$here/killer.c" -ldl || exit 2
bad=0 killed=0
for ((n = 1; n <= 60; n++)); do
	rm -rf "$work/ca"
	mkdir "$work/ca"
	/usr/sbin/denshi-ca init --org acme --state "$work/ca" --config /nowhere >/dev/null
	cp "$work/ca/ca.key" "$work/before"
	env LD_PRELOAD="$work/killer.so" KILL_AT=$n /usr/sbin/denshi-ca succeed --org acme --state "$work/ca" --config /nowhere >/dev/null 2>&1
	rc=$?
	[ $rc != 0 ] || break
	killed=$((killed + 1))
	/usr/sbin/denshi-ca succeed --org acme --state "$work/ca" --config /nowhere >"$work/log" 2>&1 || grep -q 'still trusted' "$work/log" ||
		{ echo "step $n: $(cat "$work/log")"; bad=$((bad + 1)); }
	for f in ca former; do
		[ "$(openssl pkey -in "$work/ca/$f.key" -pubout)" = "$(openssl x509 -in "$work/ca/$f.pem" -noout -pubkey)" ] ||
			{ echo "step $n: $f is no pair"; bad=$((bad + 1)); }
	done
	cmp -s "$work/ca/former.key" "$work/before" || { echo "step $n: the old key is lost"; bad=$((bad + 1)); }
	[ "$(ls "$work/ca" | wc -l)" = 4 ] || { echo "step $n: $(ls "$work/ca" | xargs)"; bad=$((bad + 1)); }
done
echo "denshi-ca succeed: killed at $killed steps"
check "there are steps" test $killed -ge 8
check "both pairs are whole, none is lost, nothing else stays" equals $bad 0

# ---- the change ----
user=d-maker01 other=d-appr001
keep $user "$certs/$user.p12"
let_in "by the old CA: in" $user
sandbox-service stop denshi-ca
run /usr/sbin/denshi-ca succeed
check "a new CA" done_well
check "the key's owner and mode" equals "$(stat -c %U:%a $state/ca.key $state/former.key | xargs)" "denshi-ca:600 denshi-ca:600"
check "the old one is kept" cmp -s $state/former.pem "$work/old.pem"
check "both have one name" equals "$(openssl x509 -in $state/ca.pem -noout -subject)" "$(openssl x509 -in $state/former.pem -noout -subject)"
run /usr/sbin/denshi-ca succeed
check "not twice" says 'still trusted' ''
sandbox-service start denshi-ca
check "hosts trust both" await 10 sh -c "[ \$(grep -c BEGIN $ca) = 2 ] && [ \$(grep -c BEGIN $crl) = 2 ]"
check "the lists are of both" sh -c "openssl crl -in $crl -CAfile $state/ca.pem -noout 2>&1 | grep -q OK &&
	sed '1,/END/d' $crl | openssl crl -CAfile $state/former.pem -noout 2>&1 | grep -q OK"
let_in "a certificate of the old CA still is good" $user
get $other new
check "the next certificate" done_well
check "is by the new one" is_by "$work/new.pem.crt" $state/ca.pem
check "its file has the new CA's" equals \
	"$(openssl pkcs12 -in "$work/new.p12" -passin pass:$pin -cacerts -nokeys 2>/dev/null | openssl x509 -noout -fingerprint)" \
	"$(openssl x509 -in $state/ca.pem -noout -fingerprint)"
keep $other "$work/new.p12"
let_in "a certificate of the new CA: in" $other
for f in "$certs/$user.pem.crt" "$work/new.pem.crt"; do
	run openssl verify -CAfile $ca -crl_check -CRLfile $crl -purpose sslclient "$f"
	check "openssl: good by the one file of both: ${f##*/}" done_well
done

# ---- nginx, with the same two files ----
start_nginx_for_holders "$ca" "$crl"
await 10 page "$certs/$user.pem"
check "nginx: the old CA's" equals "$(page "$certs/$user.pem")" 200
check "nginx: the new CA's" equals "$(page "$work/new.pem")" 200

# ---- revoked under either ----
serial=$(openssl x509 -in "$certs/$user.pem.crt" -noout -serial | cut -d= -f2)
as_master cert revoke $user --reason 'lost' >/dev/null
answers 'PIN of your certificate: $' $pin
log_in $user
check "revoked: refused" says cert-revoked ''
check "the old CA's list has it" await 5 sh -c "sed '1,/END/d' $crl | openssl crl -noout -text | grep -qi $serial"
kill -HUP $nginx
check "nginx refuses it" await 5 sh -c "[ \$(curl -sk -o /dev/null -w '%{http_code}' --cert $certs/$user.pem.crt --key $certs/$user.pem \
	https://127.0.0.1:8443/) = 400 ]"
check "and takes the new CA's" equals "$(page "$work/new.pem")" 200
kill $nginx

# ---- a backup has both ----
run denshi directory backup --with-ca-key "$work/backup"
check "backup" done_well
run denshi directory restore --state "$work/drill" --config "$work/drill.conf" --yes "$work/backup"
check "restored aside" done_well
for f in ca.key ca.pem former.key former.pem; do
	check "with $f" cmp -s $state/$f "$work/drill/ca/$f"
done
check "its key is its owner's alone" equals "$(stat -L -c %U:%a "$work/drill/ca/former.key")" denshi-ca:600

# ---- the end of the old one ----
end() { # DAYS
	sandbox-service stop denshi-ca
	LD_PRELOAD=$work/clock.so CLOCK_OFFSET=$(($1 * 86400)) sandbox-service start denshi-ca
	await 10 grep -q 'ready' "$DENSHI_SANDBOX/denshi-ca.log"
}
cc -shared -fPIC -o "$work/clock.so" "$here/clock.c" || exit 2
chmod 755 "$work" "$work/clock.so"
: >"$DENSHI_SANDBOX/denshi-ca.log"
end 360
check "while a certificate of it is in force, it stays" test -e $state/former.key
: >"$DENSHI_SANDBOX/denshi-ca.log"
end 366
check "then it is given up" await 10 sh -c "! test -e $state/former.key && ! test -e $state/former.pem"
check "its files are gone" equals "$(ls $state | xargs)" "ca.key ca.pem"
check "told in the log" grep -q 'former-ended' "$DENSHI_SANDBOX/denshi-ca.log"
check "hosts trust the new one alone" await 10 sh -c "[ \$(grep -c BEGIN $ca) = 1 ] && [ \$(grep -c BEGIN $crl) = 1 ] && cmp -s $ca $state/ca.pem"
check "and a next change can come" /usr/sbin/denshi-ca succeed
summary
