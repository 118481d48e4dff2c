#!/bin/bash
# Renewal (R-CERT-4): from 30 days before the end, with the key before and the login password, without a
# master; the login says when it is time. The key before is denshi-ca's to check, not a host's. 20 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/services.sh
. "$here/services.sh"
work=$DENSHI_SANDBOX/renew
certs=$DENSHI_SANDBOX/certs
user=d-maker01
pin=chikuwa7
password=$(login_of $user)
mkdir "$work"
cp "$certs/$user.p12" "$work/"
renew() { # [PASSWORD]
	run sh -c "cd $work && exec denshi cert renew $user.p12 --pem new.pem --password-fd 3 --pin-fd 4 3<<-A 4<<-B
	${1:-$password}
	A
	$pin
	B"
}
serial() { # which the directory has last
	denshi_root cert list $user --json | grep -o '"certificate_serial": "[0-9a-f][0-9a-f]*"' | tail -n 1 | cut -d'"' -f4
}
denshi_root() { runuser -u d-master1 -- denshi "$@"; }
grants() { denshi_root cert list $user --json | grep -o '"state": "[a-z]*"' | cut -d'"' -f4 | xargs; }
log_in() { converse pamtester "${1:-denshi}" $user authenticate open_session close_session; }

renew
check "too early" says 'cert-not-due' ''
check "and from when on" says 'can be renewed from 20[0-9-]*' ''
answers "$ask_password" "$password"
log_in
check "the login doesn't mention it" says_not 'cert renew' 'cert renew'

# ---- 340 days on, for denshid and denshi-ca ----
cc -shared -fPIC -o "$work/clock.so" "$here/clock.c" || exit 2
chmod 755 "$work" "$work/clock.so"
later() { # DAYS
	local s
	for s in denshid denshi-ca; do
		sandbox-service stop $s
		LD_PRELOAD=$work/clock.so CLOCK_OFFSET=$(($1 * 86400)) sandbox-service start $s
	done
	await 10 getent passwd $user
}
later 340
answers "$ask_password" "$password"
log_in
check "near the end, the login says so" says 'denshi cert renew d-maker01.p12' ''

# ---- the password alone renews nothing ----
renew wrong-password
check "a wrong password" says 'login-wrong' ''
check "counts" equals "$(taken $user)" 1
clear_attempts $user
cp "$certs/d-appr001.p12" "$work/other.p12"
run sh -c "cd $work && denshi cert renew other.p12 --output x.p12 --password-fd 3 --pin-fd 4 3<<-A 4<<-B
	$password
	A
	$pin
	B"
check "with another's file it is for the other, whose password it isn't" refused
clear_attempts d-appr001
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/own.key" -subj "/O=acme/CN=$user" \
	-addext extendedKeyUsage=clientAuth -out "$work/own.crt" 2>/dev/null
openssl pkcs12 -export -inkey "$work/own.key" -in "$work/own.crt" -passout pass:$pin -out "$work/own.p12"
chmod 600 "$work/own.p12"
run sh -c "cd $work && denshi cert renew own.p12 --output x.p12 --password-fd 3 --pin-fd 4 3<<-A 4<<-B
	$password
	A
	$pin
	B"
check "a key that isn't the one on record" says 'cert-proof-bad' ''
check "nothing of it stays" equals "$(cd "$work" && echo x.p12*)" 'x.p12*'

# Past denshid: whoever has the password and the directory writes what they like; denshi-ca looks itself.
forge() { # NAME REQUEST.der
	printf 'dn: cn=%s,ou=certificates,o=acme\nobjectClass: denshiGrant\ncn: %s\ndenshiOwner: uid=%s,ou=people,o=acme\ndenshiGrantedBy: uid=%s,ou=people,o=acme\ndenshiExpires: 20991231000000Z\ndenshiSigningRequest:: %s\n' \
		"$1" "$1" $user $user "$(base64 -w 0 "$2")" |
		ldapadd -x -D "uid=$user,ou=people,o=acme" -w "$password" -H "$DENSHI_LDAP_URI" 2>&1
}
answer_to() { # NAME
	ldapsearch -LLL -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" -o ldif-wrap=no -s base -b "cn=$1,ou=certificates,o=acme" denshiRefused denshiCertificateSerial |
		grep -v '^dn:'
}
openssl req -new -key "$work/own.key" -subj "/CN=$user" -outform der -out "$work/plain.der" 2>/dev/null
run forge $user-r1 "$work/plain.der"
check "a request in one's own name can be written" done_well
await 5 sh -c "ldapsearch -LLL -Q -Y EXTERNAL -H '$DENSHI_LDAP_URI' -s base -b cn=$user-r1,ou=certificates,o=acme denshiRefused | grep -q Refused"
out=$(answer_to $user-r1)
check "denshi-ca refuses it without the proof" says "denshiRefused: it can't be renewed: malformed" ''
check "and signs nothing" says_not Serial Serial
openssl cms -sign -binary -nodetach -in "$work/plain.der" -signer "$work/own.crt" -inkey "$work/own.key" -outform der -out "$work/forged.der"
forge $user-r2 "$work/forged.der" >/dev/null
await 5 sh -c "ldapsearch -LLL -Q -Y EXTERNAL -H '$DENSHI_LDAP_URI' -s base -b cn=$user-r2,ou=certificates,o=acme denshiRefused | grep -q Refused"
out=$(answer_to $user-r2)
check "nor with a proof by another key" says "denshiRefused: it can't be renewed: signature is wrong" ''

