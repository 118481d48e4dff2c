#!/bin/bash
# Certificate, then password, on a terminal (R-LOGIN-1, R-LOGIN-2): denshi-prove signs with the
# user's file or token. What fails has a message of its own, asks no password and counts nothing.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/services.sh
. "$here/services.sh"
certs=$DENSHI_SANDBOX/certs
pin=chikuwa7
user=d-maker01
password=$(login_of $user)
ask_pin='PIN of your certificate: $'
log_in() { converse pamtester denshi-cert "$1" authenticate acct_mgmt; } # USER
home_of() { getent passwd "$1" | cut -d: -f6; }
keep() { # USER FILE [MODE]: as their certificate
	local d
	d=$(home_of "$1")/.denshi
	install -d -m 700 -o "$1" "$(dirname "$d")" "$d"
	install -m "${3:-600}" -o "$1" "$2" "$d/certificate.p12"
}
refused_unasked() { # WHAT MESSAGE
	check "$1: refused" refused
	check "$1: the message" says "$2" ''
	check "$1: no password was asked" says_not 'Login password' ''
}

answers
log_in $user
refused_unasked "no certificate at all" 'cert-none-shown'
log_in d-nobody1
refused_unasked "a name that nobody has" 'cert-none-shown'

keep $user "$certs/$user.p12"
answers "$ask_pin" $pin "$ask_password" "$password"
log_in $user
check "certificate, then password: in" done_well
check "and the account phase knows of the proof" says 'account management done' ''
answers "$ask_pin" $pin "$ask_password" wrong-1
log_in $user
check "a wrong password after it counts" equals "$(taken $user)" 1
clear_attempts $user
answers
converse pamtester denshi-cert $user acct_mgmt
refused_unasked "an account phase without the proof" 'cert-none-shown'
run pamtester -I rhost=192.0.2.7 denshi-cert $user authenticate </dev/null
refused_unasked "somebody elsewhere" 'cert-none-shown'
run runuser -u nobody -- pamtester denshi-cert $user authenticate </dev/null
refused_unasked "a program that isn't root's" 'cert-none-shown'

answers "$ask_pin" falsch99
log_in $user
refused_unasked "a wrong PIN" 'cert-pin-wrong'
keep $user "$certs/d-appr001.p12"
answers "$ask_pin" $pin
log_in $user
refused_unasked "somebody else's certificate" 'cert-wrong-subject'
head -c 100 "$certs/$user.p12" >"$DENSHI_SANDBOX/cut.p12"
keep $user "$DENSHI_SANDBOX/cut.p12"
log_in $user
refused_unasked "half a file" 'cert-bad'
keep $user "$certs/$user.p12" 644
answers
log_in $user
refused_unasked "a file that others can read" 'cert-bad.*|unsafe'
# The same name, from a CA of their own.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$DENSHI_SANDBOX/own.key" -subj "/O=acme/CN=$user" \
	-addext extendedKeyUsage=clientAuth -out "$DENSHI_SANDBOX/own.crt" 2>/dev/null
openssl pkcs12 -export -inkey "$DENSHI_SANDBOX/own.key" -in "$DENSHI_SANDBOX/own.crt" -passout pass:$pin \
	-out "$DENSHI_SANDBOX/own.p12"
keep $user "$DENSHI_SANDBOX/own.p12"
answers "$ask_pin" $pin
log_in $user
refused_unasked "a certificate of another CA" 'cert-wrong-ca'
check "nothing of that counted" equals "$(taken $user)" 0

# ---- su, a setuid program, by a user who isn't root ----
cp /etc/pam.d/denshi-cert /etc/pam.d/su
keep $user "$certs/$user.p12"
answers "$ask_pin" $pin "$ask_password" "$password"
converse runuser -u nobody -- su $user -c 'id -un'
check "su: certificate, then password" says 'd-maker01' ''

# ---- a PKCS#11 token ----
tokens=/var/lib/denshi-tokens
install -d -m 700 -o $user $tokens
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' $tokens >/etc/softhsm/softhsm2.conf
chmod 755 /etc/softhsm
chmod 644 /etc/softhsm/softhsm2.conf
openssl pkcs12 -in "$certs/$user.p12" -passin pass:$pin -nocerts -nodes 2>/dev/null | openssl pkcs8 -topk8 -nocrypt \
	>"$DENSHI_SANDBOX/token.key"
openssl pkcs12 -in "$certs/$user.p12" -passin pass:$pin -clcerts -nokeys 2>/dev/null |
	openssl x509 -outform der >"$DENSHI_SANDBOX/token.crt"
install -m 600 -o $user "$DENSHI_SANDBOX/token.key" "$DENSHI_SANDBOX/token.crt" "$(home_of $user)"
token() { runuser -u $user -- "$@" >>"$DENSHI_SANDBOX/token.log" 2>&1; }
token softhsm2-util --init-token --free --label denshi --pin 4711 --so-pin 4712
token softhsm2-util --import "$(home_of $user)/token.key" --token denshi --label login --id 01 --pin 4711
token pkcs11-tool --module "$(find /usr/lib -name libsofthsm2.so | head -n 1)" --login --pin 4711 --write-object "$(home_of $user)/token.crt" \
	--type cert --id 01 --label login
echo 'pkcs11:token=denshi;object=login' >"$(home_of $user)/.denshi/token"
chown $user "$(home_of $user)/.denshi/token"
rm "$(home_of $user)/.denshi/certificate.p12"
answers "$ask_pin" 4711 "$ask_password" "$password"
log_in $user
check "a token: in" done_well
answers "$ask_pin" 4700
log_in $user
refused_unasked "a token, a wrong PIN" 'cert-pin-wrong'
openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256 -out "$(home_of $user)/token.key" 2>/dev/null
token softhsm2-util --import "$(home_of $user)/token.key" --token denshi --label mixed --id 02 --pin 4711
token pkcs11-tool --module "$(find /usr/lib -name libsofthsm2.so | head -n 1)" --login --pin 4711 --write-object "$(home_of $user)/token.crt" \
	--type cert --id 02 --label mixed
echo 'pkcs11:token=denshi;object=mixed' >"$(home_of $user)/.denshi/token"
answers "$ask_pin" 4711
log_in $user
refused_unasked "a token whose key is another one's" 'cert-key-mismatch'
echo 'pkcs11:token=elsewhere' >"$(home_of $user)/.denshi/token"
answers "$ask_pin" 4711
log_in $user
refused_unasked "no such token" 'cert-bad'
rm "$(home_of $user)/.denshi/token"

# ---- revoked ----
keep $user "$certs/$user.p12"
as_master cert revoke $user --reason lost >/dev/null
answers "$ask_pin" $pin
log_in $user
refused_unasked "revoked" 'cert-revoked'
check "nothing of that counted, either" equals "$(taken $user)" 0
check "no helper is left behind" sh -c '! pgrep -x denshi-prove'
summary