# ---- the renewal ----
before=$(serial)
renew
check "renewed, without a master" done_well
new=$(openssl x509 -in "$work/new.pem.crt" -noout -serial | cut -d= -f2 | tr A-F a-f)
check "another certificate" test "$(serial)" != "$before"
check "the one in the file" equals "$(serial)" "$new"
check "under the same PIN" openssl pkcs12 -in "$work/$user.renewed.p12" -passin pass:$pin -noout
check "with a new key" test "$(openssl pkey -in "$work/new.pem" -pubout)" != "$(openssl pkey -in "$certs/$user.pem" -pubout)"
check "the file before is still there" test -f "$work/$user.p12"
check "no key waits" test ! -e "$work/$user.renewed.p12.waiting"
check "the one before is on the list within 5 s" await 5 sh -c \
	"openssl crl -in /var/lib/denshi/crl.pem -noout -text | grep -A 6 -i $before | grep -q Superseded"
home=$(getent passwd $user | cut -d: -f6)
install -d -m 700 -o $user "$home" "$home/.denshi"
install -m 600 -o $user "$work/$user.renewed.p12" "$home/.denshi/certificate.p12"
answers 'PIN of your certificate: $' $pin "$ask_password" "$password"
log_in denshi-cert
check "logs in" done_well
install -m 600 -o $user "$work/$user.p12" "$home/.denshi/certificate.p12"
answers 'PIN of your certificate: $' $pin
log_in denshi-cert
check "the one before doesn't" says cert-superseded ''

# ---- killed at each step from the key on: the next run has it ----
cc -shared -fPIC -o "$work/killer.so" "$here/killer.c" -ldl || exit 2
cp "$certs/d-appr001.p12" "$work/appr.p12"
once() { # ENVIRONMENT...
	(cd "$work" && env "$@" denshi cert renew appr.p12 --password-fd 3 --pin-fd 4 3<<<"$(login_of d-appr001)" 4<<<$pin)
}
# The certificate was renewed, or the key that waits goes on; never a key lost.
killed=0 runs=0
while [ ! -f "$work/appr.renewed.p12" ] && [ $runs -lt 60 ]; do
	runs=$((runs + 1))
	once LD_PRELOAD="$work/killer.so" KILL_AT=$((4 + runs)) >"$work/once.log" 2>&1
	[ $? = 137 ] && killed=$((killed + 1))
done
once A=b >"$work/once.log" 2>&1
check "killed again and again, it is renewed in the end" openssl pkcs12 -in "$work/appr.renewed.p12" -passin pass:$pin -noout
check "in steps" test $killed -ge 5
shown=$(openssl pkcs12 -in "$work/appr.renewed.p12" -passin pass:$pin -clcerts -nokeys 2>/dev/null | openssl x509 -noout -serial | cut -d= -f2 | tr A-F a-f)
check "the file has the one on record" equals "$shown" \
	"$(denshi_root cert list d-appr001 --json | grep -o '"certificate_serial": "[0-9a-f][0-9a-f]*"' | tail -n 1 | cut -d'"' -f4)"

# ---- after the end, and after a revocation, a master is needed ----
later 0 # where the master's approval password is in force
as_master cert revoke $user --reason lost >/dev/null
later 340
run sh -c "cd $work && denshi cert renew $user.renewed.p12 --output y.p12 --password-fd 3 --pin-fd 4 3<<-A 4<<-B
	$password
	A
	$pin
	B"
check "a revoked one isn't renewed" says 'cert-revoked' ''
later 366
run sh -c "cd $work && denshi cert renew $certs/d-plain01.p12 --output z.p12 --password-fd 3 --pin-fd 4 3<<-A 4<<-B
	$(login_of d-plain01)
	A
	$pin
	B"
check "nor an expired one" says 'cert-expired' ''
summary
